"""Inserting what somebody else may insert at the same time."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa


def insert_ignoring(connection: sa.Connection, table: sa.Table) -> Any:
    """Begin an insert that leaves a row as it is where another of its key is there already."""
    if connection.dialect.name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert as sqlite_insert  # noqa: PLC0415 - only the dialect in use

        return sqlite_insert(table).on_conflict_do_nothing()
    from sqlalchemy.dialects.postgresql import insert as postgresql_insert  # noqa: PLC0415 - only the dialect in use

    return postgresql_insert(table).on_conflict_do_nothing()
