"""Rows that the tests of the ledger begin with, and threads that meet."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import sqlalchemy as sa

from duly.ledger import cases, firings, outbox, versions
from duly.ledger.cases import NewCase
from duly.ledger.firings import NewFiring
from duly.ledger.ledger import Ledger
from duly.ledger.outbox import Delivery, NewDelivery
from duly.ledger.schema import delivery
from duly.ledger.versions import RuleRow

NOW = dt.datetime(2024, 3, 4, 1, 0, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
HOUR = dt.timedelta(hours=1)


def publish(ledger: Ledger, path: str, text: str = "rule: x", digest: str = "") -> RuleRow:
    """Make a rule live."""
    with ledger.write() as connection:
        versions.publish(connection, path, path, "sales", digest or text, text, NOW)
        row = versions.by_path(connection, path)
    assert row is not None
    return row


def new_case(key: str, clock: str = "2024-03-04 09:00:00", **values: Any) -> NewCase:
    """Make what a check knows of a case; it is of the first version."""
    told = {"version_id": 1, "held": None, "clock_at": NOW, "due_at": None, "next_at": NOW + HOUR, "record": {}}
    return NewCase(key=key.encode(), clock=clock, **{**told, **values})


def open_cases(ledger: Ledger, rule_id: int, *keys: str, **values: Any) -> list[int]:
    """Open a case for each key; returns their numbers."""
    with ledger.write() as connection:
        opened = cases.open_new(connection, rule_id, [new_case(key, **values) for key in keys], NOW)
    return [opened[(key.encode(), "2024-03-04 09:00:00")] for key in keys]


def fire(ledger: Ledger, case_id: int, step: str = "late · tell · customer", state: str = "pending") -> int:
    """Write a firing; returns its number."""
    with ledger.write() as connection:
        written = firings.fire(connection, [NewFiring(case_id, step, 0, "customer", NOW, state)], NOW)
    return written[(case_id, step, 0)][0]


def new_delivery(intent: str, rule_id: int, **values: Any) -> NewDelivery:
    """Make a delivery that asks to be written."""
    told: dict[str, Any] = {
        "kind": "message",
        "channel": "sms",
        "fallbacks": [],
        "audience": "customer",
        "person": {"id": "customer"},
        "staff": False,
        "template": "orders/late",
        "urgent": False,
        "not_before": NOW,
        "extra": {},
    }
    return NewDelivery(intent_key=intent, rule_id=rule_id, **{**told, **values})


def put(ledger: Ledger, *new: NewDelivery) -> dict[str, int]:
    """Write deliveries."""
    with ledger.write() as connection:
        return outbox.put(connection, new, NOW)


def claim(
    ledger: Ledger, rule_id: int, now: dt.datetime = NOW, limit: int = 100, channel: str = "sms"
) -> list[Delivery]:
    """Claim what may leave."""
    with ledger.write() as connection:
        return outbox.claim(connection, channel, now, limit, [rule_id])


def together(*doings: Callable[[], Any]) -> list[Any]:
    """Do several things in threads that begin at the same time; returns what each returned, or raises."""
    barrier = threading.Barrier(len(doings))

    def meet(doing: Callable[[], Any]) -> Any:
        barrier.wait(20)
        return doing()

    with ThreadPoolExecutor(len(doings)) as pool:
        futures = [pool.submit(meet, doing) for doing in doings]
        return [future.result(60) for future in futures]


def states(ledger: Ledger, deliveries: Sequence[int]) -> list[str]:
    """Tell the states of deliveries, in the order of their numbers."""
    with ledger.read() as connection:
        rows = connection.execute(sa.select(delivery.c.id, delivery.c.state).where(delivery.c.id.in_(deliveries)))
        found = dict(map(tuple, rows))
    return [found[id] for id in sorted(deliveries)]
