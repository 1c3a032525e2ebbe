"""Simulation: days of a rule in seconds, by the very engine, over the source as it stands."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path

import pytest

from duly.engine import simulation
from duly.engine.plugins import load_plugins
from duly.engine.simulation import Simulation, simulate
from duly.engine.source import SourceDown
from duly.ledger import outcomes
from duly.rules.snapshot import load_workspace
from engine.desk import ORDERS, Desk, SpokenPlugin, at

RULE = """\
rule: Paid orders ship within a day
owner: sales
watch: orders
where: [paid]
except: [cancelled]
done: [shipped]
clock: paid_at
due: 1d
check: every 30m
steps:
  - {before: 6h, tell: customer, text: hello}
  - {late: at once, tell: supervisor of sales, text: hello}
  - {unanswered: 4 working hours, tell: manager of sales, text: hello}
limits: {hold: never}
"""
MONDAY, FRIDAY = at("2024-03-04 00:00"), at("2024-03-08 00:00")


def play(desk: Desk, begin: dt.datetime = MONDAY, end: dt.datetime = FRIDAY, rule: str = "r") -> Simulation:
    """Simulate a rule over the shop as it stands."""
    plugins = load_plugins([SpokenPlugin()])
    snapshot, problems = load_workspace(desk.home, plugins.actions, plugins.channels)
    assert snapshot is not None, [problem.render() for problem in problems.all]
    return simulate(snapshot.rules[rule], snapshot, plugins, begin, end, FRIDAY, 3)


def said(found: Simulation) -> list[tuple[dt.datetime, str, str]]:
    """Tell who was told, and when."""
    return [(one.at, one.step, one.recipient) for one in found.outcomes if one.state == "accepted"]


def days(desk: Desk) -> None:
    """Let a shop and its daemon live through four days: what is paid and shipped happens in its time."""
    chance = random.Random(7)
    happens = []
    for id in range(1, 26):
        paid = MONDAY + dt.timedelta(minutes=chance.randrange(2 * 24 * 60))
        shipped = paid + dt.timedelta(minutes=chance.randrange(30, 3 * 24 * 60))
        happens += [(paid, id, "paid_at"), (shipped, id, "shipped_at")]
        desk.order(id)
    desk.start(MONDAY)
    now = MONDAY
    for moment, id, column in sorted(happens):
        if moment >= FRIDAY:
            break
        desk.run(now, moment)
        wall = (moment + dt.timedelta(hours=8)).strftime("%Y-%m-%d %H:%M:%S")
        desk.sql(f"update orders set {column} = :wall where id = :id", wall=wall, id=id)
        now = moment
    desk.run(now, FRIDAY - dt.timedelta(microseconds=1))


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """Give a shop after four days with its daemon."""
    desk = Desk(tmp_path_factory.mktemp("shop"), {"r": RULE})
    days(desk)
    return desk


def test_simulated_days_are_the_days_that_a_daemon_lived(lived):
    """Afterwards, from the shop as it stands, the same people hear of the same orders at the same instants."""
    with lived.ledger.read() as connection:
        happened = outcomes.of_rule(connection, lived.rule_id(), MONDAY)
    told = [(one.at, one.step, one.recipient) for one in happened if one.state == "accepted"]
    assert len(told) >= 30
    assert said(play(lived)) == told


@pytest.mark.parametrize(("limit", "check"), [("CHECKS", "every 1h"), ("LOOKS", "every 12h")])
def test_checks_that_come_more_rarely_change_no_moment(limit, check, lived, monkeypatch):
    """Where its own schedule would take long a rule is checked less often, and nobody hears anything else."""
    monkeypatch.setattr(simulation, "CHECKS", 10_000)
    exact = play(lived)
    assert exact.check == ""
    monkeypatch.setattr(simulation, limit, 100 if limit == "CHECKS" else 1)
    rarer = play(lived)
    assert rarer.check == check
    assert said(rarer) == said(exact)


def test_moments_close_to_each_other_are_taken_together(lived, monkeypatch):
    """With very many moments each is put off to the next half hour, and none is lost."""
    exact = said(play(lived))
    monkeypatch.setattr(simulation, "MOMENTS", 10)
    found = play(lived)
    assert found.grain == dt.timedelta(minutes=30)
    key = lambda line: (line[1], line[2], line[0])  # noqa: E731 - two words
    late = [b[0] - a[0] for a, b in zip(sorted(exact, key=key), sorted(said(found), key=key), strict=True)]
    assert min(late) >= dt.timedelta(0)
    # What counts from an answer is put off with it, and may so come after closing.
    steps = [step for _, step, _ in sorted(exact, key=key)]
    assert max(by for by, step in zip(late, steps, strict=True) if "unanswered" not in step) < found.grain


def test_no_step_is_lost_to_moments_that_are_taken_together(tmp_path, monkeypatch):
    """A step that expires after five minutes is not put off beyond that."""
    rule = RULE.replace("{before: 6h, tell: customer", "{after: 1h, expires: 5m, tell: customer")
    desk = Desk(tmp_path, {"r": rule})
    desk.order(1, paid_at="2024-03-04 12:01:00", shipped_at="2024-03-04 14:00:00")
    monkeypatch.setattr(simulation, "MOMENTS", 0)
    found = play(desk)
    assert found.grain == dt.timedelta(minutes=2)
    assert [one.state for one in found.outcomes] == ["accepted"]


def test_what_proves_a_fact_is_hidden_until_it_comes_also_within_another_time(tmp_path):
    """An order paid on Monday and answered for on Wednesday is late on Tuesday, and again on Thursday."""
    nouns = ORDERS.replace(
        "paid_at: o.paid_at}", "paid_at: o.paid_at, said_at: o.placed_at, since: {later of: [paid_at, said_at]}}"
    ).replace("facts:\n", "facts:\n  said: {sql: o.placed_at is not null, at: o.placed_at}\n")
    rule = RULE.replace("clock: paid_at", "clock: since")
    desk = Desk(tmp_path, {"r": rule}, files={"config/vocabulary/orders.yaml": nouns})
    desk.order(1, paid_at="2024-03-04 10:00:00", placed_at="2024-03-06 11:00:00")
    found = [one.at for one in play(desk).outcomes if one.step.startswith("late")]
    assert found == [at("2024-03-05 10:00"), at("2024-03-07 11:00")]


def test_what_has_no_time_is_as_it_is_now(tmp_path):
    """When an order was cancelled the source does not say, so it counts as cancelled all along."""
    desk = Desk(tmp_path, {"r": RULE})
    desk.order(1, paid_at="2024-03-04 10:00:00", cancelled=1)
    assert play(desk).outcomes == []


def test_what_is_late_when_it_begins_is_held_and_counted(tmp_path):
    """A rule that is new holds what is late; a simulation says how many, and shows the others."""
    desk = Desk(tmp_path, {"r": RULE})
    desk.order(1, paid_at="2024-03-01 10:00:00")
    desk.order(2, paid_at="2024-03-04 10:00:00")
    found = play(desk)
    assert (found.matching, found.late) == (2, 1)
    assert len([one for one in found.outcomes if one.step.startswith("late")]) == 1


def test_a_flood_is_held_as_it_would_be(tmp_path):
    """A rule over its limit holds, and nobody is there to release it."""
    desk = Desk(tmp_path, {"r": RULE.replace("hold: never", "hold: above 3 an hour")})
    for id in range(1, 6):
        desk.order(id, paid_at="2024-03-04 10:00:00")
    found = play(desk)
    assert [(one.at, one.detail.partition(":")[0]) for one in found.holds] == [(at("2024-03-05 04:00"), "5 cases")]
    assert found.outcomes == []


def test_a_simulation_writes_nothing_and_sends_nothing(tmp_path):
    """No ledger appears, no channel hears, and the shop stays as it is."""
    desk = Desk(tmp_path, {"r": RULE})
    desk.order(1, paid_at="2024-03-04 10:00:00")
    files = lambda: {path: path.read_bytes() for path in Path(tmp_path).rglob("*") if path.is_file()}  # noqa: E731
    before = files()
    found = play(desk)
    assert files() == before
    assert next((one.body, one.channel) for one in found.messages) == ("Li: order 1", "sms")


def test_a_source_that_is_down_is_said_at_once(tmp_path):
    """Without its source there is nothing to simulate."""
    desk = Desk(tmp_path, {"r": RULE})
    desk.sql("drop table orders")
    with pytest.raises(SourceDown, match="has no table “orders”"):
        play(desk)


def test_a_pause_moves_what_comes_after_it(tmp_path):
    """What kept the clock standing still on Monday afternoon is given back on Tuesday."""
    nouns = ORDERS.replace("facts:\n", "facts:\n  asked: {sql: o.placed_at is not null, at: o.placed_at}\n")
    rule = RULE.replace("due: 1d", "due: 1d\npause: [asked]")
    desk = Desk(tmp_path, {"r": rule}, files={"config/vocabulary/orders.yaml": nouns})
    desk.order(1, paid_at="2024-03-04 10:00:00")
    desk.order(2, paid_at="2024-03-04 10:00:00", placed_at="2024-03-04 12:00:00")
    found = [(one.cases, one.at) for one in play(desk).outcomes if one.step.startswith("late")]
    assert [at for _, at in found] == [at("2024-03-05 10:00")]


def test_a_roundup_is_simulated_slot_by_slot(tmp_path):
    """Each evening's list tells of what was so on that evening."""
    rule = """\
rule: What is unpaid in the evening
owner: sales
watch: orders
where: [not paid]
check: daily 17:30
roundup: {tell: owner, list: [order], empty: send}
"""
    desk = Desk(tmp_path, {"r": rule}, files={"notifications/duly/report.j2": "{{ count }} unpaid"})
    desk.order(1, paid_at="2024-03-05 10:00:00")
    found = play(desk)
    assert [(one.at, one.step, one.recipient) for one in found.outcomes][:2] == [
        (at("2024-03-04 17:30"), "roundup", "Lin"),
        (at("2024-03-05 17:30"), "roundup", "Lin"),
    ]
    assert [one.body for one in found.messages] == ["1 unpaid", "0 unpaid", "0 unpaid"]


def test_spreadsheets_are_simulated(tmp_path):
    """A grouped step that attaches a spreadsheet is played like one that does not."""
    grouped = RULE.replace("text: hello}", "text: list, group: yes}")
    rules = {"plain": grouped, "attaching": grouped.replace("group: yes", "group: yes, attach: xlsx")}
    desk = Desk(tmp_path, rules, files={"notifications/list.j2": "{{ count }}"})
    for id in (1, 2):
        desk.order(id, paid_at="2024-03-04 10:00:00")
    told = said(play(desk, rule="attaching"))
    assert {step for _, step, _ in told} >= {"late at once · tell · supervisor of sales"}
    assert told == said(play(desk, rule="plain"))
