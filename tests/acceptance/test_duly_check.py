"""``duly check``: every problem at once, at its place, with its cure; and the examples of what can run."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from acceptance.command import duly
from acceptance.shop import shop
from duly.cli import main
from duly.engine.plugins import Plugins, Quarantined, load_plugins

SHIP = "rules/orders/ship-within-72h.yaml"


def edit(file: Path, *changes: tuple[str, str]) -> None:
    """Replace words in a file that has them."""
    text = file.read_text(encoding="utf-8")
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    file.write_text(text, encoding="utf-8")


@pytest.fixture
def quick(workspace: Path) -> Path:
    """Give the starter pack without its examples, which take a while."""
    for rule in (workspace / "rules").rglob("*.yaml"):
        rule.write_text(rule.read_text(encoding="utf-8").partition("\nexamples:")[0] + "\n", encoding="utf-8")
    return workspace


def test_the_starter_pack_has_no_problems(workspace):
    """What ``duly init`` makes passes its own check, with every example run."""
    done = duly("check", "--home", workspace)
    assert (done.code, done.out, done.err) == (0, "4 rules, 25 examples, no problems\n", "")


def test_all_problems_of_a_rule_are_shown_at_once_each_with_its_line_and_cure(quick):
    """Two misspelt facts give two problems, a caret under each, and the other rules are still tried."""
    edit(quick / SHIP, ("where: [paid]", "where: [payd]"), ("done: [shipped]", "done: [shiped]"))
    done = duly("check", "--home", quick)
    assert done.code == 1
    assert done.out == (
        f"{SHIP}:5:9: R005 unknown fact “payd”; did you mean “paid”?\n"
        "  where: [payd]\n"
        "          ^\n"
        f"{SHIP}:7:8: R005 unknown fact “shiped”; did you mean “shipped”?\n"
        "  done: [shiped]\n"
        "         ^\n"
        "\n"
        "4 rules (1 broken), no examples, 2 problems\n"
    )


def test_an_example_that_comes_out_differently_is_a_problem_of_its_rule(workspace):
    """The engine's own answer is held against what the rule expects."""
    edit(workspace / SHIP, ("due: 72h", "due: 71h"))
    done = duly("check", SHIP, "--home", workspace, "--json")
    assert done.code == 1
    first = done.json["problems"][0]
    assert (first["code"], first["path"], first["line"]) == ("X010", SHIP, 17)
    assert first["message"].startswith("“ordered on Monday, paid on Tuesday; the clock starts on Tuesday”: expected")


def test_a_named_rule_leaves_the_problems_of_other_rules_out(quick):
    """``duly check RULE`` shows what concerns that rule: by its name, or by its file."""
    edit(quick / SHIP, ("where: [paid]", "where: [payd]"))
    for name in ("orders/unpaid-reminder", "rules/orders/unpaid-reminder.yaml"):
        done = duly("check", name, "--home", quick)
        assert (done.code, done.out) == (0, "1 rule, no examples, no problems\n")
    assert duly("check", "orders/ship-within-72h", "--home", quick).code == 1


def test_an_unknown_rule_is_a_slip_of_whoever_typed_it(quick, capsys):
    """A rule that is not there is named, with the one that was probably meant."""
    assert main.run(["check", "orders/ship-within-72", "--home", str(quick)]) == 2
    said = capsys.readouterr().err
    assert said == "there is no rule “orders/ship-within-72”: did you mean “orders/ship-within-72h”?\n"


def test_broken_settings_are_shown_with_all_else(quick):
    """Without settings nothing can run, but every problem is still shown."""
    edit(quick / "config/duly.yaml", ("rest: 20:30-09:00", "rest: 20:30-25:00"))
    edit(quick / SHIP, ("due: 72h", "due: 72x"))
    found = duly("check", "--home", quick, "--json")
    assert found.code == 1
    assert {problem["path"] for problem in found.json["problems"]} == {"config/duly.yaml", SHIP}


def test_settings_of_a_channel_are_checked(quick):
    """A channel whose plugin lacks a setting is a problem, for its plugin is asked."""
    edit(quick / "config/duly.yaml", ("sms: {kind: file, folder: outbox/sms, address: phone}", "sms: {kind: sms}"))
    found = duly("check", "--home", quick, "--json")
    assert found.code == 1
    assert "the channel “sms” lacks “url”" in [problem["message"] for problem in found.json["problems"]]


def test_a_plugin_in_quarantine_is_a_warning(quick, monkeypatch, capsys):
    """A plugin that was left out is named with its cause; where nothing needs it, all is fine."""
    real = load_plugins()
    left_out = Quarantined("acme", "1.2", "it has no hooks")
    monkeypatch.setattr(
        "duly.cli.desk.load_plugins", lambda: Plugins(real.channels, real.actions, (*real.quarantined, left_out))
    )
    assert main.run(["check", "--home", str(quick)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == (
        "config/duly.yaml:1:1: P010 warning: the plugin “acme” 1.2 was left out: it has no hooks; mend or remove it"
    )
    assert said[-1] == "4 rules, no examples, no problems, 1 warning"


def test_live_says_which_words_the_database_does_not_know(quick):
    """``--live`` asks the source: a missing table is said at the word of the vocabulary."""
    with contextlib.closing(sqlite3.connect(quick / "shop.db")) as connection:
        connection.execute("create table customers (id integer)")
    done = duly("check", "orders/ship-within-72h", "--live", "--home", quick)
    assert done.code == 1
    assert "config/vocabulary/orders.yaml:5:7: S002 the source “shop” has no table “orders”" in done.out
    assert "  from: orders o left join" in done.out


def test_live_says_once_that_a_database_cannot_be_reached(quick):
    """A source that does not answer is one problem, where its address stands, not one a rule."""
    found = duly("check", "--live", "--home", quick, "--json")
    assert found.code == 1
    assert [(p["code"], p["path"], p["message"]) for p in found.json["problems"]] == [
        ("S001", "config/duly.yaml", "the source “shop” cannot be reached")
    ]


def found_live(home) -> list[str]:
    """Return what the source itself shows of the rule, as people read it."""
    done = duly("check", "late", "--live", "--home", home, COLUMNS="200")
    assert done.code == 0
    lines = done.out.splitlines()
    return ["\n".join(lines[at : at + 3]) for at, line in enumerate(lines) if " warning: " in line and ": S0" in line]


def test_live_warns_of_an_exclusion_that_excludes_nothing(tmp_path):
    """A fact that holds for no record is more often misspelt SQL than the truth; once one is there, all is fine.

    Before the first order, nothing is said.
    """
    desk = shop(tmp_path)
    assert found_live(tmp_path) == []
    desk.order(7, paid_at="2024-03-04 09:30:00")
    (found,) = found_live(tmp_path)
    assert found == (
        "rules/late.yaml:5:10: S006 warning: “cancelled” holds for none of the orders that there are, so it excludes "
        "nothing; see what it is made of in config/vocabulary/orders.yaml\n"
        "  except: [cancelled]\n"
        "           ^"
    )
    desk.order(8, cancelled=1)
    assert found_live(tmp_path) == []


def test_live_warns_of_a_large_table_that_each_check_reads_whole(tmp_path):
    """The place is the rule's clock, and the cure an index."""
    desk = shop(tmp_path)
    desk.sql(
        "insert into orders (id, paid_at, cancelled) "
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < 50000) "
        "select i, '2024-03-04 09:00:00', 1 from n"
    )
    (found,) = found_live(tmp_path)
    assert found == (
        "rules/late.yaml:7:8: S007 warning: each check reads all of the large table orders; index what the time "
        "paid_at is made of\n"
        "  clock: paid_at\n"
        "         ^"
    )
    desk.sql("create index orders_paid_at on orders (paid_at)")
    assert found_live(tmp_path) == []


@pytest.mark.parametrize("file", ["config/duly.yaml", "config/directory.yaml"])
def test_commands_that_need_the_whole_workspace_say_what_keeps_it_from_running(quick, file, capsys):
    """Without settings or directory, status stops at the first problem and says where all are."""
    (quick / file).write_text("\t", encoding="utf-8")
    assert main.run(["status", "--home", str(quick)]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"{file}:1:1: Y005 ")
    assert said.endswith(" (“duly check” shows every problem)\n")
