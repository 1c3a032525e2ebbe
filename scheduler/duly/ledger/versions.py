"""Rules and their versions in the ledger."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from duly.ledger.schema import rule, rule_version


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule as the ledger knows it, with the text of its live version."""

    id: int
    path: str
    title: str
    owner: str
    version_id: int
    state: str
    problem: str | None
    closings_confirmed: bool
    text: str
    since: dt.datetime


def publish(
    connection: sa.Connection, path: str, title: str, owner: str, digest: str, text: str, now: dt.datetime
) -> bool:
    """Make ``text`` the live version of the rule at ``path``.

    Returns
    -------
    Whether anything changed: a version that was not live, or a rule that was not.
    """
    row = connection.execute(sa.select(rule).where(rule.c.path == path)).one_or_none()
    if row is None:
        new = {"path": path, "title": title, "owner": owner, "state": "live", "closings_confirmed": False}
        rule_id = connection.execute(sa.insert(rule).values(**new).returning(rule.c.id)).scalar_one()
    else:
        rule_id = row.id
    known: int | None = connection.execute(
        sa.select(rule_version.c.id).where(rule_version.c.rule_id == rule_id, rule_version.c.digest == digest)
    ).scalar()
    version_id = known or _insert_version(connection, rule_id, digest, text, now)
    changed = row is None or row.version_id != version_id or row.state != "live"
    if changed:
        connection.execute(
            sa.update(rule)
            .where(rule.c.id == rule_id)
            .values(title=title, owner=owner, version_id=version_id, state="live", problem=None)
        )
    return changed


def _insert_version(connection: sa.Connection, rule_id: int, digest: str, text: str, now: dt.datetime) -> int:
    new = {"rule_id": rule_id, "digest": digest, "text": text, "since": now}
    number: int = connection.execute(sa.insert(rule_version).values(**new).returning(rule_version.c.id)).scalar_one()
    return number


def rename(connection: sa.Connection, was: str, path: str) -> bool:
    """Give a rule its new path, so that it keeps its cases and what has fired.

    Returns
    -------
    Whether it was renamed: there is a rule at ``was``, and none at ``path`` with a history of its own.
    """
    taken = connection.execute(sa.select(rule.c.id).where(rule.c.path == path)).first()
    if taken:
        return False
    return connection.execute(sa.update(rule).where(rule.c.path == was).values(path=path)).rowcount > 0


def set_state(connection: sa.Connection, path: str, state: str, problem: str | None) -> bool:
    """Say that a rule's file is ``broken`` or ``missing``; returns whether that is news."""
    changed = connection.execute(
        sa.update(rule)
        .where(
            rule.c.path == path, sa.or_(rule.c.state != state, sa.func.coalesce(rule.c.problem, "") != (problem or ""))
        )
        .values(state=state, problem=problem)
    )
    return changed.rowcount > 0


def all_rules(connection: sa.Connection) -> list[RuleRow]:
    """Read every rule that was ever live, by path."""
    return [RuleRow(*row) for row in connection.execute(_SELECT.order_by(rule.c.path))]


def by_path(connection: sa.Connection, path: str) -> RuleRow | None:
    """Find one rule by its path."""
    row = connection.execute(_BY_PATH, {"path": path}).one_or_none()
    return RuleRow(*row) if row else None


def version_text(connection: sa.Connection, version_id: int) -> tuple[str, str]:
    """Read the path and the text of one version of a rule."""
    row = connection.execute(
        sa.select(rule.c.path, rule_version.c.text)
        .join(rule, rule.c.id == rule_version.c.rule_id)
        .where(rule_version.c.id == version_id)
    ).one()
    return row.path, row.text


def confirm_closings(connection: sa.Connection, rule_id: int, *, confirmed: bool) -> None:
    """Let the rule's next check close what the last one refused to (law 9), or end that leave."""
    connection.execute(sa.update(rule).where(rule.c.id == rule_id).values(closings_confirmed=confirmed))


_SELECT: sa.Select[Any] = sa.select(
    rule.c.id,
    rule.c.path,
    rule.c.title,
    rule.c.owner,
    rule.c.version_id,
    rule.c.state,
    rule.c.problem,
    rule.c.closings_confirmed,
    rule_version.c.text,
    rule_version.c.since,
).join(rule_version, rule_version.c.id == rule.c.version_id)
_BY_PATH = _SELECT.where(rule.c.path == sa.bindparam("path"))
