"""Rules that people have paused or retired, and until when: a rule with a row here fires nothing and sends nothing."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from duly.ledger.cases import ACTIVE
from duly.ledger.schema import cases, delivery, rule_pause


@dataclass(frozen=True, slots=True)
class RulePause:
    """One row of ``rule_pause``; see the schema for what each column means."""

    rule_id: int
    since: dt.datetime
    until: dt.datetime | None
    who: str
    retired: bool


_COLUMNS = [rule_pause.c[name] for name in RulePause.__dataclass_fields__]

# Made once, for the ladder asks at every look: to make a statement takes longer than to run it.
_RESTING = sa.select(rule_pause.c.rule_id)
_RETIRED = sa.select(rule_pause.c.rule_id).where(rule_pause.c.retired)
_OVER = sa.select(rule_pause.c.rule_id).where(rule_pause.c.until <= sa.bindparam("now", type_=rule_pause.c.until.type))
_EARLIEST_END = sa.select(sa.func.min(rule_pause.c.until))


def begin(connection: sa.Connection, pause: RulePause) -> None:
    """Pause or retire a rule, in place of an earlier pause."""
    connection.execute(sa.delete(rule_pause).where(rule_pause.c.rule_id == pause.rule_id))
    values = {name: getattr(pause, name) for name in RulePause.__dataclass_fields__}
    connection.execute(sa.insert(rule_pause).values(values))


def end(connection: sa.Connection, rule_id: int) -> RulePause | None:
    """End a rule's pause; ``None`` when it has none, or when somebody else has just ended it."""
    row = connection.execute(
        sa.delete(rule_pause).where(rule_pause.c.rule_id == rule_id).returning(*_COLUMNS)
    ).one_or_none()
    return RulePause(*row) if row else None


def everything(connection: sa.Connection) -> dict[int, RulePause]:
    """Read every pause and every retirement, by the rule's number."""
    return {row.rule_id: RulePause(*row) for row in connection.execute(sa.select(*_COLUMNS))}


def resting(connection: sa.Connection) -> set[int]:
    """Return the numbers of the rules that fire nothing and send nothing now."""
    return set(connection.execute(_RESTING).scalars())


def retired(connection: sa.Connection) -> set[int]:
    """Return the numbers of the rules that are given up."""
    return set(connection.execute(_RETIRED).scalars())


def earliest_end(connection: sa.Connection) -> dt.datetime | None:
    """When the next pause ends by itself."""
    return connection.execute(_EARLIEST_END).scalar()


def over(connection: sa.Connection, now: dt.datetime) -> list[int]:
    """Return the numbers of the rules whose pause has run out."""
    return list(connection.execute(_OVER, {"now": now}).scalars())


def open_cases(connection: sa.Connection, rule_id: int, limit: int) -> list[int]:
    """Return the numbers of a rule's open cases, the oldest first."""
    rows = sa.select(cases.c.id).where(cases.c.rule_id == rule_id, cases.c.state.in_(ACTIVE))
    return list(connection.execute(rows.order_by(cases.c.id).limit(limit)).scalars())


def cancel_waiting(connection: sa.Connection, rule_id: int, reason: str, now: dt.datetime) -> list[int]:
    """Cancel whatever of a rule still waits to leave; returns the numbers of those deliveries."""
    waiting = (delivery.c.state.in_(("waiting", "claimed")), delivery.c.body.is_(None))
    cancelled = connection.execute(
        sa.update(delivery)
        .where(delivery.c.rule_id == rule_id, *waiting)
        .values(state="cancelled", reason=reason, settled_at=now, token=None, lease_until=None)
        .returning(delivery.c.id)
    )
    return list(cancelled.scalars())
