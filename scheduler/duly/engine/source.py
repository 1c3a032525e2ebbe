"""A source: where the records that rules watch come from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Protocol

from duly.api.person import Person
from duly.rules.census import Census, Counted
from duly.rules.plan import Plan
from duly.rules.problem import Problem
from duly.rules.record import Candidate, Record, encode_key

BATCH = 1000
"""The most records that are held in memory at once."""


class SourceDown(Exception):  # noqa: N818 - a state of the source, named in the design
    """A source cannot be reached or cannot answer: one sentence, without secrets and without values of records."""


class Source(Protocol):
    """A named, read-only place of records, used from several threads at once.

    In every call ``now`` is the instant of the check, in UTC, and ``day`` the day on which the clock of a rule with
    ``next day of CALENDAR`` stands (its records' clock is their midnight of that day); ``None`` leaves such records
    without a clock. Every call may raise `SourceDown`, also in the middle of a stream: an answer counts only once it
    has been read to its end.
    """

    name: str

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
        """Stream the records that match and whose clock lies from ``low`` to ``high``, both included, in any order.

        Parameters
        ----------
        low, high: instants; ``None`` leaves that side open.
        unreadable: is given the key of each record that matches but has a time that cannot be read (``31/12 noon``).
            Such a record is no candidate and stops nothing. Without it, a warning is logged.

        Yields
        ------
        Batches of at most `BATCH` candidates, none of them empty.
        """
        ...

    def lookup(
        self, plan: Plan, keys: Sequence[bytes], now: dt.datetime, day: dt.date | None = None
    ) -> dict[bytes, Record]:
        """Tell all there is to know of the records with these keys; keys without a record are left out.

        A record whose clock is missing or cannot be read has no ``candidate``.
        """
        ...

    def clockless(
        self, plan: Plan, now: dt.datetime, limit: int, day: dt.date | None = None
    ) -> tuple[int, list[bytes]]:
        """Count the records that match without a clock, or with one that is no time; give the first ``limit`` keys."""
        ...

    def crowd(self, plan: Plan, who: str, key: bytes, now: dt.datetime) -> Iterator[Sequence[Person]]:
        """Stream the many people of one record, in any order.

        Parameters
        ----------
        who: a word of the noun with ``many``, such as ``residents``.

        Yields
        ------
        Batches of at most `BATCH` people, none of them empty; each bears the ``id`` of `person_id`.
        """
        ...

    def crowd_sizes(self, plan: Plan, who: str, keys: Sequence[bytes], now: dt.datetime) -> dict[bytes, int]:
        """Count the many people of each record; records that have nobody are left out."""
        ...

    def members(
        self, plan: Plan, who: str, asked: Collection[tuple[bytes, str]], now: dt.datetime
    ) -> dict[tuple[bytes, str], Person]:
        """Look up some of the many people, each by the record's key and their own ``id``; who left is left out."""
        ...

    def census(
        self, census: Census, now: dt.datetime, low: dt.datetime | None, high: dt.datetime | None
    ) -> Iterator[Sequence[Counted]]:
        """Stream whole records that match, in any order, with all that the census tells of them.

        Parameters
        ----------
        low, high: instants; a census with ``bounds`` leaves out only records none of whose bounding times lies between
            them, and may give some more.
        """
        ...

    def probe(self, plan: Plan, now: dt.datetime) -> list[Problem]:
        """Try each word of the vocabulary that the plan needs, and say which the source cannot answer.

        Parameters
        ----------
        now: any instant; it is bound where the vocabulary says ``:now``.
        """
        ...


def person_id(who: str, key: object) -> str:
    """Name one of many people: ``residents 17``, ``residents ["A",3]``.

    Parameters
    ----------
    who: the word of the noun.
    key: what tells them apart, as `encode_key` takes it.
    """
    return f"{who} {encode_key(key).decode()}"


class Unusable:
    """A source whose settings lead nowhere: every question fails with the reason, and only its own rules suffer.

    Parameters
    ----------
    reason: one sentence, without secrets.
    """

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self._reason = reason

    def candidates(self, *_args: object, **_keywords: object) -> Iterator[Sequence[Candidate]]:
        """Fail with the reason."""
        raise SourceDown(self._reason)

    def census(self, *_args: object) -> Iterator[Sequence[Counted]]:
        """Fail with the reason."""
        raise SourceDown(self._reason)

    def lookup(self, *_args: object) -> dict[bytes, Record]:
        """Fail with the reason."""
        raise SourceDown(self._reason)

    def clockless(self, *_args: object) -> tuple[int, list[bytes]]:
        """Fail with the reason."""
        raise SourceDown(self._reason)

    def crowd(self, *_args: object) -> Iterator[Sequence[Person]]:
        """Fail with the reason."""
        raise SourceDown(self._reason)

    def crowd_sizes(self, *_args: object) -> dict[bytes, int]:
        """Fail with the reason."""
        raise SourceDown(self._reason)

    def members(self, *_args: object) -> dict[tuple[bytes, str], Person]:
        """Fail with the reason."""
        raise SourceDown(self._reason)

    def probe(self, *_args: object) -> list[Problem]:
        """Say nothing: what is wrong is known, and is not the vocabulary."""
        return []
