"""Releases: what a rule holds goes on when a person says so, and nothing of it is lost or held again (laws 4, 8, 9)."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from duly.engine import release as releases
from duly.engine.release import Overdue, Released
from duly.engine.versions import Versions
from duly.ledger import cases, checks, nodes, versions
from duly.rules.snapshot import load_workspace
from engine.desk import ORDERS, Desk, at

RULE = """\
rule: Paid orders ship within two hours
owner: sales
watch: orders
where: [paid]
done: [shipped]
clock: paid_at
check: every 10m
steps:
  - {after: 30m, tell: sales on duty, text: hello}
  - {after: 1h, tell: sales on duty, text: hello}
  - {after: 1h, tell: supervisor of sales, text: hello}
  - {after: 5h, tell: manager of sales, text: hello}
limits: {hold: LIMIT}
"""
NOON = at("2024-03-04 12:00")
MINUTE = dt.timedelta(minutes=1)


def held_desk(home: Path, orders: int = 1, limit: str = "never") -> Desk:
    """Set up a desk that begins at noon, with orders that were paid at ten: their first three steps are overdue."""
    desk = Desk(home, {"r": RULE.replace("LIMIT", limit)})
    for id in range(1, orders + 1):
        desk.order(id, paid_at="2024-03-04 10:00:00")
    desk.start(NOON)
    desk.run(NOON, NOON)
    return desk


def release(desk: Desk, overdue: Overdue, now: dt.datetime = NOON + MINUTE) -> Released:
    """Release what the desk's rule holds, as a command beside the daemon does."""
    with desk.ledger.read() as connection:
        row = versions.by_path(connection, "r")
    return releases.release(desk.ledger, Versions(desk.ledger, desk.engine.house.rules.snapshot), row, overdue, now)


def texts(desk: Desk) -> int:
    """Count the messages about orders that left; the owner's notices of what is held are not among them."""
    return sum(text.startswith(("Lin", "Zhou", "Wang")) for sent in desk.sent.values() for text in sent)


def test_what_is_held_sends_nothing_until_it_is_released(tmp_path):
    """A held case has no step fired, however long nobody decides."""
    desk = held_desk(tmp_path)
    desk.run(NOON, NOON + 600 * MINUTE)
    assert desk.cases(1)[0].held == "it was late before the rule went live"
    assert texts(desk) == 0


def test_send_fires_only_the_latest_overdue_step_to_each_audience(tmp_path):
    """Of two overdue steps to the agent on duty the later fires, the supervisor's own fires too, the rest in time."""
    desk = held_desk(tmp_path)
    assert release(desk, Overdue.SEND) == Released(cases=1)
    desk.run(NOON + MINUTE, NOON + 2 * MINUTE)
    assert [d.audience for d in desk.deliveries(1)] == ["sales on duty", "supervisor of sales"]
    assert ("Mon 12:01", "overtaken") in desk.events(1)
    desk.run(NOON + 2 * MINUTE, NOON + 180 * MINUTE)
    assert desk.events(1)[-2:] == [("Mon 15:00", "fired"), ("Mon 15:00", "accepted")]


def test_skip_fires_only_what_is_still_to_come(tmp_path):
    """Overdue steps are skipped, each with a line in the journal; the manager hears in time."""
    desk = held_desk(tmp_path)
    assert release(desk, Overdue.SKIP) == Released(cases=1, skipped=3)
    desk.run(NOON + MINUTE, NOON + 180 * MINUTE)
    assert [d.audience for d in desk.deliveries(1)] == ["manager of sales"]
    assert [event for _, event in desk.events(1)][1:5] == ["skipped", "skipped", "skipped", "released"]


def test_a_release_is_in_the_journal_of_the_rule(tmp_path):
    """The rule's journal says that a person let its cases go, how many, and what became of what was overdue."""
    desk = held_desk(tmp_path, orders=3)
    release(desk, Overdue.SKIP)
    line = desk.rule_journal()[-1]
    assert (line.event, line.detail) == ("released", "a person let 3 cases go on; overdue steps: skip")


def test_what_a_person_let_go_is_not_held_again_as_a_flood(tmp_path):
    """More cases than the limit of an hour go on together, for a person has seen their number."""
    desk = held_desk(tmp_path, orders=5, limit="above 2 an hour")
    release(desk, Overdue.SEND)
    desk.run(NOON + MINUTE, NOON + 2 * MINUTE)
    assert texts(desk) == 10
    assert not any(desk.cases(id)[0].held for id in range(1, 6))


def test_what_a_person_let_go_uses_up_nobody_elses_limit(tmp_path):
    """After a release above the limit the next new case still fires, and a new flood is still held."""
    desk = held_desk(tmp_path, orders=5, limit="above 3 an hour")
    release(desk, Overdue.SEND)
    desk.order(6, paid_at="2024-03-04 11:40:00")
    desk.run(NOON + MINUTE, NOON + 20 * MINUTE)
    assert [d.audience for d in desk.deliveries(6)] == ["sales on duty"]
    for id in range(7, 11):
        desk.order(id, paid_at="2024-03-04 11:55:00")
    desk.run(NOON + 21 * MINUTE, NOON + 40 * MINUTE)
    assert all((desk.cases(id)[0].held or "").startswith("4 due at once") for id in range(7, 11))


def test_what_a_person_let_go_while_nothing_ran_is_not_held_at_the_next_start(tmp_path):
    """After a night without a daemon, a case released in the morning goes on; others that came due are held."""
    desk = held_desk(tmp_path)
    desk.order(2, paid_at="2024-03-04 11:50:00")
    desk.run(NOON + MINUTE, NOON + 10 * MINUTE)
    with desk.ledger.write() as connection:
        nodes.start(connection, "node", NOON)
    morning = NOON + 20 * 60 * MINUTE
    release(desk, Overdue.SEND, morning)
    desk.start(morning + MINUTE)
    desk.run(morning + MINUTE, morning + 2 * MINUTE)
    assert [bool(desk.cases(id)[0].held) for id in (1, 2)] == [False, True]


def test_a_big_release_goes_through_in_batches_and_tells_how_far_it_is(tmp_path, monkeypatch):
    """Every held case goes on though they are more than a batch, and progress is told after each."""
    monkeypatch.setattr(releases, "BATCH", 2)
    desk = held_desk(tmp_path, orders=5)
    with desk.ledger.read() as connection:
        row = versions.by_path(connection, "r")
    told: list[int] = []
    bound = Versions(desk.ledger, desk.engine.house.rules.snapshot)
    assert releases.release(desk.ledger, bound, row, Overdue.SEND, NOON, told.append) == Released(cases=5)
    assert told == [2, 2, 1]


def test_a_case_whose_version_cannot_be_read_any_more_stays_held(tmp_path):
    """With its fact gone from the vocabulary a case cannot go on: it is counted, and still held."""
    desk = held_desk(tmp_path)
    desk.write("config/vocabulary/orders.yaml", ORDERS.replace("paid: {", "settled: {"))
    snapshot, _ = load_workspace(tmp_path)
    with desk.ledger.read() as connection:
        row = versions.by_path(connection, "r")
    assert releases.release(desk.ledger, Versions(desk.ledger, snapshot), row, Overdue.SEND, NOON) == Released(stuck=1)
    assert desk.cases(1)[0].held


def test_confirmed_closings_are_made_by_the_next_check_and_only_by_that(tmp_path):
    """A check refuses to close most cases; once a person confirms, the next one closes them, and the leave ends."""
    desk = Desk(tmp_path, {"r": RULE.replace("LIMIT", "never")})
    for id in range(1, 31):
        desk.order(id, paid_at="2024-03-04 11:50:00")
    desk.start(NOON)
    desk.run(NOON, NOON + 20 * MINUTE)
    desk.sql("delete from orders where id > 5")
    desk.run(NOON + 21 * MINUTE, NOON + 30 * MINUTE)
    with desk.ledger.read() as connection:
        row = versions.by_path(connection, "r")
        assert checks.latest(connection, row.id).state == "refused"
    releases.confirm_closings(desk.ledger, row, NOON + 31 * MINUTE)
    desk.run(NOON + 32 * MINUTE, NOON + 41 * MINUTE)
    with desk.ledger.read() as connection:
        assert cases.count_open(connection, row.id) == 5
        assert not versions.by_path(connection, "r").closings_confirmed
