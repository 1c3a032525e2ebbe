"""``assign``: a record is given to somebody of a team, by how much they have to do and by what they are able to do."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import replace

import sqlalchemy as sa

from duly.api.verdict import Accepted, Verdict
from duly.engine.addressing import channels_for, messages
from duly.engine.audience import Audiences
from duly.engine.composer import Composed
from duly.engine.doing import Doing
from duly.engine.doorman import Fate, Later, Ready
from duly.engine.fair import fairest
from duly.engine.rung import AGAIN, todays
from duly.engine.writing import write
from duly.ledger import cases, journal, outbox
from duly.ledger.cases import Case
from duly.ledger.journal import Entry
from duly.rules.model import Step
from duly.rules.record import Record
from duly.rules.write import ASSIGNEE


class Assigning(Doing):
    """Gives a record to one of a team, and writes it back where the vocabulary says how."""

    needs_source = True
    one_by_one = True

    def look(self, ready: Ready, now: dt.datetime) -> Fate:
        """Choose who gets it, and freeze that."""
        case, record = ready.case, ready.record
        if ready.delivery.body is not None or case is None or record is None:
            return ready
        step = self._step(ready)
        audiences = self.house.audiences(ready.live)
        owner = ready.live.bound.rule.owner
        reached = audiences.resolve(
            step.audience, record, owner, now, in_charge=case.in_charge, urgent=ready.delivery.urgent
        )
        if not reached.people:
            return Later(ready.delivery, reached.wait_until or now + AGAIN, "there is nobody to assign it to")
        if reached.instead_of:
            return replace(ready, to=reached.people[0].id, words=Composed("", f"nobody is {reached.instead_of}"))
        id, because = self._choose(ready, step, [person.id for person in reached.people], record, case, audiences, now)
        return replace(ready, to=id, words=Composed("", because))

    def run(self, ready: Ready, now: dt.datetime) -> Verdict:
        """Write it back, where the vocabulary says how."""
        noun = ready.live.bound.noun
        if ASSIGNEE not in noun.writes or ready.record is None:
            return Accepted()
        staff = self.house.directory.staff.get(ready.to)
        ids = staff.ids.get(noun.source, ()) if staff else ()
        if not ids:
            return Accepted(f"{ready.to} has no id in {noun.source}, so nothing was written back")
        was = ready.record.staff.get(ASSIGNEE)
        return write(self.house, ready, ASSIGNEE, {"person": ids[0], "was": was}, now)

    def carry_out(self, connection: sa.Connection, ready: Ready, now: dt.datetime) -> None:
        """Put the case into their hands, and tell them."""
        one, case = ready.delivery, ready.case
        staff = self.house.directory.staff.get(ready.to)
        if case is None or staff is None:
            return
        person, because = staff.person, f": {ready.words.body}" if ready.words.body else ""
        cases.assign(connection, case.id, person.id)
        detail = f"{person.name or person.id} has it now{because}"
        journal.write(connection, [Entry(now, "handed", detail, one.rule_id, case.id, one.id)])
        new = messages(
            person,
            channels_for(person, self._step(ready).by, self.house.settings.by),
            intent=f"{one.intent_key} assigned",
            rule_id=one.rule_id,
            template=one.template,
            audience=one.audience,
            not_before=now,
            urgent=one.urgent,
            extra={**one.extra, "values": {"handed_to": person.name or person.id}},
            firing_id=one.firing_id,
            expires_at=one.expires_at,
            case_ids=(case.id,),
        )
        outbox.put(connection, new, now)

    def _choose(
        self,
        ready: Ready,
        step: Step,
        people: Sequence[str],
        record: Record,
        case: Case,
        audiences: Audiences,
        now: dt.datetime,
    ) -> tuple[str, str]:
        """Choose among those who are there: the able, with room, but not whoever has it, the least busy of them.

        Returns
        -------
        The id, and what there is to say about it.
        """
        staff, notes = self.house.directory.staff, []
        holder = audiences.holder(record, case.in_charge, now)
        others = [id for id in people if holder is None or id != holder.id] or list(people)
        able = others
        if step.skill and (needed := _skills(record.fields.get(step.skill))):
            able = [id for id in others if needed <= {skill.casefold() for skill in staff[id].skills}]
            if not able:
                able = others
                notes.append(f"nobody there is able to do “{', '.join(sorted(needed))}”")
        with self.house.ledger.read() as connection:
            loads = cases.loads(connection, people)
        roomy = [id for id in able if (limit := staff[id].capacity) is None or loads.get(id, 0) < limit]
        if not roomy:
            answers = audiences.owner(ready.live.bound.rule.owner, now)
            if answers:
                return answers[0].id, f"nobody of {step.audience.written} has room for it"
            roomy = able
        return fairest(roomy, loads, case.key), "; ".join(notes)

    def _step(self, ready: Ready) -> Step:
        """Find the step on the ladder on which its case started, with today's words (law 7)."""
        version = self.house.rules.version(ready.case.version_id) if ready.case else None
        rule = version[0].rule if version else ready.live.bound.rule
        return todays(ready.live, next(step for step in rule.steps if step.identity == ready.delivery.extra["step"]))


def _skills(written: object) -> set[str]:
    """Read what a record needs: one word, or several with commas between them."""
    words = re.split(r"[,，、;]", str(written or ""))
    return {word.strip().casefold() for word in words if word.strip()}
