"""When a case is due and when each of its steps comes: pure reckoning, without a database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from duly.engine.bounds import clock_bounds
from duly.engine.occurrences import Fired, Occurrence, Occurrences, last_of, told_at
from duly.engine.pauses import NONE, GiveBack, Pauses
from duly.rules.bind import BoundRule
from duly.rules.model import Step, When
from duly.time.duration import Duration, Unit
from duly.time.repeat import Repeat, Series
from duly.time.zone import DAY, first_at, instant, local, zone


@dataclass(frozen=True, slots=True)
class Timed:
    """A step that still waits, and the moment it comes; ``None`` while it waits for an earlier step's answer.

    Of a step that repeats, ``occurrence`` tells which time this is, ``passed`` how many it overtakes, and ``since``
    when the first of them came.
    """

    step: Step
    moment: dt.datetime | None
    occurrence: int = 0
    passed: int = 0
    since: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class _Matter:
    """What the times of a case are reckoned from."""

    clock_at: dt.datetime
    due_at: dt.datetime | None
    record_zone: str
    fired: Fired
    acknowledged_at: dt.datetime | None
    pauses: Pauses


class Timing:
    """Reckons the times of one version of a rule.

    Parameters
    ----------
    bound: the rule, bound to its noun and to its owner's working time.
    """

    def __init__(self, bound: BoundRule) -> None:
        self._rule = bound.rule
        self._working = bound.working
        self._customers = frozenset(name for name, person in bound.noun.people.items() if not person.staff)

    def due(
        self,
        clock_at: dt.datetime,
        times: Mapping[str, dt.datetime],
        stage: str = "",
        pauses: Pauses = NONE,
    ) -> dt.datetime | None:
        """Reckon by when a record must be done.

        Parameters
        ----------
        clock_at: the instant its clock counts from.
        times: the noun's times that the rule's ``due`` names.
        stage: the value of the field by which a table goes.
        pauses: when the clock stood still; one that goes on counts once it is over.

        Returns
        -------
        The due instant; ``None`` when the rule has no ``due``, the record lacks the time it names, or the table does
        not provide for its stage.
        """
        due = self._rule.due
        if due is None:
            return None
        duration = due.duration
        if due.table is not None:
            entry = due.table.entry(stage)
            if entry is None:
                return None
            duration = entry.duration
        if duration is not None:
            at: dt.datetime | None = self._working.add(clock_at, duration)
        elif due.times:
            at = min(first_at(clock_at, time, self._working.zone) for time in due.times)
        else:
            at = times.get(due.time_name)
        return pauses.carried(at, clock_at, self._give_back(duration)) if at else None

    def waiting(
        self,
        clock_at: dt.datetime,
        due_at: dt.datetime | None,
        record_zone: str,
        fired: Fired,
        acknowledged_at: dt.datetime | None = None,
        pauses: Pauses = NONE,
    ) -> list[Timed]:
        """List the steps that have not fired, with their moments, in the rule's order; of one that repeats, the next.

        Parameters
        ----------
        acknowledged_at: when somebody last took the case on; ``unanswered`` steps rest for a working day (law 14).
        pauses: when the clock stood still; a step that comes while it still does has no moment.
        """
        matter = self._matter(clock_at, due_at, record_zone, fired, acknowledged_at, pauses)
        return [timed for timed, _ in self._waiting(matter)]

    def overdue(
        self,
        now: dt.datetime,
        clock_at: dt.datetime,
        due_at: dt.datetime | None,
        record_zone: str,
        fired: Fired,
        acknowledged_at: dt.datetime | None = None,
        pauses: Pauses = NONE,
    ) -> list[Timed]:
        """List the steps that have come by ``now``, in the rule's order; of one that repeats, the latest (law 4)."""
        found = []
        matter = self._matter(clock_at, due_at, record_zone, fired, acknowledged_at, pauses)
        for timed, left in self._waiting(matter):
            if timed.moment is not None and timed.moment <= now:
                latest = left.latest(now) if left else None
                found.append(replace(_timed(timed.step, latest), since=timed.moment) if latest else timed)
        return found

    def next_at(
        self,
        clock_at: dt.datetime,
        due_at: dt.datetime | None,
        record_zone: str,
        fired: Fired,
        acknowledged_at: dt.datetime | None = None,
        pauses: Pauses = NONE,
    ) -> dt.datetime | None:
        """Find the earliest moment of a step that has not fired; ``None`` when nothing is left to wait for."""
        return min(self.moments(clock_at, due_at, record_zone, fired, acknowledged_at, pauses), default=None)

    def moments(
        self,
        clock_at: dt.datetime,
        due_at: dt.datetime | None,
        record_zone: str,
        fired: Fired,
        acknowledged_at: dt.datetime | None = None,
        pauses: Pauses = NONE,
    ) -> list[dt.datetime]:
        """List the moments of the steps that have not fired, of those whose moment is known.

        Of a step that repeats it is the next one, and the last if there is a last one.
        """
        found = []
        matter = self._matter(clock_at, due_at, record_zone, fired, acknowledged_at, pauses)
        for timed, left in self._waiting(matter):
            if timed.moment is not None:
                found.append(timed.moment)
            if left and left.final:
                found.append(left.final.moment)
        return found

    def _matter(
        self,
        clock_at: dt.datetime,
        due_at: dt.datetime | None,
        record_zone: str,
        fired: Fired,
        acknowledged_at: dt.datetime | None,
        pauses: Pauses,
    ) -> _Matter:
        stood = pauses if self._rule.due is None else pauses.before(due_at)
        return _Matter(clock_at, due_at, record_zone, fired, acknowledged_at, stood)

    def _waiting(self, matter: _Matter) -> Iterator[tuple[Timed, Occurrences | None]]:
        for index, step in enumerate(self._rule.steps):
            if step.when.is_event:
                last = last_of(step.identity, matter.fired)
                comes_again = last is not None and last.state == "cancelled" and step.when is When.CHANGED
                if last is not None and (last.state == "noticed" or comes_again):
                    yield Timed(step, self._on_the_wall(step, last.moment, matter), last.occurrence), None
                continue
            if step.repeat is None:
                firing = matter.fired.get((step.identity, 0))
                if firing is None or firing.state == "cancelled":
                    yield Timed(step, self._moment(index, matter)), None
                continue
            left = self._occurrences(index, step.repeat, matter)
            if left is None:
                yield Timed(step, None), None
            elif left.next is not None:
                yield _timed(step, left.next), left

    def expiry(
        self, step: Step, moment: dt.datetime, due_at: dt.datetime | None, clock_at: dt.datetime
    ) -> dt.datetime | None:
        """Find when a step is no longer worth firing: its own ``expires``, and for ``before`` the due time.

        A ``before`` step that repeats goes on after the due time.
        """
        ends = []
        if step.when is When.BEFORE and step.repeat is None:
            ends.append(due_at or clock_at)
        if step.expires is not None:
            ends.append(self._working.add(moment, step.expires))
        return min(ends, default=None)

    def clock_bounds(
        self, now: dt.datetime, horizon: dt.datetime, reach: dt.timedelta
    ) -> tuple[dt.datetime | None, dt.datetime | None]:
        """Bound the clocks of the records that a check has to see, as `duly.engine.bounds.clock_bounds` says."""
        return clock_bounds(self._rule, self._working, now, horizon, reach)

    def _unshifted(self, index: int, matter: _Matter) -> dt.datetime | None:
        step, clock_at, pauses = self._rule.steps[index], matter.clock_at, matter.pauses
        if step.when is When.AT or step.duration is None:
            return clock_at
        if step.when is When.UNANSWERED:
            answered = told_at(self._rule.steps[index - 1].identity, matter.fired) if index else None
            return self._counted(answered, step.duration, pauses) if answered is not None else None
        is_share = step.duration.unit is Unit.PERCENT
        if (step.when is When.AFTER and not is_share) or (step.when is When.LATE and self._rule.due is None):
            return self._counted(clock_at, step.duration, pauses)
        end = matter.due_at if self._rule.due is not None else clock_at
        if end is None:
            return None
        if is_share:
            return self._part(step, step.duration.amount / 100, clock_at, end, pauses)
        if step.when is When.LATE:
            return self._working.add(end, step.duration)
        return self._working.subtract(end, step.duration)

    def _counted(self, start: dt.datetime, duration: Duration, pauses: Pauses) -> dt.datetime:
        """Count from ``start``, without the time in which the clock stood still."""
        return pauses.carried(self._working.add(start, duration), start, self._give_back(duration))

    def _part(
        self, step: Step, share: float, clock_at: dt.datetime, due_at: dt.datetime, pauses: Pauses
    ) -> dt.datetime:
        """Find the moment at which a share of the time until due has passed, or is left."""
        durations = self._rule.due.durations if self._rule.due else ()
        counted = next(iter(durations), None)
        whole = self._without(pauses, clock_at, due_at, counted) - clock_at
        if step.when is When.BEFORE:
            return due_at - whole * share
        return pauses.carried(clock_at + whole * share, clock_at, self._give_back(counted))

    def _without(
        self, pauses: Pauses, clock_at: dt.datetime, due_at: dt.datetime, counted: Duration | None
    ) -> dt.datetime:
        """Find when a case would have been due without its pauses."""
        stretches = pauses.since(clock_at)
        if _is_working(counted):
            return self._working.backward(due_at, sum(self._working.between(*stretch) for stretch in stretches))
        return due_at - sum((ended - began for began, ended in stretches), dt.timedelta())

    def _give_back(self, counted: Duration | None) -> GiveBack:
        """Give back what a pause took in working time where that is what counts, else as it passed."""
        if _is_working(counted):
            return lambda moment, began, ended: self._working.forward(moment, self._working.between(began, ended))
        return lambda moment, began, ended: moment + (ended - began)

    def _moment(self, index: int, matter: _Matter) -> dt.datetime | None:
        """Reckon when a step comes, or comes first; ``None`` while the clock stands still by then."""
        step = self._rule.steps[index]
        moment = self._unshifted(index, matter)
        resumes_at = self._resumes_at(step, matter)
        if moment is not None and resumes_at is not None and step.repeat is None:
            moment = max(moment, resumes_at)
        while moment is not None:
            moment = self._on_the_wall(step, moment, matter)
            stretch = matter.pauses.around(moment)
            if stretch is None:
                break
            moment = stretch.ended
        return moment

    def _on_the_wall(self, step: Step, moment: dt.datetime, matter: _Matter) -> dt.datetime:
        """Put off a moment to the time of day that the step names."""
        if step.at is None:
            return moment
        local_zone = self._zone_of(step, matter.record_zone)
        at = first_at(moment, step.at, local_zone)
        if not step.keeps_to_workdays:
            return at
        day = local(at, local_zone).date()
        while not self._working.calendar.is_workday(day):
            day += DAY
        return instant(day, step.at, local_zone)

    def _occurrences(self, index: int, repeat: Repeat, matter: _Matter) -> Occurrences | None:
        """Find what is left of a step that repeats; ``None`` while it waits for an answer, or for its clock to run."""
        step = self._rule.steps[index]
        first = self._moment(index, matter)
        if first is None:
            return None
        local_zone = self._zone_of(step, matter.record_zone)
        wall = step.at or local(first, local_zone).time()
        series = Series(first, repeat, wall, local_zone, self._working.calendar)
        end = self._working.add(first, repeat.span) if repeat.span else None
        last, resumes_at = last_of(step.identity, matter.fired), self._resumes_at(step, matter)
        left = Occurrences(series, end, last, resumes_at)
        while left.next and (stretch := matter.pauses.around(left.next.moment)):
            if stretch.ended is None:
                return None
            left = Occurrences(series, end, last, stretch.ended)
        return left

    def _resumes_at(self, step: Step, matter: _Matter) -> dt.datetime | None:
        """Find until when an ``unanswered`` step rests because somebody has taken the case on."""
        if matter.acknowledged_at is None or step.when is not When.UNANSWERED:
            return None
        return self._working.days(matter.acknowledged_at, 1)

    def _zone_of(self, step: Step, record_zone: str) -> ZoneInfo:
        """A customer's 10:00 is ten o'clock where the customer lives; the staff's is the desk's."""
        if record_zone and step.audience.name in self._customers and not step.audience.role:
            return zone(record_zone)
        return self._working.zone


def _timed(step: Step, occurrence: Occurrence) -> Timed:
    return Timed(step, occurrence.moment, occurrence.number, occurrence.passed)


def _is_working(duration: Duration | None) -> bool:
    return duration is not None and duration.unit in (Unit.WORKING, Unit.WORKING_DAYS)
