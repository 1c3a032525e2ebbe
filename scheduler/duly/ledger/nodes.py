"""The daemons that work on a ledger, and what troubles each of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from duly.ledger.schema import node


@dataclass(frozen=True, slots=True)
class Node:
    """One row of ``node``."""

    id: str
    started_at: dt.datetime
    seen_at: dt.datetime
    stopped_at: dt.datetime | None
    troubles: Sequence[str]


_COLUMNS = [node.c[name] for name in Node.__dataclass_fields__]


def start(connection: sa.Connection, node_id: str, now: dt.datetime) -> None:
    """Enter a daemon that begins its work."""
    connection.execute(sa.delete(node).where(node.c.id == node_id))
    connection.execute(sa.insert(node).values(id=node_id, started_at=now, seen_at=now, troubles=[]))


def beat(connection: sa.Connection, node_id: str, now: dt.datetime, troubles: Sequence[str]) -> None:
    """Say that a daemon is alive, and what troubles it."""
    connection.execute(sa.update(node).where(node.c.id == node_id).values(seen_at=now, troubles=list(troubles)))


def stop(connection: sa.Connection, node_id: str, now: dt.datetime) -> None:
    """Enter that a daemon has stopped in good order."""
    connection.execute(sa.update(node).where(node.c.id == node_id).values(seen_at=now, stopped_at=now))


def last_seen(connection: sa.Connection) -> dt.datetime | None:
    """When any daemon was last at work."""
    return connection.execute(sa.select(sa.func.max(node.c.seen_at))).scalar()


def all_nodes(connection: sa.Connection) -> list[Node]:
    """Read every daemon that ever worked, the latest first."""
    return [Node(*row) for row in connection.execute(sa.select(*_COLUMNS).order_by(node.c.seen_at.desc()))]
