"""``duly ack``: somebody has taken a case on, and the ladder waits for them (law 14)."""

from __future__ import annotations

import datetime as dt
import getpass

import pytest

from acceptance.command import duly
from acceptance.shop import shop

MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def desk(tmp_path):
    """Give a shop with an order that went late ten minutes ago, so that the manager is to hear in some hours."""
    now = dt.datetime.now(dt.UTC)
    desk = shop(tmp_path)
    desk.start(now - 40 * MINUTE)
    desk.run(now - 40 * MINUTE, now - 40 * MINUTE)
    paid = (now - 130 * MINUTE).astimezone(dt.timezone(dt.timedelta(hours=8)))
    desk.order(7, paid_at=f"{paid:%Y-%m-%d %H:%M:%S}")
    desk.run(now - 39 * MINUTE, now)
    return desk


def test_a_case_that_is_taken_on_says_so(desk):
    """The journal names who; the case is acknowledged, and what was to come unanswered comes a working day later."""
    (before,) = desk.cases(7, "late")
    done = duly("ack", "late", "7", "--as", "zhou", "--home", desk.home)
    assert (done.code, done.out) == (0, "order 7 is in hand: zhou has taken it on.\n")
    (case,) = desk.cases(7, "late")
    assert (before.state, case.state) == ("open", "acknowledged")
    assert desk.story(7, "late")[-1].detail == "zhou has taken it on"
    assert before.next_at is None or case.next_at > before.next_at
    assert "acknowledged: zhou has taken it on" in duly("why", "late", "7", "--home", desk.home).out


def test_without_a_name_it_is_the_user_of_the_machine(desk):
    """Somebody always stands in the journal."""
    assert duly("ack", "rules/late.yaml", "7", "--home", desk.home).code == 0
    assert desk.story(7, "late")[-1].detail == f"{getpass.getuser()} has taken it on"


def test_what_is_not_open_cannot_be_taken_on(desk):
    """A record without an open case is named, with the command that tells why."""
    done = duly("ack", "late", "8", "--home", desk.home)
    assert (done.code, done.err) == (
        1,
        "no case of late is open for order 8: “duly why late 8” tells its story\n",
    )


def test_nothing_is_open_before_the_first_run(tmp_path):
    """Without a ledger the sentence says why."""
    shop(tmp_path)
    done = duly("ack", "late", "7", "--home", tmp_path)
    assert (done.code, done.err) == (1, "no case of late is open: Duly has not run it here yet\n")
