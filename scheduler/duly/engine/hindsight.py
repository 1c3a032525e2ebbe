"""Hindsight: a noun as its source would have answered at an earlier moment, as far as the source still knows."""

from __future__ import annotations

import dataclasses

from duly.rules.noun import Fact, Noun, Time

_WALL = {"sqlite": "datetime({})"}
"""SQLite keeps times as text, in more than one spelling."""


def in_hindsight(noun: Noun, dialect: str) -> Noun:
    """Hide what has not come yet at ``:now``: a fact until its ``at``, and a time that proves a fact until itself.

    Everything else is left as the source has it today: whether it was so, the source does not know.

    Parameters
    ----------
    dialect: SQLAlchemy's name of the database: ``sqlite``, ``postgresql``, ``mysql`` or ``mariadb``.
    """
    proofs = {fact.at for fact in noun.facts.values() if fact.at}
    parts = {part for time in noun.times.values() for part in (*time.later_of, *time.earlier_of)}
    wall = _WALL.get(dialect, "({})")

    def hidden(fact: Fact) -> Fact:
        # What is no time hides nothing: the fact is then as the source has it.
        come = f"coalesce({wall.format(fact.at)} <= :now, true)"
        return dataclasses.replace(fact, sql=f"({fact.sql}) and {come}") if fact.at else fact

    def later(time: Time) -> Time:
        # A clock of its own needs no hiding, for its fact is hidden; and hiding it would cost its index.
        if time.name not in parts or time.sql not in proofs or time.is_date:
            return time
        return dataclasses.replace(time, sql=f"case when {wall.format(time.sql)} <= :now then {time.sql} end")

    return dataclasses.replace(
        noun,
        facts={name: hidden(fact) for name, fact in noun.facts.items()},
        times={name: later(time) for name, time in noun.times.items()},
    )
