"""The daily list of cases whose ladder is used up (law 14)."""

import pytest

from engine.desk import Desk, at

RULE = """\
rule: Paid orders ship
owner: sales
watch: orders
where: [paid]
done: [shipped]
clock: paid_at
due: 2h
check: every 10m
steps:
  - {late: at once, tell: assignee, by: sms, text: hello}
"""
WORDS = {"notifications/duly/unfinished.j2": "{{ count }} of {{ rule }}:\n{{ report }}"}


@pytest.fixture
def desk(tmp_path):
    """Give a desk with two orders that are late and one that is shipped in the afternoon."""
    made = Desk(tmp_path, {"r": RULE}, files=WORDS)
    made.start(at("2024-03-04 08:00"))
    for id in (1, 2, 3):
        made.order(id, paid_at="2024-03-04 10:00")
    made.run(at("2024-03-04 08:00"), at("2024-03-04 15:00"))
    made.sql("update orders set shipped_at = '2024-03-04 15:00' where id = 3")
    return made


def lists(desk):
    """Give every list that was sent, in order."""
    return [text for text in desk.sent["sms"] if "of Paid" in text]


def test_the_owner_hears_each_morning_of_what_nobody_hears_of(desk):
    """At the first check in the owner's hours one list names each open case, who has it, and by when it was due."""
    desk.run(at("2024-03-04 15:00"), at("2024-03-05 08:59"))
    assert lists(desk) == []
    desk.run(at("2024-03-05 08:59"), at("2024-03-05 20:00"))
    wanted = "2 of Paid orders ship:\nPaid orders ship\nrecord · who · due\n"
    assert lists(desk) == [f"{wanted}1 · Lin · 2024-03-04 12:00\n2 · Lin · 2024-03-04 12:00\nΣ 2"]
    desk.run(at("2024-03-05 20:00"), at("2024-03-06 10:00"))
    assert len(lists(desk)) == 2


def test_a_restart_tells_nothing_twice(desk):
    """Two nodes, or one that is started again, send one list a day."""
    desk.run(at("2024-03-04 15:00"), at("2024-03-05 10:00"))
    assert len(lists(desk)) == 1
    desk.start(at("2024-03-05 11:00"))
    desk.run(at("2024-03-05 11:00"), at("2024-03-05 12:00"))
    assert lists(desk) == []


def test_what_is_done_ends_the_list(desk):
    """Once the cases are closed there is no list."""
    desk.sql("update orders set shipped_at = '2024-03-04 15:00'")
    desk.run(at("2024-03-04 15:00"), at("2024-03-06 10:00"))
    assert lists(desk) == []
