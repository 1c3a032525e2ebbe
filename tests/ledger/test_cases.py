"""Cases: opened once, closed with what waits, held and moved by one node at a time."""

from __future__ import annotations

import pytest

from duly.ledger import cases, firings, outbox
from ledger.rows import (
    HOUR,
    MINUTE,
    NOW,
    claim,
    fire,
    new_case,
    new_delivery,
    open_cases,
    publish,
    put,
    states,
    together,
)

CLOCK = "2024-03-04 09:00:00"


def one_case(ledger, rule_id, key="1") -> cases.Case:
    """Read the latest case of a record."""
    with ledger.read() as connection:
        return cases.of_key(connection, rule_id, key.encode())[-1]


def close(ledger, case_id, state="gone", **how) -> list[int]:
    """Close a case."""
    with ledger.write() as connection:
        return cases.close(connection, case_id, state, "cancelled", NOW, **how)


def test_a_case_is_opened_once(ledger, rule_id):
    """The same record with the same clock is the same case; another clock, or another rule, makes another one."""
    [first] = open_cases(ledger, rule_id, "1")
    other = publish(ledger, "orders/other").id
    with ledger.write() as connection:
        again = cases.open_new(connection, rule_id, [new_case("1"), new_case("1", "2024-03-05 09:00:00")], NOW)
        assert cases.open_new(connection, rule_id, [], NOW) == {}
    assert again.keys() == {(b"1", "2024-03-05 09:00:00")}
    assert open_cases(ledger, other, "1") != [first]


def test_nodes_that_meet_open_each_case_once(ledger, rule_id):
    """Nodes that open the same thousand cases at once, in other orders, open each once and never deadlock (9, 27)."""
    keys = [str(number) for number in range(1000)]

    def opening(order: list[str]) -> int:
        with ledger.write() as connection:
            return len(cases.open_new(connection, rule_id, [new_case(key) for key in order], NOW))

    opened = together(*(lambda order=order: opening(order) for order in (keys, keys[::-1], keys[500:] + keys[:500])))
    assert sum(opened) == 1000
    with ledger.read() as connection:
        assert cases.count_open(connection, rule_id) == 1000


def test_batches_larger_than_a_statement(ledger, rule_id):
    """More keys than a database takes in one statement are looked up, and asked for again, all the same."""
    keys = [f"{number:05}" for number in range(1201)]
    open_cases(ledger, rule_id, *keys)
    with ledger.write() as connection:
        known = cases.known(connection, rule_id, [key.encode() for key in keys])
        cases.begin_seen(connection)
        cases.mark_seen(connection, [known[(key.encode(), CLOCK)].id for key in keys[:700]])
        unseen, after = [], 0
        while batch := cases.unseen(connection, rule_id, after):
            unseen += [case.key.decode() for case in batch]
            after = batch[-1].id
    assert len(known) == 1201
    assert unseen == keys[700:]


def test_what_was_seen_is_forgotten_by_the_next_check(ledger, rule_id):
    """Each check begins with nothing seen, also on a connection that another check has used."""
    [id] = open_cases(ledger, rule_id, "1")
    with ledger.session() as connection:
        for _ in range(2):
            with connection.begin():
                cases.begin_seen(connection)
                assert [case.id for case in cases.unseen(connection, rule_id, 0)] == [id]
                cases.mark_seen(connection, [id])
                cases.mark_seen(connection, [id])
                assert cases.unseen(connection, rule_id, 0) == []


def test_closing_cancels_what_waits(ledger, rule_id):
    """What waits or is merely claimed is cancelled with its step; what is being sent goes on to its verdict."""
    [id] = open_cases(ledger, rule_id, "1")
    steps = [fire(ledger, id, step) for step in ("a", "b")]
    numbers = put(
        ledger,
        *(
            new_delivery(name, rule_id, firing_id=steps[name == "sending"], case_ids=(id,))
            for name in ("sending", "claimed")
        ),
        new_delivery("waiting", rule_id, firing_id=steps[0], case_ids=(id,), not_before=NOW + HOUR),
    )
    batch = {one.intent_key: one for one in claim(ledger, rule_id)}
    with ledger.write() as connection:
        outbox.mark_sending(connection, [(batch["sending"], "+86", "", "words")])
    assert sorted(close(ledger, id)) == sorted([numbers["claimed"], numbers["waiting"]])
    with ledger.write() as connection:
        assert outbox.mark_sending(connection, [(batch["claimed"], "+86", "", "words")]) == set()
        found = firings.of_cases(connection, [id])[id]
        assert outbox.settle(connection, batch["sending"], "accepted", NOW)
    assert {step: firing.state for (step, _), firing in found.items()} == {"a": "cancelled", "b": "pending"}
    assert states(ledger, [numbers["sending"]]) == ["accepted"]


def test_closing_leaves_what_may_have_left(ledger, rule_id):
    """A message that waits to be sent again word for word is not called cancelled, nor is its step."""
    [id] = open_cases(ledger, rule_id, "1")
    firing_id = fire(ledger, id)
    put(ledger, *(new_delivery(name, rule_id, firing_id=firing_id, case_ids=(id,)) for name in ("left", "new")))
    batch = {one.intent_key: one for one in claim(ledger, rule_id)}
    with ledger.write() as connection:
        outbox.mark_sending(connection, [(batch["left"], "+86", "", "words")])
        outbox.put_back(connection, batch["left"], NOW, "?", keep_words=True)
        outbox.put_back(connection, batch["new"], NOW, "?")
    assert close(ledger, id) == [batch["new"].id]
    with ledger.read() as connection:
        [firing] = firings.of_cases(connection, [id])[id].values()
    assert firing.state == "pending"


def test_closing_again_changes_nothing(ledger, rule_id):
    """A case that is closed keeps the reason it was closed for."""
    [id] = open_cases(ledger, rule_id, "1")
    close(ledger, id, "done")
    close(ledger, id, "gone")
    case = one_case(ledger, rule_id)
    assert (case.state, case.next_at, case.closed_at) == ("done", None, NOW)


@pytest.mark.parametrize("held", [None, "too many"])
def test_a_case_reopens_as_it_was(ledger, rule_id, held):
    """What had fired stays fired; one that was held waits for a person again."""
    [id] = open_cases(ledger, rule_id, "1")
    close(ledger, id)
    with ledger.write() as connection:
        cases.reopen(connection, id, NOW + HOUR, {"fields": {}}, held)
        cases.reopen(connection, id, NOW, {}, None)
    case = one_case(ledger, rule_id)
    assert (case.state, case.held, case.next_at) == ("open", held, None if held else NOW + HOUR)


def test_a_case_is_moved_by_one_ladder(ledger, rule_id):
    """Of two ladders that read the same case, one moves it; the other sees that it did not (law 1)."""
    open_cases(ledger, rule_id, "1", next_at=NOW)
    case = one_case(ledger, rule_id)

    def advance() -> set[int]:
        with ledger.write() as connection:
            return cases.advance(connection, [(case, NOW + HOUR, {"read": "again"})])

    assert sorted(map(len, together(advance, advance, advance))) == [0, 0, 1]
    assert one_case(ledger, rule_id).next_at == NOW + HOUR


def test_due_cases_in_their_order(ledger, rule_id):
    """The earliest first, of the rules that are at work, and neither what is held nor what is closed."""
    for key, minutes in (("late", 2), ("first", 1), ("future", 90), ("closed", 1), ("held", 1)):
        open_cases(ledger, rule_id, key, next_at=NOW + minutes * MINUTE)
    close(ledger, one_case(ledger, rule_id, "closed").id)
    with ledger.write() as connection:
        cases.set_next(connection, one_case(ledger, rule_id, "held").id, NOW)
        assert cases.hold(connection, rule_id, "too many", NOW)
        due = cases.due(connection, NOW + HOUR, [rule_id], 10)
        assert [case.key for case in due] == [b"first", b"late"]
        assert cases.count_due(connection, NOW + HOUR) == {rule_id: 2}
        assert cases.due(connection, NOW + HOUR, [], 10) == []
        assert cases.earliest(connection, [rule_id]) == NOW + MINUTE


def test_holding_and_releasing(ledger, rule_id):
    """A held case comes up for nothing, whatever moves its times, until it is released."""
    [id] = open_cases(ledger, rule_id, "1", next_at=NOW)
    with ledger.write() as connection:
        assert cases.hold(connection, rule_id, "too many", NOW)
        assert not cases.hold(connection, rule_id, "again", NOW)
        cases.set_times(connection, id, NOW, NOW + HOUR, NOW)
        cases.set_next(connection, id, NOW)
    case = one_case(ledger, rule_id)
    assert (case.held, case.next_at, case.due_at) == ("too many", None, NOW + HOUR)
    with ledger.write() as connection:
        assert [held.id for held in cases.held(connection, rule_id)] == [id]
        cases.release(connection, id, NOW + MINUTE)
        assert list(cases.held(connection, rule_id)) == []
    assert one_case(ledger, rule_id).next_at == NOW + MINUTE


def test_what_is_used_up(ledger, rule_id):
    """A case whose ladder has nothing left, and nothing on its way, is used up once its clock has passed."""
    ids = dict(zip("abcde", open_cases(ledger, rule_id, *"abcde"), strict=True))
    with ledger.write() as connection:
        for name in "abcd":
            cases.set_next(connection, ids[name], None)
    fire(ledger, ids["b"])
    fire(ledger, ids["c"], state="overtaken")
    close(ledger, ids["d"])
    with ledger.read() as connection:
        assert cases.used_up(connection, rule_id, NOW) == {ids["a"]: 1, ids["c"]: 1}
        assert cases.used_up(connection, rule_id, NOW - MINUTE) == {}


def test_counts_tell_the_held_apart(ledger, rule_id):
    """Open, held and closed cases of each rule are counted."""
    ids = open_cases(ledger, rule_id, *"abcd", next_at=NOW)
    close(ledger, ids[0], "done")
    with ledger.write() as connection:
        cases.set_next(connection, ids[1], NOW + HOUR)
        cases.hold(connection, rule_id, "too many", NOW)
        assert cases.counts(connection) == {rule_id: {"done": 1, "open": 3, "held": 2}}
