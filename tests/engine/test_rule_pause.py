"""Pauses and retirements: a person stops a rule at once, and nothing of it is lost or sent in one go (laws 6 and 8)."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from duly.engine import rule_pause
from duly.engine.rule_pause import Retired
from duly.ledger import rule_pauses, versions
from engine.desk import Desk, at

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
  - {after: 1h, tell: supervisor of sales, text: hello}
  - {after: 20h, tell: manager of sales, text: hello}
"""
NOON = at("2024-03-04 12:00")
MINUTE, HOUR = dt.timedelta(minutes=1), dt.timedelta(hours=1)
TRIED = NOON + 31.5 * MINUTE
"""Just after the first step of the order that was paid at 12:01, and before a second try of its message."""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Give a desk whose first order was paid just after noon."""
    return begin(Desk(tmp_path, {"r": RULE}))


def begin(desk: Desk) -> Desk:
    """Let the desk work from noon on."""
    desk.start(NOON)
    desk.run(NOON, NOON)
    desk.order(1, paid_at="2024-03-04 12:01:00")
    desk.run(NOON + MINUTE, NOON + 10 * MINUTE)
    return desk


def row(desk: Desk) -> versions.RuleRow:
    """Return the rule in the ledger."""
    with desk.ledger.read() as connection:
        found = versions.by_path(connection, "r")
    assert found
    return found


def said(desk: Desk) -> list[tuple[str, str]]:
    """Return what the journal says of the rule's pauses."""
    events = {"paused", "resumed", "retired", "rule held"}
    return [(entry.event, entry.detail) for entry in desk.rule_journal() if entry.event in events]


def texts(desk: Desk) -> list[str]:
    """Return the messages about orders."""
    return [text for sent in desk.sent.values() for text in sent if "order" in text]


def test_a_paused_rule_fires_nothing_and_goes_on_where_it_was(desk):
    """What came due in a short pause goes out at its end, and only the latest to the same audience."""
    rule_pause.pause(desk.ledger, row(desk), None, "lin", NOON + 20 * MINUTE)
    desk.run(NOON + 20 * MINUTE, NOON + 90 * MINUTE)
    assert texts(desk) == []
    assert rule_pause.resume(desk.ledger, row(desk), "lin", NOON + 90 * MINUTE) == 0
    desk.run(NOON + 90 * MINUTE, NOON + 95 * MINUTE)
    assert sorted(texts(desk)) == ["Lin: order 1", "Zhou: order 1"]
    assert said(desk) == [
        ("paused", "lin has paused the rule, until somebody ends it"),
        ("resumed", "lin has ended the pause of the rule"),
    ]


def test_what_waits_to_leave_stays_while_the_rule_is_paused(desk):
    """A message that has fired and waits for its channel does not slip out of a pause."""
    desk.channel("sms").answers = [desk_retry()]
    desk.run(NOON + 10 * MINUTE, TRIED)
    tried = len(desk.channel("sms").sent)
    rule_pause.pause(desk.ledger, row(desk), None, "lin", TRIED)
    desk.run(NOON + 33 * MINUTE, NOON + 3 * HOUR)
    assert (tried, len(desk.channel("sms").sent)) == (1, 1)
    rule_pause.resume(desk.ledger, row(desk), "lin", NOON + 3 * HOUR)
    desk.run(NOON + 3 * HOUR, NOON + 4 * HOUR)
    assert "Lin: order 1" in [message.text for message in desk.channel("sms").sent[1:]]


def desk_retry():
    """Answer that the message could not be taken now."""
    import duly

    return duly.Retry("busy")


def test_a_pause_ends_by_itself(desk):
    """With an end, nobody has to remember it; the engine asks to be woken then."""
    rule_pause.pause(desk.ledger, row(desk), NOON + HOUR, "lin", NOON + 20 * MINUTE)
    desk.run(NOON + 20 * MINUTE, NOON + 59 * MINUTE)
    assert texts(desk) == []
    desk.run(NOON + 59 * MINUTE, NOON + 61 * MINUTE)
    assert [at for at, event in desk.events(1) if event == "fired"] == ["Mon 13:00", "Mon 13:01"]
    assert said(desk)[1:] == [("resumed", "the pause of the rule has run out")]


def test_a_case_that_ends_in_a_pause_is_closed(desk):
    """A paused rule is still checked: what is done is done, and nothing of it goes out afterwards."""
    rule_pause.pause(desk.ledger, row(desk), NOON + HOUR, "lin", NOON + 20 * MINUTE)
    desk.sql("update orders set shipped_at = '2024-03-04 12:25:00' where id = 1")
    desk.run(NOON + 20 * MINUTE, NOON + 2 * HOUR)
    assert [case.state for case in desk.cases(1)] == ["done"]
    assert texts(desk) == []


@pytest.mark.parametrize("by_itself", [True, False])
def test_what_came_due_in_a_long_pause_is_held(desk, by_itself):
    """After more than twelve hours a person decides, as after any long outage (law 8)."""
    end = NOON + 13 * HOUR
    rule_pause.pause(desk.ledger, row(desk), end if by_itself else None, "lin", NOON + 20 * MINUTE)
    desk.run(NOON + 20 * MINUTE, end - MINUTE)
    if not by_itself:
        assert rule_pause.resume(desk.ledger, row(desk), "lin", end) == 1
    desk.run(end, NOON + 21 * HOUR)
    assert [case.held for case in desk.cases(1)] == ["it came due while the rule was paused"]
    assert texts(desk) == []
    assert said(desk)[-1] == ("rule held", "1 cases: it came due while the rule was paused")


def test_only_one_ends_a_pause(desk):
    """Two who end it at once, or one after the other, end it once."""
    rule_pause.pause(desk.ledger, row(desk), None, "lin", NOON + 20 * MINUTE)
    assert [rule_pause.resume(desk.ledger, row(desk), who, NOON + HOUR) for who in ("lin", "zhou")] == [0, None]
    with desk.ledger.read() as connection:
        assert rule_pauses.everything(connection) == {}


def test_a_flood_that_waits_in_a_pause_is_not_held_for_it(tmp_path):
    """The limit on what a rule sends counts what would leave, and nothing leaves in a pause."""
    desk = begin(Desk(tmp_path, {"r": RULE + "limits: {hold: above 1 an hour}\n"}))
    desk.order(2, paid_at="2024-03-04 12:05:00")
    desk.order(3, paid_at="2024-03-04 12:05:00")
    rule_pause.pause(desk.ledger, row(desk), None, "lin", NOON + 20 * MINUTE)
    desk.run(NOON + 20 * MINUTE, NOON + 2 * HOUR)
    assert [case.held for id in (1, 2, 3) for case in desk.cases(id)] == [None, None, None]


def test_a_retired_rule_closes_its_cases_and_cancels_what_waits(desk):
    """Open cases close as gone with the reason, waiting messages are cancelled, and no check opens them again."""
    desk.channel("sms").answers = [desk_retry()]
    desk.run(NOON + 10 * MINUTE, TRIED)
    counted = []
    assert rule_pause.retire(desk.ledger, row(desk), "lin", TRIED, counted.append) == Retired(1, 1)
    assert counted == [1]
    desk.order(2, paid_at="2024-03-04 12:05:00")
    desk.run(NOON + 33 * MINUTE, NOON + 3 * HOUR)
    assert [case.state for case in desk.cases(1)] == ["gone"]
    assert desk.cases(2) == []
    assert desk.events(1)[-2:] == [("Mon 12:31", "gone"), ("Mon 12:31", "cancelled")]
    assert {entry.detail for entry in desk.story(1)[-2:]} == {"lin has retired the rule"}
    assert said(desk) == [("retired", "lin has retired the rule")]
    assert rule_pause.retire(desk.ledger, row(desk), "lin", NOON + HOUR) == Retired(0, 0)


def test_a_rule_that_is_taken_up_again_is_checked_again(desk):
    """Whoever retired the wrong one takes it up again: what still matches comes back at the next check."""
    rule_pause.retire(desk.ledger, row(desk), "lin", NOON + 15 * MINUTE)
    desk.run(NOON + 15 * MINUTE, NOON + 25 * MINUTE)
    assert not desk.engine.taken_up_again()
    rule_pause.resume(desk.ledger, row(desk), "lin", NOON + 25 * MINUTE)
    assert desk.engine.taken_up_again()
    desk.run(NOON + 25 * MINUTE, NOON + 40 * MINUTE)
    assert [case.state for case in desk.cases(1)] == ["open"]
    assert texts(desk) == ["Lin: order 1"]


def test_pauses_are_kept_by_every_kind_of_ledger(tmp_path, postgresql_url):
    """On PostgreSQL a pause, its end and a retirement go the same way."""
    desk = begin(Desk(tmp_path, {"r": RULE}, ledger=postgresql_url))
    rule_pause.pause(desk.ledger, row(desk), NOON + HOUR, "lin", NOON + 20 * MINUTE)
    desk.run(NOON + 20 * MINUTE, NOON + 40 * MINUTE)
    assert texts(desk) == []
    desk.run(NOON + 40 * MINUTE, NOON + 2 * HOUR)
    assert len(texts(desk)) == 2
    assert rule_pause.retire(desk.ledger, row(desk), "lin", NOON + 2 * HOUR) == Retired(1, 0)
    desk.ledger.close()
