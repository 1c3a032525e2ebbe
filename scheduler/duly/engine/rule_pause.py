"""A person pauses a rule, or gives it up: every daemon on the ledger knows at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from duly.engine.check import OUTAGE
from duly.engine.holding import hold_due
from duly.engine.house import House
from duly.engine.notices import Notices
from duly.ledger import cases, journal, rule_pauses
from duly.ledger.journal import Entry
from duly.ledger.ledger import Ledger
from duly.ledger.rule_pauses import RulePause
from duly.ledger.versions import RuleRow

BATCH = 500
WHY_HELD = "it came due while the rule was paused"


@dataclass(frozen=True, slots=True)
class Retired:
    """What a retirement ended.

    Parameters
    ----------
    cases: how many were open.
    deliveries: how many waited to leave.
    """

    cases: int = 0
    deliveries: int = 0


def pause(ledger: Ledger, rule: RuleRow, until: dt.datetime | None, who: str, now: dt.datetime) -> None:
    """Have a rule fire nothing and send nothing from now on; it is still checked, so its cases open and close.

    Parameters
    ----------
    until: when the pause ends by itself; ``None`` for when somebody ends it.
    who: who does so, for the journal.
    """
    with ledger.write() as connection:
        rule_pauses.begin(connection, RulePause(rule.id, now, until, who, retired=False))
        ends = f"until {until:%Y-%m-%d %H:%M} UTC" if until else "until somebody ends it"
        journal.write(connection, [Entry(now, "paused", f"{who} has paused the rule, {ends}", rule.id)])


def resume(ledger: Ledger, rule: RuleRow, who: str, now: dt.datetime) -> int | None:
    """End a pause or a retirement; what came due in a pause of over 12 hours is held (law 8).

    Returns
    -------
    How many cases are held because of it; ``None`` when the rule was not resting.
    """
    with ledger.write() as connection:
        ended = rule_pauses.end(connection, rule.id)
        if ended is None:
            return None
        what = "taken the rule up again" if ended.retired else "ended the pause of the rule"
        journal.write(connection, [Entry(now, "resumed", f"{who} has {what}", rule.id)])
        return _hold(connection, ended, now)


def retire(
    ledger: Ledger, rule: RuleRow, who: str, now: dt.datetime, progress: Callable[[int], None] = lambda _: None
) -> Retired:
    """Give a rule up: its open cases close as gone, what waits is cancelled, and it is not checked any more.

    Parameters
    ----------
    progress: is told after each batch how many cases it was.
    """
    reason = f"{who} has retired the rule"
    with ledger.write() as connection:
        rule_pauses.begin(connection, RulePause(rule.id, now, None, who, retired=True))
        journal.write(connection, [Entry(now, "retired", reason, rule.id)])
    closed, cancelled = 0, 0
    while True:
        # A batch a transaction, so that no daemon waits long for the ledger.
        with ledger.write() as connection:
            batch = rule_pauses.open_cases(connection, rule.id, BATCH)
            for case_id in batch:
                dropped = cases.close(connection, case_id, "gone", reason, now)
                lines = [Entry(now, "cancelled", reason, rule.id, case_id, delivery_id) for delivery_id in dropped]
                journal.write(connection, [Entry(now, "gone", reason, rule.id, case_id), *lines])
                cancelled += len(dropped)
            if not batch:
                rest = rule_pauses.cancel_waiting(connection, rule.id, reason, now)
                lines = [Entry(now, "cancelled", reason, rule.id, delivery_id=delivery_id) for delivery_id in rest]
                journal.write(connection, lines)
                return Retired(closed, cancelled + len(rest))
        closed += len(batch)
        progress(len(batch))


class RulePauses:
    """Ends the pauses that have run out.

    Parameters
    ----------
    house: the ledger and the live rules.
    """

    def __init__(self, house: House) -> None:
        self._house = house
        self._notices = Notices(house)

    def end_over(self, now: dt.datetime) -> None:
        """End what has run out by ``now``; where that holds cases, the rule's owner is told."""
        with self._house.ledger.read() as connection:
            over = rule_pauses.over(connection, now)
        for rule_id in over:
            with self._house.ledger.write() as connection:
                ended = rule_pauses.end(connection, rule_id)
                if ended is None:
                    continue
                journal.write(connection, [Entry(now, "resumed", "the pause of the rule has run out", rule_id)])
                held = _hold(connection, ended, now)
                live = self._house.rules.get(rule_id)
                if held and live:
                    self._notices.held(connection, live, held, WHY_HELD, now)


def _hold(connection: sa.Connection, ended: RulePause, now: dt.datetime) -> int:
    if (ended.until or now) - ended.since <= OUTAGE:
        return 0
    return hold_due(connection, ended.rule_id, WHY_HELD, now)
