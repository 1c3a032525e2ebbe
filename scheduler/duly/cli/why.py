"""``duly why``: the whole story of one record under a rule."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console

from duly.cli.desk import Desk, open_desk
from duly.cli.gathered import MOST, gathered
from duly.cli.options import home_option, json_option
from duly.cli.reckoning import counted, length, reckoning
from duly.cli.screen import clean, screen, show_json, table
from duly.cli.slot import tell_day
from duly.cli.stop import FINE, PROBLEMS
from duly.cli.story import Answer, Chapter, Memory, ask, keys, remember
from duly.cli.words import recipient, spoken_step
from duly.engine.check import SLACK
from duly.engine.pauses import Pauses
from duly.engine.timing import Timing
from duly.ledger import versions
from duly.ledger.overview import CheckSeen
from duly.rules.bind import BoundRule
from duly.rules.record import Record, decode_key, show_key
from duly.time.clock import SystemClock


@click.command(short_help="Tell the whole story of one record under a rule.")
@click.argument("rule", metavar="RULE")
@click.argument("key", metavar="KEY")
@click.option("--now", "ask_now", is_flag=True, help="Ask the service database as well: what it says now.")
@home_option
@json_option
def why(home: Path, rule: str, key: str, *, ask_now: bool, as_json: bool) -> int:
    """Tell the whole story of the record KEY under RULE: what happened and why, how its time was counted, what waits.

    The story is what Duly recorded as it went. The service database is asked with --now, or when there is no story.

    KEY is the record's key as the vocabulary has it (1007, A-17); the parts of a composite key are written a/b. Of a
    roundup it is the day of the slot (2026-11-23).
    """
    desk = open_desk(home, SystemClock().now())
    with desk.ledger() as ledger:
        rows = {}
        if ledger:
            with ledger.read() as connection:
                rows = {row.path: row for row in versions.all_rules(connection)}
        path = desk.rule_id(rule, rows)
        row = rows.get(path)
        bound = desk.snapshot.rules.get(path) or (desk.snapshot.bind_text(path, row.text) if row else None)
        if bound and bound.rule.roundup:
            return tell_day(desk, ledger, row, path, key, as_json=as_json)
        spellings = keys(key, bound)
        memory = remember(desk, ledger, path, spellings) if ledger else Memory(spellings[0])
    answer = _ask(desk, bound, memory, spellings) if ask_now or not memory.chapters else None
    told = _Told(desk, path, bound, memory, answer)
    if as_json:
        show_json(told.as_json())
    else:
        told.show(screen())
    return FINE if memory.chapters or (answer and answer.record) else PROBLEMS


def _ask(desk: Desk, bound: BoundRule | None, memory: Memory, spellings: list[bytes]) -> Answer:
    if bound is None:
        return Answer(None, "the rule cannot be read: “duly check” says why")
    return ask(desk, bound, [memory.key] if memory.chapters else spellings)


@dataclass(frozen=True)
class _Told:
    """A story, as it is told; ``answer`` is ``None`` when the source was not asked."""

    desk: Desk
    path: str
    bound: BoundRule | None
    memory: Memory
    answer: Answer | None

    @property
    def _named(self) -> str:
        return f"{self.bound.noun.one if self.bound else 'record'} {show_key(self.memory.key)}"

    def show(self, console: Console) -> None:
        title = f"{self.bound.rule.title} ({self.path})" if self.bound else self.path
        console.print(clean(f"{self._named}: {title}", "bold"), soft_wrap=True)
        for chapter in self.memory.chapters:
            self._show_chapter(chapter, console)
        console.print()
        if not self.memory.chapters:
            console.print(clean(f"No case was ever opened for {self._named}."))
        console.print(clean(self._last_check(self.memory.check)))
        if self.answer and self.answer.record:
            console.print(f"\nWhat its source says now, {self.desk.wall(self.desk.now)}:")
            self._show_conditions(self.answer.record.holds, console)
        for sentence in self._now():
            console.print(clean(sentence))

    def _show_chapter(self, chapter: Chapter, console: Console) -> None:
        case, wall = chapter.case, self.desk.wall
        due = f", due {wall(case.due_at)}" if case.due_at else ""
        state = f"{case.state}, held" if case.held and case.active else case.state
        console.print(clean(f"\nCase {case.id}, counting from {wall(case.clock_at)}{due}: {state}", "bold"))
        deliveries = {one.id: one for one in chapter.deliveries}
        rows = table("at", "what", wrap=["what"])
        rows.show_header = False
        for entry, said in gathered(chapter.entries, deliveries):
            rows.add_row(clean(wall(entry.at), "dim"), clean(said))
        for sentence in self._waiting(chapter):
            rows.add_row(clean("to come", "cyan"), clean(sentence, "cyan"))
        console.print(rows)
        self._show_account(chapter, console)
        console.print(f"\nWhat was so when Duly last looked, {wall(chapter.recorded.at)}:")
        self._show_conditions(chapter.recorded.holds, console)

    def _show_account(self, chapter: Chapter, console: Console) -> None:
        """Say which stretches counted on the way from the clock to the due time."""
        version, due_at = chapter.version, chapter.case.due_at
        if version is None or due_at is None or not chapter.account:
            return
        console.print(clean(f"\nHow its {chapter.length} ran to {self.desk.wall(due_at)}:"))
        pieces = reckoning(chapter.account, version.zone, version.working.calendar)
        for piece in pieces:
            console.print(clean(f"  {piece}"))
        if chapter.case.active and self.desk.now < due_at:
            console.print(f"  {length(counted(chapter.account, self.desk.now))} of it has passed by now")

    def _waiting(self, chapter: Chapter) -> Iterator[str]:
        case, wall = chapter.case, self.desk.wall
        on_their_way = [one for one in chapter.deliveries if one.state in {"waiting", "claimed", "sending"}]
        for one in on_their_way[:MOST]:
            if one.state == "waiting":
                yield f"{recipient(one)} is told by {one.channel}, not before {wall(one.not_before)}"
            else:
                yield f"{recipient(one)} is being told by {one.channel}"
        if len(on_their_way) > MOST:
            yield f"{len(on_their_way) - MOST:,} more are told"
        if case.held and case.active:
            yield f"nothing, until “duly release {self.path}” decides: {case.held}"
        elif case.active:
            for timed in chapter.waiting:
                yield f"{spoken_step(timed.step.identity)}, {self._when(timed.moment, chapter.paused)}"
            if not chapter.waiting:
                yield "nothing: every step has been taken"

    def _when(self, moment: dt.datetime | None, paused: Sequence[str]) -> str:
        if moment is None and paused:
            return f"once its clock runs on: {', '.join(paused)}"
        if moment is None:
            return "counted from when the step before it is accepted"
        return f"{'overdue since ' if moment <= self.desk.now else ''}{self.desk.wall(moment)}"

    def _last_check(self, check: CheckSeen | None) -> str:
        if check is None:
            return "The rule has never been checked: is “duly run” at work?"
        at = self.desk.wall(check.now)
        if check.state == "done":
            figures = f"{check.found:,} matched, {check.opened:,} opened, {check.closed:,} closed"
            return f"The rule was last checked {at}: {figures}."
        if check.state == "running":
            return f"The rule is being checked since {at}."
        became = "failed" if check.state == "failed" else "closed nothing"
        return f"The rule was last checked {at}, and the check {became}: {check.reason}"

    def _show_conditions(self, holding: Mapping[str, bool], console: Console) -> None:
        rows = table("key", "condition", "now")
        rows.show_header = False
        for key, condition, holds in self._conditions(holding):
            stops = holds is not (key == "where")
            said = "not recorded" if holds is None else "true" if holds else "false"
            rows.add_row(f"  {key}", clean(condition), clean(said, "bold yellow" if stops else ""))
        console.print(rows)

    def _conditions(self, holding: Mapping[str, bool]) -> Iterator[tuple[str, str, bool | None]]:
        rule = self.bound.rule if self.bound else None
        told = {"where": rule.where, "except": rule.except_, "done": rule.done, "pause": rule.pause} if rule else {}
        for key, conditions in told.items():
            for condition in conditions:
                yield key, str(condition), holding.get(str(condition))

    def _now(self) -> Iterator[str]:
        """Say what follows from what the source says now, if it was asked."""
        if self.answer is None:
            return
        record, bound = self.answer.record, self.bound
        if self.answer.silence:
            yield f"Its source could not be asked: {self.answer.silence}."
        elif record is None and bound:
            yield f"The source “{bound.noun.source}” has no {self._named}."
        elif record and bound:
            yield self._matching(record, bound)

    def _matching(self, record: Record, bound: BoundRule) -> str:
        met = [condition for key, condition, holds in self._conditions(record.holds) if key == "done" and holds]
        lacking = [
            c if key == "except" else f"not {c}"
            for key, c, holds in self._conditions(record.holds)
            if key in {"where", "except"} and holds is (key == "except")
        ]
        if met or record.done:
            return f"It is done: {', '.join(met)}."
        if not record.matches:
            return f"It does not match: {', '.join(lacking).replace('not not ', '')}."
        candidate = record.candidate
        if candidate is None:
            clock = bound.rule.clock
            return f"It matches, but has no clock to count from: {clock} is empty, or no time."
        timing, wall = Timing(bound), self.desk.wall
        if bound.plan.first_seen:
            if any(chapter.case.active or chapter.case.used_up for chapter in self.memory.chapters):
                return "It matches, as it did when a check first saw it."
            return f"It matches; its clock begins with the next check, {wall(bound.next_slot(self.desk.now))}."
        known = next((c for c in self.memory.chapters if c.case.clock == candidate.clock), None)
        stood = Pauses.of(known.stood if known else ())
        due_at = timing.due(candidate.clock_at, candidate.times, candidate.stage, stood)
        stands = f"It matches; its clock stands at {wall(candidate.clock_at)}"
        stands += f", due {wall(due_at)}." if due_at else "."
        if known:
            return stands
        return f"{stands} {self._unopened(bound, timing, record)}"

    def _unopened(self, bound: BoundRule, timing: Timing, record: Record) -> str:
        """Say why no case has been opened for a record that matches."""
        candidate = record.candidate
        if candidate is None:
            return ""
        settings, now = self.desk.snapshot.settings, self.desk.now
        if candidate.clock_at < now - settings.reach:
            return f"That is longer ago than checks look: “reach” in config/duly.yaml is {settings.reach.days}d."
        due_at = timing.due(candidate.clock_at, candidate.times, candidate.stage)
        first = now if candidate.paused else timing.next_at(candidate.clock_at, due_at, record.zone, {})
        if first is None:
            return "No step of the rule ever comes for it."
        slot = bound.next_slot(now)
        if first > slot + SLACK:
            return f"Its first step comes {self.desk.wall(first)}; a case is opened at the last check before."
        return f"The next check, {self.desk.wall(slot)}, opens a case for it."

    def as_json(self) -> dict[str, object]:
        check = self.memory.check
        return {
            "rule": self.path,
            "key": decode_key(self.memory.key),
            "cases": [self._chapter_json(chapter) for chapter in self.memory.chapters],
            "last_check": check
            and {
                "state": check.state,
                "at": self.desk.iso(check.now),
                "found": check.found,
                "opened": check.opened,
                "closed": check.closed,
                "reason": check.reason,
            },
            "now": self._now_json(),
        }

    def _chapter_json(self, chapter: Chapter) -> dict[str, object]:
        case, iso = chapter.case, self.desk.iso
        return {
            "id": case.id,
            "state": case.state,
            "held": case.held if case.active else None,
            "clock": case.clock,
            "clock_at": iso(case.clock_at),
            "due_at": iso(case.due_at),
            "opened_at": iso(case.opened_at),
            "closed_at": iso(case.closed_at),
            "in_charge": case.in_charge,
            "journal": [
                {"at": iso(entry.at), "event": entry.event, "detail": entry.detail, "delivery": entry.delivery_id}
                for entry in chapter.entries
            ],
            "deliveries": [
                {
                    "id": one.id,
                    "kind": one.kind,
                    "channel": one.channel,
                    "audience": one.audience,
                    "recipient": one.person.get("name") or one.person.get("id"),
                    "state": one.state,
                    "not_before": iso(one.not_before),
                    "reason": one.reason,
                    "subject": one.subject,
                    "text": one.body,
                }
                for one in chapter.deliveries
            ],
            "due_account": [
                {"kind": each.kind, "from": iso(each.begin), "to": iso(each.end), "seconds": each.seconds}
                for each in chapter.account
            ],
            "recorded": {
                "at": iso(chapter.recorded.at),
                "conditions": self._conditions_json(chapter.recorded.holds),
            },
            "to_come": [{"step": timed.step.identity, "at": iso(timed.moment)} for timed in chapter.waiting],
        }

    def _conditions_json(self, holding: Mapping[str, bool]) -> list[dict[str, object]]:
        return [
            {"key": key, "condition": condition, "holds": holds} for key, condition, holds in self._conditions(holding)
        ]

    def _now_json(self) -> dict[str, object] | None:
        if self.answer is None:
            return None
        record = self.answer.record
        if record is None:
            return {"asked": not self.answer.silence, "found": False, "says": list(self._now())}
        return {
            "asked": True,
            "found": True,
            "matches": record.matches and not record.done,
            "done": record.done,
            "clock_at": self.desk.iso(record.candidate.clock_at) if record.candidate else None,
            "conditions": self._conditions_json(record.holds),
            "says": list(self._now()),
        }
