"""A roundup at one slot: the sources are asked, and each recipient is sent one report."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from duly.api.person import Person
from duly.engine.addressing import channels_for, messages
from duly.engine.audience import Audiences
from duly.engine.case_source import CaseSource
from duly.engine.check import Checked
from duly.engine.gathering import CensusTaker, Gathered, Part, gather
from duly.engine.house import House
from duly.engine.live import LiveRule
from duly.engine.source import SourceDown
from duly.ledger import checks, journal, outbox, reports
from duly.ledger.checks import Claim
from duly.ledger.journal import Entry
from duly.ledger.outbox import NewDelivery
from duly.rules.bind import BoundRule
from duly.rules.model import Audience, AudienceKind
from duly.rules.own_cases import OWN
from duly.rules.record import Record, show_key
from duly.rules.roundup import Roundup

SHOWN = 10
_NOBODYS = Record(None, b"", matches=False, done=False)
_JUST = dt.timedelta(microseconds=1)


@dataclass
class Hearing:
    """Somebody who hears, and as whom; ``not_before`` is when the next shift begins, if nobody is on duty."""

    person: Person
    not_before: dt.datetime
    audiences: list[str] = field(default_factory=list)


class Roundups:
    """Sends roundups.

    Parameters
    ----------
    house: the ledger, the sources and the people.
    """

    def __init__(self, house: House) -> None:
        self._house = house

    def run(self, live: LiveRule, roundup: Roundup, slot: dt.datetime, now: dt.datetime) -> Checked | None:
        """Send the roundup of ``slot``, unless it has been sent or is being sent.

        Returns
        -------
        How it ended; ``None`` when it was not ours to run.
        """
        ledger, rule_id = self._house.ledger, live.row.id
        with ledger.write() as connection:
            last = checks.last(connection, rule_id)
            claim = checks.claim(connection, rule_id, slot, now, live.digest, self._house.node)
        if claim is None:
            return None
        since = period_start(live.bound, roundup, slot, last.slot if last else None)
        try:
            found = gather(live.bound, self._house.directory, self.source_of(live), since, slot, now)
        except SourceDown as down:
            return self._fail(live, claim, str(down), now)
        except Exception as error:
            self._fail(live, claim, f"Duly broke with {type(error).__name__}, which is our bug: see the log", now)
            raise
        with ledger.write() as connection:
            if not checks.finish(connection, claim, "done", now, found=found.found):
                return None
            self._send(connection, live, roundup, slot, found, now)
        return Checked("done")

    def source_of(self, live: LiveRule) -> Callable[[str], CensusTaker]:
        """Give what finds a source by its name, Duly's own cases among them."""

        def find(name: str) -> CensusTaker:
            if name == OWN:
                return CaseSource(self._house, live.bound.zone)
            return self._house.sources[name]

        return find

    def hearing(self, live: LiveRule, roundup: Roundup, part: Part, now: dt.datetime) -> list[Hearing]:
        """Find who hears of one part, each once; of a part of nothing, the owner does."""
        audiences = Audiences(self._house.directory, part.source, self._house.settings.operator)
        owner = live.bound.rule.owner
        if part.record is None and roundup.each:
            return [Hearing(person, now, ["owner"]) for person in audiences.owner(owner, now)]
        heard: dict[str, Hearing] = {}
        for audience in roundup.tell:
            people, not_before = _reached(audiences, audience, part.record or _NOBODYS, owner, now)
            for person in people:
                one = heard.setdefault(person.id, Hearing(person, not_before))
                one.not_before = min(one.not_before, not_before)
                one.audiences.append(audience.written)
        return list(heard.values())

    def _send(
        self,
        connection: sa.Connection,
        live: LiveRule,
        roundup: Roundup,
        slot: dt.datetime,
        found: Gathered,
        now: dt.datetime,
    ) -> None:
        """Write one delivery for each recipient of each part, and say in the journal what became of the slot."""
        lines: list[tuple[str, str]] = []
        if found.unreadable:
            lines.append(("unreadable", _unreadable(found.unreadable)))
        if not found.found and not roundup.empty:
            lines.append(("nothing", "there was nothing to report, so nobody was told"))
            self._note(connection, live, lines, now)
            return
        new: list[NewDelivery] = []
        for part in found.parts:
            number = reports.put(connection, live.row.id, slot, part.report.group, part.report.pack())
            hearing = self.hearing(live, roundup, part, now)
            new += [one for each in hearing for one in self._messages(live, roundup, slot, part, number, each)]
            whose = f" for {roundup.each} {part.report.group}" if part.report.group else ""
            names = ", ".join(each.person.name or each.person.id for each in hearing)
            if names:
                lines.append(
                    ("reported", f"{part.report.found:,} record{'s' * (part.report.found != 1)}{whose}, to {names}")
                )
            else:
                lines.append(("nobody", f"there is nobody to tell{whose}: name an operator in config/duly.yaml"))
        outbox.put(connection, new, now)
        self._note(connection, live, lines, now)

    def _messages(
        self, live: LiveRule, roundup: Roundup, slot: dt.datetime, part: Part, number: int, one: Hearing
    ) -> Sequence[NewDelivery]:
        return messages(
            one.person,
            channels_for(one.person, roundup.by, self._house.settings.by),
            intent=f"roundup {live.row.id} {slot.isoformat()} {part.report.group}",
            rule_id=live.row.id,
            template=roundup.text,
            audience=one.audiences[0],
            not_before=one.not_before,
            extra={
                "report": number,
                "slot": slot.isoformat(),
                "attach": roundup.attach,
                "audiences": one.audiences,
            },
        )

    def _fail(self, live: LiveRule, claim: Claim, reason: str, now: dt.datetime) -> Checked | None:
        with self._house.ledger.write() as connection:
            if not checks.finish(connection, claim, "failed", now, reason=reason):
                return None
            self._note(connection, live, [("check failed", reason)], now)
        return Checked("failed", reason=reason)

    def _note(
        self, connection: sa.Connection, live: LiveRule, lines: Sequence[tuple[str, str]], now: dt.datetime
    ) -> None:
        journal.write(connection, [Entry(now, event, detail, live.row.id) for event, detail in lines])


def period_start(bound: BoundRule, roundup: Roundup, slot: dt.datetime, last: dt.datetime | None) -> dt.datetime | None:
    """Find when the period of one slot begins.

    Parameters
    ----------
    last: the slot of the last report that was sent; the schedule's own one before when there is none.

    Returns
    -------
    ``None`` when the roundup tells of all there is.
    """
    if roundup.period is None:
        return None
    before = last if last is not None and last < slot else bound.latest_slot(slot - _JUST)
    return roundup.period.start(slot, before, bound.working)


def _reached(
    audiences: Audiences, audience: Audience, record: Record, owner: str, now: dt.datetime
) -> tuple[Sequence[Person], dt.datetime]:
    """Find whom an audience means, and when: a report for those on duty waits for the shift that comes next."""
    reached = audiences.resolve(audience, record, owner, now)
    if reached.wait_until is None:
        return reached.people, now
    shift = Audience(audience.written, AudienceKind.NEXT_SHIFT, audience.name)
    return audiences.resolve(shift, record, owner, now).people, reached.wait_until


def _unreadable(keys: Sequence[bytes]) -> str:
    shown = ", ".join(show_key(key) for key in keys[:SHOWN])
    more = f" and {len(keys) - SHOWN} more" if len(keys) > SHOWN else ""
    return f"{len(keys)} may be missing, for they have a time that cannot be read: {shown}{more}"
