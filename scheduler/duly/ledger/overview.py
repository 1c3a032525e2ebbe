"""How everything stands, for people who look on: questions that read the ledger across all rules."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from duly.ledger.cases import ACTIVE
from duly.ledger.schema import cases, check_run, delivery, delivery_case, journal, rule


@dataclass(frozen=True, slots=True)
class CheckSeen:
    """The latest check of a rule; ``state`` is ``running``, ``done``, ``refused`` or ``failed``."""

    rule_id: int
    slot: dt.datetime
    state: str
    now: dt.datetime
    lease_until: dt.datetime
    finished_at: dt.datetime | None
    found: int
    opened: int
    closed: int
    held: int
    reason: str | None


@dataclass(frozen=True, slots=True)
class Stranded:
    """A delivery that a person should look at."""

    id: int
    rule: str
    state: str
    channel: str
    audience: str
    person: Mapping[str, str]
    created_at: dt.datetime
    not_before: dt.datetime
    attempts: int
    reason: str | None


def latest_checks(connection: sa.Connection) -> dict[int, CheckSeen]:
    """Read the latest check of each rule, by the rule's number."""
    newest = (
        sa.select(check_run.c.rule_id, sa.func.max(check_run.c.slot).label("slot"))
        .group_by(check_run.c.rule_id)
        .subquery()
    )
    rows = connection.execute(
        sa.select(*(check_run.c[name] for name in CheckSeen.__dataclass_fields__)).join(
            newest, sa.and_(newest.c.rule_id == check_run.c.rule_id, newest.c.slot == check_run.c.slot)
        )
    )
    return {row.rule_id: CheckSeen(*row) for row in rows}


def late(connection: sa.Connection, now: dt.datetime) -> dict[int, int]:
    """Count, by rule, the open cases whose due time has passed."""
    rows = connection.execute(
        sa.select(cases.c.rule_id, sa.func.count())
        .where(cases.c.state.in_(ACTIVE), cases.c.due_at < now)
        .group_by(cases.c.rule_id)
    )
    return {row[0]: row[1] for row in rows}


def unsure(connection: sa.Connection, limit: int) -> tuple[int, list[Stranded]]:
    """Count the deliveries that nobody knows the fate of, and read the latest of them."""
    return _stranded(connection, [delivery.c.state == "unsure"], limit)


def failing(connection: sa.Connection, limit: int) -> tuple[int, list[Stranded]]:
    """Count the deliveries that wait for another try, or for words that work, and read the latest of them."""
    about = sa.select(delivery_case.c.case_id).where(delivery_case.c.delivery_id == delivery.c.id)
    wordless = sa.exists().where(
        journal.c.case_id.in_(about),
        journal.c.delivery_id == delivery.c.id,
        journal.c.event == "failed",
        journal.c.detail == delivery.c.reason,
    )
    tried = delivery.c.failing_since.is_not(None)
    return _stranded(connection, [delivery.c.state == "waiting", sa.or_(tried, wordless)], limit)


def _stranded(connection: sa.Connection, where: list[sa.ColumnElement[bool]], limit: int) -> tuple[int, list[Stranded]]:
    count = connection.execute(sa.select(sa.func.count()).select_from(delivery).where(*where)).scalar_one()
    columns = [rule.c.path if name == "rule" else delivery.c[name] for name in Stranded.__dataclass_fields__]
    rows = connection.execute(
        sa.select(*columns)
        .join_from(delivery, rule, rule.c.id == delivery.c.rule_id)
        .where(*where)
        .order_by(delivery.c.id.desc())
        .limit(limit)
    )
    return count, [Stranded(*row) for row in rows]
