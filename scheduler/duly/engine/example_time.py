"""The times of examples: one made-up week, or real dates, as the desk's wall shows them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from duly.rules.example_file import WEEKDAYS
from duly.rules.model import ExampleTime
from duly.time.zone import DAY, instant

MONDAY = dt.date(2035, 5, 14)
"""The Monday of the ordinary week: no clock changes for months around it, and nobody has entered leave so far ahead."""
WEEK = 7 * DAY


@dataclass(frozen=True)
class ExampleTimes:
    """Reads and spells the times of one example.

    Parameters
    ----------
    zone: the directory's.
    """

    zone: ZoneInfo

    def day(self, time: ExampleTime) -> dt.date:
        """Return the date that a time stands on; a weekday is one of the ordinary week."""
        return MONDAY + (time.weekday or 0) * DAY if time.date is None else time.date

    def instant(self, time: ExampleTime) -> dt.datetime:
        """Return the instant of a time; a weekday is one of the ordinary week."""
        if time.offset is None:
            return instant(self.day(time), time.time, self.zone)
        return dt.datetime.combine(self.day(time), time.time, dt.timezone(time.offset)).astimezone(dt.UTC)

    def from_on(self, time: ExampleTime, moment: dt.datetime) -> dt.datetime:
        """Return the instant of a date; of a weekday, the first one that is not before ``moment``."""
        at = self.instant(time)
        while time.date is None and at < moment:
            at += WEEK
        return at

    def wall(self, moment: dt.datetime) -> dt.datetime:
        """Return what an instant of ``from`` or ``until`` is, which were written without a zone."""
        return instant(moment.date(), moment.time(), self.zone)

    def fits(self, time: ExampleTime, at: dt.datetime, since: dt.datetime) -> bool:
        """Tell whether something at ``at`` may be written as ``time``, to the minute.

        A weekday stands for the one in the seven days from ``since``, the time of whatever came before.
        """
        if time.date is not None:
            return self.instant(time) == at.replace(second=0, microsecond=0)
        wall = at.astimezone(self.zone)
        shown = wall.weekday(), wall.time().replace(second=0, microsecond=0)
        return shown == (time.weekday, time.time) and at - since < WEEK

    def write(self, time: ExampleTime) -> str:
        """Write a time as it stands in the file."""
        offset = _offset(self.instant(time).astimezone(dt.timezone(time.offset))) if time.offset is not None else ""
        day = WEEKDAYS[time.weekday] if time.weekday is not None else str(time.date)
        return f"{day} {time.time:%H:%M}{offset}"

    def spell(self, at: dt.datetime, *, dated: bool) -> str:
        """Write an instant as examples do, to the minute."""
        wall = at.astimezone(self.zone)
        if dated:
            return f"{wall:%Y-%m-%d %H:%M}{_offset(wall) if wall.fold else ''}"
        return f"{WEEKDAYS[wall.weekday()]} {wall:%H:%M}"


def later(at: dt.datetime, since: dt.datetime) -> str:
    """Say by how many weeks something is too late to go by its weekday; empty when it is not."""
    weeks = (at - since) // WEEK
    return "" if weeks < 1 else "a week later" if weeks == 1 else f"{weeks} weeks later"


def _offset(wall: dt.datetime) -> str:
    """Write the offset from UTC: ``+01:00``."""
    return wall.isoformat()[-6:]
