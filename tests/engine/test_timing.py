"""When steps come, and that a check asks for every record that has one coming."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from duly.engine.timing import Timing
from duly.rules.bind import BoundRule
from duly.rules.model import (
    Audience,
    AudienceKind,
    ClockKind,
    ClockRef,
    Due,
    DueEntry,
    DueTable,
    Rule,
    Step,
    When,
)
from duly.rules.noun import Noun, RecordPerson, Time
from duly.time.calendar import built_in
from duly.time.duration import Duration
from duly.time.hours import Hours
from duly.time.repeat import Repeat
from duly.time.slot import Schedule
from duly.time.working import WorkingTime
from duly.time.zone import zone

UTC = dt.UTC
NOON = dt.time(12)
REACH = dt.timedelta(days=90)
CUSTOMER = Audience("customer", AudienceKind.NAME, "customer")
STAFF = Audience("sales", AudienceKind.NAME, "sales")
NOUN = Noun(
    "orders",
    "order",
    "shop",
    "orders o",
    ("o.id",),
    times={"placed_at": Time("placed_at", "o.placed_at"), "wanted_by": Time("wanted_by", "o.wanted_by")},
    people={"customer": RecordPerson("customer", {"name": "o.name"})},
)
HOURS = ["workdays 09:00-18:00", "daily 00:00-24:00", "daily 22:00-06:00", "Mon 09:00-12:00 13:00-17:00"]
ZONES = ["Asia/Shanghai", "America/New_York", "Europe/London", "Australia/Lord_Howe", "Pacific/Kiritimati"]
LENGTHS = ["1m", "30m", "72h", "1d", "3d", "2w", "100d", "1 working hour", "30 working hours", "1 working day"]


@lru_cache
def working(hours: str, zone_name: str) -> WorkingTime:
    """Make the working time of a desk."""
    return WorkingTime(Hours.parse(hours), built_in("CN"), zone(zone_name))


def step(
    when: When, written: str = "", at: dt.time | None = None, audience: Audience = STAFF, repeat: str = ""
) -> Step:
    """Make one step."""
    return Step(
        identity=f"{when} {written} {at} {repeat}",
        when=when,
        duration=Duration.parse(written) if written else None,
        do="tell",
        audience=audience,
        text="hello",
        at=at,
        repeat=Repeat.parse(repeat) if repeat else None,
    )


def entry(written: str) -> DueEntry:
    """Make an entry of a table of due times."""
    return DueEntry(Duration.parse(written))


def timing(*steps: Step, due: Due | None = None, hours: str = HOURS[0], zone_name: str = ZONES[0]) -> Timing:
    """Make the timing of a rule with these steps."""
    clock = ClockRef(ClockKind.TIME, "placed_at")
    checked = (Schedule.parse("every 10m"),)
    rule = Rule("r", "R", "sales", "orders", checked, steps, "", clock=clock, due=due)
    return Timing(BoundRule(rule, NOUN, working(hours, zone_name)))


def desk(text: str) -> dt.datetime:
    """Read a wall time in Shanghai."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=zone(ZONES[0])).astimezone(UTC)


instants = st.datetimes(dt.datetime(2023, 12, 1), dt.datetime(2025, 1, 31)).map(  # noqa: DTZ001 - aware in the next line
    lambda at: at.replace(microsecond=0, tzinfo=UTC)
)
# The hours around the changes of the clocks, which a year hardly ever hits.
changes = st.sampled_from(["2024-03-10", "2024-03-31", "2024-04-06", "2024-10-05", "2024-10-27", "2024-11-03"]).flatmap(
    lambda day: st.integers(-36, 36 * 4).map(
        lambda quarter: dt.datetime.fromisoformat(f"{day}T00:00+00:00") + quarter * dt.timedelta(minutes=15)
    )
)
clocks = st.one_of(instants, changes)
times_of_day = st.times().map(lambda time: time.replace(second=0, microsecond=0))
lengths = st.sampled_from(LENGTHS)
REPEATS = ["", "daily", "workdays", "every 2h", "daily up to 40 times", "workdays up to 30 times", "workdays for 30d"]
OFTEN = ["every 30m up to 1000 times", "every 3d up to 50 times", "daily for 20 working days", "every 5h for 3d"]
repeats = st.sampled_from([*REPEATS, *OFTEN])
shares = st.integers(1, 100).map(lambda share: f"{share}%")
dues = st.one_of(
    st.none(),
    lengths.map(lambda written: Due(duration=Duration.parse(written))),
    st.lists(times_of_day, min_size=1, max_size=3, unique=True).map(lambda times: Due(times=tuple(sorted(times)))),
    st.just(Due(time_name="wanted_by")),
    st.lists(lengths, min_size=2, max_size=2).map(
        lambda several: Due(table=DueTable("stage", dict(zip("ab", map(entry, several), strict=True))))
    ),
)


@st.composite
def timings(draw: st.DrawFn) -> Timing:
    """Draw a rule of one to three steps, every kind of due time, and any desk."""
    due = draw(dues)
    steps = []
    for _ in range(draw(st.integers(1, 3))):
        when = draw(st.sampled_from([When.AFTER, When.BEFORE, When.LATE, When.AT]))
        share = due is not None and when in (When.AFTER, When.BEFORE)
        written = draw(st.one_of(lengths, shares) if share else lengths)
        at = draw(st.one_of(st.none(), times_of_day))
        audience = draw(st.sampled_from([CUSTOMER, STAFF]))
        repeat = draw(repeats)
        if when is When.AT:
            steps.append(step(when, "", at or NOON, audience, repeat))
        else:
            written = "at once" if when is When.LATE and draw(st.booleans()) else written
            steps.append(step(when, written, at, audience, repeat))
    return timing(*steps, due=due, hours=draw(st.sampled_from(HOURS)), zone_name=draw(st.sampled_from(ZONES)))


@settings(max_examples=400)
@given(
    rule=timings(),
    clock_at=clocks,
    wanted_in=st.integers(-100 * 24, 400 * 24),
    record_zone=st.sampled_from(["", *ZONES]),
    stage=st.sampled_from("ab"),
    slack=st.integers(0, 3 * 24 * 60),
    passed=st.integers(0, 30 * 24 * 60),
)
def test_no_record_with_a_step_by_the_horizon_lies_outside_the_bounds(
    rule: Timing, clock_at: dt.datetime, wanted_in: int, record_zone: str, stage: str, slack: int, passed: int
) -> None:
    """Whatever the ladder, the due time and the desk: who has a step coming, or one within reach, is asked for."""
    wanted = {"wanted_by": clock_at + dt.timedelta(hours=wanted_in)}
    next_at = rule.next_at(clock_at, rule.due(clock_at, wanted, stage), record_zone, {})
    assume(next_at is not None)
    assert next_at is not None
    horizon = next_at + dt.timedelta(minutes=slack)
    now = horizon + dt.timedelta(minutes=passed - 12 * 60)
    low, high = rule.clock_bounds(now, horizon, REACH)
    assert low is None or low <= clock_at
    assert high is None or clock_at <= high


@settings(max_examples=200)
@given(rule=timings(), clock_at=clocks, wanted_in=st.integers(-100 * 24, 400 * 24), record_zone=st.sampled_from(ZONES))
def test_no_record_with_its_last_step_within_reach_lies_below_the_bounds(
    rule: Timing, clock_at: dt.datetime, wanted_in: int, record_zone: str
) -> None:
    """A step that repeats for months keeps its record in sight until its last time has passed out of reach."""
    wanted = {"wanted_by": clock_at + dt.timedelta(hours=wanted_in)}
    moments = rule.moments(clock_at, rule.due(clock_at, wanted), record_zone, {})
    assume(moments)
    now = max(moments) + REACH
    low, _ = rule.clock_bounds(now, now + dt.timedelta(minutes=25), REACH)
    assert low is None or low <= clock_at


def test_what_began_on_a_day_off_is_within_the_bounds() -> None:
    """An hour of work after Saturday is an hour after Monday's opening: Saturday is not too long ago for it."""
    rule = timing(step(When.LATE, "1 working hour"))
    clock_at = desk("2023-12-02 08:00")
    moment = rule.next_at(clock_at, None, "", {})
    assert moment == desk("2023-12-04 10:00")
    low, _ = rule.clock_bounds(moment + REACH, moment + REACH, REACH)
    assert low is not None
    assert low <= clock_at


@given(rule=timings(), now=clocks)
def test_the_bounds_leave_out_what_is_far_from_due(rule: Timing, now: dt.datetime) -> None:
    """The bounds bound: a rule that counts from its clock never asks for what is years away."""
    low, high = rule.clock_bounds(now, now + dt.timedelta(minutes=25), REACH)
    assert low is None or low > now - dt.timedelta(days=3 * 365)
    assert high is None or high < now + dt.timedelta(days=3 * 365)


def test_a_simple_rule_asks_for_no_more_than_it_needs() -> None:
    """“Late by 72 hours” asks for clocks from 90 days and its 72 hours ago to 72 hours before the horizon."""
    now = desk("2024-03-04 09:00")
    rule = timing(step(When.LATE, "at once"), due=Due(duration=Duration.parse("72h")))
    low, high = rule.clock_bounds(now, now + dt.timedelta(minutes=25), REACH)
    assert high == now + dt.timedelta(minutes=25) - dt.timedelta(hours=72)
    assert low is not None
    assert now - dt.timedelta(days=98) <= low <= now - dt.timedelta(days=93)


def test_a_day_that_is_an_hour_short_is_within_the_bounds() -> None:
    """“After 1d” over the night on which New York's clocks go forward comes after 23 hours, and is asked for."""
    rule = timing(step(When.AFTER, "1d"), zone_name="America/New_York")
    clock_at = dt.datetime(2024, 3, 9, 17, tzinfo=UTC)
    moment = clock_at + dt.timedelta(hours=23)
    assert rule.next_at(clock_at, None, "", {}) == moment
    _, high = rule.clock_bounds(moment, moment, REACH)
    assert high is not None
    assert clock_at <= high


@pytest.mark.parametrize(
    ("one", "due", "moment"),
    [
        (step(When.AFTER, "30m"), None, "2024-03-04 17:30"),
        (step(When.AFTER, "2 working hours"), None, "2024-03-05 10:00"),
        (step(When.AFTER, "1d", dt.time(9)), None, "2024-03-06 09:00"),
        (step(When.AT, "", dt.time(9)), None, "2024-03-05 09:00"),
        (step(When.BEFORE, "1h"), None, "2024-03-04 16:00"),
        (step(When.LATE, "at once"), None, "2024-03-04 17:00"),
        (step(When.BEFORE, "8 working hours"), "72h", "2024-03-07 09:00"),
        (step(When.LATE, "4 working hours"), "72h", "2024-03-08 12:00"),
        (step(When.BEFORE, "25%"), "72h", "2024-03-06 23:00"),
        (step(When.AFTER, "25%"), "72h", "2024-03-05 11:00"),
        (step(When.LATE, "at once"), "18:00", "2024-03-04 18:00"),
        (step(When.LATE, "at once"), "09:00", "2024-03-05 09:00"),
    ],
)
def test_each_kind_of_moment(one: Step, due: str | None, moment: str) -> None:
    """From a clock on Monday at 17:00 each kind of step comes when a person would say it does."""
    of_day = due is not None and ":" in due
    meant = Due(times=(dt.time.fromisoformat(due),)) if of_day and due else Due(duration=Duration.parse(due or "1h"))
    rule = timing(one, due=meant if due else None)
    clock_at = desk("2024-03-04 17:00")
    assert rule.next_at(clock_at, rule.due(clock_at, {}), "", {}) == desk(moment)


def test_a_time_of_day_is_that_of_whoever_hears() -> None:
    """“At 10:00” is ten o'clock where the customer lives, and ten o'clock at the desk for the staff."""
    clock_at = desk("2024-03-04 17:00")
    told = timing(step(When.AT, "", dt.time(10), CUSTOMER)).next_at(clock_at, None, "America/New_York", {})
    staff = timing(step(When.AT, "", dt.time(10))).next_at(clock_at, None, "America/New_York", {})
    assert (told, staff) == (dt.datetime(2024, 3, 4, 15, tzinfo=UTC), desk("2024-03-05 10:00"))


def test_a_record_without_its_due_time_has_no_step_that_needs_it() -> None:
    """A record that lacks the time that due names has nothing late, and keeps its steps after the clock."""
    clock_at = desk("2024-03-04 17:00")
    late, after = step(When.LATE, "at once"), step(When.AFTER, "1h")
    assert timing(late, due=Due(time_name="wanted_by")).next_at(clock_at, None, "", {}) is None
    both = timing(late, after, due=Due(time_name="wanted_by"))
    assert both.next_at(clock_at, None, "", {}) == desk("2024-03-04 18:00")
