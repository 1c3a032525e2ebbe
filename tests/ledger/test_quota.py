"""Quotas: what was taken is counted once, whoever takes it at the same time."""

from __future__ import annotations

import itertools

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from duly.ledger import quota
from duly.ledger.schema import quota as table
from ledger.rows import together

SCOPES = itertools.count()


def take(ledger, scope="each order 1", period="", limit=3) -> bool:
    """Take one, in a transaction of its own."""
    with ledger.write() as connection:
        return quota.take(connection, scope, period, limit)


def used(ledger) -> dict[tuple[str, str], int]:
    """Read what is used."""
    with ledger.read() as connection:
        return {(row.scope, row.period): row.used for row in connection.execute(sa.select(table))}


def test_a_quota_ends(ledger):
    """There are as many as the limit says, and not one more."""
    assert [take(ledger) for _ in range(5)] == [True, True, True, False, False]
    assert used(ledger) == {("each order 1", ""): 3}


def test_scopes_and_periods_are_apart(ledger):
    """What one order, or one day, has used is nothing to another."""
    assert [take(ledger, scope, period, 1) for scope in "ab" for period in ("1", "2") for _ in range(2)] == [
        True,
        False,
    ] * 4


@pytest.mark.parametrize("limit", [0, -1])
def test_nothing_can_be_taken_from_nothing(ledger, limit):
    """A limit of none lets nothing through, from the first on."""
    assert not take(ledger, limit=limit)
    assert used(ledger) == {}


def test_what_is_given_back_can_be_taken_again(ledger):
    """A share that came back is there for the next, and more than was taken never comes back."""
    take(ledger, limit=1)
    with ledger.write() as connection:
        for _ in range(3):
            quota.give_back(connection, "each order 1", "")
        quota.give_back(connection, "never heard of", "")
    assert [take(ledger, limit=1) for _ in range(2)] == [True, False]


def test_a_limit_that_was_lowered_holds_at_once(ledger):
    """A rule edited to allow fewer counts what was sent under the old limit."""
    assert [take(ledger, limit=3) for _ in range(2)] == [True, True]
    assert not take(ledger, limit=2)


@pytest.mark.parametrize("limit", [1, 4, 20])
def test_many_who_take_at_once_take_no_more_than_there_is(ledger, limit):
    """Eight senders that meet at a quota nobody has used yet share it, and none of them fails."""
    taken = together(*[lambda: take(ledger, limit=limit)] * 8)
    assert taken.count(True) == min(limit, 8)
    assert used(ledger) == {("each order 1", ""): min(limit, 8)}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(st.lists(st.booleans(), max_size=20), st.integers(0, 4))
def test_any_order_of_taking_and_giving_back(ledger, moves, limit):
    """Whatever is taken and given back in whatever order, the count is what a counter would say."""
    count, scope = 0, str(next(SCOPES))
    with ledger.write() as connection:
        for taking in moves:
            if taking:
                assert quota.take(connection, scope, "", limit) == (count < limit)
                count = min(count + 1, limit)
            else:
                quota.give_back(connection, scope, "")
                count = max(count - 1, 0)
