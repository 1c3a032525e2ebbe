"""The directory: who works here, in which teams, when, and who stands above whom."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from zoneinfo import ZoneInfo

from duly.api.person import Person
from duly.rules.model import Marks
from duly.rules.shift import Rota, Shift
from duly.time.calendar import Calendar
from duly.time.hours import Hours
from duly.time.working import WorkingTime
from duly.time.zone import DAY

_FAR = 366
"""Days within which a team's next shift must start: a year sees every weekday past every run of holidays."""


@dataclass(frozen=True, slots=True)
class Leave:
    """Days away from work, the last one included."""

    first: dt.date
    last: dt.date


@dataclass(frozen=True, slots=True)
class Staff:
    """Somebody in the directory.

    Parameters
    ----------
    person: what the rest of the world sees of them.
    reports_to: id of the person above them; empty at the top.
    deputy: id of the person who stands in for them.
    leave: days on which they are away.
    left: the first day on which they no longer work here.
    ids: what each source calls them.
    skills: what they can do, in the directory's words.
    shifts: names of the shifts they work; ``None`` for all of their teams'.
    capacity: how many open cases they may be assigned; ``None`` for any number.
    """

    person: Person
    reports_to: str = ""
    deputy: str = ""
    leave: tuple[Leave, ...] = ()
    left: dt.date | None = None
    ids: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    skills: frozenset[str] = frozenset()
    shifts: frozenset[str] | None = None
    capacity: int | None = None

    def is_away(self, day: dt.date) -> bool:
        """Tell whether they are on leave, or gone for good, on ``day``."""
        gone = self.left is not None and day >= self.left
        return gone or any(leave.first <= day <= leave.last for leave in self.leave)

    def works(self, shift: str) -> bool:
        """Tell whether they work the shift of this name when one of their teams does."""
        return self.shifts is None or shift in self.shifts


@dataclass(frozen=True, slots=True)
class Team:
    """People who share the work.

    Parameters
    ----------
    members: ids, in the order of the file.
    roles: ids of those who hold a level here, by level.
    rotas: the shifts the team works, and on which days.
    hours: its working hours; ``None`` for the directory's.
    ids: what each source calls the team.
    """

    name: str
    members: tuple[str, ...] = ()
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rotas: tuple[Rota, ...] = ()
    hours: Hours | None = None
    ids: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Directory:
    """All people and teams of a workspace, as one immutable answer book.

    Every list of ids it gives is without doubles and in the order of the file. Days are days in ``zone``.

    Parameters
    ----------
    zone: where the people work.
    calendar: their working days and holidays.
    day_hours: the working hours of whoever has none of their own.
    levels: roles, in the order in which matters escalate.
    """

    zone: ZoneInfo
    calendar: Calendar
    day_hours: Hours
    levels: tuple[str, ...] = ()
    shifts: Mapping[str, Shift] = field(default_factory=dict)
    staff: Mapping[str, Staff] = field(default_factory=dict)
    teams: Mapping[str, Team] = field(default_factory=dict)
    marks: Marks = field(default_factory=dict, compare=False, repr=False)
    """Keyed by dotted path: ``people.lin.by``, ``teams.logistics.hours``."""

    def person(self, id: str) -> Person:
        """Return the public part of the person ``id``; ``KeyError`` for an id that is not in the directory."""
        return self.staff[id].person

    def by_source_id(self, source: str, id: str) -> str | None:
        """Return who it is that ``source`` calls ``id``; ``None`` for nobody."""
        return self._people_by_source_id.get((source, id))

    def team_of(self, value: str, source: str) -> str | None:
        """Return the team that ``source`` calls ``value``, or whose name it is; ``None`` for no team."""
        return self._teams_by_source_id.get((source, value)) or (value if value in self.teams else None)

    def teams_of(self, id: str) -> tuple[str, ...]:
        """Return the names of the teams of which ``id`` is a member."""
        return tuple(team.name for team in self.teams.values() if id in team.members)

    def hours(self, name: str) -> WorkingTime:
        """Return the working time of the team ``name``; the directory's for a person, or a team without its own."""
        return self._hours_by_team.get(name, self._day_hours)

    def is_away(self, id: str, day: dt.date) -> bool:
        """Tell whether ``id`` is on leave or has left on ``day``; somebody who is not in the directory is away."""
        return id not in self.staff or self.staff[id].is_away(day)

    def stand_in(self, id: str, day: dt.date) -> str | None:
        """Return who does ``id``'s work on ``day``: they themselves, their deputy, the deputy's deputy …, or nobody."""
        asked: list[str] = []
        who = id
        while who in self.staff and who not in asked:
            if not self.is_away(who, day):
                return who
            asked.append(who)
            who = self.staff[who].deputy
        return None

    def on_duty(self, team: str, at: dt.datetime) -> list[str]:
        """Return the members of ``team`` whose shift runs at ``at`` and who are not away.

        A shift over midnight belongs to the day on which it starts, and so does the leave of those who work it.
        """
        today = at.astimezone(self.zone).date()
        found = self.teams.get(team)
        if found is None:
            return []
        there = {
            member
            for day in (today - DAY, today)
            for start, end, rota in self._runs(found, day)
            if start <= at < end
            for member in self._workers(found, rota, day)
        }
        return _in_order(found.members, there)

    def next_shift(self, team: str, at: dt.datetime) -> tuple[dt.datetime, list[str]] | None:
        """Return when the next shift of ``team`` with somebody there starts, after ``at``, and who works it.

        ``None`` when nobody will be there within a year.
        """
        found = self.teams.get(team)
        if found is None:
            return None
        today = at.astimezone(self.zone).date()
        for ahead in range(_FAR):
            day = today + ahead * DAY
            starts: dict[dt.datetime, set[str]] = {}
            for start, end, rota in self._runs(found, day):
                workers = self._workers(found, rota, day)
                if at < start < end and workers:
                    starts.setdefault(start, set()).update(workers)
            if starts:
                start = min(starts)
                return start, _in_order(found.members, starts[start])
        return None

    def role(self, role: str, team: str, day: dt.date) -> list[str]:
        """Return who holds ``role`` in ``team`` on ``day``.

        People who are away give way to their deputies; a role that nobody holds, or whose holders are all away without
        a deputy, gives the next level up. Empty when there is nobody at any level above either.
        """
        roles = self.teams[team].roles if team in self.teams else {}
        for level in self._levels_from(role):
            present = self._present(roles.get(level, ()), day)
            if present:
                return present
        return []

    def role_above(self, role: str, id: str, day: dt.date) -> list[str]:
        """Return the nearest person up ``id``'s reporting line who holds ``role`` in any team.

        Deputies and the next level up as in `role`; never ``id`` themselves.
        """
        line = self._line(id)
        for level in self._levels_from(role):
            holders = {holder for team in self.teams.values() for holder in team.roles.get(level, ())}
            for boss in line:
                present = self._present((boss,) if boss in holders else (), day)
                if present and id not in present:
                    return present
        return []

    def _line(self, id: str) -> list[str]:
        """Return the ids above ``id``, the nearest first."""
        line: list[str] = []
        below = id
        while below in self.staff and (above := self.staff[below].reports_to) and above not in line:
            line.append(above)
            below = above
        return line

    def _levels_from(self, role: str) -> tuple[str, ...]:
        return self.levels[self.levels.index(role) :] if role in self.levels else ()

    def _present(self, ids: Iterable[str], day: dt.date) -> list[str]:
        there = (self.stand_in(holder, day) for holder in ids)
        return list(dict.fromkeys(who for who in there if who))

    def _runs(self, team: Team, day: dt.date) -> Iterator[tuple[dt.datetime, dt.datetime, Rota]]:
        """Go through the shifts of ``team`` that start on ``day``."""
        for rota in team.rotas:
            if rota.runs_on(day, self.calendar):
                yield *rota.shift.span.on(day, self.zone), rota

    def _workers(self, team: Team, rota: Rota, day: dt.date) -> list[str]:
        """Return the members who work ``rota`` on ``day``."""
        return [who for who in team.members if not self.is_away(who, day) and self.staff[who].works(rota.shift.name)]

    @cached_property
    def _day_hours(self) -> WorkingTime:
        return WorkingTime(self.day_hours, self.calendar, self.zone)

    @cached_property
    def _hours_by_team(self) -> dict[str, WorkingTime]:
        return {
            name: WorkingTime(team.hours, self.calendar, self.zone) for name, team in self.teams.items() if team.hours
        }

    @cached_property
    def _people_by_source_id(self) -> dict[tuple[str, str], str]:
        return {
            (source, written): staff.person.id
            for staff in self.staff.values()
            for source, all_written in staff.ids.items()
            for written in all_written
        }

    @cached_property
    def _teams_by_source_id(self) -> dict[tuple[str, str], str]:
        return {
            (source, written): team.name
            for team in self.teams.values()
            for source, all_written in team.ids.items()
            for written in all_written
        }


def _in_order(members: tuple[str, ...], ids: set[str]) -> list[str]:
    return [member for member in members if member in ids]
