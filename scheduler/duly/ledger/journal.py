"""The journal: append-only, why everything happened or did not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from duly.ledger.schema import cases, delivery, journal, rule


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: ``event`` is a word, ``detail`` a sentence for people, ``data`` what a program may want."""

    at: dt.datetime
    event: str
    detail: str = ""
    rule_id: int | None = None
    case_id: int | None = None
    delivery_id: int | None = None
    data: dict[str, Any] | None = None


_COLUMNS = [journal.c[name] for name in Entry.__dataclass_fields__]


def write(connection: sa.Connection, entries: Sequence[Entry]) -> None:
    """Append lines, in the same transaction as what they tell of."""
    if entries:
        connection.execute(
            sa.insert(journal), [{name: getattr(e, name) for name in Entry.__dataclass_fields__} for e in entries]
        )


def of_case(connection: sa.Connection, case_id: int) -> list[Entry]:
    """Read what happened to one case, in order."""
    rows = connection.execute(sa.select(*_COLUMNS).where(journal.c.case_id == case_id).order_by(journal.c.id))
    return [Entry(*row) for row in rows]


def of_rule(connection: sa.Connection, rule_id: int, limit: int) -> list[Entry]:
    """Read the last lines of one rule that belong to no case, newest first."""
    rows = connection.execute(
        sa.select(*_COLUMNS)
        .where(journal.c.rule_id == rule_id, journal.c.case_id.is_(None))
        .order_by(journal.c.id.desc())
        .limit(limit)
    )
    return [Entry(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of the journal with what it speaks of: the rule's path and title, the record's key, the message."""

    at: dt.datetime
    event: str
    detail: str
    path: str | None
    title: str | None
    key: bytes | None
    kind: str | None
    channel: str | None
    person: dict[str, Any] | None
    body: str | None


def happenings(connection: sa.Connection, last_id: int, limit: int) -> tuple[int, list[Happening]]:
    """Read the lines after ``last_id`` with what they speak of; returns the number of the last line read, and them."""
    rows = connection.execute(
        sa.select(
            journal.c.id,
            journal.c.at,
            journal.c.event,
            journal.c.detail,
            rule.c.path,
            rule.c.title,
            cases.c.key,
            delivery.c.kind,
            delivery.c.channel,
            delivery.c.person,
            delivery.c.body,
        )
        .join_from(journal, rule, rule.c.id == journal.c.rule_id, isouter=True)
        .join(cases, cases.c.id == journal.c.case_id, isouter=True)
        .join(delivery, delivery.c.id == journal.c.delivery_id, isouter=True)
        .where(journal.c.id > last_id)
        .order_by(journal.c.id)
        .limit(limit)
    ).all()
    return (rows[-1].id if rows else last_id), [Happening(*row[1:]) for row in rows]
