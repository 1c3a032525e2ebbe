"""What a rule would do over days: the very engine, on a clock that jumps, a ledger in memory and quiet channels."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

import sqlalchemy as sa

from duly.engine.assembly import assemble
from duly.engine.engine import Engine
from duly.engine.hindsight import in_hindsight
from duly.engine.pauses import Pauses
from duly.engine.plugins import Plugins
from duly.engine.quiet import idle_actions, idle_writers, quiet_channels
from duly.engine.source import Source, SourceDown
from duly.engine.timing import Timing
from duly.ledger import journal, outcomes
from duly.ledger.journal import Entry
from duly.ledger.ledger import ledger_in_memory
from duly.ledger.outbox import Delivery
from duly.ledger.outcomes import Outcome
from duly.rules.bind import BoundRule
from duly.rules.model import ClockKind, Condition, FactIs, When
from duly.rules.noun import Noun
from duly.rules.plan import Plan
from duly.rules.problem import Problem, Problems
from duly.rules.record import Candidate
from duly.rules.snapshot import Snapshot
from duly.time.duration import Unit
from duly.time.slot import Schedule

CHECKS = 100
LOOKS = 100_000
"""How many checks a simulation may take, and at how many records they may look, before they come more rarely."""
MOMENTS = 500
"""How many moments may come before those close to each other are taken together, and as how many."""
RARER = ("every 30m", "every 1h", "every 2h", "every 4h", "every 6h", "every 12h")
GRAINS = tuple(dt.timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 30))
LINES_OF_RULE = 1_000
_EXACT = dt.timedelta(microseconds=1)
_LADDER = frozenset({When.AFTER, When.BEFORE, When.LATE, When.UNANSWERED, When.AT})
"""Steps whose moments do not hang on when the rule is checked."""


@dataclass(frozen=True, slots=True)
class Simulation:
    """What a rule would do from one instant to another.

    Parameters
    ----------
    begin, end: the span; the end is not in it.
    read_at: when the source was read: of what comes later it knows nothing.
    matching: how many records it may concern within the span.
    late: how many cases were late when it began, so that they are held (law 8).
    outcomes: everything that left, or ended without leaving, in order.
    messages: the first messages, with their words.
    holds: when the rule held cases, and why.
    waiting: how many deliveries still wait for their hour at the end.
    check: how often the rule was checked, if not as it says.
    grain: how far moments may have been put off, so that it is quick; zero when each is exact.
    failures: what the source could not answer on the way.
    problems: what is wrong with channels and sources.
    """

    begin: dt.datetime
    end: dt.datetime
    read_at: dt.datetime
    matching: int
    late: int
    outcomes: Sequence[Outcome]
    messages: Sequence[Delivery]
    holds: Sequence[Entry]
    waiting: int
    check: str
    grain: dt.timedelta
    failures: Sequence[str]
    problems: Sequence[Problem]


def simulate(
    bound: BoundRule,
    snapshot: Snapshot,
    plugins: Plugins,
    begin: dt.datetime,
    end: dt.datetime,
    now: dt.datetime,
    messages: int,
    progress: Callable[[int], None] = lambda _: None,
) -> Simulation:
    """Find out what a rule would do from ``begin`` until ``end``, without sending or writing anything.

    The source is asked as it stands. A fact with ``at`` is hidden until the simulated clock reaches it, as in examples;
    everything else is as the source has it now.

    Parameters
    ----------
    bound: the rule.
    now: the instant at which the source is read.
    messages: how many messages are given with their words.
    progress: is told after each jump of the clock how many seconds it was.

    Raises
    ------
    SourceDown: the source cannot be asked; one sentence.
    """
    problems = Problems()
    with ledger_in_memory() as ledger:
        engine = assemble(snapshot, plugins, ledger, problems)
        house = engine.house
        source = house.sources.get(bound.noun.source)
        if source is None:
            raise SourceDown(next(problem.sentence for problem in problems.all))
        dialect = sa.make_url(snapshot.settings.sources[source.name].url.reveal()).get_backend_name()
        past = _past(bound, dialect)
        sight = _Sight.of(past, source, begin, end, snapshot.settings.reach)
        check = _rarer(past, begin, end, sight)
        if check:
            past = dataclasses.replace(past, rule=dataclasses.replace(past.rule, check=(check,)))
        grain = _grain(past, end - begin, sight.live)
        house.sources = {**house.sources, source.name: cast(Source, _Without(source, sight.late))}
        house.channels = quiet_channels({name: channel.address for name, channel in house.channels.items()})
        house.actions = idle_actions(house.actions)
        house.writers = idle_writers(house.writers)
        house.connections = {}
        engine.load(dataclasses.replace(snapshot, rules={past.rule.id: past}, broken={}), begin)
        live = next(iter(house.rules.all.values()))
        try:
            for at in _jumps(engine, begin, end, grain):
                progress(int((at - begin).total_seconds()))
        finally:
            engine.sender.close()
        with ledger.read() as connection:
            lines = journal.of_rule(connection, live.row.id, LINES_OF_RULE)[::-1]
            simulation = Simulation(
                begin,
                end,
                now,
                sight.matching,
                len(sight.late),
                outcomes.of_rule(connection, live.row.id, begin),
                outcomes.first_messages(connection, live.row.id, messages),
                [line for line in lines if line.event == "rule held"],
                outcomes.count_waiting(connection, live.row.id),
                check.written if check else "",
                grain,
                [line.detail for line in lines if line.event == "check failed"],
                problems.all,
            )
    return simulation


def _past(bound: BoundRule, dialect: str) -> BoundRule:
    """Let a rule see what was so at each moment; of a roundup, in each section of the same source."""
    sections = tuple(
        dataclasses.replace(section, noun=noun, plan=dataclasses.replace(section.plan, noun=noun))
        for section in bound.sections
        for noun in [in_hindsight(section.noun, dialect) if section.noun.source == bound.noun.source else section.noun]
    )
    return dataclasses.replace(bound, noun=in_hindsight(bound.noun, dialect), sections=sections)


@dataclass(frozen=True, slots=True)
class _Sight:
    """What a rule may come to see within a span.

    Parameters
    ----------
    matching: how many records it may concern at some time.
    late: the cases, as (key, clock), that are late when it begins. They are held, for the rule is new here (law 8).
    """

    matching: int
    late: frozenset[tuple[bytes, str]]

    @classmethod
    def of(cls, bound: BoundRule, source: Source, begin: dt.datetime, end: dt.datetime, reach: dt.timedelta) -> _Sight:
        """Look once; a roundup tells of whatever there is, so nothing of it is ever late."""
        if bound.rule.roundup is not None:
            return cls(0, frozenset())
        timing = Timing(bound)
        low, high = timing.clock_bounds(begin, end, reach)
        day = bound.next_day(begin)
        if bound.day_clock and day is None:
            return cls(0, frozenset())
        late = set()
        for batch in source.candidates(bound.plan, begin, low, high, day, unreadable=lambda _: None):
            for one in batch:
                stood = Pauses.seen(one.paused, begin)
                due_at = timing.due(one.clock_at, one.times, one.stage, stood)
                first = timing.next_at(one.clock_at, due_at, one.zone, {}, pauses=stood)
                if first is not None and first < begin:
                    late.add((one.key, one.clock))
        asked = source.candidates(_ever(bound).plan, end, low, high, day, unreadable=lambda _: None)
        matching = sum(map(len, asked))
        return cls(max(matching, len(late)), frozenset(late))

    @property
    def live(self) -> int:
        """How many records something may come for."""
        return self.matching - len(self.late)

    @property
    def looks(self) -> float:
        """What a check costs, in records looked at: one that is only passed over costs little."""
        return self.live + self.matching / 6


class _Without:
    """A source without the cases that are held: nobody releases them in a simulation, so they only cost time."""

    def __init__(self, source: Source, late: frozenset[tuple[bytes, str]]) -> None:
        self._source = source
        self._late = late

    def __getattr__(self, name: str) -> Any:
        """Answer everything else as the source itself does."""
        return getattr(self._source, name)

    def candidates(
        self,
        plan: Plan,
        now: dt.datetime,
        low: dt.datetime | None,
        high: dt.datetime | None,
        day: dt.date | None = None,
        *,
        unreadable: Callable[[bytes], None] | None = None,
    ) -> Iterator[Sequence[Candidate]]:
        """Stream the others."""
        for batch in self._source.candidates(plan, now, low, high, day, unreadable=unreadable):
            others = [one for one in batch if (one.key, one.clock) not in self._late]
            if others:
                yield others


def _ever(bound: BoundRule) -> BoundRule:
    """Leave out what ends a matter in its time: at the end of a span the rest says what has mattered within it."""
    rule, facts = bound.rule, bound.noun.facts
    lasting = [
        tuple(each for each in several if not (isinstance(each, FactIs) and facts[each.fact].at))
        for several in (rule.except_, rule.done)
    ]
    return dataclasses.replace(bound, rule=dataclasses.replace(rule, except_=lasting[0], done=lasting[1]))


def _rarer(bound: BoundRule, begin: dt.datetime, end: dt.datetime, sight: _Sight) -> Schedule | None:
    """Choose how often to check, where the rule's own schedule would look at too many records to be quick.

    A check opens cases ahead of their first step, so it may come more rarely: the ladder asks again before anything
    leaves. Where records only begin to match as time goes on, it must not come later than their first step.

    Returns
    -------
    ``None`` for the rule's own schedule.
    """
    rule = bound.rule
    if rule.clock is None or rule.clock.kind is not ClockKind.TIME or any(s.when not in _LADDER for s in rule.steps):
        return None
    if not rule.steps or rule.pause or any(_moves(each, bound.noun) for each in bound.plan.conditions):
        return None
    appears = any(isinstance(each, FactIs) and bound.noun.facts[each.fact].at for each in rule.where)
    longest = _lead(bound, begin) if appears else end - begin
    found, count = None, _slots(bound, begin, end)
    for schedule in map(Schedule.parse, RARER):
        if count <= CHECKS and count * sight.looks <= LOOKS:
            break
        rarer = dataclasses.replace(bound, rule=dataclasses.replace(rule, check=(schedule,)))
        first = rarer.next_slot(begin)
        if rarer.next_slot(first) - first > longest:
            break
        fewer = _slots(rarer, begin, end)
        if fewer < count:
            found, count = schedule, fewer
    return found


def _moves(condition: Condition, noun: Noun) -> bool:
    """Tell whether a condition may become true, and false again, by the clock alone."""
    if isinstance(condition, FactIs):
        fact = noun.facts[condition.fact]
        return not fact.at and (":now" in fact.sql or ":today" in fact.sql)
    count = noun.counts.get(condition.field)
    if count:
        return condition.within is not None or ":now" in count.on or ":today" in count.on
    sql = noun.fields[condition.field].sql
    return ":now" in sql or ":today" in sql


def _slots(bound: BoundRule, begin: dt.datetime, end: dt.datetime) -> int:
    """Count the checks of a span."""
    count, slot = 0, begin
    while slot < end:
        count, slot = count + 1, bound.next_slot(slot)
    return count


def _lead(bound: BoundRule, begin: dt.datetime) -> dt.timedelta:
    """Find the least time from a clock to its first step, over the hours of a week."""
    timing, leads = Timing(bound), []
    for hours in range(0, 7 * 24, 3):
        clock_at = begin + dt.timedelta(hours=hours)
        moments = timing.moments(clock_at, timing.due(clock_at, {}), "", {})
        leads.append(min(moments, default=clock_at) - clock_at)
    return max(min(leads), dt.timedelta())


def _grain(bound: BoundRule, span: dt.timedelta, live: int) -> dt.timedelta:
    """Choose within how much time moments are taken together: so little that no step meets another, or its own end."""
    rule = bound.rule
    if live * len(rule.steps) <= MOMENTS:
        return _EXACT
    spans = [step.duration for step in rule.steps] + [step.expires for step in rule.steps]
    spans.append(rule.due.duration if rule.due else None)
    timed = (Unit.ELAPSED, Unit.WORKING)
    seconds = sorted({0, *(span.amount for span in spans if span and span.unit in timed)})
    least = min((after - before for before, after in pairwise(seconds)), default=2 * GRAINS[-1].seconds)
    if rule.limits.pace:
        least = min(least, 2 * rule.limits.pace.seconds)
    found = _EXACT
    for grain in GRAINS:
        if 2 * grain.total_seconds() > least:
            break
        found = grain
        if span / grain <= MOMENTS:
            break
    return found


def _jumps(engine: Engine, begin: dt.datetime, end: dt.datetime, grain: dt.timedelta) -> Iterator[dt.datetime]:
    """Let the engine do everything that is due within the span, from moment to moment."""
    now = begin
    while True:
        wake = engine.tick(now)
        yield now
        if wake is None or wake >= end:
            return
        over = (wake - begin) % grain
        now = min(max(wake + (grain - over if over else over), now + _EXACT), end - _EXACT)
