"""How much a rule may send: caps on each record or person, and a pace."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from duly.engine.addressing import action_channel
from duly.engine.crowd import word_of
from duly.engine.doorman import Ready
from duly.engine.house import House
from duly.ledger import quota
from duly.rules.step_file import WRITE
from duly.time.zone import midnight


@dataclass(frozen=True, slots=True)
class Refusal:
    """A message that may not leave now: ``until`` when it may, or ``None`` for never."""

    until: dt.datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class _Quota:
    scope: str
    period: str
    limit: int
    refusal: Refusal
    of_record: bool = False


class Allowance:
    """Counts what leaves against the limits of its rule.

    Caps count messages to people of the record, not to staff; urgent messages pass caps and pace (law 5).

    Parameters
    ----------
    house: gives the desk's zone.
    """

    def __init__(self, house: House) -> None:
        self._house = house

    def take(
        self, connection: sa.Connection, ready: Ready, now: dt.datetime
    ) -> tuple[list[Ready], list[tuple[Ready, Refusal]]]:
        """Take a message's share of every limit, or none of them.

        A grouped message counts once against each of its records, and once against all other limits.

        Returns
        -------
        Which of its lines may leave, and which may not, each with the reason. A message of its own is its only line.
        """
        if not ready.lines:
            refusal = self._take(connection, self._quotas(ready, now))
            return ([], [(ready, refusal)]) if refusal else ([ready], [])
        allowed: list[Ready] = []
        refused: list[tuple[Ready, Refusal]] = []
        for line in ready.lines:
            refusal = self._take(connection, self._of_record(line, now))
            if refusal:
                refused.append((line, refusal))
            else:
                allowed.append(line)
        refusal = self._take(connection, self._of_message(ready, now)) if allowed else None
        if refusal is None:
            return allowed, refused
        for line in allowed:
            self._give_back(connection, self._of_record(line, now))
        return [], [*refused, *((line, refusal) for line in allowed)]

    def give_back(self, connection: sa.Connection, ready: Ready, now: dt.datetime) -> None:
        """Give a message's share back: it reached nobody."""
        if not ready.lines:
            self._give_back(connection, self._quotas(ready, now))
            return
        for line in ready.lines:
            self._give_back(connection, self._of_record(line, now))
        self._give_back(connection, self._of_message(ready, now))

    def _take(self, connection: sa.Connection, quotas: Iterable[_Quota]) -> Refusal | None:
        """Take one of each quota, or none; returns why not."""
        taken: list[_Quota] = []
        for one in quotas:
            if not quota.take(connection, one.scope, one.period, one.limit):
                for other in taken:
                    quota.give_back(connection, other.scope, other.period)
                return one.refusal
            taken.append(one)
        return None

    def _give_back(self, connection: sa.Connection, quotas: Iterable[_Quota]) -> None:
        for one in quotas:
            quota.give_back(connection, one.scope, one.period)

    def _of_record(self, ready: Ready, now: dt.datetime) -> list[_Quota]:
        return [one for one in self._quotas(ready, now) if one.of_record]

    def _of_message(self, ready: Ready, now: dt.datetime) -> list[_Quota]:
        return [one for one in self._quotas(ready, now) if not one.of_record]

    def _quotas(self, ready: Ready, now: dt.datetime) -> Iterator[_Quota]:
        delivery, rule = ready.delivery, ready.live.bound.rule
        writes = delivery.channel == action_channel(WRITE)
        if delivery.urgent or (delivery.staff and not writes):
            return
        today = self._house.local_day(now)
        for cap in (cap for cap in rule.limits.caps if cap.of_writes == writes):
            period = today.isoformat() if cap.per_day else ""
            until = midnight(today + dt.timedelta(days=1), self._house.directory.zone) if cap.per_day else None
            of = " writes" if writes else "" if cap.per_day else " messages"
            reason = f"each {cap.each}: {cap.amount}{of}{' a day' if cap.per_day else ''} at most"
            of_record = ready.case is not None and cap.each == ready.live.bound.noun.one
            scope = _scope(rule.id, cap.each, _whose(ready, cap.each), *(["writes"] if writes else []))
            yield _Quota(scope, period, cap.amount, Refusal(until, reason), of_record)
        if rule.limits.pace is not None and not writes:
            pace = rule.limits.pace
            begun = int(now.timestamp()) // pace.seconds
            until = dt.datetime.fromtimestamp((begun + 1) * pace.seconds, dt.UTC)
            reason = f"the pace is {pace.amount} in {pace.seconds} s"
            yield _Quota(_scope(rule.id, "pace"), str(begun), pace.amount, Refusal(until, reason))


def _whose(ready: Ready, each: str) -> str:
    """Spell what a cap counts by: the record, or the person whatever the record."""
    if ready.case is not None and each == ready.live.bound.noun.one:
        key = ready.case.key.decode()
        # A record with many people may tell each of them as often.
        return f"{key} {ready.person.id}" if word_of(ready.person.id, ready.live.plan) else key
    return json.dumps(dict(ready.person.addresses), sort_keys=True)


def _scope(*parts: str) -> str:
    """Spell what a quota counts, without addresses, and as short as its column: a key may be longer."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
