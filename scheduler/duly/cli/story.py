"""The story of one record under one rule: what the ledger remembers of it, and what its source says now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from duly.cli.desk import Desk
from duly.cli.stop import USAGE, Stop
from duly.engine.account import Stretch, account
from duly.engine.assembly import assemble
from duly.engine.occurrences import Fired
from duly.engine.pauses import Pauses
from duly.engine.record_json import read_at
from duly.engine.source import SourceDown
from duly.engine.timing import Timed
from duly.engine.versions import Versions
from duly.ledger import cases, firings, journal, outbox, overview, pauses, versions
from duly.ledger.cases import Case
from duly.ledger.journal import Entry
from duly.ledger.ledger import Ledger
from duly.ledger.outbox import Delivery
from duly.ledger.overview import CheckSeen
from duly.ledger.pauses import Pause
from duly.rules.bind import BoundRule
from duly.rules.problem import Problems
from duly.rules.record import Record, encode_key
from duly.rules.workspace import SETTINGS
from duly.time.duration import Duration

OF_RULE = ("paused", "resumed", "retired")
"""What happens to a rule as a whole, and belongs into the stories of its cases."""
CLOSED = ("done", "gone")
"""How a case ends: its line names the conditions that ended it."""
LINES_OF_RULE = 500
LARGEST_NUMBER = 2**63 - 1
"""Of the whole numbers of databases; a longer one is a text."""
LAST = dt.datetime.max.replace(tzinfo=dt.UTC)


@dataclass(frozen=True)
class Chapter:
    """One case of the record.

    Parameters
    ----------
    entries: what the journal says, in order.
    deliveries: every message and action, in order.
    waiting: the steps still to come, soonest first; empty once it is closed.
    version: the rule as it was when the case was opened (law 7); ``None`` when it no longer binds.
    stood: the pauses of its clock.
    """

    case: Case
    entries: Sequence[Entry]
    deliveries: Sequence[Delivery]
    waiting: Sequence[Timed]
    version: BoundRule | None
    stood: Sequence[Pause] = ()

    @property
    def paused(self) -> list[str]:
        """What its clock stands still for."""
        return [pause.fact for pause in self.stood if pause.ended_at is None] if self.case.active else []

    @property
    def recorded(self) -> Recorded:
        """What was true of the record when Duly last looked at it."""
        known = Recorded(read_at(self.case.record), dict(self.case.record["holds"]))
        closing = next((entry for entry in reversed(self.entries) if entry.event in CLOSED), None)
        if self.case.active or closing is None or closing.at < known.at:
            return known
        return Recorded(closing.at, {**known.holds, **_learnt(closing.detail)})

    @property
    def length(self) -> Duration | None:
        """How long the rule gave it; ``None`` where its due time is not a length of time."""
        due = self.version.rule.due if self.version else None
        if due is None or due.table is None:
            return due.duration if due else None
        entry = due.table.entry(str(self.case.record["fields"].get(due.table.per)))
        return entry.duration if entry else None

    @property
    def account(self) -> Sequence[Stretch]:
        """Which stretches of its time counted, from its clock to its due time."""
        if self.version is None or self.length is None or self.case.due_at is None:
            return ()
        stood = Pauses.of(self.stood).before(self.case.due_at)
        paused = [(stretch.began, stretch.ended) for stretch in stood.stretches]
        return account(self.version.working, self.length, self.case.clock_at, self.case.due_at, paused)


@dataclass(frozen=True)
class Recorded:
    """What the ledger recorded of a record: when, and which conditions held, by condition."""

    at: dt.datetime
    holds: Mapping[str, bool]


@dataclass(frozen=True)
class Memory:
    """What the ledger remembers of a record.

    Parameters
    ----------
    key: the record's, as the ledger spells it.
    check: the latest check of the rule.
    """

    key: bytes
    chapters: Sequence[Chapter] = ()
    check: CheckSeen | None = None


@dataclass(frozen=True)
class Answer:
    """What the source says of a record now.

    Parameters
    ----------
    record: ``None`` when there is none, or when the source was not asked.
    silence: why the source could not be asked; empty when it could.
    """

    record: Record | None
    silence: str = ""


def keys(written: str, bound: BoundRule | None) -> list[bytes]:
    """Spell a key in each way in which it may be meant: digits as a number first, then as a text.

    Raises
    ------
    Stop: a composite key has as many parts as the noun's; the sentence says so.
    """
    parts = written.split("/") if bound is None or len(bound.noun.key) > 1 else [written]
    if bound is not None and len(parts) != len(bound.noun.key):
        wanted = "/".join("abcdefgh"[: len(bound.noun.key)])
        raise Stop(f"“{written}” is no key of {bound.noun.name}: write {len(bound.noun.key)} parts, {wanted}", USAGE)
    spellings = product(*(dict.fromkeys([_number(part), part]) for part in parts))
    return [encode_key(list(each) if len(each) > 1 else each[0]) for each in spellings]


def remember(desk: Desk, ledger: Ledger, rule: str, spellings: Sequence[bytes]) -> Memory:
    """Read what the ledger knows of a record, under the first of the spellings of its key that it knows."""
    with ledger.read() as connection:
        row = versions.by_path(connection, rule)
        if row is None:
            return Memory(spellings[0])
        check = overview.latest_checks(connection).get(row.id)
        found = {key: cases.of_key(connection, row.id, key) for key in spellings}
        key = next((key for key in spellings if found[key]), spellings[0])
        fired = firings.of_cases(connection, [case.id for case in found[key]])
        stood = pauses.of_cases(connection, [case.id for case in found[key]])
        of_rule = [e for e in journal.of_rule(connection, row.id, LINES_OF_RULE) if e.event in OF_RULE]
        told = [
            (case, [*journal.of_case(connection, case.id), *of_rule], outbox.of_case(connection, case.id))
            for case in found[key]
        ]
    bound = Versions(ledger, desk.snapshot)
    chapters = []
    for case, entries, deliveries in told:
        still = stood.get(case.id, [])
        lifetime = sorted((e for e in entries if e.case_id or _while_open(e, case)), key=lambda entry: entry.at)
        version = bound.get(case.version_id)
        waiting = _waiting(case, bound, fired.get(case.id, {}), still)
        chapters.append(Chapter(case, lifetime, deliveries, waiting, version[0] if version else None, still))
    return Memory(key, chapters, check)


def ask(desk: Desk, bound: BoundRule, spellings: Sequence[bytes]) -> Answer:
    """Ask the source of a rule about a record, under each spelling of its key until it knows one."""
    problems = Problems()
    house = assemble(desk.snapshot, desk.plugins, Ledger("sqlite://"), problems).house
    source = house.sources.get(bound.noun.source)
    if source is None:
        wrong = problems.of(SETTINGS)
        return Answer(None, wrong[0].sentence if wrong else f"the source “{bound.noun.source}” cannot be used")
    answered, silence = False, ""
    for key in spellings:
        try:
            found = source.lookup(bound.plan, [key], desk.now, bound.next_day(desk.now))
        except SourceDown as down:
            # Some databases refuse a text where they have numbers; the other spelling may still be right.
            silence = silence or str(down)
            continue
        if key in found:
            return Answer(found[key])
        answered = True
    return Answer(None, "" if answered else silence)


def _learnt(closing: str) -> dict[str, bool]:
    """Read from the reason of a closing which conditions it found: ``shipped``, ``no longer concerned: not paid``."""
    said = closing.removeprefix("no longer concerned: ").split(", ")
    return {each.removeprefix("not "): not each.startswith("not ") for each in said} | dict.fromkeys(said, True)


def _number(part: str) -> int | str:
    is_number = part.isascii() and part.isdigit() and len(part) <= len(str(LARGEST_NUMBER))
    return int(part) if is_number and str(int(part)) == part and int(part) <= LARGEST_NUMBER else part


def _while_open(entry: Entry, case: Case) -> bool:
    return case.opened_at <= entry.at and (case.closed_at is None or entry.at <= case.closed_at)


def _waiting(case: Case, bound: Versions, fired: Fired, stood: Sequence[Pause]) -> list[Timed]:
    version = bound.get(case.version_id)
    if version is None or not case.active:
        return []
    waiting = version[1].waiting(
        case.clock_at, case.due_at, case.record["zone"], fired, case.acknowledged_at, Pauses.of(stood)
    )
    return sorted(waiting, key=lambda timed: timed.moment or LAST)
