"""Every change of offset that any zone makes from 2020 to 2030, each once, found by looking at the wall."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

MINUTE = dt.timedelta(minutes=1)
_STEP = dt.timedelta(days=5)


@lru_cache
def changes() -> list[tuple[ZoneInfo, dt.datetime]]:
    """Return each zone that changes its offset with the instant of the change; zones that change alike count once."""
    found = {}
    for name in sorted(available_timezones()):
        zone, at = ZoneInfo(name), dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
        offset = _offset(at, zone)
        while at.year < 2031:
            later = _offset(at + _STEP, zone)
            if later != offset:
                change = _refine(at, zone)
                found.setdefault((change, offset, _offset(change, zone)), (zone, change))
            at, offset = at + _STEP, later
    return list(found.values())


@lru_cache
def kinds() -> list[tuple[ZoneInfo, dt.datetime]]:
    """Return one change of each kind: by the time of day at which it comes, and by how far the clock is put."""
    found = {}
    for zone, change in changes():
        before, after = (change - MINUTE).astimezone(zone), change.astimezone(zone)
        found.setdefault((before.time(), after.utcoffset() - before.utcoffset()), (zone, change))
    return list(found.values())


def walls(zone: ZoneInfo, start: dt.datetime, minutes: int) -> tuple[list[dt.datetime], list[dt.datetime]]:
    """Return what the wall shows at each minute from ``start``, and the latest that it has shown until then.

    A wall time is reached when the second gets there: that is after a gap, and in the first pass of a doubled hour.
    """
    shown = [(start + n * MINUTE).astimezone(zone).replace(tzinfo=None) for n in range(minutes)]
    reached, latest = [], shown[0]
    for wall in shown:
        latest = max(latest, wall)
        reached.append(latest)
    return shown, reached


def _offset(at: dt.datetime, zone: ZoneInfo) -> dt.timedelta | None:
    return at.astimezone(zone).utcoffset()


def _refine(at: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    old = _offset(at, zone)
    for step in (dt.timedelta(hours=1), MINUTE):
        while _offset(at + step, zone) == old:
            at += step
    return at + MINUTE
