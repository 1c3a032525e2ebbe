"""A due time for each stage: its own clock, its own steps, and somebody in charge."""

from __future__ import annotations

from pathlib import Path

import pytest

from duly.engine.examples import run_examples
from duly.engine.plugins import load_plugins
from engine.desk import DIRECTORY, ZONE, Desk, SpokenPlugin, at

COMPLAINTS = """\
noun: complaints
one: complaint
source: shop
from: complaints m
key: m.id
times: {opened_at: m.opened_at, stage_since: m.since}
facts: {summed up: m.summed_up = 1}
fields:
  order: m.id
  category: {sql: m.category, one of: [quality, late]}
  stage: {sql: m.stage, one of: [new, accepted, judged], since: stage_since}
people: {assignee: {staff: m.agent}}
"""
RULE = """\
rule: No complaint stands still
owner: care
watch: complaints
done: [summed up]
due:
  per: stage
  new: {in: 30m, who: care on duty}
  accepted: {in: 4 working hours, who: supervisor of care}
  judged: {in: 1 working day, who: assignee}
check: every 10m
steps:
  - {after: at once, tell: in charge, text: hello}
  - {late: at once, escalate: manager of care, text: hello}
  - {unanswered: 1h, tell: in charge, text: hello}
examples:
  - name: accepted in time, then nobody judges it
    complaint: {stage_since: Mon 09:00, stage: new}
    then: [Mon 09:10 stage accepted]
    expect: [Mon 09:00 care on duty, Mon 09:10 supervisor of care, Mon 13:10 manager of care, Mon 14:10 in charge]
"""
BY_CATEGORY = """\
rule: Complaints are answered
owner: care
watch: complaints
done: [summed up]
clock: opened_at
due: {per: category, quality: 8h, otherwise: 2h}
check: every 10m
steps: [{late: at once, tell: care on duty, text: hello}]
"""
CARE = "  care: {members: [lin], supervisor: zhou, manager: wang, shifts: {day: daily}, hours: daily 09:00-18:00}\n"
MONDAY = at("2024-03-04 09:00")


def open_desk(home: Path, rule: str = RULE) -> Desk:
    """Set up a desk for complaints."""
    files = {
        "config/directory.yaml": DIRECTORY + CARE,
        "config/vocabulary/complaints.yaml": COMPLAINTS,
        "notifications/escalated.j2": "{{ name }}: handed up",
    }
    desk = Desk(home, {"r": rule}, files=files)
    desk.sql(
        "create table complaints (id integer primary key, opened_at text, since text, stage text, category text,"
        " summed_up integer default 0, agent integer default 1)"
    )
    desk.start(MONDAY)
    return desk


def complain(desk: Desk, **columns: str) -> None:
    """Put complaint 1 into the service database."""
    row = {"opened_at": "2024-03-04 09:00:00", "since": "2024-03-04 09:00:00", "stage": "new", **columns}
    names = ", ".join(row)
    desk.sql(f"insert into complaints (id, {names}) values (1, {', '.join(':' + name for name in row)})", **row)


def enter(desk: Desk, stage: str, since: str) -> None:
    """Move complaint 1 to another stage."""
    desk.sql("update complaints set stage = :stage, since = :since", stage=stage, since=since)


def told(desk: Desk) -> list[str]:
    """Say who was told of complaint 1, and when."""
    found = [
        one
        for one in desk.deliveries(1)
        if one.state == "accepted" and (one.kind, one.template) == ("message", "hello")
    ]
    return [f"{one.settled_at.astimezone(ZONE):%a %H:%M} {one.person['id']}" for one in found if one.settled_at]


def test_each_stage_has_its_own_due_time_and_begins_the_ladder_anew(tmp_path: Path) -> None:
    """Entering a stage begins its clock: the steps of the stage before are over, and come again for this one."""
    desk = open_desk(tmp_path)
    complain(desk)
    desk.run(MONDAY, at("2024-03-04 09:15"))
    enter(desk, "accepted", "2024-03-04 09:12:00")
    desk.run(at("2024-03-04 09:16"), at("2024-03-04 13:15"))
    assert told(desk) == ["Mon 09:00 lin", "Mon 09:20 zhou", "Mon 13:12 wang"]
    first, second = desk.cases(1)
    assert (first.state, first.due_at) == ("gone", at("2024-03-04 09:30"))
    assert (second.clock, second.due_at) == ("2024-03-04 09:12:00 accepted", at("2024-03-04 13:12"))


def test_a_stage_entered_again_is_another_one(tmp_path: Path) -> None:
    """Back in a stage, at another time, the clock and the steps begin again."""
    desk = open_desk(tmp_path)
    complain(desk)
    desk.run(MONDAY, MONDAY)
    enter(desk, "accepted", "2024-03-04 09:05:00")
    desk.run(at("2024-03-04 09:10"), at("2024-03-04 09:10"))
    enter(desk, "new", "2024-03-04 09:15:00")
    desk.run(at("2024-03-04 09:20"), at("2024-03-04 09:40"))
    assert told(desk) == ["Mon 09:00 lin", "Mon 09:10 zhou", "Mon 09:20 lin"]


def test_two_stages_of_one_second_are_two(tmp_path: Path) -> None:
    """A stage that is entered within the second, or on the date, of the one before still begins anew."""
    desk = open_desk(tmp_path)
    complain(desk)
    desk.run(MONDAY, MONDAY)
    enter(desk, "accepted", "2024-03-04 09:00:00")
    desk.run(at("2024-03-04 09:10"), at("2024-03-04 09:10"))
    assert told(desk) == ["Mon 09:00 lin", "Mon 09:10 zhou"]


def test_a_step_of_a_stage_that_is_over_does_not_fire_before_the_check_sees_it(tmp_path: Path) -> None:
    """Entered a minute before the one before is late, a stage stops what that one had coming."""
    desk = open_desk(tmp_path, RULE.replace("new: {in: 30m", "new: {in: 35m"))
    complain(desk)
    desk.run(MONDAY, at("2024-03-04 09:31"))
    enter(desk, "accepted", "2024-03-04 09:34:00")
    desk.run(at("2024-03-04 09:34"), at("2024-03-04 09:39"))
    assert told(desk) == ["Mon 09:00 lin"]
    assert desk.events(1)[-1] == ("Mon 09:35", "not fired")
    assert desk.story(1)[-1].detail == "its clock is now 2024-03-04 09:34:00 accepted"


def test_who_took_the_case_is_in_charge_of_it(tmp_path: Path) -> None:
    """The table says who is in charge, until the case has been handed to somebody."""
    desk = open_desk(tmp_path)
    complain(desk)
    desk.run(MONDAY, at("2024-03-04 10:30"))
    assert told(desk) == ["Mon 09:00 lin", "Mon 09:30 wang", "Mon 10:30 wang"]


def test_a_field_without_a_clock_of_its_own_moves_the_due_time(tmp_path: Path) -> None:
    """A complaint that changes its category is due at another time from the same clock, and told of once."""
    desk = open_desk(tmp_path, BY_CATEGORY)
    complain(desk, category="quality")
    desk.run(MONDAY, at("2024-03-04 10:00"))
    desk.sql("update complaints set category = 'late'")
    desk.run(at("2024-03-04 10:00"), at("2024-03-04 18:00"))
    assert told(desk) == ["Mon 11:00 lin"]
    assert len(desk.cases(1)) == 1


def test_a_stage_without_an_entry_is_said_aloud(tmp_path: Path) -> None:
    """A record in a stage that the table leaves out is never due, and the journal names it."""
    desk = open_desk(tmp_path, RULE.replace("  judged: {in: 1 working day, who: assignee}\n", ""))
    complain(desk, stage="judged")
    desk.run(MONDAY, at("2024-03-04 09:10"))
    assert [(e.event, e.detail) for e in desk.rule_journal() if e.event == "no due"] == [
        ("no due", "1 matching, but with a “stage” for which there is no due time: 1")
    ]
    assert told(desk) == ["Mon 09:00 lin"]  # the owner's, for nobody is in charge


def test_examples_follow_the_stages(tmp_path: Path) -> None:
    """“Stage accepted” in an example sets the field and its clock, and names who is in charge as the table does."""
    desk = open_desk(tmp_path)
    bound = desk.engine.house.rules.snapshot.rules["r"]
    results = run_examples(bound, desk.engine.house.rules.snapshot, load_plugins([SpokenPlugin()]))
    assert [result.problem and result.problem.message for result in results] == [None]


PROBLEMS = [
    ("judged: {in", "judgd: {in", "R020", "“stage” is never “judgd”; did you mean “judged”?"),
    ("per: stage", "per: stagee", "R005", "“complaints” has no field “stagee”; did you mean “stage”?"),
    ("who: assignee", "who: asignee", "R005", "unknown audience “asignee”; did you mean “assignee”?"),
    (
        "check: every",
        "clock: opened_at\ncheck: every",
        "R012",
        "each “stage” counts from stage_since, not from opened_at; write “clock: stage_since”, or leave it out",
    ),
]


@pytest.mark.parametrize(("good", "bad", "code", "sentence"), PROBLEMS)
def test_what_the_vocabulary_does_not_know_is_a_problem(
    tmp_path: Path, good: str, bad: str, code: str, sentence: str
) -> None:
    """An entry, a field or an audience that nobody knows is an error with its cure."""
    desk = open_desk(tmp_path, RULE.partition("examples:")[0].replace(good, bad))
    assert (code, sentence) in [(problem.code, problem.sentence) for problem in desk.problems.errors]


def test_a_missing_entry_is_a_warning(tmp_path: Path) -> None:
    """A value that the table leaves out is a warning, unless there is an “otherwise”."""
    table = RULE.replace("  judged: {in: 1 working day, who: assignee}\n", "")
    desk = open_desk(tmp_path, table)
    assert [(problem.code, problem.sentence) for problem in desk.problems.all] == [
        ("R022", "no due time for “stage” judged; add a line for each, or “otherwise: …” for the rest")
    ]
    desk.write("rules/r.yaml", table.replace("  new: {", "  otherwise: 1d\n  new: {"))
    desk.reload(MONDAY)
    assert desk.problems.all == []
