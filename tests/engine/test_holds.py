"""What waits for a person: late cases that a change brought in, and floods (law 8)."""

from __future__ import annotations

from pathlib import Path

import pytest

from duly.engine.release import Overdue, release
from duly.engine.versions import Versions
from duly.ledger import nodes, versions
from engine.desk import ORDERS, SETTINGS, Desk, at
from engine.faulty import Faulty, down, nothing

RULE = """\
rule: Orders are looked after
owner: sales
watch: orders
where: [paid]
except: [cancelled]
done: [shipped]
clock: placed_at
check: every 10m
steps:
  - {after: 1h, tell: assignee, text: hello}
  - {after: 1d, tell: manager of sales, text: hello}
"""
WORDS = {"notifications/duly/held.j2": "held {{ count }} of {{ rule_id }}: {{ reason }}"}
MONDAY = at("2024-03-04 09:00")
PAID = {"paid_at": "2024-03-04 08:00:00"}


def open_desk(home: Path, rule: str = RULE) -> Desk:
    """Set up a desk whose rule has been live since Monday at nine, with nothing to do yet."""
    desk = Desk(home, {"r": rule}, files=WORDS)
    desk.start(MONDAY)
    desk.run(MONDAY, MONDAY)
    return desk


def held(desk: Desk, *keys: int) -> list[str | None]:
    """Say why the latest case of each of these orders is held."""
    return [desk.cases(key)[-1].held for key in keys]


def heard(desk: Desk) -> list[str]:
    """Say which orders somebody was told of."""
    return [text.partition(": order ")[2] for text in desk.sent["sms"] if ": order " in text]


def notices(desk: Desk) -> list[str]:
    """Return what Duly itself said."""
    return [text for text in desk.sent["sms"] if text.startswith("held")]


def let_go(desk: Desk, overdue: Overdue, now: str) -> None:
    """Release what the rule holds, as “duly release” does."""
    with desk.ledger.read() as connection:
        row = versions.by_path(connection, "r")
    assert row is not None
    release(desk.ledger, Versions(desk.ledger, desk.engine.house.rules.snapshot), row, overdue, at(now))
    desk.run(at(now), at(now))


def test_a_new_rule_holds_what_was_late_already(tmp_path: Path) -> None:
    """A rule that goes live holds the cases whose step came before it, tells their number, and fires all others."""
    desk = Desk(tmp_path, {"r": RULE}, files=WORDS)
    for key, placed_at in enumerate(
        ("2024-02-05 09:00", "2024-03-04 07:59:59", "2024-03-04 08:00", "2024-03-04 08:01")
    ):
        desk.order(key, placed_at=placed_at, **PAID)
    desk.start(MONDAY)
    desk.run(MONDAY, at("2024-03-04 12:00"))
    assert held(desk, 0, 1) == ["it was late before the rule went live"] * 2
    assert heard(desk) == ["2", "3"]
    assert notices(desk) == ["held 2 of r: they were late before Duly could look"]
    assert [event for _, event in desk.events(1)] == ["held"]


@pytest.mark.parametrize(("overdue", "first"), [(Overdue.SEND, ["1"]), (Overdue.SKIP, [])])
def test_a_released_case_goes_on(tmp_path: Path, overdue: Overdue, first: list[str]) -> None:
    """What is released sends its late steps or skips them, and comes to its later steps in any case."""
    desk = Desk(tmp_path, {"r": RULE}, files=WORDS)
    desk.order(1, placed_at="2024-03-04 07:30", **PAID)
    desk.start(MONDAY)
    desk.run(MONDAY, at("2024-03-04 09:30"))
    assert heard(desk) == []
    let_go(desk, overdue, "2024-03-04 09:35")
    assert heard(desk) == first
    desk.run(at("2024-03-04 09:36"), at("2024-03-05 12:00"))
    assert heard(desk) == [*first, "1"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("rules/r.yaml", RULE.replace("where: [paid]", "where: []")),
        ("rules/r.yaml", RULE.replace("after: 1h", "after: 30m").replace("where: [paid]", "where: [not cancelled]")),
        ("config/vocabulary/orders.yaml", ORDERS.replace("o.paid_at is not null", "o.placed_at is not null")),
    ],
)
def test_an_edit_that_brings_in_late_records_holds_them(tmp_path: Path, path: str, text: str) -> None:
    """A widened where, or another meaning of a word, holds what it brings in late, and nothing that comes later."""
    desk = open_desk(tmp_path)
    desk.order(1, placed_at="2024-03-04 07:00")
    desk.order(2, placed_at="2024-03-04 09:00")
    desk.run(at("2024-03-04 09:10"), at("2024-03-04 09:20"))
    assert desk.cases(1) == []
    desk.write(path, text)
    desk.reload(at("2024-03-04 09:25"))
    assert not desk.problems.errors
    desk.run(at("2024-03-04 09:25"), at("2024-03-04 10:30"))
    assert held(desk, 1, 2) == ["it was late before the rule or its vocabulary changed", None]
    assert heard(desk) == ["2"]
    assert len(notices(desk)) == 1


def test_a_longer_reach_holds_what_it_brings_in(tmp_path: Path) -> None:
    """When the operator lets checks look back further, the late records that this brings in are held."""
    desk = Desk(tmp_path, {"r": RULE}, files={**WORDS, "config/duly.yaml": SETTINGS + "reach: 10d\n"})
    desk.start(MONDAY)
    desk.order(1, placed_at="2024-02-01 09:00", **PAID)
    desk.run(MONDAY, at("2024-03-04 09:10"))
    assert desk.cases(1) == []
    desk.write("config/duly.yaml", SETTINGS + "reach: 60d\n")
    desk.start(at("2024-03-04 09:15"))
    desk.run(at("2024-03-04 09:15"), at("2024-03-04 10:00"))
    assert held(desk, 1) != [None]
    assert heard(desk) == []


def test_other_hours_hold_what_they_make_late(tmp_path: Path) -> None:
    """When working hours change, so that a step's moment lies before the change, the new case is held."""
    rule = RULE.replace("after: 1h", "after: 4 working hours")
    directory = (tmp_path / "config/directory.yaml").as_posix()
    desk = open_desk(tmp_path, rule)
    desk.order(1, placed_at="2024-03-04 06:00", **PAID)
    desk.run(at("2024-03-04 09:10"), at("2024-03-04 11:20"))
    assert desk.cases(1) == []
    text = Path(directory).read_text("utf-8")
    desk.write("config/directory.yaml", text.replace("hours: daily 09:00-18:00", "hours: daily 06:00-18:00"))
    desk.reload(at("2024-03-04 11:25"))
    desk.run(at("2024-03-04 11:25"), at("2024-03-04 12:00"))
    assert held(desk, 1) == ["it was late before the rule or its vocabulary changed"]


def test_an_edit_of_title_words_or_limits_holds_and_repeats_nothing(tmp_path: Path) -> None:
    """Another title, other words, other limits and a restart hold nothing, re-send nothing and keep what is late."""
    desk = open_desk(tmp_path)
    desk.order(1, placed_at="2024-03-04 08:05", **PAID)
    desk.run(at("2024-03-04 09:10"), at("2024-03-04 09:12"))
    assert heard(desk) == ["1"]
    for minute, now in enumerate((at("2024-03-04 09:15"), at("2024-03-04 09:25"), at("2024-03-04 09:35"))):
        title = RULE.replace("Orders are", f"All {minute} orders are") + f"limits: {{hold: above 10{minute} an hour}}\n"
        desk.write("rules/r.yaml", title)
        desk.write("notifications/hello.j2", "{{ name }}: order {{ order }}" + "!" * minute)
        desk.order(10 + minute, placed_at="2024-03-04 08:10", **PAID)
        if minute == 2:
            before = heard(desk)
            desk.start(now)
        else:
            desk.reload(now)
        desk.run(now, now)
    desk.run(at("2024-03-04 09:36"), at("2024-03-04 11:00"))
    assert before == ["1", "10!", "11!"]
    assert heard(desk) == ["12!!"]
    assert held(desk, 1, 10, 11, 12) == [None] * 4


def test_an_edit_renews_nothing_for_cases_that_are_open(tmp_path: Path) -> None:
    """A reload re-sends nothing: an open case that has fired stays as it is, also when the rule's where has changed."""
    desk = open_desk(tmp_path)
    desk.order(1, placed_at="2024-03-04 09:00", **PAID)
    desk.run(at("2024-03-04 09:10"), at("2024-03-04 10:00"))
    for minute in (5, 15, 25):
        desk.write("rules/r.yaml", RULE.replace("[paid]", "[]" if minute == 15 else "[not cancelled]"))
        desk.reload(at(f"2024-03-04 10:0{minute}" if minute < 10 else f"2024-03-04 10:{minute}"))
        desk.run(at(f"2024-03-04 10:{minute:02}"), at(f"2024-03-04 10:{minute + 4:02}"))
    assert heard(desk) == ["1"]
    assert held(desk, 1) == [None]


def test_a_held_case_that_comes_back_is_held_still(tmp_path: Path) -> None:
    """A record that goes and comes back does not slip past the hold: nobody has released it."""
    desk = Desk(tmp_path, {"r": RULE}, files=WORDS)
    desk.order(1, placed_at="2024-03-04 07:00", **PAID)
    desk.start(MONDAY)
    desk.run(MONDAY, MONDAY)
    desk.sql("update orders set cancelled = 1")
    desk.run(at("2024-03-04 09:10"), at("2024-03-04 09:10"))
    desk.sql("update orders set cancelled = 0")
    desk.run(at("2024-03-04 09:20"), at("2024-03-04 12:00"))
    assert (held(desk, 1), heard(desk)) == (["it was late before the rule went live"], [])


def test_a_case_that_an_edit_brings_back_late_is_held(tmp_path: Path) -> None:
    """A case that one edit closed and the next reopens is held when its step came meanwhile."""
    desk = open_desk(tmp_path)
    desk.order(1, placed_at="2024-03-04 09:00", **PAID)
    desk.run(at("2024-03-04 09:10"), at("2024-03-04 09:42"))
    desk.write("rules/r.yaml", RULE.replace("[cancelled]", "[cancelled, paid]"))
    desk.reload(at("2024-03-04 09:45"))
    desk.run(at("2024-03-04 09:45"), at("2024-03-04 11:05"))
    desk.write("rules/r.yaml", RULE)
    desk.reload(at("2024-03-04 11:06"))
    desk.run(at("2024-03-04 11:06"), at("2024-03-04 12:00"))
    assert held(desk, 1) == ["it was late before the rule or its vocabulary changed"]
    assert heard(desk) == []


@pytest.mark.parametrize(("back", "holds"), [("2024-03-04 21:00", False), ("2024-03-04 22:30", True)])
def test_a_long_outage_holds_what_came_due_in_it(tmp_path: Path, back: str, *, holds: bool) -> None:
    """After more than twelve hours of downtime open and new cases that are late are held; after less they fire."""
    desk = open_desk(tmp_path)
    with desk.ledger.write() as connection:
        nodes.start(connection, "one", MONDAY)
        nodes.beat(connection, "one", at("2024-03-04 09:40"), [])
    desk.order(1, placed_at="2024-03-04 09:00", **PAID)
    desk.run(at("2024-03-04 09:10"), at("2024-03-04 09:40"))
    desk.order(2, placed_at="2024-03-04 11:00", **PAID)
    desk.order(3, placed_at="2024-03-04 21:45", **PAID)
    desk.start(at(back))
    desk.run(at(back), at("2024-03-05 08:59"))
    why = ["it came due while the rule was not at work", "it came due while Duly could not look"]
    assert held(desk, 1, 2, 3) == ([*why, None] if holds else [None] * 3)
    assert sorted(heard(desk)) == (["3"] if holds else ["1", "2", "3"])
    assert len(notices(desk)) == (2 if holds else 0)


def test_an_outage_between_two_checks_holds_what_came_due(tmp_path: Path) -> None:
    """A rule that is checked once a day holds what came due while no daemon was alive, though no check was missed."""
    rule = RULE.replace("every 10m", "daily 17:00").replace("after: 1h", "after: 1h, at: 18:30")
    desk = open_desk(tmp_path, rule)
    desk.order(1, placed_at="2024-03-04 16:00", **PAID)
    desk.run(at("2024-03-04 09:01"), at("2024-03-04 17:00"))
    with desk.ledger.write() as connection:
        nodes.start(connection, "one", at("2024-03-04 17:00"))
    desk.start(at("2024-03-05 09:00"))
    desk.run(at("2024-03-05 09:00"), at("2024-03-05 10:00"))
    assert held(desk, 1) == ["it came due while the rule was not at work"]
    assert heard(desk) == []


def test_a_source_that_was_down_for_long_holds_what_came_due(tmp_path: Path) -> None:
    """A source that answers again after a day holds the late records that it brings, though Duly was running."""
    desk = open_desk(tmp_path, RULE.replace("every 10m", "every 2h"))
    faulty = Faulty.put_into(desk.engine)
    faulty.before = down
    desk.order(1, placed_at="2024-03-04 09:30", **PAID)
    desk.run(at("2024-03-04 09:01"), at("2024-03-05 06:00"))
    faulty.before = nothing
    desk.run(at("2024-03-05 06:01"), at("2024-03-05 09:00"))
    assert held(desk, 1) == ["it came due while Duly could not look"]


def test_an_outage_after_an_edit_holds_what_came_due_in_it(tmp_path: Path) -> None:
    """An edit just before a long outage does not let through what came due between the two."""
    desk = open_desk(tmp_path)
    desk.write("rules/r.yaml", RULE.replace("where: [paid]", "where: []"))
    desk.reload(at("2024-03-04 09:05"))
    faulty = Faulty.put_into(desk.engine)
    faulty.before = down
    desk.order(1, placed_at="2024-03-04 14:00", **PAID)
    desk.engine.tick(at("2024-03-04 09:10"))
    faulty.before = nothing
    desk.run(at("2024-03-04 23:00"), at("2024-03-04 23:30"))
    assert held(desk, 1) == ["it came due while Duly could not look"]


def test_a_rule_that_was_away_for_long_holds_what_came_due(tmp_path: Path) -> None:
    """A rule whose file was away for two days holds its open cases that came due meanwhile, as after an outage."""
    desk = open_desk(tmp_path)
    desk.order(1, placed_at="2024-03-04 09:00", **PAID)
    desk.run(at("2024-03-04 09:10"), at("2024-03-04 09:42"))
    (tmp_path / "rules/r.yaml").rename(tmp_path / "away.yaml")
    desk.reload(at("2024-03-04 09:45"))
    desk.run(at("2024-03-04 09:45"), at("2024-03-06 08:00"))
    (tmp_path / "away.yaml").rename(tmp_path / "rules/r.yaml")
    desk.reload(at("2024-03-06 09:00"))
    desk.run(at("2024-03-06 09:00"), at("2024-03-06 12:00"))
    assert held(desk, 1) != [None]
    assert heard(desk) == []
