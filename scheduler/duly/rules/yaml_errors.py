"""What a desk lead is told where YAML itself gives up: the likely slip, not the grammar."""

from __future__ import annotations

import re
from collections.abc import Sequence

import yaml as pyyaml

from duly.rules.problem import Mark, Problems

_FULL_WIDTH_KEY = re.compile(r"^\s*(?:- )?(?:\{\s*)?[\w -]{1,40}(：)")
_FULL_WIDTH = re.compile("[，：]")
_QUOTED_START = re.compile(r"""(?:^|[:,\[{-])\s*(["'])""")
_SECOND_COLON = re.compile(r":\s+[^\"'\s\[{#][^#]*?(:)(?=\s|$)")


def explain(error: pyyaml.YAMLError, lines: Sequence[str], path: str, problems: Problems) -> None:
    """Turn an error of the YAML parser into one problem at the word that caused it."""
    at, since = _marks(error, path, len(lines))
    grammar = str(getattr(error, "problem", "") or "")
    context = str(getattr(error, "context", "") or "")
    around = range(max(since.line, at.line - 2), min(at.line, len(lines)) + 1)

    for number in around:
        found = _FULL_WIDTH_KEY.match(lines[number - 1])
        if found:
            problems.add(
                "Y015",
                Mark(path, number, found.start(1) + 1),
                "the full-width colon “：” does not separate",
                "write “: ” or put the text in quotes",
            )
            return
    if "quoted scalar" in context:
        problems.add("Y012", since, "this quotation mark is never closed", "close it, or put the whole text in quotes")
        return
    line = lines[at.line - 1] if at.line <= len(lines) else ""
    if "\t" in line and ("\\t" in grammar or "cannot start any token" in grammar):
        problems.add("Y005", Mark(path, at.line), "the line holds a tab", "use spaces")
        return
    quoted = _closed_before(line, at.column)
    if quoted:
        problems.add(
            "Y011",
            Mark(path, at.line, quoted),
            "the text goes on after its closing quotation mark",
            "put the whole text in quotes, in the other kind of quotation marks",
        )
        return
    wide = next((number for number in around if _FULL_WIDTH.search(lines[number - 1])), None)
    if wide is not None and "flow" in context:
        found = _FULL_WIDTH.search(lines[wide - 1])
        assert found
        name, plain = ("comma", ", ") if found.group() == "，" else ("colon", ": ")
        problems.add(
            "Y015",
            Mark(path, wide, found.start() + 1),
            f"the full-width {name} “{found.group()}” does not separate",
            f"write “{plain}” or put the text in quotes",
        )
        return
    if "mapping values are not allowed" in grammar:
        second = _SECOND_COLON.search(line)
        problems.add(
            "Y013",
            Mark(path, at.line, second.start(1) + 1) if second else at,
            "a second “: ” cannot stand in one line",
            "put the text in quotes",
        )
        return
    if "flow" in context:
        problems.add(
            "Y017",
            since,
            "this bracket is never closed, or an entry in it lacks its comma",
            "add the comma or the bracket",
        )
        return
    if "cannot start any token" in grammar or "expected alphabetic or numeric" in grammar:
        problems.add("Y018", at, f"a text cannot begin with “{_character(line, at)}”", "put the text in quotes")
        return
    if "could not find expected ':'" in grammar:
        problems.add("Y018", since, "this line has no “key: value”", "add the colon and a space, or indent the line")
        return
    problems.add("Y018", at, "this does not fit here", "look at the indentation and the colons of this line")


def _marks(error: pyyaml.YAMLError, path: str, count: int) -> tuple[Mark, Mark]:
    """Where the parser gave up, and where the thing began that it was reading."""

    def mark(found: object) -> Mark | None:
        if found is None:
            return None
        line, column = getattr(found, "line", 0), getattr(found, "column", 0)
        return Mark(path, line + 1, column + 1) if line < count else Mark(path, count, 1)

    at = mark(getattr(error, "problem_mark", None)) or Mark(path)
    return at, mark(getattr(error, "context_mark", None)) or at


def _closed_before(line: str, column: int) -> int | None:
    """The column of a quotation mark that opens a text, is closed again, and is followed by more text at ``column``."""
    for opened in _QUOTED_START.finditer(line[: column - 1]):
        start = opened.start(1)
        closed = line.find(opened.group(1), start + 1)
        if closed >= 0 and line[closed + 1 : column - 1].strip() == "" and closed < column - 1:
            return start + 1
    return None


def _character(line: str, at: Mark) -> str:
    return line[at.column - 1 : at.column] or " "
