"""Crashes: real processes, killed with SIGKILL at every step of the way, lose nothing and repeat nothing (law 11)."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from duly.ledger.ledger import Ledger
from duly.ledger.schema import cases, delivery, firing
from engine.desk import SETTINGS, Desk
from engine.killing import kill_at, live_on, sent, stopped_at
from engine.telling import HOUR, MINUTE, MONDAY, paid, rule

ORDERS = 5
TEN = MONDAY + HOUR
BEFORE_BYTES = ("some opened", "fired", "claimed")
"""Where nothing has left yet: all must be accepted in the end."""
UNDER_WAY = ("before 1", "after 1", "before 3", "after 3", f"after {ORDERS}")
"""Where one message is on its way: it alone is left to a person, unless the channel knows better."""


@pytest.fixture
def file_ledger(tmp_path) -> str:
    """Give the URL of an empty ledger in a file."""
    return f"sqlite:///{tmp_path}/ledger.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request) -> str:
    """Give the URL of an empty ledger, in a file and on a server."""
    return request.getfixturevalue("file_ledger" if request.param == "sqlite" else "postgresql_url")


def shop(home: Path, ledger: str, channel: str = "", connections: int = 1) -> None:
    """Write down a workspace whose five customers are to be told at ten, live since nine o'clock."""
    recording = f"{{kind: recording, address: phone, connections: {connections}{channel}}}"
    settings = SETTINGS.replace("{kind: spoken, address: phone}", recording).replace("kind: spoken", "kind: recording")
    steps = rule("after: 1h, tell: customer, text: hello, by: sms")
    desk = Desk(home, {"r": steps}, files={"config/duly.yaml": settings}, ledger=ledger)
    live_on(home, ledger, MONDAY, MONDAY)
    for id in range(1, ORDERS + 1):
        paid(desk, id)


def ended(ledger: str) -> list[str]:
    """Tell how each order's delivery ended: every order has one case, one firing and one delivery, and no lease."""
    keeper = Ledger(ledger)
    with keeper.read() as connection:
        found = connection.execute(
            sa.select(cases.c.key, delivery.c.state, firing.c.state.label("step"), delivery.c.lease_until)
            .join(firing, firing.c.case_id == cases.c.id)
            .join(delivery, delivery.c.firing_id == firing.c.id)
            .order_by(cases.c.key)
        ).all()
    keeper.close()
    assert [row.key for row in found] == [str(id).encode() for id in range(1, ORDERS + 1)]
    assert {(row.step, row.lease_until) for row in found} == {("fired", None)}
    return [row.state for row in found]


def got(home: Path) -> dict[str, int]:
    """Count what the other side got for each address."""
    addresses = [one["to"] for one in sent(home)]
    return {address: addresses.count(address) for address in addresses}


@pytest.mark.parametrize("point", BEFORE_BYTES)
def test_a_crash_before_a_byte_has_left_loses_nothing(tmp_path, ledger, point):
    """Killed while a check opens cases, after a step has fired or after a claim: everybody hears, once (failure 1)."""
    shop(tmp_path, ledger)
    kill_at(point, tmp_path, ledger, MONDAY, TEN)
    live_on(tmp_path, ledger, TEN, TEN + HOUR)
    assert ended(ledger) == ["accepted"] * ORDERS
    assert list(got(tmp_path).values()) == [1] * ORDERS


@pytest.mark.parametrize("point", UNDER_WAY)
def test_a_crash_under_way_repeats_nothing(tmp_path, ledger, point):
    """Killed before or after the send: the message under way is left unsure, the others leave once (failure 2)."""
    shop(tmp_path, ledger)
    kill_at(point, tmp_path, ledger, MONDAY, TEN)
    live_on(tmp_path, ledger, TEN, TEN + HOUR)
    assert sorted(ended(ledger)) == ["accepted"] * (ORDERS - 1) + ["unsure"]
    assert set(got(tmp_path).values()) == {1}
    assert len(got(tmp_path)) == (ORDERS if point.startswith("after") else ORDERS - 1)


@pytest.mark.parametrize("point", ["before 3", "after 3"])
def test_an_idempotent_channel_hears_it_again(tmp_path, file_ledger, point):
    """Where the other side drops repeats, everything is accepted, and a repeat bears the same number and words."""
    shop(tmp_path, file_ledger, ", idempotent: yes")
    kill_at(point, tmp_path, file_ledger, MONDAY, TEN)
    live_on(tmp_path, file_ledger, TEN, TEN + HOUR)
    assert ended(file_ledger) == ["accepted"] * ORDERS
    assert len({tuple(one.items()) for one in sent(tmp_path)}) == ORDERS


@pytest.mark.parametrize("point", ["before 3", "after 3"])
def test_a_channel_that_looks_up_is_never_unsure(tmp_path, file_ledger, point):
    """Where the other side can be asked, everything is accepted, and it got everything once."""
    shop(tmp_path, file_ledger, ", looks_up: yes")
    kill_at(point, tmp_path, file_ledger, MONDAY, TEN)
    live_on(tmp_path, file_ledger, TEN, TEN + HOUR)
    assert ended(file_ledger) == ["accepted"] * ORDERS
    assert list(got(tmp_path).values()) == [1] * ORDERS


@pytest.mark.parametrize("point", ["before 2", "after 2", "after 3"])
def test_a_crash_in_the_middle_of_a_group(tmp_path, ledger, point):
    """Killed while several leave at a time: those of that group are left unsure, none of them is repeated."""
    shop(tmp_path, ledger, connections=3)
    kill_at(point, tmp_path, ledger, MONDAY, TEN)
    live_on(tmp_path, ledger, TEN, TEN + HOUR)
    assert sorted(ended(ledger)) == ["accepted"] * (ORDERS - 3) + ["unsure"] * 3
    assert set(got(tmp_path).values()) == {1}


def test_a_crash_after_the_verdict(tmp_path, file_ledger):
    """Killed as soon as a verdict is written: it stands, and the rest leave."""
    shop(tmp_path, file_ledger)
    kill_at("settled", tmp_path, file_ledger, MONDAY, TEN)
    live_on(tmp_path, file_ledger, TEN, TEN + HOUR)
    assert ended(file_ledger) == ["accepted"] * ORDERS
    assert list(got(tmp_path).values()) == [1] * ORDERS


def test_one_crash_after_the_other(tmp_path, file_ledger):
    """Killed again and again, at another point each time: what was accepted stays so, and nothing is lost."""
    shop(tmp_path, file_ledger)
    now = MONDAY
    for point in ("some opened", "claimed", "after 1", "before 2"):
        later = max(now, TEN) + 20 * MINUTE
        kill_at(point, tmp_path, file_ledger, now, later)
        now = later
    live_on(tmp_path, file_ledger, now, now + HOUR)
    assert set(ended(file_ledger)) == {"accepted", "unsure"}
    assert set(got(tmp_path).values()) == {1}
    assert len(got(tmp_path)) >= ended(file_ledger).count("accepted")


@pytest.mark.parametrize(("point", "states"), [("claimed", {"accepted"}), ("before 1", {"accepted", "unsure"})])
def test_a_process_that_wakes_after_its_lease_repeats_nothing(tmp_path, ledger, point, states):
    """A process that stood still for longer than its lease finds its work taken over, and repeats none of it (38)."""
    shop(tmp_path, ledger)
    with stopped_at(point, tmp_path, ledger, MONDAY, TEN) as sleeper:
        live_on(tmp_path, ledger, TEN, TEN + HOUR)
        assert set(ended(ledger)) == states
        before = ended(ledger)
        sleeper.go_on()
    assert ended(ledger) == before
    assert list(got(tmp_path).values()) == [1] * ORDERS


def test_a_check_that_was_killed_is_run_again(tmp_path, file_ledger):
    """A daily check that was killed half-way is not put off until tomorrow: it runs again when its lease is over."""
    shop(tmp_path, file_ledger)
    daily = rule("after: 1h, tell: customer, text: hello, by: sms", check="daily 09:30")
    (tmp_path / "rules/r.yaml").write_text(daily, encoding="utf-8")
    kill_at("some opened", tmp_path, file_ledger, MONDAY + 30 * MINUTE, TEN)
    live_on(tmp_path, file_ledger, MONDAY + 31 * MINUTE, TEN)
    assert ended(file_ledger) == ["accepted"] * ORDERS
