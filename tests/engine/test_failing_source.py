"""What a source that fails, or empties, may do to cases: nothing (law 9)."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from duly.ledger import versions
from engine.desk import Desk, at
from engine.faulty import Faulty, down, nothing

RULE = """\
rule: Orders are looked after
owner: sales
watch: orders
except: [cancelled]
done: [shipped]
clock: placed_at
check: every 10m
steps:
  - {after: 30m, tell: customer, by: sms, text: hello}
  - {after: 8h, tell: customer, by: sms, text: hello}
"""
MONDAY = at("2024-03-04 09:00")
MINUTE = dt.timedelta(minutes=1)


def open_desk(home: Path, orders: int) -> Desk:
    """Set up a desk with this many open cases, the first steps of which came at 09:35."""
    desk = Desk(home, {"r": RULE})
    desk.start(MONDAY)
    desk.run(MONDAY, MONDAY)
    for key in range(1, orders + 1):
        desk.order(key, placed_at="2024-03-04 09:05:00")
    desk.run(at("2024-03-04 09:10"), at("2024-03-04 09:41"))
    assert counted(desk) == {"open": orders}
    return desk


def counted(desk: Desk) -> dict[str, int]:
    """Count the cases by state."""
    with desk.ledger.read() as connection:
        return dict(connection.exec_driver_sql("select state, count(*) from cases group by 1").all())


def told(desk: Desk, template: str) -> list[str]:
    """Say who was told something of Duly's own, in order."""
    with desk.ledger.read() as connection:
        rows = connection.exec_driver_sql("select audience from delivery where template = ? order by id", (template,))
        return list(rows.scalars())


@pytest.mark.parametrize("point", ["before", "between", "asked"])
def test_a_failed_check_closes_nothing(tmp_path: Path, point: str) -> None:
    """A source that fails as it begins, in the middle or at the last question closes no case and cancels nothing."""
    desk = open_desk(tmp_path, 4)
    desk.sql("delete from orders where id = 1")
    desk.sql("update orders set shipped_at = '2024-03-04 09:45:00' where id = 2")
    faulty = Faulty.put_into(desk.engine, size=1)
    setattr(faulty, point, down)
    desk.run(at("2024-03-04 09:50"), at("2024-03-04 09:50"))
    assert counted(desk) == {"open": 4}
    assert desk.rule_journal()[-1].event == "check failed"
    assert desk.rule_journal()[-1].detail == "the source “shop” does not answer"
    setattr(faulty, point, nothing)
    desk.run(at("2024-03-04 09:51"), at("2024-03-04 09:51"))
    assert counted(desk) == {"open": 2, "gone": 1, "done": 1}


def test_a_failed_check_advances_nothing(tmp_path: Path) -> None:
    """A check that fails does not count as one: what it would have held is held by the next that succeeds."""
    desk = Desk(tmp_path, {"r": RULE})
    desk.order(1, placed_at="2024-03-04 08:05:00")
    desk.start(MONDAY)
    faulty = Faulty.put_into(desk.engine)
    faulty.between = down
    desk.run(MONDAY, MONDAY)
    faulty.between = nothing
    desk.order(2, placed_at="2024-03-04 08:06:00")
    desk.run(MONDAY + MINUTE, at("2024-03-04 12:00"))
    assert [desk.cases(key)[0].held for key in (1, 2)] == ["it was late before the rule went live"] * 2
    assert "Li" not in "".join(desk.sent["sms"])


def test_a_stream_that_breaks_off_opens_no_case_twice_or_by_halves(tmp_path: Path) -> None:
    """What was read before the stream broke off is open as a whole; the rest follows, and everybody hears once."""
    desk = Desk(tmp_path, {"r": RULE})
    desk.start(MONDAY)
    desk.run(MONDAY, MONDAY)
    for key in range(1, 7):
        desk.order(key, placed_at="2024-03-04 09:05:00")
    faulty, batches = Faulty.put_into(desk.engine, size=2), iter((nothing, down))
    faulty.between = lambda: next(batches, nothing)()  # noqa: PLW0108 - another one at each call
    desk.run(at("2024-03-04 09:10"), at("2024-03-04 09:10"))
    half = sum(counted(desk).values())
    assert half in (0, 4)
    desk.run(at("2024-03-04 09:11"), at("2024-03-04 09:41"))
    assert counted(desk) == {"open": 6}
    for key in range(1, 7):
        assert [event for _, event in desk.events(key)] == ["opened", "fired", "accepted"]
    assert len(desk.sent["sms"]) == 6


def test_the_owner_hears_of_every_case_that_a_failing_check_held(tmp_path: Path) -> None:
    """Cases held before the stream broke off are in the number that the owner is told."""
    words = {"notifications/duly/held.j2": "held: {{ count }}"}
    desk = Desk(tmp_path, {"r": RULE}, files=words)
    for key in range(1, 7):
        desk.order(key, placed_at="2024-03-04 08:05:00")
    desk.start(MONDAY)
    faulty, batches = Faulty.put_into(desk.engine, size=2), iter((nothing, down))
    faulty.between = lambda: next(batches, nothing)()  # noqa: PLW0108 - another one at each call
    desk.run(MONDAY, at("2024-03-04 09:05"))
    numbers = [int(text.removeprefix("held: ")) for text in desk.sent["sms"]]
    assert sum(numbers) == 6


def test_a_failed_check_is_tried_again_after_a_minute(tmp_path: Path) -> None:
    """A daily check that fails is tried again every minute, not the next day."""
    desk = Desk(tmp_path, {"r": RULE.replace("every 10m", "daily 10:00").replace("30m", "1h")})
    desk.start(MONDAY)
    desk.run(MONDAY, MONDAY)
    desk.order(1, placed_at="2024-03-04 09:05:00")
    faulty, tries = Faulty.put_into(desk.engine), []

    def fail_twice() -> None:
        tries.append(True)
        if len(tries) < 3:
            down()

    faulty.before = fail_twice
    desk.run(at("2024-03-04 10:00"), at("2024-03-04 10:01:59"))
    assert (len(tries), counted(desk)) == (2, {})
    desk.run(at("2024-03-04 10:02"), at("2024-03-04 11:00"))
    assert (len(tries), counted(desk)) == (3, {"open": 1})


@pytest.mark.parametrize("schedule", ["every 10m", "daily 10:00"])
def test_the_operator_hears_once_after_the_third_failure(tmp_path: Path, schedule: str) -> None:
    """The third failed try in a row tells the operator; the hundredth does not; a new outage does again."""
    desk = Desk(tmp_path, {"r": RULE.replace("every 10m", schedule)})
    desk.start(MONDAY)
    desk.run(MONDAY, MONDAY)
    faulty = Faulty.put_into(desk.engine)
    faulty.before = down
    desk.run(at("2024-03-04 10:00"), at("2024-03-04 10:01"))
    assert told(desk, "duly/check-failed") == []
    desk.run(at("2024-03-04 10:02"), at("2024-03-04 12:00"))
    assert told(desk, "duly/check-failed") == ["op"]
    faulty.before = nothing
    desk.run(at("2024-03-04 12:01"), at("2024-03-05 09:00"))
    faulty.before = down
    desk.run(at("2024-03-05 10:00"), at("2024-03-05 11:00"))
    assert told(desk, "duly/check-failed") == ["op", "op"]


def test_an_emptied_table_closes_nothing_and_cancels_nothing(tmp_path: Path) -> None:
    """A nightly reload that empties the table for a minute leaves every case open, and nobody hears twice."""
    desk = open_desk(tmp_path, 20)
    desk.sql("create table kept as select * from orders")
    desk.sql("delete from orders")
    desk.run(at("2024-03-04 09:50"), at("2024-03-04 10:00"))
    assert counted(desk) == {"open": 20}
    desk.sql("insert into orders select * from kept")
    desk.run(at("2024-03-04 10:10"), at("2024-03-05 12:00"))
    assert counted(desk) == {"open": 20}
    assert len([text for text in desk.sent["sms"] if "order" in text]) == 40


def test_a_mass_closing_is_refused_and_told_once(tmp_path: Path) -> None:
    """A check that would close more than half of twenty cases as gone refuses, and owner and operator hear it once."""
    desk = open_desk(tmp_path, 20)
    desk.sql("update orders set cancelled = 1 where id <= 11")
    desk.run(at("2024-03-04 09:50"), at("2024-03-04 12:00"))
    assert counted(desk) == {"open": 20}
    refused = {entry.detail for entry in desk.rule_journal() if entry.event == "refused"}
    told_to_look = "look at the source, then confirm with “duly release r”"
    assert refused == {f"11 of 20 open cases would close because their records are gone: {told_to_look}"}
    assert sorted(told(desk, "duly/refused")) == ["lin", "op"]


def test_what_is_done_closes_although_the_rest_is_refused(tmp_path: Path) -> None:
    """While a mass closing is refused, cases with their done fact proved close as ever."""
    desk = open_desk(tmp_path, 20)
    desk.sql("update orders set cancelled = 1 where id <= 11")
    desk.sql("update orders set shipped_at = '2024-03-04 09:45:00' where id = 12")
    desk.run(at("2024-03-04 09:50"), at("2024-03-04 09:50"))
    assert counted(desk) == {"open": 19, "done": 1}


@pytest.mark.parametrize(("orders", "gone"), [(20, 10), (19, 19)])
def test_half_of_twenty_or_all_of_fewer_may_go(tmp_path: Path, orders: int, gone: int) -> None:
    """Half of twenty cases, or every one of nineteen, close as gone without a question."""
    desk = open_desk(tmp_path, orders)
    desk.sql(f"update orders set cancelled = 1 where id <= {gone}")
    desk.run(at("2024-03-04 09:50"), at("2024-03-04 09:50"))
    assert counted(desk).get("gone") == gone


def test_new_clocks_are_no_mass_closing(tmp_path: Path) -> None:
    """Records whose clocks are all set anew close their old cases: the records are there."""
    desk = open_desk(tmp_path, 20)
    desk.sql("update orders set placed_at = '2024-03-04 09:45:00'")
    desk.run(at("2024-03-04 09:50"), at("2024-03-04 09:50"))
    assert counted(desk) == {"gone": 20, "open": 20}


def test_a_person_confirms_a_mass_closing_once(tmp_path: Path) -> None:
    """A confirmed mass closing goes through at the next check; the one after the next needs its own leave."""
    desk = open_desk(tmp_path, 60)
    desk.sql("update orders set cancelled = 1 where id <= 35")
    desk.run(at("2024-03-04 09:50"), at("2024-03-04 09:50"))
    assert counted(desk) == {"open": 60}
    with desk.ledger.write() as connection:
        versions.confirm_closings(connection, desk.rule_id(), confirmed=True)
    desk.run(at("2024-03-04 10:00"), at("2024-03-04 10:00"))
    assert counted(desk) == {"open": 25, "gone": 35}
    desk.sql("delete from orders")
    desk.run(at("2024-03-04 10:10"), at("2024-03-04 10:20"))
    assert counted(desk) == {"open": 25, "gone": 35}
    assert sorted(told(desk, "duly/refused")) == ["lin", "lin", "op", "op"]


def test_one_rule_that_cannot_ask_stops_only_itself(tmp_path: Path) -> None:
    """A rule whose table is not there fails alone; the next rule in the same tick is checked and told of."""
    nowhere = RULE.replace("watch: orders", "watch: returns")
    noun = "noun: returns\none: return\nsource: shop\nfrom: returns r\nkey: r.id\ntimes: {placed_at: r.at}\n"
    facts = "facts: {cancelled: r.gone = 1, shipped: r.sent = 1}\npeople: {customer: {name: r.name, phone: r.phone}}\n"
    files = {"config/vocabulary/returns.yaml": f"{noun}{facts}fields: {{order: r.id}}\n"}
    desk = Desk(tmp_path, {"a": nowhere, "r": RULE}, files=files)
    desk.start(MONDAY)
    desk.run(MONDAY, MONDAY)
    desk.order(1, placed_at="2024-03-04 09:05:00")
    desk.run(at("2024-03-04 09:01"), at("2024-03-04 09:40"))
    assert desk.rule_journal("a")[-1].event == "check failed"
    assert "Li: order 1" in desk.sent["sms"]
