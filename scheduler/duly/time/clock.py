"""The clock that is handed in: the only place where the time is read."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

from duly.time.zone import UTC, in_utc


class Clock(Protocol):
    """What the engine asks for the time."""

    def now(self) -> dt.datetime:
        """Return the present instant, in UTC."""

    def real(self, at: dt.datetime) -> dt.datetime:
        """Return the instant of the real world at which this clock will show ``at``."""

    def busy(self) -> AbstractContextManager[None]:
        """While somebody is busy, a fast clock stands still, so that its speed never makes anybody late."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> dt.datetime:
        """Return the present instant, in UTC."""
        return dt.datetime.now(UTC)

    def real(self, at: dt.datetime) -> dt.datetime:
        """Return ``at``."""
        return at

    def busy(self) -> AbstractContextManager[None]:
        """Do nothing: the real world does not wait."""
        return nullcontext()


class FastClock:
    """A clock that starts where it is told and runs faster than the real one; threads may share it.

    Parameters
    ----------
    start: the instant it shows first.
    speed: seconds that it counts in one real second, above 0.
    """

    def __init__(self, start: dt.datetime, speed: float) -> None:
        if not speed > 0:
            raise ValueError(f"a clock cannot run at speed {speed:g}: give one above 0")
        self._speed = speed
        self._shown = in_utc(start)
        self._since = time.monotonic()
        self._busy = 0
        self._lock = threading.Lock()

    def now(self) -> dt.datetime:
        """Return the instant that this clock shows, in UTC."""
        with self._lock:
            return self._read()

    def real(self, at: dt.datetime) -> dt.datetime:
        """Return the real instant at which this clock will show ``at``, if nobody is busy until then."""
        return dt.datetime.now(UTC) + (at - self.now()) / self._speed

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Stop the clock until the last of those who are busy is done."""
        with self._lock:
            self._shown = self._read()
            self._busy += 1
        try:
            yield
        finally:
            with self._lock:
                self._busy -= 1
                self._since = time.monotonic()

    def _read(self) -> dt.datetime:
        if self._busy:
            return self._shown
        return self._shown + dt.timedelta(seconds=(time.monotonic() - self._since) * self._speed)


class ManualClock:
    """A clock that stands wherever it is set: for tests, examples and simulation."""

    def __init__(self, at: dt.datetime) -> None:
        self._at = in_utc(at)

    def now(self) -> dt.datetime:
        """Return the instant it was set to."""
        return self._at

    def set(self, at: dt.datetime) -> None:
        """Show ``at`` from now on."""
        self._at = in_utc(at)

    def real(self, at: dt.datetime) -> dt.datetime:
        """Return ``at``: nobody waits for this clock."""
        return at

    def busy(self) -> AbstractContextManager[None]:
        """Do nothing: this clock always stands still."""
        return nullcontext()
