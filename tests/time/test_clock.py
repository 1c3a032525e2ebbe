from __future__ import annotations

import datetime as dt
import threading

import pytest

from duly.time import clock as clock_module
from duly.time.clock import FastClock, ManualClock, SystemClock
from duly.time.zone import UTC

START = dt.datetime(2024, 4, 30, 1, tzinfo=UTC)


@pytest.fixture
def seconds(monkeypatch):
    """A monotonic time that stands where the test puts it."""
    passed = [100.0]
    monkeypatch.setattr(clock_module.time, "monotonic", lambda: passed[0])
    return passed


def test_the_system_clock_shows_utc():
    """The system's clock is aware, in UTC, and needs no translation."""
    clock = SystemClock()
    before, now, after = dt.datetime.now(UTC), clock.now(), dt.datetime.now(UTC)
    assert before <= now <= after
    assert now.tzinfo is UTC
    assert clock.appoint("ladder", START) == START


def test_a_fast_clock_runs_at_its_speed_from_its_start(seconds):
    """At 3600 times the real speed, two seconds are two hours."""
    clock = FastClock(START, 3600)
    assert clock.now() == START
    seconds[0] += 2
    assert clock.now() == START + dt.timedelta(hours=2)


def test_a_fast_clock_does_not_pass_an_appointment(seconds):
    """However long somebody takes, the clock waits for them at their hour, and then goes on from there."""
    clock = FastClock(START, 60)
    clock.appoint("ladder", START + dt.timedelta(minutes=3))
    seconds[0] += 100
    assert clock.now() == START + dt.timedelta(minutes=3)
    clock.appoint("ladder", None)
    seconds[0] += 1
    assert clock.now() == START + dt.timedelta(minutes=4)


def test_a_fast_clock_waits_for_the_first_of_several(seconds):
    """Each has one appointment; a new one takes the place of the old."""
    clock = FastClock(START, 60)
    clock.appoint("ladder", START + dt.timedelta(minutes=9))
    clock.appoint("sender", START + dt.timedelta(minutes=5))
    seconds[0] += 100
    assert clock.now() == START + dt.timedelta(minutes=5)
    clock.appoint("sender", START + dt.timedelta(minutes=30))
    seconds[0] += 100
    assert clock.now() == START + dt.timedelta(minutes=9)


def test_an_appointment_in_the_past_stops_a_fast_clock_where_it_is(seconds):
    """Time never goes back, not even for somebody who is late."""
    clock = FastClock(START, 60)
    seconds[0] += 2
    clock.appoint("sender", START)
    seconds[0] += 2
    assert clock.now() == START + dt.timedelta(minutes=2)


def test_a_fast_clock_tells_when_it_will_show_an_instant(seconds):
    """An hour ahead at 3600 times the speed is one real second away."""
    clock = FastClock(START, 3600)
    ahead = clock.appoint("ladder", START + dt.timedelta(hours=1)) - dt.datetime.now(UTC)
    assert dt.timedelta(seconds=0.5) < ahead <= dt.timedelta(seconds=1)


def test_a_fast_clock_never_goes_back_among_threads():
    """Threads that make appointments by turns see time that only moves on, and the clock is running at the end."""
    clock, back = FastClock(START, 10_000), []

    def work(who: str) -> None:
        last = clock.now()
        for _ in range(300):
            clock.appoint(who, clock.now() + dt.timedelta(minutes=1))
            now = clock.now()
            back.extend([now] if now < last else [])
            last = now
        clock.appoint(who, None)

    threads = [threading.Thread(target=work, args=(str(number),)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert back == []
    end = clock.now()
    while clock.now() == end:
        pass


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
def test_a_clock_needs_a_speed_above_zero(speed):
    """A clock that stands or runs backwards is refused."""
    with pytest.raises(ValueError, match=r"cannot run at speed .*: give one above 0"):
        FastClock(START, speed)


def test_a_manual_clock_shows_what_it_is_set_to():
    """A manual clock stands until it is set again, and speaks UTC."""
    clock = ManualClock(START)
    later = START.astimezone(dt.timezone(dt.timedelta(hours=8))) + dt.timedelta(hours=1)
    clock.set(later)
    assert clock.now() == later
    assert clock.now().tzinfo is UTC
    assert clock.appoint("ladder", later) == later


def test_a_clock_cannot_start_at_a_naive_time():
    """Naive times are refused by every clock (failure 12)."""
    with pytest.raises(ValueError, match="has no zone"):
        FastClock(dt.datetime(2024, 5, 1), 1)  # noqa: DTZ001
    with pytest.raises(ValueError, match="has no zone"):
        ManualClock(dt.datetime(2024, 5, 1))  # noqa: DTZ001
