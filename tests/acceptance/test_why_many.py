"""``duly why`` of a record with many people: what happened to most of them is one line."""

import pytest

from acceptance.shop import FILES as SHOP
from duly.cli import main
from engine.desk import Desk, at
from engine.test_crowd import CUT, FILES, RULE, fill

EVENING = RULE.replace("residents, by: chat else sms", "residents, between: 18:00-20:00, by: sms")


def story(home, rule, until, capsys):
    """Announce a cut to 30 residents, and return the lines of its story."""
    desk = Desk(home, {"r": rule}, files={**FILES, **SHOP})
    desk.sql("create table blocks (id integer primary key)")
    desk.sql("create table outages (id integer primary key, block int, starts_at text, called_off int default 0)")
    desk.sql(
        "create table residents (id integer primary key, block int, name text, phone text, chat text, lang text,"
        " zone text, rest text, no_sms int, moved_out text)"
    )
    desk.sql("insert into outages (id, block, starts_at) values (1, 1, :at)", at=CUT)
    fill(desk, 30)
    desk.start(at("2024-03-05 09:50"))
    desk.run(at("2024-03-05 09:50"), at(until))
    assert main.run(["why", "r", "1", "--home", str(desk.home)]) == 0
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("by", ["sms", "chat else sms"])
def test_what_happened_to_many_is_told_of_the_first_and_counted(tmp_path, capsys, by):
    """The number is there, and nobody reads 30 lines that say the same."""
    lines = story(tmp_path, RULE.replace("chat else sms", by), "2024-03-05 10:05", capsys)
    (told,) = [line for line in lines if "was told by sms" in line]
    assert "R1 (residents) was told by sms: “R1: cut in block 1”, and 29 more like this" in told
    assert ("could not be told by chat" in " ".join(lines)) is (by != "sms")
    assert len(lines) < 30


def test_who_waits_is_counted_as_well(tmp_path, capsys):
    """Of many who are still to hear, the first 20 are named."""
    lines = story(tmp_path, EVENING, "2024-03-05 10:05", capsys)
    assert sum("is told by sms, not before" in line for line in lines) == 20
    assert "to come 10 more are told" in lines


def test_a_preview_shows_the_first_of_many_and_counts_the_others(tmp_path, capsys):
    """Nobody waits for the words of 30 people, and nobody is left in doubt that there are 30."""
    story(tmp_path, RULE, "2024-03-05 09:50", capsys)
    assert main.run(["preview", "r", "--at", "2024-03-05 10:05", "--home", str(tmp_path)]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert sum(line.startswith("R") and "by sms to +86138" in line for line in lines) == 3
    assert "and 27 more residents" in lines
