"""``config/duly.yaml``: what Duly is connected to, and what holds where a rule says nothing else."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from duly.api.config import Secret
from duly.rules import yaml
from duly.rules.anniversary import LEAP_DAYS
from duly.rules.by import parse_by
from duly.rules.lang import parse_lang
from duly.rules.limits_file import parse_hold
from duly.rules.marks import marks_of
from duly.rules.model import HOLD_DEFAULT, By, Marks, Rate
from duly.rules.problem import Mark, Problem, Problems
from duly.rules.reader import Reader, describe
from duly.time.duration import Duration, Unit
from duly.time.window import Window
from duly.time.zone import zone

T = TypeVar("T")

LEDGER = "sqlite:///ledger.db"
REACH = dt.timedelta(days=90)

_KEYS = ("sources", "channels", "ledger", "rest", "by", "lang", "operator", "limits", "reach", "leap day")
_LATER = ("web",)
_ADDRESSES = ("phone", "email", "chat")
_NAME = re.compile(r"(?!else$)[^\W_][\w-]*")


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """A service database.

    Parameters
    ----------
    url: SQLAlchemy's; a relative SQLite path has been put under the workspace.
    zone: the zone of its naive times.
    lacks: why it cannot be used for want of a secret; empty when it can.
    write: the connection for the writes of the vocabulary; ``None`` where the source is only read.
    """

    name: str
    url: Secret
    zone: ZoneInfo
    lacks: str = ""
    write: Secret | None = None


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """One way to reach people, for the plugin ``kind``.

    Parameters
    ----------
    address: which of a person's addresses it needs; empty for the plugin's own choice.
    connections: how many messages leave at the same time.
    config: the plugin's own settings: texts, lists and mappings, with secrets filled in.
    marks: where each value of ``config`` stands, by dotted path (``headers.accept``, ``hosts.0``).
    mark: where the channel stands.
    lacks: why it cannot be used for want of a secret; empty when it can.
    """

    name: str
    kind: str
    address: str = ""
    connections: int = 1
    config: Mapping[str, Any] = field(default_factory=dict, repr=False)
    marks: Marks = field(default_factory=dict, compare=False, repr=False)
    mark: Mark = field(default=Mark(""), compare=False, repr=False)
    lacks: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """All of ``config/duly.yaml``.

    Parameters
    ----------
    ledger: SQLAlchemy's URL of Duly's own database.
    rest: the hours in which people of the record are left alone; ``None`` for none.
    by: the channels of a person who prefers none, and of a rule that names none.
    lang: language of whoever has none of their own.
    operator: who in the directory hears when something breaks; empty for nobody.
    hold: above how many messages a rule holds; ``None`` for never.
    leap_day: where 29 February falls in common years: ``28 February`` or ``1 March``.
    reach: how far back a check looks for records.
    marks: where each value stands, by dotted path (``operator``, ``sources.shop.url``).
    """

    sources: Mapping[str, SourceSettings]
    channels: Mapping[str, ChannelSettings]
    ledger: Secret
    rest: Window | None = None
    by: By = ()
    lang: str = ""
    operator: str = ""
    hold: Rate | None = HOLD_DEFAULT
    leap_day: str = "28 February"
    reach: dt.timedelta = REACH
    marks: Marks = field(default_factory=dict, compare=False, repr=False)


def read_settings(text: str, path: str, home: Path, environ: Mapping[str, str], problems: Problems) -> Settings | None:
    """Read the settings, with the secrets that stand elsewhere.

    Parameters
    ----------
    text: the file.
    path: what to call it in problems, relative to the workspace.
    home: the workspace: relative files are looked for in it.
    environ: where ``{env: NAME}`` looks.
    problems: takes everything that is wrong.

    Returns the settings, or ``None`` when the file has an error. A secret that a channel or a source lacks is a problem
    as well, but stops only that channel or source.
    """
    root = yaml.load(text, path, problems)
    if root is None:
        return None
    if not isinstance(root, yaml.Mapping):
        problems.add("C003", root.mark, f"the settings must be a mapping, not {describe(root)}")
        return None
    reader = _SettingsReader(root, home, environ, problems)
    settings = reader.settings()
    return None if set(problems.errors_of(path)) - reader.lacking else settings


class _SettingsReader:
    def __init__(self, root: yaml.Mapping, home: Path, environ: Mapping[str, str], problems: Problems) -> None:
        self.home = home
        self.environ = environ
        self.problems = problems
        self.lacking: set[Problem] = set()
        """Secrets whose want stops one channel or source alone."""
        self.reader = Reader(root, problems, "C", (*_KEYS, *_LATER))

    def settings(self) -> Settings:
        reader = self.reader
        reader.finish()
        self._refuse_later(reader, _LATER)
        sources = self._entries("sources", self._source, required=True)
        channels = self._entries("channels", self._channel)
        ledger = self._sub("ledger", ("url",))
        limits = self._sub("limits", ("hold",))
        return Settings(
            sources={name: source for name, source in sources.items() if source},
            channels={name: channel for name, channel in channels.items() if channel},
            ledger=(ledger and self._url(ledger)) or self._under_home(LEDGER),
            rest=reader.parse("rest", Window.parse),
            by=self._by(),
            lang=reader.parse("lang", parse_lang) or "",
            operator=reader.text("operator"),
            hold=_hold(limits) if limits else HOLD_DEFAULT,
            reach=reader.parse("reach", _reach) or REACH,
            leap_day=reader.choice("leap day", LEAP_DAYS, default="28 February"),
            marks=marks_of(reader.map),
        )

    def _source(self, name: str, value: yaml.Mapping) -> SourceSettings | None:
        reader = Reader(value, self.problems, "C", ("url", "zone", "write"))
        reader.finish()
        write = reader.mapping("write")
        with self._sparing() as lacks:
            url = self._url(reader)
            writer = Reader(write, self.problems, "C", ("url",)) if write else None
            write_url = self._url(writer) if writer else None
            if writer:
                writer.finish()
        place = reader.parse("zone", zone, required=True)
        if place is None or not (url or lacks):
            return None
        return SourceSettings(name, url or Secret(""), place, "; ".join(lacks), write_url)

    def _channel(self, name: str, value: yaml.Mapping) -> ChannelSettings | None:
        own = ("kind", "address", "connections")
        reader = Reader(value, self.problems, "C", own)
        plugin = yaml.Mapping(tuple((key, node) for key, node in value.entries if key.value not in own), value.mark)
        with self._sparing() as lacks:
            config = {key.value: self._plain(node) for key, node in plugin.entries}
        return ChannelSettings(
            name,
            kind=reader.text("kind", required=True),
            address=reader.choice("address", _ADDRESSES),
            connections=reader.whole("connections", least=1) or 1,
            config=config,
            marks=marks_of(plugin),
            mark=value.mark,
            lacks="; ".join(lacks),
        )

    @contextmanager
    def _sparing(self) -> Iterator[list[str]]:
        """Note which secrets cannot be read meanwhile: what is wanting them alone is without them."""
        before, lacks = set(self.problems.all), list[str]()
        yield lacks
        missing = [problem for problem in self.problems.all if problem not in before and problem.code == "C010"]
        self.lacking.update(missing)
        lacks += [problem.message for problem in missing]

    def _url(self, reader: Reader) -> Secret | None:
        """Read ``url``: a text, or a secret that stands elsewhere."""
        node = reader.map.get("url")
        if not isinstance(node, yaml.Mapping):
            node = reader.scalar("url", required=True)
        if node is None:
            return None
        text = self._plain(node)
        if not isinstance(text, str):
            self._problem("003", node.mark, "“url” must be a text, {env: NAME} or {file: PATH}")
            return None
        try:
            return self._under_home(text) if text else None
        except (sa.exc.ArgumentError, ValueError):  # their sentences hold the text, and so its password
            cure = "write it like sqlite:///shop.db or postgresql+psycopg://reader@db.shop.example/shop"
            self._problem("004", node.mark, "this is no URL of a database", cure)
            return None

    def _under_home(self, text: str) -> Secret:
        """Put a relative SQLite file into the workspace."""
        url = sa.make_url(text)
        database = url.database
        if url.get_backend_name() == "sqlite" and database and not database.startswith((":memory:", "file:")):
            text = url.set(database=str(self.home / database)).render_as_string(hide_password=False)
        return Secret(text)

    def _plain(self, node: yaml.Node) -> Any:
        """Give a node as plain data, with secrets filled in; what cannot be read is noted and empty."""
        if isinstance(node, yaml.Scalar):
            return node.value
        if isinstance(node, yaml.Sequence):
            return [self._plain(item) for item in node.items]
        if node.keys() in (["env"], ["file"]):
            return self._secret(node)
        return {key.value: self._plain(value) for key, value in node.entries}

    def _secret(self, node: yaml.Mapping) -> str:
        (key, value), *_ = node.entries
        if not isinstance(value, yaml.Scalar) or not value.value:
            self._problem("003", value.mark, f"“{key.value}” must be a text, not {describe(value)}")
            return ""
        if key.value == "file":
            return self._from_file(value)
        found = self.environ.get(value.value, "")
        if not found:
            message = f"the environment variable {value.value} is not set"
            self._problem("010", value.mark, message, "set it before Duly starts")
        return found

    def _from_file(self, value: yaml.Scalar) -> str:
        try:
            found = (self.home / value.value).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8"
            self._problem(
                "010", value.mark, f"the file {value.value} cannot be read ({reason})", "put the secret there"
            )
            return ""
        if not found:
            self._problem("010", value.mark, f"the file {value.value} is empty", "put the secret there")
        return found

    def _by(self) -> By:
        parsed = (
            self.reader.parse_scalar(text, lambda written: parse_by([written])) for text in self.reader.texts("by")
        )
        return tuple(channels for by in parsed if by for channels in by)

    def _entries(self, key: str, read: Callable[[str, yaml.Mapping], T], *, required: bool = False) -> dict[str, T]:
        section = self.reader.mapping(key, required=required)
        found: dict[str, T] = {}
        for name, value in section.entries if section else ():
            if not _NAME.fullmatch(name.value) and not name.spoilt:
                cure = "use letters, digits, “-” and “_”"
                self._problem("004", name.mark, f"“{name.value}” is no name for rules to use", cure)
            if isinstance(value, yaml.Mapping):
                found[name.value] = read(name.value, value)
            elif not (isinstance(value, yaml.Scalar) and value.spoilt):
                self._problem("003", value.mark, f"“{name.value}” must be a mapping, not {describe(value)}")
        return found

    def _sub(self, key: str, keys: tuple[str, ...]) -> Reader | None:
        section = self.reader.mapping(key)
        if section is None:
            return None
        reader = Reader(section, self.problems, "C", keys)
        reader.finish()
        return reader

    def _refuse_later(self, reader: Reader, keys: tuple[str, ...]) -> None:
        for key in keys:
            if reader.has(key):
                self._problem("011", reader.key_mark(key), f"this version does not have “{key}” yet", "delete it")

    def _problem(self, number: str, mark: Mark, message: str, cure: str = "") -> None:
        self.problems.add("C" + number, mark, message, cure)


def _hold(limits: Reader) -> Rate | None:
    if limits.text("hold") == "never":
        return None
    return limits.parse("hold", parse_hold) or HOLD_DEFAULT


def _reach(text: str) -> dt.timedelta:
    duration = Duration.parse(text)
    if duration.unit is not Unit.DAYS:
        raise ValueError(f"“{text}” is no reach: write days, such as 90d")
    return dt.timedelta(days=duration.amount)
