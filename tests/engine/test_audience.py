"""Nobody there is never silence: the next shift, then the owner, then the operator hears (laws 5 and 13)."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.desk import DIRECTORY, SETTINGS, ZONE, Desk, at

RULE = """\
rule: Orders are looked after
owner: sales
watch: orders
done: [shipped]
clock: placed_at
check: every 10m
steps:
  - {after: 30m, tell: AUDIENCE, text: hello}
"""
NOTHING = "there is nobody to tell; name an operator in config/duly.yaml"


def open_desk(
    home: Path, audience: str, *, placed_at: str = "2024-03-04 09:00", directory: str = DIRECTORY, settings: str = ""
) -> Desk:
    """Set up a desk with order 1 and a rule that tells this audience half an hour later."""
    files = {"config/directory.yaml": directory, **({"config/duly.yaml": settings} if settings else {})}
    desk = Desk(home, {"r": RULE.replace("AUDIENCE", audience)}, files=files)
    desk.order(1, placed_at=placed_at)
    desk.start(at(placed_at))
    return desk


def told(desk: Desk) -> list[str]:
    """Say who was told of the order, and when at the desk."""
    accepted = [entry for entry in desk.story(1) if entry.event == "accepted"]
    return [f"{e.at.astimezone(ZONE):%a %H:%M} {(e.data or {})['to']}" for e in accepted]


def details(desk: Desk, event: str) -> list[str]:
    """Return what the journal says of the order at such events."""
    return [entry.detail for entry in desk.story(1) if entry.event == event]


def away(*people: str, days: str) -> str:
    """Write the directory with these people on leave."""
    lines = DIRECTORY.splitlines(keepends=True)
    named = tuple(f"  {person}:" for person in people)
    return "".join(f"{line[:-2]}, leave: {days}}}\n" if line.startswith(named) else line for line in lines)


def test_an_empty_shift_waits_for_the_next(tmp_path: Path) -> None:
    """“On duty” in the evening waits for the morning's shift, says so in the journal, and then tells it, once."""
    desk = open_desk(tmp_path, "sales on duty", placed_at="2024-03-04 19:00")
    desk.run(at("2024-03-04 19:00"), at("2024-03-05 18:00"))
    assert told(desk) == ["Tue 09:00 lin"]
    assert details(desk, "waits") == ["after 30m · tell · sales on duty: nobody is on duty until 2024-03-05 01:00 UTC"]
    assert details(desk, "fired") == ["after 30m · tell · sales on duty"]


def test_who_waits_for_a_shift_is_told_no_more_once_it_is_done(tmp_path: Path) -> None:
    """What is done before the shift begins reaches nobody in the morning."""
    desk = open_desk(tmp_path, "sales on duty", placed_at="2024-03-04 19:00")
    desk.run(at("2024-03-04 19:00"), at("2024-03-04 23:00"))
    desk.sql("update orders set shipped_at = '2024-03-04 23:00:00'")
    desk.run(at("2024-03-04 23:10"), at("2024-03-05 18:00"))
    assert told(desk) == []


def test_an_urgent_matter_goes_to_the_next_shift_at_once(tmp_path: Path) -> None:
    """An urgent message to an empty shift wakes those of the next one, and the journal says in whose place."""
    desk = open_desk(tmp_path, "sales on duty, urgent: yes", placed_at="2024-03-04 19:00")
    desk.run(at("2024-03-04 19:00"), at("2024-03-04 19:30"))
    assert told(desk) == ["Mon 19:30 lin"]
    assert details(desk, "fired") == ["after 30m · tell · sales on duty; nobody is sales on duty, so Lin hears"]


@pytest.mark.parametrize("urgent", ["", ", urgent: yes"])
def test_a_team_without_any_shift_leaves_it_to_the_owner(tmp_path: Path, urgent: str) -> None:
    """When no shift is to come at all, the owner of the rule hears at once."""
    nights = DIRECTORY + "  nights: {members: [zhou], manager: wang}\n"
    desk = open_desk(tmp_path, f"nights on duty{urgent}", directory=nights)
    desk.run(at("2024-03-04 09:00"), at("2024-03-04 09:30"))
    assert told(desk) == ["Mon 09:30 lin"]


def test_when_the_whole_team_is_away_the_next_level_answers_for_the_rule(tmp_path: Path) -> None:
    """The only member and leader on leave for months: the owner's next level up hears."""
    desk = open_desk(tmp_path, "sales on duty, urgent: yes", directory=away("lin", days="2024-01-01 to 2025-12-31"))
    desk.run(at("2024-03-04 09:00"), at("2024-03-04 09:30"))
    assert told(desk) == ["Mon 09:30 zhou"]


def test_a_role_that_nobody_holds_means_the_next_level_up(tmp_path: Path) -> None:
    """“Supervisor” of a team that has none, or whose is on leave, is its manager."""
    without = DIRECTORY.replace("supervisor: zhou, ", "")
    for name, directory in (("without", without), ("away", away("zhou", days="2024-03-01 to 2024-03-31"))):
        desk = open_desk(tmp_path / name, "supervisor of sales", directory=directory)
        desk.run(at("2024-03-04 09:00"), at("2024-03-04 09:30"))
        assert told(desk) == ["Mon 09:30 wang"]


@pytest.mark.parametrize(("agent", "hears"), [(1, "lin"), (77, "lin"), (None, "lin")])
def test_a_person_whom_nobody_knows_is_stood_in_for(tmp_path: Path, agent: int | None, hears: str) -> None:
    """A record handled by nobody, or by a number that the directory does not know, is not passed over in silence."""
    desk = open_desk(tmp_path, "assignee")
    desk.sql("update orders set agent_id = :agent", agent=agent)
    desk.run(at("2024-03-04 09:00"), at("2024-03-04 09:30"))
    assert told(desk) == [f"Mon 09:30 {hears}"]
    assert ("nobody is assignee" in details(desk, "fired")[0]) == (agent != 1)


def test_the_operator_hears_when_nobody_else_is_there(tmp_path: Path) -> None:
    """With the owner's whole team on leave, the operator hears."""
    directory = away("lin", "zhou", "wang", days="2024-01-01 to 2025-12-31")
    desk = open_desk(tmp_path, "assignee", directory=directory)
    desk.run(at("2024-03-04 09:00"), at("2024-03-04 09:30"))
    assert told(desk) == ["Mon 09:30 op"]


def test_nobody_at_all_is_journalled_and_tried_again(tmp_path: Path) -> None:
    """With nobody to tell and no operator the journal says so each hour; the message goes once somebody is there."""
    directory = away("lin", "zhou", "wang", days="2024-01-01 to 2024-03-04").replace(", shifts: {day: daily}", "")
    settings = SETTINGS.replace("operator: op\n", "")
    desk = open_desk(tmp_path, "manager of sales", directory=directory, settings=settings)
    desk.run(at("2024-03-04 09:00"), at("2024-03-04 12:00"))
    assert told(desk) == []
    assert details(desk, "waits") == [f"after 30m · tell · manager of sales: {NOTHING}"] * 3
    desk.run(at("2024-03-04 12:01"), at("2024-03-05 09:00"))
    assert told(desk) == ["Tue 00:30 wang"]


def test_whoever_is_in_charge_is_told(tmp_path: Path) -> None:
    """“In charge” is whoever handles the record; “owner” is who leads the team that owns the rule."""
    for name, audience, hears in (("a", "in charge", "lin"), ("b", "owner", "lin"), ("c", "manager of sales", "wang")):
        desk = open_desk(tmp_path / name, audience)
        desk.run(at("2024-03-04 09:00"), at("2024-03-04 09:30"))
        assert told(desk) == [f"Mon 09:30 {hears}"]
