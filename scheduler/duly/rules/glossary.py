"""The words of a noun for people who read no SQL: what each means, and which rules use it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from duly.rules import yaml
from duly.rules.bind import BoundRule
from duly.rules.count import Count
from duly.rules.model import Comparison
from duly.rules.noun import Field, Noun, RecordPerson, Time
from duly.rules.problem import Problems, split_lines
from duly.rules.text_check import template_word
from duly.rules.words import Words

Use = tuple[str, str]
"""A word and its section: ``("facts", "paid")``."""

_REMARK = re.compile(r"""(?:[^'"#]|'[^']*'|"[^"]*"|(?<!\s)\#)*?(?:^|\s)\#\s*(?P<remark>\S.*)""")


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a noun.

    Parameters
    ----------
    section: where it stands in the noun’s file: ``facts``, ``times``, ``fields``, ``people`` …
    means: the remark beside it, else what it is made of.
    sql: the SQL behind it, where it is one expression.
    used_by: the rules that use it, by id.
    """

    section: str
    name: str
    means: str
    sql: str
    used_by: tuple[str, ...]


def glossary(noun: Noun, text: str, rules: Iterable[BoundRule], words: Words) -> list[Word]:
    """List the words of a noun, in the order of its file.

    Parameters
    ----------
    text: the noun's file, for the remarks in it.
    rules: the rules to look for its words in.
    words: the templates that those rules name.
    """
    uses = {bound.rule.id: used_words(bound, words) for bound in rules if bound.noun.name == noun.name}
    remarks = _remarks(text)
    found = []
    for part in dataclasses.fields(noun):
        entries = getattr(noun, part.name)
        if part.name == "marks" or not isinstance(entries, Mapping):
            continue
        for name, entry in entries.items():
            used_by = tuple(rule for rule, used in uses.items() if (part.name, name) in used)
            means = remarks.get((part.name, name)) or _means(entry)
            found.append(Word(part.name, name, means, _sql(entry), used_by))
    return found


def used_words(bound: BoundRule, words: Words) -> set[Use]:
    """Find the words of its noun that a rule uses, in its conditions, its clock, its audiences and its templates."""
    rule, noun, plan = bound.rule, bound.noun, bound.plan
    used: set[Use] = set()
    for condition in plan.conditions:
        if isinstance(condition, Comparison):
            used.add(("counts" if condition.field in noun.counts else "fields", condition.field))
        else:
            used.add(("facts", condition.fact))
    used |= {("times", time.name) for time in (plan.clock, plan.due, *plan.leaves) if time}
    if rule.cover:
        used.add(("facts", rule.cover.partition(" of ")[2]))
    names = [step.audience.name for step in rule.steps] + [cap.each for cap in rule.limits.caps]
    used |= {(section, name) for name in names for section in ("people", "teams")}
    said = {name for step in rule.steps for name in (words.undeclared(step.text) if step.text else ())}
    return used | {("fields", name) for name in noun.fields if template_word(name) in said}


def about(text: str) -> str:
    """Return the remark at the head of a noun's file."""
    lines = []
    for line in split_lines(text):
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("# ").rstrip())
    return " ".join(lines)


def _remarks(text: str) -> dict[Use, str]:
    root, lines = yaml.load(text, "", Problems()), split_lines(text)
    found: dict[Use, str] = {}
    for section, node in root.entries if isinstance(root, yaml.Mapping) else ():
        entries = node.entries if isinstance(node, yaml.Mapping) else ()
        for key, _ in entries:
            if sum(other.mark.line == key.mark.line for other, _ in entries) == 1:
                remark = _REMARK.match(lines[key.mark.line - 1])
                above = lines[key.mark.line - 2].strip() if key.mark.line > 1 else ""
                own_line = above.lstrip("# ") if above.startswith("#") else ""
                found[section.value, key.value] = remark["remark"].strip() if remark else own_line
    return found


def _means(entry: object) -> str:
    match entry:
        case Time(later_of=names) if names:
            return f"the later of {' and '.join(names)}"
        case Time(earlier_of=names) if names:
            return f"the earlier of {' and '.join(names)}"
        case Time(is_date=True):
            return f"a date: {entry.sql}"
        case Field(one_of=options) if options:
            return f"one of {', '.join(options)}"
        case Field(kind="staff"):
            return f"somebody of the directory: {entry.sql}"
        case Field(kind=kind) if kind != "text":
            return f"{kind}: {entry.sql}"
        case Count():
            return f"how many rows of {entry.from_}"
        case RecordPerson(staff=""):
            return f"somebody outside: {', '.join(entry.columns)}"
        case RecordPerson():
            return "somebody of the directory"
        case _:
            return _sql(entry)


def _sql(entry: object) -> str:
    return entry if isinstance(entry, str) else str(getattr(entry, "sql", ""))
