"""``duly retire``: a rule is given up."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from duly.cli.desk import open_desk, ruled
from duly.cli.options import home_option
from duly.cli.screen import clean, meter, number, screen
from duly.cli.stop import FINE, USAGE, Stop
from duly.cli.who import as_option, who
from duly.engine.rule_pause import resume
from duly.engine.rule_pause import retire as give_up
from duly.ledger import cases
from duly.time.clock import SystemClock


@click.command(short_help="Give a rule up: close its cases, cancel what waits.")
@click.argument("rule", metavar="RULE")
@click.option("--yes", is_flag=True, help="Do not ask again.")
@click.option("--end", "ends", is_flag=True, help="Take the rule up again.")
@as_option
@home_option
def retire(home: Path, rule: str, person: str, *, yes: bool, ends: bool) -> int:
    """Give RULE up: its open cases close as gone, what waits to leave is cancelled, and it is checked no more.

    Use it for a rule whose file is gone, or is to go. What it has sent, and why, stays in the journal.
    """
    desk = open_desk(home, SystemClock().now())
    name = who(person, desk.snapshot.directory)
    with desk.ledger() as ledger:
        path, row = ruled(desk, ledger, rule)
        if ledger is None or row is None:
            raise Stop(f"there is nothing to retire of {path}: Duly has not run it here yet")
        console = screen()
        if ends:
            again = resume(ledger, row, name, desk.now) is not None
            console.print(clean(f"{path} is taken up again." if again else f"{path} is not retired."))
            return FINE
        with ledger.read() as connection:
            count = cases.count_open(connection, row.id)
        console.print(clean(f"{path} has {number(count, 'open case')}."))
        if not yes:
            if not (sys.stdin.isatty() and sys.stdout.isatty()):
                raise Stop("nothing was changed: say --yes to retire it", USAGE)
            click.confirm("Close them as gone, and check this rule no more?", abort=True)
        with meter("cases", count) as note:
            retired = give_up(ledger, row, name, SystemClock().now(), note)
        closed, dropped = number(retired.cases, "case"), number(retired.deliveries, "delivery", "deliveries")
        console.print(clean(f"{path} is retired: {closed} closed, {dropped} cancelled."))
        if path in {*desk.snapshot.rules, *desk.snapshot.broken}:
            console.print(clean(f"Its file is still there: delete rules/{path}.yaml, or “duly retire {path} --end”."))
    return FINE
