"""Conditions on counts over history: who asks again and again."""

from __future__ import annotations

from pathlib import Path

import pytest

from duly.engine.examples import run_examples
from duly.engine.plugins import load_plugins
from engine.desk import ORDERS, Desk, SpokenPlugin, at

COUNTED = ORDERS + (
    "counts:\n"
    "  calls: {from: calls k, on: k.order_id = o.id, at: k.called_at}\n"
    "  complaints: {from: calls k, on: k.order_id = o.id and k.angry = 1}\n"
)
RULE = """\
rule: Who calls again and again is called back
owner: sales
watch: orders
where: [calls >= 3 in 1d]
except: [complaints > 1]
clock: placed_at
check: every 10m
steps:
  - {after: at once, tell: leader of sales, text: hello}
"""
EXAMPLES = """\
examples:
  - name: the third call is one too many
    order: {placed_at: Mon 08:00, calls: 2}
    then: [Mon 09:55 calls 3]
    expect: [Mon 10:00 leader of sales]
  - name: three calls, as the rule wants them
    order: {placed_at: Mon 08:00}
    expect: [Mon 08:00 leader of sales]
  - name: somebody else sees to the angry ones
    order: {placed_at: Mon 08:00, complaints: 2}
    expect: []
"""


def open_desk(home: Path, rule: str = RULE) -> Desk:
    """Set up a desk whose orders are called about."""
    desk = Desk(home, {"r": rule}, files={"config/vocabulary/orders.yaml": COUNTED})
    desk.sql("create table calls (order_id integer, called_at text, angry integer default 0)")
    return desk


def call(desk: Desk, *times: str) -> None:
    """Note calls about order 1."""
    for time in times:
        desk.sql("insert into calls (order_id, called_at) values (1, :time)", time=time)


def test_the_third_call_within_a_day_opens_a_case(tmp_path: Path) -> None:
    """Two calls today and one of the day before yesterday are not three in a day; the third of today makes them so."""
    desk = open_desk(tmp_path)
    desk.order(1, placed_at="2024-03-04 08:55:00")
    call(desk, "2024-03-02 09:00:00", "2024-03-04 08:00:00", "2024-03-04 08:59:00")
    desk.start(at("2024-03-04 08:50"))
    desk.run(at("2024-03-04 08:50"), at("2024-03-04 09:19"))
    assert desk.cases(1) == []
    call(desk, "2024-03-04 09:19:00")
    desk.run(at("2024-03-04 09:20"), at("2024-03-04 09:20"))
    assert desk.sent["sms"] == ["Lin: order 1"]
    desk.run(at("2024-03-04 09:30"), at("2024-03-05 08:10"))
    (case,) = desk.cases(1)
    assert [case.state, *(entry.detail for entry in desk.story(1) if entry.event in ("done", "gone"))] == [
        "done",
        "its ladder is used up",
    ]


def test_examples_count(tmp_path: Path) -> None:
    """An example says how many there are, and that there is another."""
    desk = open_desk(tmp_path, RULE + EXAMPLES)
    desk.start(at("2024-03-04 09:00"))
    snapshot = desk.engine.house.rules.snapshot
    results = run_examples(snapshot.rules["r"], snapshot, load_plugins([SpokenPlugin()]))
    assert [result.problem and result.problem.message for result in results] == [None, None, None]


PROBLEMS = [
    ("cals >= 3 in 1d", "R005", "unknown count “cals”; did you mean “calls”?"),
    ("cals >= 3", "R005", "unknown field “cals”; did you mean “calls”?"),
    ("calls is 3", "R020", "“calls” is a number, so “is” cannot compare it; write “>=”, “<=”, “>”, “<”, “=” or “!=”"),
    ("calls >= -3", "R020", "“calls” is a count, and “-3” is none; write digits, such as “3”"),
    ("calls >= three in 1d", "R020", "“calls” is a count, and “three” is none; write digits, such as “3”"),
    (
        "complaints >= 3 in 1d",
        "R020",
        "“complaints” cannot look back, for it has no “at” in the vocabulary; add it, or leave out “in 1d”",
    ),
    (
        "amount >= 3 in 1d",
        "R020",
        "“amount” is a field, and only a count looks back over “1d”; leave out “in 1d”",
    ),
    ("calls", "R005", "“calls” is a count, not a fact; compare it, such as “calls >= 3”"),
]


@pytest.mark.parametrize(("written", "code", "sentence"), PROBLEMS, ids=[written for written, _, _ in PROBLEMS])
def test_what_cannot_be_counted_is_a_problem(tmp_path: Path, written: str, code: str, sentence: str) -> None:
    """A count that nobody knows, or that is compared with no number, is an error with its cure."""
    desk = open_desk(tmp_path, RULE.replace("calls >= 3 in 1d", written))
    desk.start(at("2024-03-04 09:00"))
    assert [(problem.code, problem.sentence) for problem in desk.problems.errors] == [(code, sentence)]
