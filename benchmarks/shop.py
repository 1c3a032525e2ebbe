"""A shop with many orders: the starter pack's workspace, its tables filled by SQLite itself."""

from __future__ import annotations

import datetime as dt
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from duly.demo.schema import metadata

NOW = dt.datetime(2026, 3, 2, 10, tzinfo=ZoneInfo("Asia/Shanghai")).astimezone(dt.UTC)
"""The instant of the first check; no figure depends on the day on which it is measured."""
RULE = "orders/ship-within-72h"
NOTHING = "orders/ship-presales"
"""The same rule for presales, of which this shop has none."""
CUSTOMERS = 5_000

_REPOSITORY = Path(__file__).resolve().parents[1]
_WALL = "2026-03-02 10:00:00"

_CUSTOMERS = """
with recursive n (i) as (select 1 union all select i + 1 from n where i < :customers)
insert into customers (id, name, phone, email, lang, tz)
select i, 'Customer ' || i, '+86139' || printf('%08d', i), 'c' || i || '@shop.example', 'zh', 'Asia/Shanghai' from n
"""
_ORDERS = """
with recursive n (i) as (select :first union all select i + 1 from n where i < :last),
  paid (i, at) as (select i, datetime(:wall, '-' || (:from - (i - :first) * :apart) || ' minutes') from n)
insert into orders (id, customer_id, origin, kind, amount, currency, placed_at, paid_at, shipped_at,
  buyer_asked_at, buyer_answered_at)
select i, 1 + i % :customers, 'web', 'stock', 10 + i % 90, 'CNY', at, at,
  case when :shipped or i % 2 then datetime(at, '+1 day') end,
  case when i % 10 = 0 then at end, case when i % 10 = 0 then datetime(at, '+1 hour') end from paid
"""


def build(home: Path, rows: int, due: int) -> Path:
    """Make a workspace with its service database.

    Twice ``due`` orders were paid between 80 and 4 days ago, and every other one has not been shipped; before that, one
    order was paid a minute, and all are shipped. Clock columns carry the demo shop's indexes.

    Parameters
    ----------
    home: a folder that is not there yet.
    rows: how many orders there are, at least twice ``due``.
    due: how many the rule concerns, all of them late.
    """
    for folder in ("config", "notifications"):
        shutil.copytree(_REPOSITORY / folder, home / folder)
    text = (_REPOSITORY / "rules" / f"{RULE}.yaml").read_text(encoding="utf-8").partition("examples:")[0]
    text = text.replace("hold: above 200 an hour", "hold: never")
    (home / "rules" / "orders").mkdir(parents=True)
    (home / "rules" / f"{RULE}.yaml").write_text(text, encoding="utf-8")
    presales = text.replace("[paid]", "[paid, presale]").replace("presale, virtual", "virtual")
    (home / "rules" / f"{NOTHING}.yaml").write_text(presales, encoding="utf-8")

    path = home / "shop.db"
    engine = sa.create_engine(f"sqlite:///{path}")
    metadata.create_all(engine)
    engine.dispose()
    recent, day = 2 * due, 24 * 60
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("pragma journal_mode = off")
        connection.execute("pragma synchronous = off")
        every = {"wall": _WALL, "customers": CUSTOMERS}
        connection.execute(_CUSTOMERS, every)
        old = {"first": 1, "last": rows - recent, "from": 100 * day + rows - recent, "apart": 1, "shipped": 1}
        new = {"first": rows - recent + 1, "last": rows, "from": 80 * day, "apart": 76 * day / recent, "shipped": 0}
        connection.execute(_ORDERS, every | old)
        connection.execute(_ORDERS, every | new)
        connection.execute("analyze")
    return home
