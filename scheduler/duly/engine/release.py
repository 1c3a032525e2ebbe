"""A person lets go of what a rule holds (law 8), or confirms the closings that a check refused (law 9)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import islice

import sqlalchemy as sa

from duly.engine.pauses import Pauses
from duly.engine.timing import Timed
from duly.engine.versions import Versions
from duly.ledger import cases, firings, journal, pauses, versions
from duly.ledger.cases import Case
from duly.ledger.firings import NewFiring
from duly.ledger.journal import Entry
from duly.ledger.ledger import Ledger
from duly.ledger.versions import RuleRow

BATCH = 500


class Overdue(Enum):
    """What becomes of the steps that are overdue when a case is let go."""

    SEND = "send"
    """They fire at once; of several to the same audience only the latest (law 4)."""
    SKIP = "skip"
    """They never fire; later ones do."""


@dataclass(frozen=True, slots=True)
class Released:
    """What a release did.

    Parameters
    ----------
    cases: how many go on.
    skipped: how many steps were skipped.
    stuck: how many stay held, because the version of the rule on which they started can no longer be read.
    """

    cases: int = 0
    skipped: int = 0
    stuck: int = 0


def release(
    ledger: Ledger,
    bound: Versions,
    rule: RuleRow,
    overdue: Overdue,
    now: dt.datetime,
    progress: Callable[[int], None] = lambda _: None,
) -> Released:
    """Let every case go on that a rule holds; the daemons on the ledger do the rest.

    Parameters
    ----------
    bound: the versions of the rule, for the ladders on which its cases started.
    rule: the rule in the ledger.
    overdue: what becomes of the steps whose moment has passed by ``now``.
    progress: is told after each batch how many cases it was.
    """
    last, total = 0, Released()
    while True:
        # A batch a transaction, so that no daemon waits long for the ledger.
        with ledger.write() as connection:
            batch = list(islice(cases.held(connection, rule.id, last), BATCH))
            if not batch:
                break
            some = _release(connection, bound, batch, overdue, now)
        last = batch[-1].id
        total = Released(total.cases + some.cases, total.skipped + some.skipped, total.stuck + some.stuck)
        progress(len(batch))
    if total.cases:
        detail = f"a person let {total.cases} cases go on; overdue steps: {overdue.value}"
        with ledger.write() as connection:
            journal.write(connection, [Entry(now, "released", detail, rule.id)])
    return total


def confirm_closings(ledger: Ledger, rule: RuleRow, now: dt.datetime) -> None:
    """Let the next check of a rule close what its last one refused to."""
    with ledger.write() as connection:
        versions.confirm_closings(connection, rule.id, confirmed=True)
        detail = "a person confirmed the closings that the last check refused"
        journal.write(connection, [Entry(now, "released", detail, rule.id)])


def _release(
    connection: sa.Connection, bound: Versions, batch: Sequence[Case], overdue: Overdue, now: dt.datetime
) -> Released:
    fired = firings.of_cases(connection, [case.id for case in batch])
    stood = pauses.of_cases(connection, [case.id for case in batch])
    lines: list[Entry] = []
    released, skipped = 0, 0
    for case in batch:
        version = bound.get(case.version_id)
        if version is None:
            continue
        timing, before, still = version[1], fired.get(case.id, {}), Pauses.of(stood.get(case.id, ()))
        if overdue is Overdue.SKIP:
            late = timing.overdue(
                now, case.clock_at, case.due_at, case.record["zone"], before, case.acknowledged_at, still
            )
            firings.fire(connection, [_skipped(case, timed, now) for timed in late], now)
            before = firings.of_cases(connection, [case.id]).get(case.id, {})
            lines += [_line(case, now, "skipped", f"{timed.step.identity}; a person skipped it") for timed in late]
            skipped += sum(1 + timed.passed for timed in late)
        next_at = timing.next_at(case.clock_at, case.due_at, case.record["zone"], before, case.acknowledged_at, still)
        cases.release(connection, case.id, next_at)
        lines.append(_line(case, now, "released", "a person let it go on"))
        released += 1
    journal.write(connection, lines)
    return Released(released, skipped, len(batch) - released)


def _skipped(case: Case, timed: Timed, now: dt.datetime) -> NewFiring:
    step = timed.step
    return NewFiring(case.id, step.identity, timed.occurrence, step.audience.written, timed.moment or now, "skipped")


def _line(case: Case, now: dt.datetime, event: str, detail: str) -> Entry:
    return Entry(now, event, detail, case.rule_id, case.id)
