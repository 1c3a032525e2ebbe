"""Where every value of a file stands, for problems that only show when files meet."""

from __future__ import annotations

from duly.rules.problem import Mark
from duly.rules.yaml import Mapping, Node, Sequence


def marks_of(node: Node, prefix: str = "") -> dict[str, Mark]:
    """Return the mark of each value under ``node`` by dotted path: ``times.paid_at``, ``channels.sms.headers.0``."""
    marks: dict[str, Mark] = {}
    for name, value in _children(node):
        marks[prefix + name] = value.mark
        marks.update(marks_of(value, f"{prefix}{name}."))
    return marks


def _children(node: Node) -> list[tuple[str, Node]]:
    if isinstance(node, Mapping):
        return [(key.value, value) for key, value in node.entries]
    return [(str(place), item) for place, item in enumerate(node.items)] if isinstance(node, Sequence) else []
