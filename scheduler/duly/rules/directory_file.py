"""``config/directory.yaml``, read and checked: nobody unknown in a team, no circle above anybody."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from duly.api.person import Person
from duly.rules import yaml
from duly.rules.by import parse_by
from duly.rules.date import parse_date
from duly.rules.directory import Directory, Leave, Staff, Team
from duly.rules.lang import parse_lang
from duly.rules.marks import marks_of
from duly.rules.model import By
from duly.rules.noun_file import REFUSAL
from duly.rules.problem import Mark, Problems, suggest, suggest_or_list
from duly.rules.reader import Reader, describe
from duly.rules.shift import Rota, Shift
from duly.time.calendar import Calendar, built_in
from duly.time.days import parse_days
from duly.time.hours import Hours
from duly.time.span import Span
from duly.time.window import Window
from duly.time.zone import zone

DAY_HOURS = "workdays 09:00-18:00"
"""The working hours of a directory that gives none."""

_Section = Mapping[str, tuple[yaml.Scalar, yaml.Node]]

_KEYS = ("zone", "calendar", "hours", "levels", "shifts", "people", "teams")
_PERSON_KEYS = (
    *("name", "email", "phone", "chat", "lang", "zone", "by", "rest", "ids", "skills", "capacity"),
    *("reports to", "deputy", "leave", "left", "shifts"),
)
_TEAM_KEYS = ("members", "shifts", "hours", "ids")
_ID = re.compile(r"[^\W_][\w-]*")
_LEVEL = re.compile(r"(?!(?:.* )?of(?: |$))[^\W_][\w-]*(?: [\w-]+)*")
_TAKEN = frozenset({"owner", "told", "nobody"})
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_PHONE = re.compile(r"\+?(?:[ ().-]*\d){3,}[ ().-]*")


def read_directory(text: str, path: str, calendars: Mapping[str, Calendar], problems: Problems) -> Directory | None:
    """Read the directory.

    Parameters
    ----------
    text: the file.
    path: what to call it in problems, relative to the workspace.
    calendars: the workspace's own, by name; built-in ones go by their code.
    problems: takes everything that is wrong with it.

    Returns the directory, or ``None`` when the file has an error.
    """
    root = yaml.load(text, path, problems)
    if root is None:
        return None
    if not isinstance(root, yaml.Mapping):
        problems.add("D003", root.mark, f"the directory must be a mapping, not {describe(root)}")
        return None
    directory = _DirectoryReader(root, problems).directory(calendars)
    return None if problems.broken(path) else directory


class _DirectoryReader:
    def __init__(self, root: yaml.Mapping, problems: Problems) -> None:
        self.problems = problems
        self.reader = Reader(root, problems, "D", _KEYS)
        self.people = self._section("people", required=True)
        self.teams = self._section("teams")
        self.shifts: dict[str, Shift] = {}
        self.levels: tuple[str, ...] = ()
        self.spoken_for: dict[tuple[str, str, str], str] = {}

    def directory(self, calendars: Mapping[str, Calendar]) -> Directory | None:
        reader = self.reader
        reader.finish()
        place = reader.parse("zone", zone, required=True)
        calendar = self._calendar(calendars)
        hours = self._hours(reader)
        self.levels = self._levels()
        self.shifts = self._shifts()
        staff = {name: self._staff(name, sub) for name, sub in self._entries(self.people)}
        self._check_line(staff)
        teams = {name: self._team(name, sub) for name, sub in self._entries(self.teams)}
        self._check_doubles()
        if place is None or calendar is None:
            return None
        return Directory(
            zone=place,
            calendar=calendar,
            day_hours=hours or Hours.parse(DAY_HOURS),
            levels=self.levels,
            shifts=self.shifts,
            staff=staff,
            teams=teams,
            marks=marks_of(self.reader.map),
        )

    def _calendar(self, calendars: Mapping[str, Calendar]) -> Calendar | None:
        name = self.reader.scalar("calendar", required=True)
        if name is None:
            return None
        if name.value in calendars:
            return calendars[name.value]
        try:
            return built_in(name.value)
        except ValueError as error:
            self._problem("005", name.mark, str(error), suggest(name.value, calendars))
            return None

    def _levels(self) -> tuple[str, ...]:
        levels: list[str] = []
        for level in self.reader.texts("levels"):
            if level.value in levels:
                self._problem("006", level.mark, f"the level “{level.value}” stands here twice", "delete one")
            elif level.value in _TEAM_KEYS or not _LEVEL.fullmatch(level.value):
                self._problem(
                    "004", level.mark, f"“{level.value}” is no name for a level", "write words such as manager"
                )
            levels.append(level.value)
        return tuple(levels)

    def _shifts(self) -> dict[str, Shift]:
        section = self.reader.mapping("shifts")
        if section is None:
            return {}
        names = section.keys()
        reader = Reader(section, self.problems, "D", names)
        spans = {name: reader.parse(name, Span.parse) for name in names}
        return {name: Shift(name, span) for name, span in spans.items() if span}

    def _staff(self, id: str, value: yaml.Mapping) -> Staff:
        refusals = [key.value for key, _ in value.entries if REFUSAL.fullmatch(key.value)]
        reader = Reader(value, self.problems, "D", (*_PERSON_KEYS, *refusals))
        reader.finish()
        person = Person(
            id=id,
            name=reader.text("name", default=id),
            staff=True,
            lang=reader.parse("lang", parse_lang) or "",
            zone=reader.parse("zone", _checked(zone)) or "",
            addresses=self._addresses(reader),
            by=reader.parse("by", _checked(_by)) or "",
            rest=reader.parse("rest", _checked(Window.parse)) or "",
            refuses=frozenset(key.removeprefix("no_") for key in refusals if reader.yes(key)),
        )
        shifts = reader.texts("shifts")
        return Staff(
            person,
            reports_to=self._other(reader, "reports to", id),
            deputy=self._other(reader, "deputy", id),
            leave=tuple(leave for text in reader.texts("leave") if (leave := reader.parse_scalar(text, _leave))),
            left=reader.parse("left", parse_date),
            ids=self._ids(reader, "people", id),
            capacity=reader.whole("capacity", least=1),
            skills=frozenset(skill.value for skill in reader.texts("skills")),
            shifts=frozenset(self._known(shifts, self._names("shifts"), "shift")) if reader.has("shifts") else None,
        )

    def _addresses(self, reader: Reader) -> dict[str, str]:
        addresses = {
            "phone": reader.parse("phone", _phone),
            "email": reader.parse("email", _email),
            "chat": reader.text("chat"),
        }
        return {kind: address for kind, address in addresses.items() if address}

    def _other(self, reader: Reader, key: str, id: str) -> str:
        other = reader.scalar(key)
        if other is None:
            return ""
        if other.value == id:
            self._problem("006", other.mark, f"“{key}” names {id} themselves", "name somebody else or delete it")
            return ""
        return next(iter(self._known([other], self.people, "person")), "")

    def _team(self, name: str, value: yaml.Mapping) -> Team:
        reader = Reader(value, self.problems, "D", (*_TEAM_KEYS, *self.levels))
        reader.finish()
        return Team(
            name,
            members=self._members(reader, "members", required=True),
            roles={level: self._members(reader, level) for level in self.levels if reader.has(level)},
            rotas=self._rotas(reader),
            hours=self._hours(reader),
            ids=self._ids(reader, "teams", name),
        )

    def _members(self, reader: Reader, key: str, *, required: bool = False) -> tuple[str, ...]:
        written = reader.texts(key, required=required)
        for place, text in enumerate(written):
            if text.value in {other.value for other in written[:place]}:
                self._problem("006", text.mark, f"{text.value} stands here twice", "delete one")
        return tuple(self._known(written, self.people, "person"))

    def _rotas(self, reader: Reader) -> tuple[Rota, ...]:
        section = reader.mapping("shifts")
        rotas: list[Rota] = []
        for name, value in section.entries if section else ():
            self._known([name], self._names("shifts"), "shift")
            words = reader.texts_of(name.value, value)
            days = [reader.parse_scalar(word, parse_days) for word in words]
            if name.value in self.shifts:
                rotas.append(Rota(self.shifts[name.value], tuple(each for each in days if each)))
        return tuple(rotas)

    def _hours(self, reader: Reader) -> Hours | None:
        written = reader.texts("hours")
        entries = [entry for text in written if (entry := reader.parse_scalar(text, Hours.parse))]
        return Hours.parse([str(entry) for entry in entries]) if entries else None

    def _ids(self, reader: Reader, of: str, owner: str) -> dict[str, tuple[str, ...]]:
        section = reader.mapping("ids")
        ids: dict[str, tuple[str, ...]] = {}
        for source, value in section.entries if section else ():
            written = reader.texts_of(source.value, value)
            ids[source.value] = tuple(text.value for text in written)
            for text in written:
                first = self.spoken_for.setdefault((of, source.value, text.value), owner)
                if first != owner:
                    message = f"{source.value} calls {first} “{text.value}” already"
                    self._problem("006", text.mark, message, "an id stands for one of them")
        return ids

    def _known(self, written: Iterable[yaml.Scalar], names: Iterable[str], what: str) -> list[str]:
        """Return the values that are among ``names``, and note the others."""
        names = list(names)
        missing = what == "person" and not self.reader.has("people")
        for text in written:
            if text.value not in names and not text.spoilt and not missing:
                cure = suggest_or_list(text.value, names)
                self._problem("005", text.mark, f"unknown {what} “{text.value}”", cure)
        return list(dict.fromkeys(text.value for text in written if text.value in names))

    def _section(self, key: str, *, required: bool = False) -> _Section:
        """Return the entries of a section of the file by name, whatever their shape."""
        section = self.reader.mapping(key, required=required)
        return {word.value: (word, value) for word, value in section.entries} if section else {}

    def _names(self, key: str) -> list[str]:
        section = self.reader.map.get(key)
        return section.keys() if isinstance(section, yaml.Mapping) else []

    def _entries(self, section: _Section) -> Iterable[tuple[str, yaml.Mapping]]:
        """Go through the entries that are mappings; note the others, and names that no rule can say."""
        for name, (word, value) in section.items():
            if name in _TAKEN:
                self._problem("004", word.mark, f"“{name}” means somebody else in every rule", "choose another name")
            elif not _ID.fullmatch(name) and not word.spoilt:
                cure = "use letters, digits, “-” and “_”"
                self._problem("004", word.mark, f"“{name}” is no name for rules to use", cure)
            if isinstance(value, yaml.Mapping):
                yield name, value
            elif not (isinstance(value, yaml.Scalar) and value.spoilt):
                self._problem("003", value.mark, f"“{name}” must be a mapping, not {describe(value)}")

    def _check_line(self, staff: Mapping[str, Staff]) -> None:
        """Refuse a reporting line that comes back to where it started."""
        for start in staff:
            line = [start]
            while (above := staff[line[-1]].reports_to) in staff and above not in line:
                line.append(above)
            if above == start == min(line):
                mark = marks_of(self.reader.map)[f"people.{start}.reports to"]
                message = f"the reporting line goes in a circle: {' → '.join([*line, start])}"
                self._problem("010", mark, message, "somebody must be at the top")

    def _check_doubles(self) -> None:
        for name, (word, _) in self.teams.items():
            if name in self.people:
                self._problem("006", word.mark, f"“{name}” is a person and a team", "rename one of the two")

    def _problem(self, number: str, mark: Mark, message: str, cure: str = "") -> None:
        self.problems.add("D" + number, mark, message, cure)


def _checked(read: Callable[[str], object]) -> Callable[[str], str]:
    """Make a reader that checks a text with ``read`` and gives it back as it is."""

    def check(text: str) -> str:
        read(text)
        return text

    return check


def _by(text: str) -> By:
    return parse_by([text])


def _leave(text: str) -> Leave:
    first, separator, last = text.partition(" to ")
    leave = Leave(parse_date(first.strip()), parse_date((last if separator else first).strip()))
    if leave.last < leave.first:
        raise ValueError(f"the leave “{text}” ends before it begins: swap the two days")
    return leave


def _email(text: str) -> str:
    if not _EMAIL.fullmatch(text):
        raise ValueError(f"“{text}” is no e-mail address: write name@shop.example")
    return text


def _phone(text: str) -> str:
    if not _PHONE.fullmatch(text):
        raise ValueError(f"“{text}” is no phone number: write its digits, such as +8613800000001")
    return text
