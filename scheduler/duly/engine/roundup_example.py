"""One run of one example of a roundup: the real engine, made-up records, and time that jumps from slot to slot."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter
from typing import cast

from duly.engine.engine import Engine
from duly.engine.example_record import ExampleRecord
from duly.engine.example_run import MOST_TICKS, REACHED, Firing, example_house
from duly.engine.example_time import MONDAY, ExampleTimes
from duly.engine.plugins import Plugins
from duly.engine.report import Report, spell
from duly.engine.source import Source
from duly.ledger import journal, nodes, outbox, reports
from duly.ledger.ledger import Ledger
from duly.ledger.outbox import Delivery
from duly.rules.bind import BoundRule
from duly.rules.census import Census, Counted
from duly.rules.model import Example
from duly.rules.record import encode_key
from duly.rules.roundup_bind import BoundSection
from duly.rules.snapshot import Snapshot
from duly.time.zone import midnight

_JUST = dt.timedelta(microseconds=1)
_NODE = "example"


class _Records:
    """Answers a census out of the records of an example, each as the section that asks sees it."""

    def __init__(self, records: Mapping[int, Sequence[ExampleRecord]]) -> None:
        self._records = records

    def census(
        self,
        census: Census,
        now: dt.datetime,
        low: dt.datetime | None,  # noqa: ARG002 - the asker leaves out what lies outside the period
        high: dt.datetime | None,  # noqa: ARG002
    ) -> Iterator[Sequence[Counted]]:
        """Give every record that matches."""
        found = []
        for number, one in enumerate(self._records.get(id(census), ())):
            record = dataclasses.replace(one.at(now, None), key=encode_key(number + 1))
            times = {time.name: at for time in census.times if (at := one.time(time.name, now)) is not None}
            if record.matches and not record.done:
                found.append(Counted(record, times))
        if found:
            yield found


class RoundupRun:
    """One example of a roundup under way. Its parameters and errors are those of `ExampleRun`.

    A record is there only where the example gives one. Without ``until`` it ends with the first slot at which all that
    it tells of has happened.
    """

    def __init__(
        self,
        bound: BoundRule,
        snapshot: Snapshot,
        plugins: Plugins,
        example: Example,
        times: ExampleTimes,
        ledger: Ledger,
    ) -> None:
        given = [example.given] if example.given else []
        given += [values for _, values in example.records]
        self._sections = {
            id(section.plan): [_record(section, one, example, times, snapshot) for one in given]
            for section in bound.sections
            if section.noun.name == bound.noun.name
        }
        self._bound = bound
        self._times = times
        self._events = [(times.instant(event.at), event.what) for event in example.then]
        self._events.sort(key=itemgetter(0))
        self._from = times.wall(example.from_) if example.from_ else None
        self._until = times.wall(example.until) if example.until else None
        self._snapshot = dataclasses.replace(snapshot, rules={bound.rule.id: bound}, broken={})
        self._ledger = ledger
        # A roundup asks its sources for nothing but a census.
        sources = cast("dict[str, Source]", dict.fromkeys(snapshot.settings.sources, _Records(self._sections)))
        self._engine = Engine(example_house(ledger, sources, self._snapshot, plugins))

    @property
    def moments(self) -> list[dt.datetime]:
        """Every time at which the example says that something is, or happens."""
        records = [moment for several in self._sections.values() for one in several for moment in one.moments]
        known = [*records, *(at for at, _ in self._events)]
        return [*known, self._from] if self._from else known or [midnight(MONDAY, self._times.zone)]

    def run(self) -> list[Firing]:
        """Send every roundup until the example ends.

        Returns
        -------
        Who heard within its ``from`` and ``until``, in order.

        Raises
        ------
        ValueError: it comes to no end.
        """
        begin = self._from or min(self.moments)
        end = self._until or self._bound.next_slot(max(self.moments) - _JUST) + _JUST
        self._engine.load(self._snapshot, begin - _JUST)
        with self._ledger.write() as connection:
            nodes.start(connection, _NODE, begin)
        now, happened, is_up = begin, 0, True
        for _ in range(MOST_TICKS):
            while happened < len(self._events) and self._events[happened][0] <= now:
                is_up = self._happen(self._events[happened][1], now, is_up=is_up)
                happened += 1
            wake = self._engine.tick(now) if is_up else None
            coming = [at for at, _ in self._events[happened : happened + 1]]
            now = min([wake, *coming] if wake else coming, default=end)
            if now >= end:
                return [one for one in self._heard() if begin <= one.at]
        raise ValueError("it comes to no end: write “until”")

    def silence(self) -> str:
        """Say why nobody heard, as far as that is known; empty when it is not."""
        with self._ledger.read() as connection:
            lines = [line for id in self._engine.house.rules.all for line in journal.of_rule(connection, id, 1)]
        return lines[0].detail if lines and lines[0].event != "live" else ""

    def _happen(self, what: str, now: dt.datetime, *, is_up: bool) -> bool:
        if what in ("down", "up"):
            return what == "up"
        for several in self._sections.values():
            for record in several:
                record.happen(what, now)
        return is_up

    def _heard(self) -> list[Firing]:
        found: dict[tuple[int, str], list[Delivery]] = {}
        with self._ledger.read() as connection:
            for rule_id in self._engine.house.rules.all:
                for one in outbox.of_rule(connection, rule_id):
                    for audience in one.extra.get("audiences", ()) if one.state in REACHED else ():
                        found.setdefault((one.extra["report"], audience), []).append(one)
            told = {
                number: _told(Report.unpack(reports.get(connection, number) or {}), self._times) for number, _ in found
            }
        heard = [
            Firing(
                min(one.settled_at for one in several if one.settled_at),
                audience,
                frozenset(one.channel for one in several if one.state == "accepted"),
                told[number],
            )
            for (number, audience), several in found.items()
        ]
        return sorted(heard, key=lambda one: one.at)


def _record(
    section: BoundSection, given: Mapping[str, str], example: Example, times: ExampleTimes, snapshot: Snapshot
) -> ExampleRecord:
    zone = snapshot.settings.sources[section.noun.source].zone
    one = dataclasses.replace(example, given=given, people={})
    return ExampleRecord(section, one, times, zone, snapshot.directory)


def _told(report: Report, times: ExampleTimes) -> tuple[str, ...]:
    """Say what an example may pin of a report: the length of its lists, and what its measures come to."""
    said = []
    for table in report.tables:
        if table.columns:
            said.append(f"{table.listed} record{'' if table.listed == 1 else 's'}")
        figures = zip(table.measures, table.totals, strict=True)
        said += [f"{measure.name} {spell(value, measure, times.zone)}" for measure, value in figures]
    return tuple(said)
