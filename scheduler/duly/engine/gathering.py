"""Gathering a roundup: the sources are asked, and what they answer becomes reports, one for each part of the desk."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from duly.engine.report import MOST_KEPT, Column, Report, Table
from duly.engine.tally import Tally
from duly.rules.bind import BoundRule
from duly.rules.census import Census, Counted
from duly.rules.directory import Directory
from duly.rules.measure import Measure, Reckoning
from duly.rules.noun import Noun
from duly.rules.record import Record
from duly.rules.roundup_bind import BoundSection

_NUMBERS = {"number", "money"}
_AS_THEY_ARE = (str, int, float, Decimal, dt.date, dt.time)


class CensusTaker(Protocol):
    """Whatever answers a census: a source, Duly's own cases, or the records of an example."""

    def census(
        self, census: Census, now: dt.datetime, low: dt.datetime | None, high: dt.datetime | None
    ) -> Iterator[Sequence[Counted]]:
        """Stream the records that match as `duly.engine.source.Source` says."""
        ...


@dataclass(frozen=True)
class Part:
    """One part of the desk, and what was found for it.

    Parameters
    ----------
    record: one of its records, which knows the part's team and people; ``None`` when nothing was found for anybody.
    source: the name of the source that record is from.
    """

    report: Report
    record: Record | None
    source: str


@dataclass(frozen=True)
class Gathered:
    """All that one roundup found at one slot.

    Parameters
    ----------
    parts: one for the whole, or one for each part that has records.
    found: how many records there are.
    unreadable: keys of records with a time that cannot be read, which therefore may be missing.
    """

    parts: Sequence[Part]
    found: int
    unreadable: Sequence[bytes]


def gather(
    bound: BoundRule,
    directory: Directory,
    source_of: Callable[[str], CensusTaker],
    since: dt.datetime | None,
    until: dt.datetime,
    now: dt.datetime,
) -> Gathered:
    """Ask for everything that a roundup tells.

    Parameters
    ----------
    source_of: gives a source by its name.
    since, until: the period; ``since`` is ``None`` for all there is.

    Raises
    ------
    SourceDown: one of the sources cannot answer; nothing of the others counts then.
    """
    roundup = bound.rule.roundup
    if roundup is None:
        raise ValueError(f"{bound.rule.id} has no roundup")
    parts: dict[str, _Part] = {}
    unreadable: list[bytes] = []
    for place, section in enumerate(bound.sections):
        asked = source_of(section.noun.source).census(section.plan, now, since, until)
        for batch in asked:
            for one in batch:
                if one.unreadable:
                    unreadable.append(one.record.key)
                label = _label(roundup.each, one.record, section.noun, directory)
                part = parts.get(label)
                if part is None:
                    tables = [_TableMaker(each, directory, since, until) for each in bound.sections]
                    part = parts[label] = _Part(label, one.record, section.noun.source, tables)
                part.tables[place].add(one)
    made = [part.finish(bound.rule.title, since, until, now) for part in parts.values()]
    full = sorted((part for part in made if part.report.found), key=lambda part: part.report.group)
    if not full:
        empty = tuple(_TableMaker(each, directory, since, until).finish() for each in bound.sections)
        full = [Part(Report(bound.rule.title, since, until, now, tables=empty), None, bound.noun.source)]
    return Gathered(full, sum(part.report.found for part in full), unreadable)


@dataclass
class _Part:
    label: str
    record: Record
    source: str
    tables: list[_TableMaker]

    def finish(self, title: str, since: dt.datetime | None, until: dt.datetime, now: dt.datetime) -> Part:
        tables = tuple(table.finish() for table in self.tables)
        return Part(Report(title, since, until, now, self.label, tables), self.record, self.source)


@dataclass
class _TableMaker:
    """Fills the table of one section, record by record."""

    bound: BoundSection
    directory: Directory
    since: dt.datetime | None
    until: dt.datetime
    found: int = 0
    listed: int = 0
    rows: list[tuple[Any, tuple[Any, ...]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tally = Tally(self.bound.measures, self.since, self.until)
        self.clock = self.bound.plan.clock

    def add(self, one: Counted) -> None:
        section, noun = self.bound.section, self.bound.noun
        taken = False
        if section.measure:
            group = _label(section.per, one.record, noun, self.directory)
            taken = self.tally.add(group, one)
        if section.list and (self.clock is None or self.tally.is_within(one.times.get(self.clock.name))):
            taken = True
            self.listed += 1
            by = section.sort or ((self.clock.name,) if self.clock else ())
            order = [_order(self._value(name, one)) for name in by]
            self.rows.append(((*order, one.record.key), tuple(self._value(name, one) for name in section.list)))
            if len(self.rows) > 2 * MOST_KEPT:
                self._cut()
        self.found += taken

    def finish(self) -> Table:
        self._cut()
        section, noun = self.bound.section, self.bound.noun
        measures = [noun.measures[name] for name in section.measure]
        per = noun.fields.get(section.per)
        order = {label: place for place, label in enumerate(per.one_of)} if per else {}
        groups = sorted(self.tally.groups, key=lambda label: (not label, order.get(label, len(order)), label))
        return Table(
            title=section.title,
            found=self.found,
            columns=tuple(column_of(name, noun) for name in section.list),
            rows=tuple(row for _, row in self.rows),
            listed=self.listed,
            measures=tuple(map(_figure, measures)),
            totals=self.tally.totals(measures),
            per=section.per,
            groups=tuple((label, self.tally.figures(label, measures)) for label in groups) if section.per else (),
            chart=section.chart,
        )

    def _cut(self) -> None:
        self.rows.sort(key=lambda row: row[0])
        del self.rows[MOST_KEPT:]

    def _value(self, name: str, one: Counted) -> Any:
        """Give what is told of a record under one word of its noun."""
        if name in self.bound.noun.times:
            return one.times.get(name)
        return value_of(name, one.record, self.bound.noun, self.directory)


def value_of(name: str, record: Record, noun: Noun, directory: Directory) -> Any:
    """Give what a list tells of a record under one word of its noun that is no time."""
    if name in noun.fields and noun.fields[name].kind != "staff":
        value = record.fields.get(name)
        return value if value is None or isinstance(value, _AS_THEY_ARE) else str(value)
    return _label(name, record, noun, directory)


def column_of(name: str, noun: Noun) -> Column:
    """Tell how a list shows the values of one word of a noun."""
    known = noun.fields.get(name)
    return Column(name, "number" if known and known.kind in _NUMBERS else "text")


def _label(name: str, record: Record, noun: Noun, directory: Directory) -> str:
    """Name the group that a record belongs to, in the desk's own spelling; empty where it has none."""
    if not name:
        return ""
    if name in noun.teams:
        value = record.teams.get(name, "")
        return directory.team_of(value, noun.source) or value
    if name in noun.people and not noun.people[name].staff:
        return record.people[name].name
    if name in noun.people or noun.fields[name].kind == "staff":
        written = record.staff.get(name) if name in noun.people else record.fields.get(name)
        id = directory.by_source_id(noun.source, str(written)) if written is not None else None
        return directory.person(id).name or id if id else "" if written is None else str(written)
    value = record.fields[name]
    return "" if value is None else " ".join(str(value).split())


def _order(value: Any) -> tuple[int, Any]:
    """Put numbers before texts, and what is missing last."""
    if value is None or value == "":
        return 2, 0
    if isinstance(value, int | float | Decimal):
        return 0, Decimal(str(value))
    return 1, value.isoformat() if isinstance(value, dt.date | dt.time) else value


def _figure(measure: Measure) -> Column:
    kind = "share" if measure.reckoning is Reckoning.SHARE else "number"
    return Column(measure.name, kind, measure.places)
