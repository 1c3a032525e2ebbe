"""The rules that Duly ships: each does what its examples say."""

from __future__ import annotations

import pytest

from duly.engine.examples import ExampleResult, run_examples
from duly.engine.plugins import Plugins, load_plugins
from duly.rules.snapshot import Snapshot, load_workspace
from duly.rules.workspace import rule_id
from repository import REPOSITORY

RULES = sorted(rule_id(path.relative_to(REPOSITORY).as_posix()) for path in REPOSITORY.glob("rules/**/*.yaml"))


@pytest.fixture(scope="module")
def starter() -> tuple[Snapshot, Plugins]:
    """Give the starter pack as it stands in the repository."""
    plugins = load_plugins()
    snapshot, problems = load_workspace(REPOSITORY, plugins.actions, plugins.channels)
    assert snapshot is not None, [problem.render() for problem in problems.all]
    return snapshot, plugins


@pytest.fixture(scope="module")
def ran(starter: tuple[Snapshot, Plugins]) -> dict[str, list[ExampleResult]]:
    """Give the results of every shipped example, by rule."""
    snapshot, plugins = starter
    return {name: run_examples(bound, snapshot, plugins) for name, bound in snapshot.rules.items()}


@pytest.mark.parametrize("rule", RULES)
def test_every_example_comes_true(rule: str, ran: dict[str, list[ExampleResult]]) -> None:
    """What a desk lead reads in a shipped rule is what happens."""
    assert [result.problem.render() for result in ran[rule] if result.problem] == []


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_speaks_and_keeps_silent(rule: str, ran: dict[str, list[ExampleResult]]) -> None:
    """A rule shows a record of which somebody hears, and one that is none of its business."""
    spoke = [bool(result.got) for result in ran[rule]]
    assert True in spoke
    assert False in spoke


@pytest.mark.parametrize("rule", RULES)
def test_every_step_fires_in_some_example(
    rule: str, starter: tuple[Snapshot, Plugins], ran: dict[str, list[ExampleResult]]
) -> None:
    """No rung of a shipped ladder is there without an example in which it is climbed."""
    told = {line.split(" ", 2)[2].partition(" by ")[0] for result in ran[rule] for line in result.got}
    assert {step.audience.written for step in starter[0].rules[rule].rule.steps} <= told
