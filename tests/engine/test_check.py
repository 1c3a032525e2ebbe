"""Checks: which cases open, when they close and why, once on any number of engines (laws 1, 2 and 6)."""

from __future__ import annotations

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from duly.engine.engine import Engine
from engine.desk import ORDERS, SETTINGS, Desk, at
from engine.faulty import Faulty, nothing

RULE = """\
rule: Paid orders ship within two hours
owner: sales
watch: orders
where: [paid]
except: [cancelled]
done: [shipped]
clock: paid_at
check: every 10m
steps:
  - {after: 30m, tell: sales on duty, text: hello}
  - {after: 2h, tell: supervisor of sales, text: hello}
"""
TOLD_ONCE = """\
rule: New customers are greeted
owner: sales
watch: orders
except: [cancelled]
clock: placed_at
check: every 10m
steps:
  - {after: 30m, tell: customer, text: hello}
"""
MONDAY = at("2024-03-04 09:00")
MINUTE = dt.timedelta(minutes=1)


def open_desk(home: Path, rule: str = RULE, **files: str) -> Desk:
    """Set up a desk whose rule has been live since Monday nine o'clock, with nothing to do yet."""
    desk = Desk(home, {"r": rule}, files=files)
    desk.start(MONDAY)
    desk.run(MONDAY, MONDAY)
    return desk


def states(desk: Desk, key: int) -> list[str]:
    """Say in which state the cases of one order are."""
    return [case.state for case in desk.cases(key)]


@pytest.mark.parametrize(
    ("columns", "opens"),
    [
        ({"paid_at": "2024-03-04 09:05:00"}, True),
        ({"paid_at": None}, False),
        ({"paid_at": "2024-03-04 09:05:00", "cancelled": 1}, False),
        ({"paid_at": "2024-03-04 09:05:00", "cancelled": None}, True),
        ({"paid_at": "2024-03-04 09:05:00", "shipped_at": "2024-03-04 09:06:00"}, False),
    ],
)
def test_a_record_matches_by_where_and_not_by_except_or_done(
    tmp_path: Path, *, columns: dict[str, object], opens: bool
) -> None:
    """A case opens when every where holds and no except or done does; what is unknown (NULL) excludes nobody."""
    desk = open_desk(tmp_path)
    desk.order(1, **columns)
    desk.run(at("2024-03-04 09:10"), at("2024-03-04 10:04"))
    assert states(desk, 1) == (["open"] if opens else [])


def test_an_unknown_kind_is_not_taken_for_an_excluded_one(tmp_path: Path) -> None:
    """“except: [virtual]” keeps the record whose kind is NULL, and “where: [not virtual]” does so too."""
    words = ORDERS.replace("facts:\n", "facts:\n  virtual: o.name = 'virtual'\n")
    excepted = RULE.replace("except: [cancelled]", "except: [virtual]")
    wanted = RULE.replace("where: [paid]", "where: [paid, not virtual]")
    desk = Desk(tmp_path, {"r": excepted, "s": wanted}, files={"config/vocabulary/orders.yaml": words})
    desk.start(MONDAY)
    desk.run(MONDAY, MONDAY)
    desk.order(1, paid_at="2024-03-04 09:05:00", name=None)
    desk.order(2, paid_at="2024-03-04 09:05:00", name="virtual")
    desk.run(at("2024-03-04 09:10"), at("2024-03-04 09:10"))
    assert [len(desk.cases(key, path)) for path in "rs" for key in (1, 2)] == [1, 0, 1, 0]


def test_what_proves_a_case_done_closes_it_as_done(tmp_path: Path) -> None:
    """A case whose done fact holds is closed as done, names the fact, and nobody hears afterwards."""
    desk = open_desk(tmp_path)
    desk.order(1, paid_at="2024-03-04 09:05:00")
    desk.run(at("2024-03-04 09:10"), at("2024-03-04 09:10"))
    desk.sql("update orders set shipped_at = '2024-03-04 09:16:00'")
    desk.run(at("2024-03-04 09:20"), at("2024-03-05 18:00"))
    assert states(desk, 1) == ["done"]
    assert [(entry.event, entry.detail) for entry in desk.story(1)][1:] == [("done", "shipped")]
    assert desk.sent["sms"] == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("update orders set cancelled = 1", "no longer concerned: cancelled"),
        ("update orders set paid_at = null", "no longer concerned: not paid"),
        ("delete from orders", "the record is no longer there"),
    ],
)
def test_what_no_longer_matches_is_gone_with_its_reason(tmp_path: Path, change: str, reason: str) -> None:
    """A record that stops matching closes its case as gone, and the journal says why."""
    desk = open_desk(tmp_path)
    desk.order(1, paid_at="2024-03-04 09:05:00")
    desk.run(at("2024-03-04 09:10"), at("2024-03-04 09:10"))
    desk.sql(change)
    desk.run(at("2024-03-04 09:20"), at("2024-03-04 12:00"))
    assert states(desk, 1) == ["gone"]
    assert (desk.story(1)[-1].event, desk.story(1)[-1].detail) == ("gone", reason)
    assert desk.sent["sms"] == []


def test_closing_cancels_what_waits(tmp_path: Path) -> None:
    """A message that waits for the morning is cancelled as its case closes in the night."""
    desk = open_desk(tmp_path, TOLD_ONCE.replace("check:", "done: [paid]\ncheck:"))
    desk.order(1, placed_at="2024-03-04 20:10:00")
    desk.run(at("2024-03-04 20:20"), at("2024-03-04 22:00"))
    assert [one.state for one in desk.deliveries(1)] == ["waiting"]
    desk.sql("update orders set paid_at = '2024-03-04 22:05:00'")
    desk.run(at("2024-03-04 22:10"), at("2024-03-05 12:00"))
    assert [(one.state, one.reason) for one in desk.deliveries(1)] == [("cancelled", "paid")]
    assert [event for _, event in desk.events(1)] == ["opened", "fired", "waits", "cancelled", "done"]
    assert desk.sent["sms"] == []


def test_a_case_that_matches_again_reopens_with_what_had_fired(tmp_path: Path) -> None:
    """A record that comes and goes has one case: what it had fired is not said again, what is left still comes."""
    desk = open_desk(tmp_path)
    desk.order(1, paid_at="2024-03-04 09:05:00")
    desk.run(at("2024-03-04 09:10"), at("2024-03-04 10:06"))
    for minute in range(10, 50, 20):
        desk.sql("update orders set cancelled = 1")
        desk.run(at(f"2024-03-04 10:{minute}"), at(f"2024-03-04 10:{minute}"))
        assert states(desk, 1) == ["gone"]
        desk.sql("update orders set cancelled = 0")
        desk.run(at(f"2024-03-04 10:{minute + 10}"), at(f"2024-03-04 10:{minute + 10}"))
        assert states(desk, 1) == ["open"]
    desk.run(at("2024-03-04 10:50"), at("2024-03-04 18:00"))
    assert [one.person["id"] for one in desk.deliveries(1)] == ["lin", "zhou"]
    assert [event for _, event in desk.events(1)].count("reopened") == 2


def test_a_new_clock_is_a_new_case(tmp_path: Path) -> None:
    """A record whose clock is set anew begins a new case, whose ladder runs from its first step."""
    desk = open_desk(tmp_path)
    desk.order(1, paid_at="2024-03-04 09:05:00")
    desk.run(at("2024-03-04 09:10"), at("2024-03-04 10:10"))
    desk.sql("update orders set paid_at = '2024-03-04 10:15:00'")
    desk.run(at("2024-03-04 10:20"), at("2024-03-04 11:15"))
    assert states(desk, 1) == ["gone", "open"]
    assert [entry.detail for entry in desk.story(1) if entry.event == "gone"] == [
        "its clock is now 2024-03-04 10:15:00"
    ]
    assert [one.person["id"] for one in desk.deliveries(1)] == ["lin", "lin"]


def test_without_done_a_case_is_done_for_good_when_its_ladder_is_used_up(tmp_path: Path) -> None:
    """A rule without done says what it has to say once, though the record matches for ever."""
    desk = open_desk(tmp_path, TOLD_ONCE)
    desk.order(1, placed_at="2024-03-04 09:05:00")
    desk.run(at("2024-03-04 09:10"), at("2024-03-04 09:40"))
    assert states(desk, 1) == ["done"]
    assert desk.story(1)[-1].detail == "its ladder is used up"
    desk.sql("update orders set cancelled = 1")
    desk.run(at("2024-03-04 09:50"), at("2024-03-04 09:50"))
    desk.sql("update orders set cancelled = 0")
    desk.run(at("2024-03-04 10:00"), at("2024-03-05 18:00"))
    assert states(desk, 1) == ["done"]
    assert [event for _, event in desk.events(1)] == ["opened", "fired", "accepted", "done"]
    assert len(desk.sent["sms"]) == 1


def test_without_done_a_case_waits_for_its_clock(tmp_path: Path) -> None:
    """A reminder before an appointment leaves its case open until the appointment, so that moving it is noticed."""
    desk = open_desk(tmp_path, TOLD_ONCE.replace("after: 30m", "before: 2h"))
    desk.order(1, placed_at="2024-03-04 15:05:00")
    desk.run(at("2024-03-04 09:10"), at("2024-03-04 15:00"))
    assert (states(desk, 1), len(desk.sent["sms"])) == (["open"], 1)
    desk.run(at("2024-03-04 15:10"), at("2024-03-04 15:10"))
    assert states(desk, 1) == ["done"]


def test_every_record_is_seen_however_many_there_are(tmp_path: Path) -> None:
    """Twelve hundred records due at once, more than any batch, are all told of, and all closed."""
    quick = SETTINGS.replace("sms: {kind: spoken,", "sms: {kind: spoken, connections: 32,")
    desk = open_desk(tmp_path, TOLD_ONCE + "limits: {hold: never}\n", **{"config/duly.yaml": quick})
    with desk.shop.begin() as connection:
        connection.exec_driver_sql(
            "insert into orders (id, phone, placed_at) with recursive n(i) as (select 1 union all select i + 1 from n "
            "where i < 1203) select i, '+86139' || i, '2024-03-04 09:05:00' from n"
        )
    desk.run(at("2024-03-04 09:10"), at("2024-03-04 09:40"))
    assert len(set(desk.sent["sms"])) == len(desk.sent["sms"]) == 1203
    with desk.ledger.read() as connection:
        assert connection.exec_driver_sql("select state, count(*) from cases group by 1").all() == [("done", 1203)]


def test_records_without_a_clock_are_numbered_in_the_journal(tmp_path: Path) -> None:
    """What matches but has no clock, or one that is no time, is journalled with its number and its keys, once a day."""
    desk = open_desk(tmp_path, TOLD_ONCE)
    for key in range(1, 13):
        desk.order(key, placed_at=None if key % 2 else "13/11/2024")
    desk.order(13, placed_at=None, cancelled=1)
    desk.run(at("2024-03-04 09:10"), at("2024-03-05 12:00"))
    found = [entry for entry in desk.rule_journal() if entry.event == "no clock"]
    assert [entry.detail for entry in found] == [
        "12 matching, but without a clock: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more"
    ]
    assert found[0].at >= at("2024-03-05 00:00")


def test_records_without_their_due_time_are_numbered_in_the_journal(tmp_path: Path) -> None:
    """What matches but lacks the time that its due names cannot be late, and the journal says so, once a day."""
    rule = (
        "{rule: R, owner: sales, watch: orders, except: [cancelled], clock: placed_at, due: paid_at, check: every 10m"
    )
    desk = Desk(tmp_path, {"r": f"{rule}, steps: [{{late: at once, tell: customer, text: hello}}]}}"})
    desk.order(1, placed_at="2024-03-04 08:00:00")
    desk.start(MONDAY)
    desk.run(MONDAY, MONDAY + 60 * MINUTE)
    found = [entry.detail for entry in desk.rule_journal() if entry.event == "no due"]
    assert found == ["1 matching, but without the time that its due names: 1"]


def test_a_time_that_cannot_be_read_stops_only_its_record(tmp_path: Path) -> None:
    """A clock that cannot be read is journalled with its key, and the next record is told of all the same."""
    desk = open_desk(tmp_path, TOLD_ONCE)
    desk.order(1, placed_at="2024-03-04 nine")
    desk.order(2, placed_at="2024-03-04 09:05:00")
    desk.run(at("2024-03-04 09:10"), at("2024-03-04 10:00"))
    details = {entry.detail for entry in desk.rule_journal() if entry.event == "unreadable"}
    assert details == {"1 matching, but with a time that cannot be read: 1"}
    assert desk.sent["sms"] == ["Li: order 2"]


def test_a_slot_is_checked_once_by_two_engines(tmp_path: Path) -> None:
    """Two engines that come to the same slots at the same instant run each check once and open each case once."""
    desk = open_desk(tmp_path)
    engines = [desk.start(MONDAY), desk.start(MONDAY)]
    rule_id, meeting = desk.rule_id(), threading.Barrier(2)

    def check(engine: Engine, now: dt.datetime) -> bool:
        meeting.wait(timeout=20)
        return engine.check(rule_id, now) is not None

    with ThreadPoolExecutor(2) as threads:
        for round_ in range(1, 9):
            desk.order(round_, paid_at=f"2024-03-04 09:0{round_}:00")
            now = MONDAY + 10 * round_ * MINUTE
            done = [thread.result() for thread in [threads.submit(check, engine, now) for engine in engines]]
            assert sorted(done) == [False, True]
    assert [desk.events(key)[0][1] for key in range(1, 9)] == ["opened"] * 8
    assert all(len(desk.cases(key)) == 1 for key in range(1, 9))


def test_a_check_that_outlived_its_lease_is_fenced(tmp_path: Path) -> None:
    """A check that stood still for longer than its lease opens nothing twice and closes nothing when it wakes."""
    desk = open_desk(tmp_path)
    sleeper = desk.start(MONDAY)
    other = desk.start(MONDAY)
    rule_id = desk.rule_id()
    desk.order(1, paid_at="2024-03-04 09:05:00")
    desk.order(2, paid_at="2024-03-04 09:05:00")
    other.check(rule_id, at("2024-03-04 09:10"))
    desk.order(3, paid_at="2024-03-04 09:15:00")
    desk.sql("update orders set cancelled = 1 where id = 2")
    faulty = Faulty.put_into(sleeper)

    def sleep() -> None:
        faulty.asked = nothing
        desk.sql("update orders set cancelled = 0 where id = 2")
        taken = other.check(rule_id, at("2024-03-04 09:40"))
        assert taken is not None
        assert (taken.state, taken.opened, taken.closed) == ("done", 1, 0)
        desk.sql("update orders set cancelled = 1 where id = 2")

    faulty.asked = sleep
    assert sleeper.check(rule_id, at("2024-03-04 09:20")) is None
    assert [states(desk, key) for key in (1, 2, 3)] == [["open"], ["open"], ["open"]]
    assert [event for _, event in desk.events(3)] == ["opened"]


def test_a_check_whose_process_died_is_run_again(tmp_path: Path) -> None:
    """A check that died half-way is taken over when its lease has run out, and nobody turns in circles until then."""
    desk = open_desk(tmp_path, RULE.replace("every 10m", "daily 10:00"))
    dying = Faulty.put_into(desk.engine)
    desk.order(1, paid_at="2024-03-04 09:05:00")

    def die() -> None:
        raise KeyboardInterrupt

    dying.before = die
    with pytest.raises(KeyboardInterrupt):
        desk.engine.tick(at("2024-03-04 10:00"))
    desk.start(at("2024-03-04 10:01"))
    desk.run(at("2024-03-04 10:01"), at("2024-03-04 10:14"))
    assert states(desk, 1) == []
    desk.run(at("2024-03-04 10:14"), at("2024-03-04 10:16"))
    assert states(desk, 1) == ["open"]
