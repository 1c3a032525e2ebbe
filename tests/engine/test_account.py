"""The account of a clock: what counted, what stood still and what was closed, on the way to the due time."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duly.engine.account import CLOSED, COUNTED, PAUSED, account
from duly.time.calendar import built_in
from duly.time.duration import Duration
from duly.time.hours import Hours
from duly.time.working import WorkingTime
from engine.desk import ZONE, at

WORKING = WorkingTime(Hours.parse(["workdays 09:00-12:00", "workdays 13:00-17:00"]), built_in("CN"), ZONE)
START = at("2024-03-29 10:00")
HOURS = dt.timedelta(hours=1)


def told(stretches):
    """Write an account as (kind, from, to)."""
    return [
        (each.kind, f"{each.begin.astimezone(ZONE):%a %H:%M}", each.end and f"{each.end.astimezone(ZONE):%a %H:%M}")
        for each in stretches
    ]


def test_a_pause_is_left_out_of_what_counts():
    """Held over the weekend: what counted before and after it, and the pause between them."""
    due = at("2024-04-01 14:00")
    pause = (at("2024-03-29 16:00"), at("2024-04-01 10:00"))
    assert told(account(WORKING, Duration.parse("8 working hours"), START, due, [pause])) == [
        (COUNTED, "Fri 10:00", "Fri 12:00"),
        (CLOSED, "Fri 12:00", "Fri 13:00"),
        (COUNTED, "Fri 13:00", "Fri 16:00"),
        (PAUSED, "Fri 16:00", "Mon 10:00"),
        (COUNTED, "Mon 10:00", "Mon 12:00"),
        (CLOSED, "Mon 12:00", "Mon 13:00"),
        (COUNTED, "Mon 13:00", "Mon 14:00"),
    ]


def test_a_pause_that_goes_on_has_no_end():
    """While the clock stands still nothing counts after it."""
    stretches = account(WORKING, Duration.parse("72h"), START, START + 72 * HOURS, [(START + HOURS, None)])
    assert told(stretches) == [(COUNTED, "Fri 10:00", "Fri 11:00"), (PAUSED, "Fri 11:00", None)]


@pytest.mark.parametrize("unit", ["working hours", "h"])
@given(data=st.data())
def test_stretches_follow_each_other_and_what_counts_is_what_the_rule_says(unit, data):
    """Whatever the start and the pauses: no gap, no overlap; what counted is the duration less what was paused."""
    amount = data.draw(st.integers(1, 60))
    written = f"{amount} working hours" if unit != "h" else f"{amount}h"
    duration = Duration.parse(written.replace("1 working hours", "1 working hour") if amount == 1 else written)
    start = START + dt.timedelta(minutes=data.draw(st.integers(0, 20_000)))
    due = WORKING.add(start, duration)
    edges = sorted(data.draw(st.lists(st.integers(0, 10_000), max_size=6, unique=True)))
    pauses = [
        (start + dt.timedelta(minutes=a), start + dt.timedelta(minutes=b))
        for a, b in zip(edges[::2], edges[1::2], strict=False)
    ]
    stretches = account(WORKING, duration, start, due, pauses)
    for before, after in pairwise(stretches):
        assert before.end == after.begin
    counted = sum(each.seconds for each in stretches if each.kind == COUNTED)
    lost = 0
    for began, ended in pauses:
        a, b = max(began, start), min(ended, due)
        if a < b:
            lost += WORKING.between(a, b) if unit != "h" else int((b - a).total_seconds())
    assert counted == amount * 3600 - lost
