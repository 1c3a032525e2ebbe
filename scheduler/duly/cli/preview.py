"""``duly preview``: who would hear what now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.padding import Padding

from duly.cli.desk import Desk, bound_rule, open_desk
from duly.cli.options import home_option, json_option
from duly.cli.screen import clean, meter, number, screen, show_json, table
from duly.cli.stop import FINE, Stop
from duly.cli.words import spoken_step
from duly.engine.preview import PEOPLE, Preview, Previewed
from duly.engine.preview import preview as look
from duly.engine.roundup_preview import preview_roundup
from duly.engine.source import SourceDown
from duly.ledger.outbox import Delivery
from duly.rules.bind import BoundRule
from duly.rules.record import decode_key, show_key
from duly.rules.roundup import Roundup
from duly.time.clock import SystemClock

LIMIT = 20
INTERESTING = ("overtaken", "expired", "skipped", "waits", "handed")
"""What the journal says of a step beside its messages."""


@click.command(short_help="Show who would hear what now; send nothing.")
@click.argument("rule", metavar="RULE")
@click.option(
    "--at", "written", metavar="TIME", default="", help="Another time than now: “2026-11-23 09:00”, at the desk."
)
@click.option("--limit", type=click.IntRange(min=1), default=LIMIT, show_default=True, help="How many records to show.")
@home_option
@json_option
def preview(home: Path, rule: str, written: str, limit: int, *, as_json: bool) -> int:
    """Show who would hear what now under RULE, word for word, if nothing had been sent before.

    The service database is only read, nothing is written anywhere, and nothing is sent. What the rule would hold is
    shown as if it had been released.
    """
    desk = open_desk(home, SystemClock().now())
    bound = bound_rule(desk, rule)
    now = _instant(written, desk) if written else desk.now
    if bound.rule.roundup:
        return _roundup(bound, bound.rule.roundup, now, desk, as_json=as_json)
    try:
        with meter(bound.noun.name) as note:
            found = look(bound, desk.snapshot, desk.plugins, now, limit, note)
    except SourceDown as down:
        raise Stop(str(down)) from None
    if as_json:
        show_json(_as_json(found, bound, now, desk))
    else:
        _show(found, bound, now, desk)
    return FINE


def _roundup(bound: BoundRule, roundup: Roundup, now: dt.datetime, desk: Desk, *, as_json: bool) -> int:
    """Show what a roundup would send if this were its slot."""
    try:
        found = preview_roundup(bound, roundup, desk.snapshot, desk.plugins, now)
    except SourceDown as down:
        raise Stop(str(down)) from None
    said = [entry.detail for entry in found.journal]
    if found.without_cases:
        said.append("sections about Duly’s own cases stay empty here")
    if as_json:
        show_json(
            {
                "rule": bound.rule.id,
                "title": bound.rule.title,
                "at": desk.iso(now),
                "since": desk.iso(found.since),
                "problems": [problem.as_json() for problem in found.problems],
                "notes": said,
                "deliveries": _deliveries_json(found.deliveries, desk),
            }
        )
        return FINE
    console = screen()
    for problem in found.problems:
        console.print(clean(problem.render(), "yellow"), soft_wrap=True)
    console.print(clean(bound.rule.title, "bold"), soft_wrap=True)
    since = f"{desk.wall(found.since)} to " if found.since else ""
    console.print(f"{since}{desk.wall(now)}, as if this were its slot; nothing is sent now.")
    for sentence in said:
        console.print(clean(sentence))
    for one in found.deliveries:
        _show_delivery(one, desk, console)
    return FINE


def _instant(written: str, desk: Desk) -> dt.datetime:
    try:
        at = dt.datetime.fromisoformat(written)
    except ValueError:
        raise click.BadParameter(
            f"“{written}” is no time: write it like “2026-11-23 09:00”", param_hint="--at"
        ) from None
    return (at if at.tzinfo else at.replace(tzinfo=desk.snapshot.directory.zone)).astimezone(dt.UTC)


def _show(found: Preview, bound: BoundRule, now: dt.datetime, desk: Desk) -> None:
    console = screen()
    for problem in found.problems:
        console.print(clean(problem.render(), "yellow"), soft_wrap=True)
    console.print(clean(bound.rule.title, "bold"), soft_wrap=True)
    zone = desk.snapshot.directory.zone
    console.print(
        f"{now.astimezone(zone):%a %d %b %Y %H:%M}, {zone}. As if nothing had been sent before; nothing is sent now.\n"
    )
    if found.records:
        _show_records(found, bound, now, desk, console)
    _show_totals(found, bound, console)
    for record in found.records:
        if record.deliveries or any(entry.event in INTERESTING for entry in record.journal):
            _show_outcome(record, bound, desk, console)


def _show_records(found: Preview, bound: BoundRule, now: dt.datetime, desk: Desk, console: Console) -> None:
    rows = table(bound.noun.one, "due", "next step", "when", wrap=["next step"])
    for record in found.records:
        is_due = record.at is not None and record.at <= now
        rows.add_row(
            clean(show_key(record.key)),
            desk.wall(record.due_at) if record.due_at else "–",
            clean(_next_steps(record)),
            clean("now" if is_due else desk.wall(record.at) if record.at else "–", "bold" if is_due else ""),
        )
    console.print(rows)
    console.print()


def _next_steps(record: Previewed) -> str:
    """Name the steps that fire now, else the first to come."""
    fired = [entry.detail for entry in record.journal if entry.event == "fired"]
    if record.paused and not fired and record.step is None:
        return f"none while its clock stands still: {', '.join(record.paused)}"
    return ", ".join(map(spoken_step, fired or [record.step.identity if record.step else "–"]))


def _show_totals(found: Preview, bound: BoundRule, console: Console) -> None:
    noun = bound.noun
    shown = f"; the {len(found.records):,} most urgent are shown" if len(found.records) < found.matching else ""
    many = noun.name
    console.print(
        f"{number(found.matching, noun.one, many)} {'matches' if found.matching == 1 else 'match'}, "
        f"{found.due or 'none':{',' if found.due else ''}} with a step due now{shown}.",
        style="bold",
    )
    if found.clockless:
        console.print(f"{number(found.clockless, noun.one, many)} more would match, but without a clock to count from.")
    if found.unreadable:
        console.print(f"{number(found.unreadable, noun.one, many)} more would match, but with an unreadable time.")


def _show_outcome(record: Previewed, bound: BoundRule, desk: Desk, console: Console) -> None:
    console.print(clean(f"\n{bound.noun.one} {show_key(record.key)}", "bold"))
    for entry in record.journal:
        if entry.event == "handed" or (entry.event in INTERESTING and entry.delivery_id is None):
            console.print(_indented(f"{entry.event}: {spoken_step(entry.detail)}", "dim"))
    for one in record.deliveries:
        _show_delivery(one, desk, console)
    told = {one.audience for one in record.deliveries}
    for who, size in record.crowds.items():
        if who in told and size > PEOPLE:
            console.print(_indented(f"and {size - PEOPLE:,} more {who}"))


def _show_delivery(one: Delivery, desk: Desk, console: Console) -> None:
    if one.kind == "message" or one.state != "accepted":
        console.print(_indented(_headline(one, desk)))
    if one.body:
        words = f"{one.subject}\n\n{one.body}" if one.subject else one.body
        console.print(_indented(words, "cyan", 4))


def _indented(words: str, style: str = "", by: int = 2) -> Padding:
    return Padding(clean(words, style), (0, 0, 0, by), expand=False)


def _headline(one: Delivery, desk: Desk) -> str:
    name = str(one.person.get("name") or one.person.get("id") or one.audience)
    means = one.channel.removeprefix("action ") if one.kind == "action" else f"by {one.channel}"
    to = f" to {one.to}" if one.to and one.to != name else ""
    said = f"{name} ({one.audience}) {means}{to}" if name != one.audience else f"{name} {means}{to}"
    if one.state == "accepted":
        return f"{said}:"
    if one.state == "waiting":
        return f"{said}: not before {desk.wall(one.not_before)}, {one.reason or 'for no channel of this name works'}"
    return f"{said}: {one.state}, {one.reason}"


def _as_json(found: Preview, bound: BoundRule, now: dt.datetime, desk: Desk) -> dict[str, object]:
    return {
        "rule": bound.rule.id,
        "title": bound.rule.title,
        "at": desk.iso(now),
        "matching": found.matching,
        "due": found.due,
        "shown": len(found.records),
        "without_clock": found.clockless,
        "unreadable": found.unreadable,
        "problems": [problem.as_json() for problem in found.problems],
        "records": [_record_json(record, desk) for record in found.records],
    }


def _record_json(record: Previewed, desk: Desk) -> dict[str, object]:
    return {
        "key": decode_key(record.key),
        "clock": desk.iso(record.clock_at),
        "due": desk.iso(record.due_at),
        "next_step": record.step.identity if record.step else None,
        "next_at": desk.iso(record.at),
        "paused": list(record.paused),
        "deliveries": _deliveries_json(record.deliveries, desk),
        "people": dict(record.crowds),
        "journal": [{"event": entry.event, "detail": entry.detail} for entry in record.journal],
    }


def _deliveries_json(deliveries: Sequence[Delivery], desk: Desk) -> list[dict[str, object]]:
    return [
        {
            "kind": one.kind,
            "audience": one.audience,
            "recipient": one.person.get("name") or one.person.get("id"),
            "channel": one.channel,
            "to": one.to,
            "subject": one.subject,
            "text": one.body,
            "state": one.state,
            "not_before": desk.iso(one.not_before),
            "reason": one.reason,
        }
        for one in deliveries
    ]
