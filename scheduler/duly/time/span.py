"""A span of wall time within a day, or over one midnight: ``09:00-18:00``, ``22:00-06:00``, ``18:00-24:00``."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from duly.time.spelling import plain, quoted
from duly.time.zone import instant

NOON = 12 * 60
MIDNIGHT = 24 * 60

_CLOCK = r"([01][0-9]|2[0-4]):([0-5][0-9])"
_LOOSE_TIME = re.compile(r"([0-9]{1,2})(?:[:.h点时]([0-9]{2})?)?分?\s?(am|pm)?", re.IGNORECASE)


def time_of_day(text: str) -> dt.time:
    """Read a wall time such as ``09:00``.

    Raises
    ------
    ValueError: it is none; the sentence names the spelling that is.
    """
    written = plain(text)
    minutes = _minutes(written)
    if minutes == MIDNIGHT:
        raise ValueError(f"{quoted(written)} is the next day’s beginning: write “00:00”")
    return dt.time(*divmod(minutes, 60))


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Half-open: from ``opens`` to ``closes``, in minutes after the midnight that its day begins with.

    ``opens`` is below 1440; ``closes`` is at most a day later, so it is above 1440 for a span that ends on the morrow.
    """

    opens: int
    closes: int

    @classmethod
    def parse(cls, text: str) -> Span:
        """Read ``09:00-18:00``; an end before the start lies on the next day.

        Raises
        ------
        ValueError: it is no span; the sentence names the spelling that is.
        """
        written = plain(text)
        ends = written.split("-")
        if len(ends) != 2:
            raise ValueError(_no_span(written))
        try:
            opens, closes = (_minutes(each) for each in ends)
        except ValueError:
            raise ValueError(_no_span(written)) from None
        if opens == MIDNIGHT:
            raise ValueError(f"{quoted(written)} opens when the day is over: begin it at “00:00”")
        if opens == closes:
            raise ValueError(f"{quoted(written)} ends where it begins: write “00:00-24:00” for a whole day")
        return cls(opens, closes if closes > opens else closes + MIDNIGHT)

    @property
    def minutes(self) -> int:
        """How long the span is on an ordinary day."""
        return self.closes - self.opens

    def on(self, day: dt.date, zone: ZoneInfo) -> tuple[dt.datetime, dt.datetime]:
        """Return the instants at which it opens and closes when it begins on ``day``.

        The two are equal where the clock skips the whole span.
        """
        return at_minute(day, self.opens, zone), at_minute(day, self.closes, zone)


def at_minute(day: dt.date, minute: int, zone: ZoneInfo) -> dt.datetime:
    """Return the instant ``minute`` minutes into ``day`` by the wall, which may reach into the next day."""
    days, rest = divmod(minute, MIDNIGHT)
    return instant(day + dt.timedelta(days=days), dt.time(*divmod(rest, 60)), zone)


def _minutes(written: str) -> int:
    match = re.fullmatch(_CLOCK, written)
    minutes = int(match[1]) * 60 + int(match[2]) if match else MIDNIGHT + 1
    if minutes > MIDNIGHT:
        cure = _respelled(written)
        advice = f"Duly says “{cure}”" if cure else "write hours and minutes, such as “09:00”"
        raise ValueError(f"{quoted(written)}: {advice}")
    return minutes


def _no_span(written: str) -> str:
    ends = re.split(r"\s*(?:[-–—~至到]|\bto\b|\buntil\b)\s*", written)
    cures = [_respelled(each) for each in ends]
    if len(cures) == 2 and all(cures) and len(set(cures)) == 2 and cures[0] != "24:00":
        return f"{quoted(written)}: Duly says “{cures[0]}-{cures[1]}”"
    return f"{quoted(written)} is no span of time: write it as “09:00-18:00”"


def _respelled(written: str) -> str:
    """Return ``9:00``, ``9am`` or ``9点`` as ``09:00``, or nothing where it is no time of day."""
    match = _LOOSE_TIME.fullmatch(written.strip())
    if not match:
        return ""
    hour, minute, half = int(match[1]), int(match[2] or 0), (match[3] or "").lower()
    if half:
        if not 1 <= hour <= 12:
            return ""
        hour = hour % 12 + (12 if half == "pm" else 0)
    return f"{hour:02}:{minute:02}" if hour * 60 + minute <= MIDNIGHT and minute < 60 else ""
