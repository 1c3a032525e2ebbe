"""Tasks in the ledger: what a person has been asked to do, and what came of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from duly.ledger.schema import cases, rule, task


@dataclass(frozen=True, slots=True)
class NewTask:
    """A call to make; see the schema for what each column means."""

    intent_key: str
    rule_id: int
    case_id: int
    name: str
    number: str
    person: str
    script: str
    due_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Task:
    """One row of ``task``, with its rule's path and title and its record's key."""

    id: int
    rule_id: int
    case_id: int
    name: str
    number: str
    person: str
    script: str
    state: str
    created_at: dt.datetime
    not_before: dt.datetime
    due_at: dt.datetime | None
    outcome: str | None
    path: str
    title: str
    key: bytes


_COLUMNS = [
    *(task.c[name] for name in Task.__dataclass_fields__ if name not in {"path", "title", "key"}),
    rule.c.path,
    rule.c.title,
    cases.c.key,
]


def put(connection: sa.Connection, new: NewTask, now: dt.datetime) -> int:
    """Write a task down; gives its number."""
    values = {name: getattr(new, name) for name in NewTask.__dataclass_fields__}
    written = sa.insert(task).values(**values, state="open", created_at=now, not_before=now).returning(task.c.id)
    number: int = connection.execute(written).scalar_one()
    return number


def waiting(connection: sa.Connection, person: str = "") -> list[Task]:
    """Read the open tasks, of one person or of everybody, the most urgent first."""
    soonest = sa.func.coalesce(task.c.due_at, task.c.created_at)
    asked = _select().where(task.c.state == "open").order_by(task.c.not_before, soonest, task.c.id)
    rows = connection.execute(asked.where(task.c.person == person) if person else asked)
    return [Task(*row) for row in rows]


def get(connection: sa.Connection, number: int) -> Task | None:
    """Read one task."""
    row = connection.execute(_select().where(task.c.id == number)).one_or_none()
    return Task(*row) if row else None


def loads(connection: sa.Connection, people: Collection[str]) -> dict[str, int]:
    """Count the open tasks of each of these people."""
    counted = (
        sa.select(task.c.person, sa.func.count())
        .where(task.c.state == "open", task.c.person.in_(sorted(people)))
        .group_by(task.c.person)
    )
    return {person: count for person, count in connection.execute(counted)}  # noqa: C416 - dict() loses the types


def finish(connection: sa.Connection, number: int, outcome: str, by: str, now: dt.datetime) -> bool:
    """Note how an open task ended; false when it is not open."""
    ended = sa.update(task).where(task.c.id == number, task.c.state == "open")
    return connection.execute(ended.values(state="done", outcome=outcome, done_by=by, done_at=now)).rowcount == 1


def put_off(connection: sa.Connection, number: int, until: dt.datetime) -> bool:
    """Have the call made again at ``until``; false when the task is not open."""
    again = sa.update(task).where(task.c.id == number, task.c.state == "open")
    return connection.execute(again.values(outcome="call again", not_before=until)).rowcount == 1


def drop(connection: sa.Connection, case_id: int, now: dt.datetime) -> None:
    """End the open tasks of a case that closes: nobody has to do them any more."""
    open_ones = sa.update(task).where(task.c.case_id == case_id, task.c.state == "open")
    connection.execute(open_ones.values(state="done", outcome="not needed", done_at=now))


def _select() -> sa.Select[Any]:
    return sa.select(*_COLUMNS).join(rule, rule.c.id == task.c.rule_id).join(cases, cases.c.id == task.c.case_id)
