"""``duly simulate``: what a rule would do over days."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click
from rich.console import Console
from rich.padding import Padding

from duly.cli.desk import Desk, bound_rule, open_desk
from duly.cli.options import home_option, json_option
from duly.cli.screen import clean, meter, number, screen, show_json, table
from duly.cli.stop import FINE, USAGE, Stop
from duly.cli.timeline import draw
from duly.cli.words import recipient, spoken_step
from duly.engine.simulation import Simulation
from duly.engine.simulation import simulate as play
from duly.engine.source import SourceDown
from duly.ledger.outcomes import Outcome
from duly.rules.bind import BoundRule
from duly.rules.model import FactIs
from duly.time.clock import SystemClock
from duly.time.zone import local, midnight

MESSAGES = 5
WEEK = dt.timedelta(days=7)


@click.command(short_help="Show what a rule would do over days; send nothing.")
@click.argument("rule", metavar="RULE")
@click.option("--from", "first", metavar="DATE", default="", help="From when: “2026-11-23”, or with a time. Else now.")
@click.option("--to", "last", metavar="DATE", default="", help="Until when, not included. Else a week later.")
@click.option(
    "--messages", type=click.IntRange(min=0), default=MESSAGES, show_default=True, help="How many messages to show."
)
@click.option(
    "--picture",
    metavar="FILE.svg",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Draw it into this file as well, as an SVG picture.",
)
@home_option
@json_option
def simulate(
    home: Path, rule: str, first: str, last: str, messages: int, picture: Path | None, *, as_json: bool
) -> int:
    """Show what RULE would do from one day to another: day by day, who would be told what, and how often.

    The engine itself runs on a clock that jumps. The service database is only read, as it stands now; nothing is
    written anywhere but the picture, and nothing is sent.
    """
    if picture and picture.suffix.lower() != ".svg":
        raise click.BadParameter(f"“{picture}” is no SVG: name it FILE.svg", param_hint="--picture")
    desk = open_desk(home, SystemClock().now())
    bound = bound_rule(desk, rule)
    begin = _instant(first, desk, "--from") if first else desk.now.replace(second=0, microsecond=0)
    end = _instant(last, desk, "--to") if last else begin + WEEK
    if end <= begin:
        raise Stop("nothing lies between --from and --to: --to is the later of the two, and not included", USAGE)
    seconds, done = int((end - begin).total_seconds()), 0

    def note(reached: int) -> None:
        nonlocal done
        progress(reached - done)
        done = reached

    try:
        with meter("simulating", seconds) as progress:
            found = play(bound, desk.snapshot, desk.plugins, begin, end, desk.now, messages, note)
    except SourceDown as down:
        raise Stop(str(down)) from None
    if picture:
        _write(picture, draw(found, bound, desk.snapshot.directory.zone))
    if as_json:
        show_json(_as_json(found, bound, desk))
    else:
        _show(found, bound, desk)
        if picture:
            click.echo(f"\nThe picture is {picture}.")
    return FINE


def _instant(written: str, desk: Desk, option: str) -> dt.datetime:
    try:
        at = dt.datetime.fromisoformat(written)
    except ValueError:
        raise click.BadParameter(
            f"“{written}” is no date: write it like “2026-11-23” or “2026-11-23 09:00”", param_hint=option
        ) from None
    if at.tzinfo is None and at.time() == dt.time():
        return midnight(at.date(), desk.snapshot.directory.zone)
    return (at if at.tzinfo else at.replace(tzinfo=desk.snapshot.directory.zone)).astimezone(dt.UTC)


def _write(picture: Path, drawn: str) -> None:
    try:
        picture.write_text(drawn, encoding="utf-8")
    except OSError as error:
        raise Stop(f"{picture} cannot be written: {(error.strerror or '').lower()}") from None


@dataclass
class _Row:
    """One step on one day.

    Parameters
    ----------
    cases: those that it fired for, or ended for.
    told: how many messages each got, or what was done, by name.
    ended: how many deliveries and steps ended without reaching anybody, by how they ended.
    """

    day: dt.date
    step: str
    cases: set[int] = field(default_factory=set)
    told: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)

    @property
    def reached(self) -> Counter[str]:
        """Whom it reached; where nobody was to be told, what was done."""
        return self.told or self.done


def _rows(outcomes: Sequence[Outcome], bound: BoundRule, desk: Desk) -> list[_Row]:
    order = {step.identity: place for place, step in enumerate(bound.rule.steps)}
    found: dict[tuple[dt.date, str], _Row] = {}
    for one in outcomes:
        day = local(one.at, desk.snapshot.directory.zone).date()
        row = found.setdefault((day, one.step), _Row(day, one.step))
        row.cases.update(one.cases)
        if one.state != "accepted":
            row.ended[one.state] += 1
        elif one.kind == "message":
            row.told[one.recipient] += 1
        else:
            row.done[one.channel.removeprefix("action ")] += 1
    return sorted(found.values(), key=lambda row: (row.day, order.get(row.step, len(order)), row.step))


def _show(found: Simulation, bound: BoundRule, desk: Desk) -> None:
    console = screen()
    for problem in found.problems:
        console.print(clean(problem.render(), "yellow"), soft_wrap=True)
    console.print(clean(bound.rule.title, "bold"), soft_wrap=True)
    zone = desk.snapshot.directory.zone
    console.print(f"{desk.wall(found.begin)} to {desk.wall(found.end)}, {zone}. Nothing is sent.\n")
    for sentence in _caveats(found, bound, desk):
        console.print(clean(sentence))
    console.print()
    _show_rows(_rows(found.outcomes, bound, desk), bound, console)
    for hold in found.holds:
        console.print(clean(f"{desk.wall(hold.at)}: held {hold.detail}. Here nobody releases them.", "yellow"))
    if found.waiting:
        console.print(f"{number(found.waiting, 'message')} still waited for their hour at the end.")
    if found.messages:
        console.print(clean("\nThe first messages", "bold"))
    for one in found.messages:
        at = desk.wall(one.settled_at) if one.settled_at else ""
        console.print(_indented(f"{at}  {recipient(one)} by {one.channel} to {one.to}:"))
        console.print(_indented(f"{one.subject}\n\n{one.body}" if one.subject else one.body or "", "cyan", 4))


def _show_rows(rows: Sequence[_Row], bound: BoundRule, console: Console) -> None:
    if not rows:
        console.print(clean("Nobody would hear anything.", "bold"))
        return
    shown = table("day", "step", bound.noun.name, "told", right=[bound.noun.name], wrap=["step", "told"])
    before = None
    for row in rows:
        ended = [f"{count:,} {state}" for state, count in sorted(row.ended.items())]
        told = ", ".join([*(f"{name} {count:,}" for name, count in row.reached.most_common()), *ended])
        day = "" if row.day == before else f"{row.day:%a %d %b}"
        shown.add_row(day, clean(spoken_step(row.step)), f"{len(row.cases):,}", clean(told))
        before = row.day
    console.print(shown)
    total = sum((row.told for row in rows), Counter[str]())
    names = ", ".join(f"{name} {count:,}" for name, count in total.most_common())
    console.print(clean(f"\n{number(total.total(), 'message')} in all{': ' if names else '.'}{names}", "bold"))


def _caveats(found: Simulation, bound: BoundRule, desk: Desk) -> Iterator[str]:
    """Say what a simulation over a source that lives on can know."""
    noun = bound.noun
    facts = dict.fromkeys(each.fact for each in bound.plan.conditions if isinstance(each, FactIs))
    timed = [fact for fact in facts if noun.facts[fact].at]
    as_it_is = [fact for fact in facts if not noun.facts[fact].at]
    said = [f"From their own time on: {', '.join(timed)}"] if timed else []
    said += [f"As now, for the vocabulary gives no time for it: {', '.join(as_it_is)}"] if as_it_is else []
    seen = f"Seen in the {noun.name} as they stand {desk.wall(found.read_at)}."
    yield " ".join([seen, *(f"{each}." for each in said)])
    if found.end > found.read_at:
        yield f"Of what comes after that it knows nothing: no new {noun.name}, and nobody sees to the known ones."
    if found.late:
        many = "is" if found.late == 1 else "are"
        yield (
            f"{number(found.late, noun.one, noun.name)} {many} late already when it begins. A rule that is new holds "
            "such until “duly release”, so they do not show here; with an earlier --from their steps come in time."
        )
    if found.grain > dt.timedelta(minutes=1) / 2:
        yield f"So that it is quick, moments are rounded up to {int(found.grain.total_seconds() // 60)} minutes."
    for failure in dict.fromkeys(found.failures):
        yield f"A check failed on the way: {failure}."


def _indented(words: str, style: str = "", by: int = 2) -> Padding:
    return Padding(clean(words, style), (0, 0, 0, by), expand=False)


def _as_json(found: Simulation, bound: BoundRule, desk: Desk) -> dict[str, object]:
    return {
        "rule": bound.rule.id,
        "title": bound.rule.title,
        "from": desk.iso(found.begin),
        "to": desk.iso(found.end),
        "source_read_at": desk.iso(found.read_at),
        "says": list(_caveats(found, bound, desk)),
        "in_sight": found.matching,
        "late_before": found.late,
        "checked": found.check or [str(schedule) for schedule in bound.rule.check],
        "rounded_up_to_seconds": int(found.grain.total_seconds()),
        "days": [
            {
                "day": row.day.isoformat(),
                "step": row.step,
                "cases": len(row.cases),
                "told": dict(row.told),
                "done": dict(row.done),
                "ended": dict(row.ended),
            }
            for row in _rows(found.outcomes, bound, desk)
        ],
        "holds": [{"at": desk.iso(hold.at), "detail": hold.detail} for hold in found.holds],
        "waiting": found.waiting,
        "failures": list(found.failures),
        "messages": [
            {
                "at": desk.iso(one.settled_at),
                "recipient": one.person.get("name") or one.person.get("id"),
                "audience": one.audience,
                "channel": one.channel,
                "to": one.to,
                "subject": one.subject,
                "text": one.body,
            }
            for one in found.messages
        ],
        "problems": [problem.as_json() for problem in found.problems],
    }
