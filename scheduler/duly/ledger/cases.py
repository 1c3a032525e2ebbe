"""Cases in the ledger: (rule, record key, clock), from open to closed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from duly.ledger import fan_outs, tasks
from duly.ledger.insert import insert_ignoring
from duly.ledger.schema import cases, delivery, delivery_case, firing, journal, pause

ACTIVE = ("open", "acknowledged")
CLOSED = ("done", "gone")
BATCH = 500


Watched = Mapping[str, Sequence[str | None]]
"""The times whose change is told: by name, as last seen and as last told."""


@dataclass(frozen=True, slots=True)
class Case:
    """One row of ``cases``; see the schema for what each column means."""

    id: int
    rule_id: int
    version_id: int
    key: bytes
    clock: str
    state: str
    used_up: bool
    held: str | None
    clock_at: dt.datetime
    due_at: dt.datetime | None
    next_at: dt.datetime | None
    opened_at: dt.datetime
    closed_at: dt.datetime | None
    acknowledged_at: dt.datetime | None
    in_charge: str | None
    assignee: str | None
    record: Mapping[str, Any]

    @property
    def active(self) -> bool:
        """Whether it still waits for something to be done."""
        return self.state in ACTIVE


@dataclass(frozen=True, slots=True)
class KnownCase:
    """What a check needs of a case that is there: not its record, which would cost more to read than all the rest."""

    id: int
    version_id: int
    key: bytes
    clock: str
    state: str
    used_up: bool
    held: str | None
    clock_at: dt.datetime
    due_at: dt.datetime | None
    acknowledged_at: dt.datetime | None
    watched: Watched | None
    seen_at: dt.datetime | None

    @property
    def active(self) -> bool:
        """Whether it still waits for something to be done."""
        return self.state in ACTIVE


@dataclass(frozen=True, slots=True)
class NewCase:
    """What a check knows of a case that it opens."""

    version_id: int
    key: bytes
    clock: str
    held: str | None
    clock_at: dt.datetime
    due_at: dt.datetime | None
    next_at: dt.datetime | None
    record: Mapping[str, Any]
    watched: Watched | None = None


_COLUMNS = [cases.c[name] for name in Case.__dataclass_fields__]
_KNOWN = [cases.c[name] for name in KnownCase.__dataclass_fields__]
_SEEN = sa.table("seen", sa.column("case_id"))
"""A temporary table: what one check has seen, on its own connection."""

# Made once: to make a statement takes longer than to run it.
_OF_RULE = cases.c.rule_id == sa.bindparam("rule")
_OF_RULES = cases.c.rule_id.in_(sa.bindparam("rules", expanding=True))
_DUE = cases.c.next_at <= sa.bindparam("now", type_=cases.c.next_at.type)
_ACTIVE = cases.c.state.in_(ACTIVE)
# Every state, spelled out for the index: a closed case has a moment while somebody is still to be told of its closing.
_STATES = cases.c.state.in_(ACTIVE + CLOSED)
_SELECT_KNOWN = sa.select(*_KNOWN).where(_OF_RULE, cases.c.key.in_(sa.bindparam("keys", expanding=True)))
_SELECT = sa.select(*_COLUMNS).where(cases.c.id.in_(sa.bindparam("cases", expanding=True)))
_MARK_SEEN = sa.text("INSERT INTO seen (case_id) VALUES (:id) ON CONFLICT DO NOTHING")
_UNSEEN = (
    sa.select(*_KNOWN)
    .where(
        _OF_RULE,
        _ACTIVE,
        cases.c.id > sa.bindparam("after"),
        ~sa.exists().where(_SEEN.c.case_id == cases.c.id),
    )
    .order_by(cases.c.id)
    .limit(BATCH)
)
_COUNT_OPEN = sa.select(sa.func.count()).where(_OF_RULE, _ACTIVE)
_SELECT_DUE = (
    sa.select(*_COLUMNS)
    .where(_STATES, _DUE, _OF_RULES)
    .order_by(cases.c.next_at, cases.c.id)
    .limit(sa.bindparam("limit"))
)
_ON_ITS_WAY = sa.exists().where(firing.c.case_id == cases.c.id, firing.c.state == "pending")
_STANDS_STILL = sa.exists().where(pause.c.case_id == cases.c.id, pause.c.ended_at.is_(None))
_USED_UP = sa.select(cases.c.id, cases.c.version_id).where(
    _OF_RULE,
    _ACTIVE,
    cases.c.held.is_(None),
    cases.c.next_at.is_(None),
    cases.c.clock_at <= sa.bindparam("now", type_=cases.c.clock_at.type),
    ~_ON_ITS_WAY,
    ~_STANDS_STILL,
)
_COUNT_DUE = sa.select(cases.c.rule_id, sa.func.count()).where(_ACTIVE, _DUE).group_by(cases.c.rule_id)
_EARLIEST = sa.select(sa.func.min(cases.c.next_at)).where(_STATES, cases.c.next_at.is_not(None), _OF_RULES)


def known(connection: sa.Connection, rule_id: int, keys: Collection[bytes]) -> dict[tuple[bytes, str], KnownCase]:
    """Find the cases of a rule, open or closed, for a batch of record keys."""
    found = {}
    ordered = sorted(keys)
    for start in range(0, len(ordered), BATCH):
        rows = connection.execute(_SELECT_KNOWN, {"rule": rule_id, "keys": ordered[start : start + BATCH]})
        found.update({(case.key, case.clock): case for case in (KnownCase(*row) for row in rows)})
    return found


def get(connection: sa.Connection, case_ids: Collection[int]) -> dict[int, Case]:
    """Read cases by their number."""
    rows = connection.execute(_SELECT, {"cases": sorted(case_ids)})
    return {row.id: Case(*row) for row in rows}


def of_key(connection: sa.Connection, rule_id: int, key: bytes) -> list[Case]:
    """Find every case of one record under one rule, oldest first."""
    rows = connection.execute(
        sa.select(*_COLUMNS).where(cases.c.rule_id == rule_id, cases.c.key == key).order_by(cases.c.id)
    )
    return [Case(*row) for row in rows]


def open_new(
    connection: sa.Connection, rule_id: int, new: Sequence[NewCase], now: dt.datetime
) -> dict[tuple[bytes, str], int]:
    """Open cases, keys sorted; one that another node opened meanwhile is left as it is.

    Returns
    -------
    The number of each case opened here, by key and clock.
    """
    if not new:
        return {}
    opened = {}
    # RETURNING tells what is new: a driver's row count for many inserts at once does not.
    statement = (
        insert_ignoring(connection, cases)
        .values(rule_id=rule_id, state="open", used_up=False, opened_at=now)
        .returning(cases.c.id, cases.c.key, cases.c.clock)
    )
    rows = [
        {
            "version_id": case.version_id,
            "key": case.key,
            "clock": case.clock,
            "held": case.held,
            "clock_at": case.clock_at,
            "due_at": case.due_at,
            "next_at": None if case.held else case.next_at,
            "record": case.record,
            "watched": case.watched,
            "rule_id": rule_id,
            "state": "open",
            "used_up": False,
            "opened_at": now,
        }
        for case in sorted(new, key=lambda case: (case.key, case.clock))
    ]
    for start in range(0, len(rows), BATCH):
        for row in connection.execute(statement, rows[start : start + BATCH]):
            opened[(row.key, row.clock)] = row.id
    return opened


def reopen(
    connection: sa.Connection,
    case_id: int,
    next_at: dt.datetime | None,
    record: Mapping[str, Any],
    held: str | None = None,
) -> None:
    """Open a closed case again; what was cancelled is armed again, what had fired stays fired.

    Parameters
    ----------
    held: why it is held until a person releases it, if it is.
    """
    values = {"state": "open", "reason": None, "closed_at": None, "record": record, "held": held}
    connection.execute(
        sa.update(cases)
        .where(cases.c.id == case_id, cases.c.state.not_in(ACTIVE))
        .values(next_at=None if held else next_at, **values)
    )


def set_times(
    connection: sa.Connection,
    case_id: int,
    clock_at: dt.datetime,
    due_at: dt.datetime | None,
    next_at: dt.datetime | None,
) -> None:
    """Follow a clock that creeps, or a due time that has moved."""
    connection.execute(
        sa.update(cases)
        .where(cases.c.id == case_id)
        .values(
            clock_at=clock_at,
            due_at=due_at,
            next_at=sa.case((cases.c.held.is_(None), sa.bindparam("next", next_at, cases.c.next_at.type))),
        )
    )


def set_watched(connection: sa.Connection, case_id: int, watched: Watched) -> None:
    """Keep the times of a case whose change is told, as they are now."""
    connection.execute(sa.update(cases).where(cases.c.id == case_id).values(watched=watched))


def begin_seen(connection: sa.Connection) -> None:
    """Begin to note which open cases this check has seen; the notes live with this connection."""
    connection.exec_driver_sql("CREATE TEMPORARY TABLE IF NOT EXISTS seen (case_id BIGINT PRIMARY KEY)")
    connection.exec_driver_sql("DELETE FROM seen")


def mark_seen(connection: sa.Connection, case_ids: Collection[int]) -> None:
    """Note that the source still names these cases."""
    if case_ids:
        connection.execute(_MARK_SEEN, [{"id": i} for i in sorted(case_ids)])


def note_seen(connection: sa.Connection, now: dt.datetime) -> None:
    """Note in the cases that this check has seen them, where a clock hangs on it."""
    connection.execute(sa.update(cases).where(cases.c.id.in_(sa.select(_SEEN.c.case_id))).values(seen_at=now))


def unseen(connection: sa.Connection, rule_id: int, after: int) -> list[KnownCase]:
    """Read the next batch, by number above ``after``, of open cases that this check has not seen."""
    return [KnownCase(*row) for row in connection.execute(_UNSEEN, {"rule": rule_id, "after": after})]


def count_open(connection: sa.Connection, rule_id: int) -> int:
    """Count a rule's open cases."""
    return connection.execute(_COUNT_OPEN, {"rule": rule_id}).scalar_one()


def close(
    connection: sa.Connection, case_id: int, state: str, reason: str, now: dt.datetime, *, used_up: bool = False
) -> list[int]:
    """Close one case as ``done`` or ``gone`` and cancel what waits; one that was held stays so if it reopens.

    Words that may have left before are not called cancelled: they go on to their verdict.

    Returns
    -------
    The numbers of the deliveries that were cancelled.
    """
    changed = connection.execute(
        sa.update(cases)
        .where(cases.c.id == case_id, cases.c.state.in_(ACTIVE))
        .values(state=state, reason=reason, closed_at=now, next_at=None, used_up=used_up)
    )
    if changed.rowcount == 0:
        return []
    tasks.drop(connection, case_id, now)
    alone = sa.select(delivery_case.c.delivery_id).where(delivery_case.c.case_id == case_id)
    waiting = (delivery.c.id.in_(alone), delivery.c.state.in_(("waiting", "claimed")), delivery.c.body.is_(None))
    stopped = fan_outs.stop(connection, case_id, reason, now)
    cancelled = connection.execute(
        sa.update(delivery)
        .where(*waiting)
        .values(state="cancelled", reason=reason, settled_at=now, token=None, lease_until=None)
        .returning(delivery.c.id, delivery.c.firing_id)
    ).all()
    concerned = {*stopped, *(row.firing_id for row in cancelled)}
    if concerned:
        under_way = sa.exists().where(
            delivery.c.firing_id == firing.c.id, delivery.c.state.in_(("waiting", "claimed", "sending"))
        )
        connection.execute(
            sa.update(firing)
            .where(
                firing.c.id.in_(concerned),
                firing.c.state == "pending",
                ~under_way,
            )
            .values(state="cancelled", settled_at=now)
        )
    return [row.id for row in cancelled]


def used_up(connection: sa.Connection, rule_id: int, now: dt.datetime) -> dict[int, int]:
    """Find open cases with nothing left on the ladder, nothing on its way, and a clock that has passed and runs.

    Returns
    -------
    The version of each, by its number.
    """
    rows = connection.execute(_USED_UP, {"rule": rule_id, "now": now})
    return {row.id: row.version_id for row in rows}


def page(connection: sa.Connection, after: int, *, only_open: bool) -> list[Case]:
    """Read the next batch of the cases of all rules after the number ``after``, oldest first."""
    wanted = [cases.c.state.in_(ACTIVE)] if only_open else []
    rows = connection.execute(sa.select(*_COLUMNS).where(cases.c.id > after, *wanted).order_by(cases.c.id).limit(BATCH))
    return [Case(*row) for row in rows]


def on_their_way(connection: sa.Connection, case_ids: Collection[int]) -> set[int]:
    """Find which of these cases have a step that has fired, and whose deliveries have not ended."""
    pending = sa.select(firing.c.case_id).where(firing.c.case_id.in_(sorted(case_ids)), firing.c.state == "pending")
    return set(connection.execute(pending).scalars())


def due(connection: sa.Connection, now: dt.datetime, rule_ids: Collection[int], limit: int) -> list[Case]:
    """Read the cases of these rules whose ladder has something to do, earliest first."""
    rows = connection.execute(_SELECT_DUE, {"now": now, "rules": sorted(rule_ids), "limit": limit})
    return [Case(*row) for row in rows]


def count_due(connection: sa.Connection, now: dt.datetime) -> dict[int, int]:
    """Count, by rule, the cases whose ladder has something to do."""
    rows = connection.execute(_COUNT_DUE, {"now": now})
    return {rule_id: count for rule_id, count in rows}  # noqa: C416 - dict() loses the types


def earliest(connection: sa.Connection, rule_ids: Collection[int]) -> dt.datetime | None:
    """When the ladder of these rules has to wake next."""
    return connection.execute(_EARLIEST, {"rules": sorted(rule_ids)}).scalar()


def advance(connection: sa.Connection, moves: Sequence[tuple[Case, dt.datetime | None, Mapping[str, Any]]]) -> set[int]:
    """Move cases to their next moment, unless another node has done so since they were read.

    Parameters
    ----------
    moves: case, its next moment, its record as read now.

    Returns
    -------
    The numbers of the cases that were ours to move.
    """
    rows = connection.execute(
        sa.select(cases.c.id, cases.c.state, cases.c.next_at)
        .where(cases.c.id.in_(sorted(case.id for case, _, _ in moves)))
        .with_for_update()
    )
    now = {row.id: (row.state in ACTIVE, row.next_at) for row in rows}
    ours = [move for move in moves if now.get(move[0].id) == (move[0].active, move[0].next_at)]
    if ours:
        values = [{"case": case.id, "next_at": next_at, "record": record} for case, next_at, record in ours]
        connection.execute(_ADVANCE, values)
    return {case.id for case, _, _ in ours}


_ADVANCE = sa.update(cases).where(cases.c.id == sa.bindparam("case"))


def set_next(connection: sa.Connection, case_id: int, next_at: dt.datetime | None) -> None:
    """Have the ladder look at an open case at ``next_at``."""
    connection.execute(
        sa.update(cases)
        .where(cases.c.id == case_id, cases.c.state.in_(ACTIVE), cases.c.held.is_(None))
        .values(next_at=next_at)
    )


def tell_closing(connection: sa.Connection, case_id: int, now: dt.datetime) -> None:
    """Have the ladder look once more at a case that has closed, for a step that tells so."""
    connection.execute(sa.update(cases).where(cases.c.id == case_id, cases.c.state.in_(CLOSED)).values(next_at=now))


def acknowledge(connection: sa.Connection, case_id: int, now: dt.datetime) -> bool:
    """Note that somebody has taken a case on; false when it is closed."""
    changed = connection.execute(
        sa.update(cases)
        .where(cases.c.id == case_id, cases.c.state.in_(ACTIVE))
        .values(state="acknowledged", acknowledged_at=now)
    )
    return changed.rowcount == 1


def assign(connection: sa.Connection, case_id: int, person: str) -> None:
    """Give a case to a person of the directory: it is theirs, and they are in charge."""
    connection.execute(sa.update(cases).where(cases.c.id == case_id).values(in_charge=person, assignee=person))


def loads(connection: sa.Connection, people: Collection[str]) -> dict[str, int]:
    """Count the open cases of which each of these people is in charge."""
    counted = (
        sa.select(cases.c.in_charge, sa.func.count())
        .where(cases.c.state.in_(ACTIVE), cases.c.in_charge.in_(sorted(people)))
        .group_by(cases.c.in_charge)
    )
    return {person: count for person, count in connection.execute(counted)}  # noqa: C416 - dict() loses the types


def hand_to(connection: sa.Connection, case_id: int, person: str) -> None:
    """Put a case into the hands of a person of the directory."""
    connection.execute(sa.update(cases).where(cases.c.id == case_id).values(in_charge=person))


def hold(
    connection: sa.Connection, rule_id: int, reason: str, now: dt.datetime, *, but: sa.Select[Any] | None = None
) -> list[int]:
    """Hold every case of a rule whose ladder has something to do now.

    Parameters
    ----------
    but: the numbers of cases that are left alone.

    Returns
    -------
    The numbers of those that are held by this.
    """
    return _hold(connection, reason, *_due_of(rule_id, now, but))


def hold_these(connection: sa.Connection, case_ids: Collection[int], reason: str) -> list[int]:
    """Hold some cases; returns the numbers of those that were still open, and not held before."""
    return _hold(
        connection, reason, cases.c.id.in_(sorted(case_ids)), cases.c.state.in_(ACTIVE), cases.c.held.is_(None)
    )


def _hold(connection: sa.Connection, reason: str, *where: Any) -> list[int]:
    held = sa.update(cases).where(*where).values(held=reason, next_at=None).returning(cases.c.id)
    return list(connection.execute(held).scalars())


def count_due_of(connection: sa.Connection, rule_id: int, now: dt.datetime, but: sa.Select[Any]) -> int:
    """Count the cases of a rule whose ladder has something to do, but for some."""
    return connection.execute(sa.select(sa.func.count()).where(*_due_of(rule_id, now, but))).scalar_one()


def _due_of(rule_id: int, now: dt.datetime, but: sa.Select[Any] | None) -> list[Any]:
    due = [cases.c.rule_id == rule_id, cases.c.state.in_(ACTIVE), cases.c.next_at <= now]
    return due if but is None else [*due, cases.c.id.not_in(but)]


def held(connection: sa.Connection, rule_id: int, after: int = 0) -> Iterator[Case]:
    """Read a rule's held cases, in the order they were opened."""
    while True:
        rows = connection.execute(
            sa.select(*_COLUMNS)
            .where(cases.c.rule_id == rule_id, cases.c.state.in_(ACTIVE), cases.c.held.is_not(None), cases.c.id > after)
            .order_by(cases.c.id)
            .limit(BATCH)
        ).all()
        yield from (Case(*row) for row in rows)
        if len(rows) < BATCH:
            return
        after = rows[-1].id


def held_because(connection: sa.Connection, rule_id: int) -> dict[str, int]:
    """Count a rule's held cases by the reason why they are held."""
    rows = connection.execute(
        sa.select(cases.c.held, sa.func.count())
        .where(cases.c.rule_id == rule_id, cases.c.state.in_(ACTIVE), cases.c.held.is_not(None))
        .group_by(cases.c.held)
    )
    return {reason: count for reason, count in rows if reason}


def release(connection: sa.Connection, case_id: int, next_at: dt.datetime | None) -> None:
    """Let one held case go on."""
    connection.execute(
        sa.update(cases).where(cases.c.id == case_id, cases.c.held.is_not(None)).values(held=None, next_at=next_at)
    )


def released_since(rule_id: int, since: dt.datetime) -> sa.Select[Any]:
    """Select the numbers of the cases of a rule that a person has let go since an instant; the journal knows."""
    return sa.select(journal.c.case_id).where(
        journal.c.rule_id == rule_id,
        journal.c.at > since,
        journal.c.event == "released",
        journal.c.case_id.is_not(None),
    )


def counts(connection: sa.Connection) -> dict[int, dict[str, int]]:
    """Count, by rule, the cases in each state, with ``held`` beside ``open``."""
    rows = connection.execute(
        sa.select(cases.c.rule_id, cases.c.state, cases.c.held.is_not(None).label("is_held"), sa.func.count()).group_by(
            cases.c.rule_id, cases.c.state, sa.literal_column("is_held")
        )
    )
    found: dict[int, dict[str, int]] = {}
    for rule_id, state, is_held, count in rows:
        counted = found.setdefault(rule_id, {})
        counted[state] = counted.get(state, 0) + count
        if is_held and state in ACTIVE:
            counted["held"] = counted.get("held", 0) + count
    return found
