"""Coverage: of the records that a rule concerned, how many were done in time, measured on the source itself."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from duly.engine.gathering import CensusTaker
from duly.engine.timing import Timing
from duly.rules.bind import BoundRule
from duly.rules.census import Census, Counted
from duly.rules.model import ClockKind, FactIs
from duly.rules.noun import Time


class NotMeasurable(ValueError):  # noqa: N818 - says what the rule is
    """A rule whose coverage cannot be measured; the sentence says why, and the cure."""


@dataclass
class Coverage:
    """What became of every record whose clock lies in a period.

    Parameters
    ----------
    in_time: keys of the records that were done by their due time, or done at all where the rule has none.
    late: of those done afterwards, or not done though their due time has passed.
    undated: of those that are done, but whose source does not say when: nobody can prove that it was in time.
    open: of those that are not done and not due yet; they count neither way.
    unreadable: of those whose clock, due time or proof cannot be read.
    """

    in_time: list[bytes] = field(default_factory=list)
    late: list[bytes] = field(default_factory=list)
    undated: list[bytes] = field(default_factory=list)
    open: list[bytes] = field(default_factory=list)
    unreadable: list[bytes] = field(default_factory=list)

    @property
    def matched(self) -> int:
        """How many records there were."""
        return sum(map(len, (self.in_time, self.late, self.undated, self.open, self.unreadable)))

    @property
    def share(self) -> Decimal | None:
        """The percentage done in time of those that are done or due; ``None`` when there are none."""
        whole = self.matched - len(self.open)
        return Decimal(len(self.in_time) * 100) / whole if whole else None


def wanted_share(cover: str) -> tuple[Decimal | None, str]:
    """Read a rule's ``cover``: the percentage that is wanted, and the fact of the records that it speaks of."""
    percent, _, fact = cover.partition(" of ")
    return (Decimal(percent.removesuffix("%")) if percent else None), fact


def measure(
    bound: BoundRule, source: CensusTaker, since: dt.datetime, until: dt.datetime, now: dt.datetime
) -> Coverage:
    """Ask what became of every record whose clock lies from ``since`` up to ``until``, which is not included.

    Raises
    ------
    NotMeasurable: the rule does not say when a record is done, or does not count from a time of the record.
    SourceDown: the source cannot answer.
    """
    census = _census(bound)
    timing = Timing(bound)
    found = Coverage()
    for batch in source.census(census, now, since, until):
        for one in batch:
            _sort(one, census, timing, found, (since, until), now)
    return found


def _census(bound: BoundRule) -> Census:
    rule, noun = bound.rule, bound.noun
    if not rule.done:
        raise NotMeasurable(f"{rule.id} has no “done”, so nobody can tell what was done: add “done: [FACT]”")
    clock = bound.plan.clock
    if rule.clock is None or rule.clock.kind is not ClockKind.TIME or clock is None:
        raise NotMeasurable(f"{rule.id} counts from “{rule.clock}”, which is no time of the record: nothing to measure")
    _, fact = wanted_share(rule.cover)
    only = (FactIs(fact, wanted=True, mark=rule.marks[""]),) if fact else ()
    facts = [each.fact for each in rule.done if isinstance(each, FactIs) and each.wanted]
    proofs = [Time(f"at {name}", sql=noun.facts[name].at) for name in facts if noun.facts[name].at]
    return Census(
        dataclasses.replace(rule, where=(*rule.where, *only)),
        noun,
        times=(clock, *proofs),
        bounds=frozenset({clock.name}),
        with_done=True,
    )


def _sort(
    one: Counted,
    census: Census,
    timing: Timing,
    found: Coverage,
    period: tuple[dt.datetime, dt.datetime],
    now: dt.datetime,
) -> None:
    """Put one record where it belongs; one outside the period is none of ours."""
    record, candidate = one.record, one.record.candidate
    if one.unreadable or candidate is None:
        found.unreadable.append(record.key)
        return
    if not period[0] <= candidate.clock_at < period[1]:
        return
    due_at = timing.due(candidate.clock_at, candidate.times, candidate.stage)
    if not record.done:
        is_late = due_at is not None and due_at <= now
        (found.late if is_late else found.open).append(record.key)
        return
    done_at = _done_at(one, census)
    if due_at is None or (done_at or now) <= due_at:
        found.in_time.append(record.key)
    elif done_at is None:
        found.undated.append(record.key)
    else:
        found.late.append(record.key)


def _done_at(one: Counted, census: Census) -> dt.datetime | None:
    """Find when a record was first done, by any of the facts that say it is."""
    facts: Sequence[str] = [str(each) for each in census.rule.done if one.record.holds[str(each)]]
    return min((one.times[f"at {fact}"] for fact in facts if f"at {fact}" in one.times), default=None)
