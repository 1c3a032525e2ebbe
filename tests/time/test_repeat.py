"""What repeats comes when a person who watches the clock would say, and is written in one way."""

from __future__ import annotations

import datetime as dt

import pytest
from changes import MINUTE, kinds, walls
from hypothesis import given
from hypothesis import strategies as st
from refusal import refusal

from duly.time.calendar import built_in
from duly.time.duration import Unit
from duly.time.repeat import Repeat, Series
from duly.time.zone import local, zone

SHANGHAI = zone("Asia/Shanghai")
CN = built_in("CN")
DAY = dt.timedelta(days=1)


def watched(series, days):
    """List when it comes, by looking at the wall minute by minute."""
    repeat, start = series.repeat, series.first
    if repeat.every is not None and repeat.every.unit is Unit.ELAPSED:
        end, step = start + days * DAY, dt.timedelta(seconds=repeat.every.amount)
        return [start, *(at for n in range(1, 60 * 24 * days) if (at := start + n * step) <= end)]
    shown, reached = walls(series.zone, start, days * 24 * 60)
    first_day, found, done = local(start, series.zone).date(), [start], set()
    for number, (wall, latest) in enumerate(zip(shown, reached, strict=True)):
        for day in {wall.date(), latest.date()} - done - {first_day}:
            if latest < dt.datetime.combine(day, series.wall):
                continue
            done.add(day)
            since = (day - first_day).days
            if (CN.is_workday(day) if repeat.every is None else since % repeat.every.amount == 0) and since > 0:
                found.append(start + number * MINUTE)
    return found


@st.composite
def made(draw):
    """Draw a series that begins around a change of some clock, or in the days of a holiday in China."""
    place, change = draw(st.sampled_from(kinds()) | st.just((SHANGHAI, dt.datetime(2026, 5, 1, tzinfo=dt.UTC))))
    first = change.replace(second=0) + draw(st.integers(-3 * 24 * 60, 12 * 60)) * MINUTE
    text = draw(st.sampled_from(["daily", "workdays", "every 2d", "every 90m", "every 2h", "every 25h"]))
    wall = local(first, place).time().replace(fold=0)
    return Series(first, Repeat.parse(text), wall, place, CN)


@given(series=made(), later=st.integers(-60, 6 * 24 * 60))
def test_it_comes_when_the_clock_on_the_wall_says(series, later):
    """Over every kind of change of the clock, and over holidays: each time comes, once, and is found from any side."""
    times = watched(series, 7)
    assert [series.at(number) for number in range(len(times))] == times
    at = series.first + later * MINUTE
    number, moment = series.first_from(at)
    assert (number, moment) == next((n, each) for n, each in enumerate([*times, moment]) if each >= at)
    passed = [(n, each) for n, each in enumerate(times) if each <= at]
    assert series.last_until(at) == (passed[-1] if passed else (0, series.first))


def test_the_wall_time_of_a_step_outlives_the_day_that_lacks_it():
    """At 02:30 every day: the night the clock skips it, it comes at 03:00, and the day after at 02:30 again."""
    berlin = zone("Europe/Berlin")
    first = dt.datetime(2026, 3, 29, 3, tzinfo=berlin).astimezone(dt.UTC)
    series = Series(first, Repeat.parse("daily"), dt.time(2, 30), berlin, CN)
    assert [f"{series.at(n).astimezone(berlin):%d %H:%M}" for n in range(3)] == ["29 03:00", "30 02:30", "31 02:30"]


def test_years_of_real_time_are_not_counted_one_by_one():
    """What repeats every minute for ten years is found at once."""
    first = dt.datetime(2016, 1, 1, tzinfo=dt.UTC)
    series = Series(first, Repeat.parse("every 1m"), dt.time(), SHANGHAI, CN)
    assert series.first_from(first + dt.timedelta(days=3650, seconds=30))[0] == 3650 * 24 * 60 + 1


@pytest.mark.parametrize(
    ("text", "every", "times", "span"),
    [
        ("daily", "1d", None, None),
        ("workdays", None, None, None),
        ("every 2h", "2h", None, None),
        ("every  3d", "3d", None, None),
        ("daily up to 3 times", "1d", 3, None),
        ("every 2h up to 1 time", "2h", 1, None),
        ("workdays for 30d", None, None, "30d"),
        ("daily for 10 working days", "1d", None, "10 working days"),
    ],
)
def test_every_way_to_write_a_repeat(text, every, times, span):
    """What a repeat may look like, and what it means."""
    read = Repeat.parse(text)
    assert read.times == times
    assert (read.every.written if read.every else None) == every
    assert (read.span.written if read.span else None) == span
    assert read.is_endless == (times is None and span is None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("every day", "“every day”: Duly says “daily”"),
        ("every working day for 3d", "“every working day”: Duly says “workdays”"),
        ("hourly", "“hourly”: Duly says “every 1h”"),
        ("weekly", "“weekly”: Duly says “every 1w”"),
        ("often", "“often” does not say how to repeat: write “daily”, “workdays” or “every 2h”"),
        ("", "“” does not say how to repeat: write “daily”, “workdays” or “every 2h”"),
        ("every 10s", "“every 10s” is too often: the least is “every 1m”"),
        ("every 2 hours", "“2 hours”: Duly says “2h”"),
        (
            "every 2 working hours",
            "“every 2 working hours” is no way to repeat: write “daily”, “workdays” or “every 2h”",
        ),
        ("daily up to three times", "“three” is no number of times: write digits, such as “up to 3 times”"),
        ("daily up to 0 times", "“0” is no number of times: write digits, such as “up to 3 times”"),
        ("daily up to 5000 times", "“up to 5000 times” is too often: the most is 1000"),
        ("daily for 50%", "“for 50%” is no length of time: write a duration such as “14d”"),
        ("daily for at once", "“for at once” is no length of time: write a duration such as “14d”"),
        ("daily for 3 weeks", "“3 weeks”: Duly says “3w”"),
        ("ｄａｉｌｙ", "“ｄａｉｌｙ” has full-width characters: write “daily”"),
    ],
)
def test_what_is_no_repeat_is_told_with_a_cure(text, said):
    """A misspelling is answered with the spelling that is right."""
    assert refusal(Repeat.parse, text) == said


@given(st.text(max_size=40) | st.from_regex("(daily|workdays|every [0-9]{1,4}[mhdw])( up to [0-9]+ times| for .*)?"))
def test_no_text_breaks_the_reading(text):
    """Whatever is written, it is read or refused with a sentence."""
    refusal(Repeat.parse, text)
