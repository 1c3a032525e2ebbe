"""``duly demo``: the product at work, from a new folder to messages that can be read."""

from __future__ import annotations

import datetime as dt
import json
import re
import signal
import sqlite3
from pathlib import Path

import pytest

from acceptance.command import duly
from duly.cli import main

TOTALS = {"opened", "closed", "accepted", "rejected", "held", "unsure", "failed"}
RULES = {"care/holiday-notice", "complaints/callback-3d", "orders/ship-within-72h", "orders/unpaid-reminder"}


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """Play the demo once, as programs do."""
    return duly("demo", "--for", "8s", "--json", "--scale", "0.1", "--dir", tmp_path_factory.mktemp("demo") / "shop")


def test_the_demo_ends_by_itself_with_its_totals(played):
    """One JSON object with all seven totals, and nothing else on standard output; no check and no delivery broke."""
    assert played.code == 0, played.err
    totals = played.json
    assert totals.keys() == TOTALS | {"from", "until", "home"}
    assert totals["failed"] == 0
    assert totals["unsure"] == 0
    assert totals["opened"] >= totals["closed"] > 0
    assert totals["accepted"] > 0
    assert totals["held"] > 0, "some orders were late before Duly came"


def test_its_clock_starts_on_a_working_morning_and_runs_fast(played):
    """Within seconds hours have passed: the same morning before a holiday, each time."""
    begun, ended = (dt.datetime.fromisoformat(played.json[name]) for name in ("from", "until"))
    assert begun.isoformat() == "2026-09-30T08:30:00+08:00"
    assert ended - begun > dt.timedelta(hours=4)


def test_all_four_rules_have_spoken(played):
    """Overdue shipments, unpaid orders, callbacks and holiday notices: somebody has heard of each."""
    ledger = sqlite3.connect(Path(played.json["home"]) / "duly.db")
    spoken = ledger.execute(
        "select distinct rule.path from delivery join rule on rule.id = rule_id where delivery.state = 'accepted'"
    )
    assert {path for (path,) in spoken} == RULES
    ledger.close()


def test_every_accepted_message_can_be_opened_and_read(played):
    """As many files as messages: each says whom it went to, and holds words without a gap."""
    home = Path(played.json["home"])
    ledger = sqlite3.connect(home / "duly.db")
    query = "select receipt, channel, body from delivery where state = 'accepted' and kind = 'message'"
    accepted = {f"{channel}/{receipt}": body for receipt, channel, body in ledger.execute(query)}
    ledger.close()
    files = {str(path.relative_to(home / "outbox")): path.read_text("utf-8") for path in home.glob("outbox/*/*.txt")}
    assert files.keys() == accepted.keys()
    assert len(files) == played.json["accepted"]
    for name, text in files.items():
        head, _, words = text.partition("\n\n")
        assert re.search(r"^To: \S+", head, re.MULTILINE), name
        assert words.strip() == accepted[name].strip()
        assert len(words.strip()) > 10
        assert "{{" not in words
        assert "None" not in words


def test_one_can_look_further_into_what_it_has_played(played):
    """Its workspace is one like any other: ``status`` and ``why`` tell of it."""
    home = Path(played.json["home"])
    seen = duly("status", "--json", "--home", home).json
    assert {rule["rule"] for rule in seen["rules"]} == RULES
    assert all(rule["state"] == "live" for rule in seen["rules"])
    ledger = sqlite3.connect(home / "duly.db")
    query = "select cast(key as text) from cases join rule on rule.id = rule_id where path = 'orders/ship-within-72h'"
    (key,) = ledger.execute(query).fetchone()
    ledger.close()
    assert duly("why", "orders/ship-within-72h", key, "--home", home).code == 0


def test_without_a_terminal_it_prints_plain_lines(tmp_path):
    """Whoever pipes it gets a line a happening, dated, without colours and cursor movements, and where to read on."""
    done = duly("demo", "--for", "2s", "--scale", "0.1", TMPDIR=str(tmp_path))
    assert done.code == 0
    assert "\x1b" not in done.out
    assert re.search(r"^2026-09-30 \d\d:\d\d:\d\d ➤ .+ by \w+: \S", done.out, re.MULTILINE)
    assert re.search(r"^2026-09-30 \d\d:\d\d:\d\d ○ orders/\S+ \d+ is followed up$", done.out, re.MULTILINE)
    home = next(tmp_path.glob("duly-demo-*"))
    assert f"duly status --home {home}" in done.out


def test_it_can_run_in_real_time_from_now(tmp_path):
    """At speed 1 from now, seconds are seconds."""
    before = dt.datetime.now(dt.UTC).replace(microsecond=0)
    done = duly("demo", "--speed", "1", "--at", "now", "--for", "3s", "--json", "--scale", "0.02", TMPDIR=str(tmp_path))
    assert done.code == 0, done.err
    begun, ended = (dt.datetime.fromisoformat(done.json[name]) for name in ("from", "until"))
    assert before <= begun <= ended <= dt.datetime.now(dt.UTC)
    assert dt.timedelta(seconds=2) <= ended - begun
    assert done.json["failed"] == 0


def test_ctrl_c_ends_it_early_and_well(tmp_path, monkeypatch, capsys):
    """Whoever has seen enough gets the totals, and exit code 0."""
    from duly.cli import demo

    class Enough(demo.Show):
        def update(self, *arguments, **keywords):
            super().update(*arguments, **keywords)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(demo, "Show", Enough)
    assert main.run(["demo", "--json", "--scale", "0.02", "--dir", str(tmp_path / "shop")]) == 0
    assert json.loads(capsys.readouterr().out).keys() >= TOTALS


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--for", "soon"], "soon"),
        (["--for", "2 working hours"], "is no length of time: write 20s or 5m"),
        (["--for", "0s"], "0s"),
        (["--at", "noon"], "“noon” is no time: write “now” or “2026-09-29 08:30”"),
        (["--speed", "0"], "--speed"),
        (["--scale", "0"], "--scale"),
    ],
)
def test_slips_of_whoever_typed_it_end_with_2_and_leave_nothing(arguments, said, tmp_path, capsys):
    """What was mistyped is named, and no folder is made for it."""
    assert main.run(["demo", *arguments, "--dir", str(tmp_path / "shop")]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "shop").exists()


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path, capsys):
    """The demo overwrites nobody's files."""
    (tmp_path / "kept.txt").write_text("mine", encoding="utf-8")
    assert main.run(["demo", "--for", "1s", "--dir", str(tmp_path)]) == 2
    assert "is not empty: name a new folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]
