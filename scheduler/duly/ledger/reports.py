"""Reports in the ledger: what a roundup found or a grouped message lists, kept as long as their deliveries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from duly.ledger.schema import report


def put(connection: sa.Connection, rule_id: int, slot: dt.datetime, group: str, found: Mapping[str, Any]) -> int:
    """Keep one report and return its number.

    Parameters
    ----------
    group: the part of the desk that it is for; empty for the whole.
    found: what it says, as plain JSON values.
    """
    new = {"rule_id": rule_id, "slot": slot, "part": group, "found": found}
    number: int = connection.execute(sa.insert(report).values(**new).returning(report.c.id)).scalar_one()
    return number


def get(connection: sa.Connection, number: int) -> Mapping[str, Any] | None:
    """Read one report; ``None`` when it is not there."""
    found: Mapping[str, Any] | None = connection.execute(
        sa.select(report.c.found).where(report.c.id == number)
    ).scalar()
    return found


def is_there(connection: sa.Connection, rule_id: int, slot: dt.datetime, group: str) -> bool:
    """Tell whether a report of this slot has been kept for this part."""
    mine = sa.select(report.c.id).where(report.c.rule_id == rule_id, report.c.slot == slot, report.c.part == group)
    return connection.execute(mine.limit(1)).first() is not None
