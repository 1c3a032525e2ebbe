from __future__ import annotations

import datetime as dt
import threading
from collections import defaultdict

import pytest

from daemon.eventually import eventually
from daemon.standing import START, standing_clock
from duly.daemon.slots import THREADS, Slots, SlotTrigger
from duly.time.clock import ManualClock, SystemClock

HOUR = dt.timedelta(hours=1)


def every(length):
    """Give slots that lie so far apart, aligned to the hour as a rule's are."""

    def next_slot(_rule_id, after):
        return START + ((after - START) // length + 1) * length

    return next_slot


class Looks:
    """What is called at slots: it notes when, and does what the test says."""

    def __init__(self) -> None:
        self.at: dict[int, list[dt.datetime]] = defaultdict(list)
        self.times = threading.Semaphore(0)
        self.do = lambda _rule_id, _now: None

    def __call__(self, rule_id, now):
        """Look."""
        self.at[rule_id].append(now)
        self.times.release()
        return self.do(rule_id, now)

    def came(self, times=1, within=5.0):
        """Wait until it has been called so many times more."""
        return all(self.times.acquire(timeout=within) for _ in range(times))


@pytest.fixture
def looks():
    """Give somebody who looks."""
    return Looks()


@pytest.fixture
def slots(looks):
    """Give slots on the machine's clock, which stop with the test."""
    made = Slots(SystemClock(), looks)
    yield made
    if made._scheduler.running:
        assert made.stop(5)


@pytest.fixture
def fast(looks):
    """Give slots on a clock at a day a second, with that clock."""
    clock = standing_clock()
    made = Slots(clock, looks)
    yield made, clock
    if made._scheduler.running:
        assert made.stop(5)


def now():
    """Read the machine's clock."""
    return dt.datetime.now(dt.UTC)


def test_every_slot_is_looked_at_once(slots, looks):
    """Ten slots, ten looks, each after its slot and before the next but one."""
    length = dt.timedelta(milliseconds=100)
    next_slot = every(length)
    first = next_slot(1, now())
    slots.follow([1], lambda _: first, next_slot)
    slots.start()
    assert looks.came(10)
    looked = looks.at[1][:10]
    assert all(seen >= first + n * length for n, seen in enumerate(looked))
    assert looked[9] < first + 11 * length + dt.timedelta(seconds=2)


@pytest.mark.parametrize("late", [dt.timedelta(seconds=5), HOUR, dt.timedelta(days=400)])
def test_a_late_slot_is_never_skipped(slots, looks, late):
    """A slot that has passed, by however much, is looked at as soon as there is somebody to look, and once."""
    slots.follow([1], lambda _: now() - late, every(400 * HOUR))
    slots.start()
    assert looks.came()
    assert not looks.came(within=0.3)


def test_overlapping_slots_are_one(slots, looks):
    """While a rule is being looked at, nobody else looks; what came up meanwhile is one look, right after."""
    length = dt.timedelta(milliseconds=100)
    go_on, running, most = threading.Event(), [0], [0]

    def slow(_rule_id, _now):
        running[0] += 1
        most[0] = max(most[0], running[0])
        assert go_on.wait(10)
        running[0] -= 1

    looks.do = slow
    slots.follow([1], lambda _: now(), every(length))
    slots.start()
    assert looks.came()
    begun = now()
    eventually(lambda: now() > begun + 6 * length)
    assert len(looks.at[1]) == 1
    go_on.set()
    assert looks.came()
    assert looks.at[1][1] - begun < 12 * length + dt.timedelta(seconds=2)
    assert most == [1]


def test_one_slow_rule_keeps_no_other_waiting(slots, looks):
    """Rules are looked at side by side."""
    go_on = threading.Event()
    looks.do = lambda rule_id, _now: None if rule_id != 1 else go_on.wait(10) and None
    slots.follow([1], lambda _: now(), every(HOUR))
    slots.start()
    assert looks.came()
    slots.follow([1, 2], lambda rule_id: now() + HOUR if rule_id == 1 else now(), every(HOUR))
    assert looks.came()
    assert looks.at[2]
    go_on.set()


def test_regular_work_waits_for_no_check(slots, looks):
    """Signs of life go on while every check hangs."""
    go_on, beaten = threading.Event(), threading.Semaphore(0)
    looks.do = lambda _rule_id, _now: go_on.wait(20) and None
    slots.follow(range(10), lambda _: now(), every(HOUR))
    slots.every(0.05, beaten.release)
    slots.start()
    assert looks.came(2)
    assert all(beaten.acquire(timeout=5) for _ in range(3))
    go_on.set()
    assert looks.came(8)


def test_a_look_that_breaks_stops_neither_its_rule_nor_the_others(slots, looks, caplog):
    """The next slot comes all the same."""

    def broken(rule_id, _now):
        if rule_id == 1:
            raise KeyError("a bug")

    looks.do = broken
    slots.follow([1, 2], lambda _: now(), every(dt.timedelta(milliseconds=50)))
    slots.start()
    eventually(lambda: len(looks.at[1]) > 2 and len(looks.at[2]) > 2)


def test_a_rule_is_looked_at_again_when_its_look_says_so(slots, looks):
    """After a failure the next look comes before the next slot, and then the slots go on."""
    again = now() + dt.timedelta(seconds=0.2)
    answers = [again]
    looks.do = lambda _rule_id, _now: answers.pop() if answers else None
    slots.follow([1], lambda _: now(), every(HOUR * 1000))
    slots.start()
    assert looks.came(2)
    assert looks.at[1][1] >= again
    assert not looks.came(within=0.2)


@pytest.mark.parametrize("after", [dt.timedelta(), dt.timedelta(hours=-1), 2000 * HOUR])
def test_what_a_look_asks_for_in_vain_is_no_second_look(slots, looks, after):
    """An instant that has passed would come round and round; one after the next slot is too late to matter."""
    looks.do = lambda _rule_id, at: at + after
    slots.follow([1], lambda _: now(), every(HOUR * 1000))
    slots.start()
    assert looks.came()
    assert not looks.came(within=0.2)


def test_rules_that_are_followed_no_more_are_left_alone(slots, looks):
    """After a change of the files only the rules that are there are looked at."""
    slots.follow([1], lambda _: now(), every(dt.timedelta(milliseconds=20)))
    slots.start()
    assert looks.came(2)
    slots.follow([2], lambda _: now(), every(dt.timedelta(milliseconds=20)))
    seen = len(looks.at[1])
    eventually(lambda: len(looks.at[2]) > 5)
    assert len(looks.at[1]) <= seen + 1, "one look may have been under way"


def test_a_look_during_which_the_files_change_says_when_the_next_is(slots, looks):
    """Nobody knows, while a rule is looked at, when it is due next; whoever looks knows it at the end."""
    begun, go_on = threading.Event(), threading.Event()
    due = []

    def slow(_rule_id, _now):
        if due:
            return None
        begun.set()
        assert go_on.wait(5)
        due.append(now() + dt.timedelta(seconds=0.2))
        return due[0]

    looks.do = slow
    slots.follow([1], lambda _: now(), every(1000 * HOUR))
    slots.start()
    assert begun.wait(5)
    slots.follow([1], lambda _: now() + HOUR, every(1000 * HOUR))
    go_on.set()
    assert looks.came(2)
    assert looks.at[1][1] >= due[0]


def test_a_fast_clock_passes_no_slot(fast, looks):
    """At a day a second, three rules are each looked at at the very instants of their slots, every one of them."""
    slots, clock = fast
    lengths = {1: dt.timedelta(minutes=10), 2: dt.timedelta(minutes=15), 3: HOUR}
    slots.follow(list(lengths), lambda _: START, lambda rule_id, after: every(lengths[rule_id])(rule_id, after))
    slots.start()
    clock.appoint("the test", START + 12 * HOUR)
    eventually(lambda: clock.now() == START + 12 * HOUR)
    assert slots.stop(5)
    for rule_id, length in lengths.items():
        assert {START + n * length for n in range(12 * HOUR // length)} <= set(looks.at[rule_id])


def test_a_slot_that_a_late_job_has_seen_to_is_followed_by_the_next():
    """APScheduler may ask for a slot again while a job that comes late sees to it: the next one is still appointed."""
    clock = ManualClock(START - HOUR / 60)
    trigger = SlotTrigger(clock, "check 1", START, lambda after: every(HOUR)(1, after))
    trigger.get_next_fire_time(None, START)
    trigger.get_next_fire_time(START - HOUR, START)
    clock.set(START)
    assert trigger.kept(START, None) == START + HOUR


def test_a_job_that_comes_too_early_is_called_again(fast, looks):
    """The clock had to wait for somebody, so that a look came before its slot: it comes again, at its slot."""
    slots, clock = fast
    slots.follow([1], lambda _: START + HOUR, every(HOUR))
    slots.start()
    assert looks.came()
    assert looks.at[1][0] == START, "the clock stands, so this one was too early"
    clock.appoint("the test", START + HOUR * 3 / 2)
    eventually(lambda: START + HOUR in looks.at[1])


def test_a_fast_clock_waits_for_no_rule_that_is_gone(fast, looks):
    """An appointment that nobody will keep holds nobody up."""
    slots, clock = fast
    slots.follow([1, 2], lambda _: START + HOUR, every(HOUR))
    slots.start()
    slots.follow([], lambda _: START, every(HOUR))
    clock.appoint("the test", None)
    eventually(lambda: clock.now() > START + 10 * HOUR)


def test_stopping_waits_for_the_look_in_hand(slots, looks):
    """A check that ends in time ends well; the next one does not begin."""
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def slow(_rule_id, _now):
        begun.set()
        assert go_on.wait(10)
        ended.set()

    looks.do = slow
    slots.follow([1], lambda _: now(), every(dt.timedelta(milliseconds=20)))
    slots.start()
    assert begun.wait(5)
    threading.Timer(0.2, go_on.set).start()
    assert slots.stop(10)
    assert ended.is_set()
    assert len(looks.at[1]) == 1


def test_stopping_does_not_wait_for_ever(slots, looks):
    """A source that hangs keeps nobody from stopping: that it did hang is said."""
    go_on = threading.Event()
    looks.do = lambda _rule_id, _now: go_on.wait(20) and None
    slots.follow([1], lambda _: now(), every(HOUR))
    slots.start()
    assert looks.came()
    before = now()
    assert not slots.stop(0.1)
    assert now() - before < dt.timedelta(seconds=5)
    go_on.set()


def test_what_waits_for_its_turn_is_not_begun_after_a_stop(slots, looks):
    """Checks that no thread was free for do not start once those before them have ended."""
    go_on = threading.Event()
    looks.do = lambda _rule_id, _now: go_on.wait(20) and None
    slots.follow(range(20), lambda _: now(), every(HOUR))
    slots.start()
    assert looks.came(THREADS)
    assert not slots.stop(0.1)
    go_on.set()
    assert not looks.came(within=0.3)


def test_no_deadlock_when_stopping_amid_looks():
    """Thirty times: many rules, looks that end while the scheduler plans and stops, and a stop in the middle."""
    for turn in range(30):
        looks = Looks()
        looks.do = lambda _rule_id, at: at + dt.timedelta(microseconds=100)
        slots = Slots(SystemClock(), looks)
        slots.follow(range(8), lambda _: now(), every(dt.timedelta(milliseconds=1)))
        slots.start()
        assert looks.came(1 + turn % 10)
        stopped = threading.Event()
        threading.Thread(target=lambda s=slots, e=stopped: (s.stop(5), e.set()), daemon=True).start()
        assert stopped.wait(10), "it hangs"
