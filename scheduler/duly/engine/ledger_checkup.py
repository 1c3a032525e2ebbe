"""A check-up of Duly's own database and of the machine it stands on."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from duly.engine.checkup import Finding, State
from duly.engine.sql_refusal import refusal
from duly.ledger import migrate
from duly.ledger.ledger import Ledger

SKEW, MUCH_SKEW = dt.timedelta(seconds=2), dt.timedelta(minutes=1)
LITTLE, HARDLY_ANY = 1_000_000_000, 100_000_000
"""Bytes that are left on a disk."""


def look_at_ledger(ledger: Ledger, now: dt.datetime) -> Iterator[Finding]:
    """Say whether the ledger can be written, which version made it, and whether its server's clock is right."""
    cure = "see ledger.url in config/duly.yaml"
    try:
        with ledger.write() as connection:
            connection.execute(sa.text("update node set id = id where 1 = 0"))
            made, wanted = migrate.versions(connection)
            skew = _skew(connection, now)
    except sa.exc.DBAPIError as error:
        yield Finding("ledger", "problem", refusal(error).words, cure)
        return
    if made == wanted:
        yield Finding("ledger", "ok", f"can be written, in version {made}")
    else:
        says = f"is in version {made or 'none'}, and this Duly needs {wanted}"
        yield Finding("ledger", "warning", says, "“duly run” brings it there; a newer Duly made it if that fails")
    if skew is None:
        return
    off = abs(skew.total_seconds())
    if abs(skew) <= SKEW:
        yield Finding("clock", "ok", f"is {off:.1f} s from the ledger’s server")
    else:
        says = f"is {off:.0f} s {'behind' if skew > dt.timedelta() else 'ahead of'} the ledger’s server"
        state: State = "problem" if abs(skew) > MUCH_SKEW else "warning"
        yield Finding("clock", state, says, "let NTP set both")


def _skew(connection: sa.Connection, now: dt.datetime) -> dt.timedelta | None:
    """Return how far the ledger's server is ahead; ``None`` where it is this very machine."""
    if connection.dialect.name == "sqlite":
        return None
    there: dt.datetime = connection.execute(sa.text("select clock_timestamp()")).scalar_one()
    return there.astimezone(dt.UTC) - now


def look_at_disk(home: Path) -> Iterator[Finding]:
    """Say how much room is left beside the workspace."""
    left = shutil.disk_usage(home).free
    says = f"has {left / 1e9:,.1f} GB left"
    state: State = "problem" if left < HARDLY_ANY else "warning" if left < LITTLE else "ok"
    yield Finding("disk", state, says, "" if state == "ok" else "make room: Duly stops without")
