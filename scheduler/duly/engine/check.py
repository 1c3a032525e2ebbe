"""A check: one slot of one rule. It asks the source which records the rule concerns, opens cases and closes cases."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from duly.engine.first_seen import begun
from duly.engine.house import House
from duly.engine.live import LiveRule, LiveRules
from duly.engine.noticing import Noticing, has_changed, watched
from duly.engine.occurrences import Fired
from duly.engine.pauses import Pauses
from duly.engine.record_json import pack
from duly.engine.source import Source, SourceDown
from duly.engine.standstill import Standstill
from duly.engine.timing import Timing
from duly.ledger import cases, checks, firings, journal, pauses, versions
from duly.ledger.cases import KnownCase, NewCase
from duly.ledger.checks import Claim, LastCheck
from duly.ledger.journal import Entry
from duly.ledger.ledger import reading
from duly.rules.anniversary import has_begun_anew
from duly.rules.bind import BoundRule
from duly.rules.calendar_end import guess, silence
from duly.rules.record import Candidate, Record, show_key

SLACK = dt.timedelta(minutes=15)
"""How far beyond the next slot a check looks, so that a late check makes no step late."""
OUTAGE = dt.timedelta(hours=12)
"""After a gap of more than this, what came due meanwhile is held (law 8)."""
MASS = 20
"""A check that would close over half of this many cases or more as gone closes none (law 9)."""
CLOCKLESS_SHOWN = 100
"""How many records without a clock the journal names; it always gives their number."""


@dataclass(frozen=True, slots=True)
class Checked:
    """How a check ended: ``state`` is ``done``, ``refused`` or ``failed``, with a sentence in the last two cases.

    ``again`` tells that the one before was refused as well, so that people know of it.
    """

    state: str
    opened: int = 0
    closed: int = 0
    held: int = 0
    reason: str = ""
    again: bool = False


@dataclass(frozen=True, slots=True)
class Closing:
    """A case that a check would close."""

    case: KnownCase
    state: str
    reason: str
    counts: bool
    """Whether it counts towards a mass closing: gone, with its clock unchanged."""
    moves_on: bool = False
    """Whether the matter goes on as another case, with another clock."""


class Checker:
    """Runs checks.

    Parameters
    ----------
    house: the ledger, the sources and the settings.
    """

    def __init__(self, house: House) -> None:
        self._house = house

    def run(self, live: LiveRule, slot: dt.datetime, next_slot: dt.datetime, now: dt.datetime) -> Checked | None:
        """Run the check of ``slot``, unless it has been run or is being run.

        Parameters
        ----------
        next_slot: when the rule is checked again; what comes due by then is opened now.

        Returns
        -------
        How it ended; ``None`` when it was not ours to run.
        """
        source, ledger = self._house.sources[live.source], self._house.ledger
        with ledger.session() as connection:
            with connection.begin():
                last = checks.last(connection, live.row.id)
                claim = checks.claim(connection, live.row.id, slot, now, live.digest, self._house.node)
                if claim is None:
                    return None
                cases.begin_seen(connection)
                before = cases.count_open(connection, live.row.id)
            reach = self._house.settings.reach
            run = _Run(connection, self._house.rules, live, source, claim, last, now, reach, before)
            try:
                run.read(next_slot + SLACK)
                run.ask_unseen()
                clockless = run.clockless()
            except SourceDown as down:
                return run.fail(str(down))
            except Exception as error:
                # The slots to come need not wait until the lease of a check that is over has run out.
                run.fail(f"Duly broke with {type(error).__name__}, which is our bug: see the log")
                raise
            return run.settle(clockless)


@dataclass
class _Run:
    """One check under way."""

    connection: sa.Connection
    rules: LiveRules
    live: LiveRule
    source: Source
    claim: Claim
    last: LastCheck | None
    now: dt.datetime
    reach: dt.timedelta
    open_before: int
    found: int = 0
    opened: int = 0
    held: int = 0
    closings: list[Closing] = field(default_factory=list)
    unreadable: list[bytes] = field(default_factory=list)
    dueless: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rule_id = self.live.row.id
        self.day = self.live.bound.next_day(self.now)
        with reading(self.connection):
            going = pauses.any_going(self.connection, self.rule_id)
        self.standstill = Standstill(self.now, going or bool(self.live.bound.rule.pause))
        self.held_before, self.held_because = _hold(self.last, self.live, self.now)
        self.noticing = Noticing(
            self.connection, self.rule_id, lambda id: (self.rules.version(id) or (self.live.bound,))[0], self.now
        )
        # What matches but cannot be followed is told once a day, and after each change.
        self.tells = self.last is None or self.last.plan_digest != self.live.digest or not self._is_today(self.last.now)

    def _is_today(self, at: dt.datetime) -> bool:
        zone = self.live.bound.zone
        return at.astimezone(zone).date() == self.now.astimezone(zone).date()

    def read(self, horizon: dt.datetime) -> None:
        """Go through the source's answer, batch by batch."""
        if self.live.bound.day_clock and self.day is None:
            return
        low, high = self.live.timing.clock_bounds(self.now, horizon, self.reach)
        asked = self.source.candidates(self.live.plan, self.now, low, high, self.day, unreadable=self.unreadable.append)
        for batch in asked:
            self._take(batch, horizon)

    def _take(self, batch: Sequence[Candidate], horizon: dt.datetime) -> None:
        """Look a batch up in the ledger: open what is new and comes due, follow what has moved, note what was seen."""
        timing = self.live.timing
        self.found += len(batch)
        with reading(self.connection):
            known = cases.known(self.connection, self.rule_id, {candidate.key for candidate in batch})
            self.standstill.read(self.connection, {case.id for case in known.values()})
        if self.live.plan.first_seen:
            batch = begun(batch, known, self.now, self.last)
        seen: list[int] = []
        new: list[tuple[Candidate, dt.datetime | None, dt.datetime | None]] = []
        moved: list[tuple[KnownCase, Candidate]] = []
        back: list[tuple[KnownCase, Candidate, dt.datetime | None]] = []
        for candidate in batch:
            case = known.get((candidate.key, candidate.clock))
            if case is None:
                stood = Pauses.seen(candidate.paused, self.now)
                due_at = timing.due(candidate.clock_at, candidate.times, candidate.stage, stood)
                moments = timing.moments(candidate.clock_at, due_at, candidate.zone, {}, pauses=stood)
                # What checks measure, standing still or being seen, can only be measured of a case that is there.
                measured = bool(candidate.paused) or self.live.plan.first_seen
                comes = measured or (bool(moments) and min(moments) <= horizon)
                if comes and max(moments, default=self.now) >= self.now - self.reach:
                    new.append((candidate, due_at, min(moments, default=None)))
                if due_at is None and self.live.bound.rule.due is not None:
                    self.dueless.append(candidate.key)
            elif case.active:
                seen.append(case.id)
                if self._has_moved(case, candidate):
                    moved.append((case, candidate))
            elif not case.used_up:
                back.append((case, candidate, self._due(case, candidate)))
            elif self.live.plan.first_seen:
                seen.append(case.id)
        asked = [candidate.key for candidate, _, _ in new] + [case.key for case, _, _ in back]
        records = self.source.lookup(self.live.plan, asked, self.now, self.day) if asked else {}
        with self.connection.begin() if new or back or moved else reading(self.connection):
            seen += self._open(new, records)
            seen += self._reopen(back, records)
            self._follow(moved)
            cases.mark_seen(self.connection, seen)

    def _open(
        self, new: Sequence[tuple[Candidate, dt.datetime | None, dt.datetime | None]], records: dict[bytes, Record]
    ) -> list[int]:
        rows = [
            NewCase(
                version_id=self.live.row.version_id,
                key=candidate.key,
                clock=candidate.clock,
                held=self._hold_because(next_at),
                clock_at=candidate.clock_at,
                due_at=due_at,
                next_at=next_at,
                record=pack(records[candidate.key], self.now),
                watched=watched(self.live.plan, candidate),
            )
            for candidate, due_at, next_at in new
            if candidate.key in records and records[candidate.key].matches and not records[candidate.key].done
        ]
        opened = cases.open_new(self.connection, self.rule_id, rows, self.now)
        ours = [case for case in rows if (case.key, case.clock) in opened]
        self.opened += len(ours)
        self.held += sum(case.held is not None for case in ours)
        self._note(
            [
                (
                    opened[(case.key, case.clock)],
                    "held" if case.held else "opened",
                    case.held or f"its clock is {case.clock}",
                )
                for case in ours
            ]
        )
        for candidate, _, _ in new:
            case_id = opened.get((candidate.key, candidate.clock))
            if case_id is not None:
                self.standstill.see(case_id, candidate.paused)
        self._note(self.standstill.write(self.connection))
        guesses = ((case, guess(self.live.bound, case.due_at, case.next_at)) for case in ours)
        self._note([(opened[(case.key, case.clock)], "guessed", said) for case, said in guesses if said])
        return list(opened.values())

    def _reopen(
        self, back: Sequence[tuple[KnownCase, Candidate, dt.datetime | None]], records: dict[bytes, Record]
    ) -> list[int]:
        self.noticing.reopened([case for case, _, _ in back])
        fired = firings.of_cases(self.connection, [case.id for case, _, _ in back])
        again = []
        for case, candidate, due_at in back:
            record = records.get(case.key)
            if record is None or not record.matches or record.done:
                continue
            self.standstill.see(case.id, candidate.paused)
            next_at = self._next_at(case, candidate, due_at, fired.get(case.id, {}))
            held = case.held or self._hold_because(next_at)
            cases.reopen(self.connection, case.id, next_at, pack(record, self.now), held)
            again.append((case.id, held))
        self._note(self.standstill.write(self.connection))
        self.opened += len(again)
        self.held += sum(held is not None for _, held in again)
        self._note([(case_id, "reopened", "it matches again, with the same clock") for case_id, _ in again])
        self._note([(case_id, "held", held) for case_id, held in again if held])
        return [case_id for case_id, _ in again]

    def _has_moved(self, case: KnownCase, candidate: Candidate) -> bool:
        """Tell whether a case has to follow its record: its clock creeps, stops or runs on, or a time has changed."""
        if candidate.clock != case.clock:
            return False
        turned = self.standstill.see(case.id, candidate.paused)
        times = candidate.clock_at, self._due(case, candidate)
        return turned or (case.clock_at, case.due_at) != times or has_changed(case, self.live.plan, candidate)

    def _follow(self, moved: Sequence[tuple[KnownCase, Candidate]]) -> None:
        if not moved:
            return
        fired = firings.of_cases(self.connection, [case.id for case, _ in moved])
        self._note(self.standstill.write(self.connection))
        for case, candidate in moved:
            due_at = self._due(case, candidate)
            has_moved = (case.clock_at, case.due_at) != (candidate.clock_at, due_at)
            if has_moved or case.id in self.standstill.turned:
                next_at = self._next_at(case, candidate, due_at, fired.get(case.id, {}))
                cases.set_times(self.connection, case.id, candidate.clock_at, due_at, next_at)
            if has_moved:
                self._note([(case.id, *_moved(case, candidate, due_at))])
                if said := guess(self._version(case)[0], due_at):
                    self._note([(case.id, "guessed", said)])
        changed = [each for each in moved if has_changed(each[0], self.live.plan, each[1])]
        self.noticing.changed(changed, self.live.plan)

    def _next_at(
        self, case: KnownCase, candidate: Candidate, due_at: dt.datetime | None, fired: Fired
    ) -> dt.datetime | None:
        timing = self._version(case)[1]
        stood = self.standstill.of(case.id)
        return timing.next_at(candidate.clock_at, due_at, candidate.zone, fired, case.acknowledged_at, stood)

    def _due(self, case: KnownCase, candidate: Candidate) -> dt.datetime | None:
        """Reckon by when a known case must be done, as the version says on which it started (law 7)."""
        bound, timing = self._version(case)
        needed, asked = bound.plan, self.live.plan
        if (needed.due and needed.due != asked.due) or (needed.per and needed.per != asked.per):
            return case.due_at  # the rule no longer asks for that time, or for that field
        return timing.due(candidate.clock_at, candidate.times, candidate.stage, self.standstill.of(case.id))

    def _version(self, case: KnownCase) -> tuple[BoundRule, Timing]:
        return self.rules.version(case.version_id) or (self.live.bound, self.live.timing)

    def _hold_because(self, next_at: dt.datetime | None) -> str | None:
        """Say why a case that opens now is held, if it is one that a change has brought in (law 8)."""
        late = self.held_before is not None and next_at is not None and next_at < self.held_before
        return self.held_because if late else None

    def ask_unseen(self) -> None:
        """Ask again, by key, about open cases that the answer did not name, before any of them closes."""
        after = 0
        while True:
            with reading(self.connection):
                batch = cases.unseen(self.connection, self.rule_id, after)
                self.standstill.read(self.connection, {case.id for case in batch})
            if not batch:
                return
            after = batch[-1].id
            records = self.source.lookup(self.live.plan, [case.key for case in batch], self.now, self.day)
            moved = []
            for case in batch:
                record = records.get(case.key)
                if ending := self._ending(case, record):
                    self.closings.append(ending)
                elif record and record.candidate and self._has_moved(case, record.candidate):
                    moved.append((case, record.candidate))
            if moved:
                with self.connection.begin():
                    self._follow(moved)
            if len(batch) < cases.BATCH:
                return

    def _ending(self, case: KnownCase, record: Record | None) -> Closing | None:
        if record is None:
            return Closing(case, "gone", "the record is no longer there", counts=True)
        if record.done:
            met = [str(c) for c in self.live.bound.rule.done if record.holds.get(str(c))]
            return Closing(case, "done", ", ".join(met), counts=False)
        if not record.matches:
            return Closing(case, "gone", f"no longer concerned: {why_not(self.live, record)}", counts=True)
        if self.live.bound.day_clock:
            return None
        if record.candidate is None:
            return Closing(case, "gone", "its clock is empty", counts=False)
        if has_begun_anew(record.candidate, case.clock, self.live.bound.rule.clock):
            return Closing(case, "gone", f"its clock is now {record.candidate.clock}", counts=False, moves_on=True)
        return None

    def clockless(self) -> tuple[int, list[bytes]]:
        """Find what matches but has no clock: it is not dropped in silence."""
        if self.live.plan.clock is None or not self.tells:
            return 0, []
        return self.source.clockless(self.live.plan, self.now, CLOCKLESS_SHOWN)

    def settle(self, clockless: tuple[int, list[bytes]]) -> Checked | None:
        """Close what has ended, now that the whole answer has been read, and settle the check."""
        gone = sum(closing.counts for closing in self.closings)
        mass = self.open_before >= MASS and gone * 2 > self.open_before
        with self.connection.begin() as transaction:
            row = versions.by_path(self.connection, self.live.row.path)
            refused = mass and not (row and row.closings_confirmed)
            closings = [c for c in self.closings if not (refused and c.counts)]
            closed = self._close(closings) + self._close_used_up()
            if self.live.plan.first_seen:
                cases.note_seen(self.connection, self.now)
            reason = ""
            if refused:
                reason = (
                    f"{gone} of {self.open_before} open cases would close because their records are gone: "
                    f"look at the source, then confirm with “duly release {self.live.row.path}”"
                )
                self._note_rule("refused", reason)
            elif row and row.closings_confirmed:
                versions.confirm_closings(self.connection, self.rule_id, confirmed=False)
            self._tell("unreadable", "with a time that cannot be read", len(self.unreadable), self.unreadable)
            if self.tells:
                self._tell("no clock", "without a clock", *clockless)
                if self.live.bound.day_clock and self.day is None and (said := silence(self.live.bound)):
                    self._note_rule("no day", said)
                self._tell("no due", self._lacking(), len(self.dueless), self.dueless)
            state = "refused" if refused else "done"
            figures = {"found": self.found, "opened": self.opened, "closed": closed, "held": self.held}
            if not checks.finish(self.connection, self.claim, state, self.now, reason=reason or None, **figures):
                transaction.rollback()
                return None
        again = refused and self.last is not None and self.last.state == "refused"
        return Checked(state, self.opened, closed, self.held, reason, again)

    def _close(self, closings: Sequence[Closing]) -> int:
        """Close cases, each with what that means for its ladder; returns how many."""
        for closing in closings:
            for delivery_id in cases.close(self.connection, closing.case.id, closing.state, closing.reason, self.now):
                entry = Entry(self.now, "cancelled", closing.reason, self.rule_id, closing.case.id, delivery_id)
                journal.write(self.connection, [entry])
        self._note([(c.case.id, c.state, c.reason) for c in closings])
        if self.standstill.asked:
            pauses.end_all(self.connection, [closing.case.id for closing in closings], self.now)
        for closing in closings:
            if not closing.moves_on:
                case = closing.case
                self.noticing.closed(case.id, case.version_id, closing.state, held=case.held is not None)
        return len(closings)

    def _lacking(self) -> str:
        per = self.live.plan.per
        return f"with a “{per.name}” for which there is no due time" if per else "without the time that its due names"

    def _close_used_up(self) -> int:
        """Without ``done``, a case is done, and stays so, once its ladder is used up and its clock has passed."""
        if self.live.bound.rule.done:
            return 0
        used_up = cases.used_up(self.connection, self.rule_id, self.now)
        for case_id in used_up:
            cases.close(self.connection, case_id, "done", "its ladder is used up", self.now, used_up=True)
        self._note([(case_id, "done", "its ladder is used up") for case_id in used_up])
        for case_id, version_id in used_up.items():
            self.noticing.closed(case_id, version_id, "done", held=False)
        return len(used_up)

    def fail(self, reason: str) -> Checked | None:
        """Settle a check that could not read its whole answer: it closes nothing and advances nothing.

        The cases that it opened before the answer broke off stay open: the next check finds them there.
        """
        figures = {"found": self.found, "opened": self.opened, "held": self.held}
        with self.connection.begin():
            if not checks.finish(self.connection, self.claim, "failed", self.now, reason=reason, **figures):
                return None
            self._note_rule("check failed", reason)
        return Checked("failed", self.opened, held=self.held, reason=reason)

    def _note(self, lines: Sequence[tuple[int, str, str]]) -> None:
        entries = [Entry(self.now, event, detail, self.rule_id, case_id) for case_id, event, detail in lines]
        journal.write(self.connection, entries)

    def _tell(self, event: str, what: str, count: int, keys: Sequence[bytes]) -> None:
        """Say how many records match that cannot be followed, and name the first."""
        if count:
            self._note_rule(event, _listed(what, count, keys))

    def _note_rule(self, event: str, detail: str) -> None:
        journal.write(self.connection, [Entry(self.now, event, detail, self.rule_id)])


def why_not(live: LiveRule, record: Record) -> str:
    """Say which condition keeps a record from matching: ``not paid``, ``cancelled``."""
    rule = live.bound.rule
    missing = [
        f"not {c}" if not str(c).startswith("not ") else str(c)[4:] for c in rule.where if not record.holds.get(str(c))
    ]
    excluded = [str(c) for c in rule.except_ if record.holds.get(str(c))]
    return ", ".join([*missing, *excluded])


def _hold(last: LastCheck | None, live: LiveRule, now: dt.datetime) -> tuple[dt.datetime | None, str]:
    """Find before which instant a step's moment makes a new case one that a change has brought in (law 8)."""
    if last is None:
        return now, "it was late before the rule went live"
    if now - live.bound.next_slot(last.slot) > OUTAGE:
        return now, "it came due while Duly could not look"
    if last.plan_digest != live.digest:
        return live.loaded_at, "it was late before the rule or its vocabulary changed"
    return None, ""


def _moved(case: KnownCase, candidate: Candidate, due_at: dt.datetime | None) -> tuple[str, str]:
    if case.due_at != due_at:
        return "due moved", f"due {due_at:%Y-%m-%d %H:%M} UTC" if due_at else "no due time"
    return "clock moved", f"{candidate.clock_at:%Y-%m-%d %H:%M} UTC"


def _listed(what: str, count: int, keys: Sequence[bytes]) -> str:
    shown = ", ".join(show_key(key) for key in keys[:10])
    more = f" and {count - 10} more" if count > 10 else ""
    return f"{count} matching, but {what}: {shown}{more}"
