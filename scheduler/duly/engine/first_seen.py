"""A clock that begins when a check first sees that a record matches (law 2)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace

from duly.ledger.cases import KnownCase
from duly.ledger.checks import LastCheck
from duly.rules.record import Candidate

ABSENCE = dt.timedelta(hours=24)
"""After this long out of sight a record is seen for the first time again."""


def begun(
    batch: Sequence[Candidate],
    known: Mapping[tuple[bytes, str], KnownCase],
    now: dt.datetime,
    last: LastCheck | None,
) -> list[Candidate]:
    """Give each record the clock of the case that it belongs to; one that is seen for the first time begins now.

    Parameters
    ----------
    known: the cases of these records, open and closed.
    last: the last check that read its whole answer: what it saw has not been away since.
    """
    latest: dict[bytes, KnownCase] = {}
    for case in known.values():
        if case.key not in latest or case.clock_at > latest[case.key].clock_at:
            latest[case.key] = case
    return [_begun(candidate, latest.get(candidate.key), now, last) for candidate in batch]


def _begun(candidate: Candidate, case: KnownCase | None, now: dt.datetime, last: LastCheck | None) -> Candidate:
    if case is None or (not case.active and _was_away(case, now, last)):
        return candidate
    return replace(candidate, clock=case.clock, clock_at=case.clock_at)


def _was_away(case: KnownCase, now: dt.datetime, last: LastCheck | None) -> bool:
    if case.seen_at is None:
        return True
    seen_by_last = last is not None and case.seen_at >= last.now
    return now - case.seen_at >= ABSENCE and not seen_by_last
