"""One file of the vocabulary, read: business words and the SQL behind them, checked before anything asks a source."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import TypeVar

from duly.rules import fragment, yaml
from duly.rules.count import Count
from duly.rules.marks import marks_of
from duly.rules.measure import Measure
from duly.rules.measure_file import check_measures, read_measure
from duly.rules.noun import Fact, Field, Noun, RecordPerson, Time
from duly.rules.problem import Mark, Problems, suggest_or_list
from duly.rules.reader import Reader, describe
from duly.rules.write import Write, read_write

T = TypeVar("T")

_KEYS = (
    "noun",
    "one",
    "source",
    "from",
    "key",
    "zone",
    "times",
    "facts",
    "fields",
    "counts",
    "people",
    "teams",
    "measures",
    "writes",
)
_MANY = ("many", "on", "key")
_ATTRIBUTES = ("name", "phone", "email", "chat", "lang", "zone", "rest")
_TAKEN = frozenset({"owner", "told", "in charge"})
_NAME = re.compile(r"[^\W\d][\w'’-]*( [\w'’-]+)*")
REFUSAL = re.compile(r"no_(?P<channel>\w+)")
"""An attribute by which somebody opts out of a channel: ``no_sms``."""

_OPERATORS = frozenset({"and", "is", "or"})


def read_noun(text: str, path: str, problems: Problems) -> Noun | None:
    """Read one file of the vocabulary.

    Parameters
    ----------
    text: the file.
    path: what to call it in problems, relative to the workspace.
    problems: takes everything that is wrong with it.

    Returns the noun, or ``None`` when the file has an error.
    """
    root = yaml.load(text, path, problems)
    if root is None:
        return None
    if not isinstance(root, yaml.Mapping):
        problems.add("V003", root.mark, f"a noun must be a mapping, not {describe(root)}", "begin with “noun: …”")
        return None
    noun = _NounReader(root, problems).noun(text, path)
    return None if problems.broken(path) else noun


class _NounReader:
    def __init__(self, root: yaml.Mapping, problems: Problems) -> None:
        self.problems = problems
        self.reader = Reader(root, problems, "V", _KEYS)

    def noun(self, text: str, path: str) -> Noun:
        reader = self.reader
        noun = Noun(
            name=self._name(reader, "noun"),
            one=self._name(reader, "one"),
            source=reader.text("source", required=True),
            from_=self._sql(reader, "from", required=True, check=fragment.tables),
            key=self._key(reader, "records"),
            zone=self._sql(reader, "zone"),
            times=self._entries("times", self._time),
            facts=self._entries("facts", self._fact),
            fields=self._entries("fields", self._field),
            counts=self._entries("counts", self._count),
            people=self._entries("people", self._person),
            teams=self._entries("teams", self._team),
            measures=self._entries("measures", self._measure),
            writes=self._entries("writes", self._write),
            digest=sha256(text.encode()).hexdigest(),
            path=path,
            marks=marks_of(reader.map),
        )
        reader.finish()
        self._check_times(noun)
        self._check_doubles()
        check_measures(noun, self.problems)
        return noun

    def _key(self, reader: Reader, what: str) -> tuple[str, ...]:
        parts = reader.texts("key", required=True)
        if not parts and isinstance(reader.map.get("key"), yaml.Sequence):
            self._problem("003", reader.mark("key"), "“key” is an empty list", f"write what tells two {what} apart")
        return tuple(self._checked(part, fragment.expression) for part in parts)

    def _time(self, name: str, value: yaml.Node) -> Time | None:
        if isinstance(value, yaml.Scalar):
            return Time(name, self._checked(value, fragment.expression))
        reader = self._sub(name, value, ("sql", "kind", "matter", "later of", "earlier of"))
        if reader is None:
            return None
        given = [key for key in ("sql", "later of", "earlier of") if reader.has(key)]
        if not given:
            self._problem("002", value.mark, f"the time “{name}” says nothing", "add “sql: …” or “later of: […]”")
        for key in given[1:]:
            self._problem("006", reader.key_mark(key), f"“{key}” beside “{given[0]}”", "a time has one of them")
        if reader.has("kind") and given and given[0] != "sql":
            self._problem("006", reader.key_mark("kind"), f"“kind” beside “{given[0]}”", "only “sql” has a kind")
        return Time(
            name,
            sql=self._sql(reader, "sql"),
            later_of=self._several(reader, "later of"),
            earlier_of=self._several(reader, "earlier of"),
            is_date=reader.choice("kind", ["date"]) == "date",
            matter=self._sql(reader, "matter"),
        )

    def _several(self, reader: Reader, key: str) -> tuple[str, ...]:
        names = reader.texts(key)
        if reader.has(key) and len(names) < 2:
            self._problem("003", reader.mark(key), f"“{key}” compares two times or more", "write [this, that]")
        return tuple(name.value for name in names)

    def _fact(self, name: str, value: yaml.Node) -> Fact | None:
        if isinstance(value, yaml.Scalar):
            return Fact(name, self._checked(value, fragment.expression))
        reader = self._sub(name, value, ("sql", "at"))
        return Fact(name, self._sql(reader, "sql", required=True), self._sql(reader, "at")) if reader else None

    def _field(self, name: str, value: yaml.Node) -> Field | None:
        if isinstance(value, yaml.Scalar):
            return Field(name, self._checked(value, fragment.expression))
        if isinstance(value, yaml.Mapping) and value.get("staff"):
            staff = self._sub(name, value, ("staff",))
            return Field(name, self._sql(staff, "staff"), kind="staff") if staff else None
        reader = self._sub(name, value, ("sql", "kind", "currency", "one of", "since"))
        if reader is None:
            return None
        kind = reader.choice("kind", ["money", "number"], default="text")
        if reader.has("currency") and (kind == "number" or not reader.has("kind")):
            self._problem("006", reader.key_mark("currency"), "“currency” without “kind: money”", "add “kind: money”")
        since = reader.text("since")
        if since:
            self._known_time(since, reader.mark("since"))
        return Field(
            name,
            self._sql(reader, "sql", required=True),
            kind=kind,
            currency=self._sql(reader, "currency"),
            one_of=tuple(option.value for option in reader.texts("one of")),
            since=since,
        )

    def _count(self, name: str, value: yaml.Node) -> Count | None:
        if isinstance(value, yaml.Scalar):
            cure = "write {from: TABLE, on: CONDITION, at: TIME}"
            self._problem("003", value.mark, f"the count “{name}” must be a mapping, not {describe(value)}", cure)
            return None
        reader = self._sub(name, value, ("from", "on", "at"))
        if reader is None:
            return None
        return Count(
            name,
            self._sql(reader, "from", required=True, check=fragment.tables),
            self._sql(reader, "on", required=True),
            self._sql(reader, "at"),
        )

    def _person(self, name: str, value: yaml.Node) -> RecordPerson | None:
        if not isinstance(value, yaml.Mapping):
            self._problem(
                "003",
                value.mark,
                f"the person “{name}” must be a mapping, not {describe(value)}",
                "write {name: SQL, phone: SQL} or {staff: SQL}",
            )
            return None
        if value.get("staff"):
            staff = self._sub(name, value, ("staff",))
            return RecordPerson(name, staff=self._sql(staff, "staff")) if staff else None
        keys = [key.value for key, _ in value.entries]
        refusals = [*filter(REFUSAL.fullmatch, keys)]
        if value.get("many"):
            reader = self._sub(name, value, (*_MANY, *_ATTRIBUTES, *refusals))
            return self._many(name, reader, [key for key in keys if key not in _MANY]) if reader else None
        reader = self._sub(name, value, (*_ATTRIBUTES, *refusals))
        return RecordPerson(name, {key: self._sql(reader, key) for key in keys}) if reader else None

    def _many(self, name: str, reader: Reader, attributes: list[str]) -> RecordPerson:
        return RecordPerson(
            name,
            {key: self._sql(reader, key) for key in attributes},
            many=self._sql(reader, "many", check=fragment.tables),
            on=self._sql(reader, "on", required=True),
            key=self._key(reader, "people"),
        )

    def _write(self, name: str, value: yaml.Node) -> Write | None:
        fields = [word.value for word, _ in _section(self.reader.map, "fields")]
        key = self.reader.map.get("key")
        parts = len(key.items) if isinstance(key, yaml.Sequence) else 1
        return read_write(name, value, fields, parts, self.problems)

    def _team(self, name: str, value: yaml.Node) -> str | None:
        if isinstance(value, yaml.Scalar):
            return self._checked(value, fragment.expression)
        self._problem("003", value.mark, f"the team “{name}” must be SQL, not {describe(value)}", "write a column")
        return None

    def _measure(self, name: str, value: yaml.Node) -> Measure | None:
        return read_measure(name, value, self.problems)

    def _entries(self, key: str, read: Callable[[str, yaml.Node], T | None]) -> dict[str, T]:
        """Read each named entry of the section ``key``."""
        section = self.reader.mapping(key)
        found: dict[str, T] = {}
        for word, value in section.entries if section else ():
            if not word.spoilt:
                self._check_name(word)
            if isinstance(value, yaml.Scalar) and not value.value and not value.quoted:
                self._problem("003", word.mark, f"“{word.value}” has no value", "fill it or delete the line")
                continue
            entry = read(word.value, value)
            if entry is not None:
                found[word.value] = entry
        return found

    def _sub(self, name: str, value: yaml.Node, keys: tuple[str, ...]) -> Reader | None:
        if not isinstance(value, yaml.Mapping):
            self._problem("003", value.mark, f"“{name}” must be SQL or a mapping, not {describe(value)}")
            return None
        reader = Reader(value, self.problems, "V", keys)
        reader.finish()
        return reader

    def _name(self, reader: Reader, key: str) -> str:
        word = reader.scalar(key, required=True)
        if word is None:
            return ""
        self._check_name(word)
        return word.value

    def _check_name(self, word: yaml.Scalar) -> None:
        name = word.value
        if name.startswith("not "):
            cure = f"say what is, such as “{name[4:]}”: rules can deny it"
            self._problem("011", word.mark, f"“{name}” begins with “not”", cure)
        elif not _NAME.fullmatch(name):
            cure = "use letters, digits, single spaces, “_” and “-”, and begin with a letter"
            self._problem("011", word.mark, f"“{name}” is no name for a rule to use", cure)
        elif taken := sorted(_OPERATORS.intersection(name.split())):
            self._problem("011", word.mark, f"“{name}” holds “{taken[0]}”, a word of conditions", "reword it")

    def _sql(
        self,
        reader: Reader,
        key: str,
        *,
        required: bool = False,
        check: Callable[[str], str] = fragment.expression,
    ) -> str:
        value = reader.scalar(key, required=required)
        return "" if value is None else self._checked(value, check)

    def _checked(self, value: yaml.Scalar, check: Callable[[str], str]) -> str:
        if value.spoilt:
            return ""
        try:
            return check(value.value)
        except ValueError as error:
            self._problem("010", value.mark, str(error))
            return ""

    def _check_times(self, noun: Noun) -> None:
        """Refuse a time that leans on one that is not there, or on itself."""
        for time in noun.times.values():
            for key, names in (("later of", time.later_of), ("earlier of", time.earlier_of)):
                for name in names:
                    self._known_time(name, noun.marks[f"times.{time.name}.{key}"])
        for name in noun.times:
            circle = _circle(name, noun.times)
            if circle and name == min(circle):
                message = f"“{name}” leans on itself: {' → '.join(circle)}"
                self._problem("012", noun.marks[f"times.{name}"], message, "break the circle")

    def _known_time(self, name: str, mark: Mark) -> None:
        section = self.reader.map.get("times")
        known = section.keys() if isinstance(section, yaml.Mapping) else []
        if name not in known:
            self._problem("005", mark, f"unknown time “{name}”", suggest_or_list(name, known) or "add it to “times”")

    def _check_doubles(self) -> None:
        """Refuse a word that could mean two things in a condition, or in an audience."""
        for word, _ in _section(self.reader.map, "people"):
            if word.value in _TAKEN:
                message = f"“{word.value}” means somebody else in every rule"
                self._problem("011", word.mark, message, "choose another word")
        for sections in (("times", "facts", "fields", "counts"), ("people", "teams")):
            first: dict[str, str] = {}
            for section in sections:
                for word, _ in _section(self.reader.map, section):
                    if word.value in first:
                        message = f"“{word.value}” stands under “{first[word.value]}” already"
                        self._problem("006", word.mark, message, "rename one of the two")
                    first.setdefault(word.value, section)

    def _problem(self, number: str, mark: Mark, message: str, cure: str = "") -> None:
        self.problems.add("V" + number, mark, message, cure)


def _section(root: yaml.Mapping, key: str) -> tuple[tuple[yaml.Scalar, yaml.Node], ...]:
    section = root.get(key)
    return section.entries if isinstance(section, yaml.Mapping) else ()


def _circle(start: str, times: Mapping[str, Time]) -> list[str]:
    """Return the way from ``start`` back to itself, both ends included; empty when there is none."""
    ways = [[start]]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        time = times.get(way[-1])
        for name in (*time.later_of, *time.earlier_of) if time else ():
            if name == start:
                return [*way, name]
            if name not in seen:
                seen.add(name)
                ways.append([*way, name])
    return []
