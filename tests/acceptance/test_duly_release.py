"""``duly release``: a person sees what is held, decides, and the daemon goes on from there."""

from __future__ import annotations

import datetime as dt
import os
import pty
import subprocess
import sys

import pytest

from acceptance.command import REPOSITORY, duly
from acceptance.shop import NOON, shop

MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def desk(tmp_path):
    """Give a shop that began at noon with twelve orders that were late already."""
    desk = shop(tmp_path)
    for id in range(1, 13):
        desk.order(id, paid_at="2024-03-04 09:00:00")
    desk.start(NOON)
    desk.run(NOON, NOON)
    return desk


def held(desk) -> int:
    """Count the orders that are held."""
    return sum(case.held is not None for id in range(1, 13) for case in desk.cases(id, "late"))


def test_send_lets_what_is_overdue_go(desk):
    """The number and a sample are shown; then everything goes on, and the daemon sends it."""
    done = duly("release", "late", "--send", "--home", desk.home)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("late holds 12 cases.\n  12: it was late before the rule went live\n")
    assert "The first 10 of them:" in done.out
    assert done.out.endswith("12 cases go on: a running daemon sends what is overdue within seconds.\n")
    now = dt.datetime.now(dt.UTC)
    desk.run(now, now)
    assert len(list((desk.home / "outbox").rglob("*.txt"))) >= 12


def test_skip_leaves_out_what_is_overdue(desk):
    """Overdue steps never fire; the messages that come are those still to come."""
    done = duly("release", "late", "--skip", "--home", desk.home)
    assert done.code == 0
    assert done.out.endswith("12 cases go on; 24 overdue steps were skipped.\n")
    now = dt.datetime.now(dt.UTC)
    desk.run(now, now)
    assert held(desk) == 0
    assert [event for _, event in desk.events(1, "late")].count("skipped") == 2
    assert desk.deliveries(1, "late") == []


def test_a_program_has_to_say_what_becomes_of_them(desk):
    """Without a terminal nobody can be asked: the options are named, and nothing changes."""
    done = duly("release", "late", "--home", desk.home, said="send\n")
    assert done.code == 2
    assert done.err == "say what becomes of them: --send what is overdue, or --skip it\n"
    assert held(desk) == 12


def test_nothing_held_is_fine(desk):
    """A second release finds nothing, and says so."""
    duly("release", "late", "--send", "--home", desk.home)
    done = duly("release", "late", "--home", desk.home)
    assert (done.code, done.out) == (0, "Nothing is held for late.\n")


def test_nothing_can_be_held_before_the_first_run(tmp_path):
    """Without a ledger the sentence says why."""
    shop(tmp_path)
    done = duly("release", "late", "--send", "--home", tmp_path)
    assert (done.code, done.err) == (1, "nothing is held for late: Duly has not run it here yet\n")


def test_a_release_confirms_the_closings_that_a_check_refused(tmp_path):
    """After a check that closed nothing because most records were gone, a person's word lets the next one close."""
    desk = shop(tmp_path)
    desk.start(NOON)
    desk.run(NOON, NOON)
    for id in range(1, 31):
        desk.order(id, paid_at="2024-03-04 12:01:00")
    desk.run(NOON + MINUTE, NOON + 20 * MINUTE)
    desk.sql("delete from orders where id > 5")
    desk.run(NOON + 21 * MINUTE, NOON + 30 * MINUTE)
    done = duly("release", "late", "--yes", "--home", tmp_path)
    assert done.code == 0
    assert done.out.startswith("The last check of late closed nothing: 25 of 30 open cases would close")
    assert done.out.endswith("The next check closes what the last one refused to.\n")
    desk.run(NOON + 31 * MINUTE, NOON + 40 * MINUTE)
    assert [desk.cases(id, "late")[0].state for id in (5, 6)] == ["open", "gone"]


@pytest.mark.parametrize(("answer", "left"), [("skip", 0), ("keep", 12), ("", 12)])
def test_a_person_at_a_terminal_is_asked(desk, answer, left):
    """At a terminal the question comes after the number; keeping things as they are is the default."""
    controller, terminal = pty.openpty()
    environ = {**os.environ, "PYTHONPATH": f"{REPOSITORY}/scheduler:{REPOSITORY}/plugins", "TERM": "dumb"}
    command = [sys.executable, "-m", "duly", "release", "late", "--home", str(desk.home)]
    with subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal, env=environ) as process:
        os.close(terminal)
        os.write(controller, f"{answer}\n".encode())
        said = b""
        while True:
            try:
                said += os.read(controller, 4096)
            except OSError:  # the other end is closed
                break
    os.close(controller)
    assert process.returncode == 0
    assert b"late holds 12 cases." in said
    assert b"What becomes of them? (send, skip, keep) [keep]:" in said
    assert held(desk) == left
