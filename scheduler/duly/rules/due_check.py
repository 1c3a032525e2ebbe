"""``due`` of a rule held against the vocabulary and the directory."""

from __future__ import annotations

from duly.rules.audience_check import check_audience
from duly.rules.directory import Directory
from duly.rules.model import DueTable, Rule
from duly.rules.noun import Field, Noun
from duly.rules.problem import Problems, suggest, suggest_or_list


def check_due(rule: Rule, noun: Noun, directory: Directory, problems: Problems) -> bool:
    """Tell whether ``noun`` knows what the rule's due time names, and note a problem where it does not."""
    due = rule.due
    if due is None:
        return True
    if due.table:
        return _check_table(due.table, rule, noun, directory, problems)
    if not due.time_name or due.time_name in noun.times:
        return True
    cure = suggest(due.time_name, noun.times) or "write a duration, a time of day or a time of the noun"
    problems.add("R005", rule.marks["due"], f"“{noun.name}” has no time “{due.time_name}”", cure)
    return False


def staged_by(rule: Rule, noun: Noun) -> Field | None:
    """Find the field whose values are stages with a clock of their own, if the rule's due time goes by one."""
    field = noun.fields.get(rule.due.table.per) if rule.due and rule.due.table else None
    return field if field and field.since else None


def _check_table(table: DueTable, rule: Rule, noun: Noun, directory: Directory, problems: Problems) -> bool:
    field = noun.fields.get(table.per)
    for name, entry in (*table.entries.items(), ("otherwise", table.otherwise)):
        if entry and entry.who:
            check_audience(entry.who, rule.marks[f"due.{name}.who"], rule, noun, directory, problems)
    if field is None:
        cure = suggest_or_list(table.per, noun.fields)
        problems.add("R005", rule.marks["due.per"], f"“{noun.name}” has no field “{table.per}”", cure)
        return False
    _check_entries(table, field, rule, problems)
    return _check_clock(field, rule, problems)


def _check_entries(table: DueTable, field: Field, rule: Rule, problems: Problems) -> None:
    for value in table.entries if field.one_of else ():
        if value not in field.one_of:
            cure = suggest_or_list(value, field.one_of)
            problems.add("R020", rule.marks[f"due.{value}"], f"“{field.name}” is never “{value}”", cure)
    missing = [value for value in field.one_of if value not in table.entries]
    if missing and table.otherwise is None:
        message = f"no due time for “{field.name}” {', '.join(missing)}"
        cure = "add a line for each, or “otherwise: …” for the rest"
        problems.add("R022", rule.marks["due.per"], message, cure, warning=True)
    if not field.one_of and table.otherwise is None:
        message = f"no due time for any other “{field.name}”"
        cure = f"add “otherwise: …”, or “one of” to {field.name} in the vocabulary"
        problems.add("R022", rule.marks["due.per"], message, cure, warning=True)


def _check_clock(field: Field, rule: Rule, problems: Problems) -> bool:
    """A stage begins its own clock, so a rule with a due time for each stage has no other."""
    if not field.since or rule.clock is None or str(rule.clock) == field.since:
        return True
    message = f"each “{field.name}” counts from {field.since}, not from {rule.clock}"
    problems.add("R012", rule.marks["clock"], message, f"write “clock: {field.since}”, or leave it out")
    return False
