"""The demo shop's service database: the tables that the shipped vocabulary reads."""

from __future__ import annotations

from sqlalchemy import Column, Date, DateTime, Index, Integer, MetaData, Numeric, String, Table
from sqlalchemy.dialects import sqlite

MOMENT = DateTime().with_variant(sqlite.DATETIME(truncate_microseconds=True), "sqlite")  # type: ignore[no-untyped-call]
"""A naive wall time of the shop, to the second.

SQLite keeps it as the text ``2026-09-29 08:30:00``. SQLAlchemy's own ``DateTime`` would append ``.000000`` there, and
as text that is greater than the bound ``2026-09-29 08:30:00`` of the very same second: comparisons would miss it.
"""

FLAG = Integer
"""0 or 1, and NULL where nobody has said: the vocabulary writes ``c.active = 1``, which every database understands."""

MONEY = Numeric(12, 2, asdecimal=False)

metadata = MetaData()


def _table(name: str, *columns: Column[object] | Index) -> Table:
    """Declare a table that holds every script's names, also on servers whose default character set does not."""
    return Table(
        name,
        metadata,
        Column("id", Integer, primary_key=True),
        *columns,
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )


agents = _table(
    "agents",
    Column("name", String(80)),
    Column("team", String(40)),
    Column("left_on", Date),
)

customers = _table(
    "customers",
    Column("name", String(80)),
    Column("phone", String(32)),
    Column("chat", String(80)),
    Column("email", String(120)),
    Column("lang", String(8)),
    Column("tz", String(40)),
    Column("country", String(2)),
    Column("born_on", Date),
    Column("member", FLAG),
    Column("created_at", MOMENT),
    Column("first_contact_at", MOMENT),
    Column("last_contact_at", MOMENT),
    Column("agent_id", Integer),
    Column("needs", String(200)),
    Column("quiet", String(20)),
    Column("no_sms", FLAG),
    Column("no_marketing", FLAG),
    Column("active", FLAG),
)

contacts = _table(
    "contacts",
    Column("customer_id", Integer),
    Column("at", MOMENT),
    Column("topic", String(200)),
    Column("solved", FLAG),
    Index("contacts_customer_id", "customer_id"),
)

orders = _table(
    "orders",
    Column("customer_id", Integer),
    Column("agent_id", Integer),
    Column("origin", String(20)),
    Column("kind", String(20)),
    Column("amount", MONEY),
    Column("currency", String(3)),
    Column("placed_at", MOMENT),
    Column("paid_at", MOMENT),
    Column("reviewed_at", MOMENT),
    Column("shipped_at", MOMENT),
    Column("cancelled_at", MOMENT),
    Column("out_of_stock_at", MOMENT),
    Column("buyer_asked_at", MOMENT),
    Column("buyer_answered_at", MOMENT),
    Column("hold_until", Date),
    Column("held_by", Integer),
    Column("hold_note", String(200)),
    Column("released_at", MOMENT),
    Column("ready_at", MOMENT),
    Column("balance_due", MONEY),
    Column("balance_paid_at", MOMENT),
    Column("shipping_told_at", MOMENT),
    Index("orders_placed_at", "placed_at"),
    Index("orders_paid_at", "paid_at"),
    Index("orders_buyer_answered_at", "buyer_answered_at"),
)

complaints = _table(
    "complaints",
    Column("customer_id", Integer),
    Column("agent_id", Integer),
    Column("category", String(40)),
    Column("department", String(40)),
    Column("about", String(200)),
    Column("opened_at", MOMENT),
    Column("accepted_at", MOMENT),
    Column("judged_at", MOMENT),
    Column("upheld", FLAG),
    Column("investigated_at", MOMENT),
    Column("reported_at", MOMENT),
    Column("plan_at", MOMENT),
    Column("approved_at", MOMENT),
    Column("carried_out_at", MOMENT),
    Column("summed_up_at", MOMENT),
    Column("called_back_at", MOMENT),
    Column("measure", String(200)),
    Column("measure_done_at", MOMENT),
    Index("complaints_carried_out_at", "carried_out_at"),
    Index("complaints_customer_id", "customer_id"),
)

callbacks = _table(
    "callbacks",
    Column("customer_id", Integer),
    Column("agent_id", Integer),
    Column("kind", String(20)),
    Column("ref_id", Integer),
    Column("called_at", MOMENT),
    Column("answer", String(20)),
    Column("remarks", String(200)),
    Column("department", String(40)),
    Column("second_call_at", MOMENT),
)
