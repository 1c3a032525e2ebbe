"""Checks: each slot of a rule is run once, by one node, and never lost with it."""

from __future__ import annotations

import datetime as dt

import pytest

from duly.ledger import checks, journal
from duly.ledger.checks import LEASE
from duly.ledger.journal import Entry
from ledger.rows import HOUR, MINUTE, NOW, publish, together


def claim(ledger, rule_id, slot=NOW, now=None, node=""):
    """Claim a check, in a transaction of its own."""
    with ledger.write() as connection:
        return checks.claim(connection, rule_id, slot, now or slot, "digest", node)


def finish(ledger, taken, state="done", now=NOW, **values) -> bool:
    """Settle a check."""
    with ledger.write() as connection:
        return checks.finish(connection, taken, state, now, **values)


def test_a_slot_is_claimed_once(ledger, rule_id):
    """While it runs, and once it is done, nobody else runs it; another rule's slot is another matter."""
    first = claim(ledger, rule_id)
    assert first is not None
    assert claim(ledger, rule_id) is None
    assert finish(ledger, first)
    assert claim(ledger, rule_id) is None
    assert claim(ledger, publish(ledger, "orders/other").id) is not None


def test_nodes_that_meet_run_it_once(ledger, rule_id):
    """Of four nodes that claim the same slot at the same time, one gets it (9)."""
    claims = together(*[lambda: claim(ledger, rule_id)] * 4)
    assert len([each for each in claims if each]) == 1


def test_one_check_of_a_rule_at_a_time(ledger, rule_id):
    """The next slot waits while the last one still runs."""
    first = claim(ledger, rule_id)
    assert claim(ledger, rule_id, NOW + MINUTE) is None
    finish(ledger, first)
    assert claim(ledger, rule_id, NOW + MINUTE) is not None


@pytest.mark.parametrize("later", [dt.timedelta(0), HOUR])
def test_a_dead_nodes_check_is_taken_over(ledger, rule_id, later):
    """When its lease is over another node runs it, or a later slot; the former owner can settle nothing (10)."""
    dead = claim(ledger, rule_id)
    slot = NOW + later
    assert claim(ledger, rule_id, slot, NOW + LEASE - dt.timedelta(microseconds=1)) is None
    heir = claim(ledger, rule_id, slot, NOW + LEASE)
    assert heir is not None
    assert not finish(ledger, dead)
    assert finish(ledger, heir)
    assert not finish(ledger, heir)


def test_nodes_that_meet_at_a_dead_one_take_it_over_once(ledger, rule_id):
    """Of four nodes that find the same dead check, one runs it."""
    claim(ledger, rule_id)
    claims = together(*[lambda: claim(ledger, rule_id, NOW, NOW + LEASE)] * 4)
    assert len([each for each in claims if each]) == 1


def test_a_node_known_to_be_dead_is_not_waited_for(ledger, rule_id):
    """Its checks are free at once; those of a living node are not."""
    claim(ledger, rule_id, node="dead")
    with ledger.write() as connection:
        checks.give_up(connection, ["alive"], NOW)
    assert claim(ledger, rule_id, NOW, NOW + MINUTE) is None
    with ledger.write() as connection:
        checks.give_up(connection, ["dead"], NOW)
    assert claim(ledger, rule_id, NOW, NOW + MINUTE) is not None


def test_a_failed_check_is_tried_again(ledger, rule_id):
    """The same slot can be claimed again, and what it comes to then stands."""
    finish(ledger, claim(ledger, rule_id), "failed", reason="the source is down")
    again = claim(ledger, rule_id, NOW, NOW + MINUTE)
    assert again is not None
    assert finish(ledger, again, now=NOW + MINUTE, found=7)
    with ledger.read() as connection:
        latest = checks.latest(connection, rule_id)
    assert (latest.slot, latest.state, latest.finished_at) == (NOW, "done", NOW + MINUTE)


def test_the_last_good_check(ledger, rule_id):
    """A failed check is not the last one whose whole answer was read; a refused one is."""
    for minute, state in enumerate(("done", "refused", "failed")):
        finish(ledger, claim(ledger, rule_id, NOW + minute * MINUTE), state)
    with ledger.read() as connection:
        assert checks.last(connection, rule_id).slot == NOW + MINUTE
        assert checks.latest(connection, rule_id).slot == NOW + 2 * MINUTE
        assert checks.last(connection, 999) is None
        assert checks.latest(connection, 999) is None
        assert checks.counts(connection) == {"done": 1, "refused": 1, "failed": 1}


def test_failures_are_counted_since_the_last_good_one(ledger, rule_id):
    """Every try that failed counts, also of one slot; a check that read its whole answer begins the count anew."""
    counts = []
    ways = [(0, "failed"), (0, "failed"), (0, "done"), (1, "failed"), (1, "failed"), (2, "failed"), (3, "refused")]
    for number, (slot, state) in enumerate(ways):
        now = NOW + number * MINUTE
        finish(ledger, claim(ledger, rule_id, NOW + slot * MINUTE, now), state)
        with ledger.write() as connection:
            if state == "failed":
                journal.write(connection, [Entry(now, "check failed", "the source is down", rule_id)])
            counts.append(checks.failures(connection, rule_id))
    assert counts == [1, 2, 0, 1, 2, 3, 0]
