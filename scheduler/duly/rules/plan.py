"""A plan: a rule bound to a noun of the vocabulary, as the questions that a source is asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cached_property

import sqlalchemy as sa

from duly.rules.count import count_sql, since
from duly.rules.crowd_plan import CrowdPlan
from duly.rules.fragment import for_text
from duly.rules.model import ClockRef, Comparison, Condition, FactIs, Rule
from duly.rules.noun import Field, Noun, RecordPerson, Time
from duly.time.duration import Duration

_ONE_STATEMENT = ":now is not null"
"""Always true. A driver that has at least one value to bind sends one statement and no more, whatever the SQL says."""

_TIME_AS_TEXT = "[12][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]*"
_DAY_OF_YEAR = {
    "sqlite": "substr({}, 6, 5)",
    "postgresql": "to_char({}, 'MM-DD')",
    "mysql": "date_format({}, '%m-%d')",
}
"""How each database spells the day of the year of a time."""
_UNLIKE = {"!=": "=", "is not": "is"}
_TEXT = {
    "sqlite": ("cast({} as text) collate binary", "{}"),
    "postgresql": ('cast({} as text) collate "C"', "{}"),
    "mysql": ("cast(cast({} as char character set utf8mb4) as binary)", "cast({} as binary)"),
}
"""How each database compares texts byte by byte, so that a rule means the same on all of them: no collation, no
trailing spaces, no capitals come in between. For the field and for the value."""


@dataclass(frozen=True, eq=False)
class Plan:
    """The SQL of one rule over one noun.

    Every statement is a ``text()`` whose values are bound, never pasted. It takes ``:now``, where the SQL of the
    vocabulary says so ``:today``, and a value for each of `spans`. Its columns come in a fixed order: the ``head`` (the
    key, then `leaves`, then the clock's ``matter``, the record's ``zone`` and the field `per` where there are any, then
    of each of `pauses` whether it holds and, where that is known, since when), and in a lookup the `tail` after it.

    Parameters
    ----------
    rule: the rule, with all its conditions known to ``noun``.
    noun: what the rule watches.

    Raises
    ------
    ValueError: the rule names no clock and the noun has no single time to take for it.
    """

    rule: Rule
    noun: Noun

    def __post_init__(self) -> None:
        if self.rule.clock is None and len(self.noun.times) != 1:
            known = ", ".join(self.noun.times) or "none"
            raise ValueError(f"{self.rule.id} has no clock: name one of the times of {self.noun.name} ({known})")

    @cached_property
    def clock(self) -> Time | None:
        """The time that the rule counts from, or from its anniversaries; ``None`` for a clock of no time."""
        if self.rule.clock is None:
            return next(iter(self.noun.times.values()))
        return self.noun.times[self.rule.clock.name] if self.rule.clock.of_time else None

    @cached_property
    def yearly(self) -> ClockRef | None:
        """The rule's clock, if it comes every year."""
        return self.rule.clock if self.rule.clock and self.rule.clock.is_yearly else None

    @cached_property
    def first_seen(self) -> bool:
        """Whether the clock begins when a check first sees that a record matches."""
        return self.rule.clock is not None and self.rule.clock.is_first_seen

    @cached_property
    def due(self) -> Time | None:
        """The time that the rule's ``due`` names, if it names one."""
        due = self.rule.due
        return self.noun.times[due.time_name] if due and due.time_name else None

    @cached_property
    def per(self) -> Field | None:
        """The field by which the rule's ``due`` goes, if that is a table."""
        due = self.rule.due
        return self.noun.fields[due.table.per] if due and due.table else None

    @cached_property
    def watched(self) -> tuple[str, ...]:
        """The names of the times whose change a step tells of."""
        return tuple(dict.fromkeys(name for step in self.rule.steps for name in step.changed))

    @cached_property
    def named(self) -> tuple[Time, ...]:
        """The times, besides the clock, that a check has to know: the due time's and those that are watched."""
        names = dict.fromkeys([*([self.due.name] if self.due else []), *self.watched])
        return tuple(self.noun.times[name] for name in names)

    @cached_property
    def leaves(self) -> tuple[Time, ...]:
        """The times with SQL of their own that the clock and the times `named` by the rule are made of.

        ``later of`` and ``earlier of`` are decided in Python, from the leaves: a source may spell two times in two
        ways, which its SQL would compare as texts.
        """
        found: dict[str, Time] = {}
        for time in (self.clock, *self.named):
            for leaf in self._leaves(time) if time else ():
                found[leaf.name] = leaf
        return tuple(found.values())

    @cached_property
    def pauses(self) -> tuple[tuple[Condition, Time | None], ...]:
        """What stops the clock, each with the time at which it became so, where the vocabulary knows that."""
        return tuple((condition, self._became(condition)) for condition in self.rule.pause)

    def _became(self, condition: Condition) -> Time | None:
        if not isinstance(condition, FactIs) or not condition.wanted or not self.noun.facts[condition.fact].at:
            return None
        sql = self.noun.facts[condition.fact].at
        same = (time for time in self.noun.times.values() if time.sql.split() == sql.split())
        return next(same, Time(condition.fact, sql))

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """Every condition of the rule, the steps' ``if`` among them, each once."""
        rule = self.rule
        groups = (rule.where, rule.except_, rule.done, rule.pause, *(step.if_ for step in rule.steps))
        return tuple({str(condition): condition for group in groups for condition in group}.values())

    @cached_property
    def tail(self) -> tuple[tuple[str, ...], ...]:
        """What each further column of a lookup holds: ``("holds", "paid")``, ``("people", "customer", "phone")``."""
        noun = self.noun
        return (
            *(("holds", str(condition)) for condition in self.conditions),
            *(("fields", name) for name in noun.fields),
            *(("people", name, column) for name, person in self._single.items() for column in person.columns),
            *(("staff", name) for name, person in noun.people.items() if person.staff),
            *(("teams", name) for name in noun.teams),
        )

    @cached_property
    def crowds(self) -> Mapping[str, CrowdPlan]:
        """What to ask about each word of the noun that means many people."""
        return {name: CrowdPlan(self.noun, person) for name, person in self.noun.people.items() if person.many}

    @cached_property
    def spans(self) -> dict[str, Duration]:
        """How far back its counts look, by the name of the value that a statement takes for that: ``since_7_days``."""
        spans = [each.within for each in self.conditions if isinstance(each, Comparison) and each.within]
        return {since(span): span for span in spans}

    def candidates(self, dialect: str) -> sa.TextClause:
        """Ask for the records that match and whose clock may lie between two bounds.

        ``:low``/``:high`` (for dates ``:low_day``/``:high_day``) are half-open and put to the plain columns, so that an
        index on them serves. Of ``later of [a, b]`` one part always is the clock, so one part within the bounds is
        enough; the asker drops what was caught too many. Of an anniversary the day of the year is bounded, by
        ``:first_day``/``:last_day`` and, over a new year, ``:next_first_day``/``:next_last_day``.

        Parameters
        ----------
        dialect: SQLAlchemy's name of the database: ``sqlite``, ``postgresql``, ``mysql`` or ``mariadb``.
        """
        binds: list[sa.BindParameter[object]] = []
        head, where = self._head(dialect, binds), self._matching(dialect, binds)
        if self.clock:
            where.append(self._bounded([self.clock], dialect))
        return self._select(head, where, binds)

    def lookup(self, dialect: str) -> sa.TextClause:
        """Ask for all there is to know of the records whose key is in ``:keys`` (tuples for a composite key)."""
        binds: list[sa.BindParameter[object]] = [sa.bindparam("keys", expanding=True)]
        noun = self.noun
        columns = (
            *self._head(dialect, binds),
            *(self._answer(condition, dialect, binds) for condition in self.conditions),
            *(_sql(field.sql) for field in noun.fields.values()),
            *(_sql(sql) for person in self._single.values() for sql in person.columns.values()),
            *(_sql(person.staff) for person in noun.people.values() if person.staff),
            *map(_sql, noun.teams.values()),
        )
        key = ", ".join(map(_sql, noun.key))
        return self._select(columns, [f"({key}) in :keys"], binds)

    def clockless(self, dialect: str) -> sa.TextClause:
        """Ask for the records that match and have no clock, or one before ``:first`` or from ``:last`` on.

        Far from the present stands what cannot be a time: numbers, ``13/11/2024``, ``0000-00-00``. With an index on
        a clock that is one column this costs only what it finds; of ``later of`` it takes a scan.
        """
        binds: list[sa.BindParameter[object]] = []
        head, where = self._head(dialect, binds), self._matching(dialect, binds)
        if self.clock:
            leaves = [_sql(leaf.sql) for leaf in self._leaves(self.clock)]
            missing = " and ".join(f"{leaf} is null" for leaf in leaves)
            odd = " or ".join(f"{leaf} < :first or {leaf} >= :last" for leaf in leaves)
            where.append(f"(({missing}) or {odd})")
        return self._select(head, where, binds)

    def probes(self, dialect: str) -> Iterator[tuple[str, sa.TextClause]]:
        """Ask for each word that the plan needs on its own, without reading records.

        Yields
        ------
        The word's place in the vocabulary (``facts.paid``, as in ``Noun.marks``), and the question.
        """
        yield "from", self._probe("1")
        yield "key", self._probe(", ".join(map(_sql, self.noun.key)))
        if self.noun.zone:
            yield "zone", self._probe(_sql(self.noun.zone))
        yield from self._time_probes(dialect)
        for condition in self.conditions:
            binds: list[sa.BindParameter[object]] = []
            yield self._place(condition), self._probe("1", self._holds(condition, dialect, binds), binds)
        for name, field in self.noun.fields.items():
            yield f"fields.{name}", self._probe(_sql(field.sql))
        for name, person in self._single.items():
            for column, sql in {**person.columns, **({"staff": person.staff} if person.staff else {})}.items():
                yield f"people.{name}.{column}", self._probe(_sql(sql))
        for crowd in self.crowds.values():
            yield from crowd.probes()
        for name, sql in self.noun.teams.items():
            yield f"teams.{name}", self._probe(_sql(sql))

    def _place(self, condition: Condition) -> str:
        """Say where in the vocabulary the word of a condition stands."""
        if isinstance(condition, FactIs):
            return f"facts.{condition.fact}"
        return f"{'counts' if condition.field in self.noun.counts else 'fields'}.{condition.field}"

    def _time_probes(self, dialect: str) -> Iterator[tuple[str, sa.TextClause]]:
        for leaf in self.leaves:
            yield f"times.{leaf.name}", self._probe(_sql(leaf.sql), self._within(leaf, dialect))
        if self.clock and self.clock.matter:
            yield f"times.{self.clock.name}.matter", self._probe(_sql(self.clock.matter))
        for condition, became in self.pauses:
            if became and isinstance(condition, FactIs):
                yield f"facts.{condition.fact}.at", self._probe(_sql(became.sql))

    def samples(self, dialect: str) -> Iterator[tuple[Time, sa.TextClause]]:
        """Ask for one value of each time the plan needs; from text, for one that is not spelled as a time."""
        for leaf in self.leaves:
            sql = _sql(leaf.sql)
            where = f"{sql} not glob '{_TIME_AS_TEXT}'" if dialect == "sqlite" else f"{sql} is not null"
            yield leaf, self._select([sql], [where], end="limit 1")

    def doubles(self) -> sa.TextClause:
        """Ask for a key that stands in more than one row, as a join to a “many” side makes it."""
        key = [_sql(part) for part in self.noun.key]
        return self._select(key, [], end=f"group by {', '.join(key)} having count(*) > 1 limit 1")

    def _head(self, dialect: str, binds: list[sa.BindParameter[object]]) -> tuple[str, ...]:
        matter = self.clock.matter if self.clock else ""
        per = self.per.sql if self.per else ""
        parts = (*self.noun.key, *(leaf.sql for leaf in self.leaves), matter, self.noun.zone, per)
        pauses: list[str] = []
        for condition, became in self.pauses:
            pauses.append(self._answer(condition, dialect, binds))
            pauses += [_sql(became.sql)] if became else []
        return (*(_sql(part) for part in parts if part), *pauses)

    def _answer(self, condition: Condition, dialect: str, binds: list[sa.BindParameter[object]]) -> str:
        return f"case when {self._holds(condition, dialect, binds)} then 1 else 0 end"

    @property
    def _single(self) -> dict[str, RecordPerson]:
        return {name: person for name, person in self.noun.people.items() if not person.many}

    def _bounded(self, times: Iterable[Time], dialect: str) -> str:
        """Say that one of these times, or a part of it, lies between the bounds."""
        return f"({' or '.join(self._within(leaf, dialect) for time in times for leaf in self._leaves(time))})"

    def _leaves(self, time: Time) -> Iterator[Time]:
        if time.sql:
            yield time
        for part in (*time.later_of, *time.earlier_of):
            yield from self._leaves(self.noun.times[part])

    def _matching(self, dialect: str, binds: list[sa.BindParameter[object]]) -> list[str]:
        rule = self.rule
        return [
            *(self._holds(condition, dialect, binds) for condition in rule.where),
            *(f"not {self._holds(condition, dialect, binds)}" for condition in (*rule.except_, *rule.done)),
        ]

    def _holds(self, condition: Condition, dialect: str, binds: list[sa.BindParameter[object]]) -> str:
        """Spell a condition in brackets; what is unknown (NULL) does not hold, and its contrary does."""
        if isinstance(condition, FactIs):
            wanted, sql = condition.wanted, _sql(self.noun.facts[condition.fact].sql)
        else:
            wanted, sql = condition.operator not in _UNLIKE, self._compare(condition, dialect, binds)
        return f"({'' if wanted else 'not '}coalesce({sql}, false))"

    def _within(self, leaf: Time, dialect: str) -> str:
        sql, of = _sql(leaf.sql), "_day" if leaf.is_date else ""
        if self.yearly is None:
            return f"({sql} >= :low{of} and {sql} < :high{of})"
        day = _DAY_OF_YEAR["mysql" if dialect == "mariadb" else dialect].format(sql)
        return f"({day} between :first_day and :last_day or {day} between :next_first_day and :next_last_day)"

    def _compare(self, condition: Comparison, dialect: str, binds: list[sa.BindParameter[object]]) -> str:
        dialect = "mysql" if dialect == "mariadb" else dialect
        count, field = self.noun.counts.get(condition.field), self.noun.fields.get(condition.field)
        is_number = count is not None or (field is not None and field.kind in {"number", "money"})
        sql = count_sql(count, condition.within, dialect) if count else _sql(field.sql if field else "null")
        left, right = ("cast({} as numeric)" if dialect == "sqlite" else "{}", "{}") if is_number else _TEXT[dialect]
        places = []
        for value in condition.values:
            name = f"value_{len(binds)}"
            bound = _number(value, dialect) if is_number else value
            binds.append(sa.bindparam(name, bound, type_=sa.types.NullType()))
            places.append(right.format(f":{name}"))
        operator = _UNLIKE.get(condition.operator, condition.operator)
        matched = f"in ({', '.join(places)})" if operator in {"=", "is"} else f"{operator} {places[0]}"
        return f"{left.format(sql)} {matched}"

    def _probe(self, column: str, where: str = "", binds: Iterable[sa.BindParameter[object]] = ()) -> sa.TextClause:
        return self._select([column], [where] if where else [], binds, end="limit 0")

    def _select(
        self,
        columns: Iterable[str],
        where: Iterable[str],
        binds: Iterable[sa.BindParameter[object]] = (),
        end: str = "",
    ) -> sa.TextClause:
        conditions = " and ".join((_ONE_STATEMENT, *where))
        tables = for_text(self.noun.from_)
        return sa.text(f"select {', '.join(columns)} from {tables} where {conditions} {end}".rstrip()).bindparams(
            *binds
        )


def _sql(fragment: str) -> str:
    return f"({for_text(fragment)})"


def _number(value: str, dialect: str) -> Decimal | int | float:
    """Read a number for binding, as the driver takes it.

    Raises
    ------
    ValueError: the value is no number.
    """
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise ValueError(f"“{value}” is no number: write digits, such as 500 or 12.50") from None
    if not number.is_finite():
        raise ValueError(f"“{value}” is no number: write digits, such as 500 or 12.50")
    if dialect != "sqlite":
        return number
    return int(number) if number == number.to_integral_value() and abs(number) < 2**63 else float(number)
