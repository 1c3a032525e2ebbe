"""Holding cases until a person decides, with a line in the journal for the rule and for each case (laws 6 and 8)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from duly.ledger import cases, journal
from duly.ledger.journal import Entry


def hold_due(
    connection: sa.Connection, rule_id: int, reason: str, now: dt.datetime, *, but: sa.Select[Any] | None = None
) -> int:
    """Hold every case of a rule whose ladder has something to do now.

    Parameters
    ----------
    reason: a sentence for people.
    but: selects the numbers of cases that are left alone.

    Returns
    -------
    How many are held by this.
    """
    return _note(connection, rule_id, cases.hold(connection, rule_id, reason, now, but=but), reason, now)


def hold_these(
    connection: sa.Connection, rule_id: int, case_ids: Collection[int], reason: str, now: dt.datetime
) -> int:
    """Hold some cases of a rule; returns how many of them were still open, and not held before."""
    return _note(connection, rule_id, cases.hold_these(connection, case_ids, reason), reason, now)


def _note(connection: sa.Connection, rule_id: int, held: Collection[int], reason: str, now: dt.datetime) -> int:
    if held:
        lines = [Entry(now, "held", reason, rule_id, case_id) for case_id in sorted(held)]
        journal.write(connection, [Entry(now, "rule held", f"{len(held)} cases: {reason}", rule_id), *lines])
    return len(held)
