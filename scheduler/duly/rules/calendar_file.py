"""The files of ``config/calendars/``: a shop's own holidays, make-up days and short days, on top of a country's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from duly.rules import yaml
from duly.rules.date import parse_date
from duly.rules.ical_file import Ical, read_ical
from duly.rules.problem import Problems, suggest, suggest_or_list
from duly.rules.reader import Reader, describe
from duly.time.calendar import Calendar, build, built_in
from duly.time.span import Span

_KEYS = ("calendar", "like", "ical", "off", "working", "hours")


@dataclass(frozen=True, slots=True)
class _Sheet:
    """One file, before the calendar it builds on is known."""

    name: str
    path: str
    like: yaml.Scalar | None
    off: Mapping[dt.date, str] = field(default_factory=dict)
    working: frozenset[dt.date] = frozenset()
    hours: Mapping[dt.date, tuple[Span, ...]] = field(default_factory=dict)
    ical: str = ""
    known_until: dt.date | None = None


def read_calendars(
    files: Mapping[str, str], problems: Problems, icals: Mapping[str, str] | None = None
) -> dict[str, Calendar]:
    """Read the calendars of a workspace, which may build on each other.

    Parameters
    ----------
    files: the text of each file, by its path relative to the workspace.
    problems: takes everything that is wrong.
    icals: the iCal files beside them, in the same way.

    Returns the calendars by name, without those that have an error or build on one that has.
    """
    sheets: dict[str, _Sheet] = {}
    for path in sorted(files):
        sheet = _read(files[path], path, sheets, icals or {}, problems)
        if sheet is not None:
            sheets.setdefault(sheet.name, sheet)
    return _Builder(sheets, problems).all()


def _read(
    text: str, path: str, known: Mapping[str, _Sheet], icals: Mapping[str, str], problems: Problems
) -> _Sheet | None:
    root = yaml.load(text, path, problems)
    if root is None:
        return None
    if not isinstance(root, yaml.Mapping):
        problems.add(
            "K003", root.mark, f"a calendar must be a mapping, not {describe(root)}", "begin with “calendar: …”"
        )
        return None
    reader = Reader(root, problems, "K", _KEYS)
    reader.finish()
    name = reader.text("calendar", required=True)
    if name in known:
        problems.add(
            "K006", reader.mark("calendar"), f"another file is called “{name}” already", "rename one of the two"
        )
    off, (beside, ical) = _off(reader), _ical(reader, path, icals)
    working = _working(reader, off)
    # What is written in the file itself goes before what its iCal file says.
    days = {day: name for day, name in ical.off.items() if day not in working} | off
    made_up = (ical.working - off.keys()) | working
    return _Sheet(name, path, reader.scalar("like"), days, made_up, _hours(reader), beside, ical.known_until)


def _ical(reader: Reader, path: str, icals: Mapping[str, str]) -> tuple[str, Ical]:
    """Read the iCal file that a calendar names, and give its path as well."""
    named = reader.scalar("ical")
    if named is None:
        return "", Ical()
    beside = f"{path.rpartition('/')[0]}/{named.value}".lstrip("/")
    if beside not in icals:
        cure = suggest_or_list(named.value, [other.rpartition("/")[2] for other in icals])
        reader.problem("005", named.mark, f"there is no file {beside}", cure or "put it beside this file")
        return "", Ical()
    return beside, read_ical(icals[beside], beside, reader.problems) or Ical()


def _off(reader: Reader) -> dict[dt.date, str]:
    """Read holidays, with their names or without."""
    named = reader.map.get("off")
    if not isinstance(named, yaml.Mapping):
        days = (reader.parse_scalar(day, parse_date) for day in reader.texts("off"))
        return {day: "" for day in days if day}
    names = Reader(named, reader.problems, "K", named.keys())
    parsed = ((reader.parse_scalar(key, parse_date), key.value) for key, _ in named.entries)
    return {day: names.text(written) for day, written in parsed if day}


def _working(reader: Reader, off: Mapping[dt.date, str]) -> frozenset[dt.date]:
    working: set[dt.date] = set()
    for text in reader.texts("working"):
        day = reader.parse_scalar(text, parse_date)
        if day in off:
            reader.problem("006", text.mark, f"{text.value} is both off and working", "strike it from one of the two")
        elif day:
            working.add(day)
    return frozenset(working)


def _hours(reader: Reader) -> dict[dt.date, tuple[Span, ...]]:
    section = reader.mapping("hours")
    hours: dict[dt.date, tuple[Span, ...]] = {}
    for key, value in section.entries if section else ():
        day = reader.parse_scalar(key, parse_date)
        spans = [reader.parse_scalar(text, Span.parse) for text in reader.texts_of(key.value, value)]
        if day:
            hours[day] = tuple(span for span in spans if span)
    return hours


class _Builder:
    """Builds each calendar after the one it builds on."""

    def __init__(self, sheets: Mapping[str, _Sheet], problems: Problems) -> None:
        self.sheets = sheets
        self.problems = problems
        self.built: dict[str, Calendar] = {}

    def all(self) -> dict[str, Calendar]:
        for name in self.sheets:
            self._build(name, ())
        return self.built

    def _build(self, name: str, waiting: tuple[str, ...]) -> Calendar | None:
        if name in self.built:
            return self.built[name]
        sheet = self.sheets[name]
        like = self._like(name, sheet.like, (*waiting, name)) if sheet.like else None
        if any(map(self.problems.broken, filter(None, (sheet.path, sheet.ical)))) or (sheet.like and like is None):
            return None
        self.built[name] = build(name, like, sheet.off, sheet.working, sheet.hours, sheet.known_until)
        return self.built[name]

    def _like(self, name: str, like: yaml.Scalar, waiting: tuple[str, ...]) -> Calendar | None:
        """Find the calendar that ``name`` builds on: the workspace's own first, then a country's.

        A calendar may bear the code of the country it builds on, and so takes its place.
        """
        base = like.value
        if base in self.sheets and base != name:
            if base not in waiting:
                return self._build(base, waiting)
            circle = " → ".join((*waiting[waiting.index(base) :], base))
            self.problems.add("K010", like.mark, f"“{base}” builds on itself: {circle}", "break the circle")
            return None
        try:
            return built_in(base)
        except ValueError as error:
            self.problems.add("K005", like.mark, str(error), suggest(base, self.sheets.keys() - {name}))
            return None
