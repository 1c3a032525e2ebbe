"""An acknowledgement: somebody has taken a case on, so nobody is asked why it went unanswered for a while (law 14)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from duly.engine.pauses import Pauses
from duly.engine.timing import Timing
from duly.ledger import cases, firings, journal, pauses
from duly.ledger.journal import Entry
from duly.ledger.ledger import Ledger
from duly.rules.bind import BoundRule


def acknowledge(
    ledger: Ledger,
    version: Callable[[int], tuple[BoundRule, Timing] | None],
    case_id: int,
    by: str,
    now: dt.datetime,
) -> bool:
    """Take a case on: its ``unanswered`` steps rest for one working day, then its ladder resumes.

    Parameters
    ----------
    version: gives a version of a rule, for the ladder on which the case started.
    by: who does so, for the journal.

    Returns
    -------
    Whether the case was open.
    """
    with ledger.read() as connection:
        rule_versions = {case.id: case.version_id for case in cases.get(connection, [case_id]).values()}
    started = version(rule_versions[case_id]) if case_id in rule_versions else None
    with ledger.write() as connection:
        if not cases.acknowledge(connection, case_id, now):
            return False
        case = cases.get(connection, [case_id])[case_id]
        if started is not None:
            fired = firings.of_cases(connection, [case_id]).get(case_id, {})
            stood = Pauses.of(pauses.of_cases(connection, [case_id]).get(case_id, ()))
            next_at = started[1].next_at(case.clock_at, case.due_at, case.record["zone"], fired, now, stood)
            cases.set_next(connection, case_id, next_at)
        journal.write(connection, [Entry(now, "acknowledged", f"{by} has taken it on", case.rule_id, case_id)])
    return True
