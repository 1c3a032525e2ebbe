"""Zones, and the instants that wall times stand for."""

from __future__ import annotations

import datetime as dt
import difflib
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from duly.time.spelling import quoted

UTC = dt.UTC
DAY = dt.timedelta(days=1)


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """Return the zone of an IANA name such as ``Asia/Shanghai``.

    Raises
    ------
    ValueError: there is no such zone; the sentence names the nearest.
    """
    try:
        return ZoneInfo(name)
    except (LookupError, OSError, ValueError):
        raise ValueError(f"unknown zone {quoted(name)}: {_nearest(name)}") from None


def in_utc(at: dt.datetime) -> dt.datetime:
    """Return the same instant in UTC.

    Raises
    ------
    ValueError: ``at`` is naive, which would mean whatever zone the machine is in.
    """
    if at.utcoffset() is None:
        raise ValueError(f"{at.isoformat(sep=' ')} has no zone: read it in the zone of its source first")
    return at.astimezone(UTC)


def local(at: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """Return ``at`` as the wall of ``zone`` shows it; naive times are refused."""
    return in_utc(at).astimezone(zone)


def instant(day: dt.date, time: dt.time, zone: ZoneInfo, *, fold: int = 0) -> dt.datetime:
    """Return the instant at which the wall of ``zone`` shows ``time`` on ``day``.

    A time that the clock skips means the first instant after the gap. One that it shows twice means its first
    occurrence, or its second with ``fold=1``.
    """
    wall = dt.datetime.combine(day, time.replace(fold=fold), zone)
    at = wall.astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return at
    # In a gap, the two folds read the wall with the offsets before and after, and the change lies between the two.
    before, after = sorted(wall.replace(fold=side).astimezone(UTC) for side in (0, 1))
    return _change(before, after, zone)


def midnight(day: dt.date, zone: ZoneInfo) -> dt.datetime:
    """Return the instant at which ``day`` begins in ``zone``."""
    return instant(day, dt.time(), zone)


def first_at(moment: dt.datetime, time: dt.time, zone: ZoneInfo) -> dt.datetime:
    """Return the first instant, not before ``moment``, at which the wall shows ``time``: once on every day.

    Skipped and doubled times are read as `instant` does.
    """
    day = local(moment, zone).date()
    while (at := instant(day, time, zone)) < moment:
        day += DAY
    return at


def _change(before: dt.datetime, after: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """Return the first instant of the offset that holds at ``after``, to the second."""
    new = after.astimezone(zone).utcoffset()
    before, after = before.replace(microsecond=0), after.replace(microsecond=0)
    while after - before > dt.timedelta(seconds=1):
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == new:
            after = middle
        else:
            before = middle
    return after


def _nearest(name: str) -> str:
    known = available_timezones()
    folded = {each.casefold(): each for each in known} | {each.rpartition("/")[2].casefold(): each for each in known}
    near = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.8)
    return f"did you mean {quoted(folded[near[0]])}?" if near else "write a name such as “Asia/Shanghai” or “UTC”"
