"""What a source is asked about the ``many`` people of a record, such as the residents of a building."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from duly.rules.fragment import for_text
from duly.rules.noun import Noun, RecordPerson

_ONE_STATEMENT = ":now is not null"
"""Always true. A driver that has at least one value to bind sends one statement and no more, whatever the SQL says."""


@dataclass(frozen=True, eq=False)
class CrowdPlan:
    """The SQL of one word for many people.

    Its columns come in a fixed order: the record's key, the person's own key, then the attributes as `columns` has
    them. The people stand beside the record's tables, and ``on`` picks those who belong to it: so ``on`` may speak of
    both.

    Parameters
    ----------
    noun: whose people they are.
    person: the word, with ``many``.
    """

    noun: Noun
    person: RecordPerson

    @property
    def columns(self) -> tuple[str, ...]:
        """The attributes of a person, in the order of their columns."""
        return tuple(self.person.columns)

    def people(self) -> sa.TextClause:
        """Ask for everybody who belongs to the records whose key is in ``:keys``."""
        return self._select(self._columns, [self._of_records]).bindparams(sa.bindparam("keys", expanding=True))

    def some(self) -> sa.TextClause:
        """Ask for those whose own key is in ``:people``, of the records in ``:keys``."""
        own = f"({_list(self.person.key)}) in :people"
        return self._select(self._columns, [self._of_records, own]).bindparams(
            sa.bindparam("keys", expanding=True), sa.bindparam("people", expanding=True)
        )

    def sizes(self) -> sa.TextClause:
        """Ask how many people belong to each record whose key is in ``:keys``."""
        key = _list(self.noun.key)
        return self._select([key, "count(*)"], [self._of_records], f"group by {key}").bindparams(
            sa.bindparam("keys", expanding=True)
        )

    def probes(self) -> Iterator[tuple[str, sa.TextClause]]:
        """Ask for each part of the word on its own, without reading people.

        Yields
        ------
        Its place in the vocabulary (``people.residents.many``), and the question.
        """
        place = f"people.{self.person.name}"
        yield f"{place}.many", self._select(["1"], [], "limit 0", on="1 = 1")
        yield f"{place}.on", self._select(["1"], [], "limit 0")
        yield f"{place}.key", self._select([_list(self.person.key)], [], "limit 0")
        for column, sql in self.person.columns.items():
            yield f"{place}.{column}", self._select([_sql(sql)], [], "limit 0")

    @property
    def _columns(self) -> list[str]:
        return [_list((*self.noun.key, *self.person.key, *self.person.columns.values()))]

    @property
    def _of_records(self) -> str:
        return f"({_list(self.noun.key)}) in :keys"

    def _select(self, columns: list[str], where: list[str], end: str = "", on: str = "") -> sa.TextClause:
        conditions = " and ".join((_ONE_STATEMENT, f"({on or for_text(self.person.on)})", *where))
        # Joins bind tighter than the comma, and the condition sees the tables on both sides of it.
        tables = f"{for_text(self.noun.from_)}, {for_text(self.person.many)}"
        return sa.text(f"select {', '.join(columns)} from {tables} where {conditions} {end}".rstrip())


def _list(fragments: tuple[str, ...]) -> str:
    return ", ".join(map(_sql, fragments))


def _sql(fragment: str) -> str:
    return f"({for_text(fragment)})"
