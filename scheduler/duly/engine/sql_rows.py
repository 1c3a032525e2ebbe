"""Rows that a service database answered, read as candidates and records."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from json.encoder import encode_basestring
from typing import Any
from zoneinfo import ZoneInfo

from duly.api.person import Person
from duly.engine.source import person_id
from duly.engine.sql_time import Reading, TimeReader, Unreadable, Wall
from duly.rules.anniversary import YEAR, anniversaries, nearest
from duly.rules.crowd_plan import CrowdPlan
from duly.rules.noun import Time
from duly.rules.plan import Plan
from duly.rules.record import Candidate, Record, encode_key, in_stage, spell_stage
from duly.time.zone import zone

Row = Sequence[Any]

_NO = frozenset({"", "0", "false", "f", "no", "n", "none", "\x00"})
"""How databases without booleans say that something is not so."""
_OF_PERSON = frozenset({"name", "lang", "zone", "by", "rest"})
_NO_TIMES: dict[str, Any] = {}


class RowReader:
    """Reads the rows of one plan's statements, column by column as the plan orders them.

    Parameters
    ----------
    plan: whose rows they are.
    times: reads times as the source spells them.
    day: the day of the clock, for a plan whose clock is the next day of a calendar.
    now: the instant of the question: a clock that begins when it is first seen begins now.
    """

    def __init__(self, plan: Plan, times: TimeReader, day: dt.date | None, now: dt.datetime) -> None:
        noun = plan.noun
        self._plan = plan
        self._times = times
        self._day = day if plan.clock is None else None
        self._now = now
        self._width = width = len(noun.key)
        columns = {leaf.name: width + place for place, leaf in enumerate(plan.leaves)}
        self._head = width + len(columns)
        self._clock = times.reader(plan.clock, noun.times, columns) if plan.clock else None
        self._named = {time.name: times.reader(time, noun.times, columns) for time in plan.named}
        self._matter = self._next_column() if plan.clock and plan.clock.matter else None
        self._zone = self._next_column() if noun.zone else None
        self._stage = self._next_column() if plan.per else None
        self._pauses = [
            (str(condition), self._next_column(), self._reader_of(became)) for condition, became in plan.pauses
        ]

    @property
    def is_composite(self) -> bool:
        """Whether a key has several parts."""
        return self._width > 1

    def key(self, row: Row) -> bytes:
        """Spell the key of a row as `encode_key` does, quicker for whole numbers and texts."""
        if self._width > 1:
            return encode_key([_plain(part) for part in row[: self._width]])
        value = row[0]
        if type(value) is int:
            return b"%d" % value
        if type(value) is str:
            return encode_basestring(value).encode()
        return encode_key(_plain(value))

    def candidate(self, row: Row) -> Candidate | None:
        """Read a candidate; ``None`` when its clock is missing. Of an anniversary the clock is the time itself.

        Raises
        ------
        Unreadable: a time that the rule needs cannot be read, or the row has no key.
        """
        if row[0] is None:
            raise Unreadable
        wall = self._times.wall_of(row[self._zone]) if self._zone is not None else None
        reading = self._reading(row, wall)
        if reading is None:
            return None
        at, spelled = reading
        if self._matter is not None and self._plan.yearly is None and row[self._matter] is not None:
            spelled = str(row[self._matter])
        times = _NO_TIMES
        if self._named:
            times = {name: found[0] for name, read in self._named.items() if (found := read(row, wall))}
        stage = spell_stage(row[self._stage]) if self._stage is not None else ""
        if self._plan.per and self._plan.per.since:
            spelled = in_stage(spelled, stage)
        return Candidate(
            self.key(row), spelled, at, times, wall.zone.key if wall else "", stage, self._paused(row, wall)
        )

    def anniversaries(self, base: Candidate, low: dt.datetime | None, high: dt.datetime | None) -> Iterator[Candidate]:
        """Give the anniversaries of a candidate between two instants; without ``high`` only the first."""
        if self._plan.yearly:
            yield from anniversaries(base, self._plan.yearly, self._zone_of(base), low or self._now - YEAR, high)

    def _zone_of(self, base: Candidate) -> ZoneInfo:
        """A date is one of the record's own zone, a time one of the source's."""
        is_date = len(base.clock) == len("2024-02-29")
        return zone(base.zone) if base.zone and is_date else self._times.wall.zone

    def has_clock(self, row: Row) -> bool:
        """Whether the row has a clock that can be read."""
        try:
            return self.candidate(row) is not None
        except Unreadable:
            return False

    def record(self, row: Row) -> Record:
        """Read all that a lookup answered of one record."""
        try:
            candidate = self.candidate(row)
        except Unreadable:
            candidate = None
        if candidate and self._plan.yearly:
            candidate = nearest(candidate, self._plan.yearly, self._zone_of(candidate), self._now)
        told: dict[str, dict[str, Any]] = {"holds": {}, "fields": {}, "staff": {}, "teams": {}}
        people: dict[str, dict[str, Any]] = defaultdict(dict)
        for (kind, name, *column), value in zip(self._plan.tail, row[self._head :], strict=True):
            if kind == "people":
                people[name][column[0]] = value
            else:
                told[kind][name] = value
        rule, holds = self._plan.rule, {name: bool(value) for name, value in told["holds"].items()}
        wall = self._times.wall_of(row[self._zone]) if self._zone is not None else None
        return Record(
            candidate,
            self.key(row),
            matches=all(holds[str(each)] for each in rule.where) and not any(holds[str(each)] for each in rule.except_),
            done=any(holds[str(each)] for each in rule.done),
            holds=holds,
            fields=told["fields"],
            people={name: _person(name, columns) for name, columns in people.items()},
            staff={name: _text(value) for name, value in told["staff"].items() if value is not None},
            teams={name: _text(value) for name, value in told["teams"].items() if value is not None},
            zone=wall.zone.key if wall else "",
        )

    def _reading(self, row: Row, wall: Wall | None) -> Reading | None:
        if self._clock:
            return self._clock(row, wall)
        if self._plan.first_seen:
            return self._times.seen(self._now)
        return self._times.midnight(self._day, wall) if self._day else None

    def _paused(self, row: Row, wall: Wall | None) -> Mapping[str, dt.datetime | None]:
        """Read which pauses hold; one whose beginning cannot be read has begun at a time that is not known."""
        if not self._pauses:
            return _NO_TIMES
        found: dict[str, dt.datetime | None] = {}
        for name, column, became in self._pauses:
            if row[column]:
                try:
                    reading = became(row, wall) if became else None
                except Unreadable:
                    reading = None
                found[name] = reading[0] if reading else None
        return found

    def _reader_of(self, became: Time | None) -> Callable[..., Reading | None] | None:
        if became is None:
            return None
        return self._times.reader(became, self._plan.noun.times, {became.name: self._next_column()})

    def _next_column(self) -> int:
        self._head += 1
        return self._head - 1


class CrowdReader:
    """Reads the rows of one word for many people.

    Parameters
    ----------
    plan: whose rows they are.
    """

    def __init__(self, plan: CrowdPlan) -> None:
        self._who = plan.person.name
        self._columns = plan.columns
        self._record = len(plan.noun.key)
        self._person = self._record + len(plan.person.key)

    def key(self, row: Row) -> bytes:
        """Spell the key of the record as `encode_key` does."""
        return encode_key(_joined(row[: self._record]))

    def person(self, row: Row) -> Person:
        """Read one of the people."""
        id = person_id(self._who, _joined(row[self._record : self._person]))
        return _person(id, dict(zip(self._columns, row[self._person :], strict=True)))


def _joined(parts: Row) -> object:
    return _plain(parts[0]) if len(parts) == 1 else [_plain(part) for part in parts]


def _person(name: str, columns: Mapping[str, Any]) -> Person:
    told = {column: _text(value) for column, value in columns.items()}
    of_person: dict[str, Any] = {column: value for column, value in told.items() if column in _OF_PERSON}
    return Person(
        id=name,
        **of_person,
        addresses={
            column: value
            for column, value in told.items()
            if value and column not in _OF_PERSON and not column.startswith("no_")
        },
        refuses=frozenset(
            column.removeprefix("no_")
            for column, value in told.items()
            if column.startswith("no_") and value.lower() not in _NO
        ),
    )


def _text(value: object) -> str:
    return "" if value is None else str(_plain(value)).strip()


def _plain(value: object) -> object:
    """Read what a binary column holds as text: a person may have chosen it for its strict comparisons."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
