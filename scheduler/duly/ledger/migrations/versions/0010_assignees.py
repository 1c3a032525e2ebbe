"""Cases that have been assigned to somebody."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Cases that have been assigned to somebody."""
    op.add_column("cases", sa.Column("assignee", sa.String(length=128), nullable=True))
