"""Times as a service database spells them, read as instants, and instants spelled for its SQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any
from zoneinfo import ZoneInfo

from duly.rules.anniversary import days_of_year
from duly.rules.noun import Time
from duly.time.duration import Duration, Unit
from duly.time.zone import UTC, instant, midnight, zone

Reading = tuple[dt.datetime, str]
"""An instant in UTC, and the time as the source spells it, to the second."""

_DAY = dt.timedelta(days=1)
_WEST, _EAST = dt.timedelta(hours=12), dt.timedelta(hours=14)
"""The zones farthest from UTC (IANA: Etc/GMT+12, Pacific/Kiritimati)."""
_SLACK = dt.timedelta(hours=3)
"""More than any clock is ever put back: of two instants, the later may show the earlier wall time."""
_FIRST, _LAST = dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1)  # noqa: DTZ001 - wall times of the source
"""What lies outside is no time that a desk waits for: 0000-00-00, 9999-12-31, infinity."""
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=UTC)
_REMEMBERED = 10_000


class Unreadable(ValueError):  # noqa: N818 - says what the time is
    """A time that is there but cannot be read. Carries no value: that belongs to a record."""


class Wall:
    """The wall clock of one zone, quick at turning many wall times into instants.

    Parameters
    ----------
    zone: the zone. Skipped and doubled wall times are read as ``duly.time.zone.instant`` does.
    """

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self._epochs: dict[dt.date, dt.datetime | None] = {}

    def instant(self, wall: dt.datetime) -> dt.datetime:
        """Return the instant, in UTC, at which this wall shows the naive ``wall``."""
        day = wall.date()
        if day not in self._epochs:
            self._learn(day)
        epoch = self._epochs[day]
        return instant(day, wall.time(), self.zone) if epoch is None else _EPOCH + (wall - epoch)

    def _learn(self, day: dt.date) -> None:
        """Remember what the wall showed at the epoch, had it always had this day's offset; ``None`` if that changes."""
        if len(self._epochs) >= _REMEMBERED:
            self._epochs.clear()
        noon = dt.datetime.combine(day, dt.time(12), self.zone)
        offsets = {(noon + days).utcoffset() for days in (-_DAY, dt.timedelta(), _DAY)}
        offset = offsets.pop()
        self._epochs[day] = None if offsets or offset is None else _EPOCH.replace(tzinfo=None) + offset


class TimeReader:
    """Reads the times of records from one source.

    Parameters
    ----------
    zone: the source's zone: its naive times, and its dates where a record has no zone of its own.
    """

    def __init__(self, zone: ZoneInfo) -> None:
        self.wall = Wall(zone)
        self._walls: dict[object, Wall | None] = {}

    def wall_of(self, name: object) -> Wall | None:
        """Return the wall of a record's zone; ``None`` where there is none, or none that anybody knows."""
        if not name:
            return None
        if name not in self._walls:
            if len(self._walls) >= _REMEMBERED:
                self._walls.clear()
            self._walls[name] = _wall(str(name))
        return self._walls[name]

    def reader(self, time: Time, times: Mapping[str, Time], at: Mapping[str, int]) -> Callable[..., Reading | None]:
        """Make a function that reads ``time`` from a row and the wall of its record, ``None`` for a missing time.

        Parameters
        ----------
        times: all times of the noun.
        at: in which column of the row each time with SQL of its own stands.

        Returns
        -------
        ``read(row, wall)``, which raises `Unreadable`.
        """
        if time.sql:
            column = at[time.name]
            leaf = self._date if time.is_date else self._time

            def read(row: Sequence[Any], wall: Wall | None) -> Reading | None:
                value = row[column]
                return None if value is None else leaf(value, wall)

            return read
        choose = max if time.later_of else min
        parts = [self.reader(times[name], times, at) for name in time.later_of or time.earlier_of]

        def read_one_of(row: Sequence[Any], wall: Wall | None) -> Reading | None:
            there = [reading for part in parts if (reading := part(row, wall)) is not None]
            return choose(there, key=itemgetter(0)) if there else None

        return read_one_of

    def midnight(self, day: dt.date, wall: Wall | None) -> Reading:
        """Return the midnight of ``day`` for a record."""
        return midnight(day, (wall or self.wall).zone), day.isoformat()

    def seen(self, now: dt.datetime) -> Reading:
        """Return an instant as the source would spell it."""
        return now, f"{now.astimezone(self.wall.zone):%Y-%m-%d %H:%M:%S}"

    def _time(self, value: object, _wall: Wall | None) -> Reading:
        time = _parse(value)
        if time.tzinfo is None:
            is_spelled = isinstance(value, str) and len(value) == 19 and value[10] == " " and value[13] == ":"
            return self.wall.instant(time), str(value) if is_spelled else time.isoformat(" ", "seconds")
        at = time.astimezone(UTC)
        return at, f"{at.replace(tzinfo=None).isoformat(' ', 'seconds')}Z"

    def _date(self, value: object, wall: Wall | None) -> Reading:
        time = _parse(value)
        if time.tzinfo is not None:
            time = time.astimezone(self.wall.zone)
        day = time.date()
        return (wall or self.wall).instant(dt.datetime.combine(day, dt.time())), day.isoformat()


class TimeWriter:
    """Spells instants for the SQL of one source.

    Parameters
    ----------
    zone: the source's zone.
    as_text: whether the source keeps its times as text (SQLite) rather than in types of their own.
    """

    def __init__(self, zone: ZoneInfo, *, as_text: bool) -> None:
        self._zone = zone
        self._as_text = as_text

    def now(self, now: dt.datetime) -> dict[str, object]:
        """Give ``:now`` and ``:today`` on the source's wall."""
        wall = now.astimezone(self._zone).replace(tzinfo=None)
        if self._as_text:
            return {"now": wall.isoformat(" ", "seconds"), "today": wall.date().isoformat()}
        return {"now": wall, "today": wall.date()}

    def spans(self, now: dt.datetime, spans: Mapping[str, Duration]) -> dict[str, object]:
        """Give, by name, from when on a count looks back over each span: days end at the same time of the wall."""
        found: dict[str, object] = {}
        for name, span in spans.items():
            since = now if span.unit is Unit.DAYS else now - dt.timedelta(seconds=span.amount)
            wall = since.astimezone(self._zone).replace(tzinfo=None)
            wall -= dt.timedelta(days=span.amount) if span.unit is Unit.DAYS else dt.timedelta()
            found[name] = wall.isoformat(" ", "seconds") if self._as_text else wall
        return found

    def bounds(self, low: dt.datetime | None, high: dt.datetime | None) -> dict[str, object]:
        """Give ``:low``, ``:high``, ``:low_day`` and ``:high_day``, half-open and wide enough to lose no record.

        For anniversaries there are the days of the year that lie between, as `days_of_year` gives them.

        Days are wide enough for every zone. So are the bounds of text: whole days stand before and after whatever
        follows the date, be it ``T09:00``, a fraction or an offset.
        """
        low_day = (low - _WEST).date() if low else _FIRST.date()
        high_day = (high + _EAST).date() + _DAY if high else _LAST.date()
        if self._as_text:
            first, last = low_day.isoformat(), high_day.isoformat()
            return {"low": first, "high": last, "low_day": first, "high_day": last, **days_of_year(low, high)}
        return {
            **days_of_year(low, high),
            "low": low.astimezone(self._zone).replace(tzinfo=None) - _SLACK if low else _FIRST,
            "high": high.astimezone(self._zone).replace(tzinfo=None) + _SLACK if high else _LAST,
            "low_day": low_day,
            "high_day": high_day,
        }

    def likely(self) -> dict[str, object]:
        """Give ``:first`` and ``:last``, between which a value may be a time."""
        if self._as_text:  # with the hyphen no column's affinity takes them for numbers
            return {"first": f"{_FIRST.year}-", "last": f"{_LAST.year}-"}
        return {"first": _FIRST, "last": _LAST}


def _parse(value: object) -> dt.datetime:
    if isinstance(value, str):
        if value[4:5] != "-" or value[7:8] != "-":  # bounds of text know no other order
            raise Unreadable
        try:
            value = dt.datetime.fromisoformat(value)
        except ValueError:
            raise Unreadable from None
    elif type(value) is dt.date:
        value = dt.datetime.combine(value, dt.time())
    if not isinstance(value, dt.datetime) or not _FIRST.year <= value.year < _LAST.year:
        raise Unreadable
    return value


def _wall(name: str) -> Wall | None:
    try:
        return Wall(zone(name))
    except ValueError:
        return None
