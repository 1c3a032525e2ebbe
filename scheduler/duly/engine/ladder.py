"""The ladder: between checks it fires the steps that have come due, and writes their deliveries into the outbox."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from duly.api.person import Person
from duly.engine.addressing import action_channel, channels_for, intent_key, messages
from duly.engine.audience import Reached
from duly.engine.crowd import Crowds, Sizes
from duly.engine.floods import Floods
from duly.engine.house import House
from duly.engine.live import LiveRule
from duly.engine.occurrences import Fired
from duly.engine.record_json import pack, pack_person
from duly.engine.rule_pause import RulePauses
from duly.engine.rung import Move, Rung, todays
from duly.engine.source import SourceDown
from duly.engine.timing import Timed
from duly.ledger import cases, fan_outs, firings, journal, outbox, pauses, rule_pauses
from duly.ledger.cases import Case
from duly.ledger.fan_outs import FanOut
from duly.ledger.firings import NewFiring
from duly.ledger.journal import Entry
from duly.ledger.outbox import NewDelivery
from duly.ledger.pauses import Pause
from duly.rules.model import Step
from duly.rules.record import Record
from duly.rules.step_file import CALL

BATCH = 256


class Ladder:
    """Fires steps.

    Parameters
    ----------
    house: the ledger, the live rules, the sources and the people.
    """

    def __init__(self, house: House) -> None:
        self._house = house
        self._floods = Floods(house)
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
                self._floods.hold(rule_ids, now)
                held_floods = True
            with self._house.ledger.read() as connection:
                batch = cases.due(connection, now, rule_ids, BATCH)
                fired = firings.of_cases(connection, [case.id for case in batch])
                stood = pauses.of_cases(connection, [case.id for case in batch])
            for rule_id in sorted({case.rule_id for case in batch}):
                mine = [case for case in batch if case.rule_id == rule_id]
                self._fire_rule(self._house.rules[rule_id], mine, fired, stood, now)

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
            rung = Rung(self._house, live, *versions[case.id], case, before, still, now, sizes)
            moves.append(rung.without_source() if records is None else rung.with_record(records.get(case.key)))
        moves = self._floods.leave_out(live, moves, now)
        with self._house.ledger.write() as connection:
            self._carry_out(connection, live, moves, now)

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

    def _carry_out(self, connection: sa.Connection, live: LiveRule, moves: Sequence[Move], now: dt.datetime) -> None:
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
        if step.attach:
            extra["attach"] = step.attach
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


def _blind(new: Sequence[NewDelivery]) -> list[NewDelivery]:
    """Mark deliveries as written while the source was down."""
    return [replace(one, extra={**one.extra, "blind": True}) for one in new]


def _kept(move: Move, now: dt.datetime) -> Mapping[str, Any]:
    """Give the record as the case keeps it from now on."""
    return move.case.record if move.record is None or move.blind else pack(move.record, now)


def _new_firing(case: Case, timed: Timed, state: str) -> NewFiring:
    step = timed.step
    moment = timed.moment or case.clock_at
    return NewFiring(case.id, step.identity, timed.occurrence, step.audience.written, moment, state)


def _instead(reached: Reached) -> str:
    if not reached.instead_of:
        return ""
    names = ", ".join(person.name or person.id for person in reached.people)
    return f"; nobody is {reached.instead_of}, so {names} hears"
