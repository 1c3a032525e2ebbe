"""What a check notices for the steps that wait for it: a time that has changed, a case that has closed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from duly.engine.occurrences import Fired, last_of
from duly.ledger import cases, firings, journal, outbox
from duly.ledger.cases import KnownCase, Watched
from duly.ledger.firings import Firing, NewFiring
from duly.ledger.journal import Entry
from duly.rules.bind import BoundRule
from duly.rules.model import Step
from duly.rules.plan import Plan
from duly.rules.record import Candidate


def watched(plan: Plan, candidate: Candidate) -> Watched | None:
    """Give the times of a new case whose change is told; ``None`` when its rule has no such step."""
    now = {name: _spell(candidate, name) for name in plan.watched}
    return {name: (at, at) for name, at in now.items()} or None


def has_changed(case: KnownCase, plan: Plan, candidate: Candidate) -> bool:
    """Tell whether a time has changed since a check last saw it, of those whose change is told."""
    return bool(case.watched and _changed(case.watched, plan, candidate))


@dataclass(frozen=True)
class Noticing:
    """Notes for the ladder, in the transaction of a check, which steps have what they wait for.

    Parameters
    ----------
    version: gives the rule as it was when a case started.
    """

    connection: sa.Connection
    rule_id: int
    version: Callable[[int], BoundRule]
    now: dt.datetime

    def changed(self, found: Sequence[tuple[KnownCase, Candidate]], plan: Plan) -> None:
        """Note that times have changed: those who were told hear of it, once for what changed meanwhile.

        Where nobody was told before, the first message will have the time as it is now; where a time is again as was
        told, there is nothing to correct.
        """
        ids = [case.id for case, _ in found]
        fired = firings.of_cases(self.connection, ids) if ids else {}
        heard = outbox.heard(self.connection, ids) if ids else set()
        for case, candidate in found:
            now = _changed(case.watched or {}, plan, candidate)
            said = ", ".join(f"{name} is now {f'{at[:16]} UTC' if at else 'empty'}" for name, at in now.items())
            if case.id in heard:
                self._note("changed", said, case.id)
                self._correct(case, now, fired.get(case.id, {}))
            else:
                self._note("changed", f"{said}; nobody had been told", case.id)
                kept = {**(case.watched or {}), **{name: (at, at) for name, at in now.items()}}
                cases.set_watched(self.connection, case.id, kept)

    def closed(self, case_id: int, version_id: int, state: str, *, held: bool) -> None:
        """Note that a case has closed: those who were to hear of it do so, if anything had fired before."""
        steps = [step for step in self.version(version_id).rule.steps if step.closed == state]
        if not steps:
            return
        fired = firings.of_cases(self.connection, [case_id]).get(case_id, {})
        ours = {step.identity for step in steps}
        had_fired = any(one.step not in ours and one.state in ("fired", "pending") for one in fired.values())
        if held or not had_fired:
            because = "it was held" if held else "nothing had fired for it"
            for step in steps:
                self._note("skipped", f"{step.identity}; {because}", case_id)
        elif firings.fire(self.connection, [self._noticed(case_id, step, 0) for step in steps], self.now):
            cases.tell_closing(self.connection, case_id, self.now)

    def reopened(self, found: Sequence[KnownCase]) -> None:
        """Note that closed cases are open again: what was to be told of their closing is not true any more."""
        for case in found:
            steps = [step.identity for step in self.version(case.version_id).rule.steps if step.closed]
            if steps:
                firings.end_noticed(self.connection, case.id, steps, "cancelled", self.now)

    def _correct(self, case: KnownCase, now: Mapping[str, str | None], fired: Fired) -> None:
        kept = {name: tuple(at) for name, at in (case.watched or {}).items()}
        steps = [step for step in self.version(case.version_id).rule.steps if set(step.changed) & now.keys()]
        waiting = {step.identity: self._stop(case, step, last_of(step.identity, fired)) for step in steps}
        untold = {name for step in steps if waiting[step.identity] for name in step.changed}
        known = {name: (now.get(name, seen), told if name in untold else seen) for name, (seen, told) in kept.items()}
        noticed = []
        for step in steps:
            last = last_of(step.identity, fired)
            if all(known[name][0] == known[name][1] for name in step.changed if name in known):
                firings.end_noticed(self.connection, case.id, [step.identity], "overtaken", self.now)
                self._note("overtaken", f"{step.identity}; it is again as was told", case.id)
                continue
            comes_again = last is not None and last.state in ("noticed", "cancelled")
            number = 0 if last is None else last.occurrence + (not comes_again)
            noticed.append(self._noticed(case.id, step, number))
        cases.set_watched(self.connection, case.id, known)
        if firings.fire(self.connection, noticed, self.now):
            cases.set_next(self.connection, case.id, self.now)

    def _stop(self, case: KnownCase, step: Step, last: Firing | None) -> bool:
        """Cancel what a step still has waiting; tells whether it had, so that nobody knows of that change."""
        if last is None or last.state not in ("noticed", "cancelled", "pending"):
            return False
        if last.state != "pending":
            return True
        stopped = firings.overtake(self.connection, case.id, step.identity, last.occurrence + 1, self.now)
        for one in stopped:
            entry = Entry(self.now, "cancelled", firings.CAME_AGAIN, self.rule_id, case.id, one.delivery_id)
            journal.write(self.connection, [entry])
        after = last_of(step.identity, firings.of_cases(self.connection, [case.id]).get(case.id, {}))
        return after is not None and after.state == "overtaken"

    def _noticed(self, case_id: int, step: Step, number: int) -> NewFiring:
        return NewFiring(case_id, step.identity, number, step.audience.written, self.now, "noticed")

    def _note(self, event: str, detail: str, case_id: int) -> None:
        journal.write(self.connection, [Entry(self.now, event, detail, self.rule_id, case_id)])


def _changed(kept: Watched, plan: Plan, candidate: Candidate) -> dict[str, str | None]:
    """Find the times that are not as they were last seen; those that the rule no longer asks for stay as they were."""
    now = {name: _spell(candidate, name) for name in plan.watched if name in kept}
    return {name: at for name, at in now.items() if at != kept[name][0]}


def _spell(candidate: Candidate, name: str) -> str | None:
    at = candidate.times.get(name)
    return at.isoformat() if at else None
