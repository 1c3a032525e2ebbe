"""The roundup of a rule held against the vocabulary, the people and the words, and made into asks for."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from duly.rules.audience_check import check_audience
from duly.rules.census import Census
from duly.rules.condition_check import check_condition
from duly.rules.measure import Measure, with_parts
from duly.rules.model import AudienceKind, ClockKind, ClockRef, Rule
from duly.rules.noun import Noun
from duly.rules.own_cases import CASES
from duly.rules.place import place_of
from duly.rules.problem import Mark, Problems, suggest, suggest_or_list
from duly.rules.roundup import Roundup, Section
from duly.rules.surroundings import Surroundings
from duly.rules.text_check import check_report_text

_OF_A_CASE = {AudienceKind.TOLD, AudienceKind.IN_CHARGE}


@dataclass(frozen=True)
class BoundSection:
    """A section that can be asked for.

    Parameters
    ----------
    rule: the rule as this section sees it: its noun, its conditions, its clock.
    noun: what it watches.
    section: what it tells, with a title.
    measures: everything that has to be reckoned for it.
    plan: what it asks its source.
    """

    rule: Rule
    noun: Noun
    section: Section
    measures: tuple[Measure, ...]
    plan: Census


def bind_roundup(rule: Rule, roundup: Roundup, around: Surroundings, problems: Problems) -> tuple[BoundSection, ...]:
    """Check a roundup against everything it names, and bind its sections.

    Returns
    -------
    The sections that can be asked for: fewer than there are when one of them cannot.
    """
    binder = _Binder(rule, roundup, around, problems)
    sections = [binder.section(section) for section in roundup.sections]
    bound = tuple(section for section in sections if section is not None)
    binder.audiences({section.noun.name: section.noun for section in bound}.values())
    return bound


class _Binder:
    def __init__(self, rule: Rule, roundup: Roundup, around: Surroundings, problems: Problems) -> None:
        self.rule = rule
        self.roundup = roundup
        self.around = around
        self.problems = problems

    def audiences(self, nouns: Iterable[Noun]) -> None:
        """Check who hears, in which words."""
        roundup = self.roundup
        known = list(nouns)
        for place, audience in enumerate(roundup.tell):
            mark = roundup.marks[f"tell.{place}"]
            record = {name for noun in known for name in (*noun.people, *noun.teams)} - {roundup.each}
            if audience.kind in _OF_A_CASE or (audience.name in record and audience.name not in self._teams()):
                message = f"“{audience.written}” is not the same for every record"
                cure = f"add “each: {audience.name}”" if audience.name in record else "write “TEAM” or “ROLE of TEAM”"
                self.problems.add("R032", mark, message, cure)
                continue
            for noun in known[:1]:
                check_audience(audience, mark, self.rule, noun, self.around.directory, self.problems)
        for noun in known:
            if roundup.each and not self._splits(noun):
                words = [*noun.teams, *_staff(noun), *noun.fields]
                cure = suggest_or_list(roundup.each, words)
                message = f"“{noun.name}” has no “{roundup.each}” to split by"
                self.problems.add("R005", roundup.marks["each"], message, cure)
        check_report_text(
            roundup.text, roundup.by, roundup.marks.get("text", roundup.marks[""]), self.around, self.problems
        )

    def section(self, section: Section) -> BoundSection | None:
        """Bind one section; ``None`` when it cannot be asked for."""
        noun = self._noun(section)
        if noun is None:
            return None
        rule = self._seen(section)
        conditions = [*rule.where, *rule.except_, *rule.done]
        answers = [check_condition(condition, noun, self.rule.text, self.problems) for condition in conditions]
        sound = [*answers, self._words(section, noun), self._measures(section, noun), self._per(section, noun)]
        clock, has_clock = self._clock(rule, section, noun)
        if not all(sound) or not has_clock:
            return None
        rule = dataclasses.replace(rule, clock=clock)
        measures = {part.name: part for name in section.measure for part in with_parts(name, noun.measures)}
        told = dataclasses.replace(section, title=section.title or self._title(section))
        plan = _census(rule, noun, section, tuple(measures.values()), self.roundup)
        return BoundSection(rule, noun, told, tuple(measures.values()), plan)

    def _noun(self, section: Section) -> Noun | None:
        name = section.watch or self.rule.watch
        found = self.around.nouns.get(name) or (CASES if name == CASES.name else None)
        if found is None and name:
            marks = section.marks if section.watch else self.rule.marks
            if name in self.around.broken_nouns:
                message = f"the vocabulary of “{name}” has errors"
                self.problems.add("R021", marks["watch"], message, "mend its file")
            else:
                cure = suggest_or_list(name, [*self.around.nouns, CASES.name])
                self.problems.add("R005", marks["watch"], f"unknown noun “{name}”", cure)
        return found

    def _seen(self, section: Section) -> Rule:
        """Give the rule as a section sees it; one that watches something else has only its own conditions."""
        rule = self.rule
        own = bool(section.watch)
        where, except_, done = ((), (), ()) if own else (rule.where, rule.except_, rule.done)
        return dataclasses.replace(
            rule,
            watch=section.watch or rule.watch,
            where=(*where, *section.where),
            except_=(*except_, *section.except_),
            done=done,
            clock=None if own else rule.clock,
            roundup=None,
            examples=(),
        )

    def _clock(self, rule: Rule, section: Section, noun: Noun) -> tuple[ClockRef | None, bool]:
        """Find the time that puts a list's records into the period, and tell whether all is well with it.

        Without one the list holds all there is at the slot: what is open, or late, is so whenever it began.
        """
        if section.clock:
            mark, clock = section.marks["clock"], ClockRef(ClockKind.TIME, section.clock)
        elif rule.clock is not None:
            mark, clock = rule.marks["clock"], rule.clock
        elif len(noun.times) == 1:
            return ClockRef(ClockKind.TIME, next(iter(noun.times))), True
        else:
            return None, True
        if clock.kind is not ClockKind.TIME:
            self.problems.add("R032", mark, f"“{clock}” puts no record into a period", "write a time of the noun")
            return None, False
        if clock.name not in noun.times:
            cure = suggest_or_list(clock.name, noun.times)
            self.problems.add("R005", mark, f"“{noun.name}” has no time “{clock.name}”", cure)
            return None, False
        return clock, True

    def _words(self, section: Section, noun: Noun) -> bool:
        people = [name for name, person in noun.people.items() if not person.many]
        known = [*noun.fields, *noun.times, *people, *noun.teams]
        named = [self._known(name, known, "field", noun, section.marks["list"]) for name in section.list]
        sorted_by = [self._known(name, known, "field", noun, section.marks["sort"]) for name in section.sort]
        return all([*named, *sorted_by])

    def _measures(self, section: Section, noun: Noun) -> bool:
        mark = section.marks.get("measure")
        return all([self._known(name, noun.measures, "measure", noun, mark) for name in section.measure])  # noqa: C419

    def _per(self, section: Section, noun: Noun) -> bool:
        known = [*noun.fields, *noun.teams, *_staff(noun)]
        return not section.per or self._known(section.per, known, "field", noun, section.marks["per"])

    def _known(self, name: str, known: Iterable[str], what: str, noun: Noun, mark: Mark | None) -> bool:
        if name in known:
            return True
        place = place_of(name, self.rule.text, mark or self.rule.marks["roundup"])
        cure = suggest(name, known) or f"add it to {noun.path}" if noun.path else suggest_or_list(name, known)
        self.problems.add("R005", place, f"“{noun.name}” has no {what} “{name}”", cure)
        return False

    def _title(self, section: Section) -> str:
        """Name a section that has no title: by its rule where it is the only one, else by its noun."""
        return self.rule.title if len(self.roundup.sections) == 1 else (section.watch or self.rule.watch)

    def _splits(self, noun: Noun) -> bool:
        each = self.roundup.each
        return each in noun.teams or each in noun.fields or each in _staff(noun)

    def _teams(self) -> Mapping[str, object]:
        return self.around.directory.teams


def _staff(noun: Noun) -> list[str]:
    return [name for name, person in noun.people.items() if person.staff]


def _census(rule: Rule, noun: Noun, section: Section, measures: tuple[Measure, ...], roundup: Roundup) -> Census:
    told = {*section.list, *section.sort, section.per, roundup.each, *(measure.of for measure in measures)}
    on = {measure.on for measure in measures}
    if section.list and rule.clock:
        on.add(rule.clock.name)
    people = {name: person for name, person in noun.people.items() if name in told}
    return Census(
        rule,
        noun,
        times=tuple(noun.times[name] for name in noun.times if name in {*on, *told}),
        bounds=frozenset(on if roundup.period else ()),
        facts=tuple({measure.of for measure in measures if measure.of in noun.facts}),
        fields=tuple(name for name in noun.fields if name in told),
        teams=tuple(name for name in noun.teams if name in told),
        staff=tuple(name for name, person in people.items() if person.staff),
        people=tuple(name for name, person in people.items() if "name" in person.columns),
    )
