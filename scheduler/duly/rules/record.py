"""A record: one row that a rule watches, as a source answered it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from duly.api.person import Person


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a check needs of a record: who it is, and when its time runs.

    ``key`` is the canonical JSON of the record's key. ``clock`` is the clock as the source spells it, to the second (or
    the time's ``matter``): the third part of a case's identity. ``clock_at`` and ``times`` are instants in UTC;
    ``times`` holds those that the rule's due time and its ``changed`` steps name, of those that the record has.
    ``zone`` is the record's own zone, empty for none. ``stage`` is the value of the field by which the rule's due time
    goes; where that field has a clock of its own, the stage is part of ``clock``. ``paused`` holds each condition of
    the rule's ``pause`` that is true, with the time at which it became so, where the source knows that.
    """

    key: bytes
    clock: str
    clock_at: dt.datetime
    times: Mapping[str, dt.datetime] = field(default_factory=dict)
    zone: str = ""
    stage: str = ""
    paused: Mapping[str, dt.datetime | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Record:
    """All that a vocabulary knows of one record, and what the rule says of it.

    ``matches`` is the rule's ``where`` without ``except``; ``done`` is its ``done``; ``holds`` tells of every condition
    of the rule (``where``, ``except``, ``done`` and the steps' ``if``), as written, whether it is true. ``staff`` maps
    a person of the record to the source's own id of a member of staff; ``teams`` maps a team word to what the source
    has.
    """

    candidate: Candidate | None
    """``None`` when the clock is missing."""
    key: bytes
    matches: bool
    done: bool
    holds: Mapping[str, bool] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)
    people: Mapping[str, Person] = field(default_factory=dict)
    staff: Mapping[str, str] = field(default_factory=dict)
    teams: Mapping[str, str] = field(default_factory=dict)
    zone: str = ""


LONGEST_CLOCK = 64
"""How many letters of a clock, and of the stage behind it, tell two cases apart."""


def in_stage(clock: str, stage: str) -> str:
    """Spell the clock of a stage: a record enters two stages within one second, or leaves and enters one again."""
    return f"{clock} {stage}".rstrip()[:LONGEST_CLOCK]


def spell_stage(value: object) -> str:
    """Spell the value of a field as the entries of a table do: empty for none, 2 for 2.00."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, (Decimal, float)) and value == int(value):
        value = int(value)
    return "" if value is None else str(value).strip()


def encode_key(value: object) -> bytes:
    """Spell a key (a scalar, or a list for a composite one) as canonical JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str).encode()


def decode_key(key: bytes) -> Any:
    """Give back the value that `encode_key` spelled."""
    return json.loads(key)


def show_key(key: bytes) -> str:
    """Write a key as people write it: ``1007``, ``A-17``, ``1/x``."""
    value = decode_key(key)
    return "/".join(map(str, value)) if isinstance(value, list) else str(value)
