"""JSON Schema of a rule file, for editors: it knows the words of the workspace.

It knows names and shapes, not the grammar of durations or schedules: ``duly check`` has the last word. Its keys come
from the loader's own tables, so that it refuses none that the loader takes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from duly.rules.example_file import _KEYS as EXAMPLE_KEYS
from duly.rules.model import When
from duly.rules.noun import Noun
from duly.rules.own_cases import CASES
from duly.rules.roundup import XLSX
from duly.rules.roundup_file import _KEYS as ROUNDUP_KEYS
from duly.rules.roundup_file import _SECTION_KEYS as SECTION_KEYS
from duly.rules.rule_file import _KEYS as RULE_KEYS
from duly.rules.shapes import TEXT, YES, Schema, document, either, listed, mapping, one_of, said
from duly.rules.step_file import _KEYS as STEP_KEYS
from duly.rules.step_file import OWN, TELL
from duly.rules.surroundings import Surroundings

_REQUIRED = ("rule", "owner", "check")
_SOMEBODY = ("owner", "told", "in charge")
_ADDRESSED = ("tell", "escalate", "assign", "call")


def rule_schema(around: Surroundings, doings: Collection[str]) -> Schema:
    """Make the schema of a rule file.

    Parameters
    ----------
    around: what a rule of this workspace may name.
    doings: names of the actions that a step may take besides ``tell``.
    """
    made = document("A rule of Duly", RULE_KEYS, _shapes(around, doings), _REQUIRED)
    made["allOf"] = [
        {
            "if": {"properties": {"watch": {"const": noun.name}}, "required": ["watch"]},
            "then": {"properties": _of(noun, around, doings)},
        }
        for noun in sorted({CASES.name: CASES, **around.nouns}.values(), key=lambda noun: noun.name)
    ]
    return made


def _shapes(around: Surroundings, doings: Collection[str]) -> dict[str, Schema]:
    """Say what every key of a rule holds, whatever noun it watches."""
    directory = around.directory
    steps = mapping({*STEP_KEYS, TELL, *OWN, *doings}, _step(around))
    limits = mapping(_LIMITS, _LIMITS, patterns={"^each ": TEXT})
    return {
        "rule": said("What is promised, in a sentence: the title", TEXT),
        "why": said("Why there is such a rule", TEXT),
        "owner": said("The team or person that answers for it", one_of([*directory.teams, *directory.staff])),
        "was": said("The path that this rule had before, to keep its history", TEXT),
        "watch": said("Which records", one_of([*around.nouns, CASES.name])),
        "where": said("What must hold of a record", listed(TEXT)),
        "except": said("What must not hold", listed(TEXT)),
        "done": said("What ends it well", listed(TEXT)),
        "clock": said("The time from which it counts", TEXT),
        "due": said("By when it must be done: 72h, 17:00, a time of the noun, or a table", one_of((), *_DUE)),
        "pause": said("What makes the clock stand still", listed(TEXT)),
        "check": said("When to look: every 10m, daily 17:30, Fri 15:30", listed(TEXT)),
        "rest": said("When people of the record are left alone, such as 20:30-09:00", TEXT),
        "steps": said("The ladder: who hears what, and when", {"type": "array", "items": steps, "minItems": 1}),
        "roundup": said("A list or a report instead of a ladder", _roundup(around)),
        "cover": said("The share done in time that is promised, such as 95%", TEXT),
        "limits": said("How much it may send", limits),
        "examples": said("Worked examples, which “duly check” runs", {"type": "array", "items": {"type": "object"}}),
    }


_DUE_ENTRY = mapping(("in", "who"), {"in": said("A duration", TEXT), "who": said("Who has it", TEXT)}, ("in",))
_DUE_TABLE: Schema = {
    "type": "object",
    "properties": {"per": said("The field by which the table goes", TEXT), "otherwise": one_of((), TEXT, _DUE_ENTRY)},
    "additionalProperties": one_of((), TEXT, _DUE_ENTRY),
    "required": ["per"],
}
_DUE = (listed(TEXT), _DUE_TABLE)
_LIMITS = {
    "pace": said("How fast messages leave, such as 500 every 1m", TEXT),
    "hold": said("Above which number a person decides, such as above 200 an hour; or never", TEXT),
}
_EXAMPLE = {
    "name": said("What it shows", TEXT),
    "from": said("The date at which it begins", TEXT),
    "until": said("The date before which it ends", TEXT),
    "then": said("What happens, such as Wed 11:00 shipped", listed(TEXT)),
    "expect": said("Who hears, and when, such as Fri 14:00 customer", listed(TEXT)),
}


def _by(around: Surroundings) -> Schema:
    channels = either(around.channels)
    by = {"type": "string", "pattern": rf"^({channels})(\s+else\s+({channels}))*$"} if channels else TEXT
    return said("The channels: a list means all of them, “else” one after the other", listed(by))


def _roundup(around: Surroundings) -> Schema:
    """Say what the keys of a roundup, and of its sections, hold."""
    parts = {
        "title": said("The title of the section", TEXT),
        "watch": said("Which records; “cases” are Duly’s own", one_of([*around.nouns, CASES.name])),
        "where": said("What must hold of a record", listed(TEXT)),
        "except": said("What must not hold", listed(TEXT)),
        "clock": said("The time that puts a record into the period", TEXT),
        "list": said("The fields of the list, one column each", listed(TEXT)),
        "sort": said("By which field it is sorted", listed(TEXT)),
        "measure": said("The measures of the noun that are given", listed(TEXT)),
        "per": said("The field by which they are split", TEXT),
        "chart": said("How they are drawn", TEXT),
    }
    keys = {
        **parts,
        "tell": said("Who gets it", listed(TEXT)),
        "by": _by(around),
        "text": said("The words: a template under notifications/", one_of(around.words.names, TEXT)),
        "each": said("One message for each value of this field", TEXT),
        "period": said("Which span it speaks of, such as since last", TEXT),
        "attach": said("What goes with it, such as xlsx", TEXT),
        "empty": said("What becomes of one with nothing in it", {"enum": ["send", "skip"]}),
        "sections": said("Several lists or reports in one", {"type": "array", "items": mapping(SECTION_KEYS, parts)}),
    }
    return mapping(ROUNDUP_KEYS, keys, ("tell",))


def _step(around: Surroundings) -> dict[str, Schema]:
    """Say what every key of a step holds."""
    templates = one_of(around.words.names)
    return {
        **{when.value: said(f"When: {sample}", listed(TEXT)) for when, sample in _MOMENTS.items()},
        **{do: said("Whom", TEXT) for do in _ADDRESSED},
        "write": said("What is written into the source", {}),
        "between": said("The hours in which it may leave, such as 09:00-11:00", TEXT),
        "repeat": said("How often again, such as daily up to 3 times", {}),
        "expires": said("After how long it is not worth saying any more, such as 2h", TEXT),
        "if": said("What must hold for this step alone", listed(TEXT)),
        "by": _by(around),
        "text": said("The words: a template under notifications/", templates),
        "urgent": said("Whether it passes rest, windows and limits", YES),
        "group": said("Whether several go out as one message, or by which field they are grouped", {}),
        "attach": said("What goes with a grouped message: xlsx, a spreadsheet of its lines", {"enum": [XLSX]}),
        "who": said("Who makes the call", TEXT),
        "skill": said("What somebody must be able to do", TEXT),
    }


_MOMENTS = {
    When.AFTER: "so long after the clock",
    When.BEFORE: "so long before it is due",
    When.LATE: "so long after it was due, or at once",
    When.UNANSWERED: "so long after the step before it, if nobody has answered",
    When.CHANGED: "as one of these times changes",
    When.CLOSED: "as the case closes: done or gone",
    When.AT: "at this time of day",
}


def _of(noun: Noun, around: Surroundings, doings: Collection[str]) -> dict[str, Schema]:
    """Say what the keys of a rule hold that watches ``noun``."""
    conditions = listed(_condition(noun))
    somebody = one_of(audiences(noun, around))
    steps = {"if": conditions, **{do: somebody for do in _ADDRESSED if do in {TELL, *OWN, *doings}}}
    days = [f"next day of {name}" for name in around.calendars]
    clock = one_of([*noun.times, *days, "first seen"], {"type": "string", "pattern": "^(next day|anniversary) of "})
    limits = {f"^each (?!({either([noun.one, *noun.people])})$)": False}
    return {
        "where": conditions,
        "except": conditions,
        "done": conditions,
        "pause": conditions,
        "clock": clock,
        "steps": {"items": {"properties": steps}},
        "limits": {"patternProperties": limits},
        "examples": {"items": _example(noun)},
    }


def _condition(noun: Noun) -> Schema:
    named = [*noun.facts, *(f"not {fact}" for fact in noun.facts)]
    figures = either([*noun.fields, *noun.counts])
    compared = rf"^\s*({figures})(\s+is(\s+not)?\s+|\s*(=|!=|<=|>=|<|>)\s*)\S"
    return one_of(named, {"type": "string", "pattern": compared}) if figures else one_of(named)


def _example(noun: Noun) -> Schema:
    words = (*noun.times, *noun.facts, *noun.fields, *noun.counts)
    people: dict[str, Schema] = {name: {"type": "object"} for name in noun.people}
    of_record: Schema = {"type": "object"} if noun.one in noun.people else mapping(words, {})
    return mapping({*EXAMPLE_KEYS, noun.one, *people}, {**_EXAMPLE, **people, noun.one: of_record})


def audiences(noun: Noun, around: Surroundings) -> Iterable[str]:
    """Name everybody whom a step of a rule that watches ``noun`` may tell."""
    directory = around.directory
    teams = [*directory.teams, *noun.teams]
    line = [*teams, *(name for name, person in noun.people.items() if person.staff)]
    yield from (*_SOMEBODY, *teams, *noun.people, *directory.staff)
    for team in teams:
        yield from (f"{team} on duty", f"next shift of {team}")
    for level in directory.levels:
        yield from (f"{level} of {name}" for name in line)
