"""Which days a schedule or an opening time holds for: ``daily``, ``workdays``, ``Mon``, ``last workday of month``."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from duly.time.spelling import quoted
from duly.time.zone import DAY

if TYPE_CHECKING:
    from duly.time.calendar import Calendar

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_LONG = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Days(Protocol):
    """A choice of days."""

    apart: ClassVar[int]
    """How many days lie between two such days, at the least."""

    def include(self, day: dt.date, calendar: Calendar) -> bool:
        """Say whether ``day`` is one of them."""


@dataclass(frozen=True, slots=True)
class Daily:
    """Every day, holidays and weekends alike."""

    apart: ClassVar[int] = 1

    def include(self, day: dt.date, calendar: Calendar) -> bool:  # noqa: ARG002 - every day is every day
        """Say yes."""
        return True


@dataclass(frozen=True, slots=True)
class Workdays:
    """The calendar's working days, make-up days included."""

    apart: ClassVar[int] = 1

    def include(self, day: dt.date, calendar: Calendar) -> bool:
        """Say whether people work on ``day``."""
        return calendar.is_workday(day)


@dataclass(frozen=True, slots=True)
class Weekday:
    """One day of the week (0 is Monday), unless it is a holiday."""

    number: int
    apart: ClassVar[int] = 7

    def include(self, day: dt.date, calendar: Calendar) -> bool:
        """Say whether ``day`` is that day of the week and no holiday."""
        return day.weekday() == self.number and not calendar.is_holiday(day)


@dataclass(frozen=True, slots=True)
class LastWorkday:
    """The last working day of each month."""

    apart: ClassVar[int] = 14

    def include(self, day: dt.date, calendar: Calendar) -> bool:
        """Say whether ``day`` is a working day and none follows in its month."""
        if not calendar.is_workday(day):
            return False
        later = day + DAY
        while later.month == day.month:
            if calendar.is_workday(later):
                return False
            later += DAY
        return True


def parse_days(word: str) -> Days:
    """Read ``daily``, ``workdays`` or a weekday such as ``Mon``.

    Raises
    ------
    ValueError: it is none of them; the sentence names the spelling that is.
    """
    if word == "daily":
        return Daily()
    if word == "workdays":
        return Workdays()
    if word in WEEKDAYS:
        return Weekday(WEEKDAYS.index(word))
    raise ValueError(_refusal(word))


def _refusal(word: str) -> str:
    lower = word.lower().rstrip(".")
    if lower in ("every day", "everyday", "each day", "day", "days", "daily", "每天", "每日"):
        return f"{quoted(word)}: Duly says “daily”"
    if lower in (
        *("workday", "workdays", "weekday", "weekdays", "business days", "working day", "working days"),
        *("every workday", "every working day", "every weekday", "mon-fri", "工作日"),
    ):
        return f"{quoted(word)}: Duly says “workdays”"
    lower = lower.removeprefix("every ").removesuffix("s") if lower.removeprefix("every ")[:3] else lower
    for short, long in zip(WEEKDAYS, _LONG, strict=True):
        if len(lower) > 1 and long.startswith(lower):
            return f"{quoted(word)}: Duly says “{short}”"
    return f"{quoted(word)} names no days: write “daily”, “workdays” or a weekday such as “Mon”"
