"""Counters of what was sent within a scope and a period, taken and given back one by one."""

from __future__ import annotations

import sqlalchemy as sa

from duly.ledger.insert import insert_ignoring
from duly.ledger.schema import quota

_HERE = (quota.c.scope == sa.bindparam("within"), quota.c.period == sa.bindparam("over"))
_TAKE = sa.update(quota).where(*_HERE, quota.c.used < sa.bindparam("limit")).values(used=quota.c.used + 1)


def take(connection: sa.Connection, scope: str, period: str, limit: int) -> bool:
    """Take one from a quota, in the transaction that marks the message as sending.

    Parameters
    ----------
    scope: what is counted (``each order`` of a rule, and the order).
    period: what it is counted over (a date, a minute, or empty for ever).
    limit: how many there are.

    Returns
    -------
    Whether there was one left.
    """
    here = {"within": scope, "over": period, "limit": limit}
    if connection.execute(_TAKE, here).rowcount:
        return True
    if limit < 1:
        return False
    # It is used up, or nobody has entered it yet; another sender may do so at the same time as we do.
    connection.execute(insert_ignoring(connection, quota).values(scope=scope, period=period, used=0))
    return connection.execute(_TAKE, here).rowcount == 1


def give_back(connection: sa.Connection, scope: str, period: str) -> None:
    """Give one back: the message was rejected, or has to be tried again."""
    connection.execute(
        sa.update(quota)
        .where(quota.c.scope == scope, quota.c.period == period, quota.c.used > 0)
        .values(used=quota.c.used - 1)
    )
