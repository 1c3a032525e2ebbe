"""After an edit: a case finishes on the ladder it started on, by the conditions and words of today (law 7)."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.desk import ZONE, Desk, at

RULE = """\
rule: Orders are looked after
owner: sales
watch: orders
except: [cancelled]
done: [shipped]
clock: placed_at
due: 2h
check: every 10m
steps:
  - {after: 30m, tell: assignee, text: first}
  - {late: at once, tell: manager of sales, text: second}
"""
WORDS = {f"notifications/{name}.j2": f"{name} {{{{ order }}}}" for name in ("first", "second", "third")}
MONDAY = at("2024-03-04 09:00")


def open_desk(home: Path, rule: str = RULE) -> Desk:
    """Set up a desk with order 1, placed at nine on Monday and told of at half past."""
    desk = Desk(home, {"r": rule}, files=WORDS)
    desk.order(1, placed_at="2024-03-04 09:00:00")
    desk.start(MONDAY)
    desk.run(MONDAY, at("2024-03-04 09:35"))
    return desk


def edit(desk: Desk, rule: str, *, restart: bool = False) -> None:
    """Save another version of the rule at 09:36, and go on until the evening."""
    desk.write("rules/r.yaml", rule)
    if restart:
        desk.start(at("2024-03-04 09:36"))
    else:
        desk.reload(at("2024-03-04 09:36"))
    assert not desk.problems.errors
    desk.run(at("2024-03-04 09:36"), at("2024-03-04 18:00"))


def told(desk: Desk, key: int = 1) -> list[str]:
    """Say what was said of an order, and when at the desk."""
    return [f"{one.settled_at.astimezone(ZONE):%H:%M} {one.body}" for one in desk.deliveries(key) if one.settled_at]


@pytest.mark.parametrize("restart", [False, True])
def test_an_open_case_keeps_its_due_time_and_its_steps(tmp_path: Path, *, restart: bool) -> None:
    """An edit of the due time and of the ladder changes nothing for the case that is open, also after a restart."""
    desk = open_desk(tmp_path)
    desk.order(2, placed_at="2024-03-04 09:40:00")
    later = RULE.replace("due: 2h", "due: 4h").replace("late: at once", "late: 30m").replace("after: 30m", "after: 1h")
    edit(desk, later, restart=restart)
    assert told(desk, 1) == ["09:30 first 1", "11:00 second 1"]
    assert told(desk, 2) == ["10:40 first 2", "14:10 second 2"]
    assert "due moved" not in [event for _, event in desk.events(1)]


def test_a_case_keeps_the_time_that_its_due_named(tmp_path: Path) -> None:
    """A case due by a time of the record stays so when the rule goes over to another; until then it follows it."""
    desk = Desk(tmp_path, {"r": RULE.replace("due: 2h", "due: paid_at")}, files=WORDS)
    desk.order(1, placed_at="2024-03-04 09:00:00", paid_at="2024-03-04 12:00:00")
    desk.start(MONDAY)
    desk.run(MONDAY, at("2024-03-04 09:32"))
    desk.sql("update orders set paid_at = '2024-03-04 13:00:00'")
    desk.run(at("2024-03-04 09:33"), at("2024-03-04 09:42"))
    assert [entry.detail for entry in desk.story(1) if entry.event == "due moved"] == ["due 2024-03-04 05:00 UTC"]
    desk.write("rules/r.yaml", RULE)
    desk.reload(at("2024-03-04 09:45"))
    desk.run(at("2024-03-04 09:45"), at("2024-03-04 18:00"))
    assert told(desk) == ["09:30 first 1", "13:00 second 1"]


def test_a_case_that_reopens_goes_on_with_its_own_ladder(tmp_path: Path) -> None:
    """A case that closed before an edit and reopens after it has the due time and the steps of its own version."""
    desk = open_desk(tmp_path)
    desk.sql("update orders set cancelled = 1")
    desk.run(at("2024-03-04 09:40"), at("2024-03-04 09:40"))
    desk.write("rules/r.yaml", RULE.replace("due: 2h", "due: 6h").replace("first", "third"))
    desk.reload(at("2024-03-04 09:41"))
    desk.sql("update orders set cancelled = 0")
    desk.run(at("2024-03-04 09:50"), at("2024-03-04 18:00"))
    assert told(desk) == ["09:30 first 1", "11:00 second 1"]


def test_conditions_are_those_of_today(tmp_path: Path) -> None:
    """An exception that is added closes the cases that it concerns, whatever they started on."""
    desk = open_desk(tmp_path)
    desk.order(2, placed_at="2024-03-04 09:00:00", paid_at="2024-03-04 09:00:00")
    desk.run(at("2024-03-04 09:36"), at("2024-03-04 09:42"))
    edit(desk, RULE.replace("except: [cancelled]", "except: [cancelled, paid]"))
    assert [case.state for key in (1, 2) for case in desk.cases(key)] == ["open", "gone"]
    assert told(desk, 2) == ["09:40 first 2"]


@pytest.mark.parametrize(("before", "after", "fires"), [("", ", if: [paid]", False), (", if: [paid]", "", True)])
def test_the_condition_of_a_step_is_that_of_today(tmp_path: Path, *, before: str, after: str, fires: bool) -> None:
    """An “if” that is added to a step counts for open cases, and one that is taken away no longer does."""
    desk = open_desk(tmp_path, RULE.replace("text: second", f"text: second{before}"))
    edit(desk, RULE.replace("text: second", f"text: second{after}"))
    assert told(desk) == ["09:30 first 1", *(["11:00 second 1"] if fires else [])]


@pytest.mark.parametrize("paid", [True, False])
def test_a_step_that_the_rule_no_longer_has_keeps_its_condition(tmp_path: Path, *, paid: bool) -> None:
    """A step that was deleted from the rule still fires for a case that started on it, if its own “if” holds now."""
    desk = open_desk(tmp_path, RULE.replace("text: second", "text: second, if: [paid]"))
    if paid:
        desk.sql("update orders set paid_at = '2024-03-04 09:30:00'")
    edit(desk, "".join(RULE.splitlines(keepends=True)[:-1]))
    assert told(desk) == ["09:30 first 1", *(["11:00 second 1"] if paid else [])]


def test_words_are_those_of_today(tmp_path: Path) -> None:
    """An open case speaks in the words of today: another template in the rule, or other words in the template."""
    desk = open_desk(tmp_path)
    desk.write("notifications/third.j2", "better: {{ order }}")
    edit(desk, RULE.replace("text: second", "text: third"))
    assert told(desk) == ["09:30 first 1", "11:00 better: 1"]
