"""Facts that the directory knows and no table does: whether whoever has a record has left, or is on leave."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from duly.rules.directory import Directory
from duly.rules.noun import Fact, Noun

ASSIGNEE = "assignee"
GONE, ON_LEAVE = "assignee gone", "assignee on leave"


def with_absences(noun: Noun, directory: Directory) -> Noun:
    """Give a noun the facts about its ``assignee``; one that has none, or facts of these names, is left as it is."""
    person = noun.people.get(ASSIGNEE)
    if person is None or not person.staff:
        return noun
    who, source = f"({person.staff})", noun.source
    own = {GONE: Fact(GONE, _gone(who, source, directory)), ON_LEAVE: Fact(ON_LEAVE, _on_leave(who, source, directory))}
    return dataclasses.replace(noun, facts={**own, **noun.facts})


def _gone(who: str, source: str, directory: Directory) -> str:
    """Say that somebody has left, or is nobody of whom the directory knows."""
    known = [id for staff in directory.staff.values() for id in staff.ids.get(source, ())]
    ways = [f"{who} not in {_listed(known)}"] if known else [f"{who} is not null"]
    ways += [
        f"({who} in {_listed(staff.ids[source])} and :today >= '{staff.left.isoformat()}')"
        for staff in directory.staff.values()
        if staff.left and staff.ids.get(source)
    ]
    return f"({' or '.join(ways)})"


def _on_leave(who: str, source: str, directory: Directory) -> str:
    ways = [
        f"({who} in {_listed(staff.ids[source])} and :today between '{away.first}' and '{away.last}')"
        for staff in directory.staff.values()
        for away in staff.leave
        if staff.ids.get(source)
    ]
    return f"({' or '.join(ways)})" if ways else "1 = 0"


def _listed(ids: Iterable[str]) -> str:
    quoted = (id.replace("'", "''").replace("\\", "") for id in ids)
    return "(" + ", ".join(f"'{id}'" for id in quoted) + ")"
