"""A record as the ledger keeps it, for words when the source is down."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from duly.api.person import Person
from duly.rules.record import Record, decode_key


def pack(record: Record) -> dict[str, Any]:
    """Turn a record into plain JSON values."""
    return {
        "fields": {name: _plain(value) for name, value in record.fields.items()},
        "people": {name: pack_person(person) for name, person in record.people.items()},
        "staff": dict(record.staff),
        "teams": dict(record.teams),
        "zone": record.zone,
    }


def unpack(kept: Mapping[str, Any], key: bytes) -> Record:
    """Turn what the ledger kept into a record again; it says nothing of the conditions, which are asked anew."""
    return Record(
        candidate=None,
        key=key,
        matches=True,
        done=False,
        fields=kept["fields"],
        people={name: unpack_person(person) for name, person in kept["people"].items()},
        staff=kept["staff"],
        teams=kept["teams"],
        zone=kept["zone"],
    )


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


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat(sep=" ") if isinstance(value, dt.datetime) else value.isoformat()
    return value
