"""Steps that never do what they say are found before anybody waits for them."""

from __future__ import annotations

import pytest

from duly.rules.futile import check_futile
from duly.rules.problem import Problems
from duly.rules.rule_file import draft_rule

HEAD = """\
rule: Paid orders ship
owner: sales
watch: orders
done: [shipped]
clock: paid_at
check: every 10m
"""
TEXT = "tell: customer, text: hello"


def said(rest: str, actions: tuple[str, ...] = ("escalate", "note")) -> list[str]:
    """Return what is found in a rule, as people read it."""
    problems = Problems()
    rule = draft_rule(HEAD + rest, "r", "rules/r.yaml", problems, actions)
    assert rule is not None
    assert problems.all == []
    check_futile(rule, problems)
    return [problem.render() for problem in problems.all]


def test_a_step_that_expires_before_its_window_opens_is_told_of():
    """Six hours to the window and two to live: it can never leave."""
    (found,) = said(f"steps:\n  - {{at: 12:00, between: 18:00-20:00, expires: 2h, {TEXT}}}\n")
    assert found == (
        "rules/r.yaml:8:48: R050 warning: the step expires 2h after its moment, before its window 18:00-20:00 opens; "
        "let it last longer, or choose another window\n"
        "    - {at: 12:00, between: 18:00-20:00, expires: 2h, tell: customer, text: hello}\n"
        "                                                 ^"
    )


@pytest.mark.parametrize(
    ("due", "step", "futile"),
    [
        ("", "at: 12:00, between: 18:00-20:00, expires: 7h", False),
        ("", "at: 12:00, between: 18:00-20:00, expires: 6h", True),
        ("", "at: 19:00, between: 18:00-20:00, expires: 10m", False),
        ("", "at: 23:00, between: 22:00-06:00, expires: 10m", False),
        ("", "at: 21:00, between: 22:00-06:00, expires: 30m", True),
        ("", "after: 1h, between: 18:00-20:00, expires: 10m", False),
        ("due: [09:00, 16:30]\n", "late: 30m, between: 18:00-20:00, expires: 30m", True),
        ("due: [09:00, 17:45]\n", "late: 30m, between: 18:00-20:00, expires: 30m", False),
        ("due: 12:00\n", "before: 1h, between: 18:00-20:00, expires: 1h", True),
        ("due: 2h\n", "late: at once, between: 18:00-20:00, expires: 1h", False),
    ],
)
def test_only_what_is_the_same_every_day_is_reckoned(due, step, futile):
    """Where the moment is not known beforehand, or one of several times may do, nothing is said."""
    assert bool(said(f"{due}steps:\n  - {{{step}, {TEXT}}}\n")) is futile


def test_a_warning_longer_than_the_time_there_is_comes_at_once():
    """Three days before the end of one day is past from the start."""
    (found,) = said(f"due: 24h\nsteps:\n  - {{before: 3d, {TEXT}}}\n")
    assert found == (
        "rules/r.yaml:9:14: R051 warning: “before: 3d” is longer than the whole time until due (24h); the step would "
        "come at once: let it come later, or write “after: at once”\n"
        "    - {before: 3d, tell: customer, text: hello}\n"
        "               ^"
    )


@pytest.mark.parametrize(
    ("due", "before", "futile"),
    [
        ("72h", "72h", False),
        ("72h", "73h", True),
        ("72h", "3d", False),
        ("1d", "24h", False),
        ("1d", "26h", True),
        ("4 working hours", "5 working hours", True),
        ("2 working days", "3 working days", True),
        ("2d", "20 working hours", False),
        ("17:00", "30h", False),
    ],
)
def test_spans_are_held_against_each_other_only_where_they_can_be(due, before, futile):
    """A day on which a clock changes is an hour off, and working time is no other time."""
    assert bool(said(f"due: {due}\nsteps:\n  - {{before: {before}, {TEXT}}}\n")) is futile


def test_nobody_can_answer_what_nobody_was_told():
    """After a step that only does something, “unanswered” has nothing to wait for; with words it has."""
    ladder = "steps:\n  - {{late: at once, note: sales{}}}\n  - {{unanswered: 1h, {}}}\n"
    (found,) = said(ladder.format("", TEXT))
    assert found == (
        "rules/r.yaml:9:18: R016 warning: “note: sales” before it tells nobody, so nobody can answer; give the "
        "“note” a “text”, or write “after” or “late”\n"
        "    - {unanswered: 1h, tell: customer, text: hello}\n"
        "                   ^"
    )
    assert said(ladder.format(", text: hello", TEXT)) == []
