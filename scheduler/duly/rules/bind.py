"""A rule bound to the vocabulary, the people and the words of its workspace."""

from __future__ import annotations

import dataclasses
import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo

from duly.rules.absence import with_absences
from duly.rules.anniversary import LEAP_DAYS
from duly.rules.audience_check import check_audience, check_owner
from duly.rules.condition_check import check_condition, check_fact
from duly.rules.due_check import check_due, staged_by
from duly.rules.example_check import bind_examples
from duly.rules.futile import check_futile
from duly.rules.model import AudienceKind, By, ClockKind, ClockRef, Limits, Rule, Step
from duly.rules.noun import Noun
from duly.rules.place import place_of
from duly.rules.plan import Plan
from duly.rules.problem import Mark, Problems, suggest, suggest_or_list
from duly.rules.roundup import Roundup
from duly.rules.roundup_bind import BoundSection, bind_roundup
from duly.rules.step_file import ASSIGN, CALL, WRITE
from duly.rules.surroundings import Surroundings
from duly.rules.text_check import check_group, check_text
from duly.rules.write import ASSIGNEE
from duly.time.calendar import Calendar
from duly.time.working import WorkingTime


@dataclass(frozen=True)
class BoundRule:
    """A rule that can run.

    Parameters
    ----------
    rule: the rule, its clock, its limits and its examples made definite.
    noun: what it watches.
    working: the working time of its owner's team.
    calendar: the calendar whose next day is its clock; ``None`` when its clock is a time.
    sections: what its roundup asks for; none for a rule with steps.
    """

    rule: Rule
    noun: Noun
    working: WorkingTime
    calendar: Calendar | None = None
    sections: tuple[BoundSection, ...] = ()

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which the rule's schedules and times of day are meant."""
        return self.working.zone

    @cached_property
    def plan(self) -> Plan:
        """What the rule asks its source; of a roundup, what its first section asks."""
        return self.sections[0].plan if self.sections else Plan(self.rule, self.noun)

    @property
    def plans(self) -> tuple[Plan, ...]:
        """Everything that the rule asks: one plan, or one for each section of its roundup."""
        return tuple(section.plan for section in self.sections) or (self.plan,)

    @property
    def day_clock(self) -> bool:
        """Whether the rule counts from the next day of a calendar, the same for every record."""
        return self.calendar is not None

    def next_day(self, now: dt.datetime) -> dt.date | None:
        """Return the first day of the calendar's next holidays, today included; ``None`` when none is known."""
        run = self.next_run(now)
        return run[0] if run else None

    def next_run(self, now: dt.datetime) -> tuple[dt.date, dt.date, str] | None:
        """Return first day, last day and name of the calendar's next holidays, those that begin today included."""
        return self.calendar.next_run(now.astimezone(self.zone).date()) if self.calendar else None

    def next_slot(self, after: dt.datetime) -> dt.datetime:
        """Return the first instant after ``after`` at which the rule is checked."""
        calendar = self.working.calendar
        return min(schedule.next_after(after, self.zone, calendar) for schedule in self.rule.check)

    def latest_slot(self, until: dt.datetime) -> dt.datetime:
        """Return the last instant, not after ``until``, at which the rule was to be checked."""
        calendar = self.working.calendar
        return max(schedule.latest_until(until, self.zone, calendar) for schedule in self.rule.check)


def bind(rule: Rule, around: Surroundings, problems: Problems) -> BoundRule | None:
    """Check a rule against everything it names, and bind it.

    Parameters
    ----------
    rule: the rule as its file has it.
    around: what it may name.
    problems: takes everything that does not fit, each at its word.

    Returns
    -------
    The bound rule, also when it names people, words or channels that are not there: a case that is open on an old
    version must go on, and its messages find somebody (law 13). ``None`` when it cannot be asked for at all.
    """
    check_owner(rule, around.directory, problems)
    if rule.roundup is not None:
        return _with_roundup(rule, rule.roundup, around, problems)
    noun = around.nouns.get(rule.watch)
    if noun is None:
        _no_noun(rule, around, problems)
        return None
    return _Binder(rule, with_absences(noun, around.directory), around, problems).bind()


def _with_roundup(rule: Rule, roundup: Roundup, around: Surroundings, problems: Problems) -> BoundRule | None:
    sections = bind_roundup(rule, roundup, around, problems)
    if roundup.by:
        _check_channels(roundup.by, rule, roundup.marks["by"], around, problems)
    if len(sections) < len(roundup.sections) or not rule.check:
        return None
    limits = _limits(rule, around)
    noun = sections[0].noun
    examples = bind_examples(rule, noun, around.channels, problems)
    definite = dataclasses.replace(rule, limits=limits, examples=examples)
    return BoundRule(definite, noun, around.directory.hours(rule.owner), sections=sections)


def _limits(rule: Rule, around: Surroundings) -> Limits:
    return rule.limits if "limits.hold" in rule.marks else dataclasses.replace(rule.limits, hold=around.hold)


def _check_channels(by: By, rule: Rule, mark: Mark, around: Surroundings, problems: Problems) -> None:
    for name in (name for fallbacks in by for name in fallbacks):
        place = place_of(name, rule.text, mark)
        if name in around.broken_channels:
            message = f"the channel “{name}” cannot be used, for {around.broken_channels[name]}"
            problems.add("R021", place, message, "mend it in config/duly.yaml, or install the plugin")
        elif name not in around.channels:
            cure = suggest_or_list(name, around.channels) or "add it to config/duly.yaml"
            problems.add("R005", place, f"unknown channel “{name}”", cure)


def _no_noun(rule: Rule, around: Surroundings, problems: Problems) -> None:
    if rule.watch in around.broken_nouns:
        message = f"the vocabulary of “{rule.watch}” has errors"
        problems.add("R021", rule.marks["watch"], message, "mend its file")
    else:
        cure = suggest_or_list(rule.watch, around.nouns) or "add it to config/vocabulary/"
        problems.add("R005", rule.marks["watch"], f"unknown noun “{rule.watch}”", cure)


class _Binder:
    def __init__(self, rule: Rule, noun: Noun, around: Surroundings, problems: Problems) -> None:
        self.rule = rule
        self.noun = noun
        self.around = around
        self.problems = problems

    def bind(self) -> BoundRule | None:
        rule, noun = self.rule, self.noun
        conditions = [
            *rule.where,
            *rule.except_,
            *rule.done,
            *rule.pause,
            *(each for step in rule.steps for each in step.if_),
        ]
        answers = [check_condition(condition, noun, rule.text, self.problems) for condition in conditions]
        sound = check_due(rule, noun, self.around.directory, self.problems) and all(answers)
        watched = [self._changed(step) for step in rule.steps]
        clock, calendar = self._clock()
        self._cover()
        self._caps()
        for step in rule.steps:
            self._step(step)
        check_futile(rule, self.problems)
        examples = bind_examples(rule, noun, self.around.channels, self.problems)
        if clock is None or not sound or not all(watched) or not rule.check:
            return None
        definite = dataclasses.replace(rule, clock=clock, limits=_limits(rule, self.around), examples=examples)
        return BoundRule(definite, noun, self.around.directory.hours(rule.owner), calendar)

    def _clock(self) -> tuple[ClockRef | None, Calendar | None]:
        clock, times = self.rule.clock, self.noun.times
        if clock is None:
            if "clock" in self.rule.marks:
                return None, None
            staged = staged_by(self.rule, self.noun)
            if staged:
                return ClockRef(ClockKind.TIME, staged.since), None
            if len(times) == 1:
                return ClockRef(ClockKind.TIME, next(iter(times))), None
            mark = (
                self.rule.steps[0].marks[self.rule.steps[0].when.value] if self.rule.steps else self.rule.marks["watch"]
            )
            known = ", ".join(times) or "none yet"
            cure = f"add “clock: …” with one of the times of “{self.noun.name}”: {known}"
            self.problems.add("R012", mark, "the rule has no clock to count from", cure)
            return None, None
        mark = self.rule.marks["clock"]
        if clock.kind is ClockKind.NEXT_DAY:
            try:
                return clock, self.around.calendar(clock.name)
            except ValueError:
                cure = suggest_or_list(clock.name, self.around.calendars) or "write a country’s code, such as “CN”"
                place = place_of(clock.name, self.rule.text, mark)
                self.problems.add("R005", place, f"unknown calendar “{clock.name}”", cure)
                return None, None
        if clock.is_first_seen:
            return clock, None
        if clock.name in times:
            return dataclasses.replace(clock, leap_day=LEAP_DAYS[self.around.leap_day]), None
        cure = suggest_or_list(clock.name, times)
        mark = place_of(clock.name, self.rule.text, mark)
        self.problems.add("R005", mark, f"“{self.noun.name}” has no time “{clock.name}”", cure)
        return None, None

    def _cover(self) -> None:
        _, of, fact = self.rule.cover.partition(" of ")
        if of:
            check_fact(fact, self.noun, place_of(fact, self.rule.text, self.rule.marks["cover"]), self.problems)

    def _caps(self) -> None:
        for cap in self.rule.limits.caps:
            known = {self.noun.one} if cap.of_writes else {self.noun.one, *self.noun.people}
            if cap.each not in known:
                mark = place_of(cap.each, self.rule.text, self.rule.marks[f"limits.each {cap.each}"])
                self.problems.add("R005", mark, f"unknown “{cap.each}” to limit", suggest_or_list(cap.each, known))

    def _changed(self, step: Step) -> bool:
        """Check the times whose change a step tells of."""
        noun, sound = self.noun, True
        clock = self.rule.clock.name if self.rule.clock else next(iter(noun.times), "")
        for name in step.changed:
            place = place_of(name, self.rule.text, step.marks["changed"])
            if name not in noun.times:
                sound = False
                cure = suggest_or_list(name, noun.times)
                self.problems.add("R005", place, f"“{noun.name}” has no time “{name}”", cure)
            elif name == clock and not noun.times[name].matter:
                message = f"“{name}” is the clock: when it changes, a new case begins, and nobody is told of the change"
                self.problems.add("R016", place, message, f"give “{name}” a “matter” in {noun.path}")
        return sound

    def _step(self, step: Step) -> None:
        check_audience(step.audience, step.marks["do"], self.rule, self.noun, self.around.directory, self.problems)
        if step.text:
            check_text(step, self.rule, self.noun, self.around, self.problems)
        check_group(step, self.noun, self.problems)
        self._call(step)
        self._write(step)
        self._assign(step)
        if step.by:
            _check_channels(step.by, self.rule, step.marks["by"], self.around, self.problems)
        rest = self.rule.rest or self.around.rest
        person = self.noun.people.get(step.audience.name)
        customer = step.audience.written == step.audience.name and person is not None and not person.staff
        if step.between and rest and customer and not step.urgent and step.between.within(rest):
            message = f"the window {step.between.written} lies wholly inside the rest {rest.written}"
            self.problems.add(
                "R015", step.marks["between"], message, "choose another window, or give the rule its own “rest”"
            )

    def _assign(self, step: Step) -> None:
        """Note a problem when a step assigns to nobody who could be chosen, or by what is not known."""
        audience, noun, teams = step.audience, self.noun, {*self.around.directory.teams, *self.noun.teams}
        if step.skill and step.skill not in noun.fields:
            cure = suggest_or_list(step.skill, noun.fields)
            self.problems.add("R005", step.marks["skill"], f"unknown field “{step.skill}”", cure)
        if step.do != ASSIGN:
            return
        if audience.kind is not AudienceKind.ON_DUTY and audience.written not in teams:
            message = f"“{audience.written}” is no team, so nobody of it can be chosen"
            self.problems.add("R043", step.marks["do"], message, "write “TEAM” or “TEAM on duty”")
        elif ASSIGNEE in noun.writes and noun.source not in self.around.writable:
            cure = f"add “write: {{url: …}}” to sources.{noun.source} in config/duly.yaml"
            message = f"the source “{noun.source}” is only read, so an assignee cannot be written back"
            self.problems.add("R042", step.marks["do"], message, cure)

    def _write(self, step: Step) -> None:
        """Note a problem when a step writes what the vocabulary does not have, or where nothing can be written."""
        name, noun = step.audience.name, self.noun
        if step.do != WRITE:
            return
        known = noun.writes.keys() - {ASSIGNEE}  # that belongs to “assign”
        if name not in known:
            cure = suggest(name, known) or f"add it to “writes” in {noun.path}"
            self.problems.add("R005", step.marks["do"], f"unknown write “{name}”", cure)
        elif noun.source not in self.around.writable:
            cure = f"add “write: {{url: …}}” to sources.{noun.source} in config/duly.yaml"
            message = f"the source “{noun.source}” is only read, so “{name}” cannot be written"
            self.problems.add("R042", step.marks["do"], message, cure)

    def _call(self, step: Step) -> None:
        """Note a problem when a step calls nobody that can be called."""
        if step.who is not None:
            mark = step.marks["who"]
            check_audience(step.who, mark, self.rule, self.noun, self.around.directory, self.problems)
        person = self.noun.people.get(step.audience.written)
        if step.do == CALL and (person is None or person.staff or person.many):
            callable_ = [name for name, each in self.noun.people.items() if not each.staff and not each.many]
            message = f"“{step.audience.written}” is not somebody of a record, so nobody can be given a call to them"
            cure = f"write a person of “{self.noun.name}”: {', '.join(callable_) or 'it has none yet'}"
            self.problems.add("R041", step.marks["do"], message, cure)
