"""An audience held against the directory and the vocabulary."""

from __future__ import annotations

from duly.rules.directory import Directory
from duly.rules.model import Audience, AudienceKind, Rule
from duly.rules.noun import Noun
from duly.rules.place import place_of
from duly.rules.problem import Mark, Problems, suggest, suggest_or_list

_WORDS = ("owner", "in charge", "told")


def check_owner(rule: Rule, directory: Directory, problems: Problems) -> None:
    """Note a problem when a rule's owner is neither a team nor a person of the directory."""
    if rule.owner and rule.owner not in directory.teams and rule.owner not in directory.staff:
        cure = suggest(rule.owner, [*directory.teams, *directory.staff]) or "write a team or a person of the directory"
        problems.add("R005", rule.marks["owner"], f"unknown owner “{rule.owner}”", cure)


def check_audience(
    audience: Audience, mark: Mark, rule: Rule, noun: Noun, directory: Directory, problems: Problems
) -> None:
    """Note a problem when an audience, which stands at ``mark``, names somebody whom nobody knows."""
    place = place_of(audience.name, rule.text, mark)
    teams = {*directory.teams, *noun.teams}
    match audience.kind:
        case AudienceKind.ON_DUTY | AudienceKind.NEXT_SHIFT:
            if audience.name not in teams:
                _unknown("team", audience.name, place, teams, problems)
        case AudienceKind.ROLE:
            if audience.role not in directory.levels:
                _unknown("role", audience.role, place_of(audience.role, rule.text, mark), directory.levels, problems)
            person = noun.people.get(audience.name)
            if person is not None and not person.staff:
                message = f"“{audience.name}” is not on the staff, so nobody is above them"
                problems.add("R005", place, message, "write “ROLE of TEAM”")
            elif person is None and audience.name not in teams:
                line = {*teams, *(name for name, person in noun.people.items() if person.staff)}
                _unknown("team", audience.name, place, line, problems)
        case AudienceKind.NAME:
            known = {*teams, *noun.people}
            if audience.name not in known and audience.name not in directory.staff:
                cure = suggest(audience.name, [*known, *directory.staff, *_WORDS])
                cure = cure or f"write a person of “{noun.name}” ({', '.join(noun.people) or 'none'}) or a team"
                problems.add("R005", place, f"unknown audience “{audience.name}”", cure)
        case _:
            pass


def _unknown(what: str, name: str, mark: Mark, known: set[str] | tuple[str, ...], problems: Problems) -> None:
    problems.add(
        "R005", mark, f"unknown {what} “{name}”", suggest_or_list(name, known) or "add it to config/directory.yaml"
    )
