"""Which records a check has to see: bounds of their clocks, wide rather than narrow."""

from __future__ import annotations

import datetime as dt

from duly.rules.model import Rule, Step, When
from duly.time.duration import Duration, Unit
from duly.time.repeat import Repeat
from duly.time.working import WorkingTime
from duly.time.zone import DAY, instant, local

ELAPSED_DAY = dt.timedelta(days=1)


def clock_bounds(
    rule: Rule, working: WorkingTime, now: dt.datetime, horizon: dt.datetime, reach: dt.timedelta
) -> tuple[dt.datetime | None, dt.datetime | None]:
    """Bound the clocks of the records that a check has to see: none with a step from ``reach`` ago to ``horizon``
    lies outside.

    Where the clock can stand still, every clock that has begun is asked for: how long it does must be measured.
    Wide rather than narrow: the exact moments are reckoned record by record. Of a step that repeats without an end
    the first time counts, or every record there ever was would be asked for.

    Returns
    -------
    The earliest and the latest clock; ``None`` for a side that cannot be bound, as for a clock that only begins
    when its record is seen.
    """
    if rule.clock and rule.clock.is_first_seen:
        return None, None
    bounds = _Bounds(rule, working)
    steps = [step for step in rule.steps if step.when is not When.UNANSWERED and not step.when.is_event]
    earliest = [bounds.earliest_clock(step, now - reach) for step in steps]
    low = None if not earliest or None in earliest else min(at for at in earliest if at is not None)
    latest = [bounds.latest_clock(step, horizon) for step in steps]
    high = None if not latest or None in latest else max(at for at in latest if at is not None)
    return low, max(high, now) if high and rule.pause else high


class _Bounds:
    """Counts back from the moments of steps to the clocks they may come from."""

    def __init__(self, rule: Rule, working: WorkingTime) -> None:
        self._rule = rule
        self._working = working

    def earliest_clock(self, step: Step, since: dt.datetime) -> dt.datetime | None:
        """Find a clock before which the step comes before ``since``."""
        due = self._rule.due
        end = self._earliest_first(step.repeat, since) if step.repeat else since
        if step.at:
            end = (self._workdays_back(end, 1) if step.keeps_to_workdays else end) - 2 * ELAPSED_DAY
        if step.duration is not None and step.when in (When.AFTER, When.LATE):
            end = self._earliest_start(end, step.duration)
        if due is None or (step.when not in (When.BEFORE, When.LATE) and not step.is_share):
            return end
        if due.time_name:
            return None
        starts = (self._earliest_start(end, duration) for duration in due.durations)
        return min(starts, default=end - 2 * ELAPSED_DAY)

    def _earliest_first(self, repeat: Repeat, since: dt.datetime) -> dt.datetime:
        """Find an instant before which a step comes first if it comes last before ``since``."""
        if repeat.span is not None:
            return self._earliest_start(since, repeat.span)
        if repeat.times is None:
            return since
        if repeat.every is None:
            return self._workdays_back(since, repeat.times)
        again = (repeat.times - 1) * repeat.every.amount
        if repeat.every.unit is Unit.ELAPSED:
            return since - dt.timedelta(seconds=again)
        return since - (again + 1) * ELAPSED_DAY

    def _workdays_back(self, at: dt.datetime, number: int) -> dt.datetime:
        """Find an instant that lies more than ``number`` working days of the calendar before, in any zone."""
        day = local(at, self._working.zone).date() - DAY
        while number:
            day -= DAY
            number -= self._working.calendar.is_workday(day)
        return min(at, instant(day - DAY, dt.time(), self._working.zone))

    def _earliest_start(self, end: dt.datetime, duration: Duration) -> dt.datetime:
        """Find an instant before which the duration ends before ``end``."""
        if duration.unit is Unit.PERCENT:
            return end
        if duration.unit is Unit.WORKING_DAYS:
            # One more, for what starts on a day off counts from the working day before it.
            return self._working.days_back(end, duration.amount + 1) - ELAPSED_DAY
        if duration.unit is Unit.WORKING:
            # One second more, for what starts while the team rests counts from its next opening.
            return self._working.backward(end, duration.amount + 1) - ELAPSED_DAY
        start = self._working.subtract(end, duration)
        return start if duration.unit is Unit.ELAPSED else start - ELAPSED_DAY

    def latest_clock(self, step: Step, horizon: dt.datetime) -> dt.datetime | None:
        """Find a clock after which the step comes after ``horizon``."""
        due = self._rule.due
        from_due = step.when in (When.BEFORE, When.LATE) and due is not None
        if due is not None and due.time_name and (from_due or step.is_share):
            return None
        latest = horizon + ELAPSED_DAY if step.at else horizon
        if step.duration is not None:
            if step.when is When.BEFORE:
                latest = self._latest_end(latest, step.duration)
            else:
                latest -= _at_least(step.duration)
        if from_due and due is not None and due.durations:
            latest -= min(map(_at_least, due.durations))
        return latest

    def _latest_end(self, start: dt.datetime, duration: Duration) -> dt.datetime:
        if duration.unit is Unit.PERCENT:
            due = self._rule.due
            ends = (self._working.add(start, duration) for duration in due.durations) if due else ()
            return max(ends, default=start) + 2 * ELAPSED_DAY
        end = self._working.add(start, duration)
        if duration.unit in (Unit.WORKING, Unit.WORKING_DAYS):
            # Counted backwards, every end up to the next opening leads to the same start.
            end = self._working.next_opening(end) + ELAPSED_DAY
        return end + ELAPSED_DAY if duration.unit is not Unit.ELAPSED else end


def _at_least(duration: Duration) -> dt.timedelta:
    """Give the least real time that a duration takes: working time is never quicker than the clock."""
    if duration.unit in (Unit.ELAPSED, Unit.WORKING):
        return dt.timedelta(seconds=duration.amount)
    if duration.unit is Unit.DAYS:
        # A day with a leap of the clock is an hour, or less, shorter.
        return max(dt.timedelta(days=duration.amount, hours=-3), dt.timedelta(0))
    return dt.timedelta(0)
