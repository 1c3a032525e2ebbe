from __future__ import annotations

import datetime as dt

import pytest

from duly.time.calendar import build, built_in
from duly.time.country import country
from duly.time.span import Span

CN = built_in("CN")
DAY = dt.timedelta(days=1)


def day(text):
    """A date as it is written."""
    return dt.date.fromisoformat(text)


@pytest.mark.parametrize(
    ("date", "workday", "holiday"),
    [
        ("2026-02-13", True, False),
        ("2026-02-14", True, False),
        ("2026-02-15", False, False),
        ("2026-02-17", False, True),
        ("2026-02-20", False, True),
        ("2026-02-28", True, False),
        ("2006-12-31", True, False),
        ("2024-05-11", True, False),
        ("2024-05-12", False, False),
    ],
)
def test_china_works_on_make_up_days(date, workday, holiday):
    """Days off, days moved, make-up weekends and plain weekends, as the State Council decreed them."""
    assert (CN.is_workday(day(date)), CN.is_holiday(day(date))) == (workday, holiday)


def test_china_works_as_many_days_as_decreed():
    """2024 had 366 days, 115 of them off (104 weekend days, 19 days off on weekdays, 8 make-up days worked)."""
    for year, working in ((2024, 251), (2025, 248), (2026, 248)):
        first = dt.date(year, 1, 1)
        days = [first + n * DAY for n in range(366) if (first + n * DAY).year == year]
        assert sum(CN.is_workday(each) for each in days) == working


def test_china_is_known_until_its_last_decree():
    """No make-up days of 2027 are known: the calendar says so, and its guess by the weekday goes on (failure 40)."""
    assert CN.known_until == day("2026-12-31")
    assert CN.is_workday(day("2027-03-01"))
    assert not CN.is_workday(day("2027-03-06"))
    assert CN.is_holiday(day("2027-10-01"))


def test_no_country_is_known_for_ever():
    """Where holidays can be reckoned, the library's own end is the horizon: beyond it, it would say "no holidays"."""
    assert built_in("US").known_until == day("2100-12-31")
    assert not built_in("US").is_holiday(day("2101-07-04"))


def test_names_do_not_hang_on_the_language_of_the_machine(monkeypatch):
    """Two nodes with different locales tell customers the same."""
    monkeypatch.setenv("LANGUAGE", "zh_CN")
    country.cache_clear()
    assert built_in("CN").holiday_name(day("2026-10-01")) == "National Day"
    country.cache_clear()


@pytest.mark.parametrize(
    ("date", "name"),
    [
        ("2026-02-16", "Chinese New Year's Eve"),
        ("2026-02-20", "Chinese New Year (Spring Festival)"),
        ("2024-09-16", "Mid-Autumn Festival"),
        ("2026-03-02", ""),
        ("2026-02-15", ""),
        ("2026-02-14", ""),
    ],
)
def test_a_day_that_lengthens_a_holiday_goes_by_its_name(date, name):
    """Days moved next to a festival are the festival to everybody; other days have no name."""
    assert CN.holiday_name(day(date)) == name


@pytest.mark.parametrize(
    ("code", "after", "run"),
    [
        ("CN", "2025-09-01", ("2025-10-01", "2025-10-08", "National Day")),
        ("CN", "2025-10-01", ("2025-10-01", "2025-10-08", "National Day")),
        ("CN", "2025-10-02", ("2026-01-01", "2026-01-02", "New Year's Day")),
        ("CN", "2026-02-01", ("2026-02-16", "2026-02-23", "Chinese New Year (Spring Festival)")),
        ("KR", "2025-09-01", ("2025-10-03", "2025-10-09", "Chuseok")),
        ("US", "2026-11-12", ("2026-11-26", "2026-11-26", "Thanksgiving Day")),
    ],
)
def test_adjoining_holidays_are_one_run(code, after, run):
    """A week of holidays, weekends within it included, is one occurrence; one that has begun is not the next."""
    assert built_in(code).next_run(day(after)) == (day(run[0]), day(run[1]), run[2])


def test_a_make_up_day_parts_two_runs():
    """Working on the day between two holidays makes them two."""
    calendar = build("shop", CN, {day("2026-08-01"): "A", day("2026-08-03"): "B"}, [day("2026-08-02")], {})
    assert calendar.next_run(day("2026-07-01")) == (day("2026-08-01"), day("2026-08-01"), "A")
    assert calendar.next_run(day("2026-08-02")) == (day("2026-08-03"), day("2026-08-03"), "B")


def test_a_calendar_of_ones_own():
    """Without another to build on, people work from Monday to Friday, but for the days that are written down."""
    off, working = {day("2026-06-18"): "Stocktaking"}, [day("2026-06-20")]
    shop = build("shop", None, off, working, {day("2026-06-19"): [Span(540, 720)]})
    worked = [each for each in (day("2026-06-15") + n * DAY for n in range(7)) if shop.is_workday(each)]
    assert [each.day for each in worked] == [15, 16, 17, 19, 20]
    assert shop.holiday_name(day("2026-06-18")) == "Stocktaking"
    assert shop.hours_on(day("2026-06-19")) == (Span(540, 720),)
    assert shop.hours_on(day("2026-06-18")) is None
    assert shop.next_run(day("2026-06-19")) is None
    assert shop.known_until is None


def test_a_calendar_builds_on_another():
    """Days of one's own go before the country's, both ways, and a later layer before an earlier one."""
    first = build("first", CN, {day("2026-05-07"): "Inventory"}, [day("2026-05-02")], {})
    second = build("second", first, {day("2026-05-09"): "Rest"}, [day("2026-05-07")], {})
    assert first.is_workday(day("2026-05-02"))
    assert not first.is_holiday(day("2026-05-02"))
    assert first.is_holiday(day("2026-05-07"))
    assert first.is_workday(day("2026-05-09"))
    assert second.is_workday(day("2026-05-07"))
    assert second.holiday_name(day("2026-05-07")) == ""
    assert second.is_holiday(day("2026-05-09"))
    assert second.is_workday(day("2026-05-02"))
    assert not CN.is_workday(day("2026-05-02"))


def test_make_up_days_that_are_written_down_move_the_horizon():
    """An operator who types in the decree of 2027 makes the year known; days off alone do not."""
    assert build("own", CN, {day("2027-02-08"): ""}, [day("2027-02-13")], {}).known_until == day("2027-12-31")
    assert build("own", CN, {day("2027-02-08"): ""}, [], {}).known_until == day("2026-12-31")
    assert build("own", CN, {}, [day("2026-02-01")], {}).known_until == day("2026-12-31")


def test_a_day_cannot_be_off_and_working():
    """Contradictions are refused with the date."""
    with pytest.raises(ValueError, match="2026-05-01 is both off and working: strike it from one of the two"):
        build("own", CN, {day("2026-05-01"): ""}, [day("2026-05-01")], {})


@pytest.mark.parametrize(
    ("code", "cure"),
    [("cn", "did you mean “CN”?"), ("XX", "write a country code such as “CN” or “KR”"), ("CHN", "write a country")],
)
def test_an_unknown_country_names_the_cure(code, cure):
    """Built-in calendars go by two capital letters."""
    with pytest.raises(ValueError, match=f"unknown calendar “{code}”") as error:
        built_in(code)
    assert cure in str(error.value)
