"""Steps that wait for what a check notices: a time of the record that changes, a case that closes."""

from __future__ import annotations

from pathlib import Path

import pytest

from duly.engine.examples import run_examples
from duly.engine.plugins import load_plugins
from duly.ledger import firings
from duly.ledger.firings import Firing
from duly.rules.snapshot import load_workspace
from engine.desk import ZONE, Desk, SpokenPlugin, at
from engine.faulty import Faulty, down

ORDERS = """\
noun: orders
one: order
source: shop
from: orders o
key: o.id
zone: o.zone
times:
  placed_at: {sql: o.placed_at, matter: o.id}
  paid_at: o.paid_at
  shipped_at: o.shipped_at
facts:
  shipped: {sql: o.shipped_at is not null, at: o.shipped_at}
  cancelled: o.cancelled = 1
  dear: o.amount > 100
fields: {order: o.id, begins: o.placed_at, ends: o.paid_at}
people:
  customer: {name: o.name, phone: o.phone, email: o.email, chat: o.chat, zone: o.zone}
  assignee: {staff: o.agent_id}
"""
RULE = """\
rule: A visit is announced, and corrected
owner: sales
watch: orders
except: [cancelled]
clock: placed_at
check: every 1h
steps:
"""
CLOSES = RULE.replace("clock:", "done: [shipped]\nclock:")
BEFORE = "before: 24h, tell: customer, text: first"
CHANGED = "changed: [placed_at, paid_at], tell: told, text: changed"
OFF = "closed: gone, tell: told, text: off"
DONE = "closed: done, tell: customer, text: done"
WORDS = {
    "notifications/first.j2": "from {{ begins }}",
    "notifications/changed.j2": "now from {{ begins }} to {{ ends }}",
    "notifications/off.j2": "off",
    "notifications/done.j2": "done",
}
MONDAY = at("2024-03-04 09:00")


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the URL of each kind of ledger."""
    url = f"sqlite:///{tmp_path}/l.db" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    return str(url)


def open_desk(home: Path, *lines: str, head: str = RULE, ledger: str = "") -> Desk:
    """Set up a desk with these steps and a visit on Wednesday at noon, announced at noon on Tuesday."""
    text = head + "".join(f"  - {{{line}}}\n" for line in lines)
    desk = Desk(home, {"r": text}, files={**WORDS, "config/vocabulary/orders.yaml": ORDERS}, ledger=ledger)
    desk.order(1, placed_at="2024-03-06 12:00:00", paid_at="2024-03-06 14:00:00")
    desk.start(MONDAY)
    desk.run(MONDAY, MONDAY)
    return desk


def told(desk: Desk) -> list[str]:
    """Say what was said of the visit, and when at the desk."""
    accepted = [one for one in desk.deliveries(1) if one.state == "accepted" and one.settled_at]
    return [f"{one.settled_at.astimezone(ZONE):%a %H:%M} {one.body}" for one in accepted if one.settled_at]


def fired(desk: Desk) -> list[Firing]:
    """Return the firings of the latest case, in order."""
    case = desk.cases(1)[-1]
    with desk.ledger.read() as connection:
        return list(firings.of_cases(connection, [case.id]).get(case.id, {}).values())


def lines(desk: Desk, event: str) -> list[str]:
    """Return what the journal says of the visit at one kind of event."""
    return [entry.detail for entry in desk.story(1) if entry.event == event]


def move(desk: Desk, when: str, **times: str) -> None:
    """Let time pass until ``when``, and change the visit."""
    desk.run(at("2024-03-04 09:30"), at(when))
    for name, value in times.items():
        desk.sql(f"update orders set {name} = :value", value=f"2024-03-{value}:00")


def test_those_who_were_told_hear_of_each_change(tmp_path: Path) -> None:
    """Each change after the announcement is told once, to whoever was told before, in the words of then."""
    desk = open_desk(tmp_path, BEFORE, CHANGED)
    move(desk, "2024-03-05 13:30", paid_at="06 15:00")
    move(desk, "2024-03-05 16:30", placed_at="06 13:00")
    desk.run(at("2024-03-05 17:00"), at("2024-03-06 20:00"))
    assert told(desk) == [
        "Tue 12:00 from 2024-03-06 12:00:00",
        "Tue 14:00 now from 2024-03-06 12:00:00 to 2024-03-06 15:00:00",
        "Tue 17:00 now from 2024-03-06 13:00:00 to 2024-03-06 15:00:00",
    ]
    assert lines(desk, "changed") == ["paid_at is now 2024-03-06T07:00 UTC", "placed_at is now 2024-03-06T05:00 UTC"]
    assert [(one.occurrence, one.state) for one in fired(desk)] == [(0, "fired"), (0, "fired"), (1, "fired")]
    assert desk.cases(1)[-1].state == "done"


def test_a_change_before_anybody_was_told_is_told_to_nobody(tmp_path: Path) -> None:
    """The announcement itself has the new time, and comes at its own hour by it."""
    desk = open_desk(tmp_path, BEFORE, CHANGED)
    desk.run(at("2024-03-05 11:00"), at("2024-03-05 11:30"))
    desk.sql("update orders set placed_at = '2024-03-06 13:00:00', paid_at = '2024-03-06 16:00:00'")
    desk.run(at("2024-03-05 12:00"), at("2024-03-06 20:00"))
    assert told(desk) == ["Tue 13:00 from 2024-03-06 13:00:00"]
    assert lines(desk, "changed") == [
        "placed_at is now 2024-03-06T05:00 UTC, paid_at is now 2024-03-06T08:00 UTC; nobody had been told"
    ]


def test_several_changes_before_the_hour_are_told_as_one(tmp_path: Path) -> None:
    """What changes again and again while the customer sleeps is told once, as it is in the morning."""
    desk = open_desk(tmp_path, BEFORE, CHANGED)
    move(desk, "2024-03-05 20:40", paid_at="06 15:00")
    move(desk, "2024-03-05 22:40", paid_at="06 16:00")
    desk.run(at("2024-03-05 23:00"), at("2024-03-06 20:00"))
    assert told(desk)[1:] == ["Wed 09:00 now from 2024-03-06 12:00:00 to 2024-03-06 16:00:00"]


def test_what_is_again_as_was_told_needs_no_correction(tmp_path: Path, ledger: str) -> None:
    """A time that was put back before anybody heard of its change is told to nobody."""
    desk = open_desk(tmp_path, BEFORE, CHANGED, ledger=ledger)
    move(desk, "2024-03-05 20:40", paid_at="06 15:00")
    move(desk, "2024-03-05 22:40", paid_at="06 14:00")
    desk.run(at("2024-03-05 23:00"), at("2024-03-06 20:00"))
    assert told(desk) == ["Tue 12:00 from 2024-03-06 12:00:00"]
    assert lines(desk, "overtaken") == ["changed placed_at, paid_at · tell · told; it is again as was told"]
    assert desk.cases(1)[-1].state == "done"


def test_a_change_back_is_told_to_those_who_heard_of_the_change(tmp_path: Path) -> None:
    """Once the change has been told, putting it back is another change."""
    desk = open_desk(tmp_path, BEFORE, CHANGED)
    move(desk, "2024-03-05 13:30", paid_at="06 15:00")
    move(desk, "2024-03-05 14:30", paid_at="06 14:00")
    desk.run(at("2024-03-05 15:00"), at("2024-03-06 20:00"))
    assert [said[-19:-3] for said in told(desk)[1:]] == ["2024-03-06 15:00", "2024-03-06 14:00"]


def test_a_time_that_is_put_off_for_weeks_is_a_change_too(tmp_path: Path) -> None:
    """A clock that creeps out of the sight of the check is followed all the same, and its steps come by it."""
    desk = open_desk(tmp_path, BEFORE, CHANGED, "before: 1h, tell: assignee, text: first")
    move(desk, "2024-03-05 13:30", placed_at="25 12:00")
    desk.run(at("2024-03-05 14:00"), at("2024-03-06 20:00"))
    assert told(desk)[1:] == ["Tue 14:00 now from 2024-03-25 12:00:00 to 2024-03-06 14:00:00"]
    case = desk.cases(1)[-1]
    assert (case.clock, case.clock_at, case.state) == ("1", at("2024-03-25 12:00"), "open")
    desk.run(at("2024-03-25 10:00"), at("2024-03-25 13:00"))
    assert told(desk)[2:] == ["Mon 11:00 from 2024-03-25 12:00:00"]


def test_a_change_that_a_condition_keeps_back_is_skipped(tmp_path: Path) -> None:
    """A step that tells of changes may have an “if” like any other."""
    desk = open_desk(tmp_path, BEFORE, f"{CHANGED}, if: [dear]")
    move(desk, "2024-03-05 13:30", paid_at="06 15:00")
    desk.run(at("2024-03-05 14:00"), at("2024-03-06 20:00"))
    assert len(told(desk)) == 1
    assert [one.state for one in fired(desk)] == ["fired", "skipped"]


def test_an_open_case_of_an_older_rule_is_left_in_peace(tmp_path: Path) -> None:
    """A step that tells of changes is there for cases that open after it was written (law 7)."""
    desk = open_desk(tmp_path, BEFORE)
    desk.run(at("2024-03-05 11:00"), at("2024-03-05 12:30"))
    text = (tmp_path / "rules/r.yaml").read_text(encoding="utf-8")
    desk.write("rules/r.yaml", f"{text}  - {{{CHANGED}}}\n")
    desk.reload(at("2024-03-05 12:30"))
    move(desk, "2024-03-05 13:30", paid_at="06 15:00")
    desk.run(at("2024-03-05 14:00"), at("2024-03-06 20:00"))
    assert len(told(desk)) == 1


def test_those_who_were_told_hear_that_it_is_off(tmp_path: Path) -> None:
    """The case closes because the record is called off, and this very message leaves all the same."""
    desk = open_desk(tmp_path, BEFORE, OFF)
    desk.run(at("2024-03-05 11:00"), at("2024-03-05 13:30"))
    desk.sql("update orders set cancelled = 1")
    desk.run(at("2024-03-05 14:00"), at("2024-03-06 20:00"))
    assert told(desk)[1:] == ["Tue 14:00 off"]
    assert desk.cases(1)[-1].state == "gone"
    assert desk.cases(1)[-1].next_at is None


def test_a_record_that_is_no_longer_there_is_told_of_in_the_words_of_before(tmp_path: Path) -> None:
    """Nothing is left to ask, so the record as it was last read gives the words and the people."""
    desk = open_desk(tmp_path, BEFORE, "closed: gone, tell: customer, text: first")
    desk.run(at("2024-03-05 11:00"), at("2024-03-05 13:30"))
    desk.sql("delete from orders")
    desk.run(at("2024-03-05 14:00"), at("2024-03-06 20:00"))
    assert told(desk)[1:] == ["Tue 14:00 from 2024-03-06 12:00:00"]


def test_nobody_hears_the_end_of_what_nobody_had_heard_of(tmp_path: Path) -> None:
    """“Called off” is not told where nothing was announced (FAILURES 16)."""
    desk = open_desk(tmp_path, BEFORE, OFF)
    desk.run(at("2024-03-05 11:00"), at("2024-03-05 11:30"))
    desk.sql("update orders set cancelled = 1")
    desk.run(at("2024-03-05 12:00"), at("2024-03-06 20:00"))
    assert told(desk) == []
    assert desk.cases(1)[-1].state == "gone"
    assert lines(desk, "skipped") == ["closed gone · tell · told; nothing had fired for it"]


@pytest.mark.parametrize(("column", "said"), [("shipped_at = '2024-03-05 13:00'", "done"), ("cancelled = 1", "off")])
def test_each_way_to_close_has_its_own_words(tmp_path: Path, column: str, said: str) -> None:
    """“Done” is told when it is done, “gone” when it is gone."""
    desk = open_desk(tmp_path, BEFORE, OFF, DONE, head=CLOSES)
    desk.run(at("2024-03-05 11:00"), at("2024-03-05 13:30"))
    desk.sql(f"update orders set {column}")
    desk.run(at("2024-03-05 14:00"), at("2024-03-06 20:00"))
    assert told(desk)[1:] == [f"Tue 14:00 {said}"]


def test_a_closing_waits_for_the_morning_and_survives_a_restart(tmp_path: Path) -> None:
    """What is told of a closing keeps to the customer's rest, and is there after a restart."""
    desk = open_desk(tmp_path, BEFORE, OFF)
    desk.run(at("2024-03-05 11:00"), at("2024-03-05 21:30"))
    desk.sql("update orders set cancelled = 1")
    desk.run(at("2024-03-05 22:00"), at("2024-03-05 22:30"))
    desk.start(at("2024-03-05 23:00"))
    desk.run(at("2024-03-05 23:00"), at("2024-03-06 20:00"))
    assert told(desk)[1:] == ["Wed 09:00 off"]


def test_a_case_that_opens_again_overnight_is_not_called_off(tmp_path: Path, ledger: str) -> None:
    """By the time the message might leave it is not true any more; closed once more, it is."""
    desk = open_desk(tmp_path, BEFORE, OFF, "late: 2h, tell: assignee, text: first", ledger=ledger)
    desk.run(at("2024-03-05 11:00"), at("2024-03-05 21:30"))
    desk.sql("update orders set cancelled = 1")
    desk.run(at("2024-03-05 22:00"), at("2024-03-05 23:30"))
    desk.sql("update orders set cancelled = 0")
    desk.run(at("2024-03-06 00:00"), at("2024-03-06 10:30"))
    assert len(told(desk)) == 1
    assert "the case is open again" in lines(desk, "cancelled")
    desk.sql("update orders set cancelled = 1")
    desk.run(at("2024-03-06 11:00"), at("2024-03-06 20:00"))
    assert told(desk)[1:] == ["Wed 11:00 off"]


def test_a_case_that_flaps_is_called_off_once(tmp_path: Path) -> None:
    """Closed, open and closed again: who has heard of the first closing does not hear of the second."""
    desk = open_desk(tmp_path, BEFORE, OFF, "late: 2h, tell: assignee, text: first")
    for hour in ("11", "13", "14", "15"):
        desk.run(at(f"2024-03-05 {hour}:00"), at(f"2024-03-05 {hour}:30"))
        desk.sql("update orders set cancelled = 1 - cancelled where :hour > 11", hour=int(hour))
        desk.run(at(f"2024-03-05 {hour}:40"), at(f"2024-03-05 {int(hour) + 1}:30"))
    assert told(desk)[1:] == ["Tue 14:00 off"]


def test_a_clock_that_begins_anew_is_no_end(tmp_path: Path) -> None:
    """A case that closes because its record has another clock now goes on as the next one: nothing is called off."""
    desk = open_desk(tmp_path, BEFORE, OFF)
    desk.write("config/vocabulary/orders.yaml", ORDERS.replace(", matter: o.id", ""))
    desk.order(2, placed_at="2024-03-06 12:00:00")
    desk.reload(MONDAY)
    desk.run(at("2024-03-05 11:00"), at("2024-03-05 13:30"))
    desk.sql("update orders set placed_at = '2024-03-06 18:00:00'")
    desk.run(at("2024-03-05 14:00"), at("2024-03-06 20:00"))
    assert [case.state for case in desk.cases(2)] == ["gone", "done"]
    assert "off" not in [one.body for one in desk.deliveries(2)]


def test_a_closing_is_told_to_staff_while_the_source_is_down(tmp_path: Path) -> None:
    """The closing was read before the source went down; staff hear of it after a quarter of an hour (law 3)."""
    desk = open_desk(tmp_path, BEFORE, "closed: gone, tell: assignee, at: 16:00, text: off")
    desk.run(at("2024-03-05 11:00"), at("2024-03-05 13:30"))
    desk.sql("update orders set cancelled = 1")
    desk.run(at("2024-03-05 14:00"), at("2024-03-05 15:30"))
    shop = Faulty.put_into(desk.engine)
    shop.asked = shop.before = down
    desk.run(at("2024-03-05 15:31"), at("2024-03-05 17:00"))
    assert told(desk)[1:] == ["Tue 16:15 off (as of 5 Mar 14:00)"]


EXAMPLES = """\
examples:
  - name: announced, corrected, called off
    order: {placed_at: 2024-03-06 12:00, paid_at: 2024-03-06 14:00}
    then:
      - 2024-03-05 13:30 paid_at 2024-03-06 15:00
      - 2024-03-05 15:30 placed_at 2024-03-06 13:00
      - 2024-03-05 18:10 cancelled
    expect: [2024-03-05 12:00 customer, 2024-03-05 14:00 told, 2024-03-05 16:00 told, 2024-03-05 19:00 told]
  - name: changed and called off before anybody knew
    order: {placed_at: 2024-03-06 12:00, paid_at: 2024-03-06 14:00}
    then: [2024-03-05 10:30 paid_at 2024-03-06 15:00, 2024-03-05 11:30 cancelled]
    expect: []
  - name: by weekdays, a time that is given later is the first from then on
    order: {placed_at: Wed 12:00, paid_at: Wed 14:00}
    then: [Wed 12:30 placed_at Thu 13:00]
    expect: [Tue 12:00 customer]
"""


def test_examples_prove_changes_and_closings(tmp_path: Path) -> None:
    """In an example a time gets a new value under “then”, and the steps that wait for it come."""
    steps = "".join(f"  - {{{line}}}\n" for line in (BEFORE, CHANGED, OFF))
    Desk(tmp_path, {"r": RULE + steps + EXAMPLES}, files={**WORDS, "config/vocabulary/orders.yaml": ORDERS})
    plugins = load_plugins([SpokenPlugin()])
    snapshot, problems = load_workspace(tmp_path, plugins.actions, plugins.channels)
    assert snapshot is not None, [problem.render() for problem in problems.all]
    assert "r" in snapshot.rules, [problem.render() for problem in problems.all]
    results = run_examples(snapshot.rules["r"], snapshot, plugins)
    assert [result.problem.message for result in results if result.problem] == []
    assert len(results) == 3
