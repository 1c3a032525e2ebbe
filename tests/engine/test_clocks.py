"""Clocks that come every year, and clocks that begin when a record is first seen."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duly.engine.examples import run_examples
from duly.engine.plugins import load_plugins
from duly.rules.anniversary import anniversaries, days_of_year, is_same_day, nearest, on_year
from duly.rules.model import ClockKind, ClockRef
from duly.rules.record import Candidate
from duly.rules.snapshot import load_workspace
from duly.time.zone import UTC, midnight
from engine.desk import SETTINGS, ZONE, Desk, SpokenPlugin, at

CUSTOMERS = """\
noun: orders
one: order
source: shop
from: orders o
key: o.id
zone: o.zone
times:
  born_on: {sql: o.placed_at, kind: date}
  joined_at: o.paid_at
facts:
  waiting: o.amount > 100
  cancelled: o.cancelled = 1
fields: {order: o.id}
people:
  customer: {name: o.name, phone: o.phone, email: o.email, chat: o.chat, zone: o.zone}
  assignee: {staff: o.agent_id}
"""
BIRTHDAY = """\
rule: A birthday greeting, once a year
owner: sales
watch: orders
except: [cancelled]
clock: anniversary of born_on
check: daily 06:00
steps:
  - {at: 09:00, expires: 2h, tell: customer, text: hello}
"""
SEEN = """\
rule: Who waits is looked after
owner: sales
watch: orders
where: [waiting]
clock: first seen
check: every 1h
steps:
  - {after: 2h, tell: assignee, text: hello}
"""
LEAP = ClockRef(ClockKind.ANNIVERSARY, "born_on")


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the URL of each kind of ledger."""
    url = f"sqlite:///{tmp_path}/l.db" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    return str(url)


def open_desk(home: Path, rule: str, now: str, settings: str = SETTINGS, ledger: str = "") -> Desk:
    """Set up a desk with one rule, which goes live now."""
    files = {"config/vocabulary/orders.yaml": CUSTOMERS, "config/duly.yaml": settings}
    desk = Desk(home, {"r": rule}, files=files, ledger=ledger)
    desk.start(at(now))
    return desk


def told(desk: Desk, key: int = 1) -> list[str]:
    """Say when somebody was told of a record, by the wall of the desk."""
    accepted = (entry.at for entry in desk.story(key) if entry.event == "accepted")
    return [f"{when.astimezone(ZONE):%Y-%m-%d %H:%M}" for when in accepted]


def run_days(desk: Desk, first: str, last: str) -> None:
    """Tick at six in the morning and through the forenoon of each day from ``first`` to ``last``."""
    day, end = dt.date.fromisoformat(first), dt.date.fromisoformat(last)
    while day <= end:
        desk.run(at(f"{day} 06:00"), at(f"{day} 12:00"))
        day += dt.timedelta(days=1)


def test_a_birthday_comes_every_year_and_each_is_a_case_of_its_own(tmp_path: Path) -> None:
    """A greeting on the day, and another a year later; the day of birth itself is none."""
    desk = open_desk(tmp_path, BIRTHDAY, "2024-03-03 12:00")
    desk.order(1, placed_at="1992-03-05", zone="Asia/Shanghai")
    desk.order(2, placed_at="2024-03-05", zone="Asia/Shanghai")
    run_days(desk, "2024-03-04", "2024-03-07")
    run_days(desk, "2025-03-04", "2025-03-07")
    assert told(desk) == ["2024-03-05 09:00", "2025-03-05 09:00"]
    assert [(case.clock, case.state) for case in desk.cases(1)] == [("2024-03-05", "done"), ("2025-03-05", "done")]
    assert told(desk, 2) == ["2025-03-05 09:00"]


@pytest.mark.parametrize(("setting", "day"), [("", "2025-02-28"), ("leap day: 1 March\n", "2025-03-01")])
def test_29_february_is_kept_in_common_years(tmp_path: Path, setting: str, day: str) -> None:
    """It falls on 28 February, or on 1 March where the settings say so; in leap years on the day itself."""
    desk = open_desk(tmp_path, BIRTHDAY, "2024-02-27 12:00", SETTINGS + setting)
    desk.order(1, placed_at="1992-02-29")
    run_days(desk, "2024-02-28", "2024-03-02")
    run_days(desk, "2025-02-27", "2025-03-02")
    assert told(desk) == ["2024-02-29 09:00", f"{day} 09:00"]


def test_a_birthday_over_the_new_year_is_prepared_in_the_old_one(tmp_path: Path) -> None:
    """A step before the day counts back over the turn of the year."""
    rule = BIRTHDAY.replace("at: 09:00, expires: 2h", "before: 5d, at: 10:00")
    desk = open_desk(tmp_path, rule, "2024-12-26 12:00")
    desk.order(1, placed_at="1990-01-02")
    run_days(desk, "2024-12-27", "2025-01-03")
    assert told(desk) == ["2024-12-28 10:00"]
    assert [case.clock for case in desk.cases(1)] == ["2025-01-02"]


def test_a_birthday_is_that_of_the_customers_own_day(tmp_path: Path) -> None:
    """At nine where the customer lives, on the day that it is there."""
    desk = open_desk(tmp_path, BIRTHDAY, "2024-03-03 12:00")
    desk.order(1, placed_at="1992-03-05", zone="America/New_York")
    desk.run(at("2024-03-04 06:00"), at("2024-03-07 12:00"))
    assert told(desk) == ["2024-03-05 22:00"]


def test_a_birthday_that_was_corrected_is_another_case(tmp_path: Path) -> None:
    """A day that was wrong is not greeted on; another year of birth on the same day changes nothing."""
    rule = BIRTHDAY.replace("  - {at", "  - {before: 3d, at: 10:00, tell: assignee, text: hello}\n  - {at")
    desk = open_desk(tmp_path, rule, "2024-03-01 12:00")
    desk.order(1, placed_at="1992-03-06")
    desk.order(2, placed_at="1992-03-06")
    run_days(desk, "2024-03-02", "2024-03-04")
    desk.sql("update orders set placed_at = '1992-03-08' where id = 1")
    desk.sql("update orders set placed_at = '1994-03-06' where id = 2")
    run_days(desk, "2024-03-05", "2024-03-09")
    assert [(case.clock, case.state) for case in desk.cases(1)] == [("2024-03-06", "gone"), ("2024-03-08", "done")]
    assert [(case.clock, case.state) for case in desk.cases(2)] == [("2024-03-06", "done")]
    assert told(desk, 1) == ["2024-03-03 10:00", "2024-03-05 10:00", "2024-03-08 09:00"]


def test_an_anniversary_of_a_time_comes_at_that_time(tmp_path: Path) -> None:
    """Who joined at three in the afternoon has been here for a year at three in the afternoon."""
    rule = BIRTHDAY.replace("born_on", "joined_at").replace("at: 09:00, expires: 2h", "after: 1h")
    desk = open_desk(tmp_path, rule, "2024-03-03 12:00")
    desk.order(1, paid_at="2023-03-05 15:00:00")
    desk.run(at("2024-03-04 06:00"), at("2024-03-06 12:00"))
    assert told(desk) == ["2024-03-05 16:00"]
    assert [case.clock for case in desk.cases(1)] == ["2024-03-05 15:00:00"]


HOUR = dt.timedelta(hours=1)
days = st.dates(dt.date(1930, 1, 1), dt.date(2022, 1, 1))
zones = st.sampled_from(["Asia/Shanghai", "America/New_York", "Pacific/Kiritimati", "Etc/GMT+12", "Europe/London"])
instants = st.integers(0, 9 * 365 * 24).map(lambda hours: dt.datetime(2024, 1, 1, tzinfo=UTC) + hours * HOUR)


@given(born=days, name=zones, low=instants, span=st.integers(0, 400), leap=st.sampled_from([(2, 28), (3, 1)]))
def test_every_anniversary_is_found_and_lies_on_a_day_that_is_asked_for(
    born: dt.date, name: str, low: dt.datetime, span: int, leap: tuple[int, int]
) -> None:
    """Day by day through the span, whoever looks at the calendar of the customer finds the same anniversaries."""
    high, place = low + dt.timedelta(days=span), ZoneInfo(name)
    clock = ClockRef(ClockKind.ANNIVERSARY, "born_on", leap)
    base = Candidate(b"1", born.isoformat(), midnight(born, place), zone=name)
    found = [one.clock for one in anniversaries(base, clock, place, low, high)]
    day, expected = low.date() - dt.timedelta(days=2), []
    while day <= high.date() + dt.timedelta(days=2):
        falls = (born.month, born.day) if (born.month, born.day) != (2, 29) or _is_leap(day.year) else leap
        if day.year > born.year and (day.month, day.day) == falls and low <= midnight(day, place) <= high:
            expected.append(day.isoformat())
        day += dt.timedelta(days=1)
    assert found == expected
    spans = days_of_year(low, high)
    month_day = born.isoformat()[5:]
    asked_for = (
        spans["first_day"] <= month_day <= spans["last_day"]
        or spans["next_first_day"] <= month_day <= spans["next_last_day"]
    )
    assert asked_for or not found


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


@given(born=days, now=instants)
def test_the_nearest_anniversary_is_known_again_in_another_year(born: dt.date, now: dt.datetime) -> None:
    """The clock of a case and the one that a look-up gives are of the same day, whatever their years."""
    base = Candidate(b"1", born.isoformat(), midnight(born, ZONE))
    near = nearest(base, LEAP, ZONE, now)
    assert near is not None
    assert abs(near.clock_at - now) < dt.timedelta(days=184)
    for year in range(now.year - 1, now.year + 2):
        assert is_same_day(near.clock, on_year(born, year, (2, 28)).isoformat(), (2, 28))
    other = born + dt.timedelta(days=2)
    assert not is_same_day(near.clock, on_year(other, now.year, (2, 28)).isoformat(), (2, 28))


def test_a_few_days_of_the_year_are_asked_for_not_all() -> None:
    """The bound in SQL bounds: a daily check asks for some days of the year, also around its end."""
    around = days_of_year(at("2024-12-30 06:00"), at("2025-01-02 06:00"))
    assert around == {
        "first_day": "12-27",
        "last_day": "12-31",
        "next_first_day": "01-01",
        "next_last_day": "01-03",
    }


GREETED = """\
examples:
  - name: born on 29 February
    order: {born_on: 1992-02-29}
    from: 2025-02-27
    until: 2025-03-02
    expect: [2025-02-28 09:00 customer]
  - name: two years
    order: {born_on: 1992-06-01}
    from: 2024-01-01
    until: 2025-12-31
    expect: [2024-06-01 09:00 customer, 2025-06-01 09:00 customer]
  - name: cancelled in time
    order: {born_on: 1992-06-01}
    from: 2024-05-01
    until: 2024-07-01
    then: [2024-05-20 10:00 cancelled]
    expect: []
"""
FOUND = """\
examples:
  - name: seen by the next check
    order: {waiting: no}
    then: [Mon 09:20 waiting]
    expect: [Mon 12:00 assignee]
  - name: not for long
    order: {waiting: no}
    then: [Mon 09:20 waiting, Mon 11:10 not waiting]
    expect: []
  - name: away for an hour, and for two days
    order: {waiting: no}
    then: [Mon 09:20 waiting, Mon 12:10 not waiting, Mon 13:10 waiting, Mon 18:10 not waiting, Wed 18:10 waiting]
    expect: [Mon 12:00 assignee, Wed 21:00 assignee]
"""


@pytest.mark.parametrize("rule", [BIRTHDAY + GREETED, SEEN + FOUND], ids=["anniversary", "first seen"])
def test_examples_prove_these_clocks(tmp_path: Path, rule: str) -> None:
    """In examples, too, an anniversary comes every year, and a record is first seen by a check."""
    Desk(tmp_path, {"r": rule}, files={"config/vocabulary/orders.yaml": CUSTOMERS})
    plugins = load_plugins([SpokenPlugin()])
    snapshot, problems = load_workspace(tmp_path, plugins.actions, plugins.channels)
    assert snapshot is not None
    assert "r" in snapshot.rules, [problem.render() for problem in problems.all]
    results = run_examples(snapshot.rules["r"], snapshot, plugins)
    assert [result.problem.message for result in results if result.problem] == []
    assert len(results) == 3


def wait(desk: Desk, when: str, amount: int) -> None:
    """Let the shop say from ``when`` on whether the record waits."""
    desk.sql("update orders set amount = :amount", amount=amount)
    desk.run(at(when), at(when))


def test_a_clock_begins_when_a_check_first_sees_its_record(tmp_path: Path) -> None:
    """It counts from the check that saw it, and stays, however often it is seen."""
    desk = open_desk(tmp_path, SEEN, "2024-03-04 09:00")
    desk.order(1, amount=10)
    desk.run(at("2024-03-04 09:00"), at("2024-03-04 09:30"))
    desk.sql("update orders set amount = 200")
    desk.run(at("2024-03-04 10:00"), at("2024-03-04 18:00"))
    assert told(desk) == ["2024-03-04 12:00"]
    assert [(case.clock, case.clock_at) for case in desk.cases(1)] == [("2024-03-04 10:00:00", at("2024-03-04 10:00"))]


def test_who_comes_back_within_a_day_is_known_and_who_stays_away_begins_anew(tmp_path: Path, ledger: str) -> None:
    """Away for some hours it is the same case, which has fired; after 24 hours a new one (law 2)."""
    desk = open_desk(tmp_path, SEEN.replace("where:", "done: [cancelled]\nwhere:"), "2024-03-04 09:00", ledger=ledger)
    desk.order(1, amount=200)
    desk.run(at("2024-03-04 09:00"), at("2024-03-04 12:00"))
    wait(desk, "2024-03-04 13:00", 10)
    wait(desk, "2024-03-04 20:00", 200)
    desk.run(at("2024-03-04 21:00"), at("2024-03-05 09:00"))
    assert len(desk.cases(1)) == 1
    wait(desk, "2024-03-05 10:00", 10)
    desk.run(at("2024-03-05 11:00"), at("2024-03-06 09:30"))
    wait(desk, "2024-03-06 10:00", 200)
    desk.run(at("2024-03-06 11:00"), at("2024-03-06 18:00"))
    assert [(case.clock, case.state) for case in desk.cases(1)] == [
        ("2024-03-04 09:00:00", "gone"),
        ("2024-03-06 10:00:00", "open"),
    ]
    assert told(desk) == ["2024-03-04 11:00", "2024-03-06 12:00"]


def test_who_never_went_away_does_not_begin_anew(tmp_path: Path) -> None:
    """Done with its ladder used up, a record that still matches days later has been there all the time."""
    desk = open_desk(tmp_path, SEEN, "2024-03-04 09:00")
    desk.order(1, amount=200)
    desk.run(at("2024-03-04 09:00"), at("2024-03-06 12:00"))
    assert [case.used_up for case in desk.cases(1)] == [True]
    desk.run(at("2024-03-09 12:00"), at("2024-03-09 18:00"))
    assert told(desk) == ["2024-03-04 11:00"]
    assert len(desk.cases(1)) == 1
