"""The schema: migrations bring a database to the shape that the code speaks of, and nothing else."""

from __future__ import annotations

import logging
import os
import subprocess
import sys

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from duly.ledger.ledger import Ledger
from duly.ledger.schema import metadata
from ledger.rows import publish


def differences(ledger: Ledger) -> list[object]:
    """Tell how a database differs from the schema: tables, columns, their types and nullability, indexes, keys."""
    with ledger.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, metadata)


def test_migrations_lead_to_the_schema(ledger):
    """A migrated database and the tables in the code are the same, to the last index."""
    assert differences(ledger) == []


def test_a_difference_would_be_seen(ledger):
    """The comparison is awake: a column and an index more are told."""
    with ledger.write() as connection:
        connection.exec_driver_sql("ALTER TABLE quota ADD COLUMN extra INTEGER")
        connection.exec_driver_sql("CREATE INDEX ix_extra ON cases (closed_at)")
    assert {difference[0] for difference in differences(ledger)} == {"remove_column", "remove_index"}


def test_names_are_the_same_everywhere(ledger):
    """Keys and indexes bear the names of the convention, so that a later migration can find them."""
    with ledger.read() as connection:
        inspector = sa.inspect(connection)
        for name, table in metadata.tables.items():
            indexes = {index["name"] for index in inspector.get_indexes(name)} - {
                unique["name"] for unique in inspector.get_unique_constraints(name)
            }
            assert indexes == {index.name for index in table.indexes}
            assert inspector.get_pk_constraint(name)["name"] == f"pk_{name}"


def test_migrating_again_changes_nothing(ledger):
    """Every start migrates: what is there stays as it is."""
    row = publish(ledger, "orders/late")
    ledger.migrate()
    ledger.migrate()
    assert differences(ledger) == []
    assert publish(ledger, "orders/late") == row


def test_nodes_that_start_together_migrate_once(ledger_url):
    """Two daemons that find an empty database at the same time both come up."""
    program = (
        "import sys; from duly.ledger import ledger, migrate; print(flush=True); sys.stdin.readline();"
        "ledger.Ledger(sys.argv[1]).migrate()"
    )
    nodes = [
        subprocess.Popen(
            [sys.executable, "-c", program, ledger_url],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for node in nodes:
        node.stdout.readline()
    for node in nodes:
        node.stdin.write("go\n")
        node.stdin.flush()
    complaints = [node.communicate()[1] for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0, 0], complaints
    keeper = Ledger(ledger_url)
    assert differences(keeper) == []
    keeper.close()


def test_migrating_leaves_the_logs_as_they_are(ledger, caplog):
    """Alembic's own configuration of logging stays away from the daemon's."""
    level = logging.getLogger().level
    ledger.migrate()
    assert logging.getLogger().level == level
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
