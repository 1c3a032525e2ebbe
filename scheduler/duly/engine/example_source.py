"""A source of one record: an example's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Sequence

from duly.api.person import Person
from duly.engine.example_record import KEY, ExampleRecord
from duly.rules.anniversary import YEAR
from duly.rules.census import Census, Counted
from duly.rules.plan import Plan
from duly.rules.problem import Problem
from duly.rules.record import Candidate, Record


class ExampleSource:
    """Answers every plan as `duly.engine.source.Source` says, out of the one record there is.

    Parameters
    ----------
    name: the source whose place it takes.
    record: what it answers with.
    """

    def __init__(self, name: str, record: ExampleRecord) -> None:
        self.name = name
        self._record = record

    def candidates(
        self,
        plan: Plan,
        now: dt.datetime,
        low: dt.datetime | None,
        high: dt.datetime | None,
        day: dt.date | None = None,
        *,
        unreadable: Callable[[bytes], None] | None = None,  # noqa: ARG002 - every time of an example can be read
    ) -> Iterator[Sequence[Candidate]]:
        """Give the record, if it matches and its clock is within the bounds."""
        record = self._record.at(now, day)
        found = record.candidate if record.matches and not record.done else None
        if plan.yearly:
            several = list(self._record.anniversaries(now, low or now - YEAR, high)) if found else []
            if several:
                yield several
        elif found and (low is None or low <= found.clock_at) and (high is None or found.clock_at <= high):
            yield [found]

    def lookup(
        self,
        plan: Plan,  # noqa: ARG002 - the record knows its rule
        keys: Sequence[bytes],
        now: dt.datetime,
        day: dt.date | None = None,
    ) -> dict[bytes, Record]:
        """Give the record, if it is asked for."""
        return {KEY: self._record.at(now, day)} if KEY in keys else {}

    def clockless(
        self,
        plan: Plan,  # noqa: ARG002 - the record knows its rule
        now: dt.datetime,
        limit: int,
        day: dt.date | None = None,
    ) -> tuple[int, list[bytes]]:
        """Count the record, if it matches without a clock."""
        record = self._record.at(now, day)
        without = [KEY] if record.matches and not record.done and record.candidate is None else []
        return len(without), without[:limit]

    def crowd(
        self,
        plan: Plan,  # noqa: ARG002 - the record knows its rule
        who: str,
        key: bytes,  # noqa: ARG002 - there is one record
        now: dt.datetime,  # noqa: ARG002 - nobody moves in or out
    ) -> Iterator[Sequence[Person]]:
        """Give the one who stands for many."""
        yield [self._record.crowds[who]]

    def crowd_sizes(
        self,
        plan: Plan,  # noqa: ARG002 - the record knows its rule
        who: str,  # noqa: ARG002 - each word has one
        keys: Sequence[bytes],
        now: dt.datetime,  # noqa: ARG002 - nobody moves in or out
    ) -> dict[bytes, int]:
        """Count the one who stands for many."""
        return dict.fromkeys(keys, 1)

    def members(
        self,
        plan: Plan,  # noqa: ARG002 - the record knows its rule
        who: str,
        asked: Collection[tuple[bytes, str]],
        now: dt.datetime,  # noqa: ARG002 - nobody moves in or out
    ) -> dict[tuple[bytes, str], Person]:
        """Give the one who stands for many."""
        return dict.fromkeys(asked, self._record.crowds[who])

    def census(
        self,
        census: Census,  # noqa: ARG002 - a ladder asks for nothing
        now: dt.datetime,  # noqa: ARG002
        low: dt.datetime | None,  # noqa: ARG002
        high: dt.datetime | None,  # noqa: ARG002
    ) -> Iterator[Sequence[Counted]]:
        """Give nothing: the examples of a roundup have a source of their own."""
        return iter(())

    def probe(self, plan: Plan, now: dt.datetime) -> list[Problem]:  # noqa: ARG002 - there is nothing to miss
        """Find nothing wrong: a record of an example has every word of the vocabulary."""
        return []
