"""Firings to many people, whose deliveries are written batch by batch."""

import sqlalchemy as sa
from alembic import op

from duly.ledger.types import Id, Instant

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Firings to many people."""
    op.create_table(
        "fan_out",
        sa.Column("firing_id", Id, autoincrement=False, nullable=False),
        sa.Column("rule_id", Id, nullable=False),
        sa.Column("case_id", Id, nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=True),
        sa.Column("blind", sa.Boolean(), nullable=False),
        sa.Column("token", sa.String(length=32), nullable=True),
        sa.Column("not_before", Instant(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_fan_out_case_id"),
        sa.ForeignKeyConstraint(["firing_id"], ["firing.id"], name="fk_fan_out_firing_id"),
        sa.ForeignKeyConstraint(["rule_id"], ["rule.id"], name="fk_fan_out_rule_id"),
        sa.PrimaryKeyConstraint("firing_id", name="pk_fan_out"),
    )
    op.create_index("ix_fan_out_case_id", "fan_out", ["case_id"], unique=False)
    op.create_index("ix_fan_out_not_before", "fan_out", ["not_before"], unique=False)
