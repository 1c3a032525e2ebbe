"""A rule file: text in, a rule out, and every problem on the way."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection

from duly.rules.condition import read_conditions
from duly.rules.due_file import read_due
from duly.rules.example_file import read_examples
from duly.rules.limits_file import read_limits
from duly.rules.model import ClockKind, ClockRef, Limits, Rule, Step, When
from duly.rules.problem import Mark, Problems
from duly.rules.reader import Reader, load_mapping
from duly.rules.roundup import Roundup
from duly.rules.roundup_file import read_roundup
from duly.rules.step_file import check_steps, read_steps
from duly.rules.yaml import Mapping, Sequence
from duly.time.slot import Schedule
from duly.time.window import Window

ACTIONS = frozenset({"escalate"})
"""The actions that a step may take besides telling, where no plugin adds others."""

_KEYS = (
    "rule why owner was watch where except done clock due pause check rest steps roundup cover limits examples".split()  # noqa: SIM905
)
_COVER = re.compile(r"\d{1,3}(?:\.\d+)?%(?: of \S.*)?")


def read_rule(text: str, id: str, path: str, problems: Problems, doings: Collection[str] = ACTIONS) -> Rule | None:
    """Read one rule file; ``None`` when it has an error.

    Parameters
    ----------
    text: the file.
    id: the rule's path under ``rules/``, without the ending.
    path: what to call the file in problems, relative to the workspace.
    problems: takes what is wrong.
    doings: names of the actions that a step may take besides ``tell``.
    """
    rule = draft_rule(text, id, path, problems, doings)
    return None if problems.broken(path) else rule


def draft_rule(text: str, id: str, path: str, problems: Problems, doings: Collection[str] = ACTIONS) -> Rule | None:
    """Read what can be read of a rule file, so that the binding can report its problems beside these.

    A draft with errors must not run. ``None`` when there is nothing to bind. Parameters are those of `read_rule`.
    """
    mapping = load_mapping(text, path, problems, "R")
    return None if mapping is None else _RuleReader(mapping, problems, doings).read(text, id)


class _RuleReader:
    def __init__(self, mapping: Mapping, problems: Problems, doings: Collection[str]) -> None:
        self.reader = Reader(mapping, problems, "R", _KEYS)
        self.problems = problems
        self.doings = doings

    def read(self, text: str, id: str) -> Rule | None:
        reader = self.reader
        marks = {key.value: key.mark for key, _ in reader.map.entries} | reader.marks()
        clock = self._clock()
        due, due_marks = read_due(reader)
        check = self._check()
        is_roundup = reader.has("roundup")
        roundup = read_roundup(reader, self.problems) if is_roundup else None
        nodes = () if is_roundup else reader.items("steps", required=True)
        steps = read_steps(nodes, self.doings, self.problems)
        if not is_roundup and reader.map.get("steps") == Sequence((), reader.map.mark):
            reader.problem("003", reader.mark("steps"), "“steps” is empty", "add a step")
        check_steps(steps, check, self.problems, clock=reader.has("clock"), due=reader.has("due"))
        limits, limit_marks = self._limits()
        rule = Rule(
            id=id,
            title=reader.text("rule", required=True),
            owner=" ".join(reader.text("owner", required=True).split()),
            watch=" ".join(reader.text("watch", required=_watches(roundup)).split()),
            check=check,
            steps=steps,
            text=text,
            digest=hashlib.sha256(text.encode()).hexdigest(),
            why=reader.text("why"),
            was=self._was(id),
            where=read_conditions(reader.texts("where"), self.problems),
            except_=read_conditions(reader.texts("except"), self.problems),
            done=read_conditions(reader.texts("done"), self.problems),
            clock=clock,
            due=due,
            pause=read_conditions(reader.texts("pause"), self.problems),
            rest=reader.parse("rest", Window.parse),
            limits=limits,
            cover=self._cover(),
            roundup=roundup,
            examples=read_examples(reader.items("examples"), self.problems),
            marks={**marks, **limit_marks, **due_marks, "": reader.map.mark},
        )
        if not is_roundup:
            self._conditions()
            self._pause(steps)
        reader.finish()
        return rule if (roundup if is_roundup else rule.watch) else None

    def _conditions(self) -> None:
        if not any(self.reader.has(key) for key in ("where", "except", "done")):
            mark = self.reader.mark("watch")
            message = "a rule without conditions concerns every record there is"
            self.problems.add("R013", mark, message, "add “where”, “except” or “done”", warning=True)

    def _pause(self, steps: tuple[Step, ...]) -> None:
        """What comes before the clock is no part of a time that could stand still."""
        for step in steps:
            if step.when is When.BEFORE and self.reader.has("pause") and not self.reader.has("due"):
                message = f"“before: {step.duration}” comes before the clock begins, so “pause” cannot stop it"
                self.problems.add("R011", step.marks["before"], message, "add “due: …”, or write “except” for “pause”")

    def _clock(self) -> ClockRef | None:
        value = self.reader.scalar("clock")
        if value is None:
            return None
        written = " ".join(value.value.split())
        if written == ClockKind.FIRST_SEEN.value:
            return ClockRef(ClockKind.FIRST_SEEN, "")
        if written == "anniversary of" or written.startswith("anniversary of "):
            name = written.removeprefix("anniversary of").strip()
            if not name:
                self.reader.problem("004", value.mark, "“anniversary of” needs a time", "write “anniversary of TIME”")
                return None
            return ClockRef(ClockKind.ANNIVERSARY, name)
        if written == "next day of" or written.startswith("next day of "):
            name = written.removeprefix("next day of").strip()
            if not name:
                self.reader.problem("004", value.mark, "“next day of” needs a calendar", "write “next day of CALENDAR”")
                return None
            return ClockRef(ClockKind.NEXT_DAY, name)
        return ClockRef(ClockKind.TIME, written)

    def _check(self) -> tuple[Schedule, ...]:
        if not self.reader.has("check"):
            self.reader.problem("002", self.reader.map.mark, "“check” is missing", "add “check: every 10m”")
        texts = self.reader.texts("check")
        parsed = (self.reader.parse_scalar(text, Schedule.parse) for text in texts)
        return tuple(schedule for schedule in parsed if schedule is not None)

    def _was(self, id: str) -> str:
        was = self.reader.scalar("was")
        if was is None:
            return ""
        written = was.value.strip().removeprefix("rules/").removesuffix(".yaml").removesuffix(".yml")
        if written == id:
            cure = "delete it, or write the path it had before"
            self.reader.problem("006", was.mark, "“was” names this very file", cure)
        return written

    def _cover(self) -> str:
        def read(text: str) -> str:
            written = " ".join(text.split())
            if not _COVER.fullmatch(written) or float(written.partition("%")[0]) > 100:
                raise ValueError(f"“{written}” is not a share; write it like “95%” or “95% of FACT”")
            return written

        return self.reader.parse("cover", read) or ""

    def _limits(self) -> tuple[Limits, dict[str, Mark]]:
        mapping = self.reader.mapping("limits")
        return (Limits(), {}) if mapping is None else read_limits(mapping, self.problems)


def _watches(roundup: Roundup | None) -> bool:
    """Tell whether a rule has to say what it watches: not if every section of its roundup does."""
    return roundup is None or not all(section.watch for section in roundup.sections)
