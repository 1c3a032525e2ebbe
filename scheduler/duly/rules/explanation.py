"""What each problem code means, with a wrong and a right example, for ``duly explain``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from duly.rules.problem import CODES, Problems
from duly.rules.reader import Reader
from duly.rules.yaml import Mapping as Node
from duly.rules.yaml import load

FOLDER = "explanations"
_KEYS = ("means", "in", "whole", "wrong", "right", "beside", "cure")


@dataclass(frozen=True, slots=True)
class Explanation:
    """What one problem code means.

    Parameters
    ----------
    title: the code's line in `CODES`.
    means: what is wrong, and why it matters.
    path: the file of a workspace from which the examples are.
    wrong: words of that file that raise the code.
    right: the same words as they should be.
    cure: what to do about it.
    whole: whether the examples are the whole file; else they are some of its keys.
    beside: other files that the examples need, by path.
    """

    code: str
    title: str
    means: str
    path: str
    wrong: str
    right: str
    cure: str
    whole: bool = False
    beside: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Give the explanation as plain data for ``--json``."""
        return {
            "code": self.code,
            "title": self.title,
            "means": self.means,
            "file": self.path,
            "wrong": self.wrong,
            "right": self.right,
            "cure": self.cure,
        }


@cache
def explanations() -> Mapping[str, Explanation]:
    """Read what stands in ``explanations/`` beside this module, by code.

    Raises
    ------
    ValueError: a file of it has a problem, which is our slip.
    """
    found: dict[str, Explanation] = {}
    folder = files("duly.rules") / FOLDER
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".yaml"):
            found.update({each.code: each for each in _read(file)})
    return {code: found[code] for code in CODES if code in found}


def _read(file: Traversable) -> Iterator[Explanation]:
    problems = Problems()
    root = load(file.read_text(encoding="utf-8"), file.name, problems)
    if isinstance(root, Node):
        reader = Reader(root, problems, "C", ("in", "codes"))
        reader.finish()
        path = reader.text("in", required=True)
        codes = reader.mapping("codes", required=True)
        for code, node in codes.entries if codes else ():
            if isinstance(node, Node):
                yield _explanation(code.value, Reader(node, problems, "C", _KEYS), path)
    if problems.all or not isinstance(root, Node):
        raise ValueError("\n".join(problem.render() for problem in problems.all) or f"{file.name} is no mapping")


def _explanation(code: str, reader: Reader, path: str) -> Explanation:
    reader.finish()
    beside = reader.mapping("beside")
    inner = Reader(beside, reader.problems, "C", beside.keys()) if beside else None
    return Explanation(
        code=code,
        title=CODES[code],
        means=reader.text("means", required=True),
        path=reader.text("in", default=path),
        wrong=reader.text("wrong", required=True).rstrip("\n"),
        right=reader.text("right", required=True).rstrip("\n"),
        cure=reader.text("cure", required=True),
        whole=reader.yes("whole"),
        beside={name: inner.text(name) for name in inner.map} if inner else {},
    )
