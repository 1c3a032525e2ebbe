"""Messages that carry several deliveries."""

import sqlalchemy as sa
from alembic import op

from duly.ledger.types import Id

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Messages that carry several deliveries."""
    op.add_column("delivery", sa.Column("group_key", sa.String(length=64), nullable=True))
    op.add_column("delivery", sa.Column("carried_by", Id, nullable=True))
    op.create_index("ix_delivery_group_key_state", "delivery", ["group_key", "state"], unique=False)
