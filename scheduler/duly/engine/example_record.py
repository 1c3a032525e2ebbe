"""The record of an example: what it says from the start, and what it comes to as things happen."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from operator import ge, gt, le, lt
from typing import Any
from zoneinfo import ZoneInfo

from duly.api.person import Person
from duly.engine.example_time import ExampleTimes
from duly.engine.source import person_id
from duly.rules.anniversary import anniversaries, nearest
from duly.rules.bind import BoundRule
from duly.rules.directory import Directory
from duly.rules.example_file import parse_example_time
from duly.rules.model import Comparison, Condition, Example, FactIs
from duly.rules.noun import Noun, RecordPerson, Time
from duly.rules.record import Candidate, Record, in_stage, spell_stage
from duly.rules.roundup_bind import BoundSection
from duly.time.zone import midnight, zone

KEY = b"1"
_ORDER: Mapping[str, Callable[[Decimal, Decimal], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}
_BESIDE = {"<": -1, ">": 1}
_UNLIKE = ("!=", "is not")
_NUMBERS = ("number", "money")
_OF_PERSON = frozenset({"name", "lang", "zone", "by", "rest"})


class ExampleRecord:
    """One record, as an example has it.

    What the rule's ``where`` wants is so from the start, and no other fact is, unless the example says otherwise. A
    time that proves a fact (its ``at``) is hidden until it comes, and the fact with it; other times are there from the
    start.

    Parameters
    ----------
    bound: the rule.
    example: what is so, to begin with.
    times: reads the times of the example.
    source_zone: in which the source spells its times.
    directory: where the record's assignee is from.

    Raises
    ------
    ValueError: the example gives a number or a zone that is none.
    """

    def __init__(
        self,
        bound: BoundRule | BoundSection,
        example: Example,
        times: ExampleTimes,
        source_zone: ZoneInfo,
        directory: Directory,
    ) -> None:
        self._bound = bound
        self._noun = noun = bound.noun
        self._source_zone = source_zone
        self._written = times
        self._proofs = {fact.name: _proofs(fact.at, noun) for fact in noun.facts.values()}
        people = {name: person for name, person in noun.people.items() if not person.staff}
        told = {name: _person(person, example.people.get(name, {})) for name, person in people.items()}
        self._people = {name: person for name, person in told.items() if not people[name].many}
        self.crowds = {name: replace(told[name], id=person_id(name, 1)) for name in told if people[name].many}
        """One person for each word that means many."""
        self.zone = next((told[name].zone for name in people if _is_of(noun, people[name])), "")
        for name in filter(None, (person.zone for person in told.values())):
            zone(name)
        self._assignee, self._team = _somebody(bound, directory)
        self._facts: dict[str, bool] = {}
        self._fields: dict[str, str | None] = _wanted_fields(bound)
        self._times: dict[str, dt.datetime | None] = {}
        self._became: dict[str, dt.datetime] = {}
        for name, value in example.given.items():
            if name in noun.facts:
                self._facts[name] = value == "yes"
            elif name not in noun.times:
                self._fields[name] = _field_value(noun, name, value)
            else:
                self._give(name, value)

    def time(self, name: str, now: dt.datetime) -> dt.datetime | None:
        """Give one of its times, as far as it is known at ``now``."""
        return self._time(self._noun.times[name], now)

    @property
    def moments(self) -> list[dt.datetime]:
        """Every time that the record has or will have."""
        return [at for at in self._times.values() if at is not None]

    @property
    def turns(self) -> list[dt.datetime]:
        """The times that prove a fact: as each of them comes, the record changes."""
        proofs = {name for names in self._proofs.values() for name in names}
        return [at for name, at in self._times.items() if at is not None and name in proofs]

    @property
    def stage(self) -> str:
        """The value of the field by which the rule's due time goes; empty when it goes by none."""
        per = self._bound.plan.per
        return spell_stage(self._words(per.name)) if per else ""

    def happen(self, what: str, now: dt.datetime) -> None:
        """Change the record: a fact becomes so (``shipped``) or not (``not waiting``), or a word gets its value."""
        time = next((name for name in self._noun.times if what.startswith(f"{name} ")), None)
        if time is not None:
            self._give(time, what.removeprefix(time).strip(), now)
            return
        fact = what.removeprefix("not ")
        if fact in self._noun.facts:
            self._facts[fact] = what == fact
            self._became[fact] = now
            proofs = self._proofs[fact]
        else:
            named = (*self._noun.fields, *self._noun.counts)
            name = max((name for name in named if fact.startswith(f"{name} ")), key=len)
            value = fact.removeprefix(name).strip() if what == fact else "none"
            self._fields[name] = _field_value(self._noun, name, value)
            field = self._noun.fields.get(name)
            proofs = (field.since,) if field and field.since else ()
        for name in proofs:
            at = midnight(now.astimezone(self._local).date(), self._local) if self._noun.times[name].is_date else now
            self._times[name] = None if what.startswith("not ") else at

    def at(self, now: dt.datetime, day: dt.date | None) -> Record:
        """Say all there is to know of the record at ``now``.

        Parameters
        ----------
        day: the day of the clock, for a rule that counts from the next day of a calendar.
        """
        rule, noun = self._bound.rule, self._noun
        holds = {str(condition): self._holds(condition, now) for condition in self._bound.plan.conditions}
        return Record(
            self._candidate(now, day),
            KEY,
            matches=all(holds[str(each)] for each in rule.where) and not any(holds[str(each)] for each in rule.except_),
            done=any(holds[str(each)] for each in rule.done),
            holds=holds,
            fields={name: self._words(name) for name in noun.fields},
            people=self._people,
            staff={name: self._assignee for name, person in noun.people.items() if person.staff and self._assignee},
            teams=dict.fromkeys(noun.teams, self._team),
            zone=self.zone,
        )

    def _give(self, name: str, value: str, since: dt.datetime | None = None) -> None:
        """Give a time its value; a weekday is the first from ``since`` on, or one of the ordinary week."""
        if value == "none":
            self._times[name] = None
            return
        written, times = parse_example_time(value), self._written
        at = times.instant(written) if since is None else times.from_on(written, since)
        if self._noun.times[name].is_date:
            at = midnight(at.astimezone(times.zone).date(), self._local)
        self._times[name] = at

    @property
    def _local(self) -> ZoneInfo:
        """The zone in which the record's dates begin."""
        return zone(self.zone) if self.zone else self._source_zone

    def _candidate(self, now: dt.datetime, day: dt.date | None) -> Candidate | None:
        plan = self._bound.plan
        if plan.first_seen:
            return Candidate(
                KEY, f"{now.astimezone(self._source_zone):%Y-%m-%d %H:%M:%S}", now, {}, self.zone, self.stage
            )
        if plan.yearly:
            base = self._base(now)
            return nearest(base, plan.yearly, self._zone_of(base), now) if base else None
        if plan.clock is None:
            if day is None:
                return None
            return Candidate(
                KEY,
                day.isoformat(),
                midnight(day, self._local),
                zone=self.zone,
                stage=self.stage,
                paused=self._paused(now),
            )
        return self._base(now)

    def anniversaries(self, now: dt.datetime, low: dt.datetime, high: dt.datetime | None) -> Iterator[Candidate]:
        """Give its clocks between two instants, where the rule's clock comes every year."""
        base, clock = self._base(now), self._bound.plan.yearly
        if base and clock:
            yield from anniversaries(base, clock, self._zone_of(base), low, high)

    def _zone_of(self, base: Candidate) -> ZoneInfo:
        return self._local if len(base.clock) == len("2024-02-29") else self._source_zone

    def _base(self, now: dt.datetime) -> Candidate | None:
        """Give the record with the time itself for its clock, also where the rule counts from its anniversaries."""
        plan = self._bound.plan
        clock_at = self._time(plan.clock, now) if plan.clock else None
        if plan.clock is None or clock_at is None:
            return None
        times = {time.name: at for time in plan.named if (at := self._time(time, now)) is not None}
        clock = self._spelled(plan.clock, clock_at)
        if plan.per and plan.per.since:
            clock = in_stage(clock, self.stage)
        return Candidate(KEY, clock, clock_at, times, self.zone, self.stage, self._paused(now))

    def _paused(self, now: dt.datetime) -> dict[str, dt.datetime | None]:
        """Say what stops the clock and, where the vocabulary knows that, since when."""
        return {
            str(condition): self._since(condition, now) if became else None
            for condition, became in self._bound.plan.pauses
            if self._holds(condition, now)
        }

    def _since(self, condition: Condition, now: dt.datetime) -> dt.datetime | None:
        if not isinstance(condition, FactIs):
            return None
        proofs = [at for name in self._proofs[condition.fact] if (at := self._time(self._noun.times[name], now))]
        return max(proofs, default=self._became.get(condition.fact))

    def _spelled(self, clock: Time, at: dt.datetime) -> str:
        if clock.matter and not self._bound.plan.yearly:
            return clock.matter
        if clock.is_date:
            return at.astimezone(self._local).date().isoformat()
        return f"{at.astimezone(self._source_zone):%Y-%m-%d %H:%M:%S}"

    def _time(self, time: Time, now: dt.datetime) -> dt.datetime | None:
        parts = (*time.later_of, *time.earlier_of)
        if parts and time.name not in self._times:
            there = [at for part in parts if (at := self._time(self._noun.times[part], now)) is not None]
            return (max if time.later_of else min)(there, default=None)
        at = self._times.get(time.name)
        hidden = at is not None and at > now and any(time.name in names for names in self._proofs.values())
        return None if hidden else at

    def _holds(self, condition: Condition, now: dt.datetime) -> bool:
        if isinstance(condition, FactIs):
            return self._is_so(condition.fact, now) == condition.wanted
        value = self._fields.get(condition.field, "0" if condition.field in self._noun.counts else None)
        matched = value is not None and self._compare(condition, value)
        return matched != (condition.operator in _UNLIKE)

    def _is_so(self, fact: str, now: dt.datetime) -> bool:
        if fact in self._facts:
            return self._facts[fact]
        given = [self._times[name] for name in self._proofs[fact] if name in self._times]
        if given:
            return any(at is not None and at <= now for at in given)
        return any(isinstance(each, FactIs) and each.fact == fact and each.wanted for each in self._bound.rule.where)

    def _compare(self, condition: Comparison, value: str) -> bool:
        if condition.operator in _ORDER:
            return _ORDER[condition.operator](Decimal(value), Decimal(condition.values[0]))
        if _is_number(self._noun, condition.field):
            return Decimal(value) in map(Decimal, condition.values)
        return value in condition.values

    def _words(self, name: str) -> Any:
        """Give a field as words need it: something to show, also where the example says nothing."""
        field, value = self._noun.fields[name], self._fields.get(name)
        if field.kind in _NUMBERS:
            return Decimal(value or 1)
        if field.kind == "staff":
            return value or self._assignee
        return value or (field.one_of[0] if field.one_of else name)


def _proofs(at: str, noun: Noun) -> tuple[str, ...]:
    """Find the times of the noun that are the same SQL as a fact's ``at``."""
    return tuple(time.name for time in noun.times.values() if at and time.sql.split() == at.split())


def _is_of(noun: Noun, person: RecordPerson) -> bool:
    """Tell whether the record's zone is this person's."""
    return bool(noun.zone) and noun.zone.split() == person.columns.get("zone", "").split()


def _wanted_fields(bound: BoundRule | BoundSection) -> dict[str, str | None]:
    """Choose values that the comparisons of ``where`` hold for."""
    found: dict[str, str | None] = {}
    for condition in bound.rule.where:
        if isinstance(condition, Comparison) and condition.operator not in _UNLIKE:
            first = condition.values[0]
            beside = _BESIDE.get(condition.operator)
            found[condition.field] = first if beside is None else str(Decimal(first) + beside)
    return found


def _is_number(noun: Noun, name: str) -> bool:
    """Tell whether a field or a count is a number, as every count is."""
    return name in noun.counts or noun.fields[name].kind in _NUMBERS


def _field_value(noun: Noun, name: str, value: str) -> str | None:
    if value == "none":
        return None
    if _is_number(noun, name):
        try:
            Decimal(value)
        except InvalidOperation:
            raise ValueError(f"“{name}” is a number, and “{value}” is none; write digits, such as “500”") from None
    return value


def _person(person: RecordPerson, given: Mapping[str, str]) -> Person:
    """Make a person with every address the vocabulary knows, unless the example says otherwise."""
    known = {column: f"{column} of {person.name}" for column in person.columns if column not in _OF_PERSON}
    told = {"name": person.name, **{column: text for column, text in known.items() if column[:3] != "no_"}, **given}
    there = {column: value for column, value in told.items() if value != "none"}
    of_person: dict[str, Any] = {column: value for column, value in there.items() if column in _OF_PERSON}
    return Person(
        id=person.name,
        **of_person,
        addresses={name: value for name, value in there.items() if name not in _OF_PERSON and name[:3] != "no_"},
        refuses=frozenset(name[3:] for name, value in there.items() if name[:3] == "no_" and value == "yes"),
    )


def _somebody(bound: BoundRule | BoundSection, directory: Directory) -> tuple[str, str]:
    """Choose whose the record is: what the source calls the owner's first member that it knows, and a team."""
    owner, source = bound.rule.owner, bound.noun.source
    team = owner if owner in directory.teams else next(iter(directory.teams), "")
    first = directory.teams[owner].members if owner in directory.teams else (owner,)
    ids = (directory.staff[id].ids.get(source, ()) for id in (*first, *directory.staff) if id in directory.staff)
    return next((each for known in ids for each in known), ""), team
