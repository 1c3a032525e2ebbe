"""A rule as it was written: the nouns of one rule file, before it is bound to a vocabulary."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from duly.rules.problem import Mark
from duly.time.duration import Duration, Unit
from duly.time.repeat import Repeat
from duly.time.slot import Schedule
from duly.time.window import Window

if TYPE_CHECKING:
    from duly.rules.roundup import Roundup

Marks = Mapping[str, Mark]
"""Where the value of each key stands in its file, for problems that only show when files meet."""


@dataclass(frozen=True, slots=True)
class FactIs:
    """A condition on one fact of the noun: ``paid``, ``not paid``."""

    fact: str
    wanted: bool
    mark: Mark = field(compare=False)

    def __str__(self) -> str:
        return self.fact if self.wanted else f"not {self.fact}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A condition on one field or count: ``amount >= 500``, ``origin is app or web``, ``contacts >= 3 in 7d``.

    ``operator`` is one of ``= != < <= > >=``, ``is``, ``is not``; ``values`` holds one text, or several after ``is``.
    ``within`` is how far a count looks back.
    """

    field: str
    operator: str
    values: tuple[str, ...]
    mark: Mark = dataclasses.field(compare=False)
    within: Duration | None = None

    def __str__(self) -> str:
        span = f" in {self.within}" if self.within else ""
        return f"{self.field} {self.operator} {' or '.join(self.values)}{span}"


Condition = FactIs | Comparison


class ClockKind(Enum):
    """What a clock counts from."""

    TIME = "time"
    NEXT_DAY = "next day of"
    ANNIVERSARY = "anniversary of"
    FIRST_SEEN = "first seen"


@dataclass(frozen=True, slots=True)
class ClockRef:
    """``shippable_since``, ``next day of shop-days``, ``anniversary of born_on`` or ``first seen``.

    ``name`` is the time or the calendar. ``leap_day`` is where 29 February falls in common years, as month and day.
    """

    kind: ClockKind
    name: str
    leap_day: tuple[int, int] = (2, 28)

    @property
    def of_time(self) -> bool:
        """Whether it is made of a time of the noun."""
        return self.kind in (ClockKind.TIME, ClockKind.ANNIVERSARY)

    @property
    def is_yearly(self) -> bool:
        """Whether it comes every year."""
        return self.kind is ClockKind.ANNIVERSARY

    @property
    def is_first_seen(self) -> bool:
        """Whether it begins when a check first sees that a record matches."""
        return self.kind is ClockKind.FIRST_SEEN

    @property
    def is_shared(self) -> bool:
        """Whether it says nothing of the record itself, so that no record can have another one by now."""
        return not self.of_time

    def __str__(self) -> str:
        if self.kind is ClockKind.TIME:
            return self.name
        return f"{self.kind.value} {self.name}".rstrip()


@dataclass(frozen=True, slots=True)
class DueEntry:
    """How long one stage, or one kind of record, may take, and who is in charge of it meanwhile."""

    duration: Duration
    who: Audience | None = None


@dataclass(frozen=True, slots=True)
class DueTable:
    """``due: {per: stage, new: 30m, otherwise: 1 working day}``: a due time for each value of a field."""

    per: str
    entries: Mapping[str, DueEntry]
    otherwise: DueEntry | None = None

    @property
    def all(self) -> tuple[DueEntry, ...]:
        """Every entry, ``otherwise`` among them."""
        return (*self.entries.values(), *((self.otherwise,) if self.otherwise else ()))

    def entry(self, value: str) -> DueEntry | None:
        """Find the entry for a value of the field; ``None`` when the table does not provide for it."""
        return self.entries.get(value, self.otherwise)


@dataclass(frozen=True, slots=True)
class Due:
    """By when it must be done: exactly one of a duration after the clock, times of day, a time of the noun, a table.

    ``times`` are in order; due is the first of them at or after the clock.
    """

    duration: Duration | None = None
    times: tuple[dt.time, ...] = ()
    time_name: str = ""
    table: DueTable | None = None

    @property
    def durations(self) -> tuple[Duration, ...]:
        """The durations after the clock that it may come to; empty for a due time that is none."""
        if self.table:
            return tuple(entry.duration for entry in self.table.all)
        return (self.duration,) if self.duration else ()


class When(Enum):
    """What a step's moment is counted from."""

    AFTER = "after"
    BEFORE = "before"
    LATE = "late"
    UNANSWERED = "unanswered"
    CHANGED = "changed"
    CLOSED = "closed"
    AT = "at"

    @property
    def is_event(self) -> bool:
        """Whether it is something that a check notices, rather than a time that comes."""
        return self in (When.CHANGED, When.CLOSED)


class AudienceKind(Enum):
    """The ways to name who hears."""

    NAME = "name"
    """A person of the record, or a team (``customer``, ``logistics``): the binding decides which."""
    ON_DUTY = "on duty"
    NEXT_SHIFT = "next shift"
    ROLE = "role"
    """``role`` up the line of ``name``, which is a team or a person of the record."""
    WRITE = "write"
    """Nobody: the record itself, changed by the write of this name."""
    OWNER = "owner"
    IN_CHARGE = "in charge"
    TOLD = "told"


@dataclass(frozen=True, slots=True)
class Audience:
    """Who hears: ``logistics on duty``, ``supervisor of logistics``, ``customer``."""

    written: str
    kind: AudienceKind
    name: str = ""
    role: str = ""

    def __str__(self) -> str:
        return self.written


By = tuple[tuple[str, ...], ...]
"""Channels: all of the outer, each with what to fall back on. ``[chat, sms else email]`` is
``(("chat",), ("sms", "email"))``; empty means the person's own, else the default."""


@dataclass(frozen=True, slots=True)
class Step:
    """One rung of the ladder.

    ``do`` is ``tell`` or the name of an action. ``identity`` is what the ledger knows the step by: its timing, its
    doing and its audience, as written and normalised, so a step may move within the file. ``changed`` names the times
    of the noun, and ``closed`` the state of the case (``done`` or ``gone``), whose coming a step waits for.
    """

    identity: str
    when: When
    duration: Duration | None
    do: str
    audience: Audience
    text: str = ""
    changed: tuple[str, ...] = ()
    closed: str = ""
    at: dt.time | None = None
    between: Window | None = None
    repeat: Repeat | None = None
    expires: Duration | None = None
    if_: tuple[Condition, ...] = ()
    by: By = ()
    urgent: bool = False
    who: Audience | None = None
    """Who makes a call; ``None`` for the record's assignee, else the owner's team on duty."""
    skill: str = ""
    """The field that says what whoever is assigned must be able to do."""
    group: str = ""
    """``yes`` for one message to each person, or the field by which several are told apart."""
    attach: str = ""
    """``xlsx`` where a spreadsheet of its lines goes with a grouped message."""
    marks: Marks = field(default_factory=dict, compare=False, repr=False)

    @property
    def is_share(self) -> bool:
        """Whether it comes at a share of the time until due."""
        return self.duration is not None and self.duration.unit is Unit.PERCENT

    @property
    def keeps_to_workdays(self) -> bool:
        """Whether it comes on working days; without a time of day, from its second time on."""
        return self.repeat is not None and self.repeat.every is None


@dataclass(frozen=True, slots=True)
class Cap:
    """``each order: 3 messages`` (``per_day`` false), ``each customer: 1 a day`` (true), ``each order: 5 writes``."""

    each: str
    amount: int
    per_day: bool
    of_writes: bool = False


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``amount`` in ``seconds``: a pace, or the limit above which a rule holds."""

    amount: int
    seconds: int


HOLD_DEFAULT = Rate(500, 3600)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a rule may send. ``hold`` is ``None`` for ``hold: never``."""

    caps: tuple[Cap, ...] = ()
    pace: Rate | None = None
    hold: Rate | None = HOLD_DEFAULT


@dataclass(frozen=True, slots=True)
class ExampleTime:
    """A time as examples write it: ``Mon 09:00`` (``weekday`` 0–6), ``2025-02-28 09:00`` (``date``).

    ``offset`` tells the second of a doubled hour (``02:30+01:00``).
    """

    time: dt.time
    weekday: int | None = None
    date: dt.date | None = None
    offset: dt.timedelta | None = None


@dataclass(frozen=True, slots=True)
class ExampleEvent:
    """Something that happens (``then``) or that is expected (``expect``): a time and the rest of the line."""

    at: ExampleTime
    what: str
    mark: Mark = field(compare=False)


@dataclass(frozen=True, slots=True)
class Example:
    """One worked example of a rule, run on the real engine.

    ``given`` maps a time, fact or field of the record to its text; ``people`` maps ``customer`` to what is said of
    them, such as ``{"phone": "none"}``. ``records`` holds what is given of each of several records, by the noun they
    stand under: only a roundup has them.
    """

    name: str
    given: Mapping[str, str]
    people: Mapping[str, Mapping[str, str]]
    then: tuple[ExampleEvent, ...]
    expect: tuple[ExampleEvent, ...]
    from_: dt.datetime | None
    until: dt.datetime | None
    mark: Mark = field(compare=False)
    records: tuple[tuple[str, Mapping[str, str]], ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule file.

    ``id`` is its path under ``rules/`` without the ending; ``text`` is the file itself and ``digest`` its SHA-256 in
    hexadecimal, by which the ledger knows the version.
    """

    id: str
    title: str
    owner: str
    watch: str
    check: tuple[Schedule, ...]
    steps: tuple[Step, ...]
    text: str = field(repr=False)
    digest: str = ""
    why: str = ""
    was: str = ""
    where: tuple[Condition, ...] = ()
    except_: tuple[Condition, ...] = ()
    done: tuple[Condition, ...] = ()
    clock: ClockRef | None = None
    due: Due | None = None
    pause: tuple[Condition, ...] = ()
    """While one of them holds, the clock stands still."""
    rest: Window | None = None
    """The rule's own hours of rest for people of the record; ``None`` for the default of ``duly.yaml``."""
    limits: Limits = Limits()
    cover: str = ""
    roundup: Roundup | None = None
    """What it sends at each check, for a rule without steps."""
    examples: tuple[Example, ...] = ()
    marks: Marks = field(default_factory=dict, compare=False, repr=False)
