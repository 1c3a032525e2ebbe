"""The shapes that JSON Schemas of our files are made of."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

Schema = dict[str, Any]

DRAFT = "http://json-schema.org/draft-07/schema#"
"""The draft that every editor understands."""

TEXT: Schema = {"type": ["string", "number", "boolean"]}
"""A text. To Duly everything is text; an editor takes 500 for a number and yes, perhaps, for a boolean."""

YES: Schema = {"enum": ["yes", "no", True, False]}
SECRET: Schema = {
    "type": "object",
    "properties": {"env": {"type": "string"}, "file": {"type": "string"}},
    "additionalProperties": False,
    "minProperties": 1,
    "maxProperties": 1,
}


def document(title: str, keys: Iterable[str], shapes: Mapping[str, Schema], required: Collection[str] = ()) -> Schema:
    """Make the schema of a whole file; the rest of the parameters are those of `mapping`."""
    return {"$schema": DRAFT, "title": title, **mapping(keys, shapes, required)}


def mapping(
    keys: Iterable[str],
    shapes: Mapping[str, Schema],
    required: Collection[str] = (),
    patterns: Mapping[str, Schema] | None = None,
) -> Schema:
    """Make the schema of a mapping that has these keys and no other.

    Parameters
    ----------
    keys: the table by which the loader knows them.
    shapes: what stands under each; a key without a shape may hold anything.
    patterns: regular expressions of further keys.
    """
    made: Schema = {
        "type": "object",
        "properties": {key: shapes.get(key, {}) for key in sorted(keys)},
        "additionalProperties": False,
    }
    if required:
        made["required"] = sorted(required)
    if patterns:
        made["patternProperties"] = dict(patterns)
    return made


def entries(of: Schema, says: str = "") -> Schema:
    """Make the schema of a mapping whose keys are names."""
    return said(says, {"type": "object", "additionalProperties": of})


def listed(item: Schema) -> Schema:
    """One of ``item``, or a list of them."""
    return {"anyOf": [item, {"type": "array", "items": item}]}


def one_of(names: Iterable[str], *others: Schema) -> Schema:
    """One of some names, or something of other shapes."""
    known = sorted(set(names))
    shapes = [{"enum": known}, *others] if known else list(others)
    return shapes[0] if len(shapes) == 1 else {"anyOf": shapes}


def either(names: Iterable[str]) -> str:
    """Spell names as alternatives of a regular expression, the longest first."""
    return "|".join(re.escape(name) for name in sorted(set(names), key=lambda name: (-len(name), name)))


def said(description: str, shape: Schema) -> Schema:
    """Add what an editor shows beside a key."""
    return {"description": description, **shape} if description else shape
