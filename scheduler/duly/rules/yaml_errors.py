"""What a desk lead is told where YAML itself gives up: the likely slip, not the grammar."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import yaml as pyyaml

from duly.rules.problem import Mark, Problems

_FULL_WIDTH_KEY = re.compile(r"\s*(?:- )?(?:\{\s*)?[\w -]{1,40}(：)")
_FULL_WIDTH = re.compile("[，：]")
_SECOND_COLON = re.compile(r":\s+[^\"'\s\[{#][^#]*?(:)(?=\s|$)")
_KEY = re.compile(r"\s*(?:- )?[^\s#][^#]*?:(?:\s|$)")


@dataclass(frozen=True, slots=True)
class Quoted:
    """The quoted text that was read last: where it begins, and the line in which it ends."""

    mark: Mark
    end_line: int


def explain(
    error: pyyaml.YAMLError, lines: Sequence[str], start: Mark, quoted: Quoted | None, problems: Problems
) -> None:
    """Turn an error of the YAML parser into one problem at the word that caused it.

    Parameters
    ----------
    error: what the parser raised.
    lines: the file.
    start: the file's first place.
    quoted: the text just before the error, if it was in quotes.
    problems: takes the problem.
    """
    at = _place(getattr(error, "problem_mark", None), lines, start) or start
    since = _place(getattr(error, "context_mark", None), lines, start) or at
    code, mark, message, cure = (
        _quotation(error, since, at, quoted)
        or _full_width(error, lines, since, at)
        or _tab(lines, at)
        or _colon(error, lines, since, at)
        or _bracket(error, since, at)
        or _beginning(error, lines, since, at)
        or ("Y018", at, "this does not fit here", "look at the indentation and the colons of this line")
    )
    problems.add(code, mark, message, cure)


_Found = tuple[str, Mark, str, str] | None


def _quotation(error: pyyaml.YAMLError, since: Mark, at: Mark, quoted: Quoted | None) -> _Found:
    if "quoted scalar" in _context(error):
        return "Y012", since, "this quotation mark is never closed", "close it, or put the whole text in quotes"
    if quoted is None or "expected" not in _grammar(error):
        return None
    if quoted.end_line > quoted.mark.line and at.line == quoted.end_line:
        message = f"this quotation mark is closed only in line {quoted.end_line}"
        return "Y012", quoted.mark, message, "close it, or put the whole text in quotes"
    if at.line == quoted.end_line:
        message = "the text goes on after its closing quotation mark"
        return "Y011", quoted.mark, message, "put the whole text in quotes, in the other kind of quotation marks"
    return None


def _full_width(error: pyyaml.YAMLError, lines: Sequence[str], since: Mark, at: Mark) -> _Found:
    for number in range(max(since.line, at.line - 2), min(at.line, len(lines)) + 1):
        line = lines[number - 1]
        found = _FULL_WIDTH_KEY.match(line)
        column = found.start(1) if found else -1
        if not found and "flow" in _context(error):
            wide = _FULL_WIDTH.search(line)
            column = wide.start() if wide else -1
        if column >= 0:
            name, plain = ("comma", ", ") if line[column] == "，" else ("colon", ": ")
            message = f"the full-width {name} “{line[column]}” does not separate"
            return "Y015", Mark(at.path, number, column + 1), message, f"write “{plain}” or put the text in quotes"
    return None


def _tab(lines: Sequence[str], at: Mark) -> _Found:
    if "\t" in lines[at.line - 1][: at.column]:
        return "Y005", Mark(at.path, at.line), "the line holds a tab", "use spaces"
    return None


def _colon(error: pyyaml.YAMLError, lines: Sequence[str], since: Mark, at: Mark) -> _Found:
    line = lines[at.line - 1]
    if "mapping values are not allowed" in _grammar(error):
        second = _SECOND_COLON.search(line)
        if second:
            mark = Mark(at.path, at.line, second.start(1) + 1)
            return "Y013", mark, "a second “: ” cannot stand in one line", "put the text in quotes"
        above = next((number for number in range(at.line - 1, 0, -1) if lines[number - 1].strip()), at.line)
        if above != at.line and not _KEY.match(lines[above - 1]):
            return _no_colon(Mark(at.path, above, _indent(lines[above - 1]) + 1))
        mark = Mark(at.path, at.line, _indent(line) + 1)
        return "Y018", mark, "this line is indented, but the text above it is complete", "take the indentation back"
    if "could not find expected ':'" in _grammar(error):
        return _no_colon(since)
    if "flow" in _context(error) and since.line == at.line and line[at.column - 1 : at.column] == ":":
        return (
            "Y013",
            at,
            "a second “: ” cannot stand in one entry",
            "add the comma before it, or put the text in quotes",
        )
    return None


def _no_colon(mark: Mark) -> _Found:
    return "Y018", mark, "this line has no “key: value”", "add the colon and a space, or indent the line"


def _bracket(error: pyyaml.YAMLError, since: Mark, at: Mark) -> _Found:
    if "flow" not in _context(error) or since == at:
        return None
    message = "this bracket is never closed, or an entry in it lacks its comma"
    return "Y017", since, message, "add the comma or the bracket"


def _beginning(error: pyyaml.YAMLError, lines: Sequence[str], since: Mark, at: Mark) -> _Found:
    if "scanning an a" in _context(error):  # an alias or an anchor
        at = since
    character = lines[at.line - 1][at.column - 1 : at.column]
    if character and ("cannot start any token" in _grammar(error) or character in "*&!]}"):
        return "Y018", at, f"a text cannot begin with “{character}”", "put the text in quotes"
    return None


def _grammar(error: pyyaml.YAMLError) -> str:
    return str(getattr(error, "problem", None) or "")


def _context(error: pyyaml.YAMLError) -> str:
    return str(getattr(error, "context", None) or "")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _place(found: object, lines: Sequence[str], start: Mark) -> Mark | None:
    if found is None:
        return None
    line, column = getattr(found, "line", 0), getattr(found, "column", 0)
    return Mark(start.path, line + 1, column + 1) if line < len(lines) else Mark(start.path, len(lines), 1)
