"""Migrations of the ledger, run by Alembic."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

LOCK = 0x64756C79
"""The number of the lock under which a server's ledger is migrated: "duly" in ASCII."""


def configuration(connection: sa.Connection) -> Config:
    """Make Alembic's configuration for one open connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    return config


def upgrade(engine: sa.Engine) -> None:
    """Run every migration that the database has not seen."""
    with engine.execution_options(duly_write=True).begin() as connection:
        if connection.dialect.name == "postgresql":
            # Nodes that start together wait here; SQLite's own lock does the same.
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
        command.upgrade(configuration(connection), "head")


def versions(connection: sa.Connection) -> tuple[str | None, str | None]:
    """Return the version that the database is in, and the one that this Duly needs."""
    made = MigrationContext.configure(connection).get_current_revision()
    return made, ScriptDirectory.from_config(configuration(connection)).get_current_head()
