"""A rung: what one case does at one instant, decided without writing anything."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from duly.api.person import Person
from duly.engine.audience import Reached
from duly.engine.check import why_not
from duly.engine.crowd import Sizes, is_crowd
from duly.engine.house import House
from duly.engine.live import LiveRule
from duly.engine.occurrences import Fired
from duly.engine.pauses import Pauses, begun
from duly.engine.record_json import unpack, unpack_person
from duly.engine.standstill import told
from duly.engine.timing import Timed, Timing
from duly.ledger import outbox
from duly.ledger.cases import Case
from duly.ledger.firings import Firing
from duly.ledger.pauses import Pause
from duly.rules.anniversary import has_begun_anew
from duly.rules.bind import BoundRule
from duly.rules.model import Audience, AudienceKind, By, Step
from duly.rules.record import Record, spell_stage

STAFF_WAIT = dt.timedelta(minutes=15)
"""How long a message to staff waits for a source that is down before it leaves "as of hh:mm" (law 3)."""
AGAIN = dt.timedelta(minutes=1)
"""When to look again for what cannot be had now."""
JUST = dt.timedelta(seconds=1)
ALWAYS = frozenset({"assign", "write"})
"""Doings that are never overtaken (law 4)."""


@dataclass
class Move:
    """What one case does now."""

    case: Case
    next_at: dt.datetime | None
    record: Record | None = None
    lines: list[tuple[str, str]] = field(default_factory=list)
    ended: list[tuple[Timed, str]] = field(default_factory=list)
    leaving: list[tuple[Timed, Reached]] = field(default_factory=list)
    begun: Sequence[Pause] = ()
    """Pauses that no check has seen yet."""
    blind: bool = False
    """The source is down: the record is what it said last."""

    def messages(self, by: By) -> int:
        """Count the messages to many people that this is going to write.

        Parameters
        ----------
        by: the channels where a step names none.
        """
        return sum(reached.crowd * len(timed.step.by or by or "-") for timed, reached in self.leaving)


@dataclass
class Rung:
    """Decides what one case does at one instant."""

    house: House
    live: LiveRule
    bound: BoundRule
    timing: Timing
    case: Case
    fired: Fired
    stood: Sequence[Pause]
    now: dt.datetime
    sizes: Sizes

    def with_record(self, record: Record | None) -> Move:
        """Decide on what the source says of the record now."""
        if not self.case.active:
            return self._after_closing(record)
        if record is None or record.done or not record.matches or self._is_elsewhere(record):
            return self._wait_for_check(record)
        new = self._begun(record)
        self.stood = [*self.stood, *new]
        move = self._decide(record, self.due(record))
        move.begun = new
        move.lines += [told(pause)[1:] for pause in new]
        return move

    def _begun(self, record: Record) -> list[Pause]:
        """Find the pauses that began since the last check; when, the source may not know.

        Such a one began before the step that finds it: nobody is told of a clock that stands still.
        """
        if record.candidate is None or not record.candidate.paused:
            return []
        first = min((timed.moment for timed in self.due(record) if timed.moment), default=self.now)
        new = begun(self.stood, record.candidate.paused, first - JUST)
        return [Pause(self.case.id, fact, at) for fact, at in new.items()]

    def _after_closing(self, record: Record | None) -> Move:
        """Tell of the closing; whether the record matches is not asked, for that it does not is what is told."""
        kept = record or unpack(self.case.record, self.case.key)
        move = self._decide(kept, self.due(kept))
        move.record = record
        return move

    def without_source(self) -> Move:
        """Decide while the source is down: customers wait; staff hear after a quarter of an hour."""
        record = unpack(self.case.record, self.case.key)
        due = self.due(record)
        waits = [timed for timed in due if self._waits_for_source(timed, record)]
        move = self._decide(record, [timed for timed in due if timed not in waits])
        move.blind = True
        if waits:
            move.next_at = min(move.next_at or self.now + AGAIN, self.now + AGAIN)
            if self.case.next_at == min(timed.moment for timed in due if timed.moment):
                move.lines.append(("waits", "the source is down"))
        return move

    def _waits_for_source(self, timed: Timed, record: Record) -> bool:
        audience = timed.step.audience
        to_customer = not audience.role and (
            audience.name in record.people or (audience.kind is AudienceKind.NAME and self._is_crowd(audience))
        )
        return to_customer or self.now - (timed.since or timed.moment or self.now) < STAFF_WAIT

    def _wait_for_check(self, record: Record | None) -> Move:
        """The record has changed; what that means for the case is for the next check to say."""
        if record is None:
            because = "the record is no longer there"
        elif record.candidate and self._is_elsewhere(record):
            because = f"its clock is now {record.candidate.clock}"
        else:
            because = why_not(self.live, record) or "it is done"
        return Move(self.case, self.live.bound.next_slot(self.now), lines=[("not fired", because)])

    def _is_elsewhere(self, record: Record) -> bool:
        """Tell whether the record's clock has begun anew, as it does with each stage: the case is over."""
        clock = self.live.bound.rule.clock
        return record.candidate is not None and has_begun_anew(record.candidate, self.case.clock, clock)

    def due(self, record: Record) -> list[Timed]:
        """Find the steps that have come due."""
        case, who, stood = self.case, self._in_charge(record), Pauses.of(self.stood)
        due = self.timing.overdue(
            self.now, case.clock_at, case.due_at, record.zone, self.fired, case.acknowledged_at, stood
        )
        due = [timed for timed in due if case.active or timed.step.closed]
        if who is None:
            return due
        return [
            replace(timed, step=replace(timed.step, audience=who))
            if timed.step.audience.kind is AudienceKind.IN_CHARGE
            else timed
            for timed in due
        ]

    def _waiting(self, record: Record, fired: Fired) -> list[Timed]:
        case, stood = self.case, Pauses.of(self.stood)
        waiting = self.timing.waiting(case.clock_at, case.due_at, record.zone, fired, case.acknowledged_at, stood)
        return [timed for timed in waiting if case.active or timed.step.closed]

    def _in_charge(self, record: Record) -> Audience | None:
        """Find whom the table of due times puts in charge of the record's stage, until somebody takes the case."""
        table = self.bound.rule.due.table if self.bound.rule.due else None
        if table is None or self.case.in_charge:
            return None
        entry = table.entry(spell_stage(record.fields.get(table.per)))
        return entry.who if entry else None

    def _decide(self, record: Record, due: Sequence[Timed]) -> Move:
        move = Move(self.case, None, record)
        alive = []
        for timed in due:
            ending = self._ending(timed, record)
            if ending:
                move.ended.append((timed, ending))
            else:
                alive.append(timed)
        later: list[dt.datetime] = []
        for timed in alive:
            if _overtaken(timed, alive):
                move.ended.append((timed, "overtaken"))
                continue
            reached = self._resolve(timed.step, record)
            if reached.people or reached.crowd:
                move.leaving.append((timed, reached))
            else:
                later.append(reached.wait_until or self.now + dt.timedelta(hours=1))
                move.lines.append(("waits", _nobody_yet(timed.step, reached)))
        gone = [timed for timed, _ in (*move.ended, *move.leaving) if timed.passed]
        move.lines += [("overtaken", _passed(timed)) for timed in gone]
        move.next_at = min([*later, *self._next(record, move)], default=None)
        return move

    def _ending(self, timed: Timed, record: Record) -> str:
        """Tell how a step that came due ends without leaving, if it does."""
        expiry = self.timing.expiry(timed.step, timed.moment or self.now, self.case.due_at, self.case.clock_at)
        if expiry is not None and expiry <= self.now:
            return "expired"
        if not all(record.holds.get(str(condition), False) for condition in todays(self.live, timed.step).if_):
            return "skipped"
        return ""

    def _is_crowd(self, audience: Audience) -> bool:
        return is_crowd(audience, self.live.bound.noun)

    def _crowd(self, audience: Audience) -> int:
        """Count the people of an audience that may be many."""
        if audience.kind is AudienceKind.TOLD:
            with self.house.ledger.read() as connection:
                return outbox.count_told(connection, self.case.id)
        return self.sizes.get((audience.name, self.case.key), 0)

    def _resolve(self, step: Step, record: Record) -> Reached:
        if step.audience.kind is AudienceKind.WRITE:
            return Reached((Person(step.audience.written),))
        if step.do == "tell" and self._is_crowd(step.audience) and (crowd := self._crowd(step.audience)):
            return Reached((), crowd=crowd)
        told = []
        if step.audience.kind is AudienceKind.TOLD:
            with self.house.ledger.read() as connection:
                accepted = [
                    d for d in outbox.of_case(connection, self.case.id) if d.state == "accepted" and d.kind == "message"
                ]
            told = list(dict.fromkeys(unpack_person(one.person) for one in accepted))
        return self.house.audiences(self.live).resolve(
            step.audience,
            record,
            self.bound.rule.owner,
            self.now,
            in_charge=self.case.in_charge,
            assignee=self.case.assignee,
            told=told,
            urgent=step.urgent,
        )

    def _next(self, record: Record, move: Move) -> list[dt.datetime]:
        """Find the moments of the steps that come after those of this move."""
        after = dict(self.fired)
        for timed, state in [*move.ended, *((timed, "pending") for timed, _ in move.leaving)]:
            settled_at = None if state == "pending" else self.now
            key, moment = (timed.step.identity, timed.occurrence), timed.moment or self.now
            after[key] = Firing(0, self.case.id, *key, "", state, 0, moment, settled_at, None)
        waiting = self._waiting(record, after)
        return [timed.moment for timed in waiting if timed.moment is not None and timed.moment > self.now]


def todays(live: LiveRule, step: Step) -> Step:
    """Find a step in today's rule: its conditions and words count there, where it still stands (law 7)."""
    return next((each for each in live.bound.rule.steps if each.identity == step.identity), step)


def _overtaken(timed: Timed, alive: Sequence[Timed]) -> bool:
    """Tell whether a later step to the same audience is due as well: then only that one fires."""
    if timed.step.do in ALWAYS or timed.moment is None:
        return False
    return any(
        other.moment is not None
        and other.moment > timed.moment
        and other.step.audience.written == timed.step.audience.written
        and other.step.do not in ALWAYS
        for other in alive
    )


def _passed(timed: Timed) -> str:
    times = "once" if timed.passed == 1 else f"{timed.passed} times"
    return f"{timed.step.identity}; it had come {times} before"


def _nobody_yet(step: Step, reached: Reached) -> str:
    if reached.wait_until:
        return f"{step.identity}: nobody is on duty until {reached.wait_until:%Y-%m-%d %H:%M} UTC"
    return f"{step.identity}: there is nobody to tell; name an operator in config/duly.yaml"
