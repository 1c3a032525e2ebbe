"""An account of a clock: which stretches of the time from clock to due counted, and in which it stood still."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from duly.time.duration import Duration, Unit
from duly.time.working import WorkingTime

COUNTED, PAUSED, CLOSED = "counted", "paused", "closed"


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of time that counted, or in which the clock was paused, or the team closed.

    Parameters
    ----------
    kind: ``counted``, ``paused`` or ``closed``.
    end: ``None`` while a pause goes on.
    """

    kind: str
    begin: dt.datetime
    end: dt.datetime | None

    @property
    def seconds(self) -> int:
        """How long it is, in real seconds; 0 while it goes on."""
        return int((self.end - self.begin).total_seconds()) if self.end else 0


def account(
    working: WorkingTime,
    duration: Duration,
    clock_at: dt.datetime,
    due_at: dt.datetime,
    paused: Sequence[tuple[dt.datetime, dt.datetime | None]] = (),
) -> list[Stretch]:
    """Account for the time from ``clock_at`` to ``due_at``.

    Parameters
    ----------
    working: the working time that counts, if the duration is of working time.
    duration: what lies between the two.
    paused: when the clock stood still, in order and apart from each other; ``None`` ends what goes on.
    """
    if duration.unit in (Unit.WORKING, Unit.WORKING_DAYS):
        counting = working.spells(clock_at, due_at)
    else:
        counting = iter([(clock_at, due_at)])
    found: list[Stretch] = []
    still = [(max(began, clock_at), ended) for began, ended in paused if ended is None or ended > clock_at]
    for opens, closes in counting:
        found += _without(opens, closes, still)
    found += [Stretch(PAUSED, began, ended) for began, ended in still if began < due_at]
    found.sort(key=lambda stretch: stretch.begin)
    return list(_with_gaps(found, clock_at))


def _without(
    opens: dt.datetime, closes: dt.datetime, still: Sequence[tuple[dt.datetime, dt.datetime | None]]
) -> Iterator[Stretch]:
    """Leave out of one spell what was paused."""
    at = opens
    for began, ended in still:
        if began >= closes:
            break
        if ended is not None and ended <= at:
            continue
        if began > at:
            yield Stretch(COUNTED, at, began)
        at = min(ended, closes) if ended else closes
    if at < closes:
        yield Stretch(COUNTED, at, closes)


def _with_gaps(found: Sequence[Stretch], clock_at: dt.datetime) -> Iterator[Stretch]:
    """Put in between what neither counted nor was paused."""
    at = clock_at
    for stretch in found:
        if stretch.begin > at:
            yield Stretch(CLOSED, at, stretch.begin)
        yield stretch
        at = max(at, stretch.end or stretch.begin)
