"""A problem in a file: where it is, what it is, and the cure."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

_FAMILIES = {
    "R": "rule",
    "V": "vocabulary",
    "D": "directory",
    "C": "config",
    "K": "calendar",
    "X": "example",
}
_SHAPES = {
    "001": "a key that is not known",
    "002": "a key that is missing",
    "003": "a value of the wrong shape",
    "004": "a value that cannot be read",
    "005": "a name that nothing bears",
    "006": "two entries that contradict each other",
}

CODES: dict[str, str] = {
    **{
        family + number: f"{of}: {what}"
        for family, of in _FAMILIES.items()
        for number, what in _SHAPES.items()
        if family + number != "C006"  # settings have no two entries that could contradict each other
    },
    "Y001": "a file that cannot be read",
    "Y002": "a file that is too big",
    "Y003": "a file that is not UTF-8",
    "Y004": "a character that text files do not hold",
    "Y005": "a tab",
    "Y006": "a file that is empty",
    "Y007": "a duplicate key",
    "Y008": "an anchor, an alias or a tag",
    "Y009": "several documents in one file",
    "Y010": "too deep nesting",
    "Y011": "a text that goes on after its closing quotation mark",
    "Y012": "a quotation mark that is never closed",
    "Y013": "a second colon in one line",
    "Y014": "a text cut off by a comment",
    "Y015": "a full-width comma or colon",
    "Y016": "a key that is not a word",
    "Y017": "a bracket that is never closed",
    "Y018": "text that is not YAML",
    "R011": "a step that needs a due time, without one",
    "R012": "a step that needs a clock, without one",
    "R013": "a rule without conditions",
    "R014": "a first step shorter than the check interval",
    "R015": "a window wholly inside rest",
    "R016": "a step that waits for what no step before it does",
    "R017": "a step without words",
    "R018": "a step that does nothing, or two things at once",
    "R019": "a step without a moment, or with two",
    "R020": "a comparison that does not fit its field",
    "R021": "a rule of a noun, source or plugin that is itself broken",
    "R022": "a table of due times that does not provide for every value",
    "R030": "a key of a ladder in a rule without one",
    "R031": "a roundup that tells nothing, or a part of it without what it needs",
    "R032": "a word of a roundup that is not the same for all its records",
    "R040": "a word that does not belong to what its step does",
    "R041": "a call to somebody who is not of the record",
    "R042": "a write that the source is not open for",
    "R043": "an assignment to somebody who is no team",
    "R050": "a step that expires before it may leave",
    "R051": "a step whose moment is past from the start",
    "V010": "SQL that is not one expression",
    "V011": "a name that the language of rules cannot say",
    "V012": "a time that leans on itself",
    "V014": "a write that is not one guarded change",
    "D010": "a circle in the reporting line",
    "C010": "a secret that cannot be read",
    "C011": "a setting that this version does not have yet",
    "K010": "a calendar that builds on itself",
    "K012": "an iCal file, or an event of it, that cannot be taken over",
    "K013": "a calendar that is about to end, or has ended",
    "T001": "a template that cannot be read",
    "T002": "a template that names something unknown",
    "T003": "a template that is missing in a language",
    "T004": "a template whose file name cannot be read",
    "X010": "an example that came out differently",
    "P010": "a plugin that cannot be loaded",
    "S001": "a source that cannot be reached",
    "S002": "a table or column that the source does not have",
    "S003": "SQL that the source refuses",
    "S004": "times that are not spelled as times",
    "S005": "a join that gives several rows for one record",
    "S006": "an exclusion that matches nothing",
    "S007": "a clock without an index",
}
"""Every code and its meaning. Families: Y YAML, R rule, V vocabulary, D directory, C config, K calendar, T template,
X example, P plugin, S source."""

_SHOWN = 120


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A place in a file: ``path`` relative to the workspace, ``line`` and ``column`` counted from 1, in characters."""

    path: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong, where it stands, and what to do about it.

    Parameters
    ----------
    mark: the offending word itself.
    code: a key of `CODES`.
    message: what is wrong, without a full stop.
    cure: what to do, empty where the message says it.
    source_line: the line as it stands in the file.
    """

    mark: Mark
    code: str
    message: str
    cure: str = ""
    severity: Literal["error", "warning"] = "error"
    source_line: str = ""

    @property
    def sentence(self) -> str:
        """The message and its cure, as one sentence."""
        return f"{self.message}; {self.cure}" if self.cure else self.message

    def render(self, shown: int = _SHOWN) -> str:
        """Write the problem for a terminal: the place, the code, the sentence, the line, a caret under the word.

        Of a line longer than ``shown`` characters, that many around the word are shown.
        """
        warning = "warning: " if self.severity == "warning" else ""
        head = f"{self.mark}: {self.code} {warning}{self.sentence}"
        if not self.source_line.strip():
            return head
        start = max(0, self.mark.column - 1 - shown // 2) if len(self.source_line) > shown else 0
        line = "".join(map(_printable, self.source_line[start : start + shown]))
        before = line[: max(0, self.mark.column - 1 - start)]
        return f"{head}\n  {line}\n  {' ' * sum(map(_cells, before))}^"

    def as_json(self) -> dict[str, Any]:
        """Give the problem as plain data for ``--json``."""
        return {
            "path": self.mark.path,
            "line": self.mark.line,
            "column": self.mark.column,
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "cure": self.cure,
            "source": self.source_line,
        }


class Problems:
    """Collects the problems of many files, and knows their lines."""

    def __init__(self) -> None:
        self._found: dict[Problem, None] = {}
        self._lines: dict[str, list[str]] = {}

    def lines(self, path: str, text: str) -> None:
        """Remember the text of ``path``, so that problems added from now on can show their line."""
        self._lines[path] = split_lines(text)

    def add(self, code: str, mark: Mark, message: str, cure: str = "", *, warning: bool = False) -> None:
        """Note a problem; the same one twice counts once. ``code`` must stand in `CODES`."""
        if code not in CODES:
            raise KeyError(f"the problem code {code} is not registered; add it to CODES")
        lines = self._lines.get(mark.path, [])
        line = lines[mark.line - 1] if 0 < mark.line <= len(lines) else ""
        if line and mark.column > len(line) + 1:  # a folded text: its words stand in several lines
            mark = Mark(mark.path, mark.line, len(line) + 1)
        self._found[Problem(mark, code, message, cure, "warning" if warning else "error", line)] = None

    def branch(self) -> Problems:
        """Make an empty collection that knows the same lines."""
        branch = Problems()
        branch._lines = self._lines
        return branch

    def extend(self, problems: Iterable[Problem]) -> None:
        """Take over problems found elsewhere."""
        self._found.update(dict.fromkeys(problems))

    @property
    def all(self) -> list[Problem]:
        """Every problem, by file, line and column."""
        return sorted(self._found)

    @property
    def errors(self) -> list[Problem]:
        """The problems that keep something from working."""
        return [problem for problem in self.all if problem.severity == "error"]

    @property
    def warnings(self) -> list[Problem]:
        """The problems that may be meant."""
        return [problem for problem in self.all if problem.severity == "warning"]

    def of(self, path: str) -> list[Problem]:
        """The problems of one file."""
        return [problem for problem in self.all if problem.mark.path == path]

    def errors_of(self, path: str) -> list[Problem]:
        """The problems of one file that keep something from working."""
        return [problem for problem in self.errors if problem.mark.path == path]

    def broken(self, path: str) -> bool:
        """Whether the file at ``path`` has an error."""
        return any(problem.mark.path == path and problem.severity == "error" for problem in self._found)


def suggest(word: str, known: Iterable[str]) -> str:
    """Ask ``did you mean “shipped”?`` after a word that is close to a known one; empty when none is."""
    if not 0 < len(word) <= 80:
        return ""
    plain = {_plain(name): name for name in sorted(known, reverse=True)}
    close = difflib.get_close_matches(_plain(word), sorted(plain), n=1, cutoff=0.6)
    return f"did you mean “{plain[close[0]]}”?" if close else ""


def suggest_or_list(word: str, known: Iterable[str]) -> str:
    """Ask as `suggest` does, else name what there is, if that is a short list."""
    names = sorted(set(known))
    if not names or len(names) > 30:
        return suggest(word, names)
    return suggest(word, names) or f"known: {', '.join(names)}"


def split_lines(text: str) -> list[str]:
    """Split as YAML counts lines."""
    for end in ("\r\n", "\r", "\x85", "\u2028", "\u2029"):
        text = text.replace(end, "\n")
    return text.split("\n")


def _plain(word: str) -> str:
    return word.casefold().replace("_", " ").replace("-", " ")


def _printable(character: str) -> str:
    if character == "\t":
        return " "
    return character if character.isprintable() else "\N{REPLACEMENT CHARACTER}"


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
