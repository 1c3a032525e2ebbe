"""The end of what calendars know: who relies on it is told beforehand, and again when it is passed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from duly.rules.bind import BoundRule
from duly.rules.problem import Mark, Problem
from duly.rules.snapshot import Snapshot
from duly.rules.workspace import DIRECTORY
from duly.time.calendar import Calendar
from duly.time.days import Daily
from duly.time.duration import Duration, Unit

AHEAD = dt.timedelta(days=60)
"""How long before a calendar's end people are told: governments decree a year's make-up days some weeks before it."""
_WORKING = (Unit.WORKING, Unit.WORKING_DAYS)
_CURE = "bring Duly up to date, or write the days to come into config/calendars/"


def endings(snapshot: Snapshot, today: dt.date) -> list[Problem]:
    """Warn of each calendar in use that knows no more than the next 60 days, where it is named."""
    return [
        Problem(mark, "K013", sentence, _CURE, "warning")
        for mark, calendar in _used(snapshot)
        if (sentence := _sentence(calendar, today))
    ]


def guess(bound: BoundRule, *moments: dt.datetime | None) -> str:
    """Say that moments are reckoned in working time beyond what the calendar knows; empty when they are not."""
    calendar = bound.working.calendar
    last = max((at.astimezone(bound.zone).date() for at in moments if at), default=None)
    if last is None or calendar.knows(last) or not _counts_workdays(bound):
        return ""
    return f"reckoned up to {last} as if there were no holidays but those it can guess: {_known(calendar)}"


def silence(bound: BoundRule) -> str:
    """Say why a rule that counts from the next day of a calendar has no such day; empty when there are just none."""
    calendar = bound.calendar
    return f"no holiday to come is known: {_known(calendar)}" if calendar and calendar.known_until else ""


def _used(snapshot: Snapshot) -> Iterator[tuple[Mark, Calendar]]:
    directory = snapshot.directory
    yield directory.marks.get("calendar", Mark(DIRECTORY)), directory.calendar
    for bound in snapshot.rules.values():
        if bound.calendar:
            yield bound.rule.marks["clock"], bound.calendar


def _sentence(calendar: Calendar, today: dt.date) -> str:
    if calendar.known_until is None or today + AHEAD <= calendar.known_until:
        return ""
    return f"{_known(calendar)}; after that, working days are a guess and holidays are not announced"


def _known(calendar: Calendar) -> str:
    return f"the calendar “{calendar.name}” is known until {calendar.known_until}"


def _counts_workdays(bound: BoundRule) -> bool:
    """Tell whether the rule counts working time, and whether that hangs on the calendar at all."""
    daily = all(isinstance(days, Daily) for days, _ in bound.working.hours.entries)
    return not daily and any(duration.unit in _WORKING for duration in _durations(bound))


def _durations(bound: BoundRule) -> Iterator[Duration]:
    rule = bound.rule
    yield from rule.due.durations if rule.due else ()
    yield from (step.duration for step in rule.steps if step.duration)
