"""Whom a step means now: from the words of a rule to people."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from duly.api.person import Person
from duly.rules.directory import Directory
from duly.rules.model import Audience, AudienceKind
from duly.rules.record import Record


@dataclass(frozen=True, slots=True)
class Reached:
    """Who hears.

    Parameters
    ----------
    people: nobody when ``wait_until`` is set.
    wait_until: nobody is on duty; the next shift starts then.
    instead_of: the audience that was empty, when somebody else hears in its place (law 13).
    crowd: how many people it is, when they are many: they are read as their deliveries are written.
    """

    people: tuple[Person, ...]
    wait_until: dt.datetime | None = None
    instead_of: str = ""
    crowd: int = 0


class Audiences:
    """Resolves audiences for the records of one noun.

    Parameters
    ----------
    directory: the people who work here.
    source: the name of the source, by whose ids the directory knows people and teams.
    operator: id of the person who hears when nobody else can.
    """

    def __init__(self, directory: Directory, source: str, operator: str) -> None:
        self._directory = directory
        self._source = source
        self._operator = operator

    def resolve(
        self,
        audience: Audience,
        record: Record,
        owner: str,
        now: dt.datetime,
        *,
        in_charge: str | None = None,
        assignee: str | None = None,
        told: Sequence[Person] = (),
        urgent: bool = False,
    ) -> Reached:
        """Find out whom ``audience`` means at ``now``.

        Parameters
        ----------
        owner: the rule's owner, a team or a person.
        in_charge: id of the person who has the case.
        assignee: id of the person to whom the case has been assigned, who comes before the record's own.
        told: the people who have heard of the case so far.
        urgent: whether the matter cannot wait for a shift.
        """
        if assignee in self._directory.staff:
            day = now.astimezone(self._directory.zone).date()
            present = self._directory.stand_in(str(assignee), day)
            if present:
                record = replace(record, people={**record.people, "assignee": self._directory.person(present)})
        if audience.kind is AudienceKind.ON_DUTY:
            team = self._team(audience.name, record)
            people = self._staff(self._directory.on_duty(team, now))
            if people:
                return Reached(people)
            shift = self._directory.next_shift(team, now)
            if shift is not None and not urgent:
                return Reached((), wait_until=shift[0])
            return self._somebody(audience.written, team, owner, now)
        people = self._named(audience, record, owner, now, in_charge, told)
        return Reached(people) if people else self._somebody(audience.written, owner, owner, now)

    def owner(self, owner: str, now: dt.datetime) -> tuple[Person, ...]:
        """Find who answers for a rule: the owner, else the operator."""
        return self._owner(owner, now) or self.operator()

    def operator(self) -> tuple[Person, ...]:
        """Find who runs Duly."""
        return self._staff([self._operator] if self._operator in self._directory.staff else [])

    def holder(self, record: Record, in_charge: str | None, now: dt.datetime) -> Person | None:
        """Find who has a matter: whoever it was handed to, else the record's ``assignee``."""
        if in_charge in self._directory.staff:
            return self._directory.person(str(in_charge))
        present = self._record_person("assignee", record, now)
        return present[0] if present else None

    def _named(
        self,
        audience: Audience,
        record: Record,
        owner: str,
        now: dt.datetime,
        in_charge: str | None,
        told: Sequence[Person],
    ) -> tuple[Person, ...]:
        day = now.astimezone(self._directory.zone).date()
        match audience.kind:
            case AudienceKind.NEXT_SHIFT:
                shift = self._directory.next_shift(self._team(audience.name, record), now)
                return self._staff(shift[1] if shift else [])
            case AudienceKind.OWNER:
                return self._owner(owner, now)
            case AudienceKind.IN_CHARGE:
                holder = self.holder(record, in_charge, now)
                return (holder,) if holder else ()
            case AudienceKind.TOLD:
                return tuple(told)
            case AudienceKind.ROLE if self._is_person(audience.name, record):
                below = self._record_person(audience.name, record, now)
                return self._staff(self._directory.role_above(audience.role, below[0].id, day) if below else [])
            case AudienceKind.ROLE:
                return self._staff(self._directory.role(audience.role, self._team(audience.name, record), day))
            case _ if self._is_person(audience.name, record):
                return self._record_person(audience.name, record, now)
            case _ if audience.name in self._directory.staff:
                present = self._directory.stand_in(audience.name, day)
                return self._staff([present] if present else [])
            case _:
                team = self._directory.teams.get(self._team(audience.name, record))
                members = team.members if team else ()
                return self._staff([id for id in members if not self._directory.is_away(id, day)])

    def _somebody(self, written: str, team: str, owner: str, now: dt.datetime) -> Reached:
        """An empty audience is never silence: the next shift, then the owner, then the operator hears."""
        shift = self._directory.next_shift(team, now)
        people = self._staff(shift[1]) if shift else ()
        return Reached(people or self.owner(owner, now), instead_of=written)

    def _owner(self, owner: str, now: dt.datetime) -> tuple[Person, ...]:
        day = now.astimezone(self._directory.zone).date()
        if owner in self._directory.teams:
            on_duty = self._directory.on_duty(owner, now)
            for level in self._directory.levels:
                holders = self._directory.role(level, owner, day)
                if holders:
                    return self._staff(holders)
            return self._staff(on_duty)
        present = self._directory.stand_in(owner, day)
        return self._staff([present] if present else [])

    def _is_person(self, name: str, record: Record) -> bool:
        return name in record.people or name in record.staff

    def _record_person(self, name: str, record: Record, now: dt.datetime) -> tuple[Person, ...]:
        if name in record.people:
            return (record.people[name],)
        source_id = record.staff.get(name)
        id = self._directory.by_source_id(self._source, source_id) if source_id else None
        day = now.astimezone(self._directory.zone).date()
        present = self._directory.stand_in(id, day) if id else None
        return self._staff([present] if present else [])

    def _team(self, name: str, record: Record) -> str:
        """Turn a word of the noun (``department``) into the team it stands for in this record."""
        if name in record.teams:
            return self._directory.team_of(record.teams[name], self._source) or ""
        return name

    def _staff(self, ids: Sequence[str]) -> tuple[Person, ...]:
        return tuple(self._directory.person(id) for id in ids)
