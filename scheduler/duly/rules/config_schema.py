"""JSON Schemas of the files under ``config/``, for editors."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from duly.rules.anniversary import LEAP_DAYS
from duly.rules.calendar_file import _KEYS as CALENDAR_KEYS
from duly.rules.directory_file import _KEYS as DIRECTORY_KEYS
from duly.rules.directory_file import _PERSON_KEYS as PERSON_KEYS
from duly.rules.directory_file import _TEAM_KEYS as TEAM_KEYS
from duly.rules.measure import Reckoning
from duly.rules.noun_file import _ATTRIBUTES as ATTRIBUTES
from duly.rules.noun_file import _KEYS as NOUN_KEYS
from duly.rules.settings import _ADDRESSES as ADDRESSES
from duly.rules.settings import _KEYS as SETTINGS_KEYS
from duly.rules.shapes import SECRET, TEXT, Schema, document, either, entries, listed, mapping, one_of, said

_SQL = TEXT
_REFUSALS: dict[str, Schema] = {r"^no_\w+$": {}}


def noun_schema(sources: Iterable[str]) -> Schema:
    """Make the schema of a noun; ``sources`` are the names of those in the settings."""
    time = {
        "sql": said("The expression", _SQL),
        "kind": said("A day without a time of day: date", {"enum": ["date"]}),
        "matter": said("What tells two cases apart where the time creeps", _SQL),
        "later of": said("The later of these times", {"type": "array", "items": TEXT, "minItems": 2}),
        "earlier of": said("The earlier of these times", {"type": "array", "items": TEXT, "minItems": 2}),
    }
    fact = {"sql": said("What is true or not", _SQL), "at": said("When it became so", _SQL)}
    field = {
        "sql": said("The expression", _SQL),
        "staff": said("An id that the directory knows", _SQL),
        "kind": said("A number, or money; else it is text", {"enum": ["number", "money"]}),
        "currency": said("The currency of each record", _SQL),
        "one of": said("All values that it can have", listed(TEXT)),
        "since": said("The time at which it took its value", TEXT),
    }
    person = {name: said("Their own", _SQL) for name in ATTRIBUTES} | {"staff": said("An id of the directory", _SQL)}
    person |= {
        "many": said("The table with one row a person", _SQL),
        "on": said("Which of its rows belong to the record", _SQL),
        "key": said("What tells two people apart", listed(_SQL)),
    }
    count = {
        "from": said("The table whose rows are counted", _SQL),
        "on": said("Which of its rows belong to the record", _SQL),
        "at": said("When each came about", _SQL),
    }
    measure: dict[str, Schema] = {
        Reckoning.COUNT.value: said("A fact to count, or yes for every record", TEXT),
        Reckoning.SUM.value: said("The field to add up", TEXT),
        Reckoning.AVERAGE.value: said("The field whose average it is", TEXT),
        Reckoning.SHARE.value: said("Two measures, such as done / reported", TEXT),
        "on": said("The time that puts a record into a period", TEXT),
        "places": said("Digits after the point", TEXT),
    }
    write = {"sql": said("One update or insert", TEXT), "rows": {"enum": ["1", 1]}}
    shapes = {
        "noun": said("Its name, in the plural", TEXT),
        "one": said("One of them", TEXT),
        "source": said("Which database", one_of(sources)),
        "from": said("Tables and joins", _SQL),
        "key": said("What tells two records apart", listed(_SQL)),
        "zone": said("The record’s time zone", _SQL),
        "times": entries(one_of((), TEXT, mapping(time, time)), "When things happened"),
        "facts": entries(one_of((), TEXT, mapping(fact, fact)), "What is true or not"),
        "fields": entries(one_of((), TEXT, mapping(field, field)), "Values for words and comparisons"),
        "counts": entries(mapping(count, count, ("from", "on")), "How many of something a record has"),
        "people": entries(mapping(person, person, patterns=_REFUSALS), "Who can be told"),
        "teams": entries(TEXT, "Words that stand for a team of the directory"),
        "writes": entries(one_of((), TEXT, mapping(write, write)), "Guarded changes of a record"),
        "measures": entries(mapping(measure, measure), "Figures for reports"),
    }
    return document("A noun of Duly’s vocabulary", NOUN_KEYS, shapes, ("noun", "one", "source", "from", "key"))


def directory_schema(channels: Iterable[str], calendars: Iterable[str], levels: Iterable[str]) -> Schema:
    """Make the schema of the directory.

    Parameters
    ----------
    channels: names of the channels in the settings.
    calendars: names of the workspace's own calendars.
    levels: the ranks that teams may fill.
    """
    known = either(channels)
    by = {"type": "string", "pattern": rf"^({known})(\s+else\s+({known}))*$"} if known else TEXT
    person = {
        "name": said("The name that others read", TEXT),
        "email": TEXT,
        "phone": TEXT,
        "chat": TEXT,
        "lang": said("The language they read, such as zh", TEXT),
        "zone": said("Where they live, such as Asia/Seoul", TEXT),
        "by": said("The channels they prefer", by),
        "rest": said("When they are left alone, such as 22:00-07:00", TEXT),
        "ids": entries(listed(TEXT), "What each source calls them"),
        "capacity": said("How many open cases they may be assigned", {}),
        "skills": said("What they are able to do", listed(TEXT)),
        "reports to": said("Who stands above them", TEXT),
        "deputy": said("Who stands in for them", TEXT),
        "leave": said("When they are away, such as 2026-10-01 to 2026-10-07", listed(TEXT)),
        "left": said("The day since which they are gone", TEXT),
        "shifts": said("The shifts they take part in", listed(TEXT)),
    }
    team = {
        "members": said("Who is in it", listed(TEXT)),
        "shifts": entries(listed(TEXT), "On which days each shift is on duty"),
        "hours": said("Its working hours, such as workdays 09:00-18:00", listed(TEXT)),
        "ids": entries(listed(TEXT), "What each source calls it"),
    }
    ranks = {level: said(f"Who is {level} of it", listed(TEXT)) for level in levels}
    shapes = {
        "zone": said("The desk’s time zone", TEXT),
        "calendar": said("A country’s code, or a calendar of this workspace", one_of(calendars, TEXT)),
        "hours": said("Working hours of teams that have none of their own", listed(TEXT)),
        "levels": said("The ranks, from the lowest", listed(TEXT)),
        "shifts": entries(TEXT, "The shifts, such as 08:30-17:30"),
        "people": entries(mapping(PERSON_KEYS, person, patterns=_REFUSALS), "Everybody who works here"),
        "teams": entries(mapping({*TEAM_KEYS, *ranks}, {**team, **ranks}, ("members",)), "The teams"),
    }
    return document("Duly’s directory", DIRECTORY_KEYS, shapes, ("zone", "calendar", "people"))


def settings_schema(kinds: Mapping[str, Schema], people: Collection[str], channels: Iterable[str]) -> Schema:
    """Make the schema of ``config/duly.yaml``.

    Parameters
    ----------
    kinds: what each kind of channel takes, as a JSON Schema.
    people: ids of the directory.
    channels: names of the channels that are set up.
    """
    known = either(channels)
    by = {"type": "string", "pattern": rf"^({known})(\s+else\s+({known}))*$"} if known else TEXT
    url = one_of((), TEXT, SECRET)
    source = {
        "url": said("SQLAlchemy’s URL, or where it stands", url),
        "zone": said("The zone of its naive times", TEXT),
        "write": said("The connection on which rules may write", mapping(("url",), {"url": url}, ("url",))),
    }
    shapes = {
        "sources": entries(mapping(source, source, ("url", "zone")), "The service databases"),
        "channels": entries(_channel(kinds), "How people are reached"),
        "ledger": said("Duly’s own memory", mapping(("url",), {"url": url})),
        "rest": said("When people of the record are left alone, such as 20:30-09:00", TEXT),
        "by": said("The channels of whoever prefers none", listed(by)),
        "lang": said("The language of whoever has none", TEXT),
        "operator": said("Who hears when something breaks", one_of(people)),
        "limits": mapping(("hold",), {"hold": said("Above which number a rule holds", TEXT)}),
        "leap day": said("Where 29 February falls in common years", one_of(LEAP_DAYS)),
        "reach": said("How far back checks look, such as 90d", TEXT),
    }
    return document("Duly’s settings", SETTINGS_KEYS, shapes, ("sources",))


def calendar_schema(calendars: Iterable[str]) -> Schema:
    """Make the schema of a calendar; ``calendars`` are the names of the workspace's own."""
    days = one_of((), listed(TEXT), {"type": "object", "additionalProperties": TEXT})
    shapes = {
        "calendar": said("Its name", TEXT),
        "like": said("What it builds on: a country’s code, or another calendar", one_of(calendars, TEXT)),
        "off": said("Holidays, with their names or without", days),
        "working": said("Working days that would else be free", listed(TEXT)),
        "ical": said("A file in the iCalendar format, with more days off", TEXT),
        "hours": entries(listed(TEXT), "Days with hours of their own, such as 09:00-13:00"),
    }
    return document("A calendar of Duly", CALENDAR_KEYS, shapes, ("calendar",))


def _channel(kinds: Mapping[str, Schema]) -> Schema:
    own: dict[str, Schema] = {
        "kind": said("Which plugin", one_of(kinds)),
        "address": said("Which of a person’s addresses it needs", {"enum": list(ADDRESSES)}),
        "connections": said("How many messages leave at the same time", TEXT),
    }
    of_kind = []
    for kind, config in sorted(kinds.items()):
        # Names and descriptions only: the plugin itself reads the values, also a number that is written as a text.
        asked = config.get("properties", {})
        keys = {**own, **{key: said(about.get("description", ""), {}) for key, about in asked.items()}}
        then = mapping(keys, keys, ["kind", *config.get("required", ())])
        of_kind.append({"if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]}, "then": then})
    return {"type": "object", "properties": own, "required": ["kind"], "allOf": of_kind}
