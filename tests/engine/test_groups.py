"""Grouped messages: what one step tells one person at the same time is one message, with a line a record."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

import duly
from duly.engine import grouping
from duly.ledger.ledger import Ledger
from duly.ledger.schema import delivery, firing
from engine.desk import ORDERS, SETTINGS, Desk
from engine.killing import kill_at, live_on, sent
from engine.telling import HOUR, MINUTE, MONDAY, open_desk, outcome, paid, reasons, rule

TEN = MONDAY + HOUR
LIST = "{{ name }}, {{ count }} orders:{% for line in lines %} {{ line.order }} ({{ line.customer }}){% endfor %}"
TELL = "after: 1h, tell: {}, group: yes, by: sms, text: list"
STAFF, CUSTOMER = TELL.format("supervisor of sales"), TELL.format("customer")


def desk_of(home, *steps: str, words: str = LIST, **more: str) -> Desk:
    """Set up a desk whose steps tell in the words of a list."""
    return open_desk(home, *steps, **{"notifications/list.j2": words, **more})


def test_what_leaves_together_is_one_message(tmp_path):
    """Three orders that come due together cost their supervisor one message, with a line each."""
    desk = desk_of(tmp_path, STAFF)
    for id in (1, 2, 3):
        paid(desk, id, name=f"N{id}")
    desk.run(MONDAY, TEN)
    assert desk.sent["sms"] == ["Zhou, 3 orders: 1 (N1) 2 (N2) 3 (N3)"]
    assert [outcome(desk, id) for id in (1, 2, 3)] == [[("sms", "accepted")]] * 3


def test_every_case_has_its_own_verdict_firing_and_journal(tmp_path):
    """Each case of a group has fired, with the time of the verdict, and its own line in the journal."""
    desk = desk_of(tmp_path, STAFF)
    paid(desk, 1)
    paid(desk, 2)
    desk.run(MONDAY, TEN)
    assert [reasons(desk, id, "accepted") for id in (1, 2)] == [["r1"], ["r1"]]
    with desk.ledger.read() as connection:
        assert connection.execute(sa.select(firing.c.state, firing.c.accepted_at)).all() == [("fired", TEN)] * 2


def test_a_line_that_is_no_longer_true_drops_out(tmp_path):
    """An order shipped while the message waited for the morning is left out of it, and its delivery is cancelled."""
    desk = desk_of(tmp_path, CUSTOMER)
    for id in (1, 2, 3):
        paid(desk, id, "2024-03-04 21:00:00", phone="+8613955555555")
    desk.run(MONDAY, MONDAY + 14 * HOUR)
    assert desk.sent["sms"] == []
    desk.sql("update orders set shipped_at = '2024-03-05 08:59:59' where id = 2")
    desk.engine.sender.send("sms", MONDAY + 24 * HOUR)
    assert desk.sent["sms"] == ["Li, 2 orders: 1 (Li) 3 (Li)"]
    assert [outcome(desk, id) for id in (1, 2, 3)] == [
        [("sms", "accepted")],
        [("sms", "cancelled")],
        [("sms", "accepted")],
    ]


def test_a_message_without_lines_is_not_sent(tmp_path):
    """When none of its lines is true any more, a grouped message is cancelled."""
    desk = desk_of(tmp_path, CUSTOMER)
    paid(desk, 1, "2024-03-04 21:00:00")
    desk.run(MONDAY, MONDAY + 14 * HOUR)
    desk.sql("update orders set cancelled = 1")
    desk.engine.sender.send("sms", MONDAY + 24 * HOUR)
    assert desk.sent["sms"] == []
    assert outcome(desk, 1) == [("sms", "cancelled")]


def test_people_are_not_mixed(tmp_path):
    """Two orders of one customer share a message; the order of another customer has its own."""
    desk = desk_of(tmp_path, CUSTOMER)
    for id, phone in ((1, "+8613955555555"), (2, "+8613966666666"), (3, "+8613955555555")):
        paid(desk, id, name=f"N{id}", phone=phone)
    desk.run(MONDAY, TEN)
    assert sorted(desk.sent["sms"]) == ["N1, 2 orders: 1 (N1) 3 (N3)", "N2, 1 orders: 2 (N2)"]


def test_a_field_tells_messages_apart_by_its_value_as_it_leaves(tmp_path):
    """Grouped by a field, each value has a message, and the value is today's; the template may name it."""
    step = "after: 1h, tell: supervisor of sales, group: customer, by: sms, text: list"
    desk = desk_of(tmp_path, step, words="{{ customer }}:{% for line in lines %} {{ line.order }}{% endfor %}")
    for id, name in ((1, "Li"), (2, "Wu"), (3, "Li"), (4, "Li")):
        paid(desk, id, name=name)
    desk.engine.tick(MONDAY + 10 * MINUTE)
    desk.sql("update orders set name = 'Wu' where id = 4")
    desk.run(MONDAY + 20 * MINUTE, TEN)
    assert sorted(desk.sent["sms"]) == ["Li: 1 3", "Wu: 2 4"]


def test_escalations_are_grouped_as_well(tmp_path):
    """The manager hears of two orders in one message; whoever had them so far hears of each."""
    step = "after: 1h, escalate: supervisor of sales, group: yes, by: sms, text: list"
    desk = desk_of(tmp_path, step, **{"notifications/escalated.j2": "{{ key }} went to {{ handed_to }}"})
    paid(desk, 1)
    paid(desk, 2)
    desk.run(MONDAY, TEN)
    assert sorted(desk.sent["sms"]) == ["1 went to Zhou", "2 went to Zhou", "Zhou, 2 orders: 1 (Li) 2 (Li)"]
    assert [case.in_charge for id in (1, 2) for case in desk.cases(id)] == ["zhou", "zhou"]


def test_a_retry_writes_the_message_anew(tmp_path):
    """What could not be sent dissolves: at the next try only what is still true stands in the message."""
    desk = desk_of(tmp_path, STAFF)
    for id in (1, 2, 3):
        paid(desk, id)
    desk.channel("sms").answers = [duly.Retry("busy")]
    desk.run(MONDAY, TEN)
    assert [reasons(desk, id, "retry") for id in (1, 2, 3)] == [["busy"]] * 3
    desk.sql("update orders set shipped_at = '2024-03-04 10:00:10' where id = 1")
    desk.run(TEN + MINUTE, TEN + 5 * MINUTE)
    assert desk.sent["sms"][1] == "Zhou, 2 orders: 2 (Li) 3 (Li)"
    assert [outcome(desk, id)[0][1] for id in (1, 2, 3)] == ["cancelled", "accepted", "accepted"]


def test_a_rejection_falls_back_for_the_whole_group(tmp_path):
    """The fall-back channel has the same lines in one message again."""
    desk = desk_of(tmp_path, STAFF.replace("by: sms", "by: sms else email"))
    paid(desk, 1)
    paid(desk, 2)
    desk.channel("sms").answers = [duly.Rejected("no such number")]
    desk.run(MONDAY, TEN)
    assert desk.sent["email"] == ["Zhou, 2 orders: 1 (Li) 2 (Li)"]
    assert outcome(desk, 1) == [("sms", "rejected"), ("email", "accepted")] == outcome(desk, 2)


def test_an_unsure_group_is_unsure_in_every_case(tmp_path):
    """When nobody knows whether the message has left, each of its cases says so, and it is not sent again."""
    desk = desk_of(tmp_path, STAFF)
    paid(desk, 1)
    paid(desk, 2)
    desk.channel("sms").answers = [RuntimeError("broken")]
    desk.run(MONDAY, TEN + HOUR)
    assert len(desk.sent["sms"]) == 1
    assert [outcome(desk, id) for id in (1, 2)] == [[("sms", "unsure")]] * 2


def test_a_group_counts_once_against_each_record_and_once_against_the_customer(tmp_path):
    """A cap on orders drops the order that has had its message; a cap on customers counts the group as one."""
    limits = "limits: {each order: 1 messages, each customer: 2 a day}"
    first = "after: 30m, tell: customer, by: sms, text: hello, if: [dear]"
    dear = ORDERS.replace("cancelled: o.cancelled = 1", "cancelled: o.cancelled = 1\n  dear: o.amount > 50")
    desk = desk_of(tmp_path, first, CUSTOMER, more=limits, **{"config/vocabulary/orders.yaml": dear})
    paid(desk, 1, amount=100, phone="+8613955555555")
    for id in (2, 3):
        paid(desk, id, phone="+8613955555555")
    desk.run(MONDAY, TEN)
    assert desk.sent["sms"] == ["Li: order 1", "Li, 2 orders: 2 (Li) 3 (Li)"]
    assert outcome(desk, 1) == [("sms", "accepted"), ("sms", "capped")]


def test_a_group_waits_as_a_whole_for_the_customers_cap(tmp_path):
    """A customer who has had today's message gets the whole list tomorrow, and no order's share is lost."""
    limits = "limits: {each customer: 1 a day, each order: 1 messages}"
    first = "after: 30m, tell: customer, by: sms, text: hello, if: [dear]"
    dear = ORDERS.replace("cancelled: o.cancelled = 1", "cancelled: o.cancelled = 1\n  dear: o.amount > 50")
    desk = desk_of(tmp_path, first, CUSTOMER, more=limits, **{"config/vocabulary/orders.yaml": dear})
    paid(desk, 1, amount=100, phone="+8613955555555")
    for id in (2, 3):
        paid(desk, id, phone="+8613955555555")
    desk.run(MONDAY, TEN)
    assert desk.sent["sms"] == ["Li: order 1"]
    desk.engine.sender.send("sms", MONDAY + 24 * HOUR)
    assert desk.sent["sms"][1:] == ["Li, 2 orders: 2 (Li) 3 (Li)"]


def test_the_limit_above_which_a_rule_holds_counts_messages(tmp_path):
    """Thirty orders that become one message do not hold a rule whose limit is ten messages an hour."""
    desk = desk_of(tmp_path, STAFF, more="limits: {hold: above 10 an hour}")
    for id in range(1, 31):
        paid(desk, id)
    desk.run(MONDAY, TEN)
    assert [text.split(":")[0] for text in desk.sent["sms"]] == ["Zhou, 30 orders"]


def test_more_than_one_claim_takes_is_still_one_message(tmp_path):
    """A group is claimed as a whole, however many deliveries a claim takes."""
    desk = desk_of(tmp_path, STAFF)
    for id in range(1, 301):
        paid(desk, id)
    desk.run(MONDAY, TEN)
    assert [text.split(":")[0] for text in desk.sent["sms"]] == ["Zhou, 300 orders"]


def test_too_long_a_list_is_split(tmp_path):
    """A list that no message can hold becomes two, with every line in one of them."""
    desk = desk_of(tmp_path, STAFF, words="{% for line in lines %}{{ line.order }} {{ line.customer }} {% endfor %}")
    for id in (1, 2, 3, 4):
        paid(desk, id, name="x" * 20_000)
    desk.run(MONDAY, TEN)
    assert [[word for word in text.split() if word.isdigit()] for text in desk.sent["sms"]] == [["1", "2"], ["3", "4"]]


def test_long_lists_are_split_by_lines(tmp_path, monkeypatch):
    """A message has so many lines at most."""
    monkeypatch.setattr(grouping, "MOST_LINES", 2)
    desk = desk_of(tmp_path, STAFF)
    for id in (1, 2, 3):
        paid(desk, id)
    desk.run(MONDAY, TEN)
    assert [text.split(":")[0] for text in desk.sent["sms"]] == ["Zhou, 2 orders", "Zhou, 1 orders"]


def test_a_list_as_of_an_hour_ago_says_so(tmp_path):
    """Staff hear of a list although the source is down, marked with when it was true."""
    desk = desk_of(tmp_path, STAFF)
    paid(desk, 1)
    paid(desk, 2)
    desk.run(MONDAY, TEN - MINUTE)
    desk.sql("alter table orders rename to away")
    desk.run(TEN, TEN + 20 * MINUTE)
    assert desk.sent["sms"][1].startswith("Zhou, 2 orders: 1 (Li) 2 (Li) (as of 4 Mar 09:")


def test_broken_words_keep_the_group_waiting(tmp_path):
    """Lines that cannot be written wait for the template to be mended, each with the reason."""
    desk = desk_of(tmp_path, STAFF, words="{{ lines[0].order + 'x' }}")
    paid(desk, 1)
    paid(desk, 2)
    desk.run(MONDAY, TEN)
    said = "notifications/list.j2 cannot be rendered: TypeError"
    assert [reasons(desk, id, "failed") for id in (1, 2)] == [[said]] * 2
    assert outcome(desk, 1) == [("sms", "waiting")]


UNDER_WAY = ("before 1", "after 1")


@pytest.mark.parametrize("channel", ["", ", idempotent: yes", ", looks_up: yes"])
@pytest.mark.parametrize("point", UNDER_WAY)
def test_a_crash_under_way_never_sends_a_line_twice(tmp_path, point, channel):
    """Killed as a grouped message is sent: every case ends the same way, and no line is sent in another message."""
    ledger = f"sqlite:///{tmp_path}/ledger.db"
    text = SETTINGS.replace("{kind: spoken, address: phone}", f"{{kind: recording, address: phone{channel}}}")
    files = {"config/duly.yaml": text.replace("kind: spoken", "kind: recording"), "notifications/list.j2": LIST}
    desk = Desk(tmp_path, {"r": rule(STAFF)}, files=files, ledger=ledger)
    live_on(tmp_path, ledger, MONDAY, MONDAY)
    for id in (1, 2, 3):
        paid(desk, id)
    kill_at(point, tmp_path, ledger, MONDAY, TEN)
    live_on(tmp_path, ledger, TEN, TEN + HOUR)
    keeper = Ledger(ledger)
    with keeper.read() as connection:
        states = connection.execute(sa.select(delivery.c.state).order_by(delivery.c.id)).scalars().all()
    keeper.close()
    assert states == ["accepted" if channel else "unsure"] * 3
    assert len({one["id"] for one in sent(tmp_path)}) <= 1
    if "looks_up" in channel:
        assert len(sent(tmp_path)) == 1


def test_a_server_keeps_groups_as_a_file_does(tmp_path, postgresql_url):
    """On a ledger on a server, too, a group is one message, and every case has its verdict."""
    files = {"notifications/list.j2": LIST}
    desk = Desk(tmp_path, {"r": rule(STAFF)}, files=files, ledger=postgresql_url)
    desk.start(MONDAY)
    desk.run(MONDAY, MONDAY)
    for id in (1, 2, 3):
        paid(desk, id)
    desk.channel("sms").answers = [duly.Retry("busy")]
    desk.run(MONDAY, TEN + 5 * MINUTE)
    assert [text.split(":")[0] for text in desk.sent["sms"]] == ["Zhou, 3 orders"] * 2
    assert [outcome(desk, id) for id in (1, 2, 3)] == [[("sms", "accepted")]] * 3
