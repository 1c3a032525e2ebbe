"""The one loader of rules and config: a small YAML in which text stays text and everything knows where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml as pyyaml

from duly.rules.problem import Mark, Problems, split_lines
from duly.rules.yaml_errors import Quoted, explain

MAX_BYTES = 1_000_000
MAX_DEPTH = 20

_Loader: Any = getattr(pyyaml, "CSafeLoader", pyyaml.SafeLoader)
_UNPRINTABLE = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CUT_OFF = re.compile(r"[ \t]+(#(?=\w))")
_FULL_WIDTH = re.compile("[，：]")


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text, exactly as written. ``spoilt`` tells that a problem about it has been noted already."""

    value: str
    mark: Mark = field(compare=False)
    quoted: bool = False
    spoilt: bool = False

    def at(self, offset: int) -> Mark:
        """Where the character at ``offset`` of the text stands (of a folded text: about where)."""
        return Mark(self.mark.path, self.mark.line, self.mark.column + offset + self.quoted)


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: tuple[Node, ...]
    mark: Mark = field(compare=False)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.items)


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys and values in the order of the file; no key stands twice."""

    entries: tuple[tuple[Scalar, Node], ...]
    mark: Mark = field(compare=False)

    def get(self, key: str) -> Node | None:
        """Give the value of ``key``, or ``None``."""
        return next((value for known, value in self.entries if known.value == key), None)

    def __iter__(self) -> Iterator[str]:
        return (key.value for key, _ in self.entries)

    def keys(self) -> list[str]:
        """Give the keys in the order of the file."""
        return list(self)


Node = Scalar | Sequence | Mapping


def read_text(file: Path, path: str, problems: Problems) -> str | None:
    """Read a file as UTF-8 (a byte order mark is dropped); a file that cannot be read is a problem at 1:1.

    Parameters
    ----------
    file: where it is.
    path: what to call it in problems, relative to the workspace.
    """
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        problems.add("Y001", Mark(path), f"the file cannot be read ({error.strerror or error})")
        return None
    if len(data) > MAX_BYTES:
        problems.add("Y002", Mark(path), "the file is over 1 MB", "split it")
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        problems.add("Y003", Mark(path), "the file is not UTF-8", "save it with the encoding UTF-8")
        return None


def load(text: str, path: str, problems: Problems) -> Node | None:
    """Read one YAML document; ``None`` when its structure cannot be read.

    Scalars are always text. Duplicate keys, anchors, aliases, tags, several documents and nesting deeper than
    `MAX_DEPTH` are problems. Nothing is raised, whatever the text.

    Parameters
    ----------
    text: the file.
    path: what to call it in problems.
    problems: takes what is wrong.
    """
    text = text.removeprefix("\ufeff")
    problems.lines(path, text)
    if len(text) > MAX_BYTES or len(text.encode(errors="replace")) > MAX_BYTES:
        problems.add("Y002", Mark(path), "the file is over 1 MB", "split it")
        return None
    return _Composer(text, path, problems).compose()


class _Stop(Exception):  # noqa: N818 - not an error: the problem has been noted
    """The structure cannot be read any further."""


class _Composer:
    def __init__(self, text: str, path: str, problems: Problems) -> None:
        self.text = text
        self.path = path
        self.problems = problems
        self.lines = split_lines(text)
        self._quoted: Quoted | None = None
        self._spoilt = False

    def compose(self) -> Node | None:
        if not self._clean():
            return None
        loader = _Loader(self.text)
        try:
            return self._document(loader)
        except _Stop:
            return None
        except pyyaml.YAMLError as error:
            if not self._spoilt:
                explain(error, self.lines, Mark(self.path), self._quoted, self.problems)
            return None
        finally:
            loader.dispose()

    def _clean(self) -> bool:
        bad = _UNPRINTABLE.search(self.text)
        if bad:
            lines = split_lines(self.text[: bad.start()])
            mark = Mark(self.path, len(lines), len(lines[-1]) + 1)
            name = f"U+{ord(bad.group()):04X}"
            self.problems.add("Y004", mark, f"the character {name} does not belong into a text file", "delete it")
            return False
        for number, line in enumerate(self.lines, 1):
            if "\t" in line[: len(line) - len(line.lstrip(" \t"))]:
                self.problems.add("Y005", Mark(self.path, number), "the line begins with a tab", "use spaces")
                return False
        return True

    def _mark(self, event: Any) -> Mark:
        return Mark(self.path, event.start_mark.line + 1, event.start_mark.column + 1)

    def _refuse(self, code: str, event: Any, message: str, cure: str) -> _Stop:
        self.problems.add(code, self._mark(event), message, cure)
        return _Stop()

    def _document(self, loader: Any) -> Node | None:
        loader.get_event()
        start = loader.get_event()
        if isinstance(start, pyyaml.StreamEndEvent):
            self.problems.add("Y006", Mark(self.path), "the file is empty", "write something or delete the file")
            return None
        if start.version or start.tags:
            raise self._refuse("Y008", start, "directives are refused", "delete the line")
        root = self._node(loader, loader.get_event(), 0, flow=False, item=True)
        loader.get_event()
        more = loader.get_event()
        if isinstance(more, pyyaml.DocumentStartEvent):
            raise self._refuse("Y009", more, "a second document begins here", "put it into a file of its own")
        return root

    def _node(self, loader: Any, event: Any, depth: int, *, flow: bool, item: bool) -> Node:
        if isinstance(event, pyyaml.AliasEvent):
            raise self._refuse(
                "Y008", event, f"the alias “*{event.anchor}” is refused", "write the value out, or put it in quotes"
            )
        if event.anchor is not None:
            raise self._refuse(
                "Y008", event, f"the anchor “&{event.anchor}” is refused", "delete it, or put the text in quotes"
            )
        if event.tag is not None:
            raise self._refuse(
                "Y008", event, f"the tag “{event.tag}” is refused", "delete it, or put the text in quotes"
            )
        if isinstance(event, pyyaml.ScalarEvent):
            return self._scalar(event, listed=flow or item)
        if depth >= MAX_DEPTH:
            raise self._refuse("Y010", event, f"this is nested over {MAX_DEPTH} levels deep", "make it flatter")
        flow = bool(event.flow_style)
        if isinstance(event, pyyaml.SequenceStartEvent):
            return self._sequence(loader, event, depth, flow=flow)
        return self._mapping(loader, event, depth, flow=flow)

    def _sequence(self, loader: Any, start: Any, depth: int, *, flow: bool) -> Sequence:
        items: list[Node] = []
        while not isinstance(event := loader.get_event(), pyyaml.SequenceEndEvent):
            items.append(self._node(loader, event, depth + 1, flow=flow, item=True))
        return Sequence(tuple(items), self._mark(start))

    def _mapping(self, loader: Any, start: Any, depth: int, *, flow: bool) -> Mapping:
        entries: dict[str, tuple[Scalar, Node]] = {}
        while not isinstance(event := loader.get_event(), pyyaml.MappingEndEvent):
            key = self._node(loader, event, depth + 1, flow=flow, item=True)
            if not isinstance(key, Scalar):
                raise self._refuse("Y016", event, "a key must be a word, not a list or a mapping", "write a word")
            value = self._node(loader, loader.get_event(), depth + 1, flow=flow, item=False)
            if key.value in entries:
                first = entries[key.value][0].mark.line
                self.problems.add(
                    "Y007",
                    key.mark,
                    f"the key “{key.value}” stands here again",
                    f"line {first} has it already; delete one",
                )
            else:
                entries[key.value] = key, value
        return Mapping(tuple(entries.values()), self._mark(start))

    def _scalar(self, event: Any, *, listed: bool) -> Scalar:
        mark = self._mark(event)
        if event.style:
            self._spoilt = False
            self._quoted = Quoted(mark, event.end_mark.line + 1) if event.style in "'\"" else None
            return Scalar(event.value, mark, quoted=True)
        self._quoted = None
        self._spoilt = self._cut_off(event) or (listed and self._full_width(event, mark))
        return Scalar(event.value, mark, spoilt=self._spoilt)

    def _cut_off(self, event: Any) -> bool:
        line, column = event.end_mark.line, event.end_mark.column
        if not event.value or line >= len(self.lines):
            return False
        cut = _CUT_OFF.match(self.lines[line], column)
        if not cut:
            return False
        self.problems.add(
            "Y014",
            Mark(self.path, line + 1, cut.start(1) + 1),
            "the text is cut off here, because “ #” begins a comment",
            "put the text in quotes, or a space after “#” if a comment is meant",
        )
        return True

    def _full_width(self, event: Any, mark: Mark) -> bool:
        found = _FULL_WIDTH.search(event.value)
        if not found:
            return False
        line = self.lines[mark.line - 1]
        column = line.find(found.group(), mark.column - 1) + 1
        name, plain = ("comma", ", ") if found.group() == "，" else ("colon", ": ")
        self.problems.add(
            "Y015",
            Mark(self.path, mark.line, column or mark.column),
            f"the full-width {name} “{found.group()}” does not separate",
            f"write “{plain}” or put the text in quotes",
        )
        return True
