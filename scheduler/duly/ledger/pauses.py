"""Pauses in the ledger: from when to when which fact kept the clock of a case standing still."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from duly.ledger.insert import insert_ignoring
from duly.ledger.schema import cases, pause


@dataclass(frozen=True, slots=True)
class Pause:
    """One row of ``pause``; ``ended_at`` is ``None`` while it goes on."""

    case_id: int
    fact: str
    began_at: dt.datetime
    ended_at: dt.datetime | None = None


_COLUMNS = [pause.c[name] for name in Pause.__dataclass_fields__]

# Made once, for every check asks: to make a statement takes longer than to run it.
_ANY_GOING = (
    sa.select(pause.c.case_id)
    .join(cases)
    .where(cases.c.rule_id == sa.bindparam("rule"), pause.c.ended_at.is_(None))
    .limit(1)
)


def of_cases(connection: sa.Connection, case_ids: Collection[int]) -> dict[int, list[Pause]]:
    """Read the pauses of these cases, in order."""
    rows = connection.execute(
        sa.select(*_COLUMNS).where(pause.c.case_id.in_(sorted(case_ids))).order_by(pause.c.began_at, pause.c.fact)
    )
    found: dict[int, list[Pause]] = {}
    for row in rows:
        found.setdefault(row.case_id, []).append(Pause(*row))
    return found


def any_going(connection: sa.Connection, rule_id: int) -> bool:
    """Tell whether a pause of any case of the rule goes on."""
    return connection.execute(_ANY_GOING, {"rule": rule_id}).first() is not None


def begin(connection: sa.Connection, new: Sequence[Pause]) -> None:
    """Write pauses that have begun; one that had ended, and after all goes on, does so."""
    for one in sorted(new, key=lambda one: (one.case_id, one.fact)):
        values = {"case_id": one.case_id, "fact": one.fact, "began_at": one.began_at}
        connection.execute(insert_ignoring(connection, pause).values(values))
        connection.execute(sa.update(pause).where(*_same(one)).values(ended_at=None))


def end(connection: sa.Connection, ended: Sequence[Pause], now: dt.datetime) -> None:
    """Write that pauses are over."""
    for one in ended:
        connection.execute(sa.update(pause).where(*_same(one)).values(ended_at=now))


def end_all(connection: sa.Connection, case_ids: Collection[int], now: dt.datetime) -> None:
    """Write that the pauses of cases are over, which close."""
    connection.execute(
        sa.update(pause).where(pause.c.case_id.in_(sorted(case_ids)), pause.c.ended_at.is_(None)).values(ended_at=now)
    )


def _same(one: Pause) -> list[sa.ColumnElement[bool]]:
    return [pause.c.case_id == one.case_id, pause.c.fact == one.fact, pause.c.began_at == one.began_at]
