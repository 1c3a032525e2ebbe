"""``duly release``: a person decides what becomes of the cases that a rule holds."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import click
from rich.console import Console

from duly.cli.desk import Desk, open_desk, ruled
from duly.cli.options import home_option
from duly.cli.screen import clean, meter, number, screen, table
from duly.cli.stop import FINE, PROBLEMS, USAGE, Stop
from duly.engine.release import Overdue, Released, confirm_closings
from duly.engine.release import release as let_go
from duly.engine.versions import Versions
from duly.ledger import cases, overview
from duly.ledger.cases import Case
from duly.ledger.ledger import Ledger
from duly.ledger.versions import RuleRow
from duly.rules.record import show_key
from duly.time.clock import SystemClock

SAMPLE = 10
"""How many held cases are shown; their number is always given."""
SEND, SKIP, KEEP = "send", "skip", "keep"
FATES = {SEND: Overdue.SEND, SKIP: Overdue.SKIP}


@click.command(short_help="Let go of the cases that a rule holds.")
@click.argument("rule", metavar="RULE")
@click.option("--send", "fate", flag_value=SEND, help="Send what is overdue now; the rest follows in its time.")
@click.option("--skip", "fate", flag_value=SKIP, help="Skip what is overdue; only what is still to come is sent.")
@click.option("--yes", is_flag=True, help="Do not ask again.")
@home_option
def release(home: Path, rule: str, fate: str | None, *, yes: bool) -> int:
    """Decide about the cases that RULE holds: send what is overdue, or skip it.

    Duly holds cases that a change has brought in already overdue (a new rule, a new condition, a long outage), and
    whatever a rule would send above its limit. A release also confirms the closings that the rule's last check refused
    to make because too many records were gone at once.
    """
    desk = open_desk(home, SystemClock().now())
    with desk.ledger() as ledger:
        path, row = ruled(desk, ledger, rule)
        if ledger is None or row is None:
            raise Stop(f"nothing is held for {path}: Duly has not run it here yet")
        held = _read(ledger, row)
        console = screen()
        if not held.count and not held.refused:
            console.print(clean(f"Nothing is held for {path}."))
            return FINE
        _show(held, path, desk, console)
        chosen = _decide(held, fate, yes=yes)
        if chosen == KEEP:
            console.print("Nothing was changed.")
            return FINE
        return _carry_out(desk, ledger, row, held, FATES[chosen], console)


@dataclass(frozen=True)
class _Held:
    """What waits for a decision; ``refused`` says which closings the last check did not make, empty for none."""

    count: int
    reasons: Counter[str]
    sample: list[Case]
    refused: str


def _read(ledger: Ledger, row: RuleRow) -> _Held:
    with ledger.read() as connection:
        reasons = cases.held_because(connection, row.id)
        sample = list(islice(cases.held(connection, row.id), SAMPLE))
        check = overview.latest_checks(connection).get(row.id)
    refused = check.reason or "" if check and check.state == "refused" and not row.closings_confirmed else ""
    return _Held(sum(reasons.values()), Counter(reasons), sample, refused)


def _show(held: _Held, path: str, desk: Desk, console: Console) -> None:
    if held.refused:
        console.print(clean(f"The last check of {path} closed nothing: {held.refused}."))
    if not held.count:
        return
    console.print(clean(f"{path} holds {number(held.count, 'case')}.", "bold"))
    for reason, count in held.reasons.most_common():
        console.print(clean(f"  {count:,}: {reason}"))
    rows = table("key", "counting from", "due", "opened")
    for case in held.sample:
        due = desk.wall(case.due_at) if case.due_at else "–"
        rows.add_row(clean(show_key(case.key)), desk.wall(case.clock_at), due, desk.wall(case.opened_at))
    if len(held.sample) < held.count:
        console.print(f"\nThe first {len(held.sample)} of them:")
    console.print(rows)


def _decide(held: _Held, fate: str | None, *, yes: bool) -> str:
    asks = sys.stdin.isatty() and sys.stdout.isatty()
    if fate is None and (held.count or not yes):
        if not asks:
            raise Stop("say what becomes of them: --send what is overdue, or --skip it", USAGE)
        if held.count:
            click.echo("\nsend: what is overdue is sent now.  skip: only what is still to come is sent.")
            return str(click.prompt("What becomes of them?", type=click.Choice([SEND, SKIP, KEEP]), default=KEEP))
    if asks and not yes:
        does = (
            f"{fate} what is overdue of {number(held.count, 'case')}" if held.count else "let the next check close them"
        )
        click.confirm(f"\n{does[0].upper()}{does[1:]}?", abort=True)
    return fate or SEND


def _carry_out(desk: Desk, ledger: Ledger, row: RuleRow, held: _Held, overdue: Overdue, console: Console) -> int:
    now = SystemClock().now()
    if held.refused:
        confirm_closings(ledger, row, now)
        console.print("The next check closes what the last one refused to.")
    if not held.count:
        return FINE
    with meter("cases", held.count) as note:
        released = let_go(ledger, Versions(ledger, desk.snapshot), row, overdue, now, note)
    console.print(_said(released, overdue))
    if released.stuck:
        console.print(
            f"{number(released.stuck, 'case')} cannot go on, for the rule as it was when they opened can no longer be "
            "read: “duly check” says what is missing."
        )
    return PROBLEMS if released.stuck else FINE


def _said(released: Released, overdue: Overdue) -> str:
    goes = f"{number(released.cases, 'case')} {'goes' if released.cases == 1 else 'go'} on"
    if overdue is Overdue.SKIP:
        return (
            f"{goes}; {number(released.skipped, 'overdue step')} {'was' if released.skipped == 1 else 'were'} skipped."
        )
    return f"{goes}: a running daemon sends what is overdue within seconds."
