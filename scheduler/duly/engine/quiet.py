"""Channels and actions that do nothing out there: for preview, simulation and examples."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

from duly.api.action import Action, Task
from duly.api.channel import Channel
from duly.api.config import Config
from duly.api.http import Http
from duly.api.message import Message
from duly.api.verdict import Accepted
from duly.engine.sql_writer import Writer
from duly.rules.rule_file import ACTIONS
from duly.rules.write import Write


class QuietChannel(Channel):
    """Accepts every message at once and sends none; the ledger keeps the words.

    Parameters
    ----------
    address: which address of a person it needs, as the channel in whose place it stands.
    """

    name = "quiet"
    idempotent = True

    def __init__(self, address: str) -> None:
        super().__init__(Config(), Http())
        self.address = address

    def send(self, message: Message) -> Accepted:  # noqa: ARG002 - its words reach nobody
        """Accept."""
        return Accepted()


class IdleAction(Action):
    """Stands in for a plugin's action, which might open a ticket somewhere."""

    name = "idle"
    idempotent = True

    def run(self, task: Task) -> Accepted:  # noqa: ARG002 - nothing is done
        """Accept."""
        return Accepted()


class IdleWriter:
    """Stands in for a connection on which a source could be written to."""

    def write(self, write: Write, values: Mapping[str, object], now: dt.datetime) -> int:  # noqa: ARG002
        """Write nothing, as if one record had been changed."""
        return 1


def idle_writers(names: Iterable[str]) -> dict[str, Writer]:
    """Make a writer that writes nothing for each of these sources."""
    return {name: IdleWriter() for name in names}


def quiet_channels(addresses: Mapping[str, str]) -> dict[str, Channel]:
    """Make a quiet channel for each name, which needs the address that is given for it."""
    return {name: QuietChannel(address) for name, address in addresses.items()}


def idle_actions(actions: Mapping[str, Action]) -> dict[str, Action]:
    """Keep Duly's own actions, which only write into the ledger; what others do, nobody here can know."""
    return {name: action if name in ACTIONS else IdleAction(Config()) for name, action in actions.items()}
