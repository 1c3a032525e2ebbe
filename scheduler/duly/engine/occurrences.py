"""The occurrences of a step that repeats: which one is next, and which is the latest that has come."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from duly.ledger.firings import SETTLED, Firing
from duly.time.repeat import Series

Fired = Mapping[tuple[str, int], Firing]
"""What has fired for one case, by (step, occurrence)."""

_JUST = dt.timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time at which a step comes.

    Parameters
    ----------
    number: what the ledger knows it by; the first is number 0.
    passed: how many before it have come as well, and are overtaken by it.
    """

    number: int
    moment: dt.datetime
    passed: int = 0


class Occurrences:
    """What is left of a step that repeats.

    It goes on after the last that has fired, so that a due time or a zone that moves takes along only what is to come.

    Parameters
    ----------
    series: when the step comes.
    end: from when on it does not; ``None`` for no such end.
    last: its last firing; one that was cancelled comes again.
    not_before: until when it rests; the times that come meanwhile do not count.
    """

    def __init__(
        self, series: Series, end: dt.datetime | None, last: Firing | None, not_before: dt.datetime | None = None
    ) -> None:
        self._series = series
        self._end = end
        self._number, since = 0, series.first
        if last is not None:
            comes_again = last.state == "cancelled"
            self._number = last.occurrence if comes_again else last.occurrence + 1
            since = last.moment if comes_again else last.moment + _JUST
        self._index, self._moment = series.first_from(since)
        if not_before is not None and not_before > self._moment:
            self._index, self._moment = series.first_from(not_before)

    @property
    def next(self) -> Occurrence | None:
        """The next occurrence; ``None`` when none is left."""
        times = self._series.repeat.times
        is_over = (times is not None and self._number >= times) or (self._end is not None and self._moment >= self._end)
        return None if is_over else Occurrence(self._number, self._moment)

    def latest(self, now: dt.datetime) -> Occurrence | None:
        """The latest occurrence that has come by ``now``; before any has, the next one."""
        if self.next is None or self._moment > now:
            return self.next
        return self._up_to(now)

    @property
    def final(self) -> Occurrence | None:
        """The last occurrence there will be; of one without an end, the next."""
        repeat = self._series.repeat
        if self.next is None or repeat.is_endless:
            return self.next
        if self._end is not None:
            return self._up_to(self._end - _JUST)
        return self._up_to(dt.datetime.max.replace(tzinfo=dt.UTC))

    def _up_to(self, at: dt.datetime) -> Occurrence:
        series, times = self._series, self._series.repeat.times
        if times is not None:
            index = self._index + times - 1 - self._number
            at = min(at, series.at(index))
        if self._end is not None:
            at = min(at, self._end - _JUST)
        index, moment = series.last_until(at)
        passed = index - self._index
        return Occurrence(self._number + passed, moment, passed)


def firings_of(step: str, fired: Fired) -> Iterator[Firing]:
    """Give the firings of one step, whatever their order."""
    return (firing for (identity, _), firing in fired.items() if identity == step)


def last_of(step: str, fired: Fired) -> Firing | None:
    """Find the last firing of a step."""
    return max(firings_of(step, fired), key=lambda firing: firing.occurrence, default=None)


def told_at(step: str, fired: Fired) -> dt.datetime | None:
    """Find when a step was last accepted; one that reached nobody counts from when that was known."""
    settled = [firing for firing in firings_of(step, fired) if firing.state in SETTLED]
    accepted = [firing.accepted_at for firing in settled if firing.accepted_at is not None]
    known = [firing.settled_at for firing in settled if firing.settled_at is not None]
    return max(accepted or known, default=None)
