"""The ladder of a rule file: one mapping a step."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise

from duly.rules.audience import parse_audience
from duly.rules.by import parse_by
from duly.rules.condition import read_conditions
from duly.rules.model import Audience, AudienceKind, By, Step, When
from duly.rules.problem import Mark, Problems
from duly.rules.reader import Reader, describe
from duly.rules.roundup import XLSX
from duly.rules.yaml import Mapping, Node, Scalar
from duly.rules.yaml import Sequence as YamlSequence
from duly.time.duration import Duration, Unit
from duly.time.repeat import Repeat
from duly.time.slot import Schedule
from duly.time.span import time_of_day
from duly.time.window import Window

TELL, CALL, ASSIGN, WRITE = "tell", "call", "assign", "write"
OWN = frozenset({CALL, ASSIGN, WRITE})
"""What Duly itself does in a step, besides telling."""

_MOMENTS = {when.value: when for when in When}
_NEEDS_WORDS = frozenset({TELL, "escalate", CALL, ASSIGN})
_KEYS = frozenset(
    {*_MOMENTS, "between", "repeat", "expires", "if", "by", "text", "urgent", "group", "attach", "who", "skill"}
)
_BELONGS = {
    "who": frozenset({CALL}),
    **dict.fromkeys(("text", "by"), frozenset({TELL, "escalate", CALL, ASSIGN})),
    "skill": frozenset({ASSIGN}),
    **dict.fromkeys(("group", "attach"), frozenset({TELL, "escalate"})),
}
"""Words that make sense only beside some of what Duly itself does."""
_CLOSED = ("done", "gone")
_PERCENT_OF = (When.AFTER, When.BEFORE)


def read_steps(nodes: Iterable[Node], doings: Collection[str], problems: Problems) -> tuple[Step, ...]:
    """Read the steps of a rule; one that cannot be read becomes a problem and is left out.

    A step with several moments (``before: [30d, 7d, 1d]``) becomes several, in the order written.

    Parameters
    ----------
    nodes: the entries of ``steps``.
    doings: names of the actions that a step may take besides ``tell``.
    problems: takes what is wrong.
    """
    found: list[Step] = []
    for node in nodes:
        if isinstance(node, Mapping):
            found.extend(_StepReader(node, doings, problems).read())
        elif not (isinstance(node, Scalar) and node.spoilt):
            cure = "write it like “{after: 1h, tell: customer, text: orders/unpaid}”"
            problems.add("R003", node.mark, f"a step must be a mapping, not {describe(node)}", cure)
    return _distinct(found)


def check_steps(
    steps: Sequence[Step], check: Sequence[Schedule], problems: Problems, *, clock: bool, due: bool
) -> None:
    """Note what does not fit together in a ladder: a moment without its clock, a part of nothing.

    ``clock`` and ``due`` tell whether the rule has them.
    """
    for step in steps:
        mark = step.marks[step.when.value]
        if step.duration and step.duration.unit is Unit.PERCENT and not due:
            message = f"“{step.when.value}: {step.duration.written}” needs a due time to be a part of"
            problems.add("R011", mark, message, "add “due: …”, or write a duration such as “30m”")
        elif step.when is When.BEFORE and not due and not clock:
            message = f"“before: {_written(step)}” has nothing to come before"
            problems.add("R012", mark, message, "add “due: …” or “clock: …”")
    if not steps:
        return
    _check_order(steps, problems)
    first = steps[0]
    if first.when is When.UNANSWERED:
        message = "“unanswered” has no step before it to be answered"
        problems.add("R016", first.marks["unanswered"], message, "begin with “after”, “before” or “late”")
    span = first.duration
    if first.when is When.AFTER and check and span and span.unit in (Unit.ELAPSED, Unit.WORKING) and span.amount > 0:
        interval = min(schedule.shortest() for schedule in check).total_seconds()
        if span.amount < interval:
            message = f"the first step comes after {span.written}, but records are looked for less often than that"
            cure = "check more often, or let the step come later"
            problems.add("R014", first.marks["after"], message, cure, warning=True)


def _check_order(steps: Sequence[Step], problems: Problems) -> None:
    """Note steps that wait for what no step before them does."""
    if all(step.when.is_event or step.when is When.UNANSWERED for step in steps):
        for step in (step for step in steps if step.when.is_event):
            message = f"“{step.when.value}” tells only of what somebody has been told of, and no step tells anybody"
            cure = "add a step with “after”, “before”, “late” or “at”"
            problems.add("R016", step.marks[step.when.value], message, cure)
    for before, step in pairwise(steps):
        if before.when is When.CLOSED and step.when is When.UNANSWERED:
            message = "“unanswered” follows “closed”, and a closed case waits for no answer"
            problems.add("R016", step.marks["unanswered"], message, "move it up, before “closed”")


def _written(step: Step) -> str:
    return step.duration.written if step.duration else ""


def _distinct(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Number the steps that would be known by the same words."""
    seen: Counter[str] = Counter()
    found = []
    for step in steps:
        seen[step.identity] += 1
        number = seen[step.identity]
        found.append(dataclasses.replace(step, identity=f"{step.identity} #{number}") if number > 1 else step)
    return tuple(found)


class _StepReader:
    def __init__(self, node: Mapping, doings: Collection[str], problems: Problems) -> None:
        self.doings = [TELL, *sorted({*OWN, *doings} - {TELL})]
        self.reader = Reader(node, problems, "R", {*_KEYS, *self.doings})
        self.problems = problems

    def read(self) -> list[Step]:
        reader = self.reader
        when, durations = self._moment()
        changed = tuple(" ".join(text.value.split()) for text in reader.texts("changed"))
        closed = reader.choice("closed", _CLOSED)
        do = self._doing()
        audience = reader.parse(do, _written_to if do == WRITE else parse_audience) if do else None
        text = self._text(do)
        at = reader.parse("at", time_of_day)
        between = reader.parse("between", Window.parse)
        repeat = reader.parse("repeat", Repeat.parse)
        if repeat and when and when.is_event:
            message = f"a step with “{when.value}” does not repeat: it comes each time that happens"
            self.problems.add("R004", reader.key_mark("repeat"), message, "leave “repeat” out")
        expires = reader.parse("expires", _expiry)
        conditions = read_conditions(reader.texts("if"), self.problems)
        by = self._by()
        urgent = reader.yes("urgent")
        group = " ".join(reader.text("group").split())
        group = "" if group == "no" else group
        attach = reader.choice("attach", (XLSX,))
        who = reader.parse("who", parse_audience)
        skill = " ".join(reader.text("skill").split())
        self._check_belonging(do)
        if attach and not group and do not in OWN:
            message = "“attach” lists the lines of a grouped message, and this step has no “group”"
            self.problems.add("R040", reader.key_mark("attach"), message, "add “group: yes”, or delete it")
        reader.finish()
        if when is None or do is None or audience is None:
            return []
        marks = {**reader.marks(), "": reader.map.mark, "do": reader.mark(do)}
        return [
            Step(
                identity=_identity(when, duration or closed or ", ".join(changed), at, repeat, do, audience.written),
                when=when,
                duration=duration,
                do=do,
                audience=audience,
                text=text,
                changed=changed,
                closed=closed,
                at=at,
                between=between,
                repeat=repeat,
                expires=expires,
                if_=conditions,
                by=by,
                urgent=urgent,
                who=who,
                skill=skill,
                group=group,
                attach=attach,
                marks={**marks, when.value: mark},
            )
            for duration, mark in durations
        ]

    def _moment(self) -> tuple[When | None, list[tuple[Duration | None, Mark]]]:
        """Find what the moment is counted from, and how long after that: several for a list."""
        reader = self.reader
        given = [key for key in reader.map if key in _MOMENTS and key != "at"]
        for key in given[1:]:
            message = f"a step has one moment, and this one has “{given[0]}” already"
            self.problems.add("R019", reader.key_mark(key), message, "delete one, or write two steps")
        if given:
            when = _MOMENTS[given[0]]
            if when.is_event:
                return when, [(None, reader.mark(when.value))] if reader.texts(when.value) else []
            return when, [found for value in self._durations(given[0], when) if (found := self._duration(when, value))]
        if reader.has("at"):
            return When.AT, [(None, reader.mark("at"))]
        cure = "add “after”, “before”, “late”, “unanswered”, “changed”, “closed” or “at”"
        self.problems.add("R019", reader.map.mark, "the step does not say when it comes", cure)
        return None, []

    def _durations(self, key: str, when: When) -> list[Scalar]:
        if when is When.BEFORE:
            return self.reader.texts(key)
        value = self.reader.map.get(key)
        if isinstance(value, YamlSequence):
            message = f"“{key}” takes one duration; only “before” takes a list"
            self.problems.add("R003", value.mark, message, "write one step each")
            return []
        scalar = self.reader.scalar(key)
        return [] if scalar is None else [scalar]

    def _duration(self, when: When, value: Scalar) -> tuple[Duration, Mark] | None:
        duration = self.reader.parse_scalar(value, Duration.parse)
        if duration is None:
            return None
        if duration.unit is Unit.PERCENT:
            if when not in _PERCENT_OF:
                message = f"“{when.value}” cannot be a percentage"
                self.problems.add("R004", value.mark, message, "write a duration such as “4 working hours”")
                return None
            if duration.amount > 100:
                message = f"“{duration.written}” is more than the whole time until due"
                self.problems.add("R004", value.mark, message, "write “late: …” for what comes after the due time")
                return None
        return duration, value.mark

    def _doing(self) -> str | None:
        reader = self.reader
        given = [key for key in reader.map if key in self.doings]
        for key in given[1:]:
            message = f"a step does one thing, and this one has “{given[0]}” already"
            self.problems.add("R018", reader.key_mark(key), message, "delete one, or write two steps")
        if given:
            return given[0]
        message = "the step does not say what it does"
        self.problems.add("R018", reader.map.mark, message, f"add {_either(self.doings)}")
        return None

    def _check_belonging(self, do: str | None) -> None:
        for key, doings in _BELONGS.items():
            if self.reader.has(key) and do in {*OWN, TELL, "escalate"} - doings:
                message = f"“{key}” does not belong to “{do}”"
                cure = f"delete it, or write {_either(sorted(doings))}"
                self.problems.add("R040", self.reader.key_mark(key), message, cure)

    def _text(self, do: str | None) -> str:
        text = self.reader.scalar("text")
        if text is None and do in _NEEDS_WORDS and not self.reader.has("text"):
            mark = self.reader.key_mark(do)
            self.problems.add("R017", mark, f"“{do}” needs words", "add “text: …” with the name of a template")
        return text.value.strip() if text else ""

    def _by(self) -> By:
        texts = self.reader.texts("by")
        entries = (self.reader.parse_scalar(text, lambda written: parse_by([written])) for text in texts)
        return tuple(fallbacks for by in entries if by for fallbacks in by)


def _identity(
    when: When, what: Duration | str, at: dt.time | None, repeat: Repeat | None, do: str, audience: str
) -> str:
    moment = f"{when.value} {what}".strip()
    if at is not None:
        moment = f"{'' if when is When.AT else moment} at {at:%H:%M}".strip()
    if repeat is not None:
        moment = f"{moment}, {repeat}"
    return f"{moment} · {do} · {audience}"


def _written_to(text: str) -> Audience:
    name = " ".join(text.split())
    return Audience(name, AudienceKind.WRITE, name)


def _expiry(text: str) -> Duration:
    duration = Duration.parse(text)
    if duration.unit is Unit.PERCENT or duration.amount == 0:
        raise ValueError(f"a step cannot expire after “{duration.written}”; write a duration such as “2h”")
    return duration


def _either(words: Sequence[str]) -> str:
    quoted = [f"“{word}: …”" for word in words]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
