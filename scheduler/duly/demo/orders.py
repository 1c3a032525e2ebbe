"""The life of an order: placed, paid or not, shipped or not."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from duly.demo import schema
from duly.demo.life import Change, hours, in_hours
from duly.demo.people import AGENT_IDS, Customer

WAREHOUSE = (time(9), time(18))
CALLS = (time(9, 30), time(19, 30))
PROMISE = timedelta(hours=72)
"""What the shop promises its buyers: shipped within 72 hours of payment."""

ORIGINS = ("app", "web", "mini program", "marketplace", None)
KINDS = {"normal": 0.87, None: 0.05, "presale": 0.04, "virtual": 0.04}
PRICES = {
    "CNY": (59, 89.9, 129, 199, 299, 459.5, 899, 1299, 3680),
    "KRW": (12900, 29900, 45000, 89000, 159000, 420000),
    "GBP": (9.9, 24.5, 49, 129),
    "USD": (12.99, 34.5, 79, 189),
    "CAD": (16.99, 45, 99, 239),
}


@dataclass(frozen=True, slots=True)
class Luck:
    """What an order may still meet with.

    Parameters
    ----------
    may_linger: whether the buyer may leave it unpaid for hours, or for good.
    may_run_late: whether it may leave the warehouse near the end of the promised time, or after it.
    found_at: set for a parcel that nobody finds before that time.
    """

    may_linger: bool = True
    may_run_late: bool = True
    found_at: datetime | None = None


def order_life(rng: random.Random, number: int, buyer: Customer, placed: datetime, luck: Luck) -> Iterator[Change]:
    """Plan an order's life, in no particular order of time but for its birth, which comes first."""
    order = f"order {number}"
    kind = "normal" if luck.found_at else rng.choices(list(KINDS), list(KINDS.values()))[0]
    row: dict[str, object] = {
        "customer_id": buyer.number,
        "agent_id": buyer.agent_id or rng.choice(AGENT_IDS),
        "origin": rng.choice(ORIGINS),
        "kind": kind,
        "amount": rng.choice(PRICES[buyer.currency]),
        "currency": buyer.currency,
        "placed_at": placed,
    }

    def change(at: datetime, column: str, what: str, happening: str) -> Change:
        return Change(at, schema.orders, {column: at}, f"{order} {what}", happening, number)

    yield Change(placed, schema.orders, row, f"{order} placed by {buyer.name}", "placed", number, new=True)

    paid, given_up = _payment(rng, placed, luck)
    if given_up:
        yield change(given_up, "cancelled_at", "given up", "cancelled")
    if not paid:
        return
    yield change(paid, "paid_at", "paid", "paid")
    yield change(in_hours(rng, paid + hours(rng, 0.1, 1.5), *WAREHOUSE), "reviewed_at", "reviewed", "reviewed")
    if kind == "virtual":
        return
    if not luck.found_at and rng.random() < 0.02:
        yield change(paid + hours(rng, 0.2, 4), "cancelled_at", "cancelled by the buyer", "cancelled")
        return

    shippable = paid
    if kind != "presale" and not luck.found_at and rng.random() < 0.03:
        missing = in_hours(rng, paid + hours(rng, 1, 6), *WAREHOUSE)
        asked = missing + hours(rng, 0.1, 1)
        shippable = in_hours(rng, asked + hours(rng, 2, 60), *CALLS)
        yield change(missing, "out_of_stock_at", "out of stock", "out of stock")
        yield change(asked, "buyer_asked_at", "waits for the buyer’s answer", "asked")
        if rng.random() < 0.25:
            yield change(shippable, "cancelled_at", "cancelled by the buyer, who will not wait", "cancelled")
            return
        yield change(shippable, "buyer_answered_at", "may wait, says the buyer", "answered")

    shipped = _shipment(rng, shippable, luck, presale=kind == "presale")
    yield change(shipped, "shipped_at", "shipped", "shipped")
    if rng.random() < 0.12:
        yield _courtesy_call(rng, number, row, buyer, shipped)


def _payment(rng: random.Random, placed: datetime, luck: Luck) -> tuple[datetime | None, datetime | None]:
    """Say when the buyer pays, or else when the order is given up."""
    pays = rng.choices(("now", "later", "never"), (74, 19, 7))[0]
    if pays == "now" or luck.found_at:
        return placed + hours(rng, 0.01, 0.3), None
    if pays == "later":
        return (_second_thoughts(rng, placed) if luck.may_linger else placed + hours(rng, 0.6, 3)), None
    if luck.may_linger and rng.random() < 0.65:
        return None, placed + timedelta(days=3) + hours(rng, 0, 1)
    return None, placed + hours(rng, 0.5, 6)


def _second_thoughts(rng: random.Random, placed: datetime) -> datetime:
    """Say when a buyer pays who did not at once: soon after all, the next morning, or of an evening."""
    choice = rng.choices(("soon", "morning", "evening", "after"), (30, 40, 22, 8))[0]
    if choice == "soon":
        return placed + hours(rng, 0.6, 5)
    if choice == "morning":
        return _next(placed + timedelta(hours=1), time(9)) + hours(rng, 0.05, 2.5)
    evening = _next(placed + timedelta(hours=2), time(18)) + hours(rng, 0.05, 2.5)
    return evening if choice == "evening" else evening + timedelta(days=1)


def _shipment(rng: random.Random, shippable: datetime, luck: Luck, *, presale: bool) -> datetime:
    """Say when the parcel leaves: mostly in good time, sometimes hard on the promise, now and then beyond it."""
    if luck.found_at:
        return luck.found_at
    if presale:
        return in_hours(rng, shippable + hours(rng, 6 * 24, 12 * 24), *WAREHOUSE)
    pace = rng.choices(("prompt", "slow", "late"), (91, 7, 2))[0] if luck.may_run_late else "prompt"
    if pace == "prompt":
        return in_hours(rng, shippable + hours(rng, 4, 34), *WAREHOUSE)
    due = shippable + PROMISE
    while True:
        leaves = due - hours(rng, 0.3, 16) if pace == "slow" else due + hours(rng, 1.5, 26)
        if WAREHOUSE[0] <= leaves.time() < WAREHOUSE[1]:
            return leaves


def _courtesy_call(
    rng: random.Random, number: int, row: dict[str, object], buyer: Customer, shipped: datetime
) -> Change:
    called = in_hours(rng, shipped + hours(rng, 72, 120), *CALLS)
    answer = rng.choices(("happy", "neutral", "unhappy"), (85, 10, 5))[0]
    values = {
        "customer_id": buyer.number,
        "agent_id": row["agent_id"],
        "kind": "order",
        "ref_id": number,
        "called_at": called,
        "answer": answer,
        "remarks": "came with a dent" if answer == "unhappy" else None,
        "department": "after-sales",
    }
    what = f"{buyer.name} asked about order {number}: {answer}"
    return Change(called, schema.callbacks, values, what, "courtesy call", new=True)


def _next(after: datetime, hour: time) -> datetime:
    """Give the first moment at or after ``after`` at which the wall shows ``hour``."""
    moment = datetime.combine(after.date(), hour)
    return moment if moment >= after else moment + timedelta(days=1)
