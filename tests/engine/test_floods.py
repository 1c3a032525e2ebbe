"""A rule over its limit holds, and its owner is told (law 8)."""

from __future__ import annotations

from pathlib import Path

from duly.engine.release import Overdue
from engine.desk import SETTINGS, Desk, at
from engine.test_holds import MONDAY, PAID, RULE, WORDS, heard, held, let_go, notices

FIVE = RULE + "limits: {hold: above 5 an hour}\n"


def flooded(home: Path, rule: str, orders: int, *, placed_at: str = "2024-03-04 09:05", settings: str = "") -> Desk:
    """Set up a desk with this many orders, all placed at once, whose first steps come an hour later."""
    files = {**WORDS, **({"config/duly.yaml": settings} if settings else {})}
    desk = Desk(home, {"r": rule}, files=files)
    desk.start(MONDAY)
    desk.run(MONDAY, MONDAY)
    for key in range(1, orders + 1):
        desk.order(key, placed_at=placed_at, **PAID)
    desk.run(at("2024-03-04 09:10"), at("2024-03-04 10:10"))
    return desk


def test_a_rule_over_its_limit_holds_all_that_is_due(tmp_path: Path) -> None:
    """Six at once under “above 5 an hour” are all held, nobody is told of any, and the owner hears the number."""
    desk = flooded(tmp_path, FIVE, 6)
    why = "6 due at once after 0 in the last hour are above 5 an hour"
    assert held(desk, *range(1, 7)) == [why] * 6
    assert heard(desk) == []
    assert notices(desk) == [f"held 6 of r: {why}"]
    assert [e.detail for e in desk.rule_journal() if e.event == "rule held"] == [f"6 cases: {why}"]
    assert [e.detail for key in range(1, 7) for e in desk.story(key) if e.event == "held"] == [why] * 6


def test_a_rule_at_its_limit_goes_on(tmp_path: Path) -> None:
    """Five at once under “above 5 an hour” are told of; the sixth within the hour is held, the next hour's is not."""
    desk = flooded(tmp_path, FIVE, 5)
    assert len(heard(desk)) == 5
    desk.order(6, placed_at="2024-03-04 09:50", **PAID)
    desk.order(7, placed_at="2024-03-04 10:15", **PAID)
    desk.run(at("2024-03-04 10:10"), at("2024-03-04 11:30"))
    assert [reason is not None for reason in held(desk, 6, 7)] == [True, False]
    assert heard(desk)[5:] == ["7"]


def test_the_owner_is_not_told_of_each_held_case(tmp_path: Path) -> None:
    """While a rule stays over its limit, one case after another, the owner hears of it once an hour, not each time."""
    desk = flooded(tmp_path, FIVE, 5)
    for minute in range(10, 40):
        desk.order(minute, placed_at=f"2024-03-04 09:{minute}", **PAID)
    desk.run(at("2024-03-04 10:10"), at("2024-03-04 10:45"))
    assert len(heard(desk)) == 5
    assert len(notices(desk)) == 1


def test_the_house_has_a_limit_of_its_own(tmp_path: Path) -> None:
    """A rule that names no limit has the one of the settings."""
    desk = flooded(tmp_path, RULE, 4, settings=SETTINGS + "limits: {hold: above 3 an hour}\n")
    assert heard(desk) == []


def test_hold_never_lifts_the_limit(tmp_path: Path) -> None:
    """“hold: never” sends whatever comes due, six hundred at once, over the limit that every rule has."""
    quick = SETTINGS.replace("sms: {kind: spoken,", "sms: {kind: spoken, connections: 32,")
    desk = flooded(tmp_path, RULE + "limits: {hold: never}\n", 600, settings=quick)
    assert len(set(heard(desk))) == len(heard(desk)) == 600


def test_every_rule_has_a_limit(tmp_path: Path) -> None:
    """Without a word on limits, 501 at once are held: nobody gets hundreds of messages by surprise."""
    desk = flooded(tmp_path, RULE, 501)
    assert heard(desk) == []
    assert notices(desk)[0].startswith("held 501 of r")


def test_what_is_released_is_not_held_again(tmp_path: Path) -> None:
    """Six that a person lets go leave, all six, though they are still above five an hour."""
    desk = flooded(tmp_path, FIVE, 6)
    let_go(desk, Overdue.SEND, "2024-03-04 10:15")
    assert sorted(heard(desk)) == ["1", "2", "3", "4", "5", "6"]
    assert held(desk, *range(1, 7)) == [None] * 6
