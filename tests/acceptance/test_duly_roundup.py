"""Roundups on the command line: `duly preview` and `duly why`."""

from __future__ import annotations

import pytest

from acceptance.command import duly
from engine.desk import Desk, at

RULE = """\
rule: The day's orders
owner: sales
watch: orders
clock: placed_at
check: daily 18:00
roundup: {tell: manager of sales, by: email, period: since last, list: [order, customer], empty: skip}
"""
WORDS = {"notifications/duly/report.j2": "{{ rule }} as of {{ as_of|time }}\n{{ report }}"}


@pytest.fixture
def desk(tmp_path):
    """Give a desk with a roundup and one order; its channels print, so that the command line knows them."""
    made = Desk(tmp_path, {"day": RULE}, files=WORDS)
    made.order(7, name="Kim", placed_at="2024-03-04 09:00")
    return made


def printing(desk):
    """Turn the channels into ones that ship."""
    settings = desk.home / "config/duly.yaml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("kind: spoken", "kind: file, folder: out"))


def test_preview_shows_the_report_word_for_word(desk):
    """Who would hear what is shown as if this were the slot, and nothing is sent or written."""
    printing(desk)
    done = duly("preview", "day", "--at", "2024-03-04 12:00", "--home", desk.home)
    lines = [line.rstrip() for line in done.out.splitlines()]
    assert "  Wang (manager of sales) by email to wang@shop.example:" in lines
    assert "    7 · Kim" in lines
    assert not (desk.home / "out").exists()
    found = duly("preview", "day", "--at", "2024-03-04 12:00", "--home", desk.home, "--json").json
    assert found["since"] == "2024-03-03T18:00:00+08:00"
    assert [one["text"] for one in found["deliveries"]] == [
        "The day's orders as of 4 Mar 12:00\nThe day's orders\norder · customer\n7 · Kim\nΣ 1"
    ]


def test_preview_says_that_there_is_nothing(desk):
    """A report that would be skipped is said to be."""
    printing(desk)
    done = duly("preview", "day", "--at", "2024-03-04 08:00", "--home", desk.home)
    assert "there was nothing to report, so nobody was told" in done.out


def test_why_tells_the_story_of_a_day(desk):
    """Of a roundup the key is a day: what was sent, to whom, and what became of it."""
    desk.start(at("2024-03-04 08:00"))
    desk.run(at("2024-03-04 08:00"), at("2024-03-05 20:00"))
    desk.ledger.close()
    printing(desk)
    done = duly("why", "day", "2024-03-04", "--home", desk.home)
    said = " ".join(done.out.split())
    assert done.code == 0
    assert "a report of 1 record, to Wang" in said
    assert "Wang (manager of sales) was told by email" in said
    assert "nothing to report" in duly("why", "day", "2024-03-05", "--home", desk.home).out
    found = duly("why", "day", "2024-03-04", "--home", desk.home, "--json").json
    assert [(one["recipient"], one["state"]) for one in found["deliveries"]] == [("Wang", "accepted")]


def test_why_wants_a_day(desk):
    """A record's key is no day; what to write is said, and a day without a slot ends with 1."""
    printing(desk)
    done = duly("why", "day", "7", "--home", desk.home)
    assert (done.code, done.err.strip()) == (2, "day is a roundup: name the day of its slot, such as “2026-11-23”")
    assert duly("why", "day", "2024-03-01", "--home", desk.home).code == 1
