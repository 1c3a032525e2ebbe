"""The examples of a rule held against the vocabulary, and made definite."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Mapping

from duly.rules.by import parse_by
from duly.rules.example_file import parse_example_time
from duly.rules.model import Example, ExampleEvent, Rule
from duly.rules.noun import Noun
from duly.rules.place import place_of
from duly.rules.problem import Mark, Problems, suggest, suggest_or_list

EVENTS = ("acknowledged", "down", "up")
"""What may happen in an example besides facts and values: somebody answers, the daemon stops, and runs again."""

_ATTRIBUTES = re.compile(r"name|phone|email|chat|lang|zone|rest|no_\w+")


def bind_examples(rule: Rule, noun: Noun, channels: Collection[str], problems: Problems) -> tuple[Example, ...]:
    """Sort what each example says of the record from what it says of its people, and note what is unknown.

    Where the record is itself a person (``customer`` of ``customers``), its addresses are the person's.
    """
    in_charge = [entry.who for entry in rule.due.table.all if entry.who] if rule.due and rule.due.table else []
    told = rule.roundup.tell if rule.roundup else ()
    audiences = {audience.written for audience in (*(step.audience for step in rule.steps), *in_charge, *told)}
    return tuple(_Example(example, rule, noun, channels, problems).bind(audiences) for example in rule.examples)


class _Example:
    def __init__(self, example: Example, rule: Rule, noun: Noun, channels: Collection[str], problems: Problems) -> None:
        self.example = example
        self.rule = rule
        self.noun = noun
        self.channels = channels
        self.problems = problems
        self.mark = example.mark

    def bind(self, audiences: Collection[str]) -> Example:
        given: dict[str, str] = {}
        people: dict[str, Mapping[str, str]] = {}
        known = {*self.noun.times, *self.noun.facts, *self.noun.fields, *self.noun.counts}
        for word, values in self.example.people.items():
            if word != self.noun.one and word not in self.noun.people:
                cure = suggest_or_list(word, {self.noun.one, *self.noun.people})
                self._problem("005", self._place(word, self.mark), f"unknown “{word}” in an example", cure)
                continue
            of_record = {key: value for key, value in values.items() if word == self.noun.one and key in known}
            of_person = {key: value for key, value in values.items() if key not in of_record}
            given.update(of_record)
            self._check_person(word, of_person, known)
            if of_person and word in self.noun.people:
                people[word] = of_person
        self._check_given(given)
        for word, values in self.example.records:
            self._check_record(word, values, known)
        for event in self.example.then:
            self._check_event(event)
        for event in self.example.expect:
            self._check_expected(event, audiences)
        return dataclasses.replace(self.example, given=given, people=people)

    def _check_record(self, word: str, values: Mapping[str, str], known: Collection[str]) -> None:
        """Check one of several records, which only the example of a roundup has."""
        if self.rule.roundup is None or word != self.noun.name:
            cure = f"write “{self.noun.one}: {{…}}”" if self.rule.roundup is None else f"write “{self.noun.name}: […]”"
            self._problem("005", self._place(word, self.mark), f"unknown “{word}” in an example", cure)
            return
        for key in values:
            if key not in known:
                message = f"unknown “{key}” of {self.noun.one} in an example"
                self._problem("005", self._place(key, self.mark), message, suggest_or_list(key, known))
        self._check_given(values)

    def _check_person(self, word: str, values: Mapping[str, str], known: Collection[str]) -> None:
        person = word in self.noun.people
        for key in values:
            if not (person and _ATTRIBUTES.fullmatch(key)):
                options = known if word == self.noun.one else ("name", "phone", "email", "chat", "lang", "zone", "rest")
                message = f"unknown “{key}” of {word} in an example"
                self._problem("005", self._place(key, self.mark), message, suggest_or_list(key, options))

    def _check_given(self, given: Mapping[str, str]) -> None:
        for key, value in given.items():
            place = self._place(value, self._place(key, self.mark))
            if key in self.noun.facts and value not in ("yes", "no"):
                self._problem("004", place, f"the fact “{key}” cannot be “{value}”", "write yes or no")
            elif key in self.noun.times and value != "none":
                try:
                    parse_example_time(value)
                except ValueError as error:
                    self._problem("004", place, str(error))

    @property
    def _named(self) -> tuple[str, ...]:
        """What has a value that may change."""
        return (*self.noun.fields, *self.noun.counts)

    def _check_event(self, event: ExampleEvent) -> None:
        what = event.what.removeprefix("not ")
        if what in self.noun.facts or event.what in EVENTS:
            return
        if time := next((name for name in self.noun.times if event.what.startswith(f"{name} ")), None):
            self._check_given({time: event.what.removeprefix(time).strip()})
            return
        field = next((name for name in self._named if what == name or what.startswith(f"{name} ")), None)
        if field is None:
            cure = (
                suggest(what, [*self.noun.facts, *EVENTS])
                or "write a fact, a field or a time with its value, or acknowledged"
            )
            self._problem("005", self._place(what, event.mark), f"“{what}” is nothing that happens", cure)
            return
        value = what.removeprefix(field).strip()
        options = self.noun.fields[field].one_of if field in self.noun.fields else ()
        if not value:
            self._problem("004", self._place(what, event.mark), f"“{field}” needs its new value", f"write “{field} …”")
        elif options and value not in options:
            message = f"“{field}” is never “{value}”"
            self._problem("005", self._place(value, event.mark), message, suggest_or_list(value, options))

    def _check_expected(self, event: ExampleEvent, audiences: Collection[str]) -> None:
        audience, by, channels = event.what.partition(" with ")[0].partition(" by ")
        if audience not in audiences:
            cure = suggest_or_list(audience, audiences)
            teller = "the roundup of this rule never" if self.rule.roundup else "no step of this rule"
            message = f"{teller} tells “{audience}”"
            self._problem("005", self._place(audience, event.mark), message, cure)
        if by:
            try:
                named = [channel for fallbacks in parse_by([channels]) for channel in fallbacks]
            except ValueError as error:
                self._problem("004", self._place(channels, event.mark), str(error))
                return
            for channel in named:
                if channel not in self.channels:
                    cure = suggest_or_list(channel, self.channels)
                    self._problem("005", self._place(channel, event.mark), f"unknown channel “{channel}”", cure)

    def _place(self, word: str, mark: Mark) -> Mark:
        """Find ``word`` from ``mark`` on, over the lines of the example."""
        last = max([self.mark.line, *(event.mark.line for event in (*self.example.then, *self.example.expect))])
        for line in range(mark.line, last + 8):
            start = mark if line == mark.line else Mark(mark.path, line)
            found = place_of(word, self.rule.text, start)
            if found != start:
                return found
        return mark

    def _problem(self, number: str, mark: Mark, message: str, cure: str = "") -> None:
        self.problems.add("X" + number, mark, message, cure)
