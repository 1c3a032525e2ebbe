"""Run by Alembic: works on the connection that `duly.ledger.migrate` hands over."""

from alembic import context

from duly.ledger.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
