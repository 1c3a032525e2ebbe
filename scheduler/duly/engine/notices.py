"""What Duly itself has to say: to a rule's owner, or to the operator."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from duly.api.person import Person
from duly.engine.addressing import channels_for, messages
from duly.engine.house import House
from duly.engine.live import LiveRule
from duly.ledger import journal, outbox
from duly.ledger.journal import Entry


class Notices:
    """Writes Duly's own messages into the outbox, like any other.

    Parameters
    ----------
    house: the ledger, the live rules and the people.
    """

    def __init__(self, house: House) -> None:
        self._house = house

    def held(self, connection: sa.Connection, live: LiveRule, count: int, reason: str, now: dt.datetime) -> None:
        """Tell a rule's owner that cases are held, and how to release them."""
        self._held(connection, live, count, reason, now, f"{reason} {now:%Y-%m-%dT%H:%M:%S}")

    def flooded(self, connection: sa.Connection, live: LiveRule, count: int, reason: str, now: dt.datetime) -> None:
        """Tell a rule's owner that it is over its limit: once an hour, however many cases are held one by one."""
        self._held(connection, live, count, reason, now, f"flooded {now:%Y-%m-%dT%H}")

    def failing(self, connection: sa.Connection, live: LiveRule, failures: int, reason: str, now: dt.datetime) -> None:
        """Tell the operator that a rule's checks fail again and again."""
        operator = self._house.audiences(live).operator()
        self._tell(
            connection, live, operator, "duly/check-failed", {"count": failures, "reason": reason}, now, str(now)
        )

    def refused(self, connection: sa.Connection, live: LiveRule, reason: str, now: dt.datetime) -> None:
        """Tell the owner and the operator that a check refused to close most of a rule's cases."""
        audiences = self._house.audiences(live)
        people = dict.fromkeys([*audiences.owner(live.bound.rule.owner, now), *audiences.operator()])
        self._tell(connection, live, list(people), "duly/refused", {"reason": reason}, now, str(now))

    def _held(
        self, connection: sa.Connection, live: LiveRule, count: int, reason: str, now: dt.datetime, intent: str
    ) -> None:
        owner = self._house.audiences(live).owner(live.bound.rule.owner, now)
        self._tell(connection, live, owner, "duly/held", {"count": count, "reason": reason}, now, intent)

    def _tell(
        self,
        connection: sa.Connection,
        live: LiveRule,
        people: Sequence[Person],
        template: str,
        values: Mapping[str, object],
        now: dt.datetime,
        intent: str,
    ) -> None:
        extra = {"values": {**values, "rule": live.row.title, "rule_id": live.row.path}}
        for person in people:
            by = channels_for(person, (), self._house.settings.by)
            new = messages(
                person,
                by,
                intent=f"{template} {live.row.path} {intent}",
                rule_id=live.row.id,
                template=template,
                audience=person.id,
                not_before=now,
                extra=extra,
            )
            outbox.put(connection, new, now)
        if not people:
            detail = "there is nobody to tell: name an operator in config/duly.yaml"
            journal.write(connection, [Entry(now, "nobody", detail, live.row.id)])
