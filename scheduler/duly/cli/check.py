"""``duly check``: every problem of a workspace at once, and its rules' examples on the real engine."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click
from rich.console import Console

from duly.cli.desk import find_rule, read_workspace
from duly.cli.options import home_option, json_option
from duly.cli.screen import clean, meter, number, screen, show_json
from duly.cli.stop import FINE, PROBLEMS
from duly.engine.assembly import assemble
from duly.engine.closer_look import look_closer
from duly.engine.examples import run_examples
from duly.engine.plugins import Plugins
from duly.engine.source import Source, SourceDown
from duly.engine.sql_source import SqlSource
from duly.ledger.ledger import Ledger
from duly.rules.bind import BoundRule
from duly.rules.calendar_end import endings
from duly.rules.plan import Plan
from duly.rules.problem import Mark, Problem, Problems
from duly.rules.snapshot import Snapshot
from duly.rules.workspace import RULES, SETTINGS, rule_id
from duly.time.clock import SystemClock
from duly.time.zone import local


@click.command(short_help="Look for mistakes in a workspace, and run its examples.")
@click.argument("rules", metavar="[RULE]...", nargs=-1)
@click.option("--live", is_flag=True, help="Also ask the service databases whether they know the vocabulary's words.")
@home_option
@json_option
def check(home: Path, rules: Sequence[str], *, live: bool, as_json: bool) -> int:
    """Look for mistakes in every file of the workspace, and run the examples of its rules.

    With RULE (orders/ship-within-72h, or the path of its file) the problems and examples of other rules are left out.
    Exits with 1 when there are errors; warnings alone are fine.
    """
    plugins, snapshot, problems = read_workspace(home)
    _say_left_out(plugins, problems)
    found = _Found()
    if snapshot is not None:
        known = {*snapshot.rules, *snapshot.broken}
        wanted = {find_rule(rule, known) for rule in rules} or known
        found = _look(snapshot, plugins, wanted, problems, live=live)
    found.problems = [problem for problem in problems.all if not rules or _concerns(problem, found.rules)]
    if as_json:
        show_json(found.as_json())
    else:
        _show(found)
    return PROBLEMS if found.errors else FINE


@dataclass
class _Found:
    """What a check of a workspace found."""

    rules: Collection[str] = ()
    broken: list[str] = field(default_factory=list)
    examples: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def errors(self) -> int:
        return sum(problem.severity == "error" for problem in self.problems)

    @property
    def summary(self) -> str:
        warnings = len(self.problems) - self.errors
        parts = [
            number(len(self.rules), "rule") + (f" ({len(self.broken)} broken)" if self.broken else ""),
            number(self.examples, "example"),
            number(self.errors, "problem"),
            *([number(warnings, "warning")] if warnings else []),
        ]
        return ", ".join(parts)

    def as_json(self) -> dict[str, object]:
        return {
            "rules": sorted(self.rules),
            "broken": self.broken,
            "examples": self.examples,
            "errors": self.errors,
            "warnings": len(self.problems) - self.errors,
            "problems": [problem.as_json() for problem in self.problems],
        }


def _say_left_out(plugins: Plugins, problems: Problems) -> None:
    """Warn of plugins in quarantine; what needs one of them has an error of its own."""
    for plugin in plugins.quarantined:
        named = f"“{plugin.name}” {plugin.version}".rstrip()
        problems.add(
            "P010",
            Mark(SETTINGS),
            f"the plugin {named} was left out: {plugin.cause}",
            "mend or remove it",
            warning=True,
        )


def _look(snapshot: Snapshot, plugins: Plugins, wanted: Collection[str], problems: Problems, *, live: bool) -> _Found:
    """Set up the channels and sources, run the examples, and ask the sources if that is wanted."""
    sound = [snapshot.rules[rule] for rule in sorted(wanted) if rule in snapshot.rules]
    sources = assemble(snapshot, plugins, Ledger("sqlite://"), problems).house.sources
    examples = 0
    with meter("examples", sum(len(bound.rule.examples) for bound in sound)) as note:
        for bound in sound:
            results = run_examples(bound, snapshot, plugins)
            problems.extend(result.problem for result in results if result.problem)
            examples += len(results)
            note(len(results))
    problems.extend(endings(snapshot, local(SystemClock().now(), snapshot.directory.zone).date()))
    if live:
        silent = _ask(sources, sound, snapshot, problems)
        _look_closer({name: source for name, source in sources.items() if name not in silent}, sound, problems)
    return _Found(wanted, sorted(rule for rule in wanted if rule in snapshot.broken), examples)


def _ask(sources: Mapping[str, Source], rules: Sequence[BoundRule], snapshot: Snapshot, problems: Problems) -> set[str]:
    """Ask each rule's source for the words that the rule needs; one that does not answer is asked once.

    Returns
    -------
    The sources that did not answer.
    """
    silent: set[str] = set()
    with meter("questions", sum(len(bound.plans) for bound in rules)) as note:
        for plan in (plan for bound in rules for plan in bound.plans):
            name = plan.noun.source
            if name in sources and name not in silent:
                for problem in _probe(sources[name], plan):
                    if problem.code != "S001":
                        problems.add(problem.code, problem.mark, problem.message, problem.cure)
                        continue
                    silent.add(name)
                    cure = f"correct sources.{name}, or see whether its database is up"
                    problems.add(problem.code, snapshot.settings.marks[f"sources.{name}"], problem.message, cure)
            note()
    return silent


def _look_closer(sources: Mapping[str, Source], rules: Sequence[BoundRule], problems: Problems) -> None:
    """Look for exclusions that match nothing and for clocks without an index, where the words are sound."""
    with meter("closer looks", len(rules)) as note:
        for bound in rules:
            source = sources.get(bound.noun.source)
            if isinstance(source, SqlSource) and bound.rule.steps and not problems.broken(bound.noun.path):
                try:
                    found = list(look_closer(source, bound, SystemClock().now()))
                except SourceDown as down:
                    found = [Problem(Mark(bound.noun.path), "S003", str(down))]
                for one in found:
                    problems.add(one.code, one.mark, one.message, one.cure, warning=one.severity == "warning")
            note()


def _probe(source: Source, plan: Plan) -> list[Problem]:
    try:
        return source.probe(plan, SystemClock().now())
    except SourceDown as down:
        return [Problem(Mark(plan.noun.path), "S003", str(down))]


def _concerns(problem: Problem, rules: Collection[str]) -> bool:
    path = problem.mark.path
    return not path.startswith(f"{RULES}/") or rule_id(path) in rules


def _show(found: _Found) -> None:
    console = screen()
    for problem in found.problems:
        _show_problem(problem, console)
    if found.problems:
        console.print()
    console.print(found.summary, style="bold red" if found.errors else "bold green")


def _show_problem(problem: Problem, console: Console) -> None:
    head, _, line = problem.render(console.width - 4).partition("\n")
    words = clean(head)
    place = len(str(problem.mark)) + 2
    words.stylize("bold", 0, place - 2)
    words.stylize("red" if problem.severity == "error" else "yellow", place, place + len(problem.code))
    console.print(words, soft_wrap=not console.is_terminal)
    if line:
        shown = clean(line, "dim")
        shown.stylize("not dim bold red", len(shown) - 1)
        console.print(shown, soft_wrap=True)
