"""``duly schema``: JSON Schemas of our files, for editors that complete and underline as one types."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from duly.cli.desk import Desk, open_desk
from duly.cli.options import home_option
from duly.cli.screen import show_json
from duly.cli.stop import FINE
from duly.rules.config_schema import calendar_schema, directory_schema, noun_schema, settings_schema
from duly.rules.rule_schema import rule_schema
from duly.rules.shapes import Schema
from duly.time.clock import SystemClock


def _rule(desk: Desk) -> Schema:
    return rule_schema(desk.snapshot.around, desk.snapshot.doings)


def _noun(desk: Desk) -> Schema:
    return noun_schema(desk.snapshot.settings.sources)


def _directory(desk: Desk) -> Schema:
    snapshot = desk.snapshot
    return directory_schema(snapshot.settings.channels, snapshot.calendars, snapshot.directory.levels)


def _settings(desk: Desk) -> Schema:
    kinds = {name: channel.Config.model_json_schema() for name, channel in desk.plugins.channels.items()}
    return settings_schema(kinds, desk.snapshot.directory.staff, desk.snapshot.settings.channels)


def _calendar(desk: Desk) -> Schema:
    return calendar_schema(desk.snapshot.calendars)


KINDS: dict[str, Callable[[Desk], Schema]] = {
    "rule": _rule,
    "noun": _noun,
    "directory": _directory,
    "settings": _settings,
    "calendar": _calendar,
}


@click.command(short_help="Write a JSON Schema for editors.")
@click.argument("kind", type=click.Choice(list(KINDS)), default="rule")
@home_option
def schema(home: Path, kind: str) -> int:
    """Write the JSON Schema of a rule, a noun, the directory, the settings or a calendar.

    It knows the words of this workspace: facts, times, audiences, channels and templates. Write it again when they
    change (“duly schema rule > rule.schema.json”). Many editors find it by the first line of a file, such as
    “# yaml-language-server: $schema=../../rule.schema.json”.
    """
    show_json(KINDS[kind](open_desk(home, SystemClock().now())))
    return FINE
