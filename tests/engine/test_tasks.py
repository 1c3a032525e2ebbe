"""Actions go the same way as messages: carried out once, and their nonsense stops nobody (law 11)."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from types import SimpleNamespace

import pytest

import duly
from duly.ledger.outbox import LEASE
from engine.desk import Desk
from engine.telling import HOUR, MINUTE, MONDAY, open_desk, outcome, paid, reasons

TEN = MONDAY + HOUR
ESCALATE = "after: 1h, escalate: supervisor of sales, text: hello, by: chat"
SECOND = dt.timedelta(seconds=1)


def escalating(home: Path, orders: int = 1, more: str = "", **files: str) -> Desk:
    """Set up a desk that escalates some orders at ten."""
    files = {"notifications/escalated.j2": "{{ handed_to }} has order {{ order }} now", **files}
    desk = open_desk(home, ESCALATE, more=more, **files)
    for id in range(1, orders + 1):
        paid(desk, id)
    desk.run(MONDAY, TEN - MINUTE)
    return desk


def acting(desk: Desk, *answers: object) -> list[duly.Task]:
    """Have the action answer as told, in order, then as it would by itself; returns the tasks it is given."""
    action, tasks, told = desk.engine.house.actions["escalate"], [], list(answers)
    by_itself = action.run

    def run(task: duly.Task) -> object:
        tasks.append(task)
        answer = told.pop(0) if told else by_itself
        if isinstance(answer, BaseException):
            raise answer
        return answer(task) if callable(answer) else answer

    action.run = run
    return tasks


def test_an_escalation_tells_both_sides(tmp_path):
    """Who is above hears, has the case from then on, and who had it hears that."""
    desk = escalating(tmp_path)
    desk.run(TEN, TEN)
    assert sorted(desk.sent["chat"]) == ["Zhou has order 1 now", "Zhou: order 1"]
    assert desk.cases(1)[0].in_charge == "zhou"
    assert reasons(desk, 1, "handed") == ["Zhou has it now"]


@pytest.mark.parametrize(
    ("said", "state"),
    [
        (ValueError("+8613900000001"), "unsure"),
        (None, "unsure"),
        ("done", "unsure"),
        (duly.Rejected("not possible"), "rejected"),
        (duly.MaybeSent("the ticket system broke off"), "unsure"),
    ],
)
def test_an_action_that_fails_has_done_nothing(tmp_path, said, state):
    """An action that cannot be repeated and breaks is unsure, and nothing it asked for before has happened."""
    desk = escalating(tmp_path, orders=2)
    desk.engine.house.actions["escalate"].idempotent = False

    def half_way(task: duly.Task) -> object:
        task.tell(task.people[0])
        task.hand_to(task.people[0])
        if isinstance(said, BaseException):
            raise said
        return said

    acting(desk, half_way)
    desk.run(TEN, TEN + 5 * MINUTE)
    assert outcome(desk, 1) == [("action escalate", state)]
    assert desk.cases(1)[0].in_charge is None
    assert ("action escalate", "accepted") in outcome(desk, 2)
    assert "13900000001" not in str(desk.story(1))


@pytest.mark.parametrize("said", [duly.Retry("busy"), duly.NotSent("no line"), ValueError("?"), None])
def test_an_action_that_may_be_repeated_is(tmp_path, said):
    """What did not work, or may have, is run again under the same number, and its wishes are carried out once."""
    desk = escalating(tmp_path)
    tasks = acting(desk, said)
    desk.run(TEN, TEN + 5 * MINUTE)
    assert [task.id for task in tasks] == [tasks[0].id] * 2
    assert sorted(desk.sent["chat"]) == ["Zhou has order 1 now", "Zhou: order 1"]


def test_an_action_that_is_down_rests_alone(tmp_path):
    """A ticket system that nobody can reach keeps its tasks waiting; messages go on."""
    desk = escalating(tmp_path)
    acting(desk, duly.ChannelDown("no such host"))
    desk.run(TEN, TEN + 59 * SECOND)
    assert outcome(desk, 1) == [("action escalate", "waiting")]
    assert desk.engine.sender.down == {"action escalate": "no such host"}
    desk.run(TEN + MINUTE, TEN + MINUTE)
    assert len(desk.sent["chat"]) == 2


def wish(*, told: object = None, by: str = "", text: str = "", handed: object = None):
    """Make an action that asks for something and is content."""

    def run(task: duly.Task) -> duly.Verdict:
        if told is not None:
            task.tell(told, by=by, text=text)
        task.handed_to = handed
        return duly.Accepted()

    return run


PERSON = duly.Person("zhou", "Zhou", staff=True, addresses={"chat": "zhou"})


@pytest.mark.parametrize(
    "nonsense",
    [
        wish(told="zhou"),
        wish(told=PERSON, by="chat else"),
        wish(told=PERSON, by=17),
        wish(told=PERSON, text=object()),
        wish(handed="zhou"),
        wish(handed=object()),
        wish(handed=SimpleNamespace(id=object(), name="Zhou")),
    ],
)
def test_wishes_that_make_no_sense_stop_only_their_task(tmp_path, nonsense):
    """An action that asks for what cannot be is unsure, and the tasks beside it are done."""
    desk = escalating(tmp_path, orders=3)
    desk.engine.house.actions["escalate"].idempotent = False
    acting(desk, nonsense)
    desk.run(TEN, TEN + MINUTE)
    assert outcome(desk, 1) == [("action escalate", "unsure")]
    for id in (2, 3):
        assert outcome(desk, id)[0] == ("action escalate", "accepted")
    assert desk.cases(1)[0].in_charge is None


def test_a_step_that_is_gone_keeps_its_task_waiting_alone(tmp_path):
    """A task whose step can no longer be found waits, and the others are done."""
    desk = escalating(tmp_path, orders=2)
    desk.engine.ladder.fire(TEN)
    tasks = desk.engine.sender._tasks
    make = tasks.make

    def gone(ready, now):
        if ready.case.key == b"1":
            raise StopIteration
        return make(ready, now)

    tasks.make = gone
    desk.run(TEN, TEN + MINUTE)
    assert outcome(desk, 1)[0][1] == "waiting"
    assert outcome(desk, 2)[0] == ("action escalate", "accepted")
    tasks.make = make
    desk.run(TEN + MINUTE, TEN + 5 * MINUTE)
    assert ("action escalate", "accepted") in outcome(desk, 1)


def test_a_task_that_was_under_way_is_not_lost(tmp_path):
    """A process that dies over an escalation leaves it to the next, which carries it out once."""
    desk = escalating(tmp_path)
    acting(desk, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        desk.engine.tick(TEN)
    assert outcome(desk, 1) == [("action escalate", "sending")]
    desk.start(TEN + MINUTE)
    desk.run(TEN + MINUTE, TEN + LEASE + 2 * MINUTE)
    assert sorted(desk.sent["chat"]) == ["Zhou has order 1 now", "Zhou: order 1"]
    assert ("action escalate", "accepted") in outcome(desk, 1)


def test_an_action_that_outlives_its_lease_is_carried_out_once(tmp_path):
    """While one process stands still over an action another has done it: the first one's wishes come to nothing."""
    desk = escalating(tmp_path)
    first = desk.engine

    def stand_still(task: duly.Task) -> duly.Verdict:
        desk.start(TEN + MINUTE)
        desk.run(TEN + MINUTE, TEN + LEASE + 2 * MINUTE)
        task.tell(PERSON, text="escalated")
        task.hand_to(duly.Person("wang", "Wang", staff=True))
        return duly.Accepted()

    acting(desk, stand_still)
    first.tick(TEN)
    assert reasons(desk, 1, "handed") == ["Zhou has it now"]
    assert desk.cases(1)[0].in_charge == "zhou"
    assert [channel for channel, _ in outcome(desk, 1)].count("chat") == 2
