"""The worked examples of a rule, run on the real engine and held against what they expect."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from duly.engine.example_run import ExampleRun, Firing
from duly.engine.example_time import ExampleTimes, later
from duly.engine.plugins import Plugins
from duly.engine.roundup_example import RoundupRun
from duly.ledger.ledger import Ledger
from duly.ledger.schema import metadata
from duly.rules.bind import BoundRule
from duly.rules.by import parse_by
from duly.rules.example_file import parse_example_time
from duly.rules.model import Example, ExampleEvent, ExampleTime
from duly.rules.problem import Problem, Problems
from duly.rules.snapshot import Snapshot
from duly.time.calendar import build


@dataclass(frozen=True, slots=True)
class ExampleResult:
    """What became of one example.

    Parameters
    ----------
    expected, got: who was to hear and who heard, in order, as examples write it.
    problem: the first difference, at the example; ``None`` when there is none.
    """

    example: Example
    expected: list[str]
    got: list[str]
    problem: Problem | None = None

    @property
    def passed(self) -> bool:
        """Whether it came out as expected."""
        return self.problem is None


def run_examples(bound: BoundRule, snapshot: Snapshot, plugins: Plugins) -> list[ExampleResult]:
    """Run every example of a rule, each in a world of its own, in which nothing is sent.

    Parameters
    ----------
    bound: the rule.
    snapshot: the workspace it belongs to.
    plugins: what its channels and actions are.
    """
    ordinary = _in_ordinary_week(bound, snapshot)
    trials = [_Trial(example, (bound, snapshot), ordinary, plugins) for example in bound.rule.examples]
    with _ledgers() as empty:
        return [trial.result(empty()) for trial in trials]


@contextmanager
def _ledgers() -> Iterator[Callable[[], Ledger]]:
    """Give a ledger that knows nothing, as often as one is asked for: the same one, emptied, for making one is slow."""
    ledger = Ledger("sqlite://")
    metadata.create_all(ledger.engine)

    def empty() -> Ledger:
        with ledger.write() as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(sa.delete(table))
        return ledger

    try:
        yield empty
    finally:
        ledger.close()


def _in_ordinary_week(bound: BoundRule, snapshot: Snapshot) -> tuple[BoundRule, Snapshot]:
    """Take every holiday and make-up day out of a rule's world."""
    calendar = build("ordinary", None, {}, (), {})
    directory = dataclasses.replace(snapshot.directory, calendar=calendar)
    around = dataclasses.replace(snapshot.around, directory=directory)
    working = directory.hours(bound.rule.owner)
    ordinary = dataclasses.replace(bound, working=working, calendar=calendar if bound.day_clock else None)
    return ordinary, dataclasses.replace(snapshot, directory=directory, around=around)


class _Trial:
    """One example, run and judged."""

    def __init__(
        self,
        example: Example,
        real: tuple[BoundRule, Snapshot],
        ordinary: tuple[BoundRule, Snapshot],
        plugins: Plugins,
    ) -> None:
        self.example = example
        self.rule = real[0].rule
        self.times = ExampleTimes(real[1].directory.zone)
        kinds = {time.date is not None for time in _times(example, real[0])}
        self.is_mixed, self.is_dated = len(kinds) > 1, kinds == {True}
        self.world = real if self.is_dated else ordinary
        self.plugins = plugins
        self.names_channels = any(" by " in event.what for event in example.expect)
        self.names_figures = any(" with " in event.what for event in example.expect)

    def result(self, ledger: Ledger) -> ExampleResult:
        expected = [f"{self.times.write(event.at)} {event.what}" for event in self.example.expect]
        if self.is_mixed:
            problem = self.problem("X006", "it mixes weekdays with dates", "write all of its times as dates, or none")
            return ExampleResult(self.example, expected, [], problem)
        try:
            kind = RoundupRun if self.rule.roundup else ExampleRun
            run = kind(*self.world, self.plugins, self.example, self.times, ledger)
        except ValueError as error:
            return ExampleResult(self.example, expected, [], self.problem("X004", str(error)))
        try:
            fired, why = run.run(), run.silence()
        except (ValueError, OverflowError) as error:
            return ExampleResult(self.example, expected, [], self.problem("X010", f"it cannot be run: {error}"))
        fired = self.in_expected_order(fired)
        since = [_before(one, fired[:place], run.moments) for place, one in enumerate(fired)]
        got = [self.spell(one, at) for one, at in zip(fired, since, strict=True)]
        for place, (event, one, at) in enumerate(zip(self.example.expect, fired, since, strict=False)):
            if not (self.times.fits(event.at, one.at, at) and _is_to(event, one)):
                said = f"expected “{expected[place]}”, but “{got[place]}” happened"
                return ExampleResult(self.example, expected, got, self.differs(said, got))
        if len(fired) < len(expected):
            said = f"expected “{expected[len(fired)]}”, but nobody heard{f' ({why})' if why else ''}"
        elif len(fired) > len(expected):
            said = f"“{got[len(expected)]}” happened, which was not expected"
        else:
            return ExampleResult(self.example, expected, got)
        return ExampleResult(self.example, expected, got, self.differs(said, got))

    def in_expected_order(self, fired: Sequence[Firing]) -> list[Firing]:
        """Of what happens at the same instant, the order is nobody's business: take the example's."""
        ordered = list(fired)
        for place, event in enumerate(self.example.expect[: len(ordered)]):
            at = ordered[place].at
            same = [one for one in ordered[place:] if one.at == at and _is_to(event, one)]
            if same:
                ordered.remove(same[0])
                ordered.insert(place, same[0])
        return ordered

    def spell(self, one: Firing, since: dt.datetime) -> str:
        by = f" by {' and '.join(sorted(one.channels))}" if self.names_channels and one.channels else ""
        told = f" with {' and '.join(one.told)}" if self.names_figures and one.told else ""
        weeks = "" if self.is_dated else later(one.at, since)
        return f"{self.times.spell(one.at, dated=self.is_dated)} {one.audience}{by}{told}{weeks and f', {weeks}'}"

    def differs(self, said: str, got: Sequence[str]) -> Problem:
        happened = ", ".join(got)
        if "later" in happened:
            return self.problem("X010", said, f"correct the rule, or write it in dates; this happened: {happened}")
        return self.problem("X010", said, f"correct the rule, or write “expect: [{happened}]”")

    def problem(self, code: str, message: str, cure: str = "") -> Problem:
        problems = Problems()
        problems.lines(self.example.mark.path, self.rule.text)
        problems.add(code, self.example.mark, f"“{self.example.name}”: {message}", cure)
        return problems.all[0]


def _times(example: Example, bound: BoundRule) -> Iterator[ExampleTime]:
    """Give every time that an example writes."""
    records = (example.given, *(record for _, record in example.records))
    named = ((name, value) for record in records for name, value in record.items() if name in bound.noun.times)
    given = [value for _, value in named if value != "none"]
    yield from map(parse_example_time, given)
    yield from (event.at for event in (*example.then, *example.expect))
    yield from (ExampleTime(at.time(), date=at.date()) for at in (example.from_, example.until) if at)


def _before(one: Firing, fired: Sequence[Firing], moments: Sequence[dt.datetime]) -> dt.datetime:
    """Find what came last before a firing: a weekday of an example is the first one after it."""
    known = [*moments, *(other.at for other in fired)]
    return max((at for at in known if at <= one.at), default=one.at)


def _is_to(event: ExampleEvent, one: Firing) -> bool:
    what, _, figures = event.what.partition(" with ")
    audience, _, by = what.partition(" by ")
    chains = parse_by([by]) if by else ()
    wanted = figures.split(" and ") if figures else []
    return (
        audience == one.audience
        and all(one.channels.intersection(chain) for chain in chains)
        and all(figure.strip() in one.told for figure in wanted)
    )
