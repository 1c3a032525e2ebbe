"""The ladder: between checks it fires the steps that have come due, and writes their deliveries into the outbox."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from duly.api.person import Person
from duly.engine.addressing import channels_for, intent_key, messages
from duly.engine.audience import Reached
from duly.engine.check import why_not
from duly.engine.crowd import Crowds, Sizes, is_crowd
from duly.engine.holding import hold_due, hold_these
from duly.engine.house import House
from duly.engine.live import LiveRule
from duly.engine.notices import Notices
from duly.engine.occurrences import Fired
from duly.engine.pauses import Pauses, begun
from duly.engine.record_json import pack, pack_person, unpack, unpack_person
from duly.engine.rule_pause import RulePauses
from duly.engine.source import SourceDown
from duly.engine.standstill import told
from duly.engine.timing import Timed, Timing
from duly.ledger import cases, fan_outs, firings, journal, outbox, pauses, rule_pauses
from duly.ledger.cases import Case
from duly.ledger.fan_outs import FanOut
from duly.ledger.firings import Firing, NewFiring
from duly.ledger.journal import Entry
from duly.ledger.outbox import NewDelivery
from duly.ledger.pauses import Pause
from duly.rules.anniversary import has_begun_anew
from duly.rules.bind import BoundRule
from duly.rules.model import Audience, AudienceKind, By, Step
from duly.rules.record import Record, spell_stage
from duly.rules.step_file import CALL

BATCH = 256
STAFF_WAIT = dt.timedelta(minutes=15)
"""How long a message to staff waits for a source that is down before it leaves "as of hh:mm" (law 3)."""
AGAIN = dt.timedelta(minutes=1)
"""When to look again for what cannot be had now."""
JUST = dt.timedelta(seconds=1)
ALWAYS = frozenset({"assign", "write"})
"""Doings that are never overtaken (law 4)."""


@dataclass
class _Move:
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


class Ladder:
    """Fires steps.

    Parameters
    ----------
    house: the ledger, the live rules, the sources and the people.
    """

    def __init__(self, house: House) -> None:
        self._house = house
        self._notices = Notices(house)
        self._pauses = RulePauses(house)
        self._crowds = Crowds(house, self._deliveries_to_many)

    def fire(self, now: dt.datetime) -> dt.datetime | None:
        """Fire everything that has come due by ``now``.

        Returns
        -------
        When to look again; ``None`` when no case waits for anything.
        """
        self._pauses.end_over(now)
        held_floods = False
        while True:
            later = self._crowds.spread(now)
            with self._house.ledger.read() as connection:
                rule_ids = self._house.at_work(connection)
                earliest = cases.earliest(connection, rule_ids)
                awake = rule_pauses.earliest_end(connection)
            if earliest is None or earliest > now:
                return min((at for at in (earliest, later, awake) if at is not None), default=None)
            if not held_floods:
                self._hold_floods(rule_ids, now)
                held_floods = True
            with self._house.ledger.read() as connection:
                batch = cases.due(connection, now, rule_ids, BATCH)
                fired = firings.of_cases(connection, [case.id for case in batch])
                stood = pauses.of_cases(connection, [case.id for case in batch])
            for rule_id in sorted({case.rule_id for case in batch}):
                mine = [case for case in batch if case.rule_id == rule_id]
                self._fire_rule(self._house.rules[rule_id], mine, fired, stood, now)

    def _hold_floods(self, rule_ids: Collection[int], now: dt.datetime) -> None:
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
            rung = _Rung(self._house, live, bound, timing, case, before, still, now, {})
            steps = [timed.step for timed in rung.due(unpack(case.record, case.key))]
            if steps and all(step.group for step in steps):
                grouped.append(steps[-1].identity)
        return len(grouped) - len(set(grouped))

    def _fire_rule(
        self,
        live: LiveRule,
        batch: Sequence[Case],
        fired: Mapping[int, Fired],
        stood: Mapping[int, Sequence[Pause]],
        now: dt.datetime,
    ) -> None:
        versions = {case.id: self._house.rules.version(case.version_id) or (live.bound, live.timing) for case in batch}
        sizes: Sizes = {}
        try:
            records = self._ask(live, batch, now)
            steps = [step for bound, _ in versions.values() for step in bound.rule.steps]
            sizes = self._crowds.sizes(live, steps, batch, now)
        except SourceDown:
            records = None
        moves = []
        for case in batch:
            before, still = fired.get(case.id, {}), stood.get(case.id, ())
            rung = _Rung(self._house, live, *versions[case.id], case, before, still, now, sizes)
            moves.append(rung.without_source() if records is None else rung.with_record(records.get(case.key)))
        moves = self._without_floods(live, moves, now)
        with self._house.ledger.write() as connection:
            self._carry_out(connection, live, moves, now)

    def _without_floods(self, live: LiveRule, moves: Sequence[_Move], now: dt.datetime) -> list[_Move]:
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

    def _ask(self, live: LiveRule, batch: Sequence[Case], now: dt.datetime) -> dict[bytes, Record]:
        """Ask what today's rule says of the records, and for older ladders what only their steps' ``if`` names."""
        source, day = self._house.sources[live.source], live.bound.next_day(now)
        records = source.lookup(live.plan, [case.key for case in batch], now, day)
        asked = set(live.plan.conditions)
        for version_id in {case.version_id for case in batch}:
            version = self._house.rules.version(version_id)
            if version is None or {each for step in version[0].rule.steps for each in step.if_} <= asked:
                continue
            keys = [case.key for case in batch if case.version_id == version_id and case.key in records]
            for key, record in source.lookup(version[0].plan, keys, now, day).items():
                records[key] = replace(records[key], holds={**record.holds, **records[key].holds})
        return records

    def _carry_out(self, connection: sa.Connection, live: LiveRule, moves: Sequence[_Move], now: dt.datetime) -> None:
        """Write down what a batch of cases does, but for those that another node has moved meanwhile."""
        steps = [(move.case, move.next_at, _kept(move, now)) for move in moves]
        ours = cases.advance(connection, steps)
        mine = [move for move in moves if move.case.id in ours]
        ended = [_new_firing(move.case, timed, state) for move in mine for timed, state in move.ended]
        pending = [_new_firing(move.case, timed, "pending") for move in mine for timed, _ in move.leaving]
        written = firings.fire(connection, [*ended, *pending], now)
        deliveries: list[NewDelivery] = []
        entries: list[Entry] = []
        for move in mine:
            case = move.case
            lines = [*move.lines, *((state, timed.step.identity) for timed, state in move.ended)]
            timing = (self._house.rules.version(case.version_id) or (live.bound, live.timing))[1]
            for timed, reached in move.leaving:
                step = timed.step
                if (case.id, step.identity, timed.occurrence) not in written:
                    continue
                firing_id, round_ = written[(case.id, step.identity, timed.occurrence)]
                expires_at = timing.expiry(step, timed.moment or now, case.due_at, case.clock_at)
                if reached.crowd:
                    one = FanOut(firing_id, case.id, step.identity, round_, expires_at, move.blind)
                    entries += self._begin_fan_out(connection, case, timed, one, now)
                else:
                    new = self._deliveries(live, case, step, reached.people, firing_id, round_, expires_at, now)
                    if timed.occurrence:
                        new, replaced = self._in_place_of_earlier(connection, case, timed, new, now)
                        entries += replaced
                    deliveries += _blind(new) if move.blind else new
                lines.append(("fired", f"{step.identity}{_instead(reached)}"))
            entries += [Entry(now, event, detail, case.rule_id, case.id) for event, detail in lines]
        pauses.begin(connection, [pause for move in mine for pause in move.begun])
        outbox.put(connection, deliveries, now)
        journal.write(connection, entries)

    def _in_place_of_earlier(
        self, connection: sa.Connection, case: Case, timed: Timed, new: Sequence[NewDelivery], now: dt.datetime
    ) -> tuple[list[NewDelivery], list[Entry]]:
        """Cancel what earlier occurrences have waiting, so that the hour come they do not leave all at once (law 4).

        What takes their place has failed for as long as they had, so that its fall-back is not put off for ever.
        """
        earlier = firings.overtake(connection, case.id, timed.step.identity, timed.occurrence, now)
        failing = {(one.person.get("id"), one.channel): one.failing_since for one in earlier}
        entries = [
            Entry(now, "cancelled", firings.CAME_AGAIN, case.rule_id, case.id, one.delivery_id) for one in earlier
        ]
        return [replace(one, failing_since=failing.get((one.person.get("id"), one.channel))) for one in new], entries

    def _begin_fan_out(
        self, connection: sa.Connection, case: Case, timed: Timed, one: FanOut, now: dt.datetime
    ) -> list[Entry]:
        """Ask for the deliveries to many people; those of earlier occurrences are not waited for."""
        replaced: list[Entry] = []
        if timed.occurrence:
            fan_outs.drop_earlier(connection, case.id, one.step, timed.occurrence)
            _, replaced = self._in_place_of_earlier(connection, case, timed, [], now)
        fan_outs.begin(connection, case.rule_id, one, now)
        return replaced

    def _deliveries_to_many(
        self, live: LiveRule, case: Case, step: Step, people: Sequence[Person], one: FanOut, now: dt.datetime
    ) -> list[NewDelivery]:
        new = self._deliveries(live, case, step, people, one.firing_id, one.round, one.expires_at, now)
        return _blind(new) if one.blind else new

    def _deliveries(
        self,
        live: LiveRule,
        case: Case,
        step: Step,
        people: Sequence[Person],
        firing_id: int,
        round_: int,
        expires_at: dt.datetime | None,
        now: dt.datetime,
    ) -> list[NewDelivery]:
        intent = f"{firing_id} {round_}"
        extra = {"between": step.between.written if step.between else "", "step": step.identity, "round": round_}
        if step.group:
            extra["group"] = step.group
        if step.closed:
            extra["closed"] = step.closed
        words = todays(live, step).text
        if step.do != "tell":
            whom = people[0] if step.do == CALL else None
            return [
                NewDelivery(
                    intent_key=intent_key(intent, step.do),
                    rule_id=live.row.id,
                    kind="action",
                    channel=action_channel(step.do),
                    fallbacks=[],
                    audience=step.audience.written,
                    person=pack_person(whom) if whom else {},
                    staff=whom is None,
                    template=words,
                    urgent=step.urgent,
                    not_before=now,
                    extra=extra,
                    firing_id=firing_id,
                    expires_at=expires_at,
                    case_ids=(case.id,),
                )
            ]
        return [
            one
            for person in people
            for one in messages(
                person,
                channels_for(person, step.by, self._house.settings.by),
                intent=intent,
                rule_id=live.row.id,
                template=words,
                audience=step.audience.written,
                not_before=now,
                urgent=step.urgent,
                extra=extra,
                firing_id=firing_id,
                expires_at=expires_at,
                case_ids=(case.id,),
                group=step.identity if step.group else "",
            )
        ]


def todays(live: LiveRule, step: Step) -> Step:
    """Find a step in today's rule: its conditions and words count there, where it still stands (law 7)."""
    return next((each for each in live.bound.rule.steps if each.identity == step.identity), step)


def action_channel(name: str) -> str:
    """Give the name under which an action's tasks wait in the outbox, apart from every channel's."""
    return f"action {name}"


@dataclass
class _Rung:
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

    def with_record(self, record: Record | None) -> _Move:
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

    def _after_closing(self, record: Record | None) -> _Move:
        """Tell of the closing; whether the record matches is not asked, for that it does not is what is told."""
        kept = record or unpack(self.case.record, self.case.key)
        move = self._decide(kept, self.due(kept))
        move.record = record
        return move

    def without_source(self) -> _Move:
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

    def _wait_for_check(self, record: Record | None) -> _Move:
        """The record has changed; what that means for the case is for the next check to say."""
        if record is None:
            because = "the record is no longer there"
        elif record.candidate and self._is_elsewhere(record):
            because = f"its clock is now {record.candidate.clock}"
        else:
            because = why_not(self.live, record) or "it is done"
        return _Move(self.case, self.live.bound.next_slot(self.now), lines=[("not fired", because)])

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

    def _decide(self, record: Record, due: Sequence[Timed]) -> _Move:
        move = _Move(self.case, None, record)
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

    def _next(self, record: Record, move: _Move) -> list[dt.datetime]:
        """Find the moments of the steps that come after those of this move."""
        after = dict(self.fired)
        for timed, state in [*move.ended, *((timed, "pending") for timed, _ in move.leaving)]:
            settled_at = None if state == "pending" else self.now
            key, moment = (timed.step.identity, timed.occurrence), timed.moment or self.now
            after[key] = Firing(0, self.case.id, *key, "", state, 0, moment, settled_at, None)
        waiting = self._waiting(record, after)
        return [timed.moment for timed in waiting if timed.moment is not None and timed.moment > self.now]


def _blind(new: Sequence[NewDelivery]) -> list[NewDelivery]:
    """Mark deliveries as written while the source was down."""
    return [replace(one, extra={**one.extra, "blind": True}) for one in new]


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


def _kept(move: _Move, now: dt.datetime) -> Mapping[str, Any]:
    """Give the record as the case keeps it from now on."""
    return move.case.record if move.record is None or move.blind else pack(move.record, now)


def _new_firing(case: Case, timed: Timed, state: str) -> NewFiring:
    step = timed.step
    moment = timed.moment or case.clock_at
    return NewFiring(case.id, step.identity, timed.occurrence, step.audience.written, moment, state)


def _passed(timed: Timed) -> str:
    times = "once" if timed.passed == 1 else f"{timed.passed} times"
    return f"{timed.step.identity}; it had come {times} before"


def _instead(reached: Reached) -> str:
    if not reached.instead_of:
        return ""
    names = ", ".join(person.name or person.id for person in reached.people)
    return f"; nobody is {reached.instead_of}, so {names} hears"


def _nobody_yet(step: Step, reached: Reached) -> str:
    if reached.wait_until:
        return f"{step.identity}: nobody is on duty until {reached.wait_until:%Y-%m-%d %H:%M} UTC"
    return f"{step.identity}: there is nobody to tell; name an operator in config/duly.yaml"
