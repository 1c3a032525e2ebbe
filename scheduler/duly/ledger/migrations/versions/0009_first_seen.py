"""When a check last saw a record whose clock begins as it is first seen."""

import sqlalchemy as sa
from alembic import op

from duly.ledger.types import Instant

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """A column for when it was last seen."""
    op.add_column("cases", sa.Column("seen_at", Instant()))
