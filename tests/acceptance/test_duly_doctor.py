"""``duly doctor``: one line each, exit code 1 for problems, the same for programs."""

from __future__ import annotations

from acceptance.command import duly
from acceptance.shop import NOON, shop


def test_a_sound_workspace_is_well(tmp_path):
    """Every part of it has a line; nothing is changed by looking."""
    desk = shop(tmp_path)
    desk.start(NOON)
    done = duly("doctor", "--home", tmp_path)
    assert (done.code, done.err) == (0, "")
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    assert lines[0] == "ok files no problems, no warnings"
    assert "ok source shop answers, and is only read" in lines
    assert "ok channel sms opens" in lines
    assert any(line.startswith("ok ledger can be written, in version ") for line in lines)
    assert any(line.startswith("ok disk has ") for line in lines)
    assert not (tmp_path / "outbox").exists()


def test_what_is_wrong_is_a_problem_with_its_cure(tmp_path):
    """A database that is away and a broken rule: each has its line, and the exit code says that there is a problem."""
    shop(tmp_path, rule="rule: nothing else\n")
    (tmp_path / "shop.db").unlink()
    done = duly("doctor", "--home", tmp_path, "--json")
    assert done.code == 1
    found = {each["about"]: each for each in done.json}
    assert (found["files"]["state"], found["files"]["cure"]) == ("problem", "“duly check” shows them")
    assert found["source shop"] == {
        "about": "source shop",
        "state": "problem",
        "says": "cannot be reached",
        "cure": "see sources.shop.url in config/duly.yaml",
    }
    assert found["ledger"]["says"] == "is not there yet; “duly run” makes it"
