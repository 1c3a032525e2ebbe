"""Schedules, and the slots they come up at: the same on every node, for they hang on the wall clock alone."""

from __future__ import annotations

import datetime as dt
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from duly.time.cron import parse_cron
from duly.time.days import WEEKDAYS, Daily, Days, LastWorkday, parse_days
from duly.time.duration import Duration, Unit
from duly.time.span import time_of_day
from duly.time.spelling import plain, quoted
from duly.time.zone import DAY, instant, local

if TYPE_CHECKING:
    from duly.time.calendar import Calendar

_SHORTEST = 10
_HOUR = 3600
_USUAL = ("10s", "20s", "30s", "1m", "5m", "10m", "15m", "20m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "24h")
_LAST_WORKDAY = "last workday of month"
# 29 February comes eight years apart around 2100; a day that does not come in that time never comes.
_REACH_DAYS = 8 * 366


@dataclass(frozen=True, slots=True)
class Schedule:
    """When something comes up: on ``days``, at ``times``.

    Parameters
    ----------
    written: as it stands in the file, with single spaces.
    times: wall times of one day, in order. One that the clock skips comes up right after the gap.
    runs_on: whether a time that the clock shows twice comes up twice, as for an interval that divides the hour.
    """

    written: str
    days: Days
    times: tuple[dt.time, ...]
    runs_on: bool = False

    @classmethod
    def parse(cls, text: str) -> Schedule:
        """Read ``every 10m``, ``daily 17:30``, ``Fri 15:30``, ``last workday of month 17:00`` or ``cron …``.

        Raises
        ------
        ValueError: it is no schedule; the sentence names the spelling that is.
        """
        written = plain(text)
        head, _, rest = written.partition(" ")
        if head == "cron":
            cron = parse_cron(written, rest)
            return cls(written, cron.days, cron.times, cron.every_hour)
        if head == "every" and rest[:1].isdigit():
            return cls._every(written, rest)
        return cls._at(written)

    def __str__(self) -> str:
        return self.written

    def next_after(self, at: dt.datetime, zone: ZoneInfo, calendar: Calendar) -> dt.datetime:
        """Return the first slot after ``at``.

        Raises
        ------
        ValueError: the calendar has no such day in years.
        """
        for day in self._days(at, zone, calendar, DAY):
            _, later = self._around(day, at, zone)
            if later:
                return min(later)
        raise self._never(calendar)

    def latest_until(self, at: dt.datetime, zone: ZoneInfo, calendar: Calendar) -> dt.datetime:
        """Return the last slot that is not after ``at``.

        Raises
        ------
        ValueError: the calendar has no such day in years.
        """
        for day in self._days(at, zone, calendar, -DAY):
            earlier, _ = self._around(day, at, zone)
            if earlier:
                return max(earlier)
        raise self._never(calendar)

    def shortest(self) -> dt.timedelta:
        """Return the shortest time between two slots on ordinary days, or a little less."""
        first = dt.datetime.combine(dt.date.min, self.times[0])
        times = [dt.datetime.combine(dt.date.min, time) for time in self.times]
        return min(later - earlier for earlier, later in pairwise([*times, first + self.days.apart * DAY]))

    def _days(self, at: dt.datetime, zone: ZoneInfo, calendar: Calendar, step: dt.timedelta) -> Iterator[dt.date]:
        today = local(at, zone).date()
        days = (today + step * n for n in range(_REACH_DAYS))
        return (day for day in days if self.days.include(day, calendar))

    def _around(self, day: dt.date, at: dt.datetime, zone: ZoneInfo) -> tuple[list[dt.datetime], list[dt.datetime]]:
        """Return the slots of ``day`` on either side of ``at``, one for each pass of the clock at the most."""
        earlier, later = [], []
        for fold in (0, 1) if self.runs_on else (0,):
            past = bisect_right(self.times, at, key=lambda time: instant(day, time, zone, fold=fold))
            earlier += [instant(day, time, zone, fold=fold) for time in self.times[max(past - 1, 0) : past]]
            later += [instant(day, time, zone, fold=fold) for time in self.times[past : past + 1]]
        return earlier, later

    def _never(self, calendar: Calendar) -> ValueError:
        return ValueError(f"{quoted(self.written)} never comes up: calendar {quoted(calendar.name)} has no such day")

    @classmethod
    def _every(cls, written: str, interval: str) -> Schedule:
        duration = Duration.parse(interval)
        if duration.unit is not Unit.ELAPSED:
            raise ValueError(f"{quoted(written)} has no time of day: write “daily 09:00”, or “workdays”, or “Mon”")
        seconds = duration.amount
        if seconds < _SHORTEST:
            raise ValueError(f"{quoted(written)} is too often: the least is “every {_SHORTEST}s”")
        whole = _HOUR if seconds <= _HOUR else 24 * _HOUR
        if whole % seconds:
            near = min(_USUAL, key=lambda usual: abs(Duration.parse(usual).amount - seconds))
            raise ValueError(
                f"{quoted(written)} does not divide {'the hour' if whole == _HOUR else 'the day'}: write “every {near}”"
            )
        times = tuple(dt.time(start // _HOUR, start // 60 % 60, start % 60) for start in range(0, 24 * _HOUR, seconds))
        return cls(written, Daily(), times, runs_on=seconds <= _HOUR)

    @classmethod
    def _at(cls, written: str) -> Schedule:
        days, _, time = written.rpartition(" ")
        if not days:
            raise ValueError(_refusal(written))
        try:
            at = time_of_day(time)
        except ValueError:
            if re.match("[0-9]", time):
                raise
            raise ValueError(_refusal(written)) from None
        if days == _LAST_WORKDAY:
            return cls(written, LastWorkday(), (at,))
        if re.fullmatch("last (work|working |week|business )day (of|in) (the |every |each )?month", days):
            raise ValueError(f"{quoted(written)}: Duly says “{_LAST_WORKDAY} {time}”")
        return cls(written, parse_days(days), (at,))


def _refusal(written: str) -> str:
    lower = written.lower()
    if lower in ("hourly", "every hour"):
        return f"{quoted(written)}: Duly says “every 1h”"
    if lower == "every minute":
        return f"{quoted(written)}: Duly says “every 1m”"
    if lower in ("daily", "workdays", _LAST_WORKDAY, *(day.lower() for day in WEEKDAYS)):
        return f"{quoted(written)} has no time of day: write “{written} 09:00”"
    try:
        return f"{quoted(written)} has no day: write “daily {time_of_day(written):%H:%M}”"
    except ValueError:
        return f"{quoted(written)} is no schedule: write “every 10m”, “daily 17:30”, “workdays 09:00” or “Fri 15:30”"
