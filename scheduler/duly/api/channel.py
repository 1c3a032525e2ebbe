"""The base of every channel."""

from __future__ import annotations

from collections.abc import Awaitable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from duly.api.config import Config as BaseConfig

if TYPE_CHECKING:
    from duly.api.http import Http
    from duly.api.message import Message
    from duly.api.verdict import Verdict


class Channel:
    """A way to reach people. Subclass it, name it, and register the class.

    The class's docstring is one line and is shown in help. An exception that ``send`` raises is read by the host:
    `duly.NotSent` is tried again, `duly.ChannelDown` stops the channel, anything else may have left the house and is
    *unsure*, unless the channel is idempotent, which sends the same message again.
    """

    name: ClassVar[str]
    """What ``kind:`` names in ``config/duly.yaml``."""
    address: str = ""
    """Which of a person's addresses it needs (``phone``, ``email``, ``chat``); empty when config says."""
    idempotent: bool = False
    """Whether the other side drops a repeated ``message.id``; an instance may know better than its class."""

    Config: ClassVar[type[BaseConfig]] = BaseConfig

    def __init__(self, config: BaseConfig, http: Http, home: Path = Path()) -> None:
        """Take what the host hands over.

        Parameters
        ----------
        config: the settings, checked against the channel's ``Config``.
        http: the client to use for HTTP, shared by all channels.
        home: the workspace, to which relative paths in the settings refer.
        """
        self.config = config
        self.http = http
        self.home = home

    def open(self) -> None:
        """Prepare for a batch (connect, log in). Raise `duly.ChannelDown` or `duly.NotSent` when that fails."""

    def close(self) -> None:
        """End a batch."""

    def send(self, message: Message) -> Verdict | Awaitable[Verdict]:
        """Hand one message over; plain or ``async def``."""
        raise NotImplementedError
