"""A workspace, opened for a command."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from duly.cli.stop import USAGE, Stop
from duly.daemon import log
from duly.engine.plugins import Plugins, load_plugins
from duly.engine.sql_refusal import refusal
from duly.ledger import versions
from duly.ledger.ledger import Ledger
from duly.ledger.versions import RuleRow
from duly.rules.bind import BoundRule
from duly.rules.problem import Problems, suggest_or_list
from duly.rules.snapshot import Snapshot, load_workspace
from duly.rules.workspace import DIRECTORY, RULES, SETTINGS, YAML_ENDINGS
from duly.time.zone import local


@dataclass(frozen=True)
class Desk:
    """A workspace that can be worked with.

    Parameters
    ----------
    plugins: the channels and actions that are installed.
    snapshot: what the files say.
    problems: what is wrong with them.
    now: the instant at which the command began.
    """

    plugins: Plugins
    snapshot: Snapshot
    problems: Problems
    now: dt.datetime

    def rule_id(self, written: str, others: Collection[str] = ()) -> str:
        """Find the rule that somebody means.

        Parameters
        ----------
        written: its path under ``rules/``, or the path of its file.
        others: rules without a file, which the ledger knows.
        """
        return find_rule(written, {*self.snapshot.rules, *self.snapshot.broken, *others})

    def wall(self, at: dt.datetime) -> str:
        """Write an instant as the clock on the desk's wall shows it: ``Mon 23 Nov 09:10``."""
        there = local(at, self.snapshot.directory.zone)
        this_year = there.year == local(self.now, self.snapshot.directory.zone).year
        return f"{there:%a %d %b %H:%M}" if this_year else f"{there:%a %d %b %Y %H:%M}"

    def brief(self, at: dt.datetime) -> str:
        """Write an instant as short as can be: ``09:10`` today, else ``23 Nov 09:10``, or with its year."""
        there, here = (local(instant, self.snapshot.directory.zone) for instant in (at, self.now))
        if there.date() == here.date():
            return f"{there:%H:%M}"
        return f"{there:%d %b %H:%M}" if there.year == here.year else f"{there:%d %b %Y %H:%M}"

    def iso(self, at: dt.datetime | None) -> str | None:
        """Write an instant for programs: in the desk's zone, with its offset."""
        return at.astimezone(self.snapshot.directory.zone).isoformat() if at else None

    @contextmanager
    def ledger(self) -> Iterator[Ledger | None]:
        """Open Duly's own database as it stands; ``None`` when no daemon has made one yet."""
        url = self.snapshot.settings.ledger.reveal()
        parsed = sa.make_url(url)
        is_file = parsed.get_backend_name() == "sqlite"
        if is_file and not (parsed.database and Path(parsed.database).exists()):
            yield None
            return
        with ledger_troubles():
            ledger = Ledger(url)
            try:
                yield ledger if sa.inspect(ledger.engine).has_table("journal") else None
            finally:
                ledger.close()


def ruled(desk: Desk, ledger: Ledger | None, written: str) -> tuple[str, RuleRow | None]:
    """Find the rule that somebody means, in the files or in the ledger.

    Returns
    -------
    Its path, and what the ledger knows of it; ``None`` when no daemon has run it yet.
    """
    rows: dict[str, RuleRow] = {}
    if ledger:
        with ledger.read() as connection:
            rows = {row.path: row for row in versions.all_rules(connection)}
    path = desk.rule_id(written, rows)
    return path, rows.get(path)


@contextmanager
def ledger_troubles() -> Iterator[None]:
    """End the command with a sentence when Duly's own database cannot be used, rather than with a crash."""
    try:
        yield
    except (ModuleNotFoundError, sa.exc.ArgumentError) as error:
        if isinstance(error, ModuleNotFoundError) and (error.name or "").startswith("duly"):
            raise
        cure = f"install its driver, or correct ledger.url in {SETTINGS}"
        raise Stop(f"the ledger’s kind of database cannot be used here: {cure}") from None
    except sa.exc.DBAPIError as error:
        code, words = refusal(error)
        if code == "S001":
            raise Stop(f"the ledger {words}: see ledger.url in {SETTINGS}") from None
        if code == "S002":
            raise Stop(f"the ledger {words}: another version of Duly made it, so “duly run” this one first") from None
        raise


def require_workspace(home: Path) -> None:
    """End the command unless ``home`` is a workspace."""
    if not any((home / file).is_file() for file in (SETTINGS, DIRECTORY)):
        raise Stop(
            f"{home} is no workspace, for it has no {SETTINGS}: "
            "make one with “duly init DIR”, or name yours with --home"
        )


def read_workspace(home: Path) -> tuple[Plugins, Snapshot | None, Problems]:
    """Read the workspace at ``home`` as a daemon reads it."""
    require_workspace(home)
    log.configure()
    plugins = load_plugins()
    return plugins, *load_workspace(home, plugins.actions, plugins.channels)


def open_desk(home: Path, now: dt.datetime) -> Desk:
    """Open the workspace at ``home``; one without readable settings and directory stops the command."""
    plugins, snapshot, problems = read_workspace(home)
    if snapshot is None:
        worst = next(p for p in problems.errors if p.mark.path in {SETTINGS, DIRECTORY})
        raise Stop(f"{worst.mark}: {worst.code} {worst.sentence} (“duly check” shows every problem)")
    return Desk(plugins, snapshot, problems, now)


def bound_rule(desk: Desk, written: str) -> BoundRule:
    """Find the rule that somebody means, to try it out; a broken one stops the command."""
    rule = desk.rule_id(written)
    if rule in desk.snapshot.broken:
        problem = desk.snapshot.broken[rule][0]
        raise Stop(f"{problem.mark}: {problem.code} {problem.sentence} (“duly check {rule}” shows every problem)")
    return desk.snapshot.rules[rule]


def find_rule(written: str, known: Collection[str]) -> str:
    """Find the rule that somebody means by its path under ``rules/``, or by the path of its file."""
    wanted = written.removeprefix("./").removeprefix(f"{RULES}/")
    for ending in YAML_ENDINGS:
        wanted = wanted.removesuffix(ending)
    if wanted not in known:
        raise Stop(f"there is no rule “{wanted}”: {suggest_or_list(wanted, known) or 'see rules/'}", USAGE)
    return wanted
