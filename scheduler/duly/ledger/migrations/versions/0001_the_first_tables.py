"""The first tables."""

import sqlalchemy as sa
from alembic import op

from duly.ledger.types import Id, Instant, Json

revision = "0001"
down_revision = None


def upgrade() -> None:
    """The first tables."""
    op.create_table(
        "journal",
        sa.Column("id", Id, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("rule_id", Id, nullable=True),
        sa.Column("case_id", Id, nullable=True),
        sa.Column("delivery_id", Id, nullable=True),
        sa.Column("event", sa.String(length=32), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("data", Json(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_journal"),
    )
    op.create_index("ix_journal_case_id", "journal", ["case_id"], unique=False)
    op.create_index("ix_journal_rule_id_at", "journal", ["rule_id", "at"], unique=False)
    op.create_table(
        "node",
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("seen_at", Instant(), nullable=False),
        sa.Column("stopped_at", Instant(), nullable=True),
        sa.Column("troubles", Json(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_node"),
    )
    op.create_table(
        "quota",
        sa.Column("scope", sa.String(length=255), nullable=False),
        sa.Column("period", sa.String(length=32), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "period", name="pk_quota"),
    )
    op.create_table(
        "rule",
        sa.Column("id", Id, nullable=False),
        sa.Column("path", sa.String(length=255), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("version_id", Id, nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("closings_confirmed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_rule"),
        sa.UniqueConstraint("path", name="uq_rule_path"),
    )
    op.create_table(
        "suppression",
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("address_hash", sa.String(length=64), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "address_hash", name="pk_suppression"),
    )
    op.create_table(
        "check_run",
        sa.Column("id", Id, nullable=False),
        sa.Column("rule_id", Id, nullable=False),
        sa.Column("slot", Instant(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.Column("lease_until", Instant(), nullable=False),
        sa.Column("now", Instant(), nullable=False),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.Column("plan_digest", sa.String(length=64), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("opened", sa.Integer(), nullable=False),
        sa.Column("closed", sa.Integer(), nullable=False),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["rule_id"], ["rule.id"], name="fk_check_run_rule_id"),
        sa.PrimaryKeyConstraint("id", name="pk_check_run"),
        sa.UniqueConstraint("rule_id", "slot", name="uq_check_run_rule_id_slot"),
    )
    op.create_table(
        "rule_version",
        sa.Column("id", Id, nullable=False),
        sa.Column("rule_id", Id, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["rule_id"], ["rule.id"], name="fk_rule_version_rule_id"),
        sa.PrimaryKeyConstraint("id", name="pk_rule_version"),
        sa.UniqueConstraint("rule_id", "digest", name="uq_rule_version_rule_id_digest"),
    )
    op.create_table(
        "cases",
        sa.Column("id", Id, nullable=False),
        sa.Column("rule_id", Id, nullable=False),
        sa.Column("version_id", Id, nullable=False),
        sa.Column("key", sa.LargeBinary(length=512), nullable=False),
        sa.Column("clock", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("used_up", sa.Boolean(), nullable=False),
        sa.Column("held", sa.Text(), nullable=True),
        sa.Column("clock_at", Instant(), nullable=False),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("next_at", Instant(), nullable=True),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.Column("acknowledged_at", Instant(), nullable=True),
        sa.Column("in_charge", sa.String(length=128), nullable=True),
        sa.Column("record", Json(), nullable=False),
        sa.ForeignKeyConstraint(["rule_id"], ["rule.id"], name="fk_cases_rule_id"),
        sa.ForeignKeyConstraint(["version_id"], ["rule_version.id"], name="fk_cases_version_id"),
        sa.PrimaryKeyConstraint("id", name="pk_cases"),
        sa.UniqueConstraint("rule_id", "key", "clock", name="uq_cases_rule_id_key_clock"),
    )
    op.create_index("ix_cases_rule_id_state", "cases", ["rule_id", "state"], unique=False)
    op.create_index("ix_cases_state_next_at", "cases", ["state", "next_at"], unique=False)
    op.create_table(
        "ack_token",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("case_id", Id, nullable=False),
        sa.Column("person", sa.String(length=128), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("used_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_ack_token_case_id"),
        sa.PrimaryKeyConstraint("token_hash", name="pk_ack_token"),
    )
    op.create_table(
        "firing",
        sa.Column("id", Id, nullable=False),
        sa.Column("case_id", Id, nullable=False),
        sa.Column("step", sa.String(length=255), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("moment", Instant(), nullable=False),
        sa.Column("settled_at", Instant(), nullable=True),
        sa.Column("accepted_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_firing_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_firing"),
        sa.UniqueConstraint("case_id", "step", "occurrence", name="uq_firing_case_id_step_occurrence"),
    )
    op.create_table(
        "delivery",
        sa.Column("id", Id, nullable=False),
        sa.Column("intent_key", sa.String(length=64), nullable=False),
        sa.Column("firing_id", Id, nullable=True),
        sa.Column("rule_id", Id, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("fallbacks", Json(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("person", Json(), nullable=False),
        sa.Column("staff", sa.Boolean(), nullable=False),
        sa.Column("template", sa.String(length=255), nullable=False),
        sa.Column("extra", Json(), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("not_before", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("failing_since", Instant(), nullable=True),
        sa.Column("token", sa.String(length=32), nullable=True),
        sa.Column("lease_until", Instant(), nullable=True),
        sa.Column("to", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("receipt", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("settled_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["firing_id"], ["firing.id"], name="fk_delivery_firing_id"),
        sa.ForeignKeyConstraint(["rule_id"], ["rule.id"], name="fk_delivery_rule_id"),
        sa.PrimaryKeyConstraint("id", name="pk_delivery"),
        sa.UniqueConstraint("intent_key", name="uq_delivery_intent_key"),
    )
    op.create_index("ix_delivery_firing_id", "delivery", ["firing_id"], unique=False)
    op.create_index("ix_delivery_rule_id_created_at", "delivery", ["rule_id", "created_at"], unique=False)
    op.create_index(
        "ix_delivery_state_channel_not_before", "delivery", ["state", "channel", "not_before"], unique=False
    )
    op.create_table(
        "delivery_case",
        sa.Column("delivery_id", Id, nullable=False),
        sa.Column("case_id", Id, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_delivery_case_case_id"),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name="fk_delivery_case_delivery_id"),
        sa.PrimaryKeyConstraint("delivery_id", "case_id", name="pk_delivery_case"),
    )
    op.create_index("ix_delivery_case_case_id", "delivery_case", ["case_id"], unique=False)
