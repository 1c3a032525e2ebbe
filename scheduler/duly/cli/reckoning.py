"""How a due time came about, as people say it: ``Fri 10:00–17:00 counted 7 h, Sat–Sun closed, …``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import groupby
from zoneinfo import ZoneInfo

from duly.engine.account import COUNTED, PAUSED, Stretch
from duly.time.calendar import Calendar
from duly.time.zone import DAY, local

SHOWN = 12
"""As many stretches as are told one by one; of a longer account the middle is summed up."""


def reckoning(account: Sequence[Stretch], zone: ZoneInfo, calendar: Calendar | None) -> list[str]:
    """Say an account in short pieces, in order.

    Parameters
    ----------
    calendar: names the holidays among the closed days.
    """
    told = [*_stretches(account, zone), *_closed_days(account, zone, calendar)]
    pieces = [words for _, words in sorted(told, key=lambda piece: piece[0])]
    if len(pieces) <= SHOWN:
        return pieces
    half = SHOWN // 2
    return [*pieces[:half], f"… {len(pieces) - 2 * half} more …", *pieces[-half:]]


def length(seconds: int) -> str:
    """Write an amount of time: ``7 h``, ``1 h 30 min``, ``45 min``, ``20 s``."""
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    parts = [f"{hours} h"] * bool(hours) + [f"{minutes} min"] * bool(minutes) + [f"{left} s"] * bool(left)
    return " ".join(parts[:2]) or "no time"


def counted(account: Sequence[Stretch], until: dt.datetime) -> int:
    """Sum up the seconds that counted, as far as they have passed at ``until``."""
    spans = [(each.begin, min(each.end, until)) for each in account if each.kind == COUNTED and each.end]
    return int(sum((end - begin).total_seconds() for begin, end in spans if end > begin))


def _stretches(account: Sequence[Stretch], zone: ZoneInfo) -> Iterator[tuple[dt.datetime, str]]:
    for each in account:
        if each.kind == COUNTED:
            yield each.begin, f"{_span(each, zone)} counted {length(each.seconds)}"
        elif each.kind == PAUSED and each.end:
            yield each.begin, f"{_span(each, zone)} stood still"
        elif each.kind == PAUSED:
            yield each.begin, f"since {local(each.begin, zone):%a %d %b %H:%M} it stands still"


def _span(stretch: Stretch, zone: ZoneInfo) -> str:
    begin, end = local(stretch.begin, zone), local(stretch.end or stretch.begin, zone)
    if begin.date() == end.date():
        return f"{begin:%a %d %b %H:%M}–{end:%H:%M}"
    if end.time() == dt.time() and end.date() - begin.date() == DAY:
        return f"{begin:%a %d %b %H:%M}–24:00"
    return f"{begin:%a %d %b %H:%M} – {end:%a %d %b %H:%M}"


def _closed_days(
    account: Sequence[Stretch], zone: ZoneInfo, calendar: Calendar | None
) -> Iterator[tuple[dt.datetime, str]]:
    """Name the days on which nothing counted and nothing stood still."""
    if not account:
        return
    busy = {day for each in account if each.kind in {COUNTED, PAUSED} for day in _days(each, zone)}
    last = max(busy, default=local(account[0].begin, zone).date())
    first = local(account[0].begin, zone).date()
    free = [first + n * DAY for n in range((last - first).days) if first + n * DAY not in busy]
    for (_, name), run in groupby(enumerate(free), key=lambda one: (one[1] - one[0] * DAY, _name(one[1], calendar))):
        days = [day for _, day in run]
        span = f"{days[0]:%a %d %b}" if len(days) == 1 else f"{days[0]:%a %d %b} – {days[-1]:%a %d %b}"
        at = dt.datetime.combine(days[0], dt.time(), zone).astimezone(dt.UTC)
        yield at, f"{span} closed{f' ({name})' if name else ''}"


def _name(day: dt.date, calendar: Calendar | None) -> str:
    return (calendar.holiday_name(day) or "") if calendar else ""


def _days(stretch: Stretch, zone: ZoneInfo) -> Iterator[dt.date]:
    day, last = local(stretch.begin, zone).date(), local(stretch.end or stretch.begin, zone)
    while day < last.date() or (day == last.date() and (last.time() > dt.time() or stretch.end is None)):
        yield day
        day += DAY
