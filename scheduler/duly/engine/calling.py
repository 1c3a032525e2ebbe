"""``call``: a call for a person to make, in the customer's waking hours, with what to say and what came of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import sqlalchemy as sa

from duly.api.person import Person
from duly.engine.addressing import channels_for, messages
from duly.engine.audience import Reached
from duly.engine.doing import Doing
from duly.engine.doorman import Ended, Fate, Later, Ready, told
from duly.engine.fair import fairest
from duly.engine.rung import AGAIN
from duly.ledger import journal, outbox, tasks
from duly.ledger.journal import Entry
from duly.ledger.tasks import NewTask
from duly.rules.model import Audience, AudienceKind
from duly.rules.step_file import CALL


class Call(Doing):
    """Gives one of the staff a call to make."""

    def look(self, ready: Ready, now: dt.datetime) -> Fate:
        """Find who makes the call, and write what they say, in their own language."""
        if ready.delivery.body is not None or ready.case is None:
            return ready
        if CALL in ready.person.refuses:
            return Ended(ready.delivery, "rejected", f"{ready.person.id} wants no call")
        reached = self._callers(ready, now)
        if not reached.people:
            return Later(ready.delivery, reached.wait_until or now + AGAIN, "there is nobody to make the call")
        with self.house.ledger.read() as connection:
            loads = tasks.loads(connection, [person.id for person in reached.people])
        id = fairest([person.id for person in reached.people], loads, ready.case.key)
        caller = next(person for person in reached.people if person.id == id)
        values = {
            **told(ready.delivery, ready.live, ready.case, ready.record),
            "name": caller.name,
            "rule": ready.live.bound.rule.title,
            "whom": ready.person.name,
            "number": ready.person.addresses.get("phone", ""),
        }
        composer, zone = self.house.composer(), ready.zone or self.house.directory.zone
        return replace(ready, to=id, words=composer.compose(ready.delivery.template, CALL, caller.lang, values, zone))

    def carry_out(self, connection: sa.Connection, ready: Ready, now: dt.datetime) -> None:
        """Write the task down, and tell who makes the call."""
        one, case = ready.delivery, ready.case
        if case is None:
            return
        known = self.house.directory.staff.get(ready.to)
        caller = known.person if known else Person(ready.to, ready.to, staff=True)
        due_at = case.due_at if case.due_at and case.due_at > now else None
        number = ready.person.addresses.get("phone", "")
        new = NewTask(
            one.intent_key, one.rule_id, case.id, ready.person.name, number, caller.id, ready.words.body, due_at
        )
        task_id = tasks.put(connection, new, now)
        detail = f"{caller.name or caller.id} is to call, task {task_id}"
        journal.write(connection, [Entry(now, "call asked", detail, one.rule_id, case.id, one.id)])
        step = next((each for each in ready.live.bound.rule.steps if each.identity == one.extra["step"]), None)
        by = channels_for(caller, step.by if step else (), self.house.settings.by)
        new_messages = messages(
            caller,
            by,
            intent=f"{one.intent_key} caller",
            rule_id=one.rule_id,
            template="duly/call",
            audience=caller.id,
            not_before=now,
            urgent=one.urgent,
            extra={"step": one.extra["step"], "round": one.extra["round"], "values": call_values(task_id, new)},
            firing_id=one.firing_id,
            case_ids=(case.id,),
        )
        outbox.put(connection, new_messages, now)

    def _callers(self, ready: Ready, now: dt.datetime) -> Reached:
        """Find who may make the call: whom the step names, else the record's assignee, else the owner's on duty."""
        rule, record, case = ready.live.bound.rule, ready.record, ready.case
        if record is None or case is None:
            return Reached(())
        step = next((each for each in rule.steps if each.identity == ready.delivery.extra["step"]), None)
        audiences = self.house.audiences(ready.live)
        who = step.who if step else None
        if who is None and (case.assignee or "assignee" in record.staff):
            assignee = Audience("assignee", AudienceKind.NAME, "assignee")
            present = audiences.resolve(
                assignee, record, rule.owner, now, in_charge=case.in_charge, assignee=case.assignee
            )
            if present.people and not present.instead_of:
                return present
        if who is None:
            is_team = rule.owner in self.house.directory.teams
            kind = AudienceKind.ON_DUTY if is_team else AudienceKind.OWNER
            who = Audience(f"{rule.owner} on duty" if is_team else "owner", kind, rule.owner)
        return audiences.resolve(
            who,
            record,
            rule.owner,
            now,
            in_charge=case.in_charge,
            assignee=case.assignee,
            urgent=ready.delivery.urgent,
        )


def call_values(task_id: int, task: NewTask | tasks.Task) -> dict[str, object]:
    """Give what the message about a call may name."""
    return {"task": task_id, "whom": task.name, "number": task.number, "words": task.script}
