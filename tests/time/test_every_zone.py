"""Every change of offset that any zone makes from 2020 to 2030: no slot is lost, none comes twice (failure 11)."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from itertools import pairwise
from zoneinfo import available_timezones

import pytest
from changes import MINUTE, changes, walls

from duly.time.calendar import built_in
from duly.time.slot import Schedule
from duly.time.zone import zone

CN = built_in("CN")
HOURS = 5
"""How far before and after a change the wall is looked at."""


def around(change):
    """Return when to begin to look, and how many minutes to look for."""
    return change - dt.timedelta(hours=HOURS), 2 * HOURS * 60


def found(schedule, place, start, minutes):
    """Collect the slots from a minute after ``start``, as minutes after it."""
    slots, at = [], start
    while (at := schedule.next_after(at, place, CN)) < start + minutes * MINUTE:
        slots.append((at - start) / MINUTE)
    return slots


def test_all_zones_are_looked_at():
    """The changes are those of all zones that Python knows, and Duly takes each of their names."""
    assert len(changes()) > 300
    assert {zone(name).key for name in available_timezones()} == available_timezones()


@pytest.mark.parametrize("time", ["00:00", "00:30", "01:59", "02:30", "03:00", "23:45"])
def test_a_daily_slot_comes_once_a_day_when_the_wall_first_gets_there(time):
    """Also where the clock skips that time, or shows it twice."""
    schedule, of_day = Schedule.parse(f"daily {time}"), dt.time.fromisoformat(time)
    for place, change in changes():
        start, minutes = around(change)
        _, reached = walls(place, start, minutes)
        days = {wall.date() for wall in (reached[0], reached[-1])}
        firsts = [bisect_left(reached, dt.datetime.combine(day, of_day)) for day in sorted(days)]
        assert (found(schedule, place, start, minutes), place) == ([n for n in firsts if 0 < n < minutes], place)


@pytest.mark.parametrize("step", [10, 15])
def test_slots_minutes_apart_run_on_through_every_change(step):
    """No gap between two slots is longer than the step, or than the wall is off it at the change itself."""
    schedule = Schedule.parse(f"every {step}m")
    for place, change in changes():
        start, minutes = around(change)
        slots = found(schedule, place, start, minutes)
        gaps = [after - before for before, after in pairwise(slots)]
        assert max(gaps) <= step, (place, change)
        assert sum(gap != step for gap in gaps) <= 2, (place, change)


def test_slots_of_even_hours_keep_to_the_wall():
    """``every 2h`` comes when the wall gets to an even hour, whatever happened to the hours before."""
    schedule = Schedule.parse("every 2h")
    for place, change in changes():
        start, minutes = around(change)
        _, reached = walls(place, start, minutes)
        first = reached[0].replace(minute=0, hour=reached[0].hour // 2 * 2)
        hours = [first + n * dt.timedelta(hours=2) for n in range(HOURS + 20)]
        firsts = sorted({bisect_left(reached, hour) for hour in hours if hour > reached[0]})
        assert (found(schedule, place, start, minutes), place) == ([n for n in firsts if 0 < n < minutes], place)
