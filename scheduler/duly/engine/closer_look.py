"""What a source shows of a rule whose words it knows: an exclusion that never matches, a clock without an index."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from duly.engine.sql_source import SqlSource
from duly.rules.bind import BoundRule
from duly.rules.model import FactIs
from duly.rules.problem import Problem
from duly.rules.survey import any_record, any_with


def look_closer(source: SqlSource, bound: BoundRule, now: dt.datetime) -> Iterator[Problem]:
    """Warn of what may be meant, and more often is a slip.

    Raises
    ------
    SourceDown: the source cannot be reached, or takes too long.
    """
    noun, plan, marks = bound.noun, bound.plan, bound.rule.marks
    # A table without a row says nothing about what its rows will be.
    excluding = bound.rule.except_ if source.ask(noun, any_record(noun), now) else ()
    for condition in excluding:
        if not (isinstance(condition, FactIs) and condition.wanted):
            continue
        if not source.ask(noun, any_with(noun, noun.facts[condition.fact]), now):
            message = f"“{condition.fact}” holds for none of the {noun.name} that there are, so it excludes nothing"
            cure = f"see what it is made of in {noun.path}"
            yield Problem(condition.mark, "S006", message, cure, severity="warning")
    for table in source.large_scans(plan, now):
        message = f"each check reads all of the large table {table}"
        cure = f"index what the time {plan.clock.name} is made of" if plan.clock else ""
        yield Problem(marks.get("clock", marks[""]), "S007", message, cure, severity="warning")
