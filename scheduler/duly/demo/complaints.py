"""The life of a complaint: opened, accepted, judged, handled, and the customer called back."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, time, timedelta

from duly.demo import schema
from duly.demo.life import Change, hours, in_hours
from duly.demo.people import AGENT_IDS, Customer

DESK = (time(8, 30), time(17, 30))
CALLS = (time(9, 30), time(19, 30))
CALL_BACK_WITHIN = timedelta(days=3)

ABOUT = {
    "quality": {"zh": "桌面有划痕", "ko": "상판에 흠집이 있어요", "en": "the table top is scratched"},
    "late": {"zh": "晚到了两天", "ko": "이틀 늦게 도착했어요", "en": "it came two days late"},
    "attitude": {"zh": "客服态度不好", "ko": "상담원이 불친절했어요", "en": "the agent was rude"},
    "repeat contact": {
        "zh": "问了三次都没有结果",
        "ko": "세 번 문의했지만 해결되지 않았어요",
        "en": "asked three times in vain",
    },
}
DEPARTMENTS = {"quality": "logistics", "late": "logistics", "attitude": "after-sales", "repeat contact": "after-sales"}
MEASURES = ("a replacement part", "10% of the price back", "an apology and a voucher", None)

STAGES = (
    ("accepted_at", "accepted", 0.1, 0.8),
    ("judged_at", "judged", 0.5, 4),
    ("investigated_at", "investigated", 1, 9),
    ("reported_at", "reported to the department", 0.1, 0.7),
    ("plan_at", "has a plan", 1, 8),
    ("approved_at", "has its plan approved", 0.5, 5),
    ("carried_out_at", "dealt with", 2, 30),
)
"""Column, words, and the hours that the stage takes: at least, at most."""


def complaint_life(
    rng: random.Random, number: int, customer: Customer, opened: datetime, seen_to: datetime
) -> Iterator[Change]:
    """Plan a complaint's life, in no particular order of time but for its birth, which comes first.

    Of what is dealt with before ``seen_to``, most customers are called the next day.
    """
    complaint = f"complaint {number}"
    category = rng.choice(list(ABOUT))
    agent_id = customer.agent_id or rng.choice(AGENT_IDS)
    about = ABOUT[category][customer.lang]
    row = {
        "customer_id": customer.number,
        "agent_id": agent_id,
        "category": category,
        "department": DEPARTMENTS[category],
        "about": about,
        "opened_at": opened,
    }

    def change(at: datetime, what: str, kind: str, **values: object) -> Change:
        return Change(at, schema.complaints, values, f"{complaint} {what}", kind, number)

    yield Change(opened, schema.complaints, row, f"{complaint} opened by {customer.name}", "opened", number, new=True)
    contact = {"customer_id": customer.number, "at": opened, "topic": about, "solved": int(rng.random() < 0.6)}
    yield Change(opened, schema.contacts, contact, "", "contact", new=True)

    upheld = rng.random() < 0.92
    at = opened
    for column, what, least, most in STAGES:
        at = in_hours(rng, at + hours(rng, least, most), *DESK)
        if column == "judged_at":
            yield change(at, what, "handled", judged_at=at, upheld=int(upheld))
            if not upheld:
                return
        elif column == "plan_at":
            yield change(at, what, "handled", plan_at=at, measure=rng.choice(MEASURES))
        else:
            yield change(at, what, "carried out" if column == "carried_out_at" else "handled", **{column: at})

    summed_up = in_hours(rng, at + hours(rng, 2, 40), *DESK)
    yield change(summed_up, "summed up", "handled", summed_up_at=summed_up)
    called = _called_back(rng, at, longest=38 if at < seen_to else 68)
    answer = rng.choices(("happy", "neutral", "unhappy"), (70, 18, 12))[0]
    call = {
        "customer_id": customer.number,
        "agent_id": agent_id,
        "kind": "complaint",
        "ref_id": number,
        "called_at": called,
        "answer": answer,
        "remarks": None if answer == "happy" else "would like it sooner next time",
        "department": DEPARTMENTS[category],
    }
    yield change(called, f"ends with a call to {customer.name}: {answer}", "called back", called_back_at=called)
    yield Change(called, schema.callbacks, call, "", "called back", new=True)


def _called_back(rng: random.Random, carried_out: datetime, longest: float) -> datetime:
    """Say when the customer hears how it went: mostly within three days, now and then only after somebody is told."""
    due = carried_out + CALL_BACK_WITHIN
    if rng.random() < 0.15:
        return in_hours(rng, due + hours(rng, 2, 20), *CALLS)
    while True:
        called = in_hours(rng, carried_out + hours(rng, 22, longest), *CALLS)
        if called < due:
            return called
