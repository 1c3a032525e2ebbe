"""Brings plugins in, one by one, and sets up what config asks of them; a broken one harms no other."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TypeVar

import pluggy
import pydantic

from duly.api import hookspec
from duly.api.action import Action
from duly.api.channel import Channel
from duly.api.config import Config
from duly.api.http import Http
from duly.rules.problem import Problems, suggest_or_list
from duly.rules.settings import ChannelSettings
from duly.rules.step_file import OWN

T = TypeVar("T", bound=Channel | Action)

LONGEST_CAUSE = 300
GROUP = "duly"
"""The entry-point group of plugins, and the name that their hook markers carry."""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A plugin that was left out.

    Parameters
    ----------
    name: its entry point, or its module.
    version: of the distribution it came with; empty when unknown.
    cause: why, in one sentence.
    """

    name: str
    version: str
    cause: str


@dataclass(frozen=True, slots=True)
class Plugins:
    """What the plugins offer, by name, and which of them were left out."""

    channels: Mapping[str, type[Channel]] = field(default_factory=dict)
    actions: Mapping[str, type[Action]] = field(default_factory=dict)
    quarantined: tuple[Quarantined, ...] = ()

    def open_channels(
        self, settings: Mapping[str, ChannelSettings], home: Path, http: Http, problems: Problems
    ) -> dict[str, Channel]:
        """Make the channels that ``config/duly.yaml`` names.

        Parameters
        ----------
        settings: the channels as they were written.
        home: the workspace.
        http: the client that all channels share.
        problems: takes what is wrong with the settings; such a channel is left out, the others are made.
        """
        made = {name: self._channel(settings[name], home, http, problems) for name in settings}
        return {name: channel for name, channel in made.items() if channel is not None}

    def _channel(self, settings: ChannelSettings, home: Path, http: Http, problems: Problems) -> Channel | None:
        if settings.lacks:
            return None  # whoever read the settings has said so
        kind = self.channels.get(settings.kind)
        if kind is None:
            message = f"no plugin offers channels of the kind “{settings.kind}”"
            problems.add("C005", settings.mark, message, self._instead_of(settings.kind))
            return None
        if not kind.address and not settings.address:
            message = f"the channel “{settings.name}” does not say which of a person's addresses it uses"
            problems.add("C002", settings.mark, message, "add “address: phone”, “email” or “chat”")
            return None
        try:
            config = _config(kind, settings, problems)
            channel = kind(config, http, home) if config else None
        except ValueError as error:
            problems.add("C004", settings.mark, f"the channel “{settings.name}” cannot work: {error}")
            return None
        except Exception as error:  # noqa: BLE001 - a plugin's bug stops only what it serves
            message = f"the channel “{settings.name}” cannot be made: its plugin broke with {type(error).__name__}"
            problems.add("P010", settings.mark, message)
            return None
        if channel and settings.address:
            channel.address = settings.address
        return channel

    def _instead_of(self, kind: str) -> str:
        for left_out in self.quarantined:
            if kind in left_out.name:
                return f"the plugin “{left_out.name}” was left out: {left_out.cause}"
        return suggest_or_list(kind, self.channels)


def load_plugins(extra: Sequence[object] = ()) -> Plugins:
    """Load every installed plugin.

    Parameters
    ----------
    extra: plugins that are not installed: modules, or objects with hooks.

    Duly's own come first, then the others in the order of their names, so nobody can take a shipped name away.
    """
    host = _Host()
    for entry in sorted(entry_points(group=GROUP), key=_rank):
        host.add(entry.name, entry.dist.version if entry.dist else "", entry)
    for plugin in extra:
        host.add(_name(plugin), str(getattr(plugin, "__version__", "")), plugin)
    return Plugins(host.channels, host.actions, tuple(host.quarantined))


class _Host:
    def __init__(self) -> None:
        self.channels: dict[str, type[Channel]] = {}
        self.actions: dict[str, type[Action]] = {}
        self.quarantined: list[Quarantined] = []

    def add(self, name: str, version: str, source: object) -> None:
        """Load one plugin and take over what it offers: all of it, or nothing."""
        channels: dict[str, type[Channel]] = {}
        actions: dict[str, type[Action]] = {}

        def register_channel(channel: type[Channel]) -> None:
            _enter(channel, Channel, channels, self.channels)

        def register_action(action: type[Action]) -> None:
            _enter(action, Action, actions, self.actions)

        try:
            # A manager of its own, so that no plugin is called, or shown, through another one's hooks.
            manager = pluggy.PluginManager(GROUP)
            manager.add_hookspecs(hookspec)
            plugin = source.load() if isinstance(source, EntryPoint) else source
            manager.register(plugin, name)
            _verify(manager, plugin)
            manager.hook.register_channels(register=register_channel)
            manager.hook.register_actions(register=register_action)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a plugin does stops only itself
            self.quarantined.append(Quarantined(name, version, _cause(error)))
        else:
            self.channels.update(channels)
            self.actions.update(actions)


class _Unfit(Exception):  # noqa: N818 - said of a plugin, in a sentence
    """A plugin does not keep to the contract."""


def _verify(manager: pluggy.PluginManager, plugin: object) -> None:
    known = [name for name, _ in inspect.getmembers(hookspec, inspect.isfunction) if name.startswith("register_")]
    hooks = manager.get_hookcallers(plugin) or []
    for hook in hooks:
        if not hook.has_spec() and not all(found.optionalhook for found in hook.get_hookimpls()):
            cure = suggest_or_list(hook.name, known)
            raise _Unfit(f"there is no hook “{hook.name}”; {cure}")
    if not hooks:
        raise _Unfit("it has no hooks; put @duly.hookimpl before register_channels or register_actions")


def _enter(offer: object, base: type[T], own: dict[str, type[T]], others: Mapping[str, type[T]]) -> None:
    what = base.__name__.lower()
    if not (isinstance(offer, type) and issubclass(offer, base)):
        raise _Unfit(f"it registers {offer!r}, which is no subclass of duly.{base.__name__}")
    name = getattr(offer, "name", None)
    if not isinstance(name, str) or not name:
        raise _Unfit(f"its {what} {offer.__name__} has no name; write `name = …` in the class")
    config: object = offer.Config
    if not (isinstance(config, type) and issubclass(config, Config)):
        raise _Unfit(f"the Config of its {what} “{name}” is no subclass of duly.Config")
    if what == "action" and name in OWN:
        raise _Unfit(f"“{name}” is what Duly itself does in a step; give its action another name")
    if name in own or name in others:
        raise _Unfit(f"there is already {_a(what)} of the name “{name}”; give it another")
    own[name] = offer


def _config(kind: type[Channel], settings: ChannelSettings, problems: Problems) -> Config | None:
    try:
        return kind.Config.model_validate(settings.config)
    except pydantic.ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
    about = {field.alias or name: field.description or "" for name, field in kind.Config.model_fields.items()}
    # Of a value that may have several types, the first complaint is enough.
    for place, wrong in {_place(settings, wrong["loc"]): wrong for wrong in reversed(found)}.items():
        mark = settings.marks.get(place, settings.mark)
        key = place.partition(".")[0]
        if wrong["type"] == "missing" and place in about:
            problems.add("C002", mark, f"the channel “{settings.name}” lacks “{place}”", f"add it: {about[place]}")
        elif wrong["type"] == "extra_forbidden" and place == key:
            message = f"“{key}” is no setting of the kind “{settings.kind}”"
            problems.add("C001", mark, message, suggest_or_list(key, about))
        else:
            said = wrong["msg"].removeprefix("Value error, ").replace("Input should", "it should")
            problems.add("C004", mark, f"“{place}” cannot be read: {said}", about.get(key, ""))
    return None


def _place(settings: ChannelSettings, loc: tuple[int | str, ...]) -> str:
    """Name the innermost value that stands in the file: pydantic's path may go on into the alternatives of a type."""
    paths = [".".join(map(str, loc[:depth])) for depth in range(len(loc), 0, -1)]
    return next((path for path in paths if path in settings.marks), ".".join(map(str, loc)))


def _rank(entry: EntryPoint) -> tuple[bool, str, str]:
    distribution = entry.dist.name if entry.dist else ""
    return distribution != "duly", distribution, entry.name


def _a(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def _name(plugin: object) -> str:
    return str(getattr(plugin, "__name__", type(plugin).__name__))


def _cause(error: BaseException) -> str:
    said = " ".join(str(error).split())[:LONGEST_CAUSE]
    return said if isinstance(error, _Unfit) else f"{type(error).__name__}: {said}".removesuffix(": ")
