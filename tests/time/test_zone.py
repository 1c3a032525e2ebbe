from __future__ import annotations

import datetime as dt
from bisect import bisect_left

import pytest
from changes import MINUTE, changes, walls

from duly.time.zone import UTC, first_at, in_utc, instant, local, midnight, zone


def test_a_zone_goes_by_its_iana_name():
    """A known name gives its zone."""
    assert zone("Asia/Shanghai").key == "Asia/Shanghai"


@pytest.mark.parametrize(
    ("name", "cure"),
    [
        ("Asia/Shanghi", "did you mean “Asia/Shanghai”?"),
        ("shanghai", "did you mean “Asia/Shanghai”?"),
        ("+08:00", "write a name such as “Asia/Shanghai” or “UTC”"),
        ("../../etc/passwd", "write a name such as “Asia/Shanghai” or “UTC”"),
        ("Asia", "write a name such as “Asia/Shanghai” or “UTC”"),
        ("", "write a name such as “Asia/Shanghai” or “UTC”"),
        ("Asia/\0", "write a name such as “Asia/Shanghai” or “UTC”"),
    ],
)
def test_an_unknown_zone_names_the_cure(name, cure):
    """A wrong name is refused in one sentence that helps."""
    with pytest.raises(ValueError, match="unknown zone") as error:
        zone(name)
    assert str(error.value).endswith(cure)


def test_a_skipped_wall_time_is_the_first_instant_after_the_gap():
    """02:30 does not exist in Berlin on 31 March 2024: it means 03:00 summer time, as every skipped time does."""
    berlin = zone("Europe/Berlin")
    after = dt.datetime(2024, 3, 31, 1, tzinfo=UTC)
    for time in (dt.time(2), dt.time(2, 30), dt.time(2, 59, 59, 999999), dt.time(3)):
        assert instant(dt.date(2024, 3, 31), time, berlin) == after


def test_a_doubled_wall_time_is_its_first_occurrence():
    """02:30 comes twice in Berlin on 27 October 2024: it means the first, unless the second is asked for."""
    berlin, day = zone("Europe/Berlin"), dt.date(2024, 10, 27)
    assert instant(day, dt.time(2, 30), berlin) == dt.datetime(2024, 10, 27, 0, 30, tzinfo=UTC)
    assert instant(day, dt.time(2, 30, fold=1), berlin) == dt.datetime(2024, 10, 27, 0, 30, tzinfo=UTC)
    assert instant(day, dt.time(2, 30), berlin, fold=1) == dt.datetime(2024, 10, 27, 1, 30, tzinfo=UTC)


def test_a_day_begins_after_the_gap_where_midnight_is_skipped():
    """Beirut skips midnight in spring: the day begins at 01:00."""
    beirut = zone("Asia/Beirut")
    assert local(midnight(dt.date(2024, 3, 31), beirut), beirut).time() == dt.time(1)


def test_naive_times_are_refused():
    """A time without a zone would silently be the machine's own (failure 12), so it is an error with a cure."""
    with pytest.raises(ValueError, match="2024-05-01 09:00:00 has no zone: read it in the zone of its source first"):
        in_utc(dt.datetime(2024, 5, 1, 9))  # noqa: DTZ001
    with pytest.raises(ValueError, match="has no zone"):
        first_at(dt.datetime(2024, 5, 1, 9), dt.time(9), zone("UTC"))  # noqa: DTZ001


def test_first_at_includes_the_moment_itself():
    """The first 17:30 from 17:30 on is now; a microsecond later it is tomorrow's."""
    shanghai = zone("Asia/Shanghai")
    at = dt.datetime(2024, 5, 1, 17, 30, tzinfo=shanghai)
    assert first_at(at, dt.time(17, 30), shanghai) == at
    assert first_at(at + dt.timedelta(microseconds=1), dt.time(17, 30), shanghai) == at + dt.timedelta(days=1)


def test_first_at_agrees_with_the_wall_around_every_change_of_every_zone():
    """Around each change from 2020 to 2030, each wall time comes once a day, on getting there (failure 11)."""
    times = [dt.time(0), dt.time(0, 30), dt.time(1), dt.time(1, 45), dt.time(2, 30), dt.time(3), dt.time(23, 30)]
    assert len(changes()) > 300
    for place, change in changes():
        start = change - dt.timedelta(hours=5)
        _, reached = walls(place, start, 10 * 60)
        for time in times:
            reaches = {dt.datetime.combine(wall.date(), time) for wall in (reached[0], reached[-1])}
            expected = [start + bisect_left(reached, wall) * MINUTE for wall in sorted(reaches)]
            inside = [at for at in expected if start < at < start + 600 * MINUTE]
            found, at = [], start + dt.timedelta(seconds=1)
            while (at := first_at(at, time, place)) < start + 600 * MINUTE:
                found.append(at)
                at += dt.timedelta(seconds=1)
            assert (found, place, change) == (inside, place, change)
