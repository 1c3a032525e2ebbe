"""Floods: what would tell more people in an hour than its rule's ``hold`` allows waits for a person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

import sqlalchemy as sa

from duly.engine.holding import hold_due, hold_these
from duly.engine.house import House
from duly.engine.live import LiveRule
from duly.engine.notices import Notices
from duly.engine.record_json import unpack
from duly.engine.rung import Move, Rung
from duly.ledger import cases, firings, outbox, pauses


class Floods:
    """Holds what is too much at once.

    Parameters
    ----------
    house: the ledger, the live rules and the people.
    """

    def __init__(self, house: House) -> None:
        self._house = house
        self._notices = Notices(house)

    def hold(self, rule_ids: Collection[int], now: dt.datetime) -> None:
        """Hold the steps of a rule that would send more in an hour than its limit allows, and tell its owner."""
        with self._house.ledger.read() as connection:
            waiting = cases.count_due(connection, now)
        for rule_id, due in waiting.items():
            live = self._house.rules.get(rule_id) if rule_id in rule_ids else None
            limit = live.bound.rule.limits.hold if live else None
            if live is None or limit is None:
                continue
            with self._house.ledger.write() as connection:
                grouped = self._carried(connection, live, due, now)
                count = due - grouped
                since = now - dt.timedelta(seconds=limit.seconds)
                before = outbox.count_since(connection, rule_id, since)
                if before + count <= limit.amount:
                    continue
                # What a person has just let go was many, and known to be: it neither counts nor is held again.
                let_go = cases.released_since(rule_id, since)
                before = outbox.count_since(connection, rule_id, since, let_go)
                rest = cases.count_due_of(connection, rule_id, now, let_go) - grouped
                if rest <= 0 or before + rest <= limit.amount:
                    continue
                reason = f"{rest} due at once after {before} in the last hour are above {limit.amount} an hour"
                held = hold_due(connection, rule_id, reason, now, but=let_go)
                self._notices.flooded(connection, live, held, reason, now)

    def _carried(self, connection: sa.Connection, live: LiveRule, due: int, now: dt.datetime) -> int:
        """Count the due cases that cost no message of their own: of all whose next step is grouped, one tells."""
        if not any(step.group for step in live.bound.rule.steps):
            return 0
        batch = cases.due(connection, now, [live.row.id], due)
        fired = firings.of_cases(connection, [case.id for case in batch])
        stood = pauses.of_cases(connection, [case.id for case in batch])
        grouped: list[str] = []
        for case in batch:
            bound, timing = self._house.rules.version(case.version_id) or (live.bound, live.timing)
            before, still = fired.get(case.id, {}), stood.get(case.id, ())
            rung = Rung(self._house, live, bound, timing, case, before, still, now, {})
            steps = [timed.step for timed in rung.due(unpack(case.record, case.key))]
            if steps and all(step.group for step in steps):
                grouped.append(steps[-1].identity)
        return len(grouped) - len(set(grouped))

    def leave_out(self, live: LiveRule, moves: Sequence[Move], now: dt.datetime) -> list[Move]:
        """Hold the cases that would tell more people than the rule's limit allows in an hour, and leave them out."""
        limit = live.bound.rule.limits.hold
        many = {move.case.id: move.messages(self._house.settings.by) for move in moves}
        if limit is None or not any(many.values()):
            return list(moves)
        with self._house.ledger.write() as connection:
            since = now - dt.timedelta(seconds=limit.seconds)
            let_go = cases.released_since(live.row.id, since)
            before = outbox.count_since(connection, live.row.id, since, let_go)
            free = set(connection.execute(let_go).scalars())
            wanted = {id: count for id, count in many.items() if count and id not in free}
            count = sum(wanted.values())
            if before + count <= limit.amount:
                return list(moves)
            reason = f"{count} messages due at once after {before} in the last hour are above {limit.amount} an hour"
            held = hold_these(connection, live.row.id, wanted, reason, now)
            self._notices.flooded(connection, live, held, reason, now)
        return [move for move in moves if move.case.id not in wanted]
