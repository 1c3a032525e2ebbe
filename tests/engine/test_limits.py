"""Limits: caps and paces defer or end a message with a reason, and none of them is silent (laws 5 and 6)."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa

import duly
from duly.ledger.schema import delivery, firing, journal, quota
from engine.desk import ORDERS, Desk
from engine.telling import HOUR, MINUTE, MONDAY, open_desk, outcome, paid, reasons, rule

TEN = MONDAY + HOUR
ELEVEN = MONDAY + 2 * HOUR
DAY = dt.timedelta(days=1)
CUSTOMER = "after: {}, tell: customer, text: hello, by: {}"


def twice_a_morning(home: Path, limits: str, first: str = "sms", second: str = "sms", **files: str) -> Desk:
    """Set up a desk that tells the customer at ten and at eleven, within limits."""
    steps = (CUSTOMER.format("1h", first), CUSTOMER.format("2h", second))
    return open_desk(home, *steps, more=f"limits: {{{limits}}}", **files)


def test_a_daily_cap_defers(tmp_path):
    """What is too much for today leaves tomorrow, after the rest, and the journal says which cap it was."""
    desk = twice_a_morning(tmp_path, "each customer: 1 a day")
    paid(desk, 1)
    desk.run(MONDAY, ELEVEN + HOUR)
    assert outcome(desk, 1) == [("sms", "accepted"), ("sms", "waiting")]
    assert reasons(desk, 1, "waits") == ["each customer: 1 a day at most"]
    assert desk.deliveries(1)[1].not_before == MONDAY + 15 * HOUR
    desk.engine.sender.send("sms", MONDAY + 15 * HOUR)
    desk.run(MONDAY + DAY, MONDAY + DAY)
    assert outcome(desk, 1) == [("sms", "accepted"), ("sms", "accepted")]
    assert desk.deliveries(1)[1].settled_at == MONDAY + DAY


def test_a_total_cap_ends_as_capped(tmp_path):
    """What is too much for good is not sent and not forgotten: it ends as capped, with the cap as its reason."""
    desk = twice_a_morning(tmp_path, "each order: 1 messages")
    paid(desk, 1)
    desk.run(MONDAY, ELEVEN + MINUTE)
    assert outcome(desk, 1) == [("sms", "accepted"), ("sms", "capped")]
    assert reasons(desk, 1, "capped") == ["each order: 1 messages at most"]


def test_a_cap_counts_each_record_by_itself(tmp_path):
    """Two orders have a message each, whatever the other had."""
    desk = twice_a_morning(tmp_path, "each order: 1 messages")
    paid(desk, 1)
    paid(desk, 2)
    desk.run(MONDAY, ELEVEN)
    assert [outcome(desk, id) for id in (1, 2)] == [[("sms", "accepted"), ("sms", "capped")]] * 2


def test_a_cap_on_customers_counts_over_their_orders(tmp_path):
    """Two orders of one customer have one message between them; another customer has their own."""
    desk = open_desk(tmp_path, CUSTOMER.format("1h", "sms"), more="limits: {each customer: 1 a day}")
    paid(desk, 1, phone="+8613955555555")
    paid(desk, 2, phone="+8613955555555")
    paid(desk, 3, phone="+8613966666666")
    desk.run(MONDAY, TEN)
    assert sorted(state for id in (1, 2) for _, state in outcome(desk, id)) == ["accepted", "waiting"]
    assert outcome(desk, 3) == [("sms", "accepted")]


def test_staff_are_not_counted(tmp_path):
    """Caps and pace are for people of the record: staff hear whatever those have had."""
    steps = [CUSTOMER.format("1h", "sms"), "after: 1h, tell: supervisor of sales, text: hello, by: sms"]
    staff = [f"after: {minutes}m, tell: supervisor of sales, text: hello, by: sms" for minutes in (70, 80, 90)]
    desk = open_desk(tmp_path, *steps, *staff, more="limits: {each order: 1 messages, pace: 1 every 1h}")
    paid(desk, 1)
    desk.run(MONDAY, ELEVEN)
    assert outcome(desk, 1) == [("sms", "accepted")] * 5


@pytest.mark.parametrize(
    "limits", ["each order: 1 messages", "each customer: 1 a day", "pace: 1 every 1d", "each order: 1 a day"]
)
def test_urgent_passes_caps_and_pace(tmp_path, limits):
    """An urgent message leaves although every limit is used up, and uses none up itself."""
    urgent = f"{CUSTOMER.format('2h', 'sms')}, urgent: yes"
    desk = open_desk(tmp_path, CUSTOMER.format("1h", "sms"), urgent, more=f"limits: {{{limits.replace('1d', '24h')}}}")
    paid(desk, 1)
    desk.run(MONDAY, ELEVEN)
    assert outcome(desk, 1) == [("sms", "accepted")] * 2
    with desk.ledger.read() as connection:
        assert connection.execute(sa.select(sa.func.sum(quota.c.used))).scalar() == 1


def test_urgent_never_passes_a_hold(tmp_path):
    """A rule that is above its limit holds its urgent messages, too: nothing leaves until a person releases it."""
    urgent = f"{CUSTOMER.format('1h', 'sms')}, urgent: yes"
    desk = open_desk(tmp_path, urgent, more="limits: {hold: above 3 an hour}")
    for id in range(1, 6):
        paid(desk, id)
    desk.run(MONDAY, ELEVEN)
    assert [text for text in desk.sent["sms"] if text.startswith("Li")] == []
    assert {case.held is not None for id in range(1, 6) for case in desk.cases(id)} == {True}


def test_a_pace_spreads_what_comes_at_once(tmp_path):
    """Ten messages at a pace of three a minute take four minutes, three at a time, and none is lost (failure 8)."""
    desk = open_desk(tmp_path, CUSTOMER.format("1h", "sms"), more="limits: {pace: 3 every 1m}")
    for id in range(1, 11):
        paid(desk, id)
    desk.run(MONDAY, TEN - MINUTE)
    counts = []
    for minute in range(5):
        desk.run(TEN + minute * MINUTE, TEN + minute * MINUTE + dt.timedelta(seconds=59))
        counts.append(len(desk.sent["sms"]))
    assert counts == [3, 6, 9, 10, 10]


@pytest.mark.parametrize("said", [duly.Rejected("no such number"), duly.Retry("busy"), duly.ChannelDown("no login")])
def test_what_reached_nobody_does_not_count(tmp_path, said):
    """A share that a failed try took is given back: the customer has had nothing yet (failure 4)."""
    desk = twice_a_morning(tmp_path, "each order: 1 messages", first="sms", second="email")
    paid(desk, 1, email="li@home.example")
    desk.run(MONDAY, TEN - MINUTE)
    desk.channel("sms").answers[:] = [said] * 40
    desk.run(TEN, ELEVEN)
    assert outcome(desk, 1)[1] == ("email", "accepted")


def test_what_may_have_arrived_counts(tmp_path):
    """An unsure message may have been read: it keeps its share."""
    desk = twice_a_morning(tmp_path, "each order: 1 messages")
    paid(desk, 1)
    desk.run(MONDAY, TEN - MINUTE)
    desk.channel("sms").answers[:] = [duly.MaybeSent("the line broke")]
    desk.run(TEN, ELEVEN)
    assert outcome(desk, 1) == [("sms", "unsure"), ("sms", "capped")]


def test_resending_takes_no_second_share(tmp_path):
    """A message that an idempotent channel sends again is one message, and a retry of it does not give a share back."""
    desk = twice_a_morning(tmp_path, "each order: 1 messages")
    paid(desk, 1)
    desk.run(MONDAY, TEN - MINUTE)
    desk.channel("sms").idempotent = True
    desk.channel("sms").answers[:] = [ValueError("?"), duly.Retry("busy")]
    desk.run(TEN, ELEVEN)
    assert len(desk.channel("sms").sent) == 3
    assert outcome(desk, 1) == [("sms", "accepted"), ("sms", "capped")]


def test_a_fallback_counts_once(tmp_path):
    """``sms else email`` is one message to the customer: the rejected SMS leaves its share to the mail."""
    desk = twice_a_morning(tmp_path, "each order: 1 messages", first="sms else email", second="email")
    paid(desk, 1, email="li@home.example")
    desk.run(MONDAY, TEN - MINUTE)
    desk.channel("sms").answers[:] = [duly.Rejected("no such number")]
    desk.run(TEN, ELEVEN)
    assert sorted(outcome(desk, 1)) == [("email", "accepted"), ("email", "capped"), ("sms", "rejected")]


def test_several_limits_are_taken_together_or_not_at_all(tmp_path):
    """A message that one limit turns away has used up none of the others."""
    desk = open_desk(tmp_path, CUSTOMER.format("1h", "sms"), more="limits: {each order: 1 messages, pace: 1 every 1m}")
    paid(desk, 1)
    paid(desk, 2)
    desk.run(MONDAY, TEN + MINUTE)
    assert [outcome(desk, id) for id in (1, 2)] == [[("sms", "accepted")]] * 2


def test_a_capped_step_has_ended(tmp_path):
    """A step whose only message is capped has come to its end: it is not armed again when the case reopens."""
    desk = twice_a_morning(tmp_path, "each order: 1 messages")
    paid(desk, 1)
    desk.run(MONDAY, ELEVEN)
    desk.sql("update orders set cancelled = 1")
    desk.run(ELEVEN, ELEVEN + 20 * MINUTE)
    desk.sql("update orders set cancelled = 0")
    desk.run(ELEVEN + 20 * MINUTE, ELEVEN + HOUR)
    assert outcome(desk, 1) == [("sms", "accepted"), ("sms", "capped")]


def test_every_match_ends_in_a_state_with_a_reason(tmp_path):
    """Accepted, rejected, cancelled, expired, capped, unsure: each delivery ends, and the journal tells why (law 6)."""
    desk = open_desk(
        tmp_path,
        f"{CUSTOMER.format('1h', 'sms')}, between: 10:05-12:00",
        f"{CUSTOMER.format('2h', 'sms')}, expires: 10m, between: 12:00-13:00",
        CUSTOMER.format("3h", "sms"),
        more="limits: {each order: 1 messages}",
    )
    for id in range(1, 6):
        paid(desk, id)
    desk.sql("update orders set phone = null where id = 2")
    desk.run(MONDAY, TEN)
    desk.sql("update orders set cancelled = 1 where id = 3")
    desk.channel("sms").answers[:] = [duly.Accepted(), ValueError("?"), duly.Accepted()]
    desk.run(TEN, MONDAY + 3 * HOUR + MINUTE)
    assert outcome(desk, 1) == [("sms", "accepted"), ("sms", "expired"), ("sms", "capped")]
    assert outcome(desk, 2)[0] == ("sms", "rejected")
    assert outcome(desk, 3) == [("sms", "cancelled")]
    assert outcome(desk, 4)[0] == ("sms", "unsure")
    with desk.ledger.read() as connection:
        ended = connection.execute(sa.select(delivery.c.id, delivery.c.state)).all()
        told = connection.execute(sa.select(journal.c.delivery_id, journal.c.event, journal.c.detail)).all()
        pending = connection.execute(sa.select(firing.c.id).where(firing.c.state == "pending")).all()
    for id, state in ended:
        lines = [(event, detail) for number, event, detail in told if number == id and event == state]
        assert len(lines) == 1
        assert state == "accepted" or lines[0][1]
    assert pending == []


def test_a_long_key_is_counted_like_any_other(tmp_path, postgresql_url):
    """A record whose key is longer than a column of the ledger stops neither itself nor others, on PostgreSQL too."""
    vocabulary = ORDERS.replace("key: o.id", f"key: \"'{'x' * 300}' || o.id\"")
    steps = CUSTOMER.format("1h", "sms")
    limits = "limits: {each order: 1 messages, each customer: 1 a day, pace: 5 every 1m}"
    files = {"config/vocabulary/orders.yaml": vocabulary}
    desk = Desk(tmp_path, {"r": rule(steps, more=limits)}, files=files, ledger=postgresql_url)
    desk.start(MONDAY)
    desk.run(MONDAY, MONDAY)
    paid(desk, 1)
    paid(desk, 2)
    desk.run(MONDAY, TEN)
    assert sorted(desk.sent["sms"]) == ["Li: order 1", "Li: order 2"]
    desk.ledger.close()


def test_a_message_that_was_cancelled_under_way_takes_no_share(tmp_path):
    """An order that closes between the look and the sending leaves its share to the message after it."""
    desk = open_desk(tmp_path, CUSTOMER.format("1h", "sms"), more="limits: {each order: 1 messages}")
    paid(desk, 1)
    desk.run(MONDAY, TEN - MINUTE)
    doorman = desk.engine.sender._doorman
    look = doorman.look

    def close(batch, now):
        fates = look(batch, now)
        desk.sql("update orders set cancelled = 1")
        desk.engine.check(desk.rule_id(), now)
        desk.sql("update orders set cancelled = 0")
        return fates

    doorman.look = close
    desk.engine.ladder.fire(TEN)
    desk.engine.sender.send("sms", TEN)
    doorman.look = look
    assert outcome(desk, 1) == [("sms", "cancelled")]
    desk.run(TEN + MINUTE, TEN + HOUR)
    assert outcome(desk, 1) == [("sms", "cancelled"), ("sms", "accepted")]
