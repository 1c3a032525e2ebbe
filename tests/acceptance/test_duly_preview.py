"""``duly preview``: who would hear what, from the engine itself, with nothing sent and nothing written."""

from __future__ import annotations

from pathlib import Path

import pytest

from acceptance.command import duly
from acceptance.shop import RULE, shop
from duly.cli import main
from engine.desk import ORDERS

AT = ("--at", "2024-03-04 12:00")


@pytest.fixture
def home(tmp_path):
    """Give a shop with one order that is late, one that is nearly so, one that has shipped, and one without a clock."""
    desk = shop(tmp_path)
    desk.order(7, paid_at="2024-03-04 09:30:00")
    desk.order(8, paid_at="2024-03-04 11:45:00")
    desk.order(9, paid_at="2024-03-04 09:00:00", shipped_at="2024-03-04 10:00:00")
    return tmp_path


def everything(home: Path) -> dict[str, bytes]:
    """Read every file of a workspace."""
    return {str(path.relative_to(home)): path.read_bytes() for path in home.rglob("*") if path.is_file()}


def test_preview_shows_who_would_hear_what_word_for_word(home):
    """An order that is late: whom it goes up to, who hears of it, by which channel, in which words."""
    done = duly("preview", "late", *AT, "--home", home)
    assert done.code == 0
    assert done.err == ""
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    assert lines[:2] == [
        "Paid orders ship within two hours",
        "Mon 04 Mar 2024 12:00, Asia/Shanghai. As if nothing had been sent before; nothing is sent now.",
    ]
    assert "8 Mon 04 Mar 2024 13:45 after 30m: tell sales on duty Mon 04 Mar 2024 12:15" in lines
    said = done.out
    assert "2 orders match, 1 with a step due now." in said
    assert "  handed: Zhou has it now\n" in said
    assert "  Lin (sales on duty) by sms to +8613800000001:\n    Lin: order 7" in said
    assert "  Zhou (supervisor of sales) by sms to +8613800000003:\n    Zhou: order 7" in said


def test_a_clock_that_stands_still_is_said_so(tmp_path):
    """Of an order that is on hold a preview says that nothing comes, and why."""
    rule = RULE.replace("due: 2h", "due: 2h\npause: [on hold]")
    on_hold = ORDERS.replace("  cancelled: o.cancelled", "  on hold: o.amount = 0\n  cancelled: o.cancelled")
    desk = shop(tmp_path, rule, **{"config/vocabulary/orders.yaml": on_hold})
    desk.order(7, paid_at="2024-03-04 11:55:00", amount=0)
    done = duly("preview", "late", *AT, "--home", tmp_path)
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    assert "7 Mon 04 Mar 2024 13:55 none while its clock stands still: on hold –" in lines
    assert "1 order matches, none with a step due now." in done.out


def test_preview_writes_nothing_and_sends_nothing(home):
    """No file of the workspace changes, none is added: no ledger, no message, no trace in the service database."""
    before = everything(home)
    assert duly("preview", "late", *AT, "--home", home).code == 0
    assert everything(home) == before


def test_a_preview_is_as_it_would_be_after_a_release(home):
    """What a new rule holds, and what its limit would hold, is shown all the same."""
    rule = home / "rules/late.yaml"
    rule.write_text(RULE + "limits: {hold: above 1 an hour}\n", encoding="utf-8")
    found = duly("preview", "late", *AT, "--home", home, "--json").json
    messages = [one for one in found["records"][0]["deliveries"] if one["kind"] == "message"]
    assert {one["state"] for one in messages} == {"accepted"}
    assert len(messages) == 3


def test_a_preview_shows_some_and_counts_all(tmp_path):
    """Of many records the most urgent are shown, and the totals say how many there are."""
    desk = shop(tmp_path)
    for id in range(1, 31):
        desk.order(id, paid_at=f"2024-03-04 11:{60 - id if id > 1 else 59}:00")
    done = duly("preview", "late", *AT, "--limit", "3", "--home", tmp_path, "--json")
    assert (done.json["matching"], done.json["due"], done.json["shown"]) == (30, 1, 3)
    assert [record["key"] for record in done.json["records"]] == [30, 29, 28]
    said = duly("preview", "late", *AT, "--limit", "3", "--home", tmp_path).out
    assert "30 orders match, 1 with a step due now; the 3 most urgent are shown." in said


def test_records_without_a_clock_are_counted(tmp_path):
    """What would match but has no clock is not dropped in silence."""
    desk = shop(tmp_path, RULE.replace("where: [paid]\n", "").replace("clock: paid_at", "clock: placed_at"))
    desk.order(1, placed_at=None)
    desk.order(2, placed_at="2024-03-04 noon")
    done = duly("preview", "late", *AT, "--home", tmp_path)
    assert "1 order more would match, but without a clock to count from." in done.out
    assert "1 order more would match, but with an unreadable time." in done.out


def test_a_message_that_waits_for_its_hour_says_until_when(tmp_path):
    """In the customer's rest nothing leaves: the preview says when it would, and why not now."""
    desk = shop(tmp_path, RULE.replace("tell: sales on duty", "tell: customer"))
    desk.order(1, paid_at="2024-03-04 20:15:00")
    done = duly("preview", "late", "--at", "2024-03-04 21:00", "--home", tmp_path)
    wanted = "  Li (customer) by sms: not before Tue 05 Mar 2024 09:00, it is not the hour for it\n"
    assert wanted in done.out


def test_nothing_that_matches_is_said_so(tmp_path):
    """An empty shop has nothing to preview."""
    shop(tmp_path)
    assert "no orders match, none with a step due now." in duly("preview", "late", *AT, "--home", tmp_path).out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["preview", "lat"], 2, "there is no rule “lat”: did you mean “late”?\n"),
        (["preview", "late", "--at", "noon"], 2, "“noon” is no time: write it like “2026-11-23 09:00”"),
    ],
)
def test_slips_of_whoever_typed_it_end_with_2(arguments, code, said, home, capsys):
    """What was mistyped is named, with the cure."""
    assert main.run([*arguments, "--home", str(home)]) == code
    assert said in capsys.readouterr().err


def test_a_broken_rule_has_no_preview(home, capsys):
    """A rule with an error says where it is, and where all its errors are shown."""
    (home / "rules/late.yaml").write_text(RULE.replace("[paid]", "[payd]"), encoding="utf-8")
    assert main.run(["preview", "late", "--home", str(home)]) == 1
    assert capsys.readouterr().err == (
        "rules/late.yaml:4:9: R005 unknown fact “payd”; did you mean “paid”? (“duly check late” shows every problem)\n"
    )


def test_a_source_that_is_down_is_said_in_one_sentence(home, capsys):
    """Without its database a rule has no preview; the sentence says which, and where its address stands."""
    (home / "shop.db").unlink()
    assert main.run(["preview", "late", "--home", str(home)]) == 1
    said = capsys.readouterr().err
    assert said == "the source “shop” cannot be reached: see sources.shop.url in config/duly.yaml\n"
