"""``duly pause`` and ``duly retire``: a person stops a rule, and says so on every daemon at once."""

from __future__ import annotations

import datetime as dt
import getpass

import pytest

from acceptance.command import duly
from acceptance.shop import NOON, shop

FOR = "Invalid value for --for: "
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def desk(tmp_path):
    """Give a shop that has worked since noon, with one order that is due in half an hour."""
    desk = shop(tmp_path)
    desk.start(NOON)
    desk.run(NOON, NOON)
    desk.order(1, paid_at="2024-03-04 12:01:00")
    desk.run(NOON + MINUTE, NOON + 10 * MINUTE)
    return desk


def states(desk) -> dict:
    """Return how the rule stands, for programs."""
    return duly("status", "--home", desk.home, "--json").json["rules"][0]


def test_a_rule_is_paused_until_somebody_ends_it(desk):
    """Status says since when, by whom and how it ends; the end says so, and a second end does no harm."""
    done = duly("pause", "late", "--as", "lin", "--home", desk.home)
    assert (done.code, done.out) == (0, "late fires nothing until “duly pause late --end”.\n")
    assert states(desk)["state"] == "paused"
    assert (states(desk)["paused"]["by"], states(desk)["paused"]["until"]) == ("lin", None)
    assert " by lin, until “duly pause late --end”.\n" in duly("status", "--home", desk.home).out
    desk.run(NOON + 10 * MINUTE, NOON + 60 * MINUTE)
    assert desk.deliveries(1, "late") == []
    done = duly("pause", "rules/late.yaml", "--end", "--home", desk.home)
    assert (done.code, done.out) == (0, "late goes on.\n")
    assert duly("pause", "late", "--end", "--home", desk.home).out == "late is not paused.\n"
    assert desk.rule_journal("late")[-1].detail == f"{getpass.getuser()} has ended the pause of the rule"


def test_a_pause_has_an_end_if_that_is_said(desk):
    """The end is a wall time at the desk."""
    done = duly("pause", "late", "--for", "2h", "--home", desk.home)
    assert done.code == 0
    assert done.out.startswith("late fires nothing until ")
    paused = states(desk)["paused"]
    span = dt.datetime.fromisoformat(paused["until"]) - dt.datetime.fromisoformat(paused["since"])
    assert span == dt.timedelta(hours=2)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--for", "50%"],
            "Invalid value for --for: a pause cannot last “50%”: write it like “2h”, “3d” or “1 working day”",
        ),
        (["--for", "2 hours"], "Invalid value for --for: “2 hours”: Duly says “2h”"),
        (["--as", "lim"], "Invalid value for --as: there is nobody “lim” in the directory: did you mean “lin”?"),
        (["--for", "2h", "--end"], "--end ends a pause now, and --for begins one: give one of them"),
    ],
)
def test_a_slip_changes_nothing(desk, arguments, said):
    """What cannot be meant is a usage error with the cure."""
    done = duly("pause", "late", *arguments, "--home", desk.home)
    assert done.code == 2
    assert done.err.splitlines()[-1] == f"Error: {said}"
    assert states(desk)["state"] == "live"


def test_a_rule_is_retired_once_a_person_says_yes(desk):
    """The number comes first; without a terminal --yes is needed; the file that is still there is named."""
    done = duly("retire", "late", "--home", desk.home)
    assert (done.code, done.out, done.err) == (
        2,
        "late has 1 open case.\n",
        "nothing was changed: say --yes to retire it\n",
    )
    done = duly("retire", "late", "--yes", "--as", "zhou", "--home", desk.home)
    assert done.code == 0
    assert done.out == (
        "late has 1 open case.\n"
        "late is retired: 1 case closed, no deliveries cancelled.\n"
        "Its file is still there: delete rules/late.yaml, or “duly retire late --end”.\n"
    )
    assert states(desk)["state"] == "retired"
    needs = duly("status", "--home", desk.home, "--json").json["needs"]
    assert "late is retired, but its file is still there: delete it, or “duly retire late --end”" in needs
    (desk.home / "rules/late.yaml").unlink()
    status = duly("status", "--home", desk.home, "--json").json
    assert not any("late" in need for need in status["needs"])
    assert duly("retire", "late", "--end", "--home", desk.home).out == "late is taken up again.\n"


def test_what_duly_has_never_run_can_be_neither_paused_nor_retired(tmp_path):
    """Without a ledger the sentence says why."""
    shop(tmp_path)
    done = duly("pause", "late", "--home", tmp_path)
    assert (done.code, done.err) == (1, "late cannot be paused: Duly has not run it here yet\n")
    done = duly("retire", "late", "--yes", "--home", tmp_path)
    assert (done.code, done.err) == (1, "there is nothing to retire of late: Duly has not run it here yet\n")
