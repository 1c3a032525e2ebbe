"""The outbox: one intent is one delivery, one delivery has one sender at a time (law 11)."""

from __future__ import annotations

import datetime as dt

import pytest

from duly.ledger import firings, outbox
from duly.ledger.outbox import LEASE
from ledger.rows import HOUR, MINUTE, NOW, claim, fire, new_delivery, open_cases, publish, put, states, together


def test_an_intent_is_written_once(ledger, rule_id):
    """Writing the same intent again, beside a new one, leaves the first as it is."""
    [first] = put(ledger, new_delivery("a", rule_id)).values()
    assert put(ledger, new_delivery("a", rule_id, channel="email"), new_delivery("b", rule_id)).keys() == {"b"}
    assert put(ledger) == {}
    assert [one.channel for one in claim(ledger, rule_id) if one.id == first] == ["sms"]


def test_a_delivery_comes_back_as_it_was_written(ledger, rule_id):
    """Everything that a firing says of a message is there when it is claimed."""
    [case_id] = open_cases(ledger, rule_id, "1")
    firing_id = fire(ledger, case_id)
    new = new_delivery(
        "a",
        rule_id,
        fallbacks=["email"],
        person={"id": "customer", "name": "李"},
        extra={"between": "09:00-11:00"},
        urgent=True,
        staff=True,
        firing_id=firing_id,
        expires_at=NOW + HOUR,
        case_ids=(case_id,),
    )
    put(ledger, new)
    [one] = claim(ledger, rule_id)
    told = {name: getattr(one, name) for name in new.__dataclass_fields__ if name not in ("case_ids", "state")}
    assert told == {name: getattr(new, name) for name in told}
    assert (one.state, one.attempts, one.created_at, one.body) == ("claimed", 0, NOW, None)
    with ledger.read() as connection:
        assert outbox.cases_of(connection, [one.id]) == {one.id: [case_id]}
        assert [found.id for found in outbox.of_case(connection, case_id)] == [one.id]


def test_only_what_may_leave_is_claimed(ledger, rule_id):
    """Another channel's, another rule's and tomorrow's messages stay where they are."""
    other = publish(ledger, "orders/other").id
    put(
        ledger,
        new_delivery("now", rule_id),
        new_delivery("later", rule_id, not_before=NOW + MINUTE),
        new_delivery("mail", rule_id, channel="email"),
        new_delivery("other", other),
        new_delivery("ended", rule_id, state="cancelled"),
    )
    assert [one.intent_key for one in claim(ledger, rule_id)] == ["now"]
    assert claim(ledger, rule_id) == []
    assert [one.intent_key for one in claim(ledger, rule_id, NOW + MINUTE)] == ["later"]


def test_urgent_first_then_the_oldest(ledger, rule_id):
    """What is urgent goes before what is older, and what is older before what is younger."""
    put(ledger, new_delivery("young", rule_id))
    put(ledger, new_delivery("old", rule_id, not_before=NOW - HOUR))
    put(ledger, new_delivery("urgent", rule_id, urgent=True))
    assert [one.intent_key for one in claim(ledger, rule_id, limit=2)] == ["urgent", "old"]
    assert [one.intent_key for one in claim(ledger, rule_id)] == ["young"]


def test_senders_that_meet_share_the_work(ledger, rule_id):
    """Four senders that claim at the same time get each message once between them."""
    put(ledger, *(new_delivery(str(number), rule_id) for number in range(20)))
    claimed = together(*[lambda: claim(ledger, rule_id, limit=5)] * 4)
    claimed.append(claim(ledger, rule_id, limit=20))
    got = [one.intent_key for batch in claimed for one in batch]
    assert sorted(got, key=int) == [str(number) for number in range(20)]
    assert len({one.token for one in claimed[0]}) == 1


def mark(ledger, one, body="words") -> set[int]:
    """Mark one delivery as being sent."""
    with ledger.write() as connection:
        return outbox.mark_sending(connection, [(one, "+86139", "", body)])


def settle(ledger, one, state="accepted") -> bool:
    """Write a verdict."""
    with ledger.write() as connection:
        return outbox.settle(connection, one, state, NOW, "because", "r-1")


def put_back(ledger, one, **how) -> bool:
    """Let one delivery wait."""
    with ledger.write() as connection:
        return outbox.put_back(connection, one, NOW + MINUTE, "busy", **how)


def test_the_way_of_a_message(ledger, rule_id):
    """Waiting, claimed, sending with its words, accepted with its receipt: then nothing moves it any more."""
    [id] = put(ledger, new_delivery("a", rule_id)).values()
    [one] = claim(ledger, rule_id)
    assert mark(ledger, one) == {id}
    assert states(ledger, [id]) == ["sending"]
    assert settle(ledger, one)
    assert states(ledger, [id]) == ["accepted"]
    assert not settle(ledger, one, "rejected")
    assert not put_back(ledger, one)
    assert mark(ledger, one) == set()
    assert claim(ledger, rule_id, NOW + HOUR) == []


@pytest.mark.parametrize("keep_words", [True, False])
def test_what_is_put_back_waits_with_or_without_its_words(ledger, rule_id, keep_words):
    """Words that may have left are kept for the next try; others are written anew then."""
    put(ledger, new_delivery("a", rule_id))
    [one] = claim(ledger, rule_id)
    mark(ledger, one)
    assert put_back(ledger, one, keep_words=keep_words, failing_since=NOW)
    assert claim(ledger, rule_id) == []
    [again] = claim(ledger, rule_id, NOW + MINUTE)
    assert (again.body, again.to) == (("words", "+86139") if keep_words else (None, None))
    assert (again.attempts, again.reason, again.failing_since) == (1, "busy", NOW)
    put_back(ledger, again, failing_since=NOW + HOUR)
    [third] = claim(ledger, rule_id, NOW + MINUTE)
    assert third.failing_since == NOW


def test_a_stale_token_moves_nothing(ledger, rule_id):
    """A sender whose claim was taken over can neither send, settle nor put back what another has now (10, 38)."""
    put(ledger, new_delivery("a", rule_id))
    [stale] = claim(ledger, rule_id)
    put_back(ledger, stale)
    [fresh] = claim(ledger, rule_id, NOW + MINUTE)
    assert fresh.token != stale.token
    assert mark(ledger, stale) == set()
    assert mark(ledger, fresh) == {fresh.id}
    assert not settle(ledger, stale, "unsure")
    assert not put_back(ledger, stale)
    assert settle(ledger, fresh)


def test_two_who_mark_at_once(ledger, rule_id):
    """Of two that would mark the same claim as sending at the same time, one does."""
    put(ledger, new_delivery("a", rule_id))
    [one] = claim(ledger, rule_id)
    assert sorted(map(len, together(lambda: mark(ledger, one), lambda: mark(ledger, one)))) == [0, 1]


def test_leases_run_out(ledger, rule_id):
    """A claim stands for five minutes, to the microsecond; what is settled has no lease."""
    put(ledger, *(new_delivery(name, rule_id) for name in "abc"))
    batch = claim(ledger, rule_id)
    mark(ledger, batch[1])
    settle(ledger, batch[2])
    with ledger.read() as connection:
        assert outbox.earliest_lease(connection) == NOW + LEASE
        assert outbox.expired(connection, NOW + LEASE - dt.timedelta(microseconds=1)) == []
        assert [(one.intent_key, one.state) for one in outbox.expired(connection, NOW + LEASE)] == [
            ("a", "claimed"),
            ("b", "sending"),
        ]


def test_a_dead_nodes_leases_end_at_once(ledger, rule_id):
    """What a node that is known to be dead had claimed is free for others, and nobody else's."""
    put(ledger, *(new_delivery(name, rule_id) for name in "ab"))
    with ledger.write() as connection:
        for node in ("dead", "alive"):
            outbox.claim(connection, "sms", NOW, 1, [rule_id], node)
        outbox.give_up(connection, ["dead"], NOW)
        assert [one.intent_key for one in outbox.expired(connection, NOW)] == ["a"]


def test_a_fallback_stands_in(ledger, rule_id):
    """What stands in is the same message through the next channel, under an intent of its own, and once."""
    [case_id] = open_cases(ledger, rule_id, "1")
    put(ledger, new_delivery("a", rule_id, fallbacks=["email", "chat"], case_ids=(case_id,), urgent=True))
    [one] = claim(ledger, rule_id)
    stand_in = outbox.fallback(one, [case_id], NOW)
    assert (stand_in.channel, stand_in.fallbacks, stand_in.case_ids, stand_in.urgent) == (
        "email",
        ["chat"],
        (case_id,),
        True,
    )
    assert len(put(ledger, stand_in)) == 1
    assert put(ledger, outbox.fallback(one, [case_id], NOW)) == {}


def test_when_to_look_again(ledger, rule_id):
    """Each channel tells when its next message may leave; a rule that pauses has none."""
    put(
        ledger,
        new_delivery("a", rule_id, not_before=NOW + HOUR),
        new_delivery("b", rule_id, not_before=NOW + MINUTE),
        new_delivery("c", rule_id, channel="email"),
    )
    with ledger.read() as connection:
        assert outbox.earliest(connection, [rule_id], NOW) == {"sms": NOW + MINUTE, "email": NOW}
        assert outbox.earliest(connection, [], NOW) == {}


def test_what_was_written_is_counted(ledger, rule_id):
    """A rule's messages since an instant, and all by state."""
    put(ledger, *(new_delivery(name, rule_id) for name in "abc"))
    claim(ledger, rule_id, limit=1)
    with ledger.read() as connection:
        assert outbox.count_since(connection, rule_id, NOW - MINUTE) == 3
        assert outbox.count_since(connection, rule_id, NOW) == 0
        assert outbox.counts(connection) == {"waiting": 2, "claimed": 1}


@pytest.mark.parametrize(
    ("ends", "state"),
    [
        (("accepted",), "fired"),
        (("rejected",), "fired"),
        (("unsure",), "fired"),
        (("cancelled",), "cancelled"),
        (("expired",), "expired"),
        (("capped",), "expired"),
        (("accepted", "cancelled"), "fired"),
        (("rejected", "waiting"), "fired"),
        (("cancelled", "waiting"), "pending"),
        (("cancelled", "sending"), "pending"),
        (("cancelled", "expired"), "cancelled"),
        (("expired", "capped"), "expired"),
    ],
)
def test_a_firing_follows_its_deliveries(ledger, rule_id, ends, state):
    """It has fired once one is accepted, rejected or unsure; cancelled it can be armed again (law 1)."""
    [case_id] = open_cases(ledger, rule_id, "1")
    firing_id = fire(ledger, case_id)
    new = [new_delivery(str(n), rule_id, firing_id=firing_id, state=end) for n, end in enumerate(ends)]
    put(ledger, *new)
    with ledger.write() as connection:
        moved = firings.settle(connection, [firing_id], NOW)
        [found] = firings.of_cases(connection, [case_id])[case_id].values()
        again = firings.fire(connection, [firings.NewFiring(case_id, found.step, 0, "customer", NOW, "pending")], NOW)
    assert found.state == state
    assert moved == ({} if state == "pending" else {case_id: state})
    assert (found.accepted_at is not None) == ("accepted" in ends)
    assert again == ({(case_id, found.step, 0): (firing_id, 1)} if state == "cancelled" else {})
