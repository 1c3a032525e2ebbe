"""Before a delivery leaves: whether it is still true, whether it is the hour for it, and what the words are."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from zoneinfo import ZoneInfo

from duly.api.person import Person
from duly.engine.check import why_not
from duly.engine.composer import Composed, ComposeError
from duly.engine.crowd import word_of
from duly.engine.doing import Doing
from duly.engine.enclosure import NOTHING_ENCLOSED, Enclosure, enclosure_of
from duly.engine.house import House
from duly.engine.live import LiveRule
from duly.engine.record_json import read_at, unpack, unpack_person, values
from duly.engine.report import Report, words_of
from duly.engine.rung import AGAIN, STAFF_WAIT
from duly.engine.source import SourceDown
from duly.ledger import cases, outbox, reports
from duly.ledger.cases import Case
from duly.ledger.outbox import Delivery
from duly.rules.model import Condition
from duly.rules.record import Record
from duly.time.window import Window
from duly.time.zone import midnight, zone

MEND = dt.timedelta(minutes=5)
"""How long a delivery waits for its template to be mended before it is tried again."""


NO_WORDS = Composed("", "")


@dataclass(frozen=True, slots=True)
class Ready:
    """A delivery that may leave now.

    Parameters
    ----------
    live: its rule.
    case: the case it speaks of, if any.
    record: that case's record.
    person: the recipient, as the source has them now.
    words: empty for an action, and for a line of a grouped message that is still to be written.
    zone: in which its times are shown.
    line: what it tells of its record in a grouped message; ``None`` for a message of its own.
    as_of: when the source said so, where it could not be asked again.
    lines: what one grouped message tells, this included; empty for a message of its own.
    enclosure: what goes with the words, for channels that can show or carry it.
    listed: what the spreadsheet of a grouped message is made of, to be kept as it leaves.
    """

    delivery: Delivery
    live: LiveRule
    case: Case | None
    record: Record | None
    person: Person
    to: str = ""
    words: Composed = NO_WORDS
    zone: ZoneInfo | None = None
    line: Mapping[str, object] | None = None
    as_of: dt.datetime | None = None
    lines: tuple[Ready, ...] = ()
    enclosure: Enclosure = NOTHING_ENCLOSED
    listed: Report | None = None

    @property
    def parts(self) -> tuple[Ready, ...]:
        """What it tells: its lines, or itself."""
        return self.lines or (self,)


@dataclass(frozen=True, slots=True)
class Ended:
    """A delivery that does not leave: ``state`` is ``cancelled``, ``rejected`` or ``expired``."""

    delivery: Delivery
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class Later:
    """A delivery that waits; ``failed`` when that is for want of a template that works."""

    delivery: Delivery
    until: dt.datetime
    reason: str
    failed: bool = False


Fate = Ready | Ended | Later
Members = Mapping[tuple[bytes, str], Person]
"""Some of the many people of records, by the record's key and their own id."""


class Doorman:
    """Looks at each delivery as it leaves (laws 3 and 5).

    Parameters
    ----------
    house: the ledger, the live rules, the sources and the words.
    doings: what Duly itself does besides telling, by its outlet.
    """

    def __init__(self, house: House, doings: Mapping[str, Doing]) -> None:
        self._house = house
        self._doings = doings

    def look(self, batch: Sequence[Delivery], now: dt.datetime) -> list[Fate]:
        """Decide what becomes of claimed deliveries, asking each source once for all of a rule's records."""
        with self._house.ledger.read() as connection:
            by_delivery = outbox.cases_of(connection, [one.id for one in batch])
            known = cases.get(connection, {case_id for ids in by_delivery.values() for case_id in ids})
        fates: dict[int, Fate] = {}
        for rule_id in sorted({one.rule_id for one in batch}):
            live = self._house.rules.get(rule_id)
            mine = [one for one in batch if one.rule_id == rule_id]
            if live is None:
                fates.update({one.id: Later(one, now + AGAIN, "its rule pauses") for one in mine})
                continue
            about = {one.id: known[by_delivery[one.id][0]] for one in mine if one.id in by_delivery}
            records = self._ask(live, list(about.values()), now)
            present = self._members(live, mine, about, now) if records is not None else None
            if present is None:
                records, present = None, {}
            for one in mine:
                fates[one.id] = self._guarded(one, live, about.get(one.id), records, present, now)
        return [fates[one.id] for one in batch]

    def _guarded(
        self,
        one: Delivery,
        live: LiveRule,
        case: Case | None,
        records: Mapping[bytes, Record] | None,
        present: Members,
        now: dt.datetime,
    ) -> Fate:
        """One bad record, template or recipient keeps nobody else waiting (law 12)."""
        try:
            return self._fate(one, live, case, records, present, now)
        except ComposeError as error:
            return Later(one, now + MEND, str(error), failed=True)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this delivery's alone
            return Later(one, now + MEND, f"{type(error).__name__} as its words were written", failed=True)

    def _ask(self, live: LiveRule, about: Sequence[Case], now: dt.datetime) -> Mapping[bytes, Record] | None:
        if not about:
            return {}
        keys = sorted({case.key for case in about})
        try:
            return self._house.sources[live.source].lookup(live.plan, keys, now, live.bound.next_day(now))
        except SourceDown:
            return None

    def _members(
        self, live: LiveRule, batch: Sequence[Delivery], about: Mapping[int, Case], now: dt.datetime
    ) -> Members | None:
        """Ask for those who are one of many people of a record, as they are now; ``None`` when the source is down."""
        asked: dict[str, set[tuple[bytes, str]]] = {}
        for one in batch:
            who = word_of(one.person.get("id", ""), live.plan)
            if who and one.id in about and one.body is None:
                asked.setdefault(who, set()).add((about[one.id].key, one.person["id"]))
        present: dict[tuple[bytes, str], Person] = {}
        try:
            for who, some in asked.items():
                present |= self._house.sources[live.source].members(live.plan, who, some, now)
        except SourceDown:
            return None
        return present

    def _fate(
        self,
        one: Delivery,
        live: LiveRule,
        case: Case | None,
        records: Mapping[bytes, Record] | None,
        present: Members,
        now: dt.datetime,
    ) -> Fate:
        if one.body is not None:
            return self._again(one, live, case)
        if one.expires_at is not None and one.expires_at <= now:
            return Ended(one, "expired", "its time has passed")
        if case is None:
            return self._written(one, live, None, None, now)
        if records is None:
            return self._without_source(one, live, case, now)
        record = records.get(case.key)
        if untrue := _untrue(one, live, case, record):
            return Ended(one, "cancelled", untrue)
        record = record or unpack(case.record, case.key)
        who = word_of(one.person.get("id", ""), live.plan)
        member = present.get((case.key, one.person["id"])) if who else None
        if who and member is None and one.audience == who:
            return Ended(one, "cancelled", f"{one.person['name'] or one.person['id']} is no longer among the {who}")
        return self._written(one, live, case, record, now, member)

    def _again(self, one: Delivery, live: LiveRule, case: Case | None) -> Ready:
        """What may have left before goes out again word for word: the other side knows it by its number."""
        record = unpack(case.record, case.key) if case else None
        person = unpack_person(one.person) if one.person else Person(one.audience)
        words = Composed(one.subject or "", one.body or "")
        # A grouped message has the times of its spreadsheet as they were at the desk.
        shown_in = zone(one.extra["zone"]) if "zone" in one.extra else self._zone(person, record)
        enclosure = _enclosed(self._report(one), one, live, words, shown_in)
        return Ready(one, live, case, record, person, one.to or "", words, enclosure=enclosure)

    def _without_source(self, one: Delivery, live: LiveRule, case: Case, now: dt.datetime) -> Fate:
        blind = one.extra.get("blind", False)
        doing = self._doings.get(one.channel)
        if (doing and doing.needs_source) or not one.staff or not (blind or now - one.created_at >= STAFF_WAIT):
            return Later(one, now + AGAIN, "the source is down")
        # What an action asks for now has waited long enough as well.
        patient = replace(one, extra={**one.extra, "blind": True})
        fate = self._written(patient, live, case, unpack(case.record, case.key), now)
        if isinstance(fate, Ready) and one.kind == "message":
            fate = replace(fate, as_of=read_at(case.record))
            return fate if fate.line is not None else replace(fate, words=as_of(self._house, fate, now))
        return fate

    def _written(
        self,
        one: Delivery,
        live: LiveRule,
        case: Case | None,
        record: Record | None,
        now: dt.datetime,
        member: Person | None = None,
    ) -> Fate:
        """Give the delivery its hour, its address and its words."""
        if not one.person:
            return self._look(Ready(one, live, case, record, Person(one.audience)), now)
        person = member or self._person(one, record)
        local = self._zone(person, record)
        hour = self._hour(one, live, person, local, now)
        if hour > now:
            return Later(one, hour, "it is not the hour for it")
        if one.kind == "action":
            return self._look(Ready(one, live, case, record, person, zone=local), now)
        if one.channel in person.refuses:
            return Ended(one, "rejected", f"{person.id} wants no {one.channel}")
        channel = self._house.channels[one.channel]
        to = person.addresses.get(channel.address, "") if channel.address else person.id
        if not to:
            return Ended(one, "rejected", f"{person.id} has no {channel.address}")
        if one.group_key is not None:
            return Ready(one, live, case, record, person, to, zone=local, line=told(one, live, case, record))
        values = {**told(one, live, case, record), "name": person.name, "rule": live.bound.rule.title}
        report = self._report(one)
        if report:
            values |= words_of(report, local)
        words = self._house.composer().compose(one.template, one.channel, person.lang, values, local)
        return Ready(one, live, case, record, person, to, words, enclosure=_enclosed(report, one, live, words, local))

    def _report(self, one: Delivery) -> Report | None:
        """Read what a roundup found or a grouped message listed, if that goes out: the sources are not asked again."""
        if "report" not in one.extra:
            return None
        with self._house.ledger.read() as connection:
            found = reports.get(connection, one.extra["report"])
        if found is None:
            raise ComposeError("the report is no longer in the ledger")
        return Report.unpack(found)

    def _look(self, ready: Ready, now: dt.datetime) -> Fate:
        doing = self._doings.get(ready.delivery.channel)
        return doing.look(ready, now) if doing else ready

    def _person(self, one: Delivery, record: Record | None) -> Person:
        """Take the recipient as the source or the directory has them now."""
        kept = unpack_person(one.person)
        if kept.staff:
            known = self._house.directory.staff.get(kept.id)
            return known.person if known else kept
        return record.people.get(kept.id, kept) if record else kept

    def _zone(self, person: Person, record: Record | None) -> ZoneInfo:
        name = person.zone or (record.zone if record and not person.staff else "")
        try:
            return zone(name) if name else self._house.directory.zone
        except ValueError:
            return self._house.directory.zone

    def _hour(self, one: Delivery, live: LiveRule, person: Person, local: ZoneInfo, now: dt.datetime) -> dt.datetime:
        """Find the first instant that lies inside the step's window and outside everybody's rest."""
        if one.urgent:
            return now
        between = _window(one.extra.get("between", ""))
        rests = [_window(person.rest)]
        if not person.staff:
            rests.append(live.bound.rule.rest or self._house.settings.rest)
        hour = now
        for _ in range(8):  # each round passes a rest or enters the window; a day has no more edges than this
            before = hour
            for rest in rests:
                hour = rest.next_outside(hour, local) if rest else hour
            hour = between.next_inside(hour, local) if between else hour
            if hour == before:
                return hour
        return midnight(now.astimezone(local).date() + dt.timedelta(days=1), local)


def as_of(house: House, ready: Ready, now: dt.datetime) -> Composed:
    """Mark words that were written without asking again."""
    values = {"words": ready.words.body, "since": ready.as_of, "now": now}
    channel, lang = ready.delivery.channel, ready.person.lang
    marked = house.composer().compose("duly/as-of", channel, lang, values, house.directory.zone)
    return Composed(ready.words.subject, marked.body)


def told(one: Delivery, live: LiveRule, case: Case | None, record: Record | None) -> dict[str, object]:
    """Collect what a template may name of a record: its fields, and what Duly knows of its case."""
    said = {**(values(record) if record else {}), **one.extra.get("values", {})}
    if case is not None:
        said.update(clock=case.clock_at, due=case.due_at)
        said.update(_holiday(live, case))
    return said


def _untrue(one: Delivery, live: LiveRule, case: Case, record: Record | None) -> str:
    """Say why a delivery is not true any more; empty when it is."""
    closed = one.extra.get("closed")
    if closed:
        # That the record no longer matches is what it tells.
        if closed != case.state:
            return "the case is open again"
    elif record is None:
        return "the record is no longer there"
    elif record.done or not record.matches:
        return ", ".join(str(c) for c in live.bound.rule.done if record.holds.get(str(c))) or why_not(live, record)
    missing = [str(each) for each in _ifs(live, one) if record and not record.holds.get(str(each), False)]
    return f"its step is only for: {', '.join(missing)}" if missing else ""


def _ifs(live: LiveRule, one: Delivery) -> Sequence[Condition]:
    """Find the ``if`` of the step that a delivery belongs to, as today's rule has it."""
    return next((step.if_ for step in live.bound.rule.steps if step.identity == one.extra.get("step")), ())


def _holiday(live: LiveRule, case: Case) -> dict[str, object]:
    """Name the holidays that a case's clock is the first day of."""
    calendar = live.bound.calendar
    run = calendar.next_run(dt.date.fromisoformat(case.clock)) if calendar else None
    return dict(zip(("first", "last", "holiday"), run, strict=True)) if run else {}


def _enclosed(report: Report | None, one: Delivery, live: LiveRule, words: Composed, local: ZoneInfo) -> Enclosure:
    return enclosure_of(report, one, live.row.path, words.body, local) if report else NOTHING_ENCLOSED


@lru_cache(maxsize=1024)
def _window(written: str) -> Window | None:
    try:
        return Window.parse(written) if written else None
    except ValueError:
        return None
