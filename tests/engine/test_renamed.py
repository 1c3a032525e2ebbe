"""A rule that is renamed with ``was`` is the same rule: it keeps its cases and what has fired."""

from __future__ import annotations

from pathlib import Path

from engine.desk import ZONE, Desk, at

RULE = """\
rule: Orders are looked after
owner: sales
watch: orders
except: [cancelled]
clock: placed_at
check: every 4h
steps:
  - {after: 1h, tell: assignee, text: hello}
  - {after: 5h, tell: manager of sales, text: hello}
"""
MONDAY = at("2024-03-04 09:00")


def open_desk(home: Path) -> Desk:
    """Set up a desk with an order of Monday at nine, and run it until its first step has fired."""
    desk = Desk(home, {"r": RULE})
    desk.order(1, placed_at="2024-03-04 09:00:00")
    desk.start(MONDAY)
    desk.run(MONDAY, at("2024-03-04 10:30"))
    return desk


def rename(desk: Desk, rule: str) -> None:
    """Put the rule's file where another team has it, while the daemon runs."""
    (desk.home / "rules/r.yaml").unlink()
    desk.write("rules/sales/r.yaml", rule)
    desk.reload(at("2024-03-04 10:40"))
    assert not desk.problems.errors
    desk.run(at("2024-03-04 10:40"), at("2024-03-04 18:00"))


def told(desk: Desk, path: str) -> list[str]:
    """Say who was told of the order under one rule, and when."""
    accepted = [e for e in desk.story(1, path) if e.event == "accepted"]
    return [f"{e.at.astimezone(ZONE):%H:%M} {(e.data or {})['to']}" for e in accepted]


def test_a_renamed_rule_repeats_nothing_and_forgets_nothing(tmp_path: Path) -> None:
    """Under its new path the case goes on where it was: nobody hears twice, the next step comes when it was to."""
    desk = open_desk(tmp_path)
    number = desk.rule_id("r")
    rename(desk, f"was: r\n{RULE}")
    assert desk.rule_id("sales/r") == number
    assert told(desk, "sales/r") == ["10:00 lin", "14:00 wang"]
    assert ("renamed", "it was rules/r.yaml") in [(e.event, e.detail) for e in desk.rule_journal("sales/r")]


def test_the_line_may_stay_for_ever(tmp_path: Path) -> None:
    """Loaded again, a rule that says what it was is not renamed again, nor is a new rule at the old path touched."""
    desk = open_desk(tmp_path)
    rename(desk, f"was: r\n{RULE}")
    desk.write("rules/sales/r.yaml", RULE)
    desk.write("rules/r.yaml", RULE.replace("looked after", "looked at"))
    desk.reload(at("2024-03-04 18:00"))
    desk.write("rules/sales/r.yaml", f"was: s\n{RULE}")
    desk.reload(at("2024-03-04 18:10"))
    assert desk.rule_id("r") != desk.rule_id("sales/r")
    assert [e.event for e in desk.rule_journal("sales/r")].count("renamed") == 1


def test_without_it_a_renamed_rule_is_a_new_one(tmp_path: Path) -> None:
    """A rule that does not say what it was begins anew: what is late by then is held, and nothing is sent twice."""
    desk = open_desk(tmp_path)
    rename(desk, RULE)
    assert desk.rule_id("sales/r") != desk.rule_id("r")
    assert [case.held for case in desk.cases(1, "sales/r")] == ["it was late before the rule went live"]
    assert told(desk, "sales/r") == []
