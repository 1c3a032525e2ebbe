"""Tables of the reference, made from the code itself while the pages are built, so that they cannot drift.

A page says ``<!-- table: step -->`` where one belongs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from duly.cli.desk import Desk, open_desk
from duly.cli.main import COMMANDS
from duly.cli.schema import KINDS
from duly.rules import rule_file
from duly.rules.explanation import explanations
from duly.time.clock import SystemClock

PLACE = re.compile(r"<!-- table: ([a-z ]+) -->")
MOMENTS = ("after", "before", "late", "unanswered", "changed", "closed", "at")
DOINGS = ("tell", "call", "assign", "escalate", "write")

Schema = Mapping[str, Any]


def on_page_markdown(markdown: str, **_: object) -> str:
    """Put the tables in; MkDocs calls this for each page."""
    return PLACE.sub(lambda place: "\n".join(TABLES[place[1]]()), markdown)


@cache
def _desk() -> Desk:
    """Open the starter pack, whose top folders are a workspace."""
    return open_desk(Path(__file__).resolve().parents[1], SystemClock().now())


@cache
def _schema(kind: str) -> Schema:
    return KINDS[kind](_desk())


def _rule() -> Iterator[str]:
    shapes = _schema("rule")["properties"]
    yield from _table("key", ((f"`{key}`", _said(shapes[key])) for key in rule_file._KEYS))


def _step() -> Schema:
    shapes: Schema = _schema("rule")["properties"]["steps"]["items"]["properties"]
    return shapes


def _chosen(wanted: Callable[[str], bool]) -> Iterator[str]:
    yield from _table("key", ((f"`{key}`", _said(shape)) for key, shape in _step().items() if wanted(key)))


def _doings() -> Iterator[str]:
    """List what steps do: an action says so itself, in the first line of its docstring."""
    said = {"tell": "Sends a message."}
    for name, action in _desk().plugins.actions.items():
        said[name] = (action.__doc__ or "").partition("\n")[0]
    known = [key for key in _step() if key in DOINGS or key in said]
    rest = {"call": "Asks somebody to call, and notes what came of it.", "assign": "Gives the matter to somebody."}
    rest["write"] = "Writes into the source what the vocabulary names."
    yield from _table("key", ((f"`{key}`", said.get(key) or rest[key]) for key in known))


def _file(kind: str) -> Iterator[str]:
    yield from _table("key", ((f"`{path}`", said) for path, said in _flat(_schema(kind))))


def _flat(shape: Schema, path: str = "") -> Iterator[tuple[str, str]]:
    """List every key of a file, with those beneath it."""
    for part in (shape, *shape.get("anyOf", ()), shape.get("items", {})):
        for key, below in part.get("properties", {}).items():
            here = f"{path}{key}"
            yield here, _said(below)
            yield from _flat(below, f"{here}: ")
        named = part.get("additionalProperties")
        if isinstance(named, dict):
            yield from _flat(named, f"{path}NAME: ")


def _problems() -> Iterator[str]:
    for code, each in explanations().items():
        yield f"### {code}: {each.title}\n\n{each.means}\n\n{each.cure}\n"


def _commands() -> Iterator[str]:
    yield from _table("command", ((f"`duly {name}`", said) for name, said in COMMANDS.items()))


def _said(shape: Schema) -> str:
    return str(shape.get("description", ""))


def _table(head: str, rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield f"| {head} | what it says |"
    yield "|---|---|"
    for key, said in rows:
        yield f"| {key} | {said.replace('|', chr(92) + '|')} |"


TABLES: Mapping[str, Callable[[], Iterator[str]]] = {
    "rule": _rule,
    "moments": lambda: _chosen(lambda key: key in MOMENTS),
    "doings": _doings,
    "step": lambda: _chosen(lambda key: key not in (*MOMENTS, *DOINGS, *_desk().plugins.actions)),
    "roundup": lambda: _table(
        "key", ((f"`{path}`", said) for path, said in _flat(_schema("rule")["properties"]["roundup"]))
    ),
    "noun": lambda: _file("noun"),
    "directory": lambda: _file("directory"),
    "settings": lambda: _file("settings"),
    "calendar": lambda: _file("calendar"),
    "problems": _problems,
    "commands": _commands,
}
