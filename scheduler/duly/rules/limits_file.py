"""How much a rule may send, as its ``limits`` write it."""

from __future__ import annotations

import re

from duly.rules.model import HOLD_DEFAULT, Cap, Limits, Rate
from duly.rules.problem import Mark, Problems
from duly.rules.reader import Reader
from duly.rules.yaml import Mapping
from duly.time.duration import Duration, Unit

_SPANS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_CAP = re.compile(r"(\d{1,9})(?:\s+(messages?|writes?))?(\s+(?:a|per)\s+day)?")
_PACE = re.compile(r"(\d{1,9})(?:\s+messages?)?\s+every\s+(.+)")
_HOLD = re.compile(r"above\s+(\d{1,9})(?:\s+messages?)?\s+an?\s+(second|minute|hour|day)")


def read_limits(mapping: Mapping, problems: Problems) -> tuple[Limits, dict[str, Mark]]:
    """Read the ``limits`` of a rule, and where each stands."""
    each = [key.value for key, _ in mapping.entries if key.value.startswith("each ")]
    reader = Reader(mapping, problems, "R", ["pace", "hold", "each RECORD", *each])
    caps = [cap for key in each if (cap := _cap(reader, key)) is not None]
    pace = reader.parse("pace", _pace)
    never = reader.text("hold") == "never" if reader.has("hold") else False
    hold = None if never else (reader.parse("hold", parse_hold) if reader.has("hold") else None) or HOLD_DEFAULT
    reader.finish()
    marks = reader.marks("limits.") | {f"limits.{' '.join(key.split())}": reader.key_mark(key) for key in each}
    return Limits(tuple(caps), pace, hold), marks


def _cap(reader: Reader, key: str) -> Cap | None:
    value = reader.scalar(key)
    if value is None:
        return None
    found = _CAP.fullmatch(" ".join(value.value.split()))
    if not found or int(found[1]) < 1:
        message = f"“{value.value}” is not a limit for “{key}”"
        reader.problem("004", value.mark, message, "write it like “3 messages” or “1 a day”")
        return None
    of_writes = (found[2] or "").startswith("write")
    return Cap(
        " ".join(key.removeprefix("each ").split()), int(found[1]), per_day=found[3] is not None, of_writes=of_writes
    )


def _pace(text: str) -> Rate:
    found = _PACE.fullmatch(" ".join(text.split()))
    if not found or int(found[1]) < 1:
        raise ValueError(f"“{text}” is not a pace; write it like “500 every 1m”")
    span = Duration.parse(found[2])
    if span.unit is not Unit.ELAPSED or span.amount < 1:
        raise ValueError(f"“{found[2]}” is not a span for a pace; write it like “500 every 1m”")
    return Rate(int(found[1]), span.amount)


def parse_hold(text: str) -> Rate:
    """Read ``above 200 an hour``.

    Raises
    ------
    ValueError: with a sentence, when it is no such rate.
    """
    found = _HOLD.fullmatch(" ".join(text.split()))
    if not found:
        raise ValueError(f"“{text}” is not a limit to hold at; write it like “above 200 an hour”, or “never”")
    return Rate(int(found[1]), _SPANS[found[2]])
