from __future__ import annotations

import datetime as dt
import threading
import time

import pytest

from daemon.eventually import eventually
from daemon.standing import START, standing_clock
from duly.daemon import worker as worker_module
from duly.daemon.worker import Worker
from duly.time.clock import SystemClock

HOUR = dt.timedelta(hours=1)


class Work:
    """Work that notes when it was done, and says what the test wants: an instant, ``None``, or an exception."""

    def __init__(self, *answers: object) -> None:
        self.done: list[dt.datetime] = []
        self.answers = list(answers)
        self.times = threading.Semaphore(0)

    def __call__(self, now: dt.datetime) -> dt.datetime | None:
        """Do it."""
        self.done.append(now)
        answer = self.answers.pop(0) if self.answers else None
        self.times.release()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def was_done(self, within: float = 5) -> bool:
        """Wait until it has been done once more."""
        return self.times.acquire(timeout=within)


@pytest.fixture
def start():
    """Start workers that end with the test."""
    started: list[Worker] = []

    def begin(work, clock=None, name="ladder"):
        started.append(Worker(name, clock or SystemClock(), work))
        started[-1].start()
        return started[-1]

    yield begin
    for worker in started:
        worker.stop()
    for worker in started:
        worker.join(5)
        assert not worker.is_alive()


def test_work_is_done_at_once_and_then_when_it_is_due(start):
    """A worker that starts looks for work, and looks again at the instant that its work has named, not before."""
    due = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=0.3)
    work = Work(due)
    start(work)
    assert work.was_done()
    assert work.was_done()
    first, second = work.done
    assert first < due <= second < due + HOUR


def test_a_poke_wakes_a_worker_at_once(start, monkeypatch):
    """Work that has come up meanwhile waits for no appointment."""
    monkeypatch.setattr(worker_module, "LONGEST_SLEEP", 60)
    work = Work()
    worker = start(work)
    assert work.was_done()
    worker.poke()
    assert work.was_done()


def test_a_poke_during_work_is_not_lost(start, monkeypatch):
    """What comes up while the worker is at it is looked at right after."""
    monkeypatch.setattr(worker_module, "LONGEST_SLEEP", 60)
    begun, go_on = threading.Event(), threading.Event()
    work = Work()

    def slow(now):
        begun.set()
        assert go_on.wait(5)
        return work(now)

    worker = start(slow)
    assert begun.wait(5)
    worker.poke()
    go_on.set()
    assert work.was_done()
    assert work.was_done()


def test_other_processes_are_noticed_without_a_poke(start, monkeypatch):
    """However far away the next work is, the ledger is looked at now and then: others write there, too."""
    monkeypatch.setattr(worker_module, "LONGEST_SLEEP", 0.05)
    work = Work(*[dt.datetime.now(dt.UTC) + HOUR] * 3)
    start(work)
    assert all(work.was_done() for _ in range(3))


def test_work_that_fails_is_tried_again_and_named_until_it_succeeds(start, monkeypatch):
    """One bad hour does not end a worker; what is wrong is said without a word of the record it was about."""
    monkeypatch.setattr(worker_module, "AFTER_ERROR", 0.3)
    work = Work(ValueError("+8613800000001 is no number"))
    worker = start(work)
    assert eventually(lambda: worker.trouble) == "ladder: ValueError"
    assert work.was_done()
    assert work.was_done()
    eventually(lambda: not worker.trouble)


def test_work_that_fails_is_left_alone_for_a_while(start, monkeypatch):
    """A database that is away is not asked a thousand times a second, and a stop need not wait for the next try."""
    monkeypatch.setattr(worker_module, "AFTER_ERROR", 60)
    work = Work(OSError())
    worker = start(work)
    assert work.was_done()
    assert not work.was_done(within=0.2)
    worker.stop()
    worker.join(5)
    assert not worker.is_alive()


def test_a_worker_ends_after_the_work_in_hand(start):
    """A stop begins nothing new, and leaves nothing half done."""
    begun, go_on = threading.Event(), threading.Event()
    finished = []

    def slow(now):
        begun.set()
        assert go_on.wait(5)
        finished.append(now)
        return now

    worker = start(slow)
    assert begun.wait(5)
    worker.stop()
    go_on.set()
    worker.join(5)
    assert not worker.is_alive()
    assert len(finished) == 1


def test_a_stop_between_two_looks_is_not_overheard(monkeypatch):
    """A stop that comes just as the worker turns to its next look ends it there, not one long sleep later."""
    monkeypatch.setattr(worker_module, "LONGEST_SLEEP", 60)
    work = Work()
    worker = Worker("ladder", SystemClock(), work)
    clear = worker._poked.clear
    monkeypatch.setattr(worker._poked, "clear", lambda: (worker.stop(), clear()))
    worker.start()
    worker.join(5)
    assert not worker.is_alive()
    assert work.done == []


def test_a_fast_clock_waits_for_whoever_has_work_due(start):
    """At a day a second, each piece of work is done at its very hour, however slow the machine is."""
    clock = standing_clock()
    hours = [START + n * HOUR for n in range(1, 21)]
    work = Work(*hours)
    start(work, clock)
    assert work.was_done()
    clock.appoint("the test", None)
    for _ in range(20):
        assert work.was_done()
    assert work.done == [START, *hours]


def test_a_fast_clock_does_not_run_away_from_somebody_who_has_been_poked(start):
    """What is handed from one worker to the next happens at the same simulated instant."""
    clock = standing_clock()
    second = Work()
    taker = start(second, clock, "sender")
    assert second.was_done()
    handed = []

    def hand_over(now):
        handed.append(now)
        taker.poke()

    clock.appoint("ladder", START + HOUR)
    clock.appoint("the test", None)
    eventually(lambda: clock.now() == START + HOUR)
    start(hand_over, clock)
    assert second.was_done()
    assert second.done[1] == handed[0] == START + HOUR


def test_a_worker_that_waits_for_somebody_slow_comes_in_time(start):
    """When the clock stands for somebody else, a worker's hour comes later in the real world, and is not missed."""
    clock = standing_clock()
    work = Work(START + HOUR)
    start(work, clock)
    assert work.was_done()
    assert not work.was_done(within=0.2), "an hour passes in 42 ms, but the clock stands"
    clock.appoint("the test", None)
    assert work.was_done()
    assert work.done == [START, START + HOUR]


def test_a_worker_that_has_ended_holds_no_clock_up(start):
    """After a stop nobody waits for it."""
    clock = standing_clock()
    work = Work(START + HOUR)
    worker = start(work, clock)
    assert work.was_done()
    worker.stop()
    worker.join(5)
    clock.appoint("the test", None)
    eventually(lambda: clock.now() > START + 2 * HOUR)


def test_work_that_fails_holds_no_clock_up(start, monkeypatch):
    """While one worker rests after an error, the world goes on for the others."""
    monkeypatch.setattr(worker_module, "AFTER_ERROR", 60)
    clock = standing_clock()
    work = Work(OSError())
    clock.appoint("ladder", START)
    start(work, clock)
    assert work.was_done()
    clock.appoint("the test", None)
    before = time.monotonic()
    eventually(lambda: clock.now() > START + 2 * HOUR)
    assert time.monotonic() - before < 10
