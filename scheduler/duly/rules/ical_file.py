"""iCal files beside calendars: all-day events as days off (RFC 5545), each slip at its place."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from dateutil.rrule import rrule, rrulestr

from duly.rules.problem import Mark, Problems
from duly.time.zone import DAY

HORIZON = dt.date(2060, 12, 31)
"""How far events are followed that recur for ever."""
MOST_DAYS = 20_000
"""The most days that one file may name."""
LONGEST = 366 * DAY
"""The longest that one event may last."""

_LINE = re.compile(r"(?P<name>[A-Za-z0-9-]+)(?P<parameters>(?:;[A-Za-z0-9-]+=(?:\"[^\"]*\"|[^\";:])*)*):(?P<value>.*)")
_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T(\d{6})(Z?))?")
_DURATION = re.compile(r"\+?P(?:(\d{1,3})W|(\d{1,4})D)(?:T0+[HMS])*")
_RULE = re.compile(
    r"FREQ=(?:YEARLY|MONTHLY|WEEKLY|DAILY)"
    r"|INTERVAL=[1-9]\d{0,3}|COUNT=[1-9]\d{0,4}|UNTIL=\d{8}(?:T\d{6}Z?)?|WKST=(?:MO|TU|WE|TH|FR|SA|SU)"
    r"|BYDAY=[+-]?\d{0,2}(?:MO|TU|WE|TH|FR|SA|SU)(?:,[+-]?\d{0,2}(?:MO|TU|WE|TH|FR|SA|SU))*"
    r"|BY(?:MONTH|MONTHDAY|YEARDAY|WEEKNO|SETPOS)=[+-]?\d{1,3}(?:,[+-]?\d{1,3})*"
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_SPECIAL = "X-APPLE-SPECIAL-DAY"
"""How published calendars of China tell days off and make-up days from festivals on which people work."""


@dataclass(frozen=True, slots=True)
class Ical:
    """The days that a file names.

    Parameters
    ----------
    off: days off, by name.
    working: make-up days.
    known_until: the last day that the file can vouch for; ``None`` when its events recur for ever.
    """

    off: Mapping[dt.date, str] = field(default_factory=dict)
    working: frozenset[dt.date] = frozenset()
    known_until: dt.date | None = None


@dataclass(frozen=True, slots=True)
class _Line:
    """One content line, unfolded; ``mark`` is where its value begins."""

    name: str
    parameters: str
    value: str
    mark: Mark
    start: Mark


@dataclass(slots=True)
class _Event:
    """The lines of one event that say when it is, and what."""

    start: Mark
    lines: dict[str, list[_Line]] = field(default_factory=dict)

    def one(self, name: str) -> _Line | None:
        return self.lines[name][0] if name in self.lines else None

    def text(self, name: str) -> str:
        line = self.one(name)
        return _ESCAPED.sub(lambda found: " " if found[1] in "nN" else found[1], line.value) if line else ""


class _Wrong(Exception):  # noqa: N818 - a sentence about one line
    def __init__(self, mark: Mark, message: str, cure: str = "") -> None:
        super().__init__(message)
        self.mark, self.message, self.cure = mark, message, cure


def read_ical(text: str, path: str, problems: Problems) -> Ical | None:
    """Read the all-day events of an iCal file as days off.

    An event with a time of day is no day off; it is left out with a warning. Where a file says of its events whether
    they are days off or make-up days, as published calendars of China do, those that say neither are festivals on
    which people work.

    Parameters
    ----------
    text: the file.
    path: what to call it in problems.
    problems: takes everything that is wrong.

    Returns the days, or ``None`` when the file has an error.
    """
    problems.lines(path, text)
    try:
        events = list(_events(text, path))
    except _Wrong as wrong:
        problems.add("K012", wrong.mark, wrong.message, wrong.cure)
        return None
    said = any(_SPECIAL in event.lines for event in events)
    moved = _moved(events)
    days: dict[dt.date, str] = {}
    working: set[dt.date] = set()
    last, endless = dt.date.min, False
    for event in events:
        try:
            starts, length, goes_on = _occurrences(event, moved, problems)
        except _Wrong as wrong:
            problems.add("K012", wrong.mark, wrong.message, wrong.cure)
            continue
        covered = {start + n * DAY for start in starts for n in range(length)}
        if not covered:
            continue
        if not goes_on:
            last = max(last, *covered)
        endless = endless or goes_on
        kind = event.text(_SPECIAL)
        if kind == "ALTERNATE-WORKDAY":
            working |= covered
        elif not said or kind:
            days.update(dict.fromkeys(sorted(covered), " ".join(event.text("SUMMARY").split())))
        if len(days) + len(working) > MOST_DAYS:
            problems.add("K012", event.start, f"more than {MOST_DAYS:,} days are named", "leave out what is no holiday")
            break
    if problems.broken(path):
        return None
    known_until = dt.date(last.year, 12, 31) if last > dt.date.min else None if endless else dt.date.min
    return Ical({day: name for day, name in days.items() if day not in working}, frozenset(working), known_until)


def _events(text: str, path: str) -> Iterator[_Event]:
    """Give the events of a file; what nests in an event (alarms), and time zones, are passed over."""
    lines = list(_lines(text, path))
    if not lines or (lines[0].name, lines[0].value.upper()) != ("BEGIN", "VCALENDAR"):
        mark = lines[0].start if lines else Mark(path)
        raise _Wrong(mark, "this is no iCal file", "it begins with “BEGIN:VCALENDAR”")
    around: list[_Line] = []
    event: _Event | None = None
    for line in lines:
        if line.name == "BEGIN":
            around.append(line)
            if line.value.upper() == "VEVENT" and len(around) == 2:
                event = _Event(line.start)
        elif line.name == "END":
            if not around or around[-1].value.upper() != line.value.upper():
                awaited = f"write “END:{around[-1].value}” before it" if around else "delete it"
                raise _Wrong(line.start, f"“END:{line.value}” closes nothing", awaited)
            around.pop()
            if event and len(around) == 1:
                yield event
                event = None
        elif event and len(around) == 2:
            event.lines.setdefault(line.name, []).append(line)
    if around:
        raise _Wrong(around[-1].start, f"“BEGIN:{around[-1].value}” is never closed", f"add “END:{around[-1].value}”")


def _lines(text: str, path: str) -> Iterator[_Line]:
    """Unfold the content lines: one that begins with a blank goes on where the line before it ended."""
    folded: list[tuple[int, str]] = []
    for number, written in enumerate(text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n"), 1):
        if written[:1] in (" ", "\t") and folded:
            folded[-1] = folded[-1][0], folded[-1][1] + written[1:]
        elif written.strip():
            folded.append((number, written))
    for number, written in folded:
        found = _LINE.fullmatch(written.rstrip("\r"))
        if not found:
            raise _Wrong(Mark(path, number), "this is no line of an iCal file", "write it like “SUMMARY:New Year”")
        mark = Mark(path, number, found.start("value") + 1)
        yield _Line(found["name"].upper(), found["parameters"], found["value"].strip(), mark, Mark(path, number))


def _moved(events: Sequence[_Event]) -> dict[str, set[dt.date]]:
    """Find which dates of recurring events have an event of their own in their place."""
    moved: dict[str, set[dt.date]] = {}
    for event in events:
        line = event.one("RECURRENCE-ID")
        if line and (found := _DATE.match(line.value)):
            moved.setdefault(event.text("UID"), set()).add(_date(line, found))
    return moved


def _occurrences(
    event: _Event, moved: Mapping[str, set[dt.date]], problems: Problems
) -> tuple[Sequence[dt.date], int, bool]:
    """Find the days on which an event starts, how many days each time lasts, and whether that goes on for ever."""
    start = event.one("DTSTART")
    if start is None:
        raise _Wrong(event.start, "this event does not say when it is", "add “DTSTART;VALUE=DATE:20270101”")
    first, is_day = _day(start)
    length, whole = _length(event, first)
    if event.text("STATUS").upper() == "CANCELLED":
        return (), 0, False
    if not (is_day and whole):
        message = f"“{event.text('SUMMARY')}” has a time of day, and is left out"
        problems.add("K012", start.mark, message, "days off are all-day events", warning=True)
        return (), 0, False
    starts, goes_on = [first], False
    if rule := event.one("RRULE"):
        starts, goes_on = _recurring(rule, first)
    starts += [_date_of(line, written) for line in event.lines.get("RDATE", ()) for written in line.value.split(",")]
    without = {_date_of(line, text) for line in event.lines.get("EXDATE", ()) for text in line.value.split(",")}
    if event.one("RECURRENCE-ID") is None:
        without |= moved.get(event.text("UID"), set())
    return [day for day in starts if day not in without], length, goes_on


def _length(event: _Event, first: dt.date) -> tuple[int, bool]:
    """Give the length of an event in days, and whether it ends at midnight."""
    if line := event.one("DTEND"):
        end, whole = _day(line)
        if end < first:
            raise _Wrong(line.mark, "this event ends before it has begun", "“DTEND” is the day after the last day")
        length = end - first
    elif line := event.one("DURATION"):
        found = _DURATION.fullmatch(line.value)
        whole = found is not None
        length = dt.timedelta(weeks=int(found[1] or 0), days=int(found[2] or 0)) if found else DAY
    else:
        return 1, True
    if length > LONGEST:
        raise _Wrong(line.mark, f"this event lasts {length.days:,} days", "a holiday lasts a year at most")
    return max(length.days, 1), whole


def _recurring(line: _Line, first: dt.date) -> tuple[list[dt.date], bool]:
    parts = line.value.upper().split(";")
    said = dict(part.split("=", 1) for part in parts if "=" in part)
    if not all(map(_RULE.fullmatch, parts)) or "FREQ" not in said or len(said) < len(parts):
        raise _Wrong(line.mark, f"“{line.value}” is no recurrence of days", "write it like “FREQ=YEARLY”")
    count, until = int(said.pop("COUNT", 0)), said.pop("UNTIL", "")
    last = min(_date_of(line, until[:8]), HORIZON) if until else HORIZON
    if first > HORIZON:
        return [first], False
    try:
        # Counted here, for what recurs never would be looked for until the year 9999.
        rule = rrulestr(";".join(f"{key}={value}" for key, value in said.items()), dtstart=_midnight(first))
        found = rule.replace(until=_midnight(last)) if isinstance(rule, rrule) else ()
        days = [at.date() for at in islice(found, count or None)]
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError):
        raise _Wrong(line.mark, f"“{line.value}” is no recurrence of days", "write it like “FREQ=YEARLY”") from None
    return sorted({first, *days}), not (count or until)


def _day(line: _Line) -> tuple[dt.date, bool]:
    """Read a date, or a time, and tell whether it is a midnight on the wall."""
    found = _DATE.fullmatch(line.value)
    if not found:
        raise _Wrong(line.mark, f"“{line.value}” is no date of an iCal file", "write it like “20270101”")
    return _date(line, found), not found[4] or (found[4] == "000000" and not found[5])


def _date_of(line: _Line, written: str) -> dt.date:
    found = _DATE.match(written.strip())
    if not found:
        raise _Wrong(line.mark, f"“{written}” is no date of an iCal file", "write it like “20270101”")
    return _date(line, found)


def _date(line: _Line, found: re.Match[str]) -> dt.date:
    try:
        return dt.date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        raise _Wrong(line.mark, f"“{found[0]}” is no day of the calendar", "write it like “20270101”") from None


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time())
