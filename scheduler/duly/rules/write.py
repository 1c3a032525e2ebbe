"""A write: one guarded change of one record in the source, as the vocabulary has it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from duly.rules import fragment, yaml
from duly.rules.problem import Problems
from duly.rules.reader import Reader, describe

ASSIGNEE = "assignee"
"""The write that notes whom a record is assigned to."""
_GIVEN = frozenset({"clock", "now", "today"})
"""What a statement may name besides the record's key (``:key_1``, ``:key_2`` … of a composite one) and the fields of
its noun: the case's clock as the source spells it, the instant and the day."""
_GIVEN_TO_ASSIGN = frozenset({"person", "was"})
"""What that of the assignee may name besides: who it is now and who it was, by the source's own ids."""


@dataclass(frozen=True, slots=True)
class Write:
    """One statement.

    Parameters
    ----------
    sql: an update or an insert whose conditions hold the old values, so that a lost race changes nothing.
    names: the values that it binds.
    """

    name: str
    sql: str
    names: frozenset[str]


def word(field: str) -> str:
    """Spell a field as statements name it: ``:made_to_order``."""
    return field.replace(" ", "_").replace("-", "_")


def read_write(name: str, value: yaml.Node, fields: Collection[str], keys: int, problems: Problems) -> Write | None:
    """Read one entry of ``writes``; ``None``, with a problem, when it cannot be trusted.

    Parameters
    ----------
    fields: the fields of the noun, whose old values a statement may ask for.
    keys: of how many parts the noun's key is made.
    """
    if isinstance(value, yaml.Mapping):
        reader = Reader(value, problems, "V", ("sql", "rows"))
        reader.finish()
        reader.choice("rows", ["1"])
        scalar = reader.scalar("sql", required=True)
    elif isinstance(value, yaml.Scalar):
        scalar = value
    else:
        problems.add("V003", value.mark, f"the write “{name}” must be SQL or a mapping, not {describe(value)}")
        return None
    if scalar is None or scalar.spoilt:
        return None
    key = {"key"} if keys == 1 else {f"key_{number}" for number in range(1, keys + 1)}
    try:
        more = _GIVEN_TO_ASSIGN if name == ASSIGNEE else ()
        sql, names = fragment.statement(scalar.value, {*_GIVEN, *more, *key, *map(word, fields)})
    except ValueError as error:
        problems.add("V014", scalar.mark, str(error))
        return None
    if missing := sorted(key - names):
        cure = f"end it like “where id = :{missing[0]} and …”, with the old value of what it changes"
        problems.add(
            "V014", scalar.mark, f"the write “{name}” does not say which record: “:{missing[0]}” is missing", cure
        )
        return None
    return Write(name, sql, names)


def bound(write: Write, key: object, values: Mapping[str, object]) -> dict[str, object]:
    """Choose the values that a statement names.

    Parameters
    ----------
    key: of the record; a list when it is a composite one.
    values: everything else that there is.
    """
    parts = {f"key_{place}": part for place, part in enumerate(key, 1)} if isinstance(key, list) else {"key": key}
    return {name: value for name, value in {**values, **parts}.items() if name in write.names}
