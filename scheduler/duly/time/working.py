"""Working time: the hours of a team, in a zone, with a calendar."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from duly.time.calendar import Calendar
from duly.time.duration import Duration, Unit
from duly.time.hours import Hours
from duly.time.spelling import quoted
from duly.time.zone import DAY, in_utc, instant, local

_SECOND = dt.timedelta(seconds=1)
# A year and a holiday: hours that stay closed for longer never open.
_LONGEST_CLOSED = 400

_Spell = tuple[dt.datetime, dt.datetime]


@dataclass(frozen=True)
class WorkingTime:
    """Counts and adds up the time in which a team works.

    Spells of work are half-open and hang on instants: an opening or a closing that the clock skips comes right after
    the gap, one that it shows twice comes once, the first time.
    """

    hours: Hours
    calendar: Calendar
    zone: ZoneInfo
    _opened: dict[dt.date, tuple[_Spell, ...]] = field(default_factory=dict, init=False, compare=False, repr=False)

    def is_open(self, at: dt.datetime) -> bool:
        """Say whether the team works at ``at``."""
        today = local(at, self.zone).date()
        return _holds(self._own(today), at) or _holds(self._own(today - DAY), at)

    def next_opening(self, at: dt.datetime) -> dt.datetime:
        """Return ``at`` if the team works then, else the next instant at which it begins.

        Raises
        ------
        ValueError: the hours never open.
        """
        return next(self._spells(in_utc(at), DAY))[0]

    def forward(self, start: dt.datetime, seconds: int) -> dt.datetime:
        """Return the first instant by which ``seconds`` of work have passed since ``start``.

        An amount that ends at closing time ends there, not at the next opening.

        Raises
        ------
        ValueError: the hours never open.
        """
        left, at = seconds * _SECOND, in_utc(start)
        spells = self._spells(at, DAY)
        while left:
            at, closes = next(spells)
            worked = min(left, closes - at)
            left, at = left - worked, at + worked
        return at

    def backward(self, end: dt.datetime, seconds: int) -> dt.datetime:
        """Return the last instant from which ``seconds`` of work pass until ``end``.

        An amount that reaches back to an opening ends there, not at the closing before it.

        Raises
        ------
        ValueError: the hours never open.
        """
        left, at = seconds * _SECOND, in_utc(end)
        spells = self._spells(at, -DAY)
        while left:
            opens, at = next(spells)
            worked = min(left, at - opens)
            left, at = left - worked, at - worked
        return at

    def days(self, start: dt.datetime, n: int) -> dt.datetime:
        """Return the same wall time on the ``n``-th working day after the day of ``start``, moved into its hours.

        Before the opening or in a break, it moves to the next opening of that day; after closing, to the closing. A
        working day is a day on which the team's hours open. Overnight hours belong to the day they start on.

        Raises
        ------
        ValueError: the hours never open.
        """
        return self._days(start, n, DAY)

    def days_back(self, end: dt.datetime, n: int) -> dt.datetime:
        """Return the same wall time on the ``n``-th working day before the day of ``end``, moved as `days` does."""
        return self._days(end, n, -DAY)

    def between(self, a: dt.datetime, b: dt.datetime) -> int:
        """Return the whole seconds of work from ``a`` to ``b``; below zero when ``b`` comes first."""
        if b < a:
            return -self.between(b, a)
        total, day, last = dt.timedelta(), local(a, self.zone).date() - DAY, local(b, self.zone).date()
        while day <= last:
            for opens, closes in self._spells_on(day):
                total += max(min(closes, b) - max(opens, a), dt.timedelta())
            day += DAY
        return total // _SECOND

    def spells(self, a: dt.datetime, b: dt.datetime) -> Iterator[tuple[dt.datetime, dt.datetime]]:
        """Yield opening and closing of each spell of work from ``a`` to ``b``, cut to that time."""
        day, last = local(a, self.zone).date() - DAY, local(b, self.zone).date()
        while day <= last:
            for opens, closes in self._spells_on(day):
                if opens < b and closes > a:
                    yield max(opens, in_utc(a)), min(closes, in_utc(b))
            day += DAY

    def add(self, start: dt.datetime, duration: Duration) -> dt.datetime:
        """Return the instant ``duration`` after ``start``.

        Raises
        ------
        ValueError: the duration is a percentage, the hours never open, or the calendar of the world ends first.
        """
        return self._moved(start, duration, DAY)

    def subtract(self, end: dt.datetime, duration: Duration) -> dt.datetime:
        """Return the instant ``duration`` before ``end``, with the errors of `add`."""
        return self._moved(end, duration, -DAY)

    def _moved(self, at: dt.datetime, duration: Duration, step: dt.timedelta) -> dt.datetime:
        onward, amount = step > dt.timedelta(), duration.amount
        try:
            match duration.unit:
                case Unit.ELAPSED:
                    return in_utc(at) + amount * (_SECOND if onward else -_SECOND)
                case Unit.DAYS:
                    wall = local(at, self.zone)
                    return instant(wall.date() + amount * step, wall.time(), self.zone)
                case Unit.WORKING:
                    return self.forward(at, amount) if onward else self.backward(at, amount)
                case Unit.WORKING_DAYS:
                    return self._days(at, amount, step)
                case Unit.PERCENT:
                    raise ValueError(
                        f"{quoted(duration.written)} is a share of a time that is not given: write an amount"
                    )
        except OverflowError:
            side = "after" if onward else "before"
            raise ValueError(f"{duration} {side} {at.date()} is no date: the years go from 1 to 9999") from None

    def _days(self, at: dt.datetime, n: int, step: dt.timedelta) -> dt.datetime:
        at, wall = in_utc(at), local(at, self.zone)
        day, overnight = wall.date(), dt.timedelta()
        if not _holds(self._own(day), at) and _holds(self._own(day - DAY), at):
            day, overnight = day - DAY, DAY
        for _ in range(n):
            day = self._next_working_day(day, step)
        return _into(self._own(day), instant(day + overnight, wall.time(), self.zone))

    def _next_working_day(self, day: dt.date, step: dt.timedelta) -> dt.date:
        for n in range(1, _LONGEST_CLOSED):
            if self._own(day + n * step):
                return day + n * step
        raise self._never_open()

    def _spells(self, at: dt.datetime, step: dt.timedelta) -> Iterator[_Spell]:
        """Yield what lies after ``at`` of the spells, in order, or what lies before it, from the last to the first."""
        onward = step > dt.timedelta()
        day, closed = local(at, self.zone).date(), 0
        if onward:
            day -= DAY
        while closed < _LONGEST_CLOSED:
            spells = self._spells_on(day)
            for opens, closes in spells if onward else reversed(spells):
                if onward and closes > at:
                    yield max(opens, at), closes
                elif not onward and opens < at:
                    yield opens, min(closes, at)
            closed = 0 if spells else closed + 1
            day += step
        raise self._never_open()

    def _spells_on(self, day: dt.date) -> list[_Spell]:
        """Return the spells of ``day`` without what the hours of the night before already cover."""
        night = max((closes for _, closes in self._own(day - DAY)), default=None)
        return [
            (opens if night is None else max(opens, night), closes)
            for opens, closes in self._own(day)
            if night is None or closes > night
        ]

    def _own(self, day: dt.date) -> tuple[_Spell, ...]:
        """Return the spells that begin on ``day``, joined where they touch."""
        if day not in self._opened:
            spells: list[_Spell] = []
            for span in self.hours.on(day, self.calendar):
                opens, closes = span.on(day, self.zone)
                if spells and opens <= spells[-1][1]:
                    opens, closes = spells[-1][0], max(spells.pop()[1], closes)
                if opens < closes:
                    spells.append((opens, closes))
            self._opened[day] = tuple(spells)
        return self._opened[day]

    def _never_open(self) -> ValueError:
        return ValueError(
            f"hours {quoted(str(self.hours))} do not open for {_LONGEST_CLOSED} days"
            f" in calendar {quoted(self.calendar.name)}: correct one of the two"
        )


def _holds(spells: tuple[_Spell, ...], at: dt.datetime) -> bool:
    return any(opens <= at < closes for opens, closes in spells)


def _into(spells: tuple[_Spell, ...], at: dt.datetime) -> dt.datetime:
    for opens, closes in spells:
        if at < closes:
            return max(opens, at)
    return spells[-1][1]
