"""The daily list of law 14: cases that are still open although their ladder is used up, for the owner of the rule."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

import sqlalchemy as sa

from duly.engine.addressing import channels_for, messages
from duly.engine.house import House
from duly.engine.live import LiveRule
from duly.engine.record_json import unpack
from duly.engine.report import MOST_KEPT, Column, Report, Table
from duly.ledger import cases, journal, outbox, reports
from duly.ledger.journal import Entry
from duly.rules.record import show_key
from duly.time.zone import local, midnight

WORDS = "duly/unfinished"
_COLUMNS = (Column("record"), Column("who"), Column("due"))


class Unfinished:
    """Tells owners, once a day, of what nobody hears of any more.

    Parameters
    ----------
    house: the ledger, the live rules and the people.
    """

    def __init__(self, house: House) -> None:
        self._house = house
        self._looked: dict[int, dt.date] = {}

    def look(self, live: LiveRule, now: dt.datetime) -> None:
        """Write the list of one rule, at its first check of the day in the owner's hours; an empty one is none."""
        bound, rule_id = live.bound, live.row.id
        today = local(now, bound.zone).date()
        if self._looked.get(rule_id) == today or not bound.rule.done:
            return
        opening = bound.working.next_opening(midnight(today, bound.zone))
        again = local(bound.next_slot(now), bound.zone).date()
        if local(opening, bound.zone).date() != today or (now < opening and again == today):
            return
        self._looked[rule_id] = today
        with self._house.ledger.write() as connection:
            left = cases.used_up(connection, rule_id, now)
            if left and not reports.is_there(connection, rule_id, opening, WORDS):
                self._tell(connection, live, left, opening, now)

    def _tell(
        self, connection: sa.Connection, live: LiveRule, left: Collection[int], opening: dt.datetime, now: dt.datetime
    ) -> None:
        sentence = f"{len(left)} open, and nobody hears of {'it' if len(left) == 1 else 'them'} any more"
        journal.write(connection, [Entry(now, "unfinished", sentence, live.row.id)])
        if WORDS not in self._house.rules.snapshot.words:
            return
        found = self._report(connection, live, left, now)
        number = reports.put(connection, live.row.id, opening, WORDS, found.pack())
        owner = self._house.audiences(live).owner(live.bound.rule.owner, now)
        for person in owner:
            new = messages(
                person,
                channels_for(person, (), self._house.settings.by),
                intent=f"{WORDS} {live.row.path} {opening.isoformat()}",
                rule_id=live.row.id,
                template=WORDS,
                audience="owner",
                not_before=now,
                extra={"report": number, "slot": opening.isoformat(), "audiences": ["owner"]},
            )
            outbox.put(connection, new, now)

    def _report(self, connection: sa.Connection, live: LiveRule, left: Collection[int], now: dt.datetime) -> Report:
        audiences = self._house.audiences(live)
        rows = []
        for case in list(cases.get(connection, sorted(left)[:MOST_KEPT]).values()):
            holder = audiences.holder(unpack(case.record, case.key), case.in_charge, now)
            who = (holder.name or holder.id) if holder else ""
            rows.append((show_key(case.key), who, case.due_at))
        rows.sort(key=lambda row: (row[2] is None, row[2] or now, row[0]))
        table = Table(live.row.title, len(left), _COLUMNS, tuple(rows), len(left))
        return Report(live.row.title, None, now, now, tables=(table,))
