"""A plan: what a rule and a noun become in SQL."""

import pytest

from duly.rules.model import Audience, AudienceKind, ClockKind, ClockRef, Comparison, Due, FactIs, Rule, Step, When
from duly.rules.noun import Fact, Field, Noun, RecordPerson, Time
from duly.rules.plan import Plan
from duly.rules.problem import Mark

MARK = Mark("rules/r.yaml")
TIMES = {
    "paid_at": Time("paid_at", "o.paid_at"),
    "answered_at": Time("answered_at", "o.answered_at"),
    "asked_on": Time("asked_on", "o.asked_on", is_date=True),
    "since": Time("since", later_of=("paid_at", "answered_at")),
    "nested": Time("nested", earlier_of=("since", "asked_on")),
}
ORDERS = Noun(
    name="orders",
    one="order",
    source="shop",
    from_="orders o",
    key=("o.id",),
    zone="o.tz",
    times=TIMES,
    facts={"paid": Fact("paid", "o.paid_at is not null"), "virtual": Fact("virtual", "o.kind = ':now'")},
    fields={"origin": Field("origin", "o.origin"), "amount": Field("amount", "o.amount", kind="money")},
    people={
        "customer": RecordPerson("customer", {"phone": "o.phone"}),
        "assignee": RecordPerson("assignee", staff="o.by"),
    },
    teams={"department": "o.team"},
)
PAID, NOT_PAID = FactIs("paid", wanted=True, mark=MARK), FactIs("paid", wanted=False, mark=MARK)
VIRTUAL = FactIs("virtual", wanted=True, mark=MARK)


def plan(clock="paid_at", noun=ORDERS, **rule):
    """Bind a rule with some parts to a noun."""
    clock = ClockRef(ClockKind.TIME, clock) if isinstance(clock, str) else clock
    return Plan(Rule("orders/r", "R", "o", "orders", (), rule.pop("steps", ()), "", clock=clock, **rule), noun)


def step(*conditions):
    """Give a step that asks for some conditions."""
    return Step("s", When.AFTER, None, "tell", Audience("owner", AudienceKind.OWNER), if_=conditions)


def where(statement):
    """Give the conditions of a statement."""
    return statement.text.partition(" where ")[2]


def test_what_is_unknown_does_not_hold():
    """A fact that is NULL counts as false, and its contrary as true."""
    asked = where(plan(where=(PAID,), except_=(VIRTUAL,), done=(NOT_PAID,)).candidates("sqlite"))
    assert "(coalesce((o.paid_at is not null), false))" in asked
    assert "not (coalesce((o.kind =" in asked
    assert "not (not coalesce((o.paid_at is not null), false))" in asked


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql", "mysql", "mariadb"])
def test_values_of_rules_are_bound_and_never_pasted(dialect):
    """A value of a comparison stands in the parameters of every statement and in the text of none."""
    evil = "x' or '1'='1"
    asked = plan(where=(Comparison("origin", "is", (evil, "app"), MARK), Comparison("amount", ">", ("77.5",), MARK)))
    for statement in (asked.candidates(dialect), asked.lookup(dialect), asked.clockless(dialect)):
        assert "1'='1" not in statement.text
        assert "77" not in statement.text
        assert {evil, "app", 77.5} <= set(statement.compile().params.values())


def test_a_colon_in_a_text_is_no_parameter():
    """`:now` inside quotes is text; the parameters of a statement are those it names outside."""
    statement = plan(where=(VIRTUAL,)).clockless("sqlite").compile()
    assert "o.kind = ':now'" in str(statement)
    assert set(statement.params) == {"now", "first", "last"}


def test_bounds_stand_on_plain_columns():
    """The bounds of a clock are put to the columns themselves, dates with days, `later of` with each of its parts."""
    assert "(o.paid_at) >= :low and (o.paid_at) < :high" in where(plan().candidates("sqlite"))
    assert "(o.asked_on) >= :low_day and (o.asked_on) < :high_day" in where(plan("asked_on").candidates("sqlite"))
    parts = where(plan("since").candidates("sqlite")).split(" or ")
    assert [part.count(":low") for part in parts] == [1, 1]


def test_only_the_leaves_that_are_needed_are_selected():
    """Candidates carry the key, the times under the clock and the due time, each once, and the zone."""
    columns = plan("since", due=Due(time_name="nested")).candidates("sqlite").text.partition(" from ")[0]
    assert columns == "select (o.id), (o.paid_at), (o.answered_at), (o.asked_on), (o.tz)"


def test_the_matter_of_the_clock_is_selected():
    """A clock with a matter selects it behind the times."""
    matter = Noun("v", "v", "shop", "v", ("v.id",), times={"on": Time("on", "v.on_", matter="v.last")})
    assert plan("on", matter).candidates("sqlite").text.startswith("select (v.id), (v.on_), (v.last) from v")


def test_the_only_time_of_a_noun_is_its_clock():
    """Without `clock` a rule counts from the noun's only time."""
    single = Noun("v", "v", "shop", "v", ("v.id",), times={"on": Time("on", "v.on_")})
    assert plan(None, single).clock == Time("on", "v.on_")


def test_without_a_clock_among_several_times_there_is_no_plan():
    """Where a noun has several times, a rule must say which one is its clock."""
    with pytest.raises(ValueError, match=r"orders/r has no clock: name one of the times of orders \(paid_at, answered"):
        plan(None)


def test_the_next_day_of_a_calendar_needs_no_time_of_the_source():
    """Such a plan has no clock in SQL: no time is selected and none bounded."""
    asked = plan(ClockRef(ClockKind.NEXT_DAY, "shop-days"), where=(PAID,))
    assert asked.clock is None
    assert asked.candidates("sqlite").text == (
        "select (o.id), (o.tz) from orders o where :now is not null and (coalesce((o.paid_at is not null), false))"
    )


def test_a_lookup_asks_each_condition_once():
    """The tail of a lookup names each condition of the rule and its steps once, then all the noun's words."""
    asked = plan(where=(PAID,), done=(PAID,), steps=(step(NOT_PAID, VIRTUAL), step(VIRTUAL)))
    assert asked.tail == (
        ("holds", "paid"),
        ("holds", "not paid"),
        ("holds", "virtual"),
        ("fields", "origin"),
        ("fields", "amount"),
        ("people", "customer", "phone"),
        ("staff", "assignee"),
        ("teams", "department"),
    )
    statement = asked.lookup("sqlite").text
    assert statement.count("case when") == 3
    assert statement.endswith("and ((o.id)) in :keys")


def test_the_conditions_of_steps_do_not_narrow_the_candidates():
    """A step's `if` is asked when the step fires, not of the record."""
    assert "o.kind" not in plan(where=(PAID,), steps=(step(VIRTUAL),)).candidates("sqlite").text


@pytest.mark.parametrize("value", ["many", "nan", "inf", "5_0x", ""])
def test_a_number_must_be_one(value):
    """A comparison of a number with something else is refused with the cure."""
    asked = plan(where=(Comparison("amount", ">", (value,), MARK),))
    with pytest.raises(ValueError, match="is no number: write digits"):
        asked.candidates("sqlite")


def test_every_word_has_a_probe():
    """Each word the plan needs is probed at its place in the vocabulary, and none reads a record."""
    probes = dict(plan("since", where=(PAID, Comparison("amount", ">", ("5",), MARK))).probes("sqlite"))
    assert list(probes) == [
        "from",
        "key",
        "zone",
        "times.paid_at",
        "times.answered_at",
        "facts.paid",
        "fields.amount",
        "fields.origin",
        "people.customer.phone",
        "people.assignee.staff",
        "teams.department",
    ]
    assert all(statement.text.endswith("limit 0") for statement in probes.values())
