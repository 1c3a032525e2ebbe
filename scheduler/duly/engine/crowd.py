"""Many people who hear of one record: the residents of a building, or whoever was told before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from duly.api.person import Person
from duly.engine.house import House
from duly.engine.live import LiveRule
from duly.engine.record_json import unpack_person
from duly.engine.source import SourceDown
from duly.ledger import cases, fan_outs, firings, journal, outbox
from duly.ledger.cases import Case
from duly.ledger.fan_outs import FanOut
from duly.ledger.journal import Entry
from duly.ledger.outbox import NewDelivery
from duly.rules.model import Audience, AudienceKind, Step
from duly.rules.noun import Noun
from duly.rules.plan import Plan

AGAIN = dt.timedelta(minutes=1)
"""When to go on with people who cannot be read now."""
SHOUT = 500
"""How many people's deliveries are written in one transaction."""

Sizes = Mapping[tuple[str, bytes], int]
"""How many people a word of the noun means, by the word and the record's key."""
Write = Callable[[LiveRule, Case, Step, Sequence[Person], FanOut, dt.datetime], list[NewDelivery]]


def is_crowd(audience: Audience, noun: Noun) -> bool:
    """Tell whether an audience may be too many people to hold in memory."""
    if audience.kind is AudienceKind.TOLD:
        return any(person.many for person in noun.people.values())
    return audience.kind is AudienceKind.NAME and audience.name in noun.people and bool(noun.people[audience.name].many)


def word_of(id: str, plan: Plan) -> str:
    """Find the word by which the noun means somebody among many others; empty for anybody else."""
    return max((who for who in plan.crowds if id.startswith(f"{who} ")), key=len, default="")


class Crowds:
    """Counts the many people of records, and writes their deliveries batch by batch.

    A firing that is for many people notes in the ledger, in its own transaction, that they are to be told. Who they
    are is read afterwards, a batch at a time. After a crash they are all read again: a delivery that is there already
    is not written twice, for its intent says whom it is for.

    Parameters
    ----------
    house: the ledger, the live rules and the sources.
    write: makes the deliveries of some people.
    """

    def __init__(self, house: House, write: Write) -> None:
        self._house = house
        self._write = write

    def sizes(self, live: LiveRule, steps: Collection[Step], batch: Sequence[Case], now: dt.datetime) -> Sizes:
        """Count whom the steps might tell of each case.

        Raises
        ------
        SourceDown: the source cannot be asked.
        """
        source, keys = self._house.sources[live.source], sorted({case.key for case in batch})
        words = {step.audience.name for step in steps if is_crowd(step.audience, live.bound.noun)} & set(
            live.plan.crowds
        )
        return {
            (who, key): size
            for who in sorted(words)
            for key, size in source.crowd_sizes(live.plan, who, keys, now).items()
        }

    def spread(self, now: dt.datetime) -> dt.datetime | None:
        """Write the deliveries of everybody whom firings have asked for.

        Returns
        -------
        When to go on with those who could not be read now.
        """
        while True:
            with self._house.ledger.read() as connection:
                rule_ids = self._house.at_work(connection)
                earliest = fan_outs.earliest(connection, rule_ids)
            if earliest is None or earliest > now:
                return earliest
            with self._house.ledger.write() as connection:
                one = fan_outs.claim(connection, now, rule_ids, self._house.node)
                case = cases.get(connection, [one.case_id])[one.case_id] if one else None
            if one is None or case is None:
                return now + AGAIN  # another node has it in hand
            self._spread(self._house.rules[case.rule_id], case, one, now)

    def _spread(self, live: LiveRule, case: Case, one: FanOut, now: dt.datetime) -> None:
        version = self._house.rules.version(case.version_id)
        step = next((each for each in (version or (live.bound,))[0].rule.steps if each.identity == one.step), None)
        if step is None:
            self._wait(live, case, one, "its step is no longer to be found", now)
            return
        read, written = 0, 0
        try:
            for people in self._people(live, case, step.audience, one, now):
                with self._house.ledger.write() as connection:
                    if not fan_outs.go_on(connection, one, now):
                        return
                    written += len(outbox.put(connection, self._write(live, case, step, people, one, now), now))
                read += len(people)
        except SourceDown as down:
            self._wait(live, case, one, str(down), now)
            return
        with self._house.ledger.write() as connection:
            if fan_outs.go_on(connection, one, now):
                fan_outs.finish(connection, one)
                if not read:
                    firings.give_up(connection, one.firing_id, now)
                    cases.set_next(connection, case.id, live.bound.next_slot(now))
                detail = f"{one.step}: {written} messages"
                journal.write(connection, [Entry(now, "for many", detail, case.rule_id, case.id)])

    def _people(
        self, live: LiveRule, case: Case, audience: Audience, one: FanOut, now: dt.datetime
    ) -> Iterator[Sequence[Person]]:
        if audience.kind is AudienceKind.TOLD:
            yield from self._told(case, one)
            return
        for batch in self._house.sources[live.source].crowd(live.plan, audience.name, case.key, now):
            for start in range(0, len(batch), SHOUT):
                yield batch[start : start + SHOUT]

    def _told(self, case: Case, one: FanOut) -> Iterator[Sequence[Person]]:
        after = 0
        while True:
            with self._house.ledger.read() as connection:
                batch = outbox.told(connection, case.id, one.firing_id, after, SHOUT)
            if not batch:
                return
            after = batch[-1][0]
            yield [unpack_person(person) for _, person in batch]

    def _wait(self, live: LiveRule, case: Case, one: FanOut, reason: str, now: dt.datetime) -> None:
        with self._house.ledger.write() as connection:
            if fan_outs.put_back(connection, one, now + AGAIN, reason) and reason != one.reason:
                journal.write(connection, [Entry(now, "waits", f"{one.step}: {reason}", live.row.id, case.id)])
