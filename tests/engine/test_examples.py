"""Examples: what a desk lead writes about a rule is held against the real engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import duly
from duly.engine.examples import ExampleResult, run_examples
from duly.engine.plugins import load_plugins
from duly.rules.snapshot import load_workspace
from engine.desk import DIRECTORY, ORDERS, SETTINGS, ZONE, Desk, SpokenPlugin, at

LADDER = """\
rule: Paid orders ship within two days
owner: sales
watch: orders
where: [paid]
except: [cancelled]
done: [shipped]
clock: paid_at
due: 2d
check: every 10m
steps:
  - {after: 1d, at: 10:00, tell: customer, by: sms else email, text: hello}
  - {late: at once, tell: supervisor of sales, text: hello}
  - {unanswered: 4 working hours, tell: manager of sales, text: hello}
"""
ALL_OF_IT = "[Wed 10:00 customer, Wed 14:00 supervisor of sales, Wed 18:00 manager of sales]"
VISIT = """\
rule: A visit is announced
owner: sales
watch: visits
except: [called off]
clock: visit_on
check: every 10m
steps:
  - {before: 2d, at: 10:00, tell: customer, text: hello}
  - {before: 1 working day, tell: assignee, text: hello}
"""
VISITS = """\
noun: visits
one: visit
source: shop
from: visits v
key: v.id
times:
  visit_on: {sql: v.day, kind: date}
  stage_since: v.stage_since
  asked_at: v.asked_at
  later: {later of: [asked_at, stage_since]}
facts: {called off: v.off = 1}
fields:
  stage: {sql: v.stage, one of: [new, agreed], since: stage_since}
  amount: {sql: v.amount, kind: number}
people:
  customer: {name: v.name, phone: v.phone, email: v.email, chat: v.chat}
  assignee: {staff: v.agent}
"""


class Ticket(duly.Action):
    """An action of somebody else's, which does something in the world."""

    name = "ticket"

    def run(self, task: duly.Task) -> duly.Verdict:
        """Never be run by an example."""
        raise AssertionError(task.id)


class Others(SpokenPlugin):
    """Registers `Ticket` beside the channel."""

    @duly.hookimpl
    def register_actions(self, register: Callable[[type[duly.Action]], None]) -> None:
        """Register it."""
        register(Ticket)


def results(home: Path, rule: str, *examples: str, files: dict[str, str] | None = None) -> list[ExampleResult]:
    """Run examples of a rule, each written as the lines of a flow mapping without its name."""
    lines = [f"  - {{name: example {number}, {text}}}\n" for number, text in enumerate(examples, 1)]
    words = {"notifications/hello.j2": "{{ name }}"}
    desk = Desk(home, {"r": f"{rule}examples:\n{''.join(lines)}"}, files={**words, **(files or {})})
    plugins = load_plugins([Others()])
    snapshot, problems = load_workspace(desk.home, plugins.actions, plugins.channels)
    assert snapshot is not None
    assert not problems.errors, [problem.render() for problem in problems.errors]
    return run_examples(snapshot.rules["r"], snapshot, plugins)


def got(home: Path, rule: str, example: str, **files: str) -> list[str]:
    """Tell who heard in an example, whatever it expects."""
    return results(home, rule, f"{example}, expect: []", files=files)[0].got


def test_an_example_that_comes_true_passes(tmp_path: Path) -> None:
    """Every firing is there, in order, at its minute: nothing is wrong."""
    [result] = results(tmp_path, LADDER, f"order: {{paid_at: Mon 14:00}}, expect: {ALL_OF_IT}")
    assert result.passed
    assert result.got == result.expected
    assert len(result.got) == 3


@pytest.mark.parametrize(
    ("expect", "said"),
    [
        ("[]", "“Wed 10:00 customer” happened, which was not expected"),
        ("[Wed 10:01 customer]", "expected “Wed 10:01 customer”, but “Wed 10:00 customer” happened"),
        ("[Wed 10:00 manager of sales]", "expected “Wed 10:00 manager of sales”, but “Wed 10:00 customer” happened"),
        (
            "[Wed 10:00 customer by email]",
            "expected “Wed 10:00 customer by email”, but “Wed 10:00 customer by sms” hap",
        ),
        ("[Wed 10:00 customer]", "“Wed 14:00 supervisor of sales” happened, which was not expected"),
        (
            f"{ALL_OF_IT[:-1]}, Thu 09:00 manager of sales]",
            "expected “Thu 09:00 manager of sales”, but nobody heard",
        ),
    ],
)
def test_the_first_difference_is_named_where_the_example_stands(tmp_path: Path, expect: str, said: str) -> None:
    """A wrong example is a problem at its own place, with the sentence and what really happens."""
    [result] = results(tmp_path, LADDER, f"order: {{paid_at: Mon 14:00}}, expect: {expect}")
    assert not result.passed
    assert result.problem is not None
    assert result.problem.code == "X010"
    assert result.problem.mark == result.example.mark
    assert result.problem.message.startswith(f"“example 1”: {said}")
    assert "“expect: [Wed 10:00 customer" in result.problem.cure
    assert "name: example 1" in result.problem.source_line


@pytest.mark.parametrize(
    ("example", "why"),
    [
        ("order: {paid_at: Mon 14:00, cancelled: yes}", "(cancelled)"),
        ("order: {paid: no}", "(not paid)"),
        ("order: {paid: yes}", "(its clock is empty)"),
        ("order: {paid_at: Mon 14:00}, then: [Mon 15:00 shipped]", "(shipped)"),
    ],
)
def test_silence_is_explained(tmp_path: Path, example: str, why: str) -> None:
    """Who expected a word and hears of none is told what stood in the way."""
    [result] = results(tmp_path, LADDER, f"{example}, expect: [Wed 10:00 customer]")
    assert result.problem is not None
    assert f"but nobody heard {why}" in result.problem.message


def test_a_time_that_proves_a_fact_is_hidden_until_it_comes(tmp_path: Path) -> None:
    """A payment that is still to come matches nothing, and neither is its clock known."""
    rule = LADDER.replace("where: [paid]", "where: [not paid]").replace("clock: paid_at", "clock: placed_at")
    assert got(tmp_path / "1", rule, "order: {placed_at: Mon 14:00, paid_at: Wed 12:00}") == ["Wed 10:00 customer"]
    assert got(tmp_path / "2", rule, "order: {placed_at: Mon 14:00, paid_at: Mon 15:00}") == []


def test_a_hidden_time_is_no_part_of_a_clock(tmp_path: Path) -> None:
    """Until the payment comes, “the later of order and payment” is the order; then a new case begins."""
    orders = ORDERS.replace("times: {", "times: {latest: {later of: [placed_at, paid_at]}, ")
    rule = LADDER.replace("where: [paid]\n", "").replace("clock: paid_at", "clock: latest")
    rule = rule.replace("after: 1d, at: 10:00", "after: 1h").replace(
        "done: [shipped]\ndue: 2d", "done: [shipped]\ndue: 5d"
    )
    example = "order: {placed_at: Mon 10:00, paid_at: Mon 14:00}, then: [Mon 18:00 shipped]"
    heard = got(tmp_path, rule, example, **{"config/vocabulary/orders.yaml": orders})
    assert heard == ["Mon 11:00 customer", "Mon 15:00 customer"]


def test_a_time_that_proves_nothing_is_there_from_the_start(tmp_path: Path) -> None:
    """What is planned can be announced beforehand, counted back from a date in the record's own zone."""
    heard = got(tmp_path, VISIT, "visit: {visit_on: Thu}", **{"config/vocabulary/visits.yaml": VISITS})
    assert heard == ["Tue 10:00 customer", "Wed 09:00 assignee"]


def test_a_fact_that_comes_to_be_so_sets_the_time_that_proves_it(tmp_path: Path) -> None:
    """After “paid” the clock counts from there, and after “not paid” there is none."""
    assert got(tmp_path / "1", LADDER, "order: {paid: no}, then: [Mon 14:00 paid]") == [
        "Wed 10:00 customer",
        "Wed 14:00 supervisor of sales",
        "Wed 18:00 manager of sales",
    ]
    assert got(tmp_path / "2", LADDER, "order: {paid: no}, then: [Mon 14:00 paid, Wed 12:00 not paid]") == [
        "Wed 10:00 customer"
    ]


def test_a_field_that_changes_sets_its_since(tmp_path: Path) -> None:
    """A stage counts from when it was reached, and what is “later of” is reckoned anew."""
    rule = VISIT.replace("except: [called off]", "where: [stage is agreed]").replace("clock: visit_on", "clock: later")
    rule = rule.replace("before: 2d, at: 10:00", "after: 2h").replace("before: 1 working day", "after: 3h")
    example = "visit: {stage: new, asked_at: Mon 09:00}, then: [Mon 11:00 stage agreed]"
    heard = got(tmp_path, rule, example, **{"config/vocabulary/visits.yaml": VISITS})
    assert heard == ["Mon 13:00 customer", "Mon 14:00 assignee"]


@pytest.mark.parametrize(
    ("condition", "given", "heard"),
    [
        ("amount > 500", "", True),
        ("amount < 500", "", True),
        ("amount >= 500", "amount: 499.5, ", False),
        ("amount = 500", "amount: 500.0, ", True),
        ("amount != 500", "", True),
        ("amount != 500", "amount: 500, ", False),
        ("stage is agreed or new", "", True),
        ("stage is agreed or new", "stage: none, ", False),
        ("stage is not new", "stage: new, ", False),
    ],
)
def test_a_record_begins_as_the_rule_wants_it(tmp_path: Path, condition: str, given: str, *, heard: bool) -> None:
    """Comparisons hold from the start unless the example says otherwise, and mean what they mean in SQL."""
    rule = VISIT.replace("except: [called off]", f'where: ["{condition}"]')
    assert bool(
        got(tmp_path, rule, f"visit: {{{given}visit_on: Thu}}", **{"config/vocabulary/visits.yaml": VISITS})
    ) is (heard)


def test_an_acknowledgement_gives_a_working_day(tmp_path: Path) -> None:
    """Who takes a matter on is left in peace for one working day, then the ladder resumes (law 14)."""
    acknowledged = "order: {paid_at: Mon 14:00}, then: [Wed 15:00 acknowledged]"
    assert got(tmp_path, LADDER, acknowledged)[1:] == ["Wed 14:00 supervisor of sales", "Thu 15:00 manager of sales"]


def test_what_came_due_in_a_short_breakdown_leaves_when_duly_is_up_again(tmp_path: Path) -> None:
    """Nothing leaves while the daemon is down, and nothing is lost."""
    broken = "order: {paid_at: Mon 14:00}, then: [Wed 13:00 down, Wed 15:30 up]"
    assert got(tmp_path, LADDER, broken) == [
        "Wed 10:00 customer",
        "Wed 15:30 supervisor of sales",
        "Thu 10:30 manager of sales",
    ]


@pytest.mark.parametrize(
    ("then", "expect"),
    [
        ("[Tue 20:00 down, Wed 11:00 up]", "[Wed 11:00 customer]"),
        ("[Wed 12:00 down, Thu 00:30 up]", "[Wed 10:00 customer, Thu 00:30 supervisor of sales]"),
    ],
)
def test_what_came_due_in_a_long_breakdown_is_held(tmp_path: Path, then: str, expect: str) -> None:
    """After more than twelve hours what is late waits for a person (law 8), before its case is open and after."""
    [result] = results(tmp_path, LADDER, f"order: {{paid_at: Mon 14:00}}, then: {then}, expect: {expect}")
    assert result.got == result.expected[:-1]
    assert result.problem is not None
    assert "but nobody heard (it came due while " in result.problem.message


def test_from_is_inside_and_until_is_not(tmp_path: Path) -> None:
    """Of a timeline in real dates, exactly the part from one to the other is shown."""
    paid = "order: {paid_at: 2024-03-04 14:00}"
    both = f"{paid}, from: 2024-03-06 10:00, until: 2024-03-06 18:00"
    assert got(tmp_path / "1", LADDER, both) == ["2024-03-06 10:00 customer", "2024-03-06 14:00 supervisor of sales"]
    assert got(tmp_path / "2", LADDER, f"{paid}, from: 2024-03-06 10:01, until: 2024-03-06 18:01") == [
        "2024-03-06 14:00 supervisor of sales",
        "2024-03-06 18:00 manager of sales",
    ]


def test_weekdays_know_no_holidays_and_dates_do(tmp_path: Path) -> None:
    """The made-up week is an ordinary one; in real dates the calendar counts."""
    directory = DIRECTORY.replace("hours: daily 09:00-18:00", "hours: workdays 09:00-18:00")
    files = {"config/directory.yaml": directory}
    assert got(tmp_path / "1", LADDER, "order: {paid_at: Mon 14:00}", **files)[-1] == "Wed 18:00 manager of sales"
    dated = "order: {paid_at: 2024-09-29 16:00}"
    assert got(tmp_path / "2", LADDER, dated, **files)[-1] == "2024-10-08 13:00 manager of sales"


def test_weekdays_and_dates_do_not_mix(tmp_path: Path) -> None:
    """A made-up Monday and a real date lie in different worlds, so the example is refused with its cure."""
    [result] = results(tmp_path, LADDER, "order: {paid_at: Mon 14:00}, from: 2024-03-04, expect: []")
    assert result.problem is not None
    assert result.problem.code == "X006"
    assert result.problem.sentence.endswith("mixes weekdays with dates; write all of its times as dates, or none")


def test_a_weekday_is_not_taken_for_the_same_one_a_week_later(tmp_path: Path) -> None:
    """What comes more than seven days after anything the example mentions cannot pass as this week's."""
    rule = LADDER.replace("after: 1d, at: 10:00", "after: 8d").replace("due: 2d", "due: 20d")
    [result] = results(tmp_path, rule, "order: {paid_at: Mon 14:00}, then: [Sat 09:00 cancelled], expect: []")
    assert result.passed
    assert got(tmp_path / "2", rule, "order: {paid_at: Mon 14:00}")[0] == "Tue 14:00 customer, a week later"
    [result] = results(tmp_path / "3", rule, "order: {paid_at: Mon 14:00}, expect: [Tue 14:00 customer]")
    assert result.problem is not None
    assert "write it in dates" in result.problem.cure


def test_days_without_a_word_are_no_outage(tmp_path: Path) -> None:
    """Time jumps over what changes nothing, and still a step that comes after days is not held."""
    rule = LADDER.replace("after: 1d, at: 10:00", "after: 5d").replace("due: 2d", "due: 6d")
    assert got(tmp_path, rule, "order: {paid: no}, then: [Mon 14:00 paid]")[0] == "Sat 14:00 customer"
    assert got(tmp_path / "2", rule, "order: {paid_at: Mon 14:00}")[:2] == [
        "Sat 14:00 customer",
        "Sun 14:00 supervisor of sales",
    ]


def test_jumping_through_time_tells_what_living_through_it_does(tmp_path: Path) -> None:
    """An example comes to what the engine does on a real database that is checked at every slot."""
    rule = LADDER.replace("check: every 10m", "check: every 2h")
    desk = Desk(tmp_path / "1", {"r": rule})
    desk.start(at("2024-03-04 00:00"))
    desk.run(at("2024-03-04 00:00"), at("2024-03-04 14:20"))
    desk.order(1, paid_at="2024-03-04 14:20:00")
    desk.run(at("2024-03-04 14:21"), at("2024-03-07 12:00"))
    accepted = [entry.at.astimezone(ZONE) for entry in desk.story(1) if entry.event == "accepted"]
    heard = got(tmp_path / "2", rule, "order: {paid_at: 2024-03-04 14:20}")
    assert [line[:16] for line in heard] == [f"{when:%Y-%m-%d %H:%M}" for when in accepted]
    assert len(heard) == 3


def test_the_second_of_a_doubled_hour_is_written_with_its_offset(tmp_path: Path) -> None:
    """In Berlin, half past two comes twice on 26 October 2025, and an example can tell which."""
    files = {
        "config/duly.yaml": SETTINGS.replace("Asia/Shanghai", "Europe/Berlin").replace("rest: 20:30-09:00\n", ""),
        "config/directory.yaml": DIRECTORY.replace("Asia/Shanghai", "Europe/Berlin").replace(
            "calendar: CN", "calendar: DE"
        ),
    }
    rule = LADDER.replace("after: 1d, at: 10:00", "after: 30m")
    paid = "order: {paid_at: 2025-10-26 02:00+01:00}, until: 2025-10-27"
    [result] = results(tmp_path, rule, f"{paid}, expect: [2025-10-26 02:30+01:00 customer]", files=files)
    assert result.passed, result.problem
    [result] = results(tmp_path / "2", rule, f"{paid}, expect: [2025-10-26 02:30 customer]", files=files)
    assert result.got == ["2025-10-26 02:30+01:00 customer"]
    assert not result.passed


def test_people_have_every_address_but_those_that_the_example_denies(tmp_path: Path) -> None:
    """Without a phone the message goes by mail; with neither, the step has fired and reached nobody."""
    shipped = "order: {paid_at: Mon 14:00}, then: [Wed 12:00 shipped]"
    passed = results(
        tmp_path,
        LADDER,
        f"{shipped}, expect: [Wed 10:00 customer by sms]",
        f"{shipped}, customer: {{phone: none}}, expect: [Wed 10:00 customer by email]",
        f"{shipped}, customer: {{phone: none, email: none}}, expect: [Wed 10:00 customer]",
    )
    assert [result.problem for result in passed] == [None, None, None]


def test_a_customer_keeps_the_hours_of_their_own_zone(tmp_path: Path) -> None:
    """Ten o'clock in Seoul is nine in Shanghai, in which the example is written."""
    shipped = "order: {paid_at: Mon 14:00}, customer: {zone: Asia/Seoul}, then: [Wed 12:00 shipped]"
    assert got(tmp_path, LADDER, shipped) == ["Wed 09:00 customer"]


def test_what_cannot_be_run_is_a_problem_of_that_example_alone(tmp_path: Path) -> None:
    """A zone that nobody knows is named, and the next example runs."""
    wrong, right = results(
        tmp_path,
        LADDER,
        "order: {paid_at: Mon 14:00}, customer: {zone: Asia/Shanghi}, expect: []",
        f"order: {{paid_at: Mon 14:00}}, expect: {ALL_OF_IT}",
    )
    assert wrong.problem is not None
    assert wrong.problem.code == "X004"
    assert "did you mean “Asia/Shanghai”?" in wrong.problem.message
    assert right.passed


def test_the_order_within_one_instant_is_free(tmp_path: Path) -> None:
    """Two steps that fire together may be written in either order."""
    rule = LADDER.replace("unanswered: 4 working hours", "late: at once")
    one, other = "Wed 14:00 supervisor of sales", "Wed 14:00 manager of sales"
    passed = results(
        tmp_path,
        rule,
        f"order: {{paid_at: Mon 14:00}}, expect: [Wed 10:00 customer, {one}, {other}]",
        f"order: {{paid_at: Mon 14:00}}, expect: [Wed 10:00 customer, {other}, {one}]",
    )
    assert all(result.passed for result in passed)


def test_actions_of_others_are_not_run(tmp_path: Path) -> None:
    """A check of the files must not open a ticket anywhere: the step counts as done when it comes."""
    rule = LADDER.replace("late: at once, tell:", "late: at once, ticket:")
    assert got(tmp_path, rule, "order: {paid_at: Mon 14:00}")[1] == "Wed 14:00 supervisor of sales"


def test_an_example_that_would_go_on_for_ever_is_ended(tmp_path: Path) -> None:
    """Where nobody can be told, the engine looks again and again: the example says so and stops."""
    rule = LADDER.replace("owner: sales", "owner: ghosts").replace("tell: supervisor of sales", "tell: assignee")
    ghosts = "teams:\n  ghosts: {members: []}\n"
    files = {
        "config/duly.yaml": SETTINGS.replace("operator: op\n", ""),
        "config/directory.yaml": DIRECTORY.replace("teams:\n", ghosts).replace("ids: {shop: 1}, ", ""),
    }
    [result] = results(tmp_path, rule, "order: {paid_at: Mon 14:00}, expect: [Wed 10:00 customer]", files=files)
    assert result.problem is not None
    assert "it comes to no end" in result.problem.message
    assert "there is nobody to tell" in result.problem.message


def test_nothing_of_an_example_is_left_behind(tmp_path: Path) -> None:
    """Each example begins with an empty ledger: the same one twice in a row comes out the same."""
    example = f"order: {{paid_at: Mon 14:00}}, expect: {ALL_OF_IT}"
    assert all(result.passed for result in results(tmp_path, LADDER, example, example))
    assert not (tmp_path / "ledger.db").exists()


def test_a_step_that_attaches_is_proved_like_any_other(tmp_path):
    """The spreadsheet of a grouped step changes nothing about who hears when."""
    rule = LADDER.replace("text: hello}", "text: list, group: yes, attach: xlsx}")
    words = {"notifications/list.j2": "{{ count }}"}
    said = f"order: {{paid_at: Mon 14:00}}, expect: {ALL_OF_IT}"
    (result,) = results(tmp_path, rule, said, files=words)
    assert result.passed, result.got
