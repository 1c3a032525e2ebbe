"""A census: the question about every record that matches, for reports and coverage."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import sqlalchemy as sa

from duly.rules.fragment import for_text
from duly.rules.model import ClockKind, ClockRef, Condition, FactIs
from duly.rules.noun import Time
from duly.rules.plan import Plan
from duly.rules.problem import Mark
from duly.rules.record import Record


@dataclass(frozen=True, slots=True)
class Counted:
    """One record as a census answered it.

    Parameters
    ----------
    times: the times that were asked for, as far as the record has them, as instants in UTC.
    unreadable: whether it has a time that cannot be read; it is not among ``times``.
    """

    record: Record
    times: Mapping[str, dt.datetime]
    unreadable: bool = False


@dataclass(frozen=True, eq=False)
class Census(Plan):
    """A plan that asks for whole records, whatever their ladder, and only for what is told of them.

    Parameters
    ----------
    times: every time that is asked for.
    bounds: names of those of which one at least must lie in the period; none for every record that matches.
    facts: what else is asked of each record.
    fields, teams, staff, people: the words of the noun that are told. Of ``people``, their names.
    with_done: whether records are asked for that the rule's ``done`` says are done.
    """

    times: tuple[Time, ...] = ()
    bounds: frozenset[str] = frozenset()
    facts: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    staff: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    with_done: bool = False

    def __post_init__(self) -> None:
        """A census needs no clock: it may ask for everything there is."""

    @cached_property
    def clock(self) -> Time | None:
        """The time that the rule counts from, if it names one."""
        clock = self.rule.clock
        return self.noun.times[clock.name] if clock and clock.kind is ClockKind.TIME else None

    @cached_property
    def yearly(self) -> ClockRef | None:
        """Nothing: what happened in a period happened once."""
        return None

    @cached_property
    def leaves(self) -> tuple[Time, ...]:
        """The times with SQL of their own that the clock, the due time and the other times are made of."""
        found = {leaf.name: leaf for leaf in super().leaves}
        found |= {leaf.name: leaf for time in self.times for leaf in self._leaves(time)}
        return tuple(found.values())

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """Every condition of the rule and every further fact, each once."""
        mark = Mark(self.noun.path)
        asked = [*super().conditions, *(FactIs(name, wanted=True, mark=mark) for name in self.facts)]
        return tuple({str(condition): condition for condition in asked}.values())

    @cached_property
    def tail(self) -> tuple[tuple[str, ...], ...]:
        """What each further column holds, as in a lookup: only what is told."""
        return (
            *(("holds", str(condition)) for condition in self.conditions),
            *(("fields", name) for name in self.fields),
            *(("people", name, "name") for name in self.people),
            *(("staff", name) for name in self.staff),
            *(("teams", name) for name in self.teams),
        )

    def counted(self, dialect: str) -> sa.TextClause:
        """Ask for the records that match, with all that is told of them, between the bounds of `Plan.candidates`."""
        binds: list[sa.BindParameter[object]] = []
        columns = (*self._head(dialect, binds), *(self._told(part, dialect, binds) for part in self.tail))
        where = self._matching(dialect, binds)
        if self.bounds:
            where.append(self._bounded((time for time in self.times if time.name in self.bounds), dialect))
        return self._select(columns, where, binds)

    def _matching(self, dialect: str, binds: list[sa.BindParameter[object]]) -> list[str]:
        rule = self.rule
        unwanted = rule.except_ if self.with_done else (*rule.except_, *rule.done)
        return [
            *(self._holds(condition, dialect, binds) for condition in rule.where),
            *(f"not {self._holds(condition, dialect, binds)}" for condition in unwanted),
        ]

    def _told(self, part: tuple[str, ...], dialect: str, binds: list[sa.BindParameter[object]]) -> str:
        noun, (kind, name, *_) = self.noun, part
        if kind == "holds":
            condition = next(each for each in self.conditions if str(each) == name)
            return f"case when {self._holds(condition, dialect, binds)} then 1 else 0 end"
        sql = {
            "fields": lambda: noun.fields[name].sql,
            "people": lambda: noun.people[name].columns["name"],
            "staff": lambda: noun.people[name].staff,
            "teams": lambda: noun.teams[name],
        }[kind]()
        return f"({for_text(sql)})"
