"""How often something comes again: ``daily``, ``workdays up to 3 times``, ``every 2h for 14d``."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from duly.time.duration import Duration, Unit
from duly.time.spelling import plain, quoted
from duly.time.zone import DAY, instant, local

if TYPE_CHECKING:
    from duly.time.calendar import Calendar

_SHORTEST = 60
_MOST = 1000
_SPELLED = re.compile(r"(?P<how>.+?)(?: up to (?P<times>.+?) times?| for (?P<span>.+))?")
_SECOND = dt.timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Repeat:
    """When something comes again after its first time.

    Parameters
    ----------
    written: as it stands in the file, with single spaces; two are equal whatever their spelling.
    every: how long after the last time, in real seconds or in days; ``None`` for the next working day.
    times: how often at the most, the first time included; ``None`` for no such end.
    span: how long from the first time on, its end not included; ``None`` for no such end.
    """

    written: str = field(compare=False)
    every: Duration | None = None
    times: int | None = None
    span: Duration | None = None

    @classmethod
    def parse(cls, text: str) -> Repeat:
        """Read ``daily``, ``workdays`` or ``every 2h``, with ``up to 3 times`` or ``for 14d`` after it.

        Raises
        ------
        ValueError: it says none of this; the sentence names the spelling that does.
        """
        written = plain(text)
        match = _SPELLED.fullmatch(written)
        if match is None:
            raise ValueError(_refusal(written))
        return cls(written, _every(match["how"]), _times(match["times"]), _span(match["span"]))

    @property
    def is_endless(self) -> bool:
        """Whether it goes on for as long as there is a reason to."""
        return self.times is None and self.span is None

    def __str__(self) -> str:
        return self.written


@dataclass(frozen=True, slots=True)
class Series:
    """The times at which something comes that repeats, each with its number: the first is number 0.

    Days keep the wall time: one that the clock skips comes right after the gap, one that it shows twice comes once, the
    first time. Real time runs from the first.

    Parameters
    ----------
    first: when it comes first.
    repeat: how it comes again; the ends that it sets are its owner's to keep.
    wall: the time of day that days keep.
    zone: in which it is that time of day.
    calendar: whose working days count.
    """

    first: dt.datetime
    repeat: Repeat
    wall: dt.time
    zone: ZoneInfo
    calendar: Calendar

    def at(self, number: int) -> dt.datetime:
        """Return the instant at which it comes for the ``number``-th time, counted from 0."""
        every = self.repeat.every
        if number == 0:
            return self.first
        if every is None:
            day = self._first_day
            for _ in range(number):
                day = self._next_workday(day)
            return self._on(day)
        if every.unit is Unit.ELAPSED:
            return self.first + number * every.amount * _SECOND
        return self._on(self._first_day + number * every.amount * DAY)

    def first_from(self, at: dt.datetime) -> tuple[int, dt.datetime]:
        """Return the first number, with its instant, that does not come before ``at``."""
        every = self.repeat.every
        if at <= self.first:
            return 0, self.first
        if every is None:
            return self._first_workday_from(at)
        if every.unit is Unit.ELAPSED:
            number = -((self.first - at) // (every.amount * _SECOND))
            return number, self.at(number)
        days = (local(at, self.zone).date() - self._first_day).days
        number = max(days // every.amount - 1, 1)
        while self.at(number) < at:
            number += 1
        return number, self.at(number)

    def last_until(self, at: dt.datetime) -> tuple[int, dt.datetime]:
        """Return the last number, with its instant, that does not come after ``at``; 0 when even the first does."""
        number, found = self.first_from(at)
        if found > at and number:
            return number - 1, self.at(number - 1)
        return number, found

    @property
    def _first_day(self) -> dt.date:
        return local(self.first, self.zone).date()

    def _on(self, day: dt.date) -> dt.datetime:
        return instant(day, self.wall, self.zone)

    def _next_workday(self, day: dt.date) -> dt.date:
        day += DAY
        while not self.calendar.is_workday(day):
            day += DAY
        return day

    def _first_workday_from(self, at: dt.datetime) -> tuple[int, dt.datetime]:
        day, number = self._next_workday(self._first_day), 1
        while (found := self._on(day)) < at:
            day, number = self._next_workday(day), number + 1
        return number, found


def _every(how: str) -> Duration | None:
    if how == "workdays":
        return None
    if how == "daily":
        return Duration(1, Unit.DAYS, "1d")
    interval = how.removeprefix("every ")
    if interval == how or not interval[:1].isdigit():
        raise ValueError(_refusal(how))
    every = Duration.parse(interval)
    if every.unit not in (Unit.ELAPSED, Unit.DAYS):
        raise ValueError(f"{quoted(how)} is no way to repeat: write “daily”, “workdays” or “every 2h”")
    if every.unit is Unit.ELAPSED and every.amount < _SHORTEST:
        raise ValueError(f"{quoted(how)} is too often: the least is “every 1m”")
    return every


def _times(written: str | None) -> int | None:
    if written is None:
        return None
    if not re.fullmatch("[1-9][0-9]{0,5}", written):
        raise ValueError(f"{quoted(written)} is no number of times: write digits, such as “up to 3 times”")
    if int(written) > _MOST:
        raise ValueError(f"“up to {written} times” is too often: the most is {_MOST}")
    return int(written)


def _span(written: str | None) -> Duration | None:
    if written is None:
        return None
    span = Duration.parse(written)
    if span.unit is Unit.PERCENT or span.amount == 0:
        raise ValueError(f"“for {written}” is no length of time: write a duration such as “14d”")
    return span


def _refusal(how: str) -> str:
    lower = how.lower()
    if lower in ("every day", "everyday", "each day", "1d", "yes", "每天", "每日"):
        return f"{quoted(how)}: Duly says “daily”"
    if lower in ("every workday", "every working day", "working days", "weekdays", "workday", "工作日"):
        return f"{quoted(how)}: Duly says “workdays”"
    if lower in ("hourly", "every hour"):
        return f"{quoted(how)}: Duly says “every 1h”"
    if lower in ("weekly", "every week"):
        return f"{quoted(how)}: Duly says “every 1w”"
    return f"{quoted(how)} does not say how to repeat: write “daily”, “workdays” or “every 2h”"
