"""Steps that repeat: each occurrence once, the latest of what is overdue, and an end to all of it (laws 1, 4)."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

import duly
from duly.engine.acknowledgement import acknowledge
from duly.engine.examples import run_examples
from duly.engine.plugins import load_plugins
from duly.engine.release import Overdue, release
from duly.engine.versions import Versions
from duly.ledger import firings, versions
from duly.ledger.firings import Firing
from duly.rules.snapshot import load_workspace
from engine.desk import ZONE, Desk, SpokenPlugin, at
from engine.faulty import Faulty, down

RULE = """\
rule: Orders are looked after
owner: sales
watch: orders
except: [cancelled]
clock: placed_at
check: every 4h
steps:
"""
MONDAY = at("2024-03-04 09:00")
HOUR = dt.timedelta(hours=1)


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the URL of each kind of ledger."""
    url = f"sqlite:///{tmp_path}/l.db" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    return str(url)


def open_desk(home: Path, *lines: str, head: str = RULE, placed: str = "2024-03-04 09:00:00", ledger: str = "") -> Desk:
    """Set up a desk with these steps and order 1, placed as the rule went live on Monday at nine."""
    desk = Desk(home, {"r": head + "".join(f"  - {{{line}}}\n" for line in lines)}, ledger=ledger)
    desk.order(1, placed_at=placed)
    desk.start(MONDAY)
    desk.run(MONDAY, MONDAY)
    return desk


def told(desk: Desk) -> list[str]:
    """Say who was told of the order, and when at the desk."""
    accepted = [entry for entry in desk.story(1) if entry.event == "accepted"]
    return [f"{e.at.astimezone(ZONE):%a %H:%M} {(e.data or {})['to']}" for e in accepted]


def fired(desk: Desk) -> list[Firing]:
    """Return the firings of the latest case of the order, in order."""
    case = desk.cases(1)[-1]
    with desk.ledger.read() as connection:
        return list(firings.of_cases(connection, [case.id]).get(case.id, {}).values())


def lines(desk: Desk, event: str) -> list[str]:
    """Return what the journal says of the order at one kind of event."""
    return [entry.detail for entry in desk.story(1) if entry.event == event]


def test_a_step_repeats_as_often_as_it_says_and_then_its_case_is_done(tmp_path: Path) -> None:
    """“Daily up to 3 times” is three messages at the same time of day; with nothing left to do the case is done."""
    desk = open_desk(tmp_path, "after: 1h, repeat: daily up to 3 times, tell: customer, text: hello")
    desk.run(at("2024-03-04 09:10"), at("2024-03-09 12:00"))
    assert told(desk) == ["Mon 10:00 customer", "Tue 10:00 customer", "Wed 10:00 customer"]
    assert [(one.occurrence, one.state) for one in fired(desk)] == [(0, "fired"), (1, "fired"), (2, "fired")]
    case = desk.cases(1)[-1]
    assert (case.state, case.used_up) == ("done", True)


def test_a_step_repeats_for_as_long_as_it_says(tmp_path: Path) -> None:
    """“Every 8h for 1d” ends a day after its first time, which is not included."""
    desk = open_desk(tmp_path, "after: 1h, repeat: every 8h for 1d, tell: assignee, text: hello")
    desk.run(at("2024-03-04 09:10"), at("2024-03-09 12:00"))
    assert told(desk) == ["Mon 10:00 lin", "Mon 18:00 lin", "Tue 02:00 lin"]


def test_a_step_without_an_end_repeats_until_its_case_closes(tmp_path: Path) -> None:
    """Nothing ends it but the closing of its case."""
    desk = open_desk(tmp_path, "after: 1h, repeat: daily, tell: assignee, text: hello")
    desk.run(at("2024-03-04 09:10"), at("2024-03-14 10:30"))
    assert len(told(desk)) == 11
    desk.sql("update orders set cancelled = 1")
    desk.run(at("2024-03-14 10:40"), at("2024-03-20 12:00"))
    assert len(told(desk)) == 11
    assert desk.cases(1)[-1].state == "gone"


def test_workdays_pass_over_the_weekend_and_keep_their_time_of_day(tmp_path: Path) -> None:
    """“At 10:00, workdays” skips Saturday and Sunday, and begins on a working day."""
    desk = open_desk(tmp_path, "at: 10:00, repeat: workdays, tell: assignee, text: hello", placed="2024-03-08 12:00:00")
    desk.run(at("2024-03-08 12:10"), at("2024-03-12 11:00"))
    assert told(desk) == ["Mon 10:00 lin", "Tue 10:00 lin"]


def test_at_once_is_at_once_also_on_a_saturday(tmp_path: Path) -> None:
    """Without a time of day the first time is the step's own moment; only the next ones keep to working days."""
    desk = open_desk(tmp_path, "after: 2h, repeat: workdays, tell: assignee, text: hello", placed="2024-03-09 12:00:00")
    desk.run(at("2024-03-09 12:10"), at("2024-03-12 15:00"))
    assert told(desk) == ["Sat 14:00 lin", "Mon 14:00 lin", "Tue 14:00 lin"]


def test_a_condition_skips_one_occurrence_only(tmp_path: Path) -> None:
    """An “if” that does not hold skips that time, and the next is asked anew."""
    desk = open_desk(tmp_path, "after: 1h, repeat: daily up to 4 times, if: [paid], tell: assignee, text: hello")
    desk.run(at("2024-03-04 09:10"), at("2024-03-05 11:00"))
    desk.sql("update orders set paid_at = '2024-03-05 12:00:00'")
    desk.run(at("2024-03-05 12:00"), at("2024-03-06 11:00"))
    desk.sql("update orders set paid_at = null")
    desk.run(at("2024-03-06 12:00"), at("2024-03-09 11:00"))
    assert told(desk) == ["Wed 10:00 lin"]
    assert [one.state for one in fired(desk)] == ["skipped", "skipped", "fired", "skipped"]
    assert desk.cases(1)[-1].state == "done"


def test_of_several_overdue_occurrences_only_the_latest_fires(tmp_path: Path) -> None:
    """After nine hours down, a step that comes every two hours fires once; the journal counts the others."""
    desk = open_desk(tmp_path, "after: 1h, repeat: every 2h, tell: assignee, text: hello")
    desk.run(at("2024-03-04 09:10"), at("2024-03-04 10:30"))
    desk.run(at("2024-03-04 19:30"), at("2024-03-04 20:30"))
    assert told(desk) == ["Mon 10:00 lin", "Mon 19:30 lin", "Mon 20:00 lin"]
    assert lines(desk, "overtaken") == ["after 1h, every 2h · tell · assignee; it had come 3 times before"]
    assert [one.occurrence for one in fired(desk)] == [0, 4, 5]
    assert [f"{one.moment.astimezone(ZONE):%H:%M}" for one in fired(desk)] == ["10:00", "18:00", "20:00"]


def test_what_was_overtaken_counts_towards_the_end(tmp_path: Path) -> None:
    """“Up to 3 times” are three times of the day, whether or not Duly was there for all of them."""
    desk = open_desk(tmp_path, "after: 1h, repeat: every 2h up to 3 times, tell: assignee, text: hello")
    desk.run(at("2024-03-04 12:30"), at("2024-03-05 12:30"))
    assert told(desk) == ["Mon 12:30 lin", "Mon 14:00 lin"]


def test_a_night_of_rest_ends_with_one_message(tmp_path: Path, ledger: str) -> None:
    """What came again and again while the customer slept leaves once, in the morning (FAILURES 8)."""
    desk = open_desk(tmp_path, "after: 1h, repeat: every 2h, tell: customer, text: hello", ledger=ledger)
    desk.run(at("2024-03-04 09:10"), at("2024-03-05 10:30"))
    evening = ["Mon 10:00 customer", "Mon 12:00 customer", "Mon 14:00 customer", "Mon 16:00 customer"]
    assert told(desk) == [
        *evening,
        "Mon 18:00 customer",
        "Mon 20:00 customer",
        "Tue 09:00 customer",
        "Tue 10:00 customer",
    ]
    assert lines(desk, "cancelled") == ["its step has come again"] * 5
    assert [one.state for one in fired(desk)] == ["fired"] * 6 + ["overtaken"] * 5 + ["fired"] * 2


def test_before_goes_on_after_the_due_time(tmp_path: Path) -> None:
    """A “before” step that repeats does not expire at its due time (law 4)."""
    desk = open_desk(
        tmp_path,
        "before: 1h, repeat: daily up to 3 times, tell: assignee, text: hello",
        head=RULE.replace("check:", "due: 3h\ncheck:"),
    )
    desk.run(at("2024-03-04 09:10"), at("2024-03-08 10:00"))
    assert told(desk) == ["Mon 11:00 lin", "Tue 11:00 lin", "Wed 11:00 lin"]


def test_each_occurrence_expires_for_itself(tmp_path: Path) -> None:
    """One that is too old when its turn comes has expired; the next is fresh."""
    desk = open_desk(tmp_path, "after: 1h, repeat: daily, expires: 2h, tell: assignee, text: hello")
    desk.run(at("2024-03-04 12:30"), at("2024-03-05 11:00"))
    assert told(desk) == ["Tue 10:00 lin"]
    assert [one.state for one in fired(desk)] == ["expired", "fired"]


def test_unanswered_counts_from_the_last_occurrence_that_was_accepted(tmp_path: Path) -> None:
    """While the step before comes again, nobody has had time to answer; then the count begins."""
    desk = open_desk(
        tmp_path,
        "after: 1h, repeat: every 3h up to 3 times, tell: assignee, text: hello",
        "unanswered: 4h, tell: manager of sales, text: hello",
    )
    desk.run(at("2024-03-04 09:10"), at("2024-03-05 12:00"))
    assert told(desk) == ["Mon 10:00 lin", "Mon 13:00 lin", "Mon 16:00 lin", "Mon 20:00 wang"]


def test_unanswered_itself_may_repeat(tmp_path: Path) -> None:
    """Whoever does not answer is asked every two hours; somebody who takes it on has a working day of peace."""
    desk = open_desk(
        tmp_path,
        "after: 1h, tell: assignee, text: hello",
        "unanswered: 2h, repeat: every 2h up to 9 times, tell: manager of sales, text: hello",
    )
    desk.run(at("2024-03-04 09:10"), at("2024-03-04 15:00"))
    assert told(desk) == ["Mon 10:00 lin", "Mon 12:00 wang", "Mon 14:00 wang"]
    acknowledge(desk.ledger, desk.engine.house.rules.version, desk.cases(1)[-1].id, "wang", at("2024-03-04 15:00"))
    desk.run(at("2024-03-04 15:00"), at("2024-03-05 17:00"))
    assert told(desk)[3:] == ["Tue 16:00 wang"]


def test_a_cancelled_occurrence_comes_again_and_is_counted_once(tmp_path: Path) -> None:
    """Cancelled before it left and armed again, it is the same occurrence, and the rest of the series follows."""
    desk = open_desk(tmp_path, "after: 12h, repeat: daily up to 2 times, tell: customer, text: hello")
    desk.run(at("2024-03-04 09:10"), at("2024-03-04 21:01"))
    desk.sql("update orders set cancelled = 1")
    desk.run(at("2024-03-05 00:00"), at("2024-03-05 00:00"))
    desk.sql("update orders set cancelled = 0")
    desk.run(at("2024-03-05 04:00"), at("2024-03-08 12:00"))
    assert told(desk) == ["Tue 09:00 customer", "Wed 09:00 customer"]
    assert [(one.occurrence, one.state, one.round) for one in fired(desk)] == [(0, "fired", 1), (1, "fired", 0)]


def test_an_open_case_keeps_its_series(tmp_path: Path) -> None:
    """A rule that repeats less often from now on does so for new cases; an open one finishes as it began (law 7)."""
    desk = open_desk(tmp_path, "after: 1h, repeat: daily up to 3 times, tell: assignee, text: hello")
    desk.run(at("2024-03-04 09:10"), at("2024-03-04 11:00"))
    text = (tmp_path / "rules/r.yaml").read_text(encoding="utf-8")
    desk.write("rules/r.yaml", text.replace("daily up to 3 times", "every 30m"))
    desk.reload(at("2024-03-04 11:00"))
    desk.run(at("2024-03-04 11:10"), at("2024-03-08 12:00"))
    assert told(desk) == ["Mon 10:00 lin", "Tue 10:00 lin", "Wed 10:00 lin"]


def test_what_is_to_come_moves_with_the_due_time(tmp_path: Path) -> None:
    """Given more time, nobody is called late again before the new due time."""
    desk = open_desk(
        tmp_path,
        "late: at once, repeat: daily up to 4 times, tell: assignee, text: hello",
        head=RULE.replace("check:", "due: paid_at\ncheck:"),
    )
    desk.sql("update orders set paid_at = '2024-03-04 12:00:00'")
    desk.run(at("2024-03-04 09:10"), at("2024-03-05 13:00"))
    desk.sql("update orders set paid_at = '2024-03-08 15:00:00'")
    desk.run(at("2024-03-05 13:10"), at("2024-03-12 16:00"))
    assert told(desk) == ["Mon 12:00 lin", "Tue 12:00 lin", "Fri 15:00 lin", "Sat 15:00 lin"]


@pytest.mark.parametrize(
    ("overdue", "heard"),
    [
        (Overdue.SEND, ["Mon 09:30 lin", "Mon 10:00 lin", "Tue 10:00 lin"]),
        (Overdue.SKIP, ["Mon 10:00 lin", "Tue 10:00 lin"]),
    ],
)
def test_a_new_rule_holds_what_has_repeated_for_weeks(tmp_path: Path, overdue: Overdue, heard: list[str]) -> None:
    """Its first time was 80 days ago: it is held; let go, one message at the most makes up for all of them (law 8)."""
    desk = open_desk(tmp_path, "after: 1h, repeat: daily, tell: assignee, text: hello", placed="2023-12-15 09:00:00")
    assert desk.cases(1)[-1].held
    with desk.ledger.read() as connection:
        row = versions.by_path(connection, "r")
    assert row is not None
    bound = Versions(desk.ledger, desk.engine.house.rules.snapshot)
    released = release(desk.ledger, bound, row, overdue, at("2024-03-04 09:30"))
    assert released.skipped == (80 if overdue is Overdue.SKIP else 0)
    desk.run(at("2024-03-04 09:30"), at("2024-03-05 11:00"))
    assert told(desk) == heard


def test_a_gateway_that_fails_for_a_day_is_not_forgiven_because_the_step_comes_again(tmp_path: Path) -> None:
    """Tries that have failed go on being counted in the message that takes their place, until the fall-back is used."""
    desk = open_desk(
        tmp_path, "after: 1h, repeat: every 2h, urgent: yes, tell: customer, by: sms else email, text: hello"
    )
    desk.sql("update orders set email = 'li@example.com'")
    desk.channel("sms").answers = [duly.Retry("busy")] * 500
    desk.run(at("2024-03-04 09:10"), at("2024-03-05 11:00"))
    first = next(entry.at for entry in desk.story(1) if entry.event == "accepted")
    assert first - at("2024-03-05 10:00") < HOUR
    assert {"email"} == {one.channel for one in desk.deliveries(1) if one.state == "accepted"}


def test_staff_hear_although_the_source_is_down_and_the_step_comes_again(tmp_path: Path) -> None:
    """A step that comes every ten minutes does not begin to wait anew each time (law 3)."""
    desk = open_desk(tmp_path, "after: 1h, repeat: every 10m, tell: assignee, text: hello")
    desk.run(at("2024-03-04 09:10"), at("2024-03-04 09:50"))
    shop = Faulty.put_into(desk.engine)
    shop.asked = down
    shop.before = down
    desk.run(at("2024-03-04 10:00"), at("2024-03-04 10:20"))
    assert told(desk)[:1] == ["Mon 10:15 lin"]


EXAMPLES = """\
examples:
  - name: three days, then peace
    order: {placed_at: Mon 09:00}
    expect: [Mon 10:00 customer, Tue 10:00 customer, Wed 10:00 customer]
  - name: cancelled in time
    order: {placed_at: Mon 09:00}
    then: [Tue 09:30 cancelled]
    expect: [Mon 10:00 customer]
"""
ENDLESS = """\
examples:
  - name: until it is cancelled
    order: {placed_at: Mon 09:00}
    then: [Thu 09:30 cancelled]
    expect: [Mon 10:00 customer, Tue 10:00 customer, Wed 10:00 customer]
  - name: until the example ends
    order: {placed_at: 2024-03-04 09:00}
    from: 2024-03-05
    until: 2024-03-07
    expect: [2024-03-05 10:00 customer, 2024-03-06 10:00 customer]
  - name: nothing ends it
    order: {placed_at: Mon 09:00}
    expect: [Mon 10:00 customer]
"""


def examples(home: Path, step: str, written: str) -> list[str]:
    """Run the examples of a rule with one step; return the sentences of those that fail."""
    Desk(home, {"r": f"{RULE}  - {{{step}}}\n{written}"})
    plugins = load_plugins([SpokenPlugin()])
    snapshot, problems = load_workspace(home, plugins.actions, plugins.channels)
    assert snapshot is not None, [problem.render() for problem in problems.all]
    results = run_examples(snapshot.rules["r"], snapshot, plugins)
    return [result.problem.message for result in results if result.problem]


def test_examples_prove_a_step_that_repeats(tmp_path: Path) -> None:
    """An example lists every time the step comes."""
    step = "after: 1h, repeat: daily up to 3 times, tell: customer, text: hello"
    assert examples(tmp_path, step, EXAMPLES) == []


def test_an_example_of_what_never_ends_needs_an_end_of_its_own(tmp_path: Path) -> None:
    """Without “until” or an event that closes the case, the example says that it comes to no end."""
    said = examples(tmp_path, "after: 1h, repeat: daily, tell: customer, text: hello", ENDLESS)
    assert said == ["“nothing ends it”: it cannot be run: it comes to no end: a step repeats; add “until: …”"]
