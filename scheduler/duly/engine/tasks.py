"""Tasks for actions: what a step gives an action to do, and carrying out what the action asks for."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from duly.api.action import Task
from duly.engine.addressing import channels_for, messages
from duly.engine.doorman import Ready
from duly.engine.house import House
from duly.engine.record_json import values
from duly.ledger import cases, journal, outbox
from duly.ledger.journal import Entry
from duly.rules.by import parse_by
from duly.rules.model import Step


class Tasks:
    """Makes tasks, and carries out what they ask for.

    Parameters
    ----------
    house: the live rules and the people.
    """

    def __init__(self, house: House) -> None:
        self._house = house

    def make(self, ready: Ready, now: dt.datetime) -> Task:
        """Make the task of an action that is about to run."""
        if ready.case is None or ready.record is None:
            raise RuntimeError("an action was about to run without a case: every action belongs to a step of one")
        step = self._step(ready)
        audiences = self._house.audiences(ready.live)
        reached = audiences.resolve(
            step.audience,
            ready.record,
            ready.live.bound.rule.owner,
            now,
            in_charge=ready.case.in_charge,
            urgent=True,
        )
        return Task(
            id=ready.delivery.intent_key,
            rule=ready.live.bound.rule.id,
            audience=step.audience.written,
            people=reached.people,
            holder=audiences.holder(ready.record, ready.case.in_charge, now),
            record=values(ready.record),
        )

    def carry_out(self, connection: sa.Connection, ready: Ready, task: Task, now: dt.datetime) -> None:
        """Write down what an action asked for, in the transaction that accepts it."""
        if ready.case is None:
            return
        step, one = self._step(ready), ready.delivery
        extra = dict(one.extra)
        if task.handed_to is not None:
            cases.hand_to(connection, ready.case.id, task.handed_to.id)
            extra["values"] = {"handed_to": task.handed_to.name}
            detail = f"{task.handed_to.name or task.handed_to.id} has it now"
            journal.write(connection, [Entry(now, "handed", detail, one.rule_id, ready.case.id, one.id)])
        for place, told in enumerate(task.told):
            by = parse_by([told.by]) if told.by else step.by
            new = messages(
                told.person,
                channels_for(told.person, by, self._house.settings.by),
                intent=f"{one.intent_key} {place}",
                rule_id=one.rule_id,
                template=told.text or one.template,
                audience=one.audience,
                not_before=now,
                urgent=one.urgent,
                extra=extra,
                firing_id=one.firing_id,
                expires_at=one.expires_at,
                case_ids=(ready.case.id,),
            )
            outbox.put(connection, new, now)

    def _step(self, ready: Ready) -> Step:
        """Find the step that the task belongs to, on the ladder on which its case started."""
        version = self._house.rules.version(ready.case.version_id) if ready.case else None
        rule = version[0].rule if version else ready.live.bound.rule
        return next(step for step in rule.steps if step.identity == ready.delivery.extra["step"])
