"""Pauses: a clock that stands still, and what is given back."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duly.engine.acknowledgement import acknowledge
from duly.engine.examples import run_examples
from duly.engine.pauses import Pauses
from duly.engine.plugins import load_plugins
from duly.engine.timing import Timing
from duly.ledger import pauses
from duly.ledger.pauses import Pause
from duly.rules.bind import BoundRule
from duly.rules.model import Audience, AudienceKind, ClockKind, ClockRef, Due, Rule, Step, When
from duly.rules.noun import Noun, Time
from duly.time.calendar import build
from duly.time.duration import Duration
from duly.time.hours import Hours
from duly.time.slot import Schedule
from duly.time.working import WorkingTime
from engine.desk import DIRECTORY, ORDERS, ZONE, Desk, SpokenPlugin, at

MINUTE = dt.timedelta(minutes=1)
FRIDAY = at("2024-03-08 09:00")
HOURS = "workdays 09:00-17:00"
WAITING = ORDERS.replace(
    "  cancelled: o.cancelled = 1\n",
    "  cancelled: o.cancelled = 1\n"
    "  awaiting reply: {sql: o.asked_at is not null, at: o.asked_at}\n"
    "  on hold: o.held = 1\n",
)
RULE = """\
rule: Orders are answered within a day's work
owner: sales
watch: orders
except: [cancelled]
done: [shipped]
clock: placed_at
due: 8 working hours
pause: [awaiting reply, on hold]
check: every 10m
steps:
  - {before: 2 working hours, tell: assignee, text: hello}
  - {late: at once, tell: manager of sales, text: hello}
"""


def open_desk(home: Path, rule: str = RULE, *, ledger: str = "") -> Desk:
    """Set up a desk whose orders can wait for an answer, and begin on a Friday at nine."""
    files = {
        "config/directory.yaml": DIRECTORY.replace("daily 09:00-18:00\nlevels", f"{HOURS}\nlevels"),
        "config/vocabulary/orders.yaml": WAITING,
    }
    desk = Desk(home, {"r": rule}, files=files, ledger=ledger)
    desk.sql("alter table orders add column asked_at text")
    desk.sql("alter table orders add column held integer default 0")
    desk.order(1, placed_at="2024-03-08 10:00:00")
    desk.start(FRIDAY)
    return desk


def told(desk: Desk, key: int = 1) -> list[str]:
    """Say who was told of an order, and when."""
    found = [one for one in desk.deliveries(key) if one.state == "accepted"]
    return [f"{one.settled_at.astimezone(ZONE):%a %H:%M} {one.person['id']}" for one in found if one.settled_at]


def due(desk: Desk, key: int = 1) -> str:
    """Say by when an order is due."""
    (case,) = desk.cases(key)
    assert case.due_at is not None
    return f"{case.due_at.astimezone(ZONE):%a %H:%M}"


def test_a_pause_over_a_weekend_gives_back_one_working_hour(tmp_path: Path) -> None:
    """Eight hours from Friday ten o'clock, held from four until Monday at nine: due on Monday at eleven."""
    desk = open_desk(tmp_path)
    desk.run(FRIDAY, at("2024-03-08 16:05"))
    desk.sql("update orders set asked_at = '2024-03-08 16:00:00'")
    desk.run(at("2024-03-08 16:06"), at("2024-03-11 09:00") - MINUTE)
    assert told(desk) == ["Fri 16:00 lin"]
    desk.sql("update orders set asked_at = null")
    desk.run(at("2024-03-11 09:00"), at("2024-03-11 12:00"))
    assert due(desk) == "Mon 11:00"
    assert told(desk) == ["Fri 16:00 lin", "Mon 11:00 wang"]
    assert [
        (event, entry.detail) for entry in desk.story(1) if (event := entry.event) in ("stands still", "runs on")
    ] == [
        ("stands still", "awaiting reply, since 2024-03-08 08:00 UTC"),
        ("runs on", "no longer awaiting reply, after 2d 17h"),
    ]


def test_pauses_add_up_and_overlapping_ones_count_once(tmp_path: Path) -> None:
    """Two pauses with an hour between, and a third within the second, give back three working hours."""
    desk = open_desk(tmp_path)
    desk.run(FRIDAY, at("2024-03-08 11:00") - MINUTE)
    desk.sql("update orders set held = 1")
    desk.run(at("2024-03-08 11:00"), at("2024-03-08 12:00") - MINUTE)
    desk.sql("update orders set held = 0")
    desk.run(at("2024-03-08 12:00"), at("2024-03-08 13:00") - MINUTE)
    desk.sql("update orders set held = 1")
    desk.run(at("2024-03-08 13:00"), at("2024-03-08 14:00") - MINUTE)
    desk.sql("update orders set asked_at = '2024-03-08 13:30:00'")
    desk.run(at("2024-03-08 14:00"), at("2024-03-08 14:30") - MINUTE)
    desk.sql("update orders set asked_at = null")
    desk.run(at("2024-03-08 14:30"), at("2024-03-08 15:00") - MINUTE)
    desk.sql("update orders set held = 0")
    desk.run(at("2024-03-08 15:00"), at("2024-03-08 15:00"))
    assert due(desk) == "Mon 13:00"


def test_nothing_fires_while_the_clock_stands_still(tmp_path: Path) -> None:
    """For a week nobody hears, the case stays open, and the step that was to come comes when its time has."""
    desk = open_desk(tmp_path)
    desk.run(FRIDAY, at("2024-03-08 15:00"))
    desk.sql("update orders set held = 1")
    desk.run(at("2024-03-08 15:10"), at("2024-03-15 15:10") - MINUTE)
    assert told(desk) == []
    assert [case.state for case in desk.cases(1)] == ["open"]
    desk.sql("update orders set held = 0")
    desk.run(at("2024-03-15 15:10"), at("2024-03-20 09:00"))
    assert told(desk) == ["Fri 16:00 lin", "Mon 10:00 wang"]


def test_a_pause_that_begins_at_the_due_moment_comes_too_late(tmp_path: Path) -> None:
    """What is due as the pause begins was due first; a second earlier, it waits."""
    desk = open_desk(tmp_path)
    desk.order(2, placed_at="2024-03-08 10:00:00")
    desk.run(FRIDAY, at("2024-03-11 10:00") - MINUTE)
    desk.sql("update orders set asked_at = '2024-03-11 10:00:00' where id = 1")
    desk.sql("update orders set asked_at = '2024-03-11 09:59:59' where id = 2")
    desk.run(at("2024-03-11 10:00"), at("2024-03-12 10:00"))
    assert told(desk, 1) == ["Fri 16:00 lin", "Mon 10:00 wang"]
    assert told(desk, 2) == ["Fri 16:00 lin"]


def test_a_pause_that_no_check_has_seen_stops_the_step_that_finds_it(tmp_path: Path) -> None:
    """A pause that begins between two checks is seen as the step would fire, and is given back from there."""
    desk = open_desk(tmp_path, RULE.replace("due: 8", "due: 1"))
    desk.order(2, placed_at="2024-03-08 10:05:00")
    desk.run(FRIDAY, at("2024-03-08 11:01"))
    desk.sql("update orders set held = 1 where id = 2")
    desk.run(at("2024-03-08 11:02"), at("2024-03-08 12:00") - MINUTE)
    assert not [line for line in told(desk, 2) if "wang" in line]
    assert [e.detail for e in desk.story(2) if e.event == "stands still"] == ["on hold, since 2024-03-08 03:04 UTC"]
    desk.sql("update orders set held = 0 where id = 2")
    desk.run(at("2024-03-08 12:00"), at("2024-03-08 12:10"))
    assert [line for line in told(desk, 2) if "wang" in line] == ["Fri 12:00 wang"]


def test_a_pause_survives_a_crash(tmp_path: Path) -> None:
    """What the ledger knows of a pause is taken up by the daemon that comes after."""
    desk = open_desk(tmp_path)
    desk.run(FRIDAY, at("2024-03-08 14:00") - MINUTE)
    desk.sql("update orders set held = 1")
    desk.run(at("2024-03-08 14:00"), at("2024-03-08 14:30"))
    desk.start(at("2024-03-08 14:31"))
    desk.run(at("2024-03-08 14:31"), at("2024-03-08 15:00") - MINUTE)
    desk.sql("update orders set held = 0")
    desk.start(at("2024-03-08 15:00"))
    desk.run(at("2024-03-08 15:00"), at("2024-03-08 15:10"))
    assert due(desk) == "Mon 11:00"


def test_a_pause_taken_out_of_the_rule_is_over(tmp_path: Path) -> None:
    """The conditions are today's: a pause that the rule no longer names ends at the next check."""
    desk = open_desk(tmp_path)
    desk.sql("update orders set asked_at = '2024-03-08 11:00:00'")
    desk.run(at("2024-03-08 11:00"), at("2024-03-08 11:55"))
    desk.write("rules/r.yaml", RULE.replace("pause: [awaiting reply, on hold]\n", ""))
    desk.reload(at("2024-03-08 11:56"))
    desk.run(at("2024-03-08 12:00"), at("2024-03-08 12:00"))
    assert due(desk) == "Mon 11:00"


def test_an_acknowledgement_does_not_wake_a_clock_that_stands_still(tmp_path: Path) -> None:
    """Somebody who takes the case on while it waits sets no step going."""
    desk = open_desk(tmp_path)
    desk.run(FRIDAY, at("2024-03-08 15:00"))
    desk.sql("update orders set held = 1")
    desk.run(at("2024-03-08 15:10"), at("2024-03-08 15:10"))
    assert acknowledge(desk.ledger, desk.engine.house.rules.version, desk.cases(1)[0].id, "lin", at("2024-03-08 15:15"))
    assert desk.cases(1)[0].next_at is None


def test_a_case_that_closes_ends_its_pause(tmp_path: Path) -> None:
    """A case that is gone no longer stands still; what passes until it comes back is not given back."""
    desk = open_desk(tmp_path)
    desk.sql("update orders set held = 1")
    desk.run(at("2024-03-08 11:00"), at("2024-03-08 12:00") - MINUTE)
    desk.sql("update orders set cancelled = 1")
    desk.run(at("2024-03-08 12:00"), at("2024-03-08 14:00") - MINUTE)
    desk.sql("update orders set cancelled = 0, held = 0")
    desk.run(at("2024-03-08 14:00"), at("2024-03-08 14:10"))
    assert due(desk) == "Mon 11:00"


def test_a_case_without_done_is_not_used_up_while_it_stands_still(tmp_path: Path) -> None:
    """Where nothing says what is done, a case that waits is still not done."""
    desk = open_desk(tmp_path, RULE.replace("done: [shipped]\n", ""))
    desk.sql("update orders set held = 1")
    desk.run(at("2024-03-08 10:00"), at("2024-03-08 12:00"))
    assert [case.state for case in desk.cases(1)] == ["open"]


def test_the_pauses_of_a_case_are_kept_by_both_ledgers(ledger_case: Desk) -> None:
    """One that had ended and after all goes on does so, and what goes on ends once."""
    desk = ledger_case
    (case,) = desk.cases(1)
    one = Pause(case.id, "on hold", at("2024-03-08 11:00"))
    with desk.ledger.write() as connection:
        pauses.begin(connection, [one, dataclasses.replace(one, fact="awaiting reply")])
        pauses.end_all(connection, [case.id], at("2024-03-08 12:00"))
        assert not pauses.any_going(connection, case.rule_id)
        pauses.begin(connection, [one])
        assert pauses.any_going(connection, case.rule_id)
    with desk.ledger.read() as connection:
        known = pauses.of_cases(connection, [case.id])[case.id]
    assert known == [dataclasses.replace(one, fact="awaiting reply", ended_at=at("2024-03-08 12:00")), one]


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """Set up a desk with one case, on each kind of ledger."""
    url = request.getfixturevalue("postgresql_url") if request.param == "postgresql" else ""
    desk = open_desk(tmp_path, ledger=url)
    desk.sql("update orders set held = 1")
    desk.run(at("2024-03-08 10:00"), at("2024-03-08 10:00"))
    with desk.ledger.write() as connection:
        connection.exec_driver_sql("DELETE FROM pause")
    yield desk
    desk.ledger.close()


EXAMPLES = """\
examples:
  - name: a weekend of waiting takes one working hour
    order: {placed_at: Fri 10:00}
    then: [Fri 16:00 awaiting reply, Mon 09:00 not awaiting reply]
    expect: [Fri 16:00 assignee, Mon 11:00 manager of sales]
  - name: it stands still from the start
    order: {placed_at: Mon 09:00, on hold: yes}
    then: [Tue 09:00 not on hold]
    expect: [Tue 15:00 assignee, Tue 17:00 manager of sales]
  - name: nobody takes it up again
    order: {placed_at: Mon 09:00}
    then: [Mon 12:00 on hold]
    expect: []
"""


def test_examples_stand_still(tmp_path: Path) -> None:
    """“Not waiting” in an example ends a pause, and what was lost is given back."""
    desk = open_desk(tmp_path, RULE + EXAMPLES)
    snapshot = desk.engine.house.rules.snapshot
    results = run_examples(snapshot.rules["r"], snapshot, load_plugins([SpokenPlugin()]))
    assert [result.problem and result.problem.message for result in results] == [None, None, None]


def test_before_the_clock_nothing_stands_still(tmp_path: Path) -> None:
    """A step that comes before the clock cannot be held up by it, and the rule says so."""
    desk = open_desk(tmp_path, RULE.replace("due: 8 working hours\n", ""))
    said = "“before: 2 working hours” comes before the clock begins, so “pause” cannot stop it"
    cure = "add “due: …”, or write “except” for “pause”"
    assert [(problem.code, problem.message, problem.cure) for problem in desk.problems.errors] == [("R011", said, cure)]


# The oracle: minutes are counted one by one.

START = at("2024-03-04 00:00")
CALENDAR = build("plain", None, {}, (), {})
minutes = st.integers(0, 6 * 24 * 60)
stretches = st.lists(st.tuples(minutes, st.integers(1, 2 * 24 * 60)), max_size=4)


def reckoned(written: str, hours: str, step: Step) -> Timing:
    """Make the timing of a rule that is due after ``written``."""
    noun = Noun("orders", "order", "shop", "orders o", ("o.id",), times={"placed_at": Time("placed_at", "o.placed_at")})
    clock, check = ClockRef(ClockKind.TIME, "placed_at"), (Schedule.parse("every 10m"),)
    rule = Rule("r", "R", "sales", "orders", check, (step,), "", clock=clock, due=Due(Duration.parse(written)))
    return Timing(BoundRule(rule, noun, WorkingTime(Hours.parse(hours), CALENDAR, ZONE)))


def counted(amount: int, hours: str, clock: int, paused: set[int], *, is_working: bool) -> int:
    """Count minutes from the clock until the amount has passed: those at work, while the clock runs."""
    working = WorkingTime(Hours.parse(hours), CALENDAR, ZONE)
    minute, left = clock, amount
    while left:
        if minute not in paused and (not is_working or working.is_open(START + minute * MINUTE)):
            left -= 1
        minute += 1
    return minute


LATE = Step("late", When.LATE, Duration.parse("at once"), "tell", Audience("owner", AudienceKind.OWNER))


@settings(max_examples=150, deadline=None)
@given(
    clock=minutes,
    held=stretches,
    amount=st.integers(1, 30 * 60),
    hours=st.sampled_from([HOURS, "daily 22:00-06:00", "workdays 09:00-12:00 13:00-18:00"]),
    is_working=st.booleans(),
)
def test_due_is_where_minute_by_minute_counting_ends(
    clock: int, held: list[tuple[int, int]], amount: int, hours: str, *, is_working: bool
) -> None:
    """However often a clock stands still, it is due once its minutes have run, at work or not, and is then late."""
    paused = {minute for begin, length in held for minute in range(begin, begin + length)}
    known = [
        Pause(1, f"f{place}", START + begin * MINUTE, START + (begin + length) * MINUTE)
        for place, (begin, length) in enumerate(held)
    ]
    timing = reckoned(f"{amount} working minutes" if is_working else f"{amount}m", hours, LATE)
    clock_at, stood = START + clock * MINUTE, Pauses.of(known)
    due_at = timing.due(clock_at, {}, pauses=stood)
    expected = START + counted(amount, hours, clock, paused, is_working=is_working) * MINUTE
    assert due_at == expected
    assert timing.next_at(clock_at, due_at, "", {}, pauses=stood) == expected


@settings(max_examples=150, deadline=None)
@given(clock=minutes, held=stretches, begins=minutes, amount=st.integers(1, 30 * 60), written=st.sampled_from("amd"))
def test_no_moment_lies_within_a_pause(
    clock: int, held: list[tuple[int, int]], begins: int, amount: int, written: str
) -> None:
    """Whatever the step, it comes outside every pause that stops the clock, and not at all while one goes on."""
    known = [Pause(1, str(n), START + b * MINUTE, START + (b + length) * MINUTE) for n, (b, length) in enumerate(held)]
    known.append(Pause(1, "goes on", START + begins * MINUTE))
    stood = Pauses.of(known)
    assert all(a.ended is not None and a.ended < b.began for a, b in pairwise(stood.stretches))
    share, length = Duration.parse("50%"), Duration.parse(f"{amount}m")
    step = {
        "a": Step("a", When.AFTER, share, "tell", LATE.audience),
        "m": Step("m", When.AFTER, length, "tell", LATE.audience, at=dt.time(10)),
        "d": Step("d", When.BEFORE, share, "tell", LATE.audience),
    }[written]
    timing = reckoned("20 working hours", HOURS, step)
    clock_at = START + clock * MINUTE
    due_at = timing.due(clock_at, {}, pauses=stood)
    moment = timing.next_at(clock_at, due_at, "", {}, pauses=stood)
    effective = stood.before(due_at)
    assert moment is None or effective.around(moment) is None
    assert (moment is not None) or any(one.ended is None for one in effective.stretches)
