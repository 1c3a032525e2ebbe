"""Pauses: the stretches in which the clock of a case stands still."""

import sqlalchemy as sa
from alembic import op

from duly.ledger.types import Id, Instant

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the table of pauses."""
    op.create_table(
        "pause",
        sa.Column("case_id", Id, nullable=False),
        sa.Column("fact", sa.String(length=255), nullable=False),
        sa.Column("began_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_pause_case_id"),
        sa.PrimaryKeyConstraint("case_id", "fact", "began_at", name="pk_pause"),
    )
    op.create_index("ix_pause_ended_at", "pause", ["ended_at"], unique=False)
