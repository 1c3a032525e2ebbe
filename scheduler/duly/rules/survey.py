"""A survey: how often each fact of a noun holds, and what its times and fields look like."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from duly.rules.fragment import for_text
from duly.rules.noun import Fact, Noun

_ONE_STATEMENT = ":now is not null"
"""Always true. A driver that has a value to bind sends one statement and no more, whatever the SQL says."""


def count_facts(noun: Noun) -> sa.TextClause:
    """Ask in one go how many records there are, and for how many of them each fact holds, in the noun's order."""
    facts = (
        f"sum(case when coalesce(({for_text(fact.sql)}), false) then 1 else 0 end)" for fact in noun.facts.values()
    )
    return _select(noun, ["count(*)", *facts])


def example(noun: Noun, sql: str) -> sa.TextClause:
    """Ask for one value of a time or field."""
    value = f"({for_text(sql)})"
    return _select(noun, [value], f"and {value} is not null limit 1")


def any_record(noun: Noun) -> sa.TextClause:
    """Ask for one record, whatever it is."""
    return _select(noun, ["1"], "limit 1")


def any_with(noun: Noun, fact: Fact) -> sa.TextClause:
    """Ask for one record for which a fact holds."""
    return _select(noun, ["1"], f"and coalesce(({for_text(fact.sql)}), false) limit 1")


def _select(noun: Noun, columns: Iterable[str], end: str = "") -> sa.TextClause:
    return sa.text(f"select {', '.join(columns)} from {for_text(noun.from_)} where {_ONE_STATEMENT} {end}".rstrip())
