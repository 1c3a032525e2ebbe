"""A record as the ledger keeps it, for words when the source is down."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from duly.api.person import Person
from duly.rules.record import Record, decode_key


def pack(record: Record, read_at: dt.datetime) -> dict[str, Any]:
    """Turn a record, and when it was read, into plain JSON values."""
    return {
        "read_at": read_at.isoformat(),
        "holds": dict(record.holds),
        "fields": {name: plain(value) for name, value in record.fields.items()},
        "people": {name: pack_person(person) for name, person in record.people.items()},
        "staff": dict(record.staff),
        "teams": dict(record.teams),
        "zone": record.zone,
    }


def unpack(kept: Mapping[str, Any], key: bytes) -> Record:
    """Turn what the ledger kept into a record again.

    Whether it still matches is asked anew; what its conditions were is kept, for want of a better answer.
    """
    return Record(
        candidate=None,
        key=key,
        matches=True,
        done=False,
        holds=kept["holds"],
        fields={name: unplain(value) for name, value in kept["fields"].items()},
        people={name: unpack_person(person) for name, person in kept["people"].items()},
        staff=kept["staff"],
        teams=kept["teams"],
        zone=kept["zone"],
    )


def read_at(kept: Mapping[str, Any]) -> dt.datetime:
    """Tell when the source said what the ledger kept."""
    return dt.datetime.fromisoformat(kept["read_at"])


def pack_person(person: Person) -> dict[str, Any]:
    """Turn a person into plain JSON values."""
    kept = {name: getattr(person, name) for name in Person.__dataclass_fields__}
    return {**kept, "addresses": dict(person.addresses), "refuses": sorted(person.refuses)}


def unpack_person(kept: Mapping[str, Any]) -> Person:
    """Turn what the ledger kept into a person again."""
    return Person(**{**kept, "refuses": frozenset(kept["refuses"])})


def values(record: Record) -> dict[str, Any]:
    """Give what a template may name of a record: its fields, with underscores for spaces, and its ``key``."""
    key = decode_key(record.key)
    return {"key": key, **{name.replace(" ", "_").replace("-", "_"): value for name, value in record.fields.items()}}


_KINDS: Mapping[str, Callable[[str], Any]] = {
    "number": Decimal,
    "instant": dt.datetime.fromisoformat,
    "day": dt.date.fromisoformat,
    "time": dt.time.fromisoformat,
}


def plain(value: Any) -> Any:
    """Spell with its kind what JSON has no word for, so that a template can do the same with it later."""
    match value:
        case Decimal():
            return {"number": str(value)}
        case dt.datetime():
            return {"instant": value.isoformat()}
        case dt.date():
            return {"day": value.isoformat()}
        case dt.time():
            return {"time": value.isoformat()}
    return value


def unplain(value: Any) -> Any:
    """Read what `plain` spelled."""
    if isinstance(value, dict):
        for kind, read in _KINDS.items():
            if value.keys() == {kind}:
                return read(value[kind])
    return value
