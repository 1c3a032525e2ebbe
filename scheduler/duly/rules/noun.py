"""A noun of the vocabulary: business words, and the SQL behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from duly.rules.count import Count
from duly.rules.measure import Measure
from duly.rules.model import Marks
from duly.rules.write import Write


@dataclass(frozen=True, slots=True)
class Time:
    """A time of the noun: its own SQL, or the later (earlier) of other times, not counting those that are missing.

    ``is_date`` times are dates: they mean their midnight in the record's zone. ``matter``, SQL, takes the clock's place
    in a case's identity where the clock creeps.
    """

    name: str
    sql: str = ""
    later_of: tuple[str, ...] = ()
    earlier_of: tuple[str, ...] = ()
    is_date: bool = False
    matter: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """A boolean of the noun; ``at``, SQL, tells when it became so."""

    name: str
    sql: str
    at: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """A value for words and comparisons. ``kind`` is ``text``, ``number``, ``money`` or ``staff``.

    A ``staff`` field holds an id that the directory's ``ids`` turn into a person. ``since`` names the time at which the
    field took its value.
    """

    name: str
    sql: str
    kind: str = "text"
    currency: str = ""
    one_of: tuple[str, ...] = ()
    since: str = ""


@dataclass(frozen=True, slots=True)
class RecordPerson:
    """A person of the record, or many of them (a building's residents).

    ``columns`` holds SQL by attribute (``name``, ``phone``, ``email``, ``chat``, ``lang``, ``zone``, ``rest``,
    ``no_sms`` …); or ``staff`` is SQL for an id that the directory knows. For many people, ``many`` holds their tables,
    ``on`` tells which of them belong to the record, and ``key`` tells them apart.
    """

    name: str
    columns: Mapping[str, str] = field(default_factory=dict)
    staff: str = ""
    many: str = ""
    on: str = ""
    key: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Noun:
    """One file of the vocabulary.

    ``key`` holds one SQL expression, or several for a composite key. ``zone`` is SQL for the record's zone; empty for
    the source's. ``teams`` maps a word such as ``department`` to SQL that yields a team's name or one of its ids.
    """

    name: str
    one: str
    source: str
    from_: str
    key: tuple[str, ...]
    zone: str = ""
    times: Mapping[str, Time] = field(default_factory=dict)
    facts: Mapping[str, Fact] = field(default_factory=dict)
    fields: Mapping[str, Field] = field(default_factory=dict)
    counts: Mapping[str, Count] = field(default_factory=dict)
    people: Mapping[str, RecordPerson] = field(default_factory=dict)
    teams: Mapping[str, str] = field(default_factory=dict)
    measures: Mapping[str, Measure] = field(default_factory=dict)
    writes: Mapping[str, Write] = field(default_factory=dict)
    digest: str = ""
    path: str = ""
    marks: Marks = field(default_factory=dict, compare=False, repr=False)
    """Keyed by dotted path: ``from``, ``times.paid_at``, ``facts.paid.at``, ``people.customer.phone``."""
