from __future__ import annotations

import datetime as dt
import re

import pytest
from changes import MINUTE, kinds, walls
from hypothesis import given
from hypothesis import strategies as st
from refusal import refusal

from duly.time.calendar import build, built_in
from duly.time.slot import Schedule
from duly.time.zone import UTC, zone

SHANGHAI, BERLIN = zone("Asia/Shanghai"), zone("Europe/Berlin")
CN = built_in("CN")


def slots(text, start, end, place=SHANGHAI):
    """All slots after `start`, until `end`, on the wall of `place`."""
    schedule, found, at = Schedule.parse(text), [], start
    while (at := schedule.next_after(at, place, CN)) <= end:
        found.append(f"{at.astimezone(place):%m-%d %H:%M}")
    return found


def wall(*parts, place=SHANGHAI):
    """A moment by the wall of `place`."""
    return dt.datetime(*parts, tzinfo=place)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("every 30s", ["04-30 08:59:30", "04-30 09:00:00"]),
        ("every 10m", ["04-30 09:00:00", "04-30 09:10:00"]),
        ("every 24h", ["05-01 00:00:00", "05-02 00:00:00"]),
        ("daily 17:30", ["04-30 17:30:00", "05-01 17:30:00"]),
        ("workdays 09:00", ["04-30 09:00:00", "05-06 09:00:00"]),
        ("Fri 15:30", ["05-08 15:30:00", "05-15 15:30:00"]),
        ("last workday of month 17:00", ["04-30 17:00:00", "05-29 17:00:00"]),
        ("cron 30 9 * * MON-FRI", ["04-30 09:30:00", "05-01 09:30:00"]),
        ("cron 0 9 1 * *", ["05-01 09:00:00", "06-01 09:00:00"]),
        ("cron 15 8-10/2 * JAN,May sun", ["05-03 08:15:00", "05-03 10:15:00"]),
    ],
)
def test_every_way_to_write_a_schedule(text, expected):
    """From Thursday 30 April 2026, before five days of holidays and a make-up Saturday, each schedule comes up next."""
    first = Schedule.parse(text).next_after(wall(2026, 4, 30, 8, 59, 29), SHANGHAI, CN)
    second = Schedule.parse(text).next_after(first, SHANGHAI, CN)
    assert [f"{each.astimezone(SHANGHAI):%m-%d %H:%M:%S}" for each in (first, second)] == expected


def test_workdays_include_make_up_days_and_leave_out_holidays():
    """Saturday 9 May 2026 makes up for Labour Day in China: people work, and workday slots come up."""
    assert slots("workdays 09:00", wall(2026, 4, 30), wall(2026, 5, 10)) == [
        "04-30 09:00", "05-06 09:00", "05-07 09:00", "05-08 09:00", "05-09 09:00",
    ]  # fmt: skip


def test_a_named_weekday_is_left_out_on_a_holiday():
    """Friday 1 May 2026 is Labour Day."""
    assert slots("Fri 15:30", wall(2026, 4, 20), wall(2026, 5, 10)) == ["04-24 15:30", "05-08 15:30"]


def test_the_last_workday_of_a_month_may_be_a_make_up_day():
    """28 February 2026 is a Saturday on which China works."""
    assert slots("last workday of month 17:00", wall(2026, 1, 1), wall(2026, 4, 1)) == [
        "01-30 17:00", "02-28 17:00", "03-31 17:00",
    ]  # fmt: skip


def test_every_ten_minutes_runs_on_through_a_doubled_hour():
    """Berlin, 27 October 2024: no hour passes without checks, and none comes up twice at one instant (failure 11)."""
    start = dt.datetime(2024, 10, 26, 23, 55, tzinfo=UTC)
    schedule, at, found = Schedule.parse("every 10m"), start, []
    for _ in range(18):
        at = schedule.next_after(at, BERLIN, CN)
        found.append(at)
    assert found == [start + dt.timedelta(minutes=5 + 10 * n) for n in range(18)]


def test_every_two_hours_keeps_to_even_hours_of_the_wall():
    """Berlin, 27 October 2024: 02:00 comes once although the wall shows it twice."""
    start = wall(2024, 10, 27, place=BERLIN)
    assert slots("every 2h", start, wall(2024, 10, 27, 6, place=BERLIN), BERLIN) == [
        "10-27 02:00", "10-27 04:00", "10-27 06:00",
    ]  # fmt: skip


def test_a_daily_time_comes_once_in_autumn_and_is_not_lost_in_spring():
    """02:30 in Berlin: once on the doubled night, and at 03:00 on the night that skips it (failure 11)."""
    assert slots("daily 02:30", wall(2024, 10, 26, place=BERLIN), wall(2024, 10, 29, place=BERLIN), BERLIN) == [
        "10-26 02:30", "10-27 02:30", "10-28 02:30",
    ]  # fmt: skip
    assert slots("daily 02:30", wall(2024, 3, 30, place=BERLIN), wall(2024, 4, 2, place=BERLIN), BERLIN) == [
        "03-30 02:30", "03-31 03:00", "04-01 02:30",
    ]  # fmt: skip


def test_cron_that_leaves_the_hour_open_runs_on_as_well():
    """A cron of every hour does not fall silent for the doubled hour; one that names its hour comes once."""
    start, end = dt.datetime(2024, 10, 26, 23, 50, tzinfo=UTC), dt.datetime(2024, 10, 27, 2, 30, tzinfo=UTC)
    assert slots("cron 30 * * * *", start, end, BERLIN) == ["10-27 02:30", "10-27 02:30", "10-27 03:30"]
    assert slots("cron 30 2 * * *", start, end, BERLIN) == ["10-27 02:30"]


def test_slots_are_on_the_wall_of_the_zone_not_of_utc():
    """`daily 09:00` in Shanghai is 01:00 UTC, and a naive moment is refused rather than guessed (failure 12)."""
    schedule = Schedule.parse("daily 09:00")
    at = schedule.next_after(dt.datetime(2024, 5, 1, tzinfo=UTC), SHANGHAI, CN)
    assert at == dt.datetime(2024, 5, 1, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match="has no zone"):
        schedule.next_after(dt.datetime(2024, 5, 1), SHANGHAI, CN)  # noqa: DTZ001


def test_the_latest_slot_includes_the_moment_itself():
    """At 17:30 sharp, the slot of 17:30 has come; a microsecond before, it has not."""
    schedule, at = Schedule.parse("daily 17:30"), wall(2024, 5, 1, 17, 30)
    assert schedule.latest_until(at, SHANGHAI, CN) == at
    assert schedule.latest_until(at - dt.timedelta(microseconds=1), SHANGHAI, CN) == at - dt.timedelta(days=1)
    assert schedule.next_after(at, SHANGHAI, CN) == at + dt.timedelta(days=1)


TEXTS = ("every 10m", "every 1h", "every 2h", "every 90m", "daily 00:00", "daily 02:30", "workdays 23:45",
         "last workday of month 01:15", "cron */20 * * * *", "cron 30 0-3 * * *", "cron 0 12 29 FEB *")  # fmt: skip


@given(
    st.sampled_from(TEXTS),
    st.integers(0),
    st.timedeltas(min_value=dt.timedelta(days=-2), max_value=dt.timedelta(days=2)),
)
def test_next_and_latest_are_inverses_near_changes_of_offset(text, which, distance):
    """Whoever asks, whenever: the latest slot until the next one is that one, and just before it the one before."""
    place, change = kinds()[which % len(kinds())]
    schedule, at = Schedule.parse(text), change + distance
    after = schedule.next_after(at, place, CN)
    until = schedule.latest_until(at, place, CN)
    assert until <= at < after
    assert schedule.latest_until(after, place, CN) == after
    assert schedule.latest_until(after - dt.timedelta(microseconds=1), place, CN) == until
    assert schedule.next_after(until, place, CN) == after
    assert schedule.next_after(until - dt.timedelta(microseconds=1), place, CN) == until


def expected_slots(shown, reached, step, *, runs_on):
    """Minutes, by number, at which the wall gets to a multiple of `step` minutes after midnight."""
    found = []
    for n in range(1, len(shown)):
        before = reached[n - 1] if not runs_on else shown[n - 1]
        now = reached[n] if not runs_on else shown[n]
        passed = (before + k * MINUTE for k in range(1, int((now - before) / MINUTE) + 1))
        came_back = runs_on and now < before and (now.hour * 60 + now.minute) % step == 0
        if came_back or any((each.hour * 60 + each.minute) % step == 0 for each in passed):
            found.append(n)
    return found


@pytest.mark.parametrize(
    ("text", "step", "runs_on"),
    [("every 20m", 20, True), ("every 1h", 60, True), ("every 2h", 120, False), ("every 90m", 90, False)],
)
def test_intervals_agree_with_the_wall_around_every_kind_of_change(text, step, runs_on):
    """Around each kind of change that any zone makes, intervals come up where a walk over the minutes says."""
    assert len(kinds()) > 20
    schedule = Schedule.parse(text)
    for place, change in kinds():
        start = change - dt.timedelta(hours=4)
        shown, reached = walls(place, start, 8 * 60)
        expected = [start + n * MINUTE for n in expected_slots(shown, reached, step, runs_on=runs_on)]
        found, at = [], start
        while (at := schedule.next_after(at, place, CN)) < start + 480 * MINUTE:
            found.append(at)
        assert (found, place) == (expected, place)


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("every 10m", 1 / 6),
        ("every 2h", 2),
        ("daily 17:30", 24),
        ("Fri 15:30", 168),
        ("cron 0 9,17 * * *", 8),
        ("last workday of month 17:00", 14 * 24),
    ],
)
def test_a_schedule_knows_how_close_its_slots_come(text, hours):
    """Warnings about steps that are shorter than the check interval go by this."""
    assert Schedule.parse(text).shortest() == dt.timedelta(hours=hours)


def test_a_schedule_whose_days_never_come_says_so():
    """A calendar without working days makes an error, not an endless search."""
    start = dt.date(2020, 1, 1)
    closed = build("closed", None, {start + dt.timedelta(days=n): "" for n in range(9000)}, [], {})
    with pytest.raises(ValueError, match="“workdays 09:00” never comes up: calendar “closed” has no such day"):
        Schedule.parse("workdays 09:00").next_after(wall(2024, 5, 1), SHANGHAI, closed)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("every 7m", "“every 7m” does not divide the hour: write “every 5m”"),
        ("every 5h", "“every 5h” does not divide the day: write “every 4h”"),
        ("every 1s", "“every 1s” is too often: the least is “every 10s”"),
        ("every 3d", "“every 3d” has no time of day: write “daily 09:00”, or “workdays”, or “Mon”"),
        ("every 10 minutes", "“10 minutes”: Duly says “10m”"),
        ("hourly", "“hourly”: Duly says “every 1h”"),
        ("weekdays 09:00", "“weekdays”: Duly says “workdays”"),
        ("every day 09:00", "“every day”: Duly says “daily”"),
        ("Friday 15:30", "“Friday”: Duly says “Fri”"),
        ("every Monday 09:00", "“every Monday”: Duly says “Mon”"),
        ("17:30", "“17:30” has no day: write “daily 17:30”"),
        ("daily", "“daily” has no time of day: write “daily 09:00”"),
        ("daily 9:00", "“9:00”: Duly says “09:00”"),
        ("daily 17：30", "“daily 17：30” has full-width characters: write “daily 17:30”"),
        (
            "last working day of month 17:00",
            "“last working day of month 17:00”: Duly says “last workday of month 17:00”",
        ),
        ("soon", "“soon” is no schedule: write “every 10m”, “daily 17:30”, “workdays 09:00” or “Fri 15:30”"),
        (
            "cron 0 9 * * 1",
            "“cron 0 9 * * 1”: crons disagree on the numbers of weekdays: write names, as in “cron 30 9 * * MON-FRI”",
        ),
        ("cron 0 9 * *", "“cron 0 9 * *” has 4 fields: cron has five, as in “cron 30 9 * * MON-FRI”"),
        ("cron 61 9 * * *", "“cron 61 9 * * *”: “61” is no minute: write a number from 0 to 59"),
        ("cron 0 9 * FOO *", "“cron 0 9 * FOO *”: “FOO” is no month: write a name from “JAN” to “DEC”"),
        ("cron 0 9 30 2 *", "“cron 0 9 30 2 *” names a day that no such month has: write a day that comes"),
        ("cron 0 9 1 * MON", "“cron 0 9 1 * MON” gives days of the month and of the week: write two schedules"),
        ("cron */0 9 * * *", "“cron */0 9 * * *”: a step of 0 never moves: write “/1” or more"),
    ],
)
def test_a_wrong_schedule_names_the_right_one(text, message):
    """What people write instead is refused with the spelling that works."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Schedule.parse(text)


PIECES = st.lists(
    st.sampled_from(["every", "daily", "cron", "Fri", "workdays", "last workday of month", " ", "*", "*/5", "1-3", "/",
                     "9", "09:00", "10m", "7h", "MON", "，", "：", "31", "FEB", ",", "\n", "٣"])
).map(" ".join)  # fmt: skip


@given(st.one_of(st.text(), PIECES))
def test_any_text_is_a_schedule_or_one_sentence(text):
    """Nothing but a ValueError of one line comes of nonsense, and whatever is taken comes up."""
    sentence = refusal(Schedule.parse, text)
    assert sentence != "(silence)"
    if not sentence:
        schedule = Schedule.parse(text)
        assert schedule.next_after(wall(2024, 5, 1), SHANGHAI, CN) > wall(2024, 5, 1)
        assert Schedule.parse(schedule.written) == schedule
