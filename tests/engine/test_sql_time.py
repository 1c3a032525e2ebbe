"""Times as databases spell them, and bounds that lose none of them."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duly.engine.sql_time import TimeReader, TimeWriter, Unreadable, Wall
from duly.rules.noun import Time
from duly.time.zone import UTC, instant

ZONES = st.sampled_from(
    ["Asia/Shanghai", "Europe/London", "America/New_York", "Australia/Lord_Howe", "Etc/GMT+12", "Pacific/Kiritimati"]
).map(ZoneInfo)
WALLS = st.datetimes(*map(dt.datetime.fromisoformat, ("1990-01-01", "2060-01-01")))
INSTANTS = WALLS.map(lambda at: at.replace(tzinfo=UTC))


def read(value, zone, *, is_date=False, own=None):
    """Read one value as the only column of a row."""
    times = TimeReader(zone)
    time = Time("t", "t", is_date=is_date)
    return times.reader(time, {"t": time}, {"t": 0})([value], times.wall_of(own))


@given(WALLS, ZONES)
def test_a_wall_reads_as_the_zone_does(wall, zone):
    """The quick way from wall time to instant is the exact one, also in gaps and doubled hours."""
    assert Wall(zone).instant(wall) == instant(wall.date(), wall.time(), zone)


@given(st.sampled_from([(3, 31), (10, 27), (3, 10), (11, 3), (4, 7), (10, 6)]), st.integers(0, 1439), ZONES)
def test_a_wall_reads_days_of_change_as_the_zone_does(day, minute, zone):
    """On the days on which clocks change, every minute is read exactly."""
    wall = dt.datetime.combine(dt.date(2024, *day), dt.time(minute // 60, minute % 60))
    assert Wall(zone).instant(wall) == instant(wall.date(), wall.time(), zone)


@given(INSTANTS, ZONES, st.sampled_from([" ", "T"]), st.integers(-12 * 60, 14 * 60), st.booleans())
def test_no_spelling_falls_out_of_the_bounds_of_text(at, zone, separator, offset, is_naive):
    """Whatever the spelling of an instant in text, bounds at that very instant catch it."""
    if is_naive:
        spelled = at.astimezone(zone).replace(tzinfo=None).isoformat(separator)
        at = read(spelled, zone)[0]
    else:
        spelled = at.astimezone(dt.timezone(dt.timedelta(minutes=offset))).isoformat(separator)
        assert read(spelled, zone)[0] == at
    bounds = TimeWriter(zone, as_text=True).bounds(at, at)
    assert bounds["low"] <= spelled < bounds["high"]


@given(WALLS, ZONES)
def test_no_wall_time_falls_out_of_the_bounds_of_a_column(wall, zone):
    """The instant of every wall time, in gaps and doubled hours too, lies in bounds that hold that wall time."""
    at = read(wall, zone)[0]
    bounds = TimeWriter(zone, as_text=False).bounds(at, at)
    assert bounds["low"] <= wall < bounds["high"]


@given(st.dates(dt.date(1990, 1, 1), dt.date(2060, 1, 1)), ZONES, ZONES, st.booleans())
def test_no_date_falls_out_of_the_bounds(day, zone, own, as_text):
    """A date, midnight in the record's own zone wherever that is, lies in the bounds of that midnight."""
    at, spelled = read(day, zone, is_date=True, own=own.key)
    assert spelled == day.isoformat()
    bounds = TimeWriter(zone, as_text=as_text).bounds(at, at)
    assert bounds["low_day"] <= (spelled if as_text else day) < bounds["high_day"]


@given(st.one_of(st.text(), st.integers(), st.floats(), st.binary(), st.times(), st.timedeltas(), st.datetimes()))
def test_anything_is_a_time_or_unreadable(value):
    """No value of any kind breaks the reading of times."""
    try:
        at, spelled = read(value, ZoneInfo("Asia/Shanghai"))
    except Unreadable:
        return
    assert at.tzinfo is UTC
    assert dt.datetime.fromisoformat(spelled)


def test_unreadable_tells_no_value():
    """What could not be read belongs to a record and stays out of errors."""
    with pytest.raises(Unreadable) as unreadable:
        read("+86 138 0000", ZoneInfo("Asia/Shanghai"))
    assert str(unreadable.value) == ""


def test_now_and_today_are_the_sources():
    """`:now` and `:today` show the wall of the source, as text or in types of their own."""
    now = dt.datetime(2024, 3, 5, 16, 30, 5, 999, tzinfo=UTC)
    zone = ZoneInfo("Asia/Shanghai")
    assert TimeWriter(zone, as_text=True).now(now) == {"now": "2024-03-06 00:30:05", "today": "2024-03-06"}
    assert TimeWriter(zone, as_text=False).now(now) == {
        "now": dt.datetime.fromisoformat("2024-03-06 00:30:05.000999"),
        "today": dt.date(2024, 3, 6),
    }
