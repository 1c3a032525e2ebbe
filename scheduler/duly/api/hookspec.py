"""The hooks that a plugin may implement: the whole contract, one function each."""

from __future__ import annotations

from typing import Protocol

import pluggy

from duly.api.action import Action
from duly.api.channel import Channel

hookspec = pluggy.HookspecMarker("duly")
hookimpl = pluggy.HookimplMarker("duly")


class RegisterChannel(Protocol):
    """Takes one channel class."""

    def __call__(self, channel: type[Channel]) -> None:
        """Register ``channel`` under its name."""


class RegisterAction(Protocol):
    """Takes one action class."""

    def __call__(self, action: type[Action]) -> None:
        """Register ``action`` under its name."""


@hookspec
def register_channels(register: RegisterChannel) -> None:
    """Call ``register`` with each channel class that the plugin offers."""


@hookspec
def register_actions(register: RegisterAction) -> None:
    """Call ``register`` with each action class that the plugin offers."""
