"""What a roundup would send now: the very engine, on a ledger in memory, with channels that keep quiet."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from duly.engine.assembly import assemble
from duly.engine.plugins import Plugins
from duly.engine.quiet import idle_actions, quiet_channels
from duly.engine.roundup import Roundups, period_start
from duly.engine.source import SourceDown
from duly.ledger import journal, outbox
from duly.ledger.journal import Entry
from duly.ledger.ledger import ledger_in_memory
from duly.ledger.outbox import Delivery
from duly.rules.bind import BoundRule
from duly.rules.own_cases import CASES
from duly.rules.problem import Problem, Problems
from duly.rules.roundup import Roundup
from duly.rules.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class RoundupPreview:
    """What a roundup would send if this were its slot.

    Parameters
    ----------
    since: when its period begins; ``None`` where it has no beginning.
    deliveries: what leaves, with its words, or waits for its hour.
    journal: what else is to say: that there is nothing to report, or nobody to tell.
    without_cases: whether it tells of Duly's own cases, which are not looked at here.
    problems: what is wrong with channels and sources.
    """

    since: dt.datetime | None
    deliveries: Sequence[Delivery]
    journal: Sequence[Entry]
    without_cases: bool
    problems: Sequence[Problem]


def preview_roundup(
    bound: BoundRule, roundup: Roundup, snapshot: Snapshot, plugins: Plugins, now: dt.datetime
) -> RoundupPreview:
    """Find out what a roundup would send at ``now``, without sending or writing anything.

    Raises
    ------
    SourceDown: one of its sources cannot be asked; one sentence.
    """
    problems = Problems()
    with ledger_in_memory() as ledger:
        engine = assemble(snapshot, plugins, ledger, problems)
        house = engine.house
        house.channels = quiet_channels({name: channel.address for name, channel in house.channels.items()})
        house.actions = idle_actions(house.actions)
        house.connections = {}
        try:
            engine.load(dataclasses.replace(snapshot, rules={bound.rule.id: bound}, broken={}), now)
            live = next(iter(house.rules.all.values()))
            checked = Roundups(house).run(live, roundup, now, now)
            if checked is not None and checked.state == "failed":
                raise SourceDown(checked.reason)
            engine.tick(now)
            with ledger.read() as connection:
                deliveries = outbox.of_rule(connection, live.row.id)
                lines = journal.of_rule(connection, live.row.id, 100)
        finally:
            engine.sender.close()
    said = [line for line in reversed(lines) if line.delivery_id is None and line.event not in {"live", "reported"}]
    without_cases = any(section.noun is CASES for section in bound.sections)
    since = period_start(bound, roundup, now, None)
    return RoundupPreview(since, deliveries, said, without_cases, problems.all)
