"""Typed reading of one mapping: each slip becomes a problem at the word itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from duly.rules.problem import Mark, Problems, suggest, suggest_or_list
from duly.rules.yaml import Mapping, Node, Scalar, Sequence, load

T = TypeVar("T")


class Reader:
    """Reads the keys of one mapping and notes what is missing, unknown or of the wrong shape.

    Parameters
    ----------
    mapping: what to read.
    problems: takes what is wrong.
    family: first letter of the problem codes (``R``, ``V``, ``D`` …).
    keys: every key the mapping may hold.
    """

    def __init__(self, mapping: Mapping, problems: Problems, family: str, keys: Iterable[str]) -> None:
        self.map = mapping
        self.problems = problems
        self.family = family
        self.keys = frozenset(keys)

    def has(self, key: str) -> bool:
        """Whether ``key`` stands in the mapping, whatever its value."""
        return self.map.get(key) is not None

    def mark(self, key: str) -> Mark:
        """Where the value of ``key`` stands; the mapping's own place when there is none."""
        value = self.map.get(key)
        return self.map.mark if value is None else value.mark

    def key_mark(self, key: str) -> Mark:
        """Where the word ``key`` itself stands."""
        return next((name.mark for name, _ in self.map.entries if name.value == key), self.map.mark)

    def marks(self, prefix: str = "") -> dict[str, Mark]:
        """Where every value stands, by key, each behind ``prefix``."""
        return {prefix + key.value: value.mark for key, value in self.map.entries}

    def scalar(self, key: str, *, required: bool = False) -> Scalar | None:
        """Give the text of ``key`` with its place; ``None``, and a problem, when it is no text or empty."""
        value = self._value(key, required=required)
        if value is None:
            return None
        if isinstance(value, Scalar):
            return None if value.spoilt else value
        self.problem("003", value.mark, f"“{key}” must be a text, not {describe(value)}")
        return None

    def text(self, key: str, *, required: bool = False, default: str = "") -> str:
        """Give the text of ``key``, or ``default``."""
        value = self.scalar(key, required=required)
        return default if value is None else value.value

    def texts(self, key: str, *, required: bool = False) -> list[Scalar]:
        """Give a text or a list of texts as a list; an empty list is fine."""
        value = self._value(key, required=required)
        if value is None:
            return []
        return self.texts_of(key, value)

    def texts_of(self, key: str, value: Node) -> list[Scalar]:
        """Take ``value`` as a text or a list of texts."""
        if isinstance(value, Mapping):
            self.problem("003", value.mark, f"“{key}” must be a text or a list, not a mapping")
            return []
        found: list[Scalar] = []
        for item in value.items if isinstance(value, Sequence) else (value,):
            if not isinstance(item, Scalar):
                self.problem("003", item.mark, f"“{key}” must hold texts, not {describe(item)}")
            elif not item.value.strip() and not item.spoilt:
                self.problem("003", item.mark, f"“{key}” holds an empty entry", "fill it or delete it")
            elif not item.spoilt:
                found.append(item)
        return found

    def mapping(self, key: str, *, required: bool = False) -> Mapping | None:
        """Give the mapping under ``key``."""
        value = self._value(key, required=required)
        if value is None or isinstance(value, Mapping):
            return value
        if not (isinstance(value, Scalar) and value.spoilt):
            self.problem("003", value.mark, f"“{key}” must be a mapping, not {describe(value)}")
        return None

    def items(self, key: str, *, required: bool = False) -> tuple[Node, ...]:
        """Give the entries of the list under ``key``, of any shape."""
        value = self._value(key, required=required)
        if value is None:
            return ()
        if isinstance(value, Sequence):
            return value.items
        if not (isinstance(value, Scalar) and value.spoilt):
            self.problem("003", value.mark, f"“{key}” must be a list, not {describe(value)}")
        return ()

    def parse(self, key: str, read: Callable[[str], T], *, required: bool = False) -> T | None:
        """Give ``read`` of the text; a `ValueError` of it becomes a problem at the value, in its words."""
        value = self.scalar(key, required=required)
        return None if value is None else self.parse_scalar(value, read)

    def parse_scalar(self, value: Scalar, read: Callable[[str], T]) -> T | None:
        """Give ``read`` of one text, as `parse` does."""
        try:
            return read(value.value)
        except ValueError as error:
            self.problem("004", value.mark, str(error))
            return None

    def choice(self, key: str, options: Iterable[str], *, required: bool = False, default: str = "") -> str:
        """Give the text of ``key``, which must be one of ``options``."""
        value = self.scalar(key, required=required)
        if value is None:
            return default
        known = list(options)
        if value.value in known:
            return value.value
        cure = suggest(value.value, known) or f"write {' or '.join(known)}"
        self.problem("004", value.mark, f"“{key}” cannot be “{value.value}”", cure)
        return default

    def yes(self, key: str, *, default: bool = False) -> bool:
        """Give ``yes`` or ``no`` as a boolean."""
        answer = self.choice(key, ("yes", "no"))
        return default if not answer else answer == "yes"

    def whole(self, key: str, *, least: int = 0, required: bool = False) -> int | None:
        """Give a whole number of at least ``least``."""

        def read(text: str) -> int:
            if not (text.isascii() and text.isdigit() and len(text) <= 12 and int(text) >= least):
                raise ValueError(f"“{key}” must be a whole number from {least}, not “{text}”")
            return int(text)

        return self.parse(key, read, required=required)

    def finish(self) -> None:
        """Note every key that is not known."""
        for key, _ in self.map.entries:
            if key.value not in self.keys and not key.spoilt:
                cure = suggest_or_list(key.value, self.keys)
                self.problem("001", key.mark, f"unknown key “{key.value}”", cure)

    def problem(self, number: str, mark: Mark, message: str, cure: str = "") -> None:
        """Note a problem of the reader's family: ``problem("005", …)`` of family ``V`` is ``V005``."""
        self.problems.add(self.family + number, mark, message, cure)

    def _value(self, key: str, *, required: bool) -> Node | None:
        value = self.map.get(key)
        if value is None:
            if required:
                self.problem("002", self.map.mark, f"“{key}” is missing", f"add “{key}: …”")
        elif isinstance(value, Scalar) and not value.quoted and not value.value and not value.spoilt:
            self.problem("003", self.key_mark(key), f"“{key}” has no value", "fill it or delete the line")
            return None
        return value


def load_mapping(text: str, path: str, problems: Problems, family: str) -> Mapping | None:
    """Load a file that must hold keys and values; ``None``, and a problem, when it holds anything else."""
    node = load(text, path, problems)
    if node is None or isinstance(node, Mapping):
        return node
    if not (isinstance(node, Scalar) and node.spoilt):
        problems.add(family + "003", node.mark, f"the file must hold keys and values, not {describe(node)}")
    return None


def describe(node: Node) -> str:
    """Name the shape of a node for a problem."""
    if isinstance(node, Scalar):
        shown = node.value if len(node.value) <= 40 else node.value[:40] + "…"
        return f"“{shown}”" if shown else "nothing"
    return "a list" if isinstance(node, Sequence) else "a mapping"
