"""What a rule would do now: the very engine, on a ledger in memory, with channels that keep quiet."""

from __future__ import annotations

import dataclasses
import datetime as dt
import heapq
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from duly.api.person import Person
from duly.engine.assembly import assemble
from duly.engine.engine import Engine
from duly.engine.live import LiveRule
from duly.engine.pauses import Pauses
from duly.engine.plugins import Plugins
from duly.engine.quiet import idle_actions, idle_writers, quiet_channels
from duly.engine.release import Overdue, release
from duly.engine.source import Source, SourceDown
from duly.engine.versions import Versions
from duly.ledger import cases, journal, outbox
from duly.ledger.journal import Entry
from duly.ledger.ledger import ledger_in_memory
from duly.ledger.outbox import Delivery
from duly.rules.bind import BoundRule
from duly.rules.census import Census, Counted
from duly.rules.model import Rule, Step
from duly.rules.plan import Plan
from duly.rules.problem import Problem, Problems
from duly.rules.record import Candidate, Record
from duly.rules.snapshot import Snapshot

NEVER = dt.datetime.max.replace(tzinfo=dt.UTC)
PEOPLE = 3
"""Of the many people of a record, so many are told in a preview; all are counted."""


@dataclass(frozen=True, slots=True)
class Previewed:
    """One record that matches.

    Parameters
    ----------
    clock_at, due_at: from when it counts, and by when it is due.
    step, at: the first step that has not been taken, and its moment; ``None`` when none is left, or while it waits.
    deliveries: what leaves now, or waits for its hour: with its words where it would leave.
    journal: what happened to its case on the way.
    paused: what its clock stands still for.
    crowds: how many people each word for many people means.
    """

    key: bytes
    clock_at: dt.datetime
    due_at: dt.datetime | None
    step: Step | None
    at: dt.datetime | None
    deliveries: Sequence[Delivery] = ()
    journal: Sequence[Entry] = ()
    paused: Sequence[str] = ()
    crowds: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a rule would do at one instant, if nothing had been sent before.

    Parameters
    ----------
    matching: how many records match.
    due: how many of them have a step due now.
    records: the most urgent of them.
    clockless: how many more match, but have no clock.
    unreadable: how many more match, but have a time that cannot be read.
    problems: what is wrong with channels and sources.
    """

    matching: int
    due: int
    records: Sequence[Previewed]
    clockless: int
    unreadable: int
    problems: Sequence[Problem]


def preview(
    bound: BoundRule,
    snapshot: Snapshot,
    plugins: Plugins,
    now: dt.datetime,
    limit: int,
    progress: Callable[[int], None] = lambda _: None,
) -> Preview:
    """Find out what a rule would do at ``now``, without sending or writing anything.

    Parameters
    ----------
    bound: the rule.
    limit: how many records are looked at closely; all are counted.
    progress: is told of each batch of records how many it was.

    Raises
    ------
    SourceDown: the source cannot be asked; one sentence.
    """
    problems = Problems()
    with ledger_in_memory() as ledger:
        engine = assemble(snapshot, plugins, ledger, problems)
        source = engine.house.sources.get(bound.noun.source)
        if source is None:
            raise SourceDown(next(problem.sentence for problem in problems.all))
        calm = dataclasses.replace(bound, rule=_without_hold(bound))
        engine.load(dataclasses.replace(snapshot, rules={calm.rule.id: calm}, broken={}), now)
        live = next(iter(engine.house.rules.all.values()))
        found = _Found(live, now, limit)
        found.read(source, now - snapshot.settings.reach, progress)
        clockless, _ = source.clockless(live.plan, now, 0, live.bound.next_day(now))
        keys = [candidate.key for candidate in found.nearest]
        sizes = {who: source.crowd_sizes(live.plan, who, keys, now) for who in live.plan.crowds if keys}
        _quieten(engine, _Few(source, found.nearest))
        try:
            _play(engine, live, now)
        finally:
            engine.sender.close()
        records = [_outcome(engine, live, candidate, sizes, now) for candidate in found.nearest]
    return Preview(found.matching, found.due, records, clockless, len(found.unreadable), problems.all)


@dataclass
class _Found:
    """The records that match: counted, and the most urgent kept."""

    live: LiveRule
    now: dt.datetime
    limit: int
    matching: int = 0
    due: int = 0
    unreadable: list[bytes] = field(default_factory=list)
    nearest: list[Candidate] = field(default_factory=list)

    def read(self, source: Source, low: dt.datetime, progress: Callable[[int], None]) -> None:
        day = self.live.bound.next_day(self.now)
        if self.live.bound.day_clock and day is None:
            return
        asked = source.candidates(self.live.plan, self.now, low, None, day, unreadable=self.unreadable.append)
        for batch in asked:
            self.matching += len(batch)
            moments = [(self._moment(candidate), candidate.key, candidate) for candidate in batch]
            self.due += sum(moment <= self.now for moment, _, _ in moments)
            kept = [(self._moment(candidate), candidate.key, candidate) for candidate in self.nearest]
            nearest = heapq.nsmallest(self.limit, [*kept, *moments], key=lambda one: one[:2])
            self.nearest = [candidate for _, _, candidate in nearest]
            progress(len(batch))

    def _moment(self, candidate: Candidate) -> dt.datetime:
        stood = Pauses.seen(candidate.paused, self.now)
        due_at = self.live.timing.due(candidate.clock_at, candidate.times, candidate.stage, stood)
        return self.live.timing.next_at(candidate.clock_at, due_at, candidate.zone, {}, pauses=stood) or NEVER


class _Few:
    """A source of which only some records are seen."""

    def __init__(self, source: Source, candidates: Sequence[Candidate]) -> None:
        self.name = source.name
        self._source = source
        self._candidates = candidates

    def candidates(
        self,
        plan: Plan,  # noqa: ARG002 - it was asked before
        now: dt.datetime,  # noqa: ARG002
        low: dt.datetime | None,  # noqa: ARG002
        high: dt.datetime | None,  # noqa: ARG002
        day: dt.date | None = None,  # noqa: ARG002
        *,
        unreadable: Callable[[bytes], None] | None = None,  # noqa: ARG002
    ) -> Iterator[Sequence[Candidate]]:
        """Give the few, in one batch."""
        if self._candidates:
            yield self._candidates

    def lookup(
        self, plan: Plan, keys: Sequence[bytes], now: dt.datetime, day: dt.date | None = None
    ) -> dict[bytes, Record]:
        """Look up as the source itself does."""
        return self._source.lookup(plan, keys, now, day)

    def clockless(
        self,
        plan: Plan,  # noqa: ARG002 - it was asked before
        now: dt.datetime,  # noqa: ARG002
        limit: int,  # noqa: ARG002
        day: dt.date | None = None,  # noqa: ARG002
    ) -> tuple[int, list[bytes]]:
        """None of the few is without a clock."""
        return 0, []

    def crowd(self, plan: Plan, who: str, key: bytes, now: dt.datetime) -> Iterator[Sequence[Person]]:
        """Give the first few."""
        first = next(self._source.crowd(plan, who, key, now), ())
        if first:
            yield first[:PEOPLE]

    def crowd_sizes(self, plan: Plan, who: str, keys: Sequence[bytes], now: dt.datetime) -> dict[bytes, int]:
        """Count people as the source itself does."""
        return self._source.crowd_sizes(plan, who, keys, now)

    def members(
        self, plan: Plan, who: str, asked: Collection[tuple[bytes, str]], now: dt.datetime
    ) -> dict[tuple[bytes, str], Person]:
        """Look people up as the source itself does."""
        return self._source.members(plan, who, asked, now)

    def census(
        self, census: Census, now: dt.datetime, low: dt.datetime | None, high: dt.datetime | None
    ) -> Iterator[Sequence[Counted]]:
        """Census as the source itself does."""
        return self._source.census(census, now, low, high)

    def probe(self, plan: Plan, now: dt.datetime) -> list[Problem]:
        """Try the words as the source itself does."""
        return self._source.probe(plan, now)


def _without_hold(bound: BoundRule) -> Rule:
    return dataclasses.replace(bound.rule, limits=dataclasses.replace(bound.rule.limits, hold=None))


def _quieten(engine: Engine, source: Source) -> None:
    house = engine.house
    house.sources = {source.name: source}
    house.channels = quiet_channels({name: channel.address for name, channel in house.channels.items()})
    house.actions = idle_actions(house.actions)
    house.writers = idle_writers(house.writers)
    house.connections = {}


def _play(engine: Engine, live: LiveRule, now: dt.datetime) -> None:
    """Have the rule checked; let go of what it holds because it is new here; fire and send."""
    engine.tick(now)
    versions = Versions(engine.house.ledger, engine.house.rules.snapshot)
    versions.keep(live.row.version_id, live.bound, live.timing)
    release(engine.house.ledger, versions, live.row, Overdue.SEND, now)
    engine.tick(now)


def _outcome(
    engine: Engine,
    live: LiveRule,
    candidate: Candidate,
    sizes: Mapping[str, Mapping[bytes, int]],
    now: dt.datetime,
) -> Previewed:
    stood = Pauses.seen(candidate.paused, now)
    due_at = live.timing.due(candidate.clock_at, candidate.times, candidate.stage, stood)
    waiting = live.timing.waiting(candidate.clock_at, due_at, candidate.zone, {}, pauses=stood)
    first = min((timed for timed in waiting if timed.moment), key=lambda timed: timed.moment or NEVER, default=None)
    with engine.house.ledger.read() as connection:
        mine = [c for c in cases.of_key(connection, live.row.id, candidate.key) if c.clock == candidate.clock]
        deliveries = [one for case in mine for one in outbox.of_case(connection, case.id)]
        entries = [entry for case in mine for entry in journal.of_case(connection, case.id)]
    return Previewed(
        candidate.key,
        candidate.clock_at,
        due_at,
        first.step if first else None,
        first.moment if first else None,
        deliveries,
        entries,
        tuple(candidate.paused),
        {who: known[candidate.key] for who, known in sizes.items() if candidate.key in known},
    )
