"""What a check costs beside the bare SQL of its plan: ``make bench`` prints it as Markdown tables.

Every round asks for the same records in five ways, one after the other, so that what else the machine does weighs on
all of them; every figure is a median of rounds. Peaks are measured apart, each in a process of its own.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import cached_property
from pathlib import Path

from benchmarks.cost import Cost, apart, peak
from benchmarks.shop import NOTHING, NOW, RULE, build
from sqlalchemy.dialects import sqlite

from duly.engine.assembly import assemble
from duly.engine.check import SLACK, Checked
from duly.engine.engine import Engine
from duly.engine.live import LiveRule
from duly.engine.plugins import load_plugins
from duly.engine.sql_time import TimeWriter
from duly.ledger.ledger import Ledger
from duly.ledger.versions import by_path
from duly.rules.problem import Problems
from duly.rules.snapshot import load_workspace

ROWS, DUE = 1_000_000, 15_000
FLOOR = "bare"
WAYS = {
    FLOOR: "the bare SQL of the plan, all rows fetched (the floor)",
    "stream": "the same candidates streamed through the source",
    "first": "first check: each opens a case; once a day it also looks for records without a clock",
    "quiet": "quiet check: all of them are open already",
    "nothing": "check of a rule that nothing matches",
}


class Bench:
    """The engine on a workspace and its ledger, with one way a method to ask for what is due.

    Parameters
    ----------
    home: the workspace.
    fresh: whether to begin with an empty ledger.
    """

    def __init__(self, home: Path, *, fresh: bool) -> None:
        self._home = home
        if fresh:
            for file in home.glob("ledger.db*"):
                file.unlink()
        plugins = load_plugins()
        snapshot, problems = load_workspace(home, plugins.actions, plugins.channels)
        assert snapshot is not None, [problem.render() for problem in problems.all]
        self._ledger = Ledger(f"sqlite:///{home}/ledger.db")
        self._ledger.migrate()
        self._engine: Engine = assemble(snapshot, plugins, self._ledger, Problems())
        self._engine.load(snapshot, NOW)
        self._zone = snapshot.settings.sources["shop"].zone

    def bare(self) -> int:
        """Ask SQLite as plainly as Python can."""
        statement = self._live.plan.candidates("sqlite").compile(dialect=sqlite.dialect(paramstyle="named"))
        spell = TimeWriter(self._zone, as_text=True)
        values = {**statement.params, **spell.now(NOW), **spell.bounds(*self._bounds)}
        with closing(sqlite3.connect(f"file:{self._home}/shop.db?mode=ro", uri=True)) as connection:
            return len(connection.execute(str(statement), values).fetchall())

    def stream(self) -> int:
        """Ask through the source, as a check does."""
        source = self._engine.house.sources["shop"]
        return sum(map(len, source.candidates(self._live.plan, NOW, *self._bounds)))

    def check(self, path: str, nth: int) -> Checked:
        """Run a check, 10 minutes after the one before it."""
        checked = self._engine.check(self._rule_id(path), NOW + nth * dt.timedelta(minutes=10))
        assert checked is not None
        assert checked.state == "done", checked.reason
        return checked

    def ways(self) -> dict[str, Callable[[], int]]:
        """Give all ways, to be gone in this order; each returns how many records it met."""
        return {
            "bare": self.bare,
            "stream": self.stream,
            "first": lambda: self.check(RULE, 0).opened,
            "quiet": lambda: self.check(RULE, 1).opened,
            "nothing": lambda: self.check(NOTHING, 1).opened,
        }

    def close(self) -> None:
        """Let go of the ledger."""
        self._ledger.close()

    @cached_property
    def _live(self) -> LiveRule:
        return self._engine.house.rules[self._rule_id(RULE)]

    @cached_property
    def _bounds(self) -> tuple[dt.datetime | None, dt.datetime | None]:
        horizon = self._live.bound.next_slot(NOW) + SLACK
        return self._live.timing.clock_bounds(NOW, horizon, self._engine.house.settings.reach)

    def _rule_id(self, path: str) -> int:
        with self._ledger.read() as connection:
            row = by_path(connection, path)
        assert row is not None
        return row.id


def measure(homes: Sequence[Path], rounds: int) -> list[dict[str, Cost]]:
    """Measure all ways on each workspace, in turns.

    Returns
    -------
    By workspace, the median cost of each way.
    """
    costs: list[dict[str, list[Cost]]] = [{way: [] for way in WAYS} for _ in homes]
    for _ in range(rounds):
        for home, found in zip(homes, costs, strict=True):
            bench = Bench(home, fresh=True)
            bench.check(NOTHING, 0)  # the day's first check looks for records without a clock as well
            for way, ask in bench.ways().items():
                found[way].append(Cost.of(ask))
            bench.close()
    return [{way: Cost.median(several) for way, several in found.items()} for found in costs]


def weigh(home: Path) -> dict[str, int]:
    """Measure the peak of a process that goes one way; under ``""``, of one that asks nothing.

    Returns
    -------
    By way, bytes.
    """
    return {way: apart(_peak_of, home, way) for way in ("", *WAYS)}


def _peak_of(home: Path, way: str) -> int:
    bench = Bench(home, fresh=way in {"", "first"})
    if way:
        bench.ways()[way]()
    return peak()


def met(home: Path) -> dict[str, int]:
    """Tell how many records each way meets: a figure for the wrong question would be worth nothing."""
    bench = Bench(home, fresh=True)
    return {way: ask() for way, ask in bench.ways().items()}


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.check", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each figure is taken")
    parser.add_argument("--divide", type=int, default=1, help="take so much smaller shops, to try the benchmark itself")
    asked = parser.parse_args()
    rows, due = ROWS // asked.divide, DUE // asked.divide
    with tempfile.TemporaryDirectory() as folder:
        shops = [(rows, due), (rows // 10, due), (rows, due // 10)]
        whole, fewer_rows, fewer_due = (apart(build, Path(folder, f"{r}-{d}"), r, d) for r, d in shops)
        peaks, lesser_peaks = weigh(whole), weigh(fewer_due)
        costs, lesser_costs = apart(measure, [whole, fewer_rows], asked.rounds)
        found = apart(met, whole)
    assert found == {"bare": due, "stream": due, "first": due, "quiet": 0, "nothing": 0}, found

    print(f"{RULE}: {rows:,} orders, {due:,} of them due; medians of {asked.rounds} rounds in one run.")
    system = f"CPython {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    print(f"{system}, {os.cpu_count()} cores. Time is that of the wall, CPU is user time.\n")
    print("| way | time | to floor | CPU | to floor | peak memory |\n|---|--:|--:|--:|--:|--:|")
    floor = costs[FLOOR]
    for way, name in WAYS.items():
        cost = costs[way]
        times = f"{cost.wall:.3f} s | {cost.wall / floor.wall:.1f} | {cost.cpu:.3f} s | {cost.cpu / floor.cpu:.1f}"
        print(f"| {name} | {times} | {peaks[way] / 1e6:.0f} MB |")
    print(f"| imports and the opened workspace, nothing asked | | | | | {peaks[''] / 1e6:.0f} MB |\n")
    print(f"| growth | time, CPU: {rows:,} to {rows // 10:,} orders | peak: {due:,} to {due // 10:,} due |")
    print("|---|--:|--:|")
    for way, name in WAYS.items():
        wall, cpu = costs[way].wall / lesser_costs[way].wall, costs[way].cpu / lesser_costs[way].cpu
        print(f"| {name} | {wall:.2f}, {cpu:.2f} | {peaks[way] / lesser_peaks[way]:.2f} |")


if __name__ == "__main__":
    main()
