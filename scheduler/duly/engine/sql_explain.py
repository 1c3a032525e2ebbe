"""How a database would answer a question: which large tables it would read from end to end."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa

LARGE = 50_000
"""Rows from which on it matters that a table is read whole at each check."""

_SQLITE_SCAN = re.compile(r"SCAN (?:TABLE )?(\S+)(?: .*)?")


def large_scans(connection: sa.Connection, statement: sa.TextClause, values: Mapping[str, object]) -> list[str]:
    """Name the large tables that a question reads from end to end, for want of an index.

    Parameters
    ----------
    values: what is bound in the question.
    """
    bound = {name: value for name, value in statement.compile().params.items() if value is not None}
    rows = connection.execute(sa.text(f"{_EXPLAIN[_family(connection)]} {statement.text}"), {**bound, **values}).all()
    found = dict.fromkeys(_named(alias, statement.text) for alias in _scanned(_family(connection), rows))
    return [table for table in found if _is_large(connection, table)]


_EXPLAIN = {"sqlite": "explain query plan", "postgresql": "explain (format json)", "mysql": "explain"}


def _family(connection: sa.Connection) -> str:
    return "mysql" if connection.dialect.name == "mariadb" else connection.dialect.name


def _scanned(family: str, rows: Any) -> Iterator[str]:
    if family == "sqlite":
        for row in rows:
            found = _SQLITE_SCAN.fullmatch(row.detail)
            if found:
                yield found[1]
    elif family == "postgresql":
        plan = rows[0][0]
        yield from _nodes((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"])
    else:
        yield from (row.table for row in rows if row.type == "ALL" and not row.table.startswith("<"))


def _nodes(node: Mapping[str, Any]) -> Iterator[str]:
    if node["Node Type"] == "Seq Scan":
        yield node["Relation Name"]
    for inner in node.get("Plans", ()):
        yield from _nodes(inner)


def _named(alias: str, statement: str) -> str:
    """Find a table's name by its alias, which may stand in a question within the question."""
    found = re.search(rf"(?:\bfrom|\bjoin|,)\s+([\w.\"`]+)\s+(?:as\s+)?{re.escape(alias)}\b", statement, re.IGNORECASE)
    return found[1] if found else alias


def _is_large(connection: sa.Connection, table: str) -> bool:
    if not re.fullmatch(r"[\w.\"`]+", table):
        return False
    rows = connection.exec_driver_sql(f"select count(*) from (select 1 from {table} limit {LARGE}) few")
    return bool(rows.scalar_one() >= LARGE)
