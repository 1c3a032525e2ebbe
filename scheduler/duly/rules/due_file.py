"""``due`` of a rule file: by when it must be done."""

from __future__ import annotations

import re

from duly.rules.audience import parse_audience
from duly.rules.model import Audience, AudienceKind, Due, DueEntry, DueTable
from duly.rules.problem import Mark
from duly.rules.reader import Reader, describe
from duly.rules.yaml import Mapping, Node, Scalar, Sequence
from duly.time.duration import Duration, Unit
from duly.time.span import time_of_day

PER, OTHERWISE = "per", "otherwise"

_TIME_LIKE = re.compile(r"\d\d?[:：.]\d\d")
_DURATION_LIKE = re.compile(r"[+-]?\d|at once$")


def read_due(reader: Reader) -> tuple[Due | None, dict[str, Mark]]:
    """Read ``due``: a duration, a time of day, a list of them, a time of the noun, or a table per field.

    Parameters
    ----------
    reader: of the rule file.

    Returns
    -------
    The due time, ``None`` when there is none that can be read; and where its parts stand: ``due.per``,
    ``due.ENTRY`` for the entry's name, ``due.ENTRY.who``.
    """
    value = reader.map.get("due")
    if isinstance(value, Mapping):
        return _read_table(Reader(value, reader.problems, "R", value))
    texts = reader.texts("due")
    if isinstance(value, Sequence):
        times = [time for text in texts if (time := reader.parse_scalar(text, time_of_day)) is not None]
        if not value.items:
            reader.problem("003", value.mark, "“due” is empty", "write times such as “[09:00, 16:30]”")
        return Due(times=tuple(sorted(set(times)))) if times else None, {}
    return (_read_one(reader, texts[0]) if texts else None), {}


def _read_one(reader: Reader, text: Scalar) -> Due | None:
    written = " ".join(text.value.split())
    if _TIME_LIKE.match(written):
        time = reader.parse_scalar(text, time_of_day)
        return None if time is None else Due(times=(time,))
    if not _DURATION_LIKE.match(written):
        return Due(time_name=written)
    duration = _read_duration(reader, text, "due")
    return None if duration is None else Due(duration=duration)


def _read_duration(reader: Reader, text: Scalar, of: str) -> Duration | None:
    duration = reader.parse_scalar(text, Duration.parse)
    if duration is not None and duration.unit is Unit.PERCENT:
        reader.problem("004", text.mark, f"“{of}” cannot be a percentage", "write a duration such as “72h”")
        return None
    return duration


def _read_table(reader: Reader) -> tuple[Due | None, dict[str, Mark]]:
    if not reader.has(PER):
        message = "“due” does not say which field its table goes by"
        reader.problem("002", reader.map.mark, message, "add “per: …” with a field of the noun")
    per = reader.scalar(PER)
    entries: dict[str, DueEntry] = {}
    marks: dict[str, Mark] = {}
    sound = per is not None
    for key, node in reader.map.entries:
        if key.value == PER:
            continue
        entry = _read_entry(reader, key.value, node)
        marks[f"due.{key.value}"] = key.mark
        if isinstance(node, Mapping) and (who := node.get("who")):
            marks[f"due.{key.value}.who"] = who.mark
        if entry is None:
            sound = False
        else:
            entries[key.value] = entry
    if sound and not entries:
        reader.problem("003", reader.map.mark, "“due” has no entries", "add a line such as “new: 30m”")
    if per is None or not sound or not entries:
        return None, {}
    otherwise = entries.pop(OTHERWISE, None)
    return Due(table=DueTable(per.value.strip(), entries, otherwise)), {**marks, "due.per": per.mark}


def _read_entry(reader: Reader, name: str, node: Node) -> DueEntry | None:
    """Read ``30 working minutes`` or ``{in: 1 working day, who: assignee}``."""
    if isinstance(node, Mapping):
        inner = Reader(node, reader.problems, "R", ("in", "who"))
        text, who = inner.scalar("in", required=True), inner.parse("who", _parse_who)
        inner.finish()
        duration = _read_duration(inner, text, "in") if text else None
        return DueEntry(duration, who) if duration and (who or not inner.has("who")) else None
    if isinstance(node, Sequence):
        cure = "write a duration, or {in: DURATION, who: AUDIENCE}"
        reader.problem("003", node.mark, f"“{name}” must be a duration, not {describe(node)}", cure)
        return None
    text = reader.scalar(name)
    duration = _read_duration(reader, text, name) if text else None
    return DueEntry(duration) if duration else None


def _parse_who(text: str) -> Audience:
    audience = parse_audience(text)
    if audience.kind in (AudienceKind.IN_CHARGE, AudienceKind.TOLD):
        raise ValueError(f"“{audience.written}” is what steps say; name who it is: “TEAM on duty”, “ROLE of TEAM”")
    return audience
