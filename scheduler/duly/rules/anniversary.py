"""Clocks that come every year: the anniversaries of a time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from zoneinfo import ZoneInfo

from duly.rules.model import ClockRef
from duly.rules.record import Candidate
from duly.time.zone import instant

LEAP_DAYS = {"28 February": (2, 28), "1 March": (3, 1)}
"""Where 29 February falls in common years: what ``leap day`` in ``config/duly.yaml`` may say, as month and day."""
YEAR = dt.timedelta(days=366)
_DATE = len("2024-02-29")


def anniversaries(
    base: Candidate, clock: ClockRef, zone: ZoneInfo, low: dt.datetime, high: dt.datetime | None
) -> Iterator[Candidate]:
    """Give a record's anniversaries, each with its own clock, in order.

    Parameters
    ----------
    base: the record with the time itself as its clock, as the source spells it; that day is not an anniversary.
    clock: what it counts from.
    zone: in which the time is on the wall.
    low, high: the first and the last instant that count; without ``high`` only the first anniversary is given.
    """
    is_date = len(base.clock) == _DATE
    wall = base.clock_at.astimezone(zone)
    born = dt.date.fromisoformat(base.clock) if is_date else wall.date()
    time = dt.time() if is_date else wall.time().replace(fold=0)
    last = (high or low + 2 * YEAR).year + 1
    for year in range(max(low.year - 1, born.year + 1), last + 1):
        day = on_year(born, year, clock.leap_day)
        at = instant(day, time, zone)
        if low <= at and (high is None or at <= high):
            spelled = day.isoformat() if is_date else f"{day} {time:%H:%M:%S}"
            yield replace(base, clock=spelled, clock_at=at)
            if high is None:
                return


def nearest(base: Candidate, clock: ClockRef, zone: ZoneInfo, now: dt.datetime) -> Candidate | None:
    """Give the anniversary that is nearest to ``now``, passed or to come; ``None`` before there is one."""
    near = anniversaries(base, clock, zone, now - YEAR, now + YEAR)
    return min(near, key=lambda one: abs(one.clock_at - now), default=None)


def on_year(born: dt.date, year: int, leap_day: tuple[int, int]) -> dt.date:
    """Return the anniversary of a day in one year; 29 February falls on ``leap_day`` in common years."""
    try:
        return born.replace(year=year)
    except ValueError:
        return dt.date(year, *leap_day)


def is_same_day(one: str, other: str, leap_day: tuple[int, int]) -> bool:
    """Tell whether two clocks may be anniversaries of one time, of whatever years."""
    if one[_DATE:] != other[_DATE:]:
        return False
    days = {one[5:_DATE], other[5:_DATE]}
    return len(days) == 1 or days == {"02-29", "{:02}-{:02}".format(*leap_day)}


def has_begun_anew(candidate: Candidate, clock: str, of: ClockRef | None) -> bool:
    """Tell whether a record's clock is another by now than that of its case.

    Parameters
    ----------
    clock: the case's.
    of: what today's rule counts from.
    """
    if of is not None and of.is_shared:
        return False
    if of is not None and of.is_yearly:
        return not is_same_day(candidate.clock, clock, of.leap_day)
    return candidate.clock != clock


def days_of_year(low: dt.datetime | None, high: dt.datetime | None) -> dict[str, str]:
    """Give the days of the year that lie between two instants, for SQL, as two spans of ``MM-DD``.

    Two days more on either side make up for zones, and for 29 February. The second span is that of a new year.
    """
    if low is None or high is None or high - low > YEAR - dt.timedelta(days=10):
        return {"first_day": "01-01", "last_day": "12-31", "next_first_day": "01-01", "next_last_day": "12-31"}
    first, last = (at.strftime("%m-%d") for at in (low - dt.timedelta(days=2), high + dt.timedelta(days=2)))
    if first <= last:
        return {"first_day": first, "last_day": last, "next_first_day": first, "next_last_day": last}
    return {"first_day": first, "last_day": "12-31", "next_first_day": "01-01", "next_last_day": last}
