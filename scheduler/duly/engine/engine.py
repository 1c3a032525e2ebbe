"""The engine: checks, ladder and sender, driven by instants that are handed in."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from duly.engine.check import OUTAGE, Checked, Checker
from duly.engine.holding import hold_due
from duly.engine.house import House
from duly.engine.ladder import Ladder
from duly.engine.live import LiveRule
from duly.engine.notices import Notices
from duly.engine.roundup import Roundups
from duly.engine.sender import Sender
from duly.engine.unfinished import Unfinished
from duly.ledger import cases, checks, nodes, rule_pauses
from duly.ledger.checks import LatestSlot
from duly.rules.bind import BoundRule
from duly.rules.snapshot import Snapshot

RETRY = dt.timedelta(minutes=1)
"""When a failed check is tried again."""
TOLD_AT = 3
"""After how many failed checks in a row the operator is told (law 9)."""


class Engine:
    """Everything that happens at an instant (law 10).

    The daemon calls the parts from its threads; examples and tests call `tick`. Both run the same code.

    Parameters
    ----------
    house: what the engine works with.
    """

    def __init__(self, house: House) -> None:
        self.house = house
        self.ladder = Ladder(house)
        self.sender = Sender(house)
        self._next_checks: dict[int, dt.datetime] = {}
        self._retired: set[int] = set()
        self._checker = Checker(house)
        self._notices = Notices(house)
        self._roundups = Roundups(house)
        self._unfinished = Unfinished(house)

    def load(self, snapshot: Snapshot, now: dt.datetime) -> None:
        """Take over the workspace as it stands in its files now; a rule that was away for long holds what is late."""
        before = set(self.house.rules.all)
        self.house.rules.load(snapshot, now)
        self._next_checks.clear()
        with self.house.ledger.write() as connection:
            for rule_id in set(self.house.rules.all) - before:
                last = checks.last(connection, rule_id)
                if last and now - self.house.rules[rule_id].bound.next_slot(last.slot) > OUTAGE:
                    self._hold_due(connection, rule_id, now)

    def resume(self, now: dt.datetime) -> int:
        """Begin after a pause: what came due in a long outage is held, not sent in one go (law 8).

        Returns
        -------
        How many cases are held because of it.
        """
        held = 0
        with self.house.ledger.write() as connection:
            last = nodes.last_seen(connection)
            if last is None or now - last <= OUTAGE:
                return 0
            for rule_id in self.house.rules.all:
                held += self._hold_due(connection, rule_id, now)
        return held

    def _hold_due(self, connection: sa.Connection, rule_id: int, now: dt.datetime) -> int:
        """Hold what came due for a rule while it was not at work, and tell its owner the number."""
        reason = "it came due while the rule was not at work"
        # What a person has let go meanwhile is known to be late.
        count = hold_due(connection, rule_id, reason, now, but=cases.released_since(rule_id, now - OUTAGE))
        if count:
            self._notices.held(connection, self.house.rules[rule_id], count, reason, now)
        return count

    def next_check(self, rule_id: int) -> dt.datetime | None:
        """Find when a rule is to be checked next; an instant that has passed means now, ``None`` that it rests."""
        live = self.house.rules.get(rule_id)
        if live is None or rule_id in self._retired:
            return None
        known = self._next_checks.get(rule_id)
        if known is None:
            with self.house.ledger.read() as connection:
                latest = checks.latest(connection, rule_id)
            known = _first_check(live) if latest is None else checked_again(live.bound, latest)
            if latest is None or latest.state != "running":
                # One that runs now may end at any moment, and then this is not true any more.
                self._next_checks[rule_id] = known
        return known

    def check(self, rule_id: int, now: dt.datetime) -> Checked | None:
        """Run the latest check that is due for a rule; earlier ones that were missed are not made up for.

        Returns
        -------
        How it ended; ``None`` when none was due.
        """
        live = self.house.rules.get(rule_id)
        due = self.next_check(rule_id)
        if live is None or due is None or due > now or rule_id in self._look_for_retired():
            return None
        self._next_checks.pop(rule_id, None)
        slot = live.bound.latest_slot(now)
        roundup = live.bound.rule.roundup
        if roundup is not None:
            checked = self._roundups.run(live, roundup, slot, now)
        else:
            checked = self._checker.run(live, slot, live.bound.next_slot(now), now)
        if checked is not None:
            # As the ledger would tell, which need not be asked.
            failed = checked.state == "failed"
            self._next_checks[rule_id] = now + RETRY if failed else live.bound.next_slot(slot)
            if checked.state != "done" or checked.held:
                self._report(live, checked, now)
            if checked.state == "done":
                self._unfinished.look(live, now)
        return checked

    def taken_up_again(self) -> bool:
        """Tell whether somebody has taken a retired rule up again since this engine last looked."""
        return bool(self._retired - self._look_for_retired())

    def _look_for_retired(self) -> set[int]:
        with self.house.ledger.read() as connection:
            self._retired = rule_pauses.retired(connection)
        return self._retired

    def _report(self, live: LiveRule, checked: Checked, now: dt.datetime) -> None:
        """Tell people what a check could not do by itself."""
        with self.house.ledger.write() as connection:
            if checked.state == "failed":
                failures = checks.failures(connection, live.row.id)
                if failures == TOLD_AT:
                    self._notices.failing(connection, live, failures, checked.reason, now)
            elif checked.state == "refused" and not checked.again:
                self._notices.refused(connection, live, checked.reason, now)
            if checked.held:
                self._notices.held(connection, live, checked.held, "they were late before Duly could look", now)

    def tick(self, now: dt.datetime) -> dt.datetime | None:
        """Do everything that is due at ``now``: checks, then steps, then deliveries.

        Returns
        -------
        When to call again; ``None`` when nothing will ever be due.
        """
        if self._retired:
            self._look_for_retired()
        wakes: list[dt.datetime | None] = []
        for rule_id in self.house.rules.all:
            self.check(rule_id, now)
            wakes.append(self.next_check(rule_id))
        wakes.append(self.sender.recover(now))
        wakes += self._fire_and_send(now)
        return min((wake for wake in wakes if wake is not None), default=None)

    def _fire_and_send(self, now: dt.datetime) -> list[dt.datetime | None]:
        """Fire and send until nothing is left for ``now``: a verdict may be what a step waits for."""
        while True:
            step = self.ladder.fire(now)
            wakes = self.sender.wakes(now)
            ready = [outlet for outlet, at in wakes.items() if at <= now]
            for outlet in ready:
                self.sender.send(outlet, now)
            if not ready:
                return [step, *wakes.values()]


def _first_check(live: LiveRule) -> dt.datetime:
    """Find when a rule that never was is checked first: a ladder at once, a roundup at its next slot."""
    return live.loaded_at if live.bound.rule.roundup is None else live.bound.next_slot(live.row.since)


def checked_again(bound: BoundRule, latest: LatestSlot) -> dt.datetime:
    """Find when a rule is checked again; an instant that has passed means at once.

    Parameters
    ----------
    latest: its latest slot.
    """
    if latest.state == "failed":
        return (latest.finished_at or latest.slot) + RETRY
    if latest.state == "running":
        return latest.lease_until
    return bound.next_slot(latest.slot)
