"""A fast clock that stands until the test lets it run."""

from __future__ import annotations

import datetime as dt

from daemon.eventually import eventually
from duly.time.clock import FastClock

START = dt.datetime(2024, 3, 4, 1, tzinfo=dt.UTC)
DAY = 86_400.0


def standing_clock() -> FastClock:
    """Make a clock at a day a second that stands at `START` until “the test” has another appointment, or none."""
    clock = FastClock(START - dt.timedelta(hours=1), DAY)
    clock.appoint("the test", START)
    eventually(lambda: clock.now() == START)
    return clock
