"""Calls: a person is given a call to make, in the customer's waking hours, and says what came of it."""

from __future__ import annotations

import pytest

from duly.engine.call_outcome import note, parse_outcome
from duly.engine.calling import Call
from duly.engine.examples import run_examples
from duly.engine.fair import fairest
from duly.engine.plugins import load_plugins
from duly.ledger import tasks
from duly.rules.snapshot import load_workspace
from engine.desk import DIRECTORY, ORDERS, Desk, SpokenPlugin, at
from engine.telling import HOUR, MINUTE, MONDAY, open_desk, outcome, paid, reasons, rule

TEN = MONDAY + HOUR
CALL = "after: 1h, call: customer, by: sms, text: script"
SCRIPT = {"notifications/script.j2": "{{ name }} asks {{ whom }} ({{ number }}) about order {{ order }}."}
TWO = DIRECTORY.replace("  zhou: {", "  mei: {name: Mei, phone: '+8613800000002', ids: {shop: 2}}\n  zhou: {").replace(
    "members: [lin]", "members: [lin, mei]"
)


def waiting(desk, person=""):
    """Read the open tasks."""
    with desk.ledger.read() as connection:
        return tasks.waiting(connection, person)


def test_a_call_becomes_a_task_and_its_caller_hears(tmp_path):
    """The record's assignee gets a task with whom to call, the number and what to say, and is told so."""
    desk = open_desk(tmp_path, CALL, more="due: 72h", **SCRIPT)
    paid(desk, 1, name="Li")
    desk.run(MONDAY, TEN)
    (task,) = waiting(desk)
    assert (task.person, task.name, task.number) == ("lin", "Li", "+8613900000001")
    assert task.script == "Lin asks Li (+8613900000001) about order 1."
    assert (task.created_at, task.due_at, task.key) == (TEN, MONDAY + 72 * HOUR, b"1")
    assert desk.sent["sms"] == [f"Lin, call Li at +8613900000001, task {task.id}: {task.script}"]
    assert reasons(desk, 1, "call asked") == [f"Lin is to call, task {task.id}"]


def test_nobody_is_called_at_night(tmp_path):
    """A call that comes due in the customer's rest is asked for in the morning, and not if it has become needless."""
    desk = open_desk(tmp_path, CALL, **SCRIPT)
    paid(desk, 1, "2024-03-04 20:00:00")
    paid(desk, 2, "2024-03-04 20:00:00")
    desk.run(MONDAY, MONDAY + 13 * HOUR)
    assert waiting(desk) == []
    desk.sql("update orders set shipped_at = '2024-03-05 08:00:00' where id = 2")
    desk.run(MONDAY + 24 * HOUR, MONDAY + 24 * HOUR + MINUTE)
    assert [task.key for task in waiting(desk)] == [b"1"]


def test_the_customers_own_window_counts(tmp_path):
    """A step's window is the customer's: a call between six and eight in Seoul is one between five and seven here."""
    desk = open_desk(tmp_path, CALL.replace("after: 1h", "after: 1h, between: 18:00-20:00"), **SCRIPT)
    paid(desk, 1, zone="Asia/Seoul")
    desk.run(MONDAY, MONDAY + 10 * HOUR)
    assert [task.created_at for task in waiting(desk)] == [MONDAY + 8 * HOUR]


def test_a_call_waits_for_the_shift(tmp_path):
    """When nobody is on duty, the call is asked for as the next shift begins."""
    directory = DIRECTORY.replace("{day: 09:00-18:00}", "{day: 11:00-18:00}")
    desk = open_desk(tmp_path, f"{CALL}, who: sales on duty", **{"config/directory.yaml": directory}, **SCRIPT)
    paid(desk, 1)
    desk.run(MONDAY, MONDAY + 4 * HOUR)
    assert [task.created_at for task in waiting(desk)] == [MONDAY + 2 * HOUR]
    assert reasons(desk, 1, "waits") == ["there is nobody to make the call"]


def test_one_of_several_calls_and_the_calls_are_shared_out(tmp_path):
    """A customer is called by one person; of eight calls, both of those on duty have four."""
    desk = open_desk(tmp_path, f"{CALL}, who: sales on duty", **{"config/directory.yaml": TWO}, **SCRIPT)
    for id in range(1, 9):
        paid(desk, id, agent_id=None)
        desk.run(MONDAY + id * MINUTE, MONDAY + id * MINUTE)
    for minute in range(8):
        desk.run(TEN + minute * MINUTE, TEN + minute * MINUTE)
    assert [len(waiting(desk, person)) for person in ("lin", "mei")] == [4, 4]


def test_without_an_assignee_the_owners_team_calls(tmp_path):
    """Whose record is nobody's is called by somebody of the owner's team on duty."""
    desk = open_desk(tmp_path, CALL, **SCRIPT)
    paid(desk, 1, agent_id=None)
    desk.run(MONDAY, TEN)
    assert [task.person for task in waiting(desk)] == ["lin"]


def test_whoever_wants_no_calls_gets_none(tmp_path):
    """A customer who has opted out of calls is not called, and the journal says so."""
    noun = ORDERS.replace("zone: o.zone}", "zone: o.zone, no_call: o.cancelled = 0}")
    desk = open_desk(tmp_path, CALL, **{"config/vocabulary/orders.yaml": noun}, **SCRIPT)
    paid(desk, 1)
    desk.run(MONDAY, TEN)
    assert outcome(desk, 1) == [("action call", "rejected")]
    assert reasons(desk, 1, "rejected") == ["customer wants no call"]


def test_a_missing_number_does_not_drop_the_call(tmp_path):
    """Without a number there is a task all the same: its caller finds one."""
    desk = open_desk(tmp_path, CALL, **SCRIPT)
    paid(desk, 1, phone=None)
    desk.run(MONDAY, TEN)
    assert [(task.name, task.number) for task in waiting(desk)] == [("Li", "")]


def test_unanswered_counts_from_the_task(tmp_path):
    """The next step counts from when the call was asked for, which may be long after it came due."""
    steps = (CALL, "unanswered: 2h, tell: supervisor of sales, by: chat, text: hello")
    desk = open_desk(tmp_path, *steps, **SCRIPT)
    paid(desk, 1, "2024-03-04 20:00:00")
    desk.run(MONDAY, MONDAY + 26 * HOUR)
    last = desk.deliveries(1)[-1]
    assert (last.channel, last.created_at) == ("chat", MONDAY + 26 * HOUR)


def test_a_call_counts_as_a_message_to_the_customer(tmp_path):
    """A cap on messages to the customer counts calls, for they disturb more."""
    steps = (CALL, "after: 2h, tell: customer, text: hello, by: sms")
    desk = open_desk(tmp_path, *steps, more="limits: {each order: 1 messages}", **SCRIPT)
    paid(desk, 1)
    desk.run(MONDAY, MONDAY + 2 * HOUR)
    assert ("sms", "capped") in outcome(desk, 1)


def test_tasks_of_a_closed_case_are_not_needed(tmp_path):
    """When the source says that it is done, nobody has to call any more."""
    desk = open_desk(tmp_path, CALL, **SCRIPT)
    paid(desk, 1)
    desk.run(MONDAY, TEN)
    desk.sql("update orders set shipped_at = '2024-03-04 10:05:00'")
    (task,) = waiting(desk)
    desk.run(TEN, TEN + 20 * MINUTE)
    assert waiting(desk) == []
    with desk.ledger.read() as connection:
        assert tasks.get(connection, task.id).outcome == "not needed"


def test_what_came_of_it_is_noted_once(tmp_path):
    """A task that is done leaves the list, with who said so in the journal; a second answer is refused."""
    desk = open_desk(tmp_path, CALL, **SCRIPT)
    paid(desk, 1)
    desk.run(MONDAY, TEN)
    (task,) = waiting(desk)
    house = desk.engine.house
    said = (desk.ledger, task, "not reached", "lin", house.directory, house.settings, TEN)
    assert note(*said)
    assert not note(*said)
    assert waiting(desk) == []
    assert reasons(desk, 1, "call") == [f"task {task.id}, lin: not reached"]


def test_a_call_to_be_made_again_comes_back_at_its_hour(tmp_path):
    """The task stays open, and its caller is reminded then."""
    desk = open_desk(tmp_path, CALL, **SCRIPT)
    paid(desk, 1)
    desk.run(MONDAY, TEN)
    (task,) = waiting(desk)
    house = desk.engine.house
    again = parse_outcome("call again at 16:00", house.directory, TEN)
    assert note(desk.ledger, task, again, "lin", house.directory, house.settings, TEN)
    desk.run(TEN, MONDAY + 7 * HOUR)
    assert [one.settled_at for one in desk.deliveries(1) if one.channel == "sms"] == [TEN, MONDAY + 7 * HOUR]
    assert [(task.outcome, task.not_before) for task in waiting(desk)] == [("call again", MONDAY + 7 * HOUR)]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("reached", "reached"),
        ("not  reached", "not reached"),
        ("call again at 16:00", at("2024-03-04 16:00")),
        ("call again at Tue 09:30", at("2024-03-05 09:30")),
        ("call again at 2024-04-01 10:00", at("2024-04-01 10:00")),
    ],
)
def test_outcomes(tmp_path, written, read):
    """Outcomes are three; an hour is one of today, of a weekday to come, or of a date."""
    desk = open_desk(tmp_path, CALL, **SCRIPT)
    assert parse_outcome(written, desk.engine.house.directory, TEN) == read


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("done", "“done” is no outcome; write reached, not reached or “call again at 16:00”"),
        ("call again at 09:00", "“09:00” has passed; write a time to come, such as “Tue 16:00”"),
    ],
)
def test_outcomes_that_are_none(tmp_path, written, said):
    """What cannot be read is refused in a sentence."""
    desk = open_desk(tmp_path, CALL, **SCRIPT)
    with pytest.raises(ValueError, match="write") as refused:
        parse_outcome(written, desk.engine.house.directory, TEN)
    assert str(refused.value) == said


def test_a_crash_asks_for_a_call_once(tmp_path, monkeypatch):
    """Broken off between its mark and its verdict, a call is asked for by whoever takes over, with the same words."""
    desk = open_desk(tmp_path, CALL, **SCRIPT)
    paid(desk, 1)
    with monkeypatch.context() as patch:
        patch.setattr(Call, "carry_out", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            desk.run(MONDAY, TEN)
    assert waiting(desk) == []
    assert [one.state for one in desk.deliveries(1)] == ["sending"]
    desk.sql("update orders set name = 'Wu'")
    desk.run(TEN + MINUTE, TEN + 20 * MINUTE)
    assert [task.script for task in waiting(desk)] == ["Lin asks Li (+8613900000001) about order 1."]
    assert outcome(desk, 1) == [("action call", "accepted"), ("sms", "accepted")]


def test_examples_know_calls(tmp_path):
    """A rule's examples say when somebody is given the call, as they say when somebody is told."""
    more = (
        "examples:\n  - name: called the next day\n    order: {paid_at: Mon 22:00}\n    expect: [Tue 09:00 customer]\n"
    )
    desk = open_desk(tmp_path, CALL, more=more, **SCRIPT)
    plugins = load_plugins([SpokenPlugin()])
    snapshot, _ = load_workspace(desk.home, plugins.actions, plugins.channels)
    (result,) = run_examples(snapshot.rules["r"], snapshot, plugins)
    assert result.problem is None


def test_equals_are_not_chosen_by_their_place():
    """Among people with as much to do, the record decides, and everybody's turn comes."""
    people = ["lin", "mei", "zhou"]
    chosen = {fairest(people, {}, str(key).encode()) for key in range(30)}
    assert chosen == set(people)
    assert all(fairest(people, {}, b"7") == fairest(people[::-1], {}, b"7") for _ in range(3))
    assert fairest(people, {"lin": 1, "zhou": 1}, b"7") == "mei"


def test_a_server_keeps_tasks_as_a_file_does(tmp_path, postgresql_url):
    """On a ledger on a server, too, a call becomes a task, which ends with its case."""
    desk = Desk(tmp_path, {"r": rule(CALL)}, files=SCRIPT, ledger=postgresql_url)
    desk.start(MONDAY)
    desk.run(MONDAY, MONDAY)
    paid(desk, 1)
    desk.run(MONDAY, TEN)
    assert [task.person for task in waiting(desk)] == ["lin"]
    desk.sql("update orders set shipped_at = '2024-03-04 10:05:00'")
    desk.run(TEN, TEN + 20 * MINUTE)
    assert waiting(desk) == []
