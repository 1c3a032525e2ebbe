"""What roundups found."""

import sqlalchemy as sa
from alembic import op

from duly.ledger.types import Id, Instant, Json

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the table of reports."""
    op.create_table(
        "report",
        sa.Column("id", Id, nullable=False),
        sa.Column("rule_id", Id, nullable=False),
        sa.Column("slot", Instant(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("found", Json(), nullable=False),
        sa.ForeignKeyConstraint(["rule_id"], ["rule.id"], name="fk_report_rule_id"),
        sa.PrimaryKeyConstraint("id", name="pk_report"),
    )
    op.create_index("ix_report_rule_id_slot", "report", ["rule_id", "slot"], unique=False)
