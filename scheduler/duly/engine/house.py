"""What every part of the engine works with: the ledger, the live rules, the sources, the people and the channels."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from duly.api.action import Action
from duly.api.channel import Channel
from duly.engine.audience import Audiences
from duly.engine.composer import Composer
from duly.engine.live import LiveRule, LiveRules
from duly.engine.source import Source
from duly.engine.sql_writer import Writer
from duly.ledger import rule_pauses
from duly.ledger.ledger import Ledger
from duly.rules.directory import Directory
from duly.rules.settings import Settings


@dataclass
class House:
    """Everything the engine needs, put together once; `rules` follows the files.

    Parameters
    ----------
    ledger: Duly's own database.
    rules: the rules at work.
    sources: the service databases, by name.
    channels: the configured channels that work, by name.
    actions: the actions that plugins offer, by name.
    connections: how many messages a channel sends at the same time, by channel.
    writers: the sources that may be written to, by name.
    node: the process that works here, as the ledger knows it.
    """

    ledger: Ledger
    rules: LiveRules
    sources: Mapping[str, Source]
    channels: Mapping[str, Channel]
    actions: Mapping[str, Action]
    connections: Mapping[str, int] = field(default_factory=dict)
    writers: Mapping[str, Writer] = field(default_factory=dict)
    node: str = ""

    @property
    def settings(self) -> Settings:
        """``config/duly.yaml`` as last loaded."""
        return self.rules.snapshot.settings

    @property
    def directory(self) -> Directory:
        """``config/directory.yaml`` as last loaded."""
        return self.rules.snapshot.directory

    def at_work(self, connection: sa.Connection) -> set[int]:
        """Return the numbers of the live rules that nobody has paused or retired; the ledger knows (law 11)."""
        return set(self.rules.all) - rule_pauses.resting(connection)

    def audiences(self, live: LiveRule) -> Audiences:
        """Make what resolves the audiences of a rule."""
        return Audiences(self.directory, live.source, self.settings.operator)

    def composer(self) -> Composer:
        """Make what writes messages in today's words."""
        return Composer(self.rules.snapshot.words, self.settings.lang)

    def local_day(self, now: dt.datetime) -> dt.date:
        """Give the date at the desk."""
        return now.astimezone(self.directory.zone).date()
