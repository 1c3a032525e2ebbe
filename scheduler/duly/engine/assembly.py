"""Putting the engine together from a workspace, its plugins and a ledger."""

from __future__ import annotations

from duly.api.action import Action
from duly.api.http import Http
from duly.engine.engine import Engine
from duly.engine.house import House
from duly.engine.live import LiveRules
from duly.engine.plugins import Plugins
from duly.engine.source import Source, Unusable
from duly.engine.sql_source import SqlSource
from duly.engine.sql_writer import SqlWriter, Writer
from duly.ledger.ledger import Ledger
from duly.rules.problem import Mark, Problems
from duly.rules.snapshot import Snapshot
from duly.rules.workspace import SETTINGS


def assemble(snapshot: Snapshot, plugins: Plugins, ledger: Ledger, problems: Problems, node: str = "") -> Engine:
    """Put an engine together.

    Parameters
    ----------
    snapshot: the workspace; its rules are not loaded yet, `Engine.load` does that.
    plugins: the channels and actions to work with.
    ledger: Duly's own database, migrated.
    problems: takes what is wrong with a channel, an action or a source; everything that needs none of it works.
    node: the process that is to work with it, as the ledger knows it.
    """
    settings = snapshot.settings
    channels = plugins.open_channels(settings.channels, snapshot.home, Http(), problems)
    house = House(
        ledger=ledger,
        rules=LiveRules(ledger),
        sources=_sources(snapshot, problems),
        channels=channels,
        actions=_actions(plugins, problems),
        connections={name: settings.channels[name].connections for name in channels},
        writers=_writers(snapshot, problems),
        node=node,
    )
    return Engine(house)


def _sources(snapshot: Snapshot, problems: Problems) -> dict[str, Source]:
    made: dict[str, Source] = {}
    for name, settings in snapshot.settings.sources.items():
        if settings.lacks:
            made[name] = Unusable(name, f"the source “{name}” cannot be used: {settings.lacks}")
            continue
        try:
            made[name] = SqlSource(name, settings.url.reveal(), settings.zone)
        except ValueError as error:
            reason = f"the source “{name}” cannot be used: {error}"
            problems.add("C004", snapshot.settings.marks[f"sources.{name}.url"], reason)
            made[name] = Unusable(name, reason)
    return made


def _writers(snapshot: Snapshot, problems: Problems) -> dict[str, Writer]:
    made: dict[str, Writer] = {}
    for name, settings in snapshot.settings.sources.items():
        try:
            if settings.write is not None:
                made[name] = SqlWriter(name, settings.write.reveal(), settings.zone)
        except ValueError as error:
            reason = f"the source “{name}” cannot be written to: {error}"
            problems.add("C004", snapshot.settings.marks[f"sources.{name}.write.url"], reason)
    return made


def _actions(plugins: Plugins, problems: Problems) -> dict[str, Action]:
    made: dict[str, Action] = {}
    for name, action in plugins.actions.items():
        try:
            made[name] = action(action.Config())
        except Exception as error:  # noqa: BLE001 - a plugin's bug stops only what it serves
            message = f"the action “{name}” cannot be made: its plugin broke with {type(error).__name__}"
            problems.add("P010", Mark(SETTINGS), message)
    return made
