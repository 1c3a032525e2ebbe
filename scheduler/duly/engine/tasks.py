"""Tasks for actions: what a step gives an action to do, and carrying out what it wishes for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from duly.api.action import Task
from duly.api.person import Person
from duly.engine.addressing import channels_for, messages
from duly.engine.doorman import Ready
from duly.engine.house import House
from duly.engine.record_json import values
from duly.ledger import cases, journal, outbox
from duly.ledger.journal import Entry
from duly.ledger.outbox import NewDelivery
from duly.rules.by import parse_by
from duly.rules.model import Step


@dataclass(frozen=True, slots=True)
class Wishes:
    """What an action has asked for, read and found to make sense."""

    handed_to: Person | None
    messages: Sequence[NewDelivery]


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
            assignee=ready.case.assignee,
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

    def wishes(self, ready: Ready, task: Task, now: dt.datetime) -> Wishes:
        """Read what an action has asked for.

        Raises
        ------
        TypeError, ValueError: the action's author has put something else there than the API says.
        """
        step, one, extra = self._step(ready), ready.delivery, dict(ready.delivery.extra)
        if task.handed_to is not None:
            extra["values"] = {"handed_to": _person(task.handed_to).name}
        new = [
            message
            for place, told in enumerate(task.told)
            for message in messages(
                _person(told.person),
                channels_for(told.person, parse_by([_text(told.by)]) if told.by else step.by, self._house.settings.by),
                intent=f"{one.intent_key} {place}",
                rule_id=one.rule_id,
                template=_text(told.text) or one.template,
                audience=one.audience,
                not_before=now,
                urgent=one.urgent,
                extra=extra,
                firing_id=one.firing_id,
                expires_at=one.expires_at,
                case_ids=(ready.case.id,) if ready.case else (),
                group=step.identity if step.group and not told.text else "",
            )
        ]
        return Wishes(task.handed_to, new)

    @staticmethod
    def carry_out(connection: sa.Connection, ready: Ready, wishes: Wishes, now: dt.datetime) -> None:
        """Write down what an action asked for, in the transaction that accepts it."""
        one, person = ready.delivery, wishes.handed_to
        if person is not None and ready.case is not None:
            cases.hand_to(connection, ready.case.id, person.id)
            detail = f"{person.name or person.id} has it now"
            journal.write(connection, [Entry(now, "handed", detail, one.rule_id, ready.case.id, one.id)])
        outbox.put(connection, wishes.messages, now)

    def _step(self, ready: Ready) -> Step:
        """Find the step that the task belongs to, on the ladder on which its case started."""
        version = self._house.rules.version(ready.case.version_id) if ready.case else None
        rule = version[0].rule if version else ready.live.bound.rule
        return next(step for step in rule.steps if step.identity == ready.delivery.extra["step"])


def _person(given: object) -> Person:
    if not isinstance(given, Person):
        raise TypeError(f"an action named a {type(given).__name__} where a duly.Person belongs")
    return given


def _text(given: object) -> str:
    if not isinstance(given, str):
        raise TypeError(f"an action named a {type(given).__name__} where a text belongs")
    return given
