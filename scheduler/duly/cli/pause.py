"""``duly pause``: a rule fires nothing for a while."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from duly.cli.desk import Desk, open_desk, ruled
from duly.cli.options import home_option
from duly.cli.screen import clean, number, screen
from duly.cli.stop import FINE, Stop
from duly.cli.who import as_option, who
from duly.engine.rule_pause import pause as set_down
from duly.engine.rule_pause import resume
from duly.time.clock import SystemClock
from duly.time.duration import Duration, Unit


@click.command(short_help="Let a rule fire nothing for a while.")
@click.argument("rule", metavar="RULE")
@click.option(
    "--for", "span", metavar="DURATION", default="", help="How long: 2h, 3d, 1 working day; else until --end."
)
@click.option("--end", "ends", is_flag=True, help="End the pause.")
@as_option
@home_option
def pause(home: Path, rule: str, span: str, person: str, *, ends: bool) -> int:
    """Let RULE fire nothing and send nothing from now on, in every daemon at once.

    It is still checked: its cases open and close. When the pause ends, what came due meanwhile goes out; after a pause
    of over 12 hours that is held until “duly release RULE”.
    """
    if ends and span:
        raise click.UsageError("--end ends a pause now, and --for begins one: give one of them")
    desk = open_desk(home, SystemClock().now())
    name = who(person, desk.snapshot.directory)
    with desk.ledger() as ledger:
        path, row = ruled(desk, ledger, rule)
        if ledger is None or row is None:
            raise Stop(f"{path} cannot be paused: Duly has not run it here yet")
        console = screen()
        if not ends:
            until = _until(desk, path, span)
            set_down(ledger, row, until, name, desk.now)
            end = f"until {desk.wall(until)}" if until else f"until “duly pause {path} --end”"
            console.print(clean(f"{path} fires nothing {end}."), soft_wrap=True)
            return FINE
        held = resume(ledger, row, name, desk.now)
        if held is None:
            console.print(clean(f"{path} is not paused."))
        elif held:
            cases = f"{number(held, 'case')} came due meanwhile and {'waits' if held == 1 else 'wait'}"
            console.print(clean(f"{path} goes on; {cases} for “duly release {path}”."), soft_wrap=True)
        else:
            console.print(clean(f"{path} goes on."))
    return FINE


def _until(desk: Desk, path: str, span: str) -> dt.datetime | None:
    if not span:
        return None
    bound = desk.snapshot.rules.get(path)
    working = bound.working if bound else desk.snapshot.directory.hours("")
    try:
        duration = Duration.parse(span)
        if duration.unit is not Unit.PERCENT and duration.amount:
            return working.add(desk.now, duration)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--for") from None
    cure = "write it like “2h”, “3d” or “1 working day”"
    raise click.BadParameter(f"a pause cannot last “{duration.written}”: {cure}", param_hint="--for")
