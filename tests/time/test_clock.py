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
    assert clock.real(START) == START


def test_a_fast_clock_runs_at_its_speed_from_its_start(seconds):
    """At 3600 times the real speed, two seconds are two hours."""
    clock = FastClock(START, 3600)
    assert clock.now() == START
    seconds[0] += 2
    assert clock.now() == START + dt.timedelta(hours=2)


def test_a_fast_clock_stands_still_while_anybody_is_busy(seconds):
    """Work of two who overlap costs no time on the clock, and it goes on from where it stood."""
    clock = FastClock(START, 60)
    seconds[0] += 1
    with clock.busy():
        seconds[0] += 5
        with clock.busy():
            seconds[0] += 5
        seconds[0] += 5
        assert clock.now() == START + dt.timedelta(minutes=1)
    assert clock.now() == START + dt.timedelta(minutes=1)
    seconds[0] += 1
    assert clock.now() == START + dt.timedelta(minutes=2)


def test_a_fast_clock_goes_on_after_busy_work_has_failed(seconds):
    """An exception in busy work does not leave the clock standing."""
    clock = FastClock(START, 60)
    with pytest.raises(RuntimeError), clock.busy():
        raise RuntimeError
    seconds[0] += 1
    assert clock.now() == START + dt.timedelta(minutes=1)


def test_a_fast_clock_tells_when_it_will_show_an_instant(seconds):
    """An hour ahead at 3600 times the speed is one real second away."""
    clock = FastClock(START, 3600)
    ahead = clock.real(START + dt.timedelta(hours=1)) - dt.datetime.now(UTC)
    assert dt.timedelta(seconds=0.5) < ahead <= dt.timedelta(seconds=1)


def test_a_fast_clock_never_goes_back_among_threads():
    """Threads that are busy by turns see time that only moves on, and the clock is running at the end."""
    clock, back = FastClock(START, 10_000), []

    def work() -> None:
        last = clock.now()
        for _ in range(300):
            with clock.busy():
                now = clock.now()
                back.extend([now] if now < last else [])
                last = now

    threads = [threading.Thread(target=work) for _ in range(4)]
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
    with clock.busy():
        assert clock.now() == later
    assert clock.now().tzinfo is UTC
    assert clock.real(later) == later


def test_a_clock_cannot_start_at_a_naive_time():
    """Naive times are refused by every clock (failure 12)."""
    with pytest.raises(ValueError, match="has no zone"):
        FastClock(dt.datetime(2024, 5, 1), 1)  # noqa: DTZ001
    with pytest.raises(ValueError, match="has no zone"):
        ManualClock(dt.datetime(2024, 5, 1))  # noqa: DTZ001
