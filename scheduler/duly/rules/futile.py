"""Steps that say something which never comes true: found by arithmetic, before anybody waits for them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from duly.rules.model import Rule, Step, When
from duly.rules.problem import Problems
from duly.time.duration import Duration, Unit

_DAY = 24 * 60
_COMPARED = {Unit.ELAPSED: 1, Unit.DAYS: 86400}
"""Seconds of what can be held against each other; a day on which a clock changes is an hour off."""


def check_futile(rule: Rule, problems: Problems) -> None:
    """Warn of steps that expire before they may leave, that are past from the start, or that wait for no answer."""
    for step in rule.steps:
        _check_window(step, rule, problems)
        _check_before(step, rule, problems)
    for earlier, step in zip(rule.steps, rule.steps[1:], strict=False):
        if step.when is When.UNANSWERED and earlier.do != "tell" and not earlier.text:
            message = f"“{earlier.do}: {earlier.audience.written}” before it tells nobody, so nobody can answer"
            cure = f"give the “{earlier.do}” a “text”, or write “after” or “late”"
            problems.add("R016", step.marks[step.when.value], message, cure, warning=True)


def _check_window(step: Step, rule: Rule, problems: Problems) -> None:
    if step.between is None or step.expires is None or step.expires.unit is not Unit.ELAPSED:
        return
    window, lasts = step.between.span, step.expires.amount // 60
    moments = list(_moments(step, rule))
    waits = [(window.opens - moment) % _DAY for moment in moments if (moment - window.opens) % _DAY >= window.minutes]
    if moments and len(waits) == len(moments) and min(waits) >= lasts:
        message = f"the step expires {step.expires.written} after its moment, before its window {step.between} opens"
        cure = "let it last longer, or choose another window"
        problems.add("R050", step.marks["expires"], message, cure, warning=True)


def _moments(step: Step, rule: Rule) -> Iterator[int]:
    """Give the minutes of the day at which a step comes, where these are the same every day."""
    if step.at is not None:
        yield _minutes(step.at)
    elif rule.due and step.duration and step.duration.unit is Unit.ELAPSED and step.when in (When.BEFORE, When.LATE):
        sign = 1 if step.when is When.LATE else -1
        yield from ((_minutes(due) + sign * step.duration.amount // 60) % _DAY for due in rule.due.times)


def _check_before(step: Step, rule: Rule, problems: Problems) -> None:
    due = rule.due.duration if rule.due else None
    before = step.duration
    if step.when is When.BEFORE and due and before and _is_longer(before, due):
        message = f"“before: {before.written}” is longer than the whole time until due ({due.written})"
        cure = "the step would come at once: let it come later, or write “after: at once”"
        problems.add("R051", step.marks[step.when.value], message, cure, warning=True)


def _is_longer(before: Duration, due: Duration) -> bool:
    if before.unit is due.unit:
        return before.amount > due.amount
    if before.unit in _COMPARED and due.unit in _COMPARED:
        return before.amount * _COMPARED[before.unit] > due.amount * _COMPARED[due.unit] + 3600
    return False


def _minutes(at: dt.time) -> int:
    return at.hour * 60 + at.minute
