"""A condition held against the vocabulary."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from duly.rules.count import Count
from duly.rules.model import Comparison, Condition, FactIs
from duly.rules.noun import Field, Noun
from duly.rules.place import place_of
from duly.rules.problem import Mark, Problems, suggest, suggest_or_list

LONGEST_COUNT = 9
"""How many digits a count may have: more are a slip of the pen."""

_ORDERED = frozenset({"<", "<=", ">", ">="})
_WORDED = frozenset({"is", "is not"})


def check_condition(condition: Condition, noun: Noun, text: str, problems: Problems) -> bool:
    """Tell whether ``noun`` can answer ``condition``, and note a problem when it cannot.

    Parameters
    ----------
    text: the rule file, to find the offending word in.
    """
    if isinstance(condition, FactIs):
        return check_fact(condition.fact, noun, condition.mark, problems)
    if condition.field in noun.counts:
        return _check_count(condition, noun.counts[condition.field], text, problems)
    field = noun.fields.get(condition.field)
    if field is not None and condition.within is not None:
        mark = place_of(condition.within.written, text, condition.mark)
        message = f"“{field.name}” is a field, and only a count looks back over “{condition.within}”"
        problems.add("R020", mark, message, f"leave out “in {condition.within}”")
        return False
    if field is None:
        _unknown_field(condition, noun, problems)
        return False
    if condition.operator in _ORDERED and not _is_number(field):
        mark = place_of(condition.operator, text, condition.mark)
        message = f"“{field.name}” is not a number, so “{condition.operator}” cannot compare it"
        problems.add("R020", mark, message, "write “is”, or give the field “kind: number” in the vocabulary")
        return False
    fitting = [_fits(value, field, place_of(value, text, condition.mark), problems) for value in condition.values]
    return all(fitting)


def check_fact(name: str, noun: Noun, mark: Mark, problems: Problems) -> bool:
    """Tell whether ``noun`` has the fact ``name``, and note a problem at ``mark`` when it has not."""
    if name in noun.facts:
        return True
    if name in noun.fields:
        problems.add("R005", mark, f"“{name}” is a field, not a fact", f"compare it, such as “{name} is …”")
    elif name in noun.counts:
        problems.add("R005", mark, f"“{name}” is a count, not a fact", f"compare it, such as “{name} >= 3”")
    elif name in noun.times:
        problems.add("R005", mark, f"“{name}” is a time, not a fact", "let the vocabulary define a fact for it")
    else:
        cure = suggest(name, noun.facts) or f"add it to {noun.path}" if noun.path else suggest_or_list(name, noun.facts)
        problems.add("R005", mark, f"unknown fact “{name}”", cure)
    return False


def _unknown_field(condition: Comparison, noun: Noun, problems: Problems) -> None:
    name = condition.field
    if name in noun.facts:
        problems.add("R005", condition.mark, f"“{name}” is a fact, not a field", f"write “{name}” or “not {name}”")
    elif name in noun.times:
        problems.add("R005", condition.mark, f"“{name}” is a time, not a field", "times cannot be compared in rules")
    else:
        known, what = (noun.counts, "count") if condition.within else ({**noun.fields, **noun.counts}, "field")
        problems.add("R005", condition.mark, f"unknown {what} “{name}”", suggest_or_list(name, known))


def _check_count(condition: Comparison, count: Count, text: str, problems: Problems) -> bool:
    value = condition.values[0]
    if condition.operator in _WORDED:
        mark = place_of(condition.operator, text, condition.mark)
        message = f"“{count.name}” is a number, so “{condition.operator}” cannot compare it"
        problems.add("R020", mark, message, "write “>=”, “<=”, “>”, “<”, “=” or “!=”")
    elif not (value.isascii() and value.isdigit() and len(value) <= LONGEST_COUNT):
        mark = place_of(value, text, condition.mark)
        problems.add("R020", mark, f"“{count.name}” is a count, and “{value}” is none", "write digits, such as “3”")
    elif condition.within and not count.at:
        mark = place_of(condition.within.written, text, condition.mark)
        message = f"“{count.name}” cannot look back, for it has no “at” in the vocabulary"
        problems.add("R020", mark, message, f"add it, or leave out “in {condition.within}”")
    else:
        return True
    return False


def _fits(value: str, field: Field, mark: Mark, problems: Problems) -> bool:
    if _is_number(field):
        try:
            sound = Decimal(value).is_finite() and value.isascii()
        except InvalidOperation:
            sound = False
        if not sound:
            problems.add(
                "R020", mark, f"“{field.name}” is a number, and “{value}” is none", "write digits, such as “500”"
            )
        return sound
    if field.one_of and value not in field.one_of:
        message = f"“{field.name}” is never “{value}”"
        problems.add("R020", mark, message, suggest_or_list(value, field.one_of))
        return False
    return True


def _is_number(field: Field) -> bool:
    return field.kind in {"number", "money"}
