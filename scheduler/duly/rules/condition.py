"""One condition of a rule: a fact, or a comparison on a field."""

from __future__ import annotations

import re
from collections.abc import Iterable

from duly.rules.count import SPANS
from duly.rules.model import Comparison, Condition, FactIs
from duly.rules.problem import Mark, Problems
from duly.rules.yaml import Scalar
from duly.time.duration import Duration

_COMPARISON = re.compile(
    r"(?P<field>.*?)(?:\s*(?P<sign>>=|<=|!=|==|=>|=<|<>|=|<|>|≥|≤|≠|＞|＜|＝)\s*|\s+(?P<is>is not|is)(?:\s+|$))"
    r"(?P<value>.*)"
)
_SLIPS = {
    "==": "=",
    "=>": ">=",
    "=<": "<=",
    "<>": "!=",
    "≥": ">=",
    "≤": "<=",
    "≠": "!=",
    "＞": ">",
    "＜": "<",
    "＝": "=",
}
_COUNTED = re.compile(r"(?P<amount>\S+)\s+in\s+(?P<span>\S.*)")
_FULL_WIDTH = re.compile("[，：]")


def read_conditions(scalars: Iterable[Scalar], problems: Problems) -> tuple[Condition, ...]:
    """Read a list of conditions; those that cannot be read become problems and are left out."""
    found = (read_condition(scalar, problems) for scalar in scalars)
    return tuple(condition for condition in found if condition is not None)


def read_condition(scalar: Scalar, problems: Problems) -> Condition | None:
    """Read one condition: ``paid``, ``not paid``, ``amount >= 500``, ``origin is app or web``."""
    text = scalar.value.strip()
    wide = _FULL_WIDTH.search(scalar.value)
    if wide:
        name = "comma" if wide.group() == "，" else "colon"
        message = f"the full-width {name} “{wide.group()}” does not separate"
        problems.add("Y015", scalar.at(wide.start()), message, "write a list such as “[paid, shipped]”")
        return None
    comparison = _COMPARISON.fullmatch(text)
    if comparison:
        return _comparison(scalar, comparison, problems)
    wanted = text != "not" and not text.startswith("not ")
    fact = text if wanted else text.removeprefix("not").strip()
    mark = scalar.at(scalar.value.find(fact)) if fact else scalar.mark
    if not fact:
        problems.add("R004", mark, "“not” needs a fact", "write “not FACT”")
        return None
    for word in ("and", "or"):
        if f" {word} " in fact:
            cure = "write them as two entries" if word == "and" else "let the vocabulary define a fact for it"
            problems.add("R004", mark, f"“{fact}” joins two conditions", cure)
            return None
    return FactIs(" ".join(fact.split()), wanted, mark)


def _comparison(scalar: Scalar, found: re.Match[str], problems: Problems) -> Condition | None:
    field, value = " ".join(found["field"].split()), found["value"].strip()
    operator = found["is"] or found["sign"]
    shift = scalar.value.find(found.string)
    if operator in _SLIPS:
        mark = scalar.at(shift + found.start("sign"))
        problems.add("R004", mark, f"“{operator}” is not a comparison", f"write “{_SLIPS[operator]}”")
        return None
    if not field:
        problems.add("R004", scalar.mark, f"“{operator}” needs a field before it", "write “amount >= 500”")
        return None
    if not value:
        problems.add("R004", scalar.at(shift), f"“{field} {operator}” needs a value", "write “amount >= 500”")
        return None
    counted = _COUNTED.fullmatch(value) if found["sign"] else None
    if counted:
        mark = scalar.at(shift + found.start("field"))
        within = _span(counted["span"], scalar.at(shift + found.start("value") + counted.start("span")), problems)
        return Comparison(field, operator, (counted["amount"],), mark, within) if within else None
    values = tuple(" ".join(part.split()) for part in re.split(r"\s+or\s+", value)) if found["is"] else (value,)
    if not all(values) or values[-1].endswith(" or") or value == "or":
        problems.add("R004", scalar.at(shift + found.start("value")), "“or” needs a value on both sides")
        return None
    return Comparison(field, operator, values, scalar.at(shift + found.start("field")))


def _span(text: str, mark: Mark, problems: Problems) -> Duration | None:
    """Read how far a count looks back."""
    try:
        span = Duration.parse(text)
    except ValueError as error:
        problems.add("R004", mark, str(error))
        return None
    if span.unit not in SPANS or span.amount == 0:
        cure = "write a span such as “24h” or “7d”"
        problems.add("R004", mark, f"a count cannot look back over “{span.written}”", cure)
        return None
    return span
