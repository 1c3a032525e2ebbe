"""Tasks for people: calls to make."""

import sqlalchemy as sa
from alembic import op

from duly.ledger.types import Id, Instant

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Tasks for people."""
    op.create_table(
        "task",
        sa.Column("id", Id, nullable=False),
        sa.Column("intent_key", sa.String(length=64), nullable=False),
        sa.Column("rule_id", Id, nullable=False),
        sa.Column("case_id", Id, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("person", sa.String(length=128), nullable=False),
        sa.Column("script", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("not_before", Instant(), nullable=False),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.Column("done_at", Instant(), nullable=True),
        sa.Column("done_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_task_case_id"),
        sa.ForeignKeyConstraint(["rule_id"], ["rule.id"], name="fk_task_rule_id"),
        sa.PrimaryKeyConstraint("id", name="pk_task"),
        sa.UniqueConstraint("intent_key", name="uq_task_intent_key"),
    )
    op.create_index("ix_task_case_id", "task", ["case_id"], unique=False)
    op.create_index("ix_task_state_person", "task", ["state", "person"], unique=False)
