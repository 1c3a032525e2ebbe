"""One run of one example: the real engine, a scripted record, and time that jumps from event to event."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter

import sqlalchemy as sa

from duly.api.config import Config
from duly.engine.acknowledgement import acknowledge
from duly.engine.check import OUTAGE, why_not
from duly.engine.engine import Engine
from duly.engine.example_record import KEY, ExampleRecord
from duly.engine.example_source import ExampleSource
from duly.engine.example_time import MONDAY, ExampleTimes
from duly.engine.house import House
from duly.engine.live import LiveRules
from duly.engine.plugins import Plugins
from duly.engine.quiet import IdleAction, idle_writers, quiet_channels
from duly.engine.source import Source
from duly.engine.timing import Timing
from duly.ledger import cases, firings, journal, nodes, outbox
from duly.ledger.cases import Case
from duly.ledger.ledger import Ledger
from duly.rules.bind import BoundRule
from duly.rules.model import Example
from duly.rules.record import Candidate
from duly.rules.rule_file import ACTIONS
from duly.rules.snapshot import Snapshot
from duly.time.zone import DAY, midnight

LONGEST = dt.timedelta(days=400)
"""How long after the last thing that happens an example without ``until`` may go on."""
MOST_TICKS = 1000
"""How often time may jump in one example: each time a step comes takes up to three jumps."""
ENDLESS_TICKS = 200
"""How often, where a step repeats without an end and the example has none either."""
REACHED = ("accepted", "rejected", "unsure")
"""How a delivery ends that makes its step a fired one (law 1)."""
SILENT = frozenset(
    {"held", "stands still", "waits", "not fired", "skipped", "expired", "overtaken", "capped", "cancelled", "failed"}
    | {"done", "gone"}
)
"""Words of the journal that say why somebody did not hear."""
_NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)
_JUST = dt.timedelta(microseconds=1)
_NODE = "example"


@dataclass(frozen=True, slots=True)
class Firing:
    """A step that fired.

    Parameters
    ----------
    at: when the first of its deliveries was accepted or, failing that, given up.
    audience: as written in the rule.
    channels: through which it was accepted.
    told: what a report said, as an example may pin it: ``2 records``, ``done 50.0 %``.
    """

    at: dt.datetime
    audience: str
    channels: frozenset[str]
    told: tuple[str, ...] = ()


class ExampleRun:
    """One example under way.

    A check of a record that has not changed finds nothing, so only the checks that matter are run. After a long gap the
    one before goes first, or the gap would look like an outage (law 8).

    Parameters
    ----------
    bound: the rule.
    snapshot: the workspace; of its rules only this one is at work.
    plugins: only Duly's own actions are run; other actions, and all channels, accept everything and do nothing.
    example: what is so, and what happens.
    times: reads its times.
    ledger: one in memory, with nothing in it.

    Raises
    ------
    ValueError: the example gives a number or a zone that is none.
    """

    def __init__(
        self,
        bound: BoundRule,
        snapshot: Snapshot,
        plugins: Plugins,
        example: Example,
        times: ExampleTimes,
        ledger: Ledger,
    ) -> None:
        zone = snapshot.settings.sources[bound.noun.source].zone
        self._bound = bound
        self._timing = Timing(bound)
        self._record = ExampleRecord(bound, example, times, zone, snapshot.directory)
        self._events = sorted(_events(example, times, self._record), key=itemgetter(0))
        self._from = times.wall(example.from_) if example.from_ else None
        self._until = times.wall(example.until) if example.until else None
        self._snapshot = dataclasses.replace(snapshot, rules={bound.rule.id: bound}, broken={})
        self._ledger = ledger
        source = ExampleSource(bound.noun.source, self._record)
        self._engine = Engine(example_house(self._ledger, {source.name: source}, self._snapshot, plugins))
        self._is_up = True
        self._ticks = 0
        self._now = self._changed = _NEVER

    @property
    def moments(self) -> list[dt.datetime]:
        """Every time at which the example says that something is, or happens."""
        known = [*self._record.moments, *(at for at, _ in self._events)]
        return [*known, self._from] if self._from else known or [midnight(MONDAY, self._bound.zone)]

    @property
    def start(self) -> dt.datetime:
        """The first of its times, or of the moments that steps might come to because of one."""
        first = min(self.moments)
        named = self._bound.noun.times
        stage = self._record.stage
        clocks = [Candidate(KEY, "", at, dict.fromkeys(named, at), stage=stage) for at in self.moments]
        if self._bound.plan.yearly:
            first = self._from or first
            clocks = list(self._record.anniversaries(first, first, self._until or first + LONGEST))
        if self._bound.plan.first_seen:
            return first
        if self._bound.day_clock:
            found = self._record.at(first, self._bound.next_day(first)).candidate
            clocks = [found] if found else []
        return min([first, *(at for clock in clocks if (at := self._first_step(clock)) is not None)])

    def run(self) -> list[Firing]:
        """Run until nothing more is to come, or until the example ends.

        Returns
        -------
        What fired within its ``from`` and ``until``, in order.

        Raises
        ------
        ValueError: it comes to no end.
        """
        begin = self._bound.latest_slot(self.start - _JUST)
        if self._bound.plan.first_seen and not any(at == self.start for at, _ in self._events):
            begin = self._slot_from(self.start)
        self._engine.load(self._snapshot, begin)
        with self._ledger.write() as connection:
            nodes.start(connection, _NODE, begin)
        self._tick(begin)
        for at, what in self._events:
            self._go_on(at)
            self._happen(what, at)
        self._go_on(self._until or max(self.moments) + LONGEST)
        first, last = self._from or begin, self._until
        return [one for one in self._fired() if first <= one.at and (last is None or one.at < last)]

    def silence(self) -> str:
        """Say why somebody did not hear, as far as that is known; empty when it is not."""
        with self._ledger.read() as connection:
            known = self._cases(connection)
            lines = [line for case in known for line in journal.of_case(connection, case.id)]
        if known:
            held = [case.held for case in known if case.held]
            said = [line.detail for line in lines if line.event in SILENT]
            return (held or said or [""])[-1]
        record = self._record.at(self._now, self._bound.next_day(self._now))
        if record.done:
            return ", ".join(str(each) for each in self._bound.rule.done if record.holds[str(each)])
        if not record.matches:
            return ", ".join(why_not(live, record) for live in self._engine.house.rules.all.values())
        return "" if record.candidate else "its clock is empty"

    def _go_on(self, end: dt.datetime) -> None:
        """Let Duly work until ``end``, which is not included: what happens then happens first."""
        while self._is_up:
            wake = self._next()
            if wake is None or wake >= end:
                return
            slot = self._bound.latest_slot(wake)
            if self._ticks > ENDLESS_TICKS and self._until is None and self._repeats:
                raise ValueError("it comes to no end: a step repeats; add “until: …”")
            if self._ticks > MOST_TICKS:
                raise ValueError(f"it comes to no end: {self.silence() or 'something is always due'}")
            if slot - self._now > OUTAGE:
                self._tick(self._bound.latest_slot(slot - _JUST))
            self._tick(slot)
            self._tick(wake)

    @property
    def _repeats(self) -> bool:
        """Whether a step repeats until its case closes."""
        return any(step.repeat and step.repeat.is_endless for step in self._bound.rule.steps)

    def _tick(self, at: dt.datetime) -> None:
        if at > self._now:
            self._now = at
            self._ticks += 1
            self._engine.tick(at)

    def _happen(self, what: str, now: dt.datetime) -> None:
        if what == "down":
            self._tick(self._bound.latest_slot(now - _JUST))
            with self._ledger.write() as connection:
                nodes.stop(connection, _NODE, now)
            self._is_up = False
        elif what == "up":
            self._engine.resume(now)
            self._is_up = True
            self._tick(now)
        elif what == "acknowledged":
            with self._ledger.read() as connection:
                active = [case.id for case in self._cases(connection) if case.active]
            for case_id in active:
                acknowledge(self._ledger, self._engine.house.rules.version, case_id, "somebody", now)
        else:
            # The check before it must not see what it brings.
            if self._is_up:
                self._tick(self._bound.latest_slot(now - _JUST))
            self._record.happen(what, now)
            self._changed = now

    def _next(self) -> dt.datetime | None:
        """Find when something may happen next: a step, a delivery, or a check that finds the record changed."""
        house, now = self._engine.house, self._now
        with self._ledger.read() as connection:
            step = cases.earliest(connection, set(house.rules.all))
        day = self._bound.next_day(now)
        turns = [self._changed, *self._record.turns, *([midnight(day + DAY, self._bound.zone)] if day else [])]
        checks = [self._slot_from(turn) for turn in turns if turn > now]
        wakes = [step, *self._engine.sender.wakes(now).values(), *checks, self._opening(day)]
        return min((wake for wake in wakes if wake is not None), default=None)

    def _opening(self, day: dt.date | None) -> dt.datetime | None:
        """Find the check before the first step of a record that matches and has no case yet."""
        record = self._record.at(self._now, day)
        if record.candidate is None or record.done or not record.matches or self._bound.plan.first_seen:
            return None
        clocks = [record.candidate]
        if self._bound.plan.yearly:
            clocks = list(self._record.anniversaries(self._now, self._now - LONGEST, self._now + LONGEST))
        with self._ledger.read() as connection:
            known = {case.clock for case in self._cases(connection)}
        moments = (self._opens(found) for found in clocks if found.clock not in known)
        slots = (self._bound.latest_slot(moment) for moment in moments if moment)
        return min((slot for slot in slots if slot > self._now), default=None)

    def _opens(self, found: Candidate) -> dt.datetime | None:
        """Find when a check has to see a record: before its first step, or as its clock stands still."""
        if found.paused:
            return self._slot_from(max(found.clock_at, self._changed))
        return self._first_step(found)

    def _first_step(self, of: Candidate) -> dt.datetime | None:
        due_at = self._timing.due(of.clock_at, of.times, of.stage)
        return self._timing.next_at(of.clock_at, due_at, self._record.zone, {})

    def _slot_from(self, at: dt.datetime) -> dt.datetime:
        slot = self._bound.latest_slot(at)
        return slot if slot == at else self._bound.next_slot(at)

    def _cases(self, connection: sa.Connection) -> list[Case]:
        return [case for id in self._engine.house.rules.all for case in cases.of_key(connection, id, KEY)]

    def _fired(self) -> list[Firing]:
        order = [step.identity for step in self._bound.rule.steps]
        found: list[tuple[dt.datetime, int, Firing]] = []
        with self._ledger.read() as connection:
            for case in self._cases(connection):
                deliveries = outbox.of_case(connection, case.id)
                for fired in firings.of_cases(connection, [case.id]).get(case.id, {}).values():
                    mine = [one for one in deliveries if one.firing_id == fired.id]
                    ended = [one.settled_at for one in mine if one.settled_at and one.state in REACHED]
                    channels = frozenset(
                        one.channel for one in mine if one.kind == "message" and one.state == "accepted"
                    )
                    if ended:
                        found.append(
                            (min(ended), order.index(fired.step), Firing(min(ended), fired.audience, channels))
                        )
        return [one for _, _, one in sorted(found, key=lambda each: each[:2])]


def _events(example: Example, times: ExampleTimes, record: ExampleRecord) -> Iterator[tuple[dt.datetime, str]]:
    """Give what happens, in order: after what the record says has happened, each after the one before."""
    monday = midnight(MONDAY, times.zone)
    before = max(record.turns) if record.turns else min(record.moments, default=monday)
    for event in example.then:
        before = times.from_on(event.at, before)
        yield before, event.what


def example_house(ledger: Ledger, sources: Mapping[str, Source], snapshot: Snapshot, plugins: Plugins) -> House:
    """Put a house together in which every message is accepted, and nothing is done out there.

    Parameters
    ----------
    sources: what answers in the place of each source.
    """
    channels, kinds = snapshot.settings.channels, plugins.channels
    return House(
        ledger=ledger,
        rules=LiveRules(ledger),
        sources=sources,
        writers=idle_writers(snapshot.settings.sources),
        channels=quiet_channels(
            {
                name: channel.address or (kinds[channel.kind].address if channel.kind in kinds else "")
                for name, channel in channels.items()
            }
        ),
        actions={
            name: action(action.Config()) if name in ACTIONS else IdleAction(Config())
            for name, action in plugins.actions.items()
        },
    )
