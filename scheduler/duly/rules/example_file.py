"""The worked examples of a rule file."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable

from duly.rules.model import Example, ExampleEvent, ExampleTime
from duly.rules.problem import Problems
from duly.rules.reader import Reader, describe
from duly.rules.yaml import Mapping, Node, Scalar, Sequence
from duly.time.span import time_of_day

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_KEYS = ("name", "from", "until", "then", "expect")
_TIME = re.compile(
    r"(?P<day>[A-Za-z]{3}|\d{4}-\d{2}-\d{2})(?:\s+(?P<time>\d\d?:\d\d)(?P<offset>[+-]\d\d:\d\d)?)?(?=\s|$)"
)


def parse_example_time(text: str) -> ExampleTime:
    """Read ``Mon 09:00``, ``2025-02-28 09:00``, ``2025-10-26 02:30+01:00`` or, as its midnight, ``2025-02-28``.

    Raises
    ------
    ValueError: with a sentence, when it is no such time.
    """
    time, rest = split_example_time(text)
    if rest:
        raise ValueError(f"“{rest}” does not belong after the time; write it like “Mon 09:00”")
    return time


def split_example_time(text: str) -> tuple[ExampleTime, str]:
    """Read the time at the beginning of ``text``, and give back what follows it.

    Raises
    ------
    ValueError: with a sentence, when it does not begin with a time.
    """
    written = " ".join(text.split())
    found = _TIME.match(written)
    if not found or (found["day"][0].isalpha() and found["day"] not in WEEKDAYS):
        raise ValueError(f"“{written}” does not begin with a time; write it like “Mon 09:00” or “2025-02-28 09:00”")
    time = time_of_day(found["time"]) if found["time"] else dt.time()
    offset = _offset(found["offset"]) if found["offset"] else None
    weekday = WEEKDAYS.index(found["day"]) if found["day"] in WEEKDAYS else None
    date = _date(found["day"]) if weekday is None else None
    return ExampleTime(time, weekday, date, offset), written[found.end() :].strip()


def read_examples(nodes: Iterable[Node], problems: Problems) -> tuple[Example, ...]:
    """Read the examples of a rule; one that cannot be read becomes a problem and is left out.

    Which mapping is the record and which are its people shows only beside the vocabulary: here ``given`` is empty and
    ``people`` holds them all, by the word they stand under. The binding sorts them.
    """
    return tuple(example for node in nodes if (example := _read(node, problems)) is not None)


def _read(node: Node, problems: Problems) -> Example | None:
    if not isinstance(node, Mapping):
        if not (isinstance(node, Scalar) and node.spoilt):
            problems.add("X003", node.mark, f"an example must be a mapping, not {describe(node)}")
        return None
    told = {key.value for key, value in node.entries if key.value not in _KEYS and isinstance(value, Mapping)}
    several = {key.value for key, value in node.entries if key.value not in _KEYS and isinstance(value, Sequence)}
    reader = Reader(node, problems, "X", {*_KEYS, *told, *several})
    name = reader.text("name", required=True)
    people = {key: _texts(reader, key) for key in node if key in told}
    records = tuple((key, each) for key in node if key in several for each in _records(reader, key))
    then = _events(reader, "then", "Wed 11:00 shipped")
    expect = _events(reader, "expect", "Fri 14:00 customer")
    if not reader.has("expect"):
        reader.problem("002", node.mark, "“expect” is missing", "list who hears and when, or write “expect: []”")
    from_ = reader.parse("from", _moment)
    until = reader.parse("until", _moment)
    if from_ and until and until <= from_:
        reader.problem("006", reader.mark("until"), "“until” is not after “from”", "swap them")
    reader.finish()
    return Example(name, {}, people, then, expect, from_, until, node.mark, records) if name else None


def _texts(reader: Reader, key: str) -> dict[str, str]:
    mapping = reader.mapping(key)
    return {} if mapping is None else _texts_of(mapping, reader)


def _records(reader: Reader, key: str) -> list[dict[str, str]]:
    found = []
    for node in reader.items(key):
        if isinstance(node, Mapping):
            found.append(_texts_of(node, reader))
        else:
            message = f"“{key}” must hold mappings, not {describe(node)}"
            reader.problem("003", node.mark, message, "write a record like “{paid_at: Mon 09:00}”")
    return found


def _texts_of(mapping: Mapping, reader: Reader) -> dict[str, str]:
    inner = Reader(mapping, reader.problems, "X", mapping)
    return {name: inner.text(name) for name in mapping if inner.scalar(name) is not None}


def _events(reader: Reader, key: str, sample: str) -> tuple[ExampleEvent, ...]:
    found = []
    for text in reader.texts(key):
        try:
            at, what = split_example_time(text.value)
        except ValueError as error:
            reader.problem("004", text.mark, str(error))
            continue
        if what:
            found.append(ExampleEvent(at, what, text.mark))
        else:
            reader.problem("004", text.mark, f"“{text.value}” does not say what", f"write it like “{sample}”")
    return tuple(found)


def _moment(text: str) -> dt.datetime:
    at = parse_example_time(text)
    if at.date is None or at.offset is not None:
        raise ValueError(f"“{text}” is not a date; write it like “2025-02-28” or “2025-02-28 09:00”")
    return dt.datetime.combine(at.date, at.time)


def _date(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"“{text}” is not a day of the calendar; write it like “2025-02-28”") from None


def _offset(text: str) -> dt.timedelta:
    hours, minutes = int(text[1:3]), int(text[4:6])
    if hours > 14 or minutes > 59:
        raise ValueError(f"“{text}” is not an offset from UTC; write it like “+01:00”")
    span = dt.timedelta(hours=hours, minutes=minutes)
    return -span if text[0] == "-" else span
