from __future__ import annotations

import datetime as dt
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusal import refusal

from duly.time.calendar import build, built_in
from duly.time.hours import Hours
from duly.time.span import Span

CN = built_in("CN")
LABOUR_DAY, MAKE_UP_SATURDAY, SATURDAY, MONDAY = (dt.date(2026, 5, day) for day in (1, 9, 16, 18))
DAY = (Span(9 * 60, 18 * 60),)


@pytest.mark.parametrize(
    ("text", "open_on"),
    [
        ("workdays 09:00-18:00", {MAKE_UP_SATURDAY, MONDAY}),
        ("daily 09:00-18:00", {LABOUR_DAY, MAKE_UP_SATURDAY, SATURDAY, MONDAY}),
        ("09:00-18:00", {LABOUR_DAY, MAKE_UP_SATURDAY, SATURDAY, MONDAY}),
        ("Mon 09:00-18:00", {MONDAY}),
        ("Fri 09:00-18:00", set()),
        ("Sat 09:00-18:00", {MAKE_UP_SATURDAY, SATURDAY}),
    ],
)
def test_days_that_hours_are_for(text, open_on):
    """Workdays follow the calendar and its make-up days, a weekday is closed on holidays, daily is every day."""
    hours = Hours.parse(text)
    assert {day for day in (LABOUR_DAY, MAKE_UP_SATURDAY, SATURDAY, MONDAY) if hours.on(day, CN) == DAY} == open_on


def test_entries_of_a_list_add_up():
    """A morning and an afternoon, in one entry or in two, are the same hours."""
    both = (Span(9 * 60, 12 * 60), Span(13 * 60, 17 * 60))
    assert Hours.parse(["Mon 13:00-17:00", "Mon 09:00-12:00"]).on(MONDAY, CN) == both
    assert Hours.parse("workdays 09:00-12:00 13:00-17:00").on(MONDAY, CN) == both


def test_hours_run_over_midnight_and_up_to_it():
    """22:00-06:00 ends on the morrow, 18:00-24:00 with the day."""
    assert Hours.parse("daily 22:00-06:00 18:00-24:00").on(MONDAY, CN) == (Span(1080, 1440), Span(1320, 1800))


def test_a_day_with_hours_of_its_own_in_the_calendar():
    """A half day goes before the team's usual hours, on a holiday too; no spans means closed."""
    half = build("half", CN, {}, [], {LABOUR_DAY: [Span(540, 720)], MONDAY: []})
    assert Hours.parse("workdays 09:00-18:00").on(LABOUR_DAY, half) == (Span(540, 720),)
    assert Hours.parse("daily 09:00-18:00").on(MONDAY, half) == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("workday 09:00-18:00", "“workday”: Duly says “workdays”"),
        ("Mon-Fri 09:00-18:00", "“Mon-Fri”: Duly says “workdays”"),
        ("Monday 09:00-18:00", "“Monday”: Duly says “Mon”"),
        ("workdays 9:00-18:00", "“9:00-18:00”: Duly says “09:00-18:00”"),
        ("Mon 09:00 - 12:00", "“09:00 - 12:00”: Duly says “09:00-12:00”"),
        ("workdays", "“workdays” has no hours: write them as “workdays 09:00-18:00”"),
        ("", "“” has no hours: write them as “workdays 09:00-18:00”"),
        ("workdays 09：00-18：00", "“workdays 09：00-18：00” has full-width characters: write “workdays 09:00-18:00”"),
        (
            "Mon,Tue 09:00-12:00",
            "“Mon,Tue 09:00-12:00” has a comma: write spaces between hours, and one entry for each day",
        ),
        (
            ["workdays 09:00-12:00", "13:00-17:00"],
            "“13:00-17:00” names no days: write “workdays 13:00-17:00” or “daily …”",
        ),
        ([], "empty hours: write them as “workdays 09:00-18:00”"),
        (
            "holidays 09:00-18:00",
            "“holidays” names no days: write “daily”, “workdays” or a weekday such as “Mon”",
        ),
    ],
)
def test_wrong_hours_name_the_right_ones(text, message):
    """What people write instead is refused with the spelling that works."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Hours.parse(text)


PIECES = st.lists(
    st.sampled_from(["workdays", "Mon", "daily", "09:00-18:00", "22:00-06:00", "9", "-", ",", "：", "\n"])
).map(" ".join)


@given(st.one_of(st.text(), PIECES))
def test_any_text_is_hours_or_one_sentence(text):
    """Nothing but a ValueError of one line comes of nonsense."""
    sentence = refusal(Hours.parse, text)
    assert sentence != "(silence)"
    if not sentence:
        hours = Hours.parse(text)
        assert Hours.parse(str(hours)) == hours
