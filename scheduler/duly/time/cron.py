"""Cron's five fields, with weekdays by name: number 1 is Monday to some crons and Tuesday to others."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from duly.time.spelling import quoted

if TYPE_CHECKING:
    from duly.time.calendar import Calendar

_WEEKDAYS = {name: number for number, name in enumerate(("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"))}
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"), start=1
    )
}
_DAYS_OF_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_ITEM = re.compile(r"(\*|([A-Za-z]+|[0-9]{1,2})(?:-([A-Za-z]+|[0-9]{1,2}))?)(?:/([0-9]{1,2}))?")


@dataclass(frozen=True, slots=True)
class CronDays:
    """The days that cron's last three fields choose; cron knows no holidays."""

    months: frozenset[int]
    dates: frozenset[int]
    weekdays: frozenset[int]
    apart: ClassVar[int] = 1

    def include(self, day: dt.date, calendar: Calendar) -> bool:  # noqa: ARG002 - cron knows no calendar
        """Say whether all three fields choose ``day``."""
        return day.month in self.months and day.day in self.dates and day.weekday() in self.weekdays


@dataclass(frozen=True, slots=True)
class Cron:
    """What cron's five fields say. ``every_hour`` tells that the hour was left open."""

    days: CronDays
    times: tuple[dt.time, ...]
    every_hour: bool


def parse_cron(written: str, fields: str) -> Cron:
    """Read minute, hour, day of the month, month and day of the week.

    Parameters
    ----------
    written: the whole schedule, to be quoted when it is refused.
    fields: the five fields.

    Raises
    ------
    ValueError: they are not cron's; the sentence names the cure.
    """
    parts = fields.split()
    if len(parts) != 5:
        raise ValueError(f"{quoted(written)} has {len(parts)} fields: cron has five, as in “cron 30 9 * * MON-FRI”")
    minutes = _numbers(written, "minute", parts[0], range(60))
    hours = _numbers(written, "hour", parts[1], range(24))
    dates = _numbers(written, "day of the month", parts[2], range(1, 32))
    months = _numbers(written, "month", parts[3], range(1, 13), _MONTHS)
    if re.search("(?<!/)[0-9]", re.sub("/[0-9]+", "", parts[4])):
        raise ValueError(
            f"{quoted(written)}: crons disagree on the numbers of weekdays: write names, as in “cron 30 9 * * MON-FRI”"
        )
    weekdays = _numbers(written, "day of the week", parts[4], range(7), _WEEKDAYS)
    if len(dates) < 31 and len(weekdays) < 7:
        raise ValueError(f"{quoted(written)} gives days of the month and of the week: write two schedules")
    if min(dates) > max(_DAYS_OF_MONTH[month - 1] for month in months):
        raise ValueError(f"{quoted(written)} names a day that no such month has: write a day that comes")
    times = tuple(dt.time(hour, minute) for hour in sorted(hours) for minute in sorted(minutes))
    return Cron(CronDays(months, dates, weekdays), times, len(hours) == 24)


def _numbers(
    written: str, field: str, text: str, allowed: range, names: dict[str, int] | None = None
) -> frozenset[int]:
    chosen: set[int] = set()
    for item in text.split(","):
        match = _ITEM.fullmatch(item)
        if not match:
            raise ValueError(f"{quoted(written)}: {quoted(item)} is no {field}: write “*” or {_sample(allowed, names)}")
        whole, first, last, step = match.groups()
        if whole == "*":
            start, stop = allowed[0], allowed[-1]
        else:
            start = _number(written, field, first, allowed, names)
            stop = _number(written, field, last, allowed, names) if last else (allowed[-1] if step else start)
        if step in {"0", "00"}:
            raise ValueError(f"{quoted(written)}: a step of 0 never moves: write “/1” or more")
        length = (stop - start) % len(allowed) + 1
        chosen.update(
            allowed[(start - allowed[0] + offset) % len(allowed)] for offset in range(0, length, int(step or 1))
        )
    return frozenset(chosen)


def _number(written: str, field: str, text: str, allowed: range, names: dict[str, int] | None) -> int:
    number = int(text) if text.isdigit() else (names or {}).get(text.upper(), -1)
    if number not in allowed:
        raise ValueError(f"{quoted(written)}: {quoted(text)} is no {field}: write {_sample(allowed, names)}")
    return number


def _sample(allowed: range, names: dict[str, int] | None) -> str:
    if names:
        return f"a name from “{next(iter(names))}” to “{list(names)[-1]}”"
    return f"a number from {allowed[0]} to {allowed[-1]}"
