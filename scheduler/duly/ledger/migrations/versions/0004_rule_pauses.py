"""Rules that people have paused or retired."""

import sqlalchemy as sa
from alembic import op

from duly.ledger.types import Id, Instant

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Rules that people have paused or retired."""
    op.create_table(
        "rule_pause",
        sa.Column("rule_id", Id, autoincrement=False, nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("until", Instant(), nullable=True),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["rule_id"], ["rule.id"], name="fk_rule_pause_rule_id"),
        sa.PrimaryKeyConstraint("rule_id", name="pk_rule_pause"),
    )
