"""The times whose change the steps of a case tell of."""

import sqlalchemy as sa
from alembic import op

from duly.ledger.types import Json

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """A column beside the record."""
    op.add_column("cases", sa.Column("watched", Json()))
