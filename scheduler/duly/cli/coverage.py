"""``duly coverage``: how many of a rule's records were done in time, and which."""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_FLOOR, Decimal
from pathlib import Path

import click

from duly.cli.desk import Desk, bound_rule, open_desk
from duly.cli.options import home_option, json_option
from duly.cli.screen import clean, screen, show_json, table
from duly.cli.stop import FINE, PROBLEMS, Stop
from duly.engine.assembly import assemble
from duly.engine.coverage import Coverage, NotMeasurable, measure, wanted_share
from duly.engine.source import SourceDown
from duly.ledger.ledger import Ledger
from duly.rules.bind import BoundRule
from duly.rules.problem import Problems
from duly.rules.record import decode_key, show_key
from duly.time.clock import SystemClock
from duly.time.zone import in_utc

SHOWN = 20
"""Keys of each kind that are shown; ``--json`` gives all."""


@click.command(short_help="Measure how many of a rule's records were done in time.")
@click.argument("rule", metavar="RULE")
@click.option("--since", required=True, metavar="TIME", help="From when the clock counts: “2026-11-01” or with 09:00.")
@click.option("--until", default="", metavar="TIME", help="Up to when, not included; now, unless you say otherwise.")
@home_option
@json_option
def coverage(home: Path, rule: str, since: str, until: str, *, as_json: bool) -> int:
    """Measure on the service database how many of the records that RULE concerned were done in time, and which.

    Ends with 1 when the share is under the rule's own “cover”. A record that is done and not due, or not yet due, is
    asked as it stands now; the service database is only read.
    """
    desk = open_desk(home, SystemClock().now())
    bound = bound_rule(desk, rule)
    begin = _instant(since, "--since", desk)
    end = _instant(until, "--until", desk) if until else desk.now
    if end <= begin:
        raise click.BadParameter(f"“{until or 'now'}” is not after “{since}”", param_hint="--until")
    found = _measure(bound, desk, begin, end)
    wanted, fact = wanted_share(bound.rule.cover)
    met = wanted is None or found.share is None or found.share >= wanted
    if as_json:
        show_json(_as_json(found, bound, desk, begin, end, met=met))
    else:
        _show(found, bound, desk, begin, end)
        if wanted is not None:
            of = f" of {fact}" if fact else ""
            screen().print(f"wanted: {wanted} %{of}; {'met' if met else 'not met'}", style="bold")
    return FINE if met else PROBLEMS


def _measure(bound: BoundRule, desk: Desk, begin: dt.datetime, end: dt.datetime) -> Coverage:
    problems = Problems()
    source = assemble(desk.snapshot, desk.plugins, Ledger("sqlite://"), problems).house.sources.get(bound.noun.source)
    if source is None:
        raise Stop(next(problem.sentence for problem in problems.all))
    try:
        return measure(bound, source, begin, end, desk.now)
    except (NotMeasurable, SourceDown) as error:
        raise Stop(str(error)) from None


def _instant(written: str, option: str, desk: Desk) -> dt.datetime:
    try:
        at = dt.datetime.fromisoformat(written)
    except ValueError:
        message = f"“{written}” is no time: write it like “2026-11-23” or “2026-11-23 09:00”"
        raise click.BadParameter(message, param_hint=option) from None
    return in_utc(at if at.tzinfo else at.replace(tzinfo=desk.snapshot.directory.zone))


def _kinds(found: Coverage) -> dict[str, list[bytes]]:
    return {
        "in time": found.in_time,
        "late": found.late,
        "done, nobody knows when": found.undated,
        "not due yet": found.open,
        "with a time that cannot be read": found.unreadable,
    }


def _show(found: Coverage, bound: BoundRule, desk: Desk, begin: dt.datetime, end: dt.datetime) -> None:
    console = screen()
    console.print(clean(bound.rule.title, "bold"), soft_wrap=True)
    console.print(f"{desk.wall(begin)} to {desk.wall(end)}: {found.matched:,} {bound.noun.name}\n")
    rows = table("", "count", "which", wrap=["which"])
    for kind, keys in _kinds(found).items():
        if keys or kind in ("in time", "late"):
            more = f" and {len(keys) - SHOWN:,} more" if len(keys) > SHOWN else ""
            rows.add_row(kind, f"{len(keys):,}", clean(", ".join(map(show_key, keys[:SHOWN])) + more))
    console.print(rows)
    share = "nothing was done or due" if found.share is None else f"{_percent(found.share)} % in time"
    console.print(f"\n{share}", style="bold")


def _percent(share: Decimal) -> Decimal:
    """Round down: 99.996 % is not 100 %."""
    return share.quantize(Decimal("0.01"), ROUND_FLOOR)


def _as_json(
    found: Coverage, bound: BoundRule, desk: Desk, begin: dt.datetime, end: dt.datetime, *, met: bool
) -> dict[str, object]:
    names = {"in_time": found.in_time, "late": found.late, "undated": found.undated}
    names |= {"open": found.open, "unreadable": found.unreadable}
    return {
        "rule": bound.rule.id,
        "since": desk.iso(begin),
        "until": desk.iso(end),
        "matched": found.matched,
        "share": None if found.share is None else float(_percent(found.share)),
        "cover": bound.rule.cover or None,
        "met": met,
        **{name: {"count": len(keys), "keys": [decode_key(key) for key in keys]} for name, keys in names.items()},
    }
