"""The host of plugins."""

import importlib.metadata
import logging
import types
from pathlib import Path

import pytest

import duly
import duly_console
import duly_email
import duly_escalate
import duly_file
import duly_sms
from duly.engine.plugins import Quarantined, load_plugins
from duly.rules.problem import Problems
from duly.rules.settings import read_settings

SHIPPED = (duly_console, duly_email, duly_escalate, duly_file, duly_sms)


class Acme(duly.Channel):
    """Messages through Acme."""

    name = "acme"
    address = "phone"


def plugin(name: str = "acme", **hooks) -> types.ModuleType:
    """Make a plugin of hooks."""
    module = types.ModuleType(name)
    module.__version__ = "1.2"
    for hook, function in hooks.items():
        setattr(module, hook, duly.hookimpl(function))
    return module


def offering(*channels: type[duly.Channel], name: str = "acme") -> types.ModuleType:
    """Make a plugin that offers channels."""

    def register_channels(register) -> None:
        for channel in channels:
            register(channel)

    return plugin(name, register_channels=register_channels)


@pytest.fixture(autouse=True)
def nothing_installed(monkeypatch):
    """Let no plugin that happens to be installed take part."""
    installed: list[importlib.metadata.EntryPoint] = []
    monkeypatch.setattr("duly.engine.plugins.entry_points", lambda group: installed)
    return installed


def entry(name: str, value: str, distribution: str = "") -> importlib.metadata.EntryPoint:
    """Make an entry point of a distribution."""

    class Distribution(importlib.metadata.Distribution):
        version = "1.2"
        name = distribution

        def read_text(self, _) -> None:
            return None

        def locate_file(self, path) -> Path:
            return Path(path)

    return importlib.metadata.EntryPoint(name, value, "duly")._for(Distribution())


def test_the_shipped_plugins_load():
    """Shipped channels and actions come in like any others."""
    plugins = load_plugins(SHIPPED)
    assert set(plugins.channels) == {"console", "email", "file", "sms"}
    assert set(plugins.actions) == {"escalate"}
    assert plugins.quarantined == ()


def test_a_broken_plugin_is_left_out_with_name_version_and_cause(nothing_installed):
    """An import that fails, or leaves the program, stops only itself (FAILURES 37)."""
    nothing_installed += [entry("acme", "acme_that_is_not_there", "acme-duly"), entry("file", "duly_file", "duly")]
    plugins = load_plugins([duly_console])
    assert set(plugins.channels) == {"console", "file"}
    assert plugins.quarantined == (
        Quarantined("acme", "1.2", "ModuleNotFoundError: No module named 'acme_that_is_not_there'"),
    )


def test_a_plugin_that_exits_stops_only_itself(nothing_installed, tmp_path, monkeypatch):
    """A module that calls sys.exit while it is imported does not take the daemon along."""
    (tmp_path / "acme_exits.py").write_text("raise SystemExit(7)")
    monkeypatch.syspath_prepend(tmp_path)
    nothing_installed.append(entry("acme", "acme_exits", "acme-duly"))
    assert load_plugins().quarantined == (Quarantined("acme", "1.2", "SystemExit: 7"),)


def test_a_raising_hook_does_not_stop_the_others():
    """The plugins before and after a raising one are there; of it, nothing is (FAILURES 37)."""

    def half(register) -> None:
        register(Acme)
        raise RuntimeError("no licence")

    plugins = load_plugins([duly_file, plugin(register_channels=half), duly_escalate])
    assert (set(plugins.channels), set(plugins.actions)) == ({"file"}, {"escalate"})
    assert plugins.quarantined == (Quarantined("acme", "1.2", "RuntimeError: no licence"),)


def test_a_misspelled_hook_is_found():
    """A hook that nobody would ever call is said, with the one that was meant (FAILURES 37)."""
    plugins = load_plugins([plugin(register_chanels=lambda register: register(Acme))])
    assert plugins.channels == {}
    assert plugins.quarantined[0].cause == "there is no hook “register_chanels”; did you mean “register_channels”?"


def test_a_plugin_without_hooks_is_found():
    """A forgotten decorator is said."""
    module = types.ModuleType("acme")
    module.register_channels = lambda register: register(Acme)
    cause = "it has no hooks; put @duly.hookimpl before register_channels or register_actions"
    assert load_plugins([module]).quarantined == (Quarantined("acme", "", cause),)


def test_a_hook_with_a_wrong_parameter_is_found():
    """A hook that asks for what there is not is left out."""
    cause = load_plugins([plugin(register_channels=lambda registrar: None)]).quarantined[0].cause
    assert "registrar" in cause
    assert "\n" not in cause


def test_the_later_of_two_of_one_name_is_left_out():
    """A name belongs to the first plugin that has it; the other is left out whole."""

    class Other(Acme):
        """Messages through somebody else."""

    class More(Acme):
        """More messages."""

        name = "more"

    plugins = load_plugins([offering(Acme), offering(More, Other, name="other")])
    assert plugins.channels == {"acme": Acme}
    cause = "there is already a channel of the name “acme”; give it another"
    assert plugins.quarantined == (Quarantined("other", "1.2", cause),)


def test_shipped_names_cannot_be_taken_away(nothing_installed, tmp_path, monkeypatch):
    """Duly's own plugins come first, wherever the others stand in the alphabet."""
    (tmp_path / "aaa.py").write_text(
        "from duly_file import *\nimport duly_file\nregister_channels = duly_file.register_channels"
    )
    monkeypatch.syspath_prepend(tmp_path)
    nothing_installed += [entry("aaa", "aaa", "aaa"), entry("duly_file", "duly_file", "duly")]
    plugins = load_plugins()
    assert plugins.channels == {"file": duly_file.File}
    assert [left_out.name for left_out in plugins.quarantined] == ["aaa"]


class Nameless(duly.Channel):
    """A channel without a name."""


class Loose(duly.Channel):
    """A channel whose settings are not Duly's."""

    name = "loose"
    Config = dict


@pytest.mark.parametrize(
    ("offer", "cause"),
    [
        (Nameless, "its channel Nameless has no name; write `name = …` in the class"),
        (Loose, "the Config of its channel “loose” is no subclass of duly.Config"),
        (duly.Action, "it registers <class 'duly.api.action.Action'>, which is no subclass of duly.Channel"),
        (7, "it registers 7, which is no subclass of duly.Channel"),
    ],
)
def test_what_is_no_channel_is_left_out(offer, cause):
    """What a plugin registers is looked at before anybody uses it."""
    assert load_plugins([offering(offer)]).quarantined == (Quarantined("acme", "1.2", cause),)


@pytest.fixture
def opened(tmp_path, http):
    """Open the channels of a piece of config; give them and the problems."""

    def open_(channels: str, *extra) -> tuple[dict[str, duly.Channel], list[str]]:
        problems = Problems()
        text = f"sources:\n  shop: {{url: sqlite://, zone: UTC}}\nchannels:\n{channels}"
        settings = read_settings(text, "config/duly.yaml", tmp_path, {"KEY": "hunter2"}, problems)
        assert settings, problems.all
        made = load_plugins([*SHIPPED, *extra]).open_channels(settings.channels, tmp_path, http, problems)
        return made, [f"{problem.mark} {problem.code} {problem.sentence}" for problem in problems.all]

    return open_


@pytest.fixture
def http():
    """Give a client for channels."""
    client = duly.Http()
    yield client
    client.close()


def test_texts_become_what_settings_need(opened):
    """YAML gives text; a port becomes a number, yes and no become true and false."""
    channels, problems = opened(
        "  mail: {kind: email, host: mail.test, port: 587, from: a@shop.example}\n"
        "  sms: {kind: sms, url: 'https://x/', form: {to: '{to}'}, idempotent: yes, ok: [200, 202]}\n"
        "  text: {kind: sms, url: 'https://x/', form: {to: '{to}'}, idempotent: no}\n"
    )
    assert problems == []
    assert channels["mail"].config.port == 587
    assert (channels["sms"].idempotent, channels["text"].idempotent) == (True, False)
    assert channels["sms"].config.ok == [200, 202]


def test_a_channel_gets_its_address_and_its_home(opened, tmp_path):
    """Config says which address a file or console channel goes by, and files land in the workspace."""
    channels, problems = opened("  chat: {kind: file, folder: out/chat, address: chat}\n")
    assert problems == []
    assert channels["chat"].address == "chat"
    assert channels["chat"].send(duly.Message(id="1", to="lin", text="x")) == duly.Accepted("1.txt")
    assert (tmp_path / "out/chat/1.txt").is_file()
    assert duly_file.File.address == ""


def test_every_wrong_setting_is_said_at_its_place(opened):
    """One sentence a key, at the value itself, with the cure; the channels without fault are there."""
    channels, problems = opened(
        "  mail: {kind: email, hots: x, port: many, security: ssl}\n"
        "  sms: {kind: sms, url: 'https://x/', form: {to: [a]}}\n"
        "  post: {kind: pigeon}\n"
        "  chat: {kind: file, folder: out}\n"
        "  desk: {kind: console, address: chat}\n"
    )
    assert set(channels) == {"desk"}
    assert [problem.split(";")[0] for problem in problems] == [
        "config/duly.yaml:4:9 C002 the channel “mail” lacks “from”",
        "config/duly.yaml:4:9 C002 the channel “mail” lacks “host”",
        "config/duly.yaml:4:29 C001 “hots” is no setting of the kind “email”",
        "config/duly.yaml:4:38 C004 “port” cannot be read: it should be a valid integer, unable to parse string as an integer",  # noqa: E501
        "config/duly.yaml:4:54 C004 “security” cannot be read: it should be 'starttls', 'tls' or 'none'",
        "config/duly.yaml:5:50 C004 “form.to” cannot be read: it should be a valid string",
        "config/duly.yaml:6:9 C005 no plugin offers channels of the kind “pigeon”",
        "config/duly.yaml:7:9 C002 the channel “chat” does not say which of a person's addresses it uses",
    ]
    cures = [problem.split("; ", 1)[1] for problem in problems]
    assert cures[1:3] == ["add it: The mail server", "did you mean “host”?"]
    assert cures[-2:] == ["known: console, email, file, sms", "add “address: phone”, “email” or “chat”"]


def test_settings_that_do_not_go_together_are_said(opened):
    """What only the channel itself can know is said in its own words."""
    channels, problems = opened("  sms: {kind: sms, url: 'https://x/'}\n")
    assert channels == {}
    told = "say what the gateway is to be told: either `json` or `form`"
    assert problems == [f"config/duly.yaml:4:8 C004 the channel “sms” cannot work: {told}"]


def test_a_channel_of_a_plugin_left_out_says_so(opened):
    """Whoever misses a channel reads why its plugin is not there."""

    def broken(register) -> None:
        raise RuntimeError("no licence")

    _, problems = opened("  sms: {kind: acme, address: phone}\n", plugin(register_channels=broken))
    assert problems[0].endswith("“acme”; the plugin “acme” was left out: RuntimeError: no licence")


def test_a_channel_whose_making_breaks_stops_only_itself(opened):
    """A bug in one channel leaves the others alone, and its words, which may hold settings, unsaid."""

    class Broken(Acme):
        """Messages that never leave."""

        def __init__(self, *_args) -> None:
            raise RuntimeError("hunter2")

    channels, problems = opened("  a: {kind: acme}\n  desk: {kind: console, address: chat}\n", offering(Broken))
    assert set(channels) == {"desk"}
    assert problems == ["config/duly.yaml:4:6 P010 the channel “a” cannot be made: its plugin broke with RuntimeError"]


def test_secrets_show_nowhere(opened, caplog):
    """No repr, problem or log holds a secret, whether its setting is right or wrong (FAILURES 32)."""
    caplog.set_level(logging.DEBUG)
    channels, problems = opened(
        "  sms: {kind: sms, url: {env: KEY}, headers: {A: {env: KEY}}, form: {to: '{to}', key: {env: KEY}}}\n"
        "  api: {kind: sms, url: 'https://x/', headers: {A: {env: KEY}}, json: {to: '{to}', key: {env: KEY}}}\n"
        "  mail: {kind: email, host: x, from: a@b, user: u, password: {env: KEY}, port: {env: KEY}}\n"
        "  post: {kind: email, host: x, from: a@b, user: u, password: {env: KEY}}\n"
    )
    assert set(channels) == {"api", "post"}
    assert len(problems) == 2
    shown = "".join(repr(channel.config) + str(channel.config) + repr(channel) for channel in channels.values())
    assert "hunter2" not in shown + "".join(problems) + caplog.text
