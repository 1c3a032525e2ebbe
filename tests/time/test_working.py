from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from functools import lru_cache

import pytest
from changes import MINUTE, kinds, walls
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from duly.time.calendar import build, built_in
from duly.time.duration import Duration
from duly.time.hours import Hours
from duly.time.working import WorkingTime
from duly.time.zone import UTC, zone

SHANGHAI, BERLIN = zone("Asia/Shanghai"), zone("Europe/Berlin")
CN = built_in("CN")
HOUR = 3600


def wall(text, place=SHANGHAI):
    """A moment by the wall of `place`."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=place)


def working(hours, place=SHANGHAI, calendar=CN):
    """A team with these hours."""
    return WorkingTime(Hours.parse(hours), calendar, place)


DAILY = "daily 09:00-18:00"
OFFICE = "workdays 09:00-17:00"
BREAK = "workdays 09:00-12:00 13:00-17:00"
NIGHT = "workdays 22:00-06:00"


# 2024-03-15 is a Friday; 2024-04-30 a Tuesday before five days of Labour Day, 2024-05-11 a make-up Saturday.
@pytest.mark.parametrize(
    ("hours", "start", "duration", "end"),
    [
        (DAILY, "2024-03-15 14:00", "4 working hours", "2024-03-15 18:00"),
        (OFFICE, "2024-03-15 10:00", "7 working hours", "2024-03-15 17:00"),
        (OFFICE, "2024-03-15 10:00", "8 working hours", "2024-03-18 10:00"),
        (OFFICE, "2024-03-16 10:00", "30 working minutes", "2024-03-18 09:30"),
        (OFFICE, "2024-04-30 16:00", "2 working hours", "2024-05-06 10:00"),
        (OFFICE, "2024-05-10 16:00", "2 working hours", "2024-05-11 10:00"),
        (BREAK, "2024-03-15 11:00", "1 working hour", "2024-03-15 12:00"),
        (BREAK, "2024-03-15 11:00", "2 working hours", "2024-03-15 14:00"),
        (NIGHT, "2024-03-15 23:00", "7 working hours", "2024-03-16 06:00"),
        (NIGHT, "2024-03-15 23:00", "8 working hours", "2024-03-18 23:00"),
        ("daily 00:00-24:00", "2024-03-15 23:00", "24 working hours", "2024-03-16 23:00"),
        ("Mon 20:00-24:00", "2024-03-18 19:00", "4 working hours", "2024-03-19 00:00"),
        (OFFICE, "2024-03-15 10:00", "1 working day", "2024-03-18 10:00"),
        (OFFICE, "2024-03-15 10:00", "2 working days", "2024-03-19 10:00"),
        (OFFICE, "2024-03-15 07:00", "2 working days", "2024-03-19 09:00"),
        (OFFICE, "2024-03-15 20:00", "2 working days", "2024-03-19 17:00"),
        (OFFICE, "2024-03-15 17:00", "2 working days", "2024-03-19 17:00"),
        (OFFICE, "2024-03-16 10:00", "2 working days", "2024-03-19 10:00"),
        (BREAK, "2024-03-15 12:30", "2 working days", "2024-03-19 13:00"),
        (BREAK, "2024-03-15 12:00", "2 working days", "2024-03-19 13:00"),
        (OFFICE, "2024-04-30 10:00", "1 working day", "2024-05-06 10:00"),
        (OFFICE, "2024-05-10 10:00", "1 working day", "2024-05-11 10:00"),
        (DAILY, "2024-03-15 10:00", "2 working days", "2024-03-17 10:00"),
        (NIGHT, "2024-03-16 02:00", "1 working day", "2024-03-19 02:00"),
        (NIGHT, "2024-03-15 23:00", "1 working day", "2024-03-18 23:00"),
        (OFFICE, "2024-03-15 10:00", "3d", "2024-03-18 10:00"),
        (OFFICE, "2024-03-15 10:00", "2w", "2024-03-29 10:00"),
        (OFFICE, "2024-03-15 10:00", "72h", "2024-03-18 10:00"),
        (OFFICE, "2024-03-16 10:00", "at once", "2024-03-16 10:00"),
    ],
)
def test_adding_a_duration(hours, start, duration, end):
    """Each kind of duration ends where the design says."""
    assert working(hours).add(wall(start), Duration.parse(duration)) == wall(end)


@pytest.mark.parametrize(
    ("hours", "end", "duration", "start"),
    [
        (DAILY, "2024-03-15 14:00", "8 working hours", "2024-03-14 15:00"),
        (DAILY, "2024-03-15 14:00", "5 working hours", "2024-03-15 09:00"),
        (OFFICE, "2024-03-18 09:00", "1 working hour", "2024-03-15 16:00"),
        (OFFICE, "2024-03-17 12:00", "1 working hour", "2024-03-15 16:00"),
        (OFFICE, "2024-05-06 10:00", "2 working hours", "2024-04-30 16:00"),
        (OFFICE, "2024-05-13 10:00", "2 working hours", "2024-05-11 16:00"),
        (NIGHT, "2024-03-16 06:00", "8 working hours", "2024-03-15 22:00"),
        (NIGHT, "2024-03-18 23:00", "2 working hours", "2024-03-16 05:00"),
        (OFFICE, "2024-03-19 10:00", "2 working days", "2024-03-15 10:00"),
        (OFFICE, "2024-03-18 20:00", "1 working day", "2024-03-15 17:00"),
        (OFFICE, "2024-03-18 00:00", "1 working day", "2024-03-15 09:00"),
        (OFFICE, "2024-03-18 10:00", "3d", "2024-03-15 10:00"),
        (OFFICE, "2024-03-18 10:00", "72h", "2024-03-15 10:00"),
    ],
)
def test_subtracting_a_duration(hours, end, duration, start):
    """What comes before a deadline lies in working hours too, never at 00:00 (failure 21)."""
    assert working(hours).subtract(wall(end), Duration.parse(duration)) == wall(start)


def test_a_pause_is_given_back_in_working_time():
    """8 h due from Fri 10:00, held Fri 16:00 – Mon 09:00, one working hour: due is Mon 11:00 (failure 20)."""
    office = working(OFFICE)
    held = office.between(wall("2024-03-15 16:00"), wall("2024-03-18 09:00"))
    assert held == HOUR
    assert office.forward(wall("2024-03-15 10:00"), 8 * HOUR + held) == wall("2024-03-18 11:00")


def test_days_keep_the_wall_time_and_hours_are_real_when_the_clocks_change():
    """Over Berlin's spring night, 3d end at the same wall time and 72h an hour later."""
    team, start = working(OFFICE, BERLIN), wall("2024-03-30 10:00", BERLIN)
    assert team.add(start, Duration.parse("3d")) == wall("2024-04-02 10:00", BERLIN)
    assert team.add(start, Duration.parse("72h")) == wall("2024-04-02 11:00", BERLIN)
    skipped = team.add(wall("2024-03-30 02:30", BERLIN), Duration.parse("1d"))
    assert skipped == wall("2024-03-31 03:00", BERLIN)
    doubled = team.add(wall("2024-10-26 02:30", BERLIN), Duration.parse("1d"))
    assert doubled == dt.datetime(2024, 10, 27, 0, 30, tzinfo=UTC)


def test_a_night_shift_loses_and_gains_the_hour_that_the_clocks_do():
    """22:00-06:00 is seven hours in Berlin's spring night and nine in autumn's."""
    night = working("daily 22:00-06:00", BERLIN)
    for evening, hours in (("2024-03-30 12:00", 7), ("2024-10-26 12:00", 9), ("2024-06-01 12:00", 8)):
        start = wall(evening, BERLIN)
        assert night.between(start, start + dt.timedelta(hours=24)) == hours * HOUR


def test_holidays_do_not_cut_the_night_before_short():
    """Overnight hours belong to the day they start on: Tuesday's night runs into Labour Day."""
    night = working(NIGHT)
    assert night.is_open(wall("2024-05-01 05:59"))
    assert not night.is_open(wall("2024-05-01 06:00"))
    assert not night.is_open(wall("2024-05-01 22:00"))


def test_a_shift_that_begins_before_the_night_is_over_counts_once():
    """Where 22:00-07:00 and 06:00-09:00 meet, the hour of both is one hour of work, in either direction."""
    team = working(["daily 22:00-07:00", "daily 06:00-09:00"])
    evening, morning = wall("2024-03-15 22:00"), wall("2024-03-16 09:00")
    assert team.between(evening, morning) == 11 * HOUR
    assert team.forward(evening, 11 * HOUR) == morning
    assert team.backward(morning, 11 * HOUR) == evening


def test_the_next_opening_is_now_while_open():
    """Inside the hours it is the moment itself, else the next start of work."""
    office = working(OFFICE)
    assert office.next_opening(wall("2024-04-30 16:59")) == wall("2024-04-30 16:59")
    assert office.next_opening(wall("2024-04-30 17:00")) == wall("2024-05-06 09:00")


def test_a_half_day_of_the_calendar_counts_as_such():
    """Hours of one day in the calendar replace the team's own."""
    half = build("half", CN, {}, [], {dt.date(2024, 3, 15): Hours.parse("09:00-12:00").on(dt.date(2024, 3, 15), CN)})
    office = working(OFFICE, calendar=half)
    assert office.forward(wall("2024-03-15 11:00"), 2 * HOUR) == wall("2024-03-18 10:00")


def test_hours_that_never_open_say_so():
    """No working time can be counted where nobody ever works: an error, not an endless search."""
    off = {dt.date(2024, 1, 1) + dt.timedelta(days=n): "" for n in range(2000)}
    team = working("Mon 09:00-18:00", calendar=build("shut", None, off, [], {}))
    start = wall("2025-05-06 12:00")
    for count in (
        lambda: team.forward(start, 1),
        lambda: team.backward(start, 1),
        lambda: team.days(start, 1),
        lambda: team.next_opening(start),
    ):
        with pytest.raises(ValueError, match="hours “Mon 09:00-18:00” do not open for 400 days in calendar “shut”"):
            count()


def test_a_percentage_is_not_an_amount():
    """50% means nothing without the time it is a share of."""
    with pytest.raises(ValueError, match="“50%” is a share of a time that is not given: write an amount"):
        working(OFFICE).add(wall("2024-03-15 10:00"), Duration.parse("50%"))


@pytest.mark.parametrize("duration", ["3d", "72h", "4 working hours", "2 working days", "600 working hours"])
def test_a_clock_of_the_year_9999_is_one_bad_record(duration):
    """Tables write "never" as 9999-12-31: a sentence comes of it, which names the date."""
    start = dt.datetime(9999, 12, 31, 9, tzinfo=UTC)
    with pytest.raises(ValueError, match="after 9999-12-31 is no date: the years go from 1 to 9999"):
        working(OFFICE).add(start, Duration.parse(duration))
    with pytest.raises(ValueError, match="before 0001-01-01 is no date"):
        working(OFFICE).subtract(dt.datetime(1, 1, 1, 9, tzinfo=UTC), Duration.parse(duration))


def test_naive_times_are_refused():
    """Working time is never counted on a wall that nobody named (failure 12)."""
    naive = dt.datetime(2024, 3, 15, 10)  # noqa: DTZ001
    for count in (working(OFFICE).is_open, working(OFFICE).next_opening, lambda at: working(OFFICE).forward(at, 1)):
        with pytest.raises(ValueError, match="has no zone"):
            count(naive)


def test_months_of_working_time_take_days_not_minutes_to_count():
    """A year of work looks at no more days than it has."""
    office, looked = working(OFFICE), []
    read = office.hours.on
    object.__setattr__(
        office, "hours", type("Counting", (), {"on": lambda _, *day: looked.append(day) or read(*day)})()
    )
    office.forward(wall("2024-01-02 09:00"), 248 * 8 * HOUR)
    assert 300 < len(looked) < 400


# --- the oracle: a walk over the minutes -----------------------------------------------------------------------------

CASES = [
    (SHANGHAI, dt.datetime(2024, 4, 30, 4, tzinfo=UTC)),
    (SHANGHAI, dt.datetime(2026, 2, 14, tzinfo=UTC)),
    *kinds(),
]
BEFORE, SIZE = 5 * 1440, 12 * 1440
SPANS = st.tuples(st.integers(0, 47), st.integers(1, 48)).filter(lambda ends: ends[0] != ends[1])
ENTRIES = st.lists(
    st.tuples(
        st.sampled_from(["daily", "workdays", "workdays", "Mon", "Wed", "Sat", "Sun"]),
        st.lists(SPANS, min_size=1, max_size=2),
    ),
    min_size=1,
    max_size=3,
)


@lru_cache
def minutes(case):
    """What the wall shows, minute by minute."""
    place, change = CASES[case]
    return walls(place, change - BEFORE * MINUTE, SIZE)


class Oracle:
    """Knows of each minute around a change whether it is worked, by asking the wall."""

    def __init__(self, case, entries, off, working_days):
        self.place, change = CASES[case]
        self.start = change - BEFORE * MINUTE
        self.shown, self.reached = minutes(case)
        self.off, self.working_days = off, working_days
        days = sorted({each.date() for each in self.reached})
        self.by_day = {}
        for day in [days[0] - dt.timedelta(days=1), *days]:
            opened = [self.spell(day, span) for name, spans in entries if self.names(name, day) for span in spans]
            self.by_day[day] = sorted({n for first, last in opened for n in range(first, last)})
        self.worked = set().union(*self.by_day.values())

    def spell(self, day, span):
        """Return the minutes at which a span begins and ends."""
        midnight = dt.datetime.combine(day, dt.time())
        ends = (midnight + span[0] * 30 * MINUTE, midnight + (span[1] + 48 * (span[1] <= span[0])) * 30 * MINUTE)
        return [bisect_left(self.reached, end) for end in ends]

    def names(self, name, day):
        """Say whether `name` means `day`."""
        if name == "daily":
            return True
        weekday = day.strftime("%a")
        if name == "workdays":
            return day in self.working_days or (weekday not in ("Sat", "Sun") and day not in self.off)
        return weekday == name and day not in self.off

    def instant(self, n):
        """Return the instant of a minute."""
        return self.start + n * MINUTE

    def forward(self, n, left):
        """Walk until so many minutes were worked."""
        while left:
            left -= n in self.worked
            n += 1
            assume(n < SIZE - 1440)
        return n

    def backward(self, n, left):
        """Walk back until so many minutes were worked."""
        while left:
            n -= 1
            left -= n in self.worked
            assume(n > 1440)
        return n

    def days(self, n, count, step):
        """Walk from day to day, then to the wall time, then on or back into the hours."""
        day, extra = self.shown[n].date(), dt.timedelta()
        yesterday = day - dt.timedelta(days=1)
        if n not in self.by_day[day] and n in self.by_day[yesterday]:
            day, extra = yesterday, dt.timedelta(days=1)
        while count:
            day += step * dt.timedelta(days=1)
            assume(
                dt.timedelta(days=1) < day - self.shown[0].date() and day < self.shown[-1].date() - dt.timedelta(days=2)
            )
            count -= bool(self.by_day[day])
        goal = dt.datetime.combine(day, self.shown[n].time()) + extra
        n = bisect_left(self.reached, goal)
        later = [each for each in self.by_day[day] if each >= n]
        return later[0] if later else self.by_day[day][-1] + 1


def written(span):
    """Spell a span of half hours."""
    opens, closes = (f"{end // 2:02}:{end % 2 * 30:02}" for end in span)
    return f"{opens}-{closes}"


@st.composite
def worlds(draw):
    """A team somewhere near a change of offset, in its own words and as the oracle knows it."""
    case, entries = draw(st.integers(0, len(CASES) - 1)), draw(ENTRIES)
    first = CASES[case][1].date()
    some_days = st.sets(st.integers(-5, 6).map(lambda n: first + n * dt.timedelta(days=1)), max_size=3)
    off = draw(some_days)
    working_days = draw(some_days) - off
    oracle = Oracle(case, entries, off, working_days)
    hours = Hours.parse([f"{name} {' '.join(map(written, spans))}" for name, spans in entries])
    calendar = build("drawn", None, dict.fromkeys(off, "off"), working_days, {})
    return oracle, WorkingTime(hours, calendar, oracle.place)


STARTS = st.integers(3 * 1440, 8 * 1440)


@settings(max_examples=60)
@given(worlds(), STARTS, st.integers(0, 3 * 1440))
def test_forward_agrees_with_a_walk_over_the_minutes(world, n, amount):
    """The first minute by which so many minutes were worked."""
    oracle, team = world
    end = oracle.forward(n, amount)
    assert team.forward(oracle.instant(n), amount * 60) == oracle.instant(end)


@settings(max_examples=60)
@given(worlds(), STARTS, st.integers(0, 3 * 1440))
def test_backward_agrees_with_a_walk_over_the_minutes(world, n, amount):
    """The last minute from which so many minutes were worked (failure 21)."""
    oracle, team = world
    start = oracle.backward(n, amount)
    assert team.backward(oracle.instant(n), amount * 60) == oracle.instant(start)


@settings(max_examples=60)
@given(worlds(), STARTS, STARTS)
def test_between_agrees_with_a_walk_over_the_minutes(world, a, b):
    """So many minutes were worked, and the moments in question are open or not."""
    oracle, team = world
    worked = len([n for n in oracle.worked if min(a, b) <= n < max(a, b)])
    assert team.between(oracle.instant(a), oracle.instant(b)) == worked * 60 * (1 if a <= b else -1)
    assert team.is_open(oracle.instant(a)) is (a in oracle.worked)


@settings(max_examples=60)
@given(worlds(), STARTS, st.integers(1, 3), st.sampled_from([1, -1]))
def test_working_days_agree_with_a_walk_over_the_minutes(world, n, count, step):
    """The same wall time on another working day, moved into its hours."""
    oracle, team = world
    end = oracle.days(n, count, step)
    count_days = team.days if step > 0 else team.days_back
    assert count_days(oracle.instant(n), count) == oracle.instant(end)


@settings(max_examples=60)
@given(worlds(), STARTS, st.integers(0, 200_000), st.integers(0, 59_999_999))
def test_forward_and_between_are_inverses_to_the_microsecond(world, n, seconds, microseconds):
    """Going forward by an amount leaves exactly that amount between, and no earlier instant does."""
    oracle, team = world
    assume(any(team.hours.on(day, team.calendar) for day in list(oracle.by_day)[-3:]))
    start = oracle.instant(n) + dt.timedelta(microseconds=microseconds)
    end = team.forward(start, seconds)
    assert team.between(start, end) == seconds
    if seconds:
        assert team.between(start, end - dt.timedelta(microseconds=1)) == seconds - 1
        assert start <= team.backward(end, seconds)
