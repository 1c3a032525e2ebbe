"""``duly simulate``: days of a rule as a table, as JSON and as a picture, with nothing sent and nothing written."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from acceptance.command import duly
from acceptance.shop import RULE, shop
from duly.cli import main

SPAN = ("--from", "2024-03-04", "--to", "2024-03-07")


@pytest.fixture
def home(tmp_path):
    """Give a shop with two orders paid on Monday, of which one shipped in time, and one that was late before."""
    desk = shop(tmp_path)
    desk.order(7, paid_at="2024-03-04 09:30:00")
    desk.order(8, paid_at="2024-03-04 11:45:00", shipped_at="2024-03-04 13:00:00")
    desk.order(9, paid_at="2024-03-01 11:45:00")
    return tmp_path


def test_a_simulation_shows_day_by_day_who_is_told(home):
    """The table, what the source cannot know, what was late before, and the first messages with their words."""
    done = duly("simulate", "late", *SPAN, "--home", home)
    assert (done.code, done.err) == (0, "")
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    assert lines[:2] == [
        "Paid orders ship within two hours",
        "Mon 04 Mar 2024 00:00 to Thu 07 Mar 2024 00:00, Asia/Shanghai. Nothing is sent.",
    ]
    said = " ".join(lines)
    assert "From their own time on: paid, shipped. As now, for the vocabulary gives no time for it: cancelled." in said
    assert "1 order is late already when it begins. A rule that is new holds such until “duly release”" in said
    table = lines[lines.index("day step orders told") + 1 :]
    assert table[:3] == [
        "Mon 04 Mar after 30m: tell sales on duty 2 Lin 2",
        "late at once: escalate supervisor of sales 1 Zhou 1, Lin 1",
        "unanswered 4 working hours: tell manager of sales 1 Wang 1",
    ]
    assert "5 messages in all: Lin 3, Zhou 1, Wang 1" in lines
    assert "Mon 04 Mar 2024 10:00 Lin (sales on duty) by sms to +8613800000001: Lin: order 7" in said


def test_programs_get_a_simulation_as_json(home):
    """Days with their steps and counts, and the messages."""
    found = duly("simulate", "late", *SPAN, "--messages", "1", "--home", home, "--json").json
    assert (found["from"], found["to"]) == ("2024-03-04T00:00:00+08:00", "2024-03-07T00:00:00+08:00")
    assert (found["in_sight"], found["late_before"], found["rounded_up_to_seconds"]) == (3, 1, 0)
    assert found["days"][1] == {
        "day": "2024-03-04",
        "step": "late at once · escalate · supervisor of sales",
        "cases": 1,
        "told": {"Zhou": 1, "Lin": 1},
        "done": {"escalate": 1},
        "ended": {},
    }
    assert [one["text"] for one in found["messages"]] == ["Lin: order 7"]


def test_the_picture_is_svg_with_a_row_for_each_step(home, tmp_path):
    """It is well-formed, names every step and draws a bar for each hour in which something left."""
    file = tmp_path / "late.svg"
    done = duly("simulate", "late", *SPAN, "--picture", file, "--home", home)
    assert done.out.endswith(f"The picture is {file}.\n")
    picture = ET.parse(file).getroot()
    texts = [element.text for element in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert {"after 30m: tell sales on duty", "supervisor of sales", "Mon 04 Mar", "Wed 06 Mar"} <= set(texts)
    bars = [title.text for title in picture.iter("{http://www.w3.org/2000/svg}title")][1:]
    assert bars == ["Mon 04 Mar 10:00: 1", "Mon 04 Mar 12:00: 1", "Mon 04 Mar 11:00: 2", "Mon 04 Mar 15:00: 1"]


def test_nobody_who_hears_is_said_so(tmp_path):
    """A shop without orders gives no table."""
    shop(tmp_path)
    assert "Nobody would hear anything.\n" in duly("simulate", "late", *SPAN, "--home", tmp_path).out


def test_a_hold_is_shown_with_its_hour(tmp_path):
    """A rule over its limit stops there, as it would."""
    desk = shop(tmp_path, RULE + "limits: {hold: above 1 an hour}\n")
    desk.order(1, paid_at="2024-03-04 09:30:00")
    desk.order(2, paid_at="2024-03-04 09:30:00")
    said = " ".join(duly("simulate", "late", *SPAN, "--home", tmp_path).out.split())
    assert "Mon 04 Mar 2024 10:00: held 2 cases: 2 due at once after 0 in the last hour are above 1 an hour." in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from", "monday"], "“monday” is no date: write it like “2026-11-23” or “2026-11-23 09:00”"),
        (["--from", "2024-03-04", "--to", "2024-03-04"], "nothing lies between --from and --to"),
        (["--picture", "late.png"], "“late.png” is no SVG: name it FILE.svg"),
        (["--picture", "nowhere/late.svg", *SPAN], "nowhere/late.svg cannot be written: no such file or directory"),
    ],
)
def test_slips_of_whoever_typed_it_are_named(arguments, said, home, capsys):
    """What was mistyped is named, with the cure."""
    assert main.run(["simulate", "late", *arguments, "--home", str(home)]) in {1, 2}
    assert said in capsys.readouterr().err
