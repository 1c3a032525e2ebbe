"""The ladder: each step once, together when due together, on the version a case started on (laws 1, 4 and 7)."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from duly.ledger import firings
from duly.ledger.firings import Firing
from engine.desk import ZONE, Desk, at
from engine.faulty import Faulty, nothing

RULE = """\
rule: Orders are looked after
owner: sales
watch: orders
except: [cancelled]
done: [shipped]
clock: placed_at
check: every 10m
steps:
  - {after: 1h, tell: assignee, text: hello}
  - {after: 2h, tell: manager of sales, text: hello}
"""
WORDS = {f"notifications/{name}.j2": f"{name} {{{{ order }}}}" for name in ("first", "second", "third", "other")}
MONDAY = at("2024-03-04 09:00")


def open_desk(home: Path, rule: str = RULE) -> Desk:
    """Set up a desk with order 1, placed as the rule went live on Monday at nine."""
    desk = Desk(home, {"r": rule}, files=WORDS)
    desk.order(1, placed_at="2024-03-04 09:00:00")
    desk.start(MONDAY)
    desk.run(MONDAY, MONDAY)
    return desk


def steps(*lines: str) -> str:
    """Write the rule with these steps."""
    return RULE[: RULE.index("steps:")] + "steps:\n" + "".join(f"  - {{{line}}}\n" for line in lines)


def told(desk: Desk, key: int = 1) -> list[str]:
    """Say who was told of an order, and when at the desk."""
    accepted = [entry for entry in desk.story(key) if entry.event == "accepted"]
    return [f"{e.at.astimezone(ZONE):%a %H:%M} {(e.data or {})['to']}" for e in accepted]


def fired(desk: Desk, key: int = 1) -> list[Firing]:
    """Return the firings of the latest case of an order, in order."""
    case = desk.cases(key)[-1]
    with desk.ledger.read() as connection:
        return list(firings.of_cases(connection, [case.id]).get(case.id, {}).values())


def test_a_step_fires_once_under_two_ladders(tmp_path: Path) -> None:
    """Two engines whose ladders read the same due cases before either writes fire each step once."""
    desk = open_desk(tmp_path)
    for key in range(2, 9):
        desk.order(key, placed_at="2024-03-04 09:00:00")
    desk.run(at("2024-03-04 09:40"), at("2024-03-04 09:40"))
    engines = [desk.engine, desk.start(at("2024-03-04 09:50"))]
    meeting = threading.Barrier(2)
    shops = [Faulty.put_into(engine) for engine in engines]

    def meet() -> None:
        meeting.wait(timeout=20)

    for shop in shops:
        shop.asked = meet
    with ThreadPoolExecutor(2) as threads:
        for one in [threads.submit(engine.ladder.fire, at("2024-03-04 10:00")) for engine in engines]:
            one.result()
    for shop in shops:
        shop.asked = nothing
    assert [len(desk.deliveries(key)) for key in range(1, 9)] == [1] * 8
    desk.run(at("2024-03-04 10:00"), at("2024-03-04 11:00"))
    assert [[d.person["id"] for d in desk.deliveries(key)] for key in range(1, 9)] == [["lin", "wang"]] * 8
    assert [event for _, event in desk.events(1)].count("fired") == 2


def test_a_ladder_that_stood_still_undoes_nothing(tmp_path: Path) -> None:
    """An engine that wakes with an old view of a case does not wipe out the next moment that another has set."""
    desk = open_desk(tmp_path, RULE.replace("after: 2h", "unanswered: 1h"))
    desk.run(at("2024-03-04 09:50"), at("2024-03-04 09:50"))
    other, sleeper = desk.engine, desk.start(at("2024-03-04 09:50"))
    shop = Faulty.put_into(sleeper)

    def sleep() -> None:
        shop.asked = nothing
        other.tick(at("2024-03-04 10:00"))

    shop.asked = sleep
    sleeper.ladder.fire(at("2024-03-04 10:00"))
    desk.run(at("2024-03-04 10:01"), at("2024-03-04 18:00"))
    assert told(desk) == ["Mon 10:00 lin", "Mon 11:00 wang"]


def test_a_step_is_known_by_what_it_says_not_by_where_it_stands(tmp_path: Path) -> None:
    """Turning the ladder of a file around in the middle of a case repeats nothing and leaves nothing out."""
    desk = open_desk(tmp_path)
    desk.run(at("2024-03-04 09:10"), at("2024-03-04 10:05"))
    before = {step.identity for step in desk.engine.house.rules[desk.rule_id()].bound.rule.steps}
    lines = RULE.splitlines(keepends=True)
    desk.write("rules/r.yaml", "".join([*lines[:-2], lines[-1], lines[-2]]))
    desk.reload(at("2024-03-04 10:06"))
    assert {step.identity for step in desk.engine.house.rules[desk.rule_id()].bound.rule.steps} == before
    desk.run(at("2024-03-04 10:06"), at("2024-03-04 18:00"))
    assert told(desk) == ["Mon 10:00 lin", "Mon 11:00 wang"]
    assert {firing.step for firing in fired(desk)} == before


def test_a_cancelled_step_is_armed_again_when_its_case_reopens(tmp_path: Path) -> None:
    """A message that was cancelled before it left is written anew, under a new round and a new intent."""
    desk = open_desk(tmp_path, steps("after: 12h, tell: customer, text: first"))
    desk.run(at("2024-03-04 09:10"), at("2024-03-04 21:01"))
    desk.sql("update orders set cancelled = 1")
    desk.run(at("2024-03-04 21:10"), at("2024-03-04 21:10"))
    assert [firing.state for firing in fired(desk)] == ["cancelled"]
    desk.sql("update orders set cancelled = 0")
    desk.run(at("2024-03-04 21:20"), at("2024-03-05 12:00"))
    assert [one.state for one in desk.deliveries(1)] == ["cancelled", "accepted"]
    assert len({one.intent_key for one in desk.deliveries(1)}) == 2
    assert [(firing.state, firing.round) for firing in fired(desk)] == [("fired", 1)]
    assert told(desk) == ["Tue 09:00 customer"]


def test_a_step_cancelled_at_the_door_is_armed_again(tmp_path: Path) -> None:
    """A message cancelled as it left, between two checks, goes out after all when the next check finds the record."""
    rule = steps("after: 12h, tell: customer, text: first").replace("every 10m", "daily 17:30")
    desk = open_desk(tmp_path, rule)
    desk.run(at("2024-03-04 17:30"), at("2024-03-04 21:30"))
    desk.sql("update orders set cancelled = 1")
    desk.run(at("2024-03-05 09:00"), at("2024-03-05 10:00"))
    assert [(one.state, one.reason) for one in desk.deliveries(1)] == [("cancelled", "cancelled")]
    desk.sql("update orders set cancelled = 0")
    desk.run(at("2024-03-05 10:01"), at("2024-03-05 18:00"))
    assert told(desk) == ["Tue 17:30 customer"]
    assert [firing.round for firing in fired(desk)] == [1]


def test_a_round_that_ends_otherwise_is_not_armed_for_ever(tmp_path: Path) -> None:
    """A step that was cancelled once and expired in its second round has ended; it does not come back."""
    desk = open_desk(tmp_path, steps("after: 12h, tell: customer, text: first, expires: 2h"))
    desk.run(at("2024-03-04 09:10"), at("2024-03-04 21:01"))
    desk.sql("update orders set cancelled = 1")
    desk.run(at("2024-03-04 21:10"), at("2024-03-04 21:10"))
    desk.sql("update orders set cancelled = 0")
    desk.run(at("2024-03-04 21:20"), at("2024-03-06 12:00"))
    assert [one.state for one in desk.deliveries(1)] == ["cancelled", "expired"]
    assert [(firing.state, firing.round) for firing in fired(desk)] == [("expired", 1)]


def test_steps_due_together_fire_together(tmp_path: Path) -> None:
    """Two steps that come at the same moment both fire, be it to one audience or to two."""
    same = ("after: 1h, tell: assignee, text: first", "after: 60m, tell: assignee, text: second")
    desk = open_desk(tmp_path, steps(*same, "after: 1h, tell: manager of sales, text: third"))
    desk.run(at("2024-03-04 09:10"), at("2024-03-04 10:00"))
    assert sorted(desk.sent["sms"]) == ["first 1", "second 1", "third 1"]


def test_after_downtime_only_the_latest_to_the_same_audience_fires(tmp_path: Path) -> None:
    """Of three overdue steps to one audience the latest fires and the journal says that it overtook the others."""
    desk = open_desk(
        tmp_path,
        steps(
            "after: 1h, tell: assignee, text: first",
            "after: 2h, tell: assignee, text: second",
            "after: 2h, tell: manager of sales, text: other",
            "after: 3h, tell: assignee, text: third",
            "after: 6h, tell: assignee, text: hello",
        ),
    )
    desk.run(at("2024-03-04 09:50"), at("2024-03-04 09:50"))
    desk.start(at("2024-03-04 13:00"))
    desk.run(at("2024-03-04 13:00"), at("2024-03-04 13:00"))
    assert sorted(desk.sent["sms"]) == ["other 1", "third 1"]
    assert [(e.event, e.detail) for e in desk.story(1) if e.event == "overtaken"] == [
        ("overtaken", "after 1h · tell · assignee"),
        ("overtaken", "after 2h · tell · assignee"),
    ]
    desk.run(at("2024-03-04 13:01"), at("2024-03-04 18:00"))
    assert told(desk)[-1] == "Mon 15:00 lin"


def test_a_step_that_does_not_apply_overtakes_nobody(tmp_path: Path) -> None:
    """When the latest overdue step is skipped for its “if”, the one before it fires."""
    desk = open_desk(
        tmp_path,
        steps("after: 1h, tell: assignee, text: first", "after: 2h, tell: assignee, text: second, if: [paid]"),
    )
    desk.run(at("2024-03-04 09:50"), at("2024-03-04 09:50"))
    desk.run(at("2024-03-04 13:00"), at("2024-03-04 13:00"))
    assert desk.sent["sms"] == ["first 1"]
    assert [e.detail for e in desk.story(1) if e.event == "skipped"] == ["after 2h · tell · assignee"]


def test_a_step_before_the_due_time_expires_at_it(tmp_path: Path) -> None:
    """“Before” fires until the last second before the due time, and never from the due time on."""
    rule = steps("before: 30m, tell: assignee, text: first", "late: at once, tell: assignee, text: second")
    for minute, texts in (("10:59:59", ["first 1"]), ("11:00", ["second 1"]), ("13:00", ["second 1"])):
        desk = open_desk(tmp_path / minute.replace(":", ""), rule.replace("check:", "due: 2h\ncheck:"))
        desk.run(at("2024-03-04 10:10"), at("2024-03-04 10:10"))
        desk.run(at(f"2024-03-04 {minute}"), at(f"2024-03-04 {minute}"))
        assert desk.sent["sms"] == texts
        assert ("expired" in [event for _, event in desk.events(1)]) == (texts == ["second 1"])


def test_a_step_that_expires_is_journalled_and_does_not_fire(tmp_path: Path) -> None:
    """A step with “expires” that comes up later than that says so in the journal and reaches nobody."""
    desk = open_desk(tmp_path, steps("after: 1h, tell: assignee, text: first, expires: 30m"))
    desk.run(at("2024-03-04 09:50"), at("2024-03-04 09:50"))
    desk.run(at("2024-03-04 10:30"), at("2024-03-04 10:30"))
    assert [event for _, event in desk.events(1)] == ["opened", "expired"]
    assert desk.sent["sms"] == []


def test_a_missed_slot_is_caught_up_once(tmp_path: Path) -> None:
    """A tick seconds late runs the slot all the same; after hours of downtime the latest slot runs, and only it."""
    desk = open_desk(tmp_path)
    desk.run(at("2024-03-04 09:10:07"), at("2024-03-04 09:10:07"))
    desk.run(at("2024-03-04 14:03"), at("2024-03-04 14:03"))
    with desk.ledger.read() as connection:
        slots = connection.exec_driver_sql("select slot from check_run order by slot").scalars().all()
    times = ["09:00", "09:10", "14:00"]
    assert slots == [int(at(f"2024-03-04 {time}").timestamp() * 1_000_000) for time in times]
    assert told(desk) == ["Mon 14:03 lin", "Mon 14:03 wang"]


def test_an_exact_time_that_was_missed_fires_late(tmp_path: Path) -> None:
    """A step for half past ten whose moment fell into downtime fires when Duly is back, not a day later or never."""
    desk = open_desk(tmp_path, steps("at: 10:30, tell: assignee, text: first"))
    desk.run(at("2024-03-04 10:10"), at("2024-03-04 10:10"))
    desk.start(at("2024-03-04 16:00"))
    desk.run(at("2024-03-04 16:00"), at("2024-03-06 16:00"))
    assert told(desk) == ["Mon 16:00 lin"]


def test_a_moved_appointment_is_reminded_of_at_its_new_time_only(tmp_path: Path) -> None:
    """Setting a reminder's time anew cancels the old reminder, and the new one comes once."""
    desk = open_desk(tmp_path, steps("at: 10:00, tell: assignee, text: first").replace("placed_at", "paid_at"))
    desk.sql("update orders set paid_at = '2024-03-04 10:00:00'")
    desk.run(at("2024-03-04 09:10"), at("2024-03-04 09:50"))
    desk.sql("update orders set paid_at = '2024-03-05 10:00:00'")
    desk.run(at("2024-03-04 09:51"), at("2024-03-08 18:00"))
    assert told(desk) == ["Tue 10:00 lin"]


def test_reminders_stop_when_the_ladder_ends(tmp_path: Path) -> None:
    """A record that stays open for a month after its last step is told of no more."""
    desk = open_desk(tmp_path, RULE.replace("every 10m", "daily 09:00"))
    desk.run(at("2024-03-04 10:00"), at("2024-04-04 18:00"))
    assert told(desk) == ["Mon 10:00 lin", "Mon 11:00 wang"]
    assert [case.state for case in desk.cases(1)] == ["open"]


def test_a_step_comes_however_long_after_its_clock(tmp_path: Path) -> None:
    """A warranty letter after a year comes, although checks look no further back than their reach of 90 days."""
    rule = steps("after: 365d, tell: assignee, text: first").replace("every 10m", "daily 09:00")
    desk = Desk(tmp_path, {"r": rule}, files=WORDS)
    desk.order(1, placed_at="2023-03-06 10:00:00")
    desk.order(2, placed_at="2023-03-03 10:00:00")
    desk.order(3, placed_at="2022-03-03 10:00:00")
    desk.start(MONDAY)
    desk.run(MONDAY, at("2024-03-05 12:00"))
    assert told(desk) == ["Tue 10:00 lin"]
    assert [case.held for case in desk.cases(2)] == ["it was late before the rule went live"]
    assert desk.cases(3) == []
