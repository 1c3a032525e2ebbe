"""The words of a step held against ``notifications/`` and the vocabulary."""

from __future__ import annotations

from collections.abc import Collection

from duly.rules.model import By, ClockKind, Rule, Step
from duly.rules.noun import Noun
from duly.rules.problem import Mark, Problems, suggest, suggest_or_list
from duly.rules.step_file import CALL, TELL
from duly.rules.surroundings import Surroundings
from duly.rules.words import Template

GIVEN = frozenset({"name", "lang", "rule", "key", "clock", "due"})
"""What every template may name besides the fields of its noun: the recipient's name and language, the rule's title, the
record's key, its clock and its due time (which is none where the rule has no ``due``)."""

GIVEN_ON_DAYS = frozenset({"holiday", "first", "last"})
"""What a template may name besides when the clock is a day of a calendar: the holiday's name, first and last day."""

GIVEN_TO_ACTIONS = frozenset({"handed_to"})
"""What a template may name besides when an action handed the case to somebody."""


GIVEN_TO_CALLS = frozenset({"whom", "number"})
"""What the words of a call may name besides: the customer's name and number. ``name`` is who makes the call."""

GROUPED = frozenset({"lines", "count", "name", "lang", "rule"})
"""What the template of a grouped step may name, besides the field that all lines have in common: each of its ``lines``
has the rest."""

ALL = "yes"
"""What ``group`` says where one message tells a person everything."""

GIVEN_TO_REPORTS = frozenset(
    {
        "name",
        "lang",
        "rule",
        "since",
        "until",
        "as_of",
        "group",
        "count",
        "empty",
        "report",
        "summary",
        "rows",
        "sections",
    }
)
"""What the words of a roundup may name: the recipient's name and language, the rule's title, the period, when the
source was asked, whose part it is, how many records it tells of and whether there are none; all of it as text
(``report``), each section on one line (``summary``), the records of its first list, and all sections."""


def template_word(name: str) -> str:
    """Spell a field of the vocabulary as templates can say it: ``made to order`` is ``made_to_order`` there."""
    return name.replace(" ", "_").replace("-", "_")


def check_group(step: Step, noun: Noun, problems: Problems) -> None:
    """Note a problem when a step is grouped by what the noun does not have."""
    if step.group not in {"", ALL, *noun.fields}:
        cure = suggest(step.group, noun.fields) or f"write yes, or a field of “{noun.name}”"
        problems.add("R005", step.marks["group"], f"unknown field “{step.group}”", cure)


def check_text(step: Step, rule: Rule, noun: Noun, around: Surroundings, problems: Problems) -> None:
    """Note a problem when a step's template is not there, or names what the noun does not have."""
    words = around.words
    if not _is_there(step.text, step.marks["text"], around, problems):
        return
    known = {template_word(name) for name in noun.fields} | GIVEN
    if rule.clock and rule.clock.kind is ClockKind.NEXT_DAY:
        known |= GIVEN_ON_DAYS
    if step.do == CALL:
        known |= GIVEN_TO_CALLS
    elif step.do != TELL:
        known |= GIVEN_TO_ACTIONS
    for template in words.variants(step.text):
        _check_names(step, noun, template, known, problems)
    _check_languages(step, noun, around, problems)


def _check_names(step: Step, noun: Noun, template: Template, known: Collection[str], problems: Problems) -> None:
    top = GROUPED | {template_word(step.group)} - {ALL} if step.group else known
    for name, place in template.undeclared.items():
        if name in top:
            continue
        if name in known:
            message = f"the template names “{name}”, which each line of a grouped message has of its own"
            cure = f"write “{{% for line in lines %}}{{{{ line.{name} }}}}{{% endfor %}}”"
        else:
            message = f"the template names “{name}”, which “{noun.name}” does not have"
            cure = suggest(name, top) or f"add it to the fields of “{noun.name}”"
        problems.add("T002", place, message, cure)
    for name, place in template.of_lines.items() if step.group else ():
        if name not in known:
            message = f"the template names “line.{name}”, which “{noun.name}” does not have"
            cure = suggest(name, known) or f"add it to the fields of “{noun.name}”"
            problems.add("T002", place, message, cure)


def check_report_text(text: str, by: By, mark: Mark, around: Surroundings, problems: Problems) -> None:
    """Note a problem when the words of a roundup are not there, or name what a report does not have.

    Parameters
    ----------
    text: the name of the template.
    by: the channels that the roundup names.
    mark: where the roundup names it.
    """
    if not _is_there(text, mark, around, problems):
        return
    for template in around.words.variants(text):
        for name, place in template.undeclared.items():
            if name not in GIVEN_TO_REPORTS:
                cure = suggest_or_list(name, GIVEN_TO_REPORTS)
                problems.add("T002", place, f"the template names “{name}”, which a report does not have", cure)
    _check_in_languages(text, by, _staff_languages(around), mark, around, problems)


def _is_there(text: str, mark: Mark, around: Surroundings, problems: Problems) -> bool:
    if text in around.words:
        return True
    if text in around.broken_texts:
        problems.add("R021", mark, f"the template “{text}” has errors", f"mend {around.broken_texts[text]}")
    else:
        cure = suggest(text, around.words.names) or f"add notifications/{text}.j2"
        problems.add("R005", mark, f"unknown template “{text}”", cure)
    return False


def _check_languages(step: Step, noun: Noun, around: Surroundings, problems: Problems) -> None:
    """Warn of a language that somebody who may hear reads, and in which there are no words."""
    person = noun.people.get(step.audience.written)
    is_staff = person is None or person.staff or step.do == CALL
    languages = _staff_languages(around) if is_staff else {around.lang} - {""}
    _check_in_languages(step.text, step.by, languages, step.marks["text"], around, problems)


def _staff_languages(around: Surroundings) -> set[str]:
    staff = around.directory.staff.values()
    return {around.lang, *(each.person.lang for each in staff)} - {""}


def _check_in_languages(
    text: str, by: By, languages: Collection[str], mark: Mark, around: Surroundings, problems: Problems
) -> None:
    for lang in sorted(languages):
        channels = {channel for fallbacks in by for channel in fallbacks} or set(around.channels) or {""}
        if not all(around.words.find(text, channel, lang) for channel in channels):
            message = f"“{text}” has no words in “{lang}”, which some of those who hear may read"
            problems.add("T003", mark, message, f"add notifications/{text}.{lang}.j2", warning=True)
