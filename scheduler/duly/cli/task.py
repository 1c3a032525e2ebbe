"""``duly task done``: what came of a task."""

from __future__ import annotations

from pathlib import Path

import click

from duly.cli.desk import open_desk
from duly.cli.options import home_option
from duly.cli.screen import clean, screen
from duly.cli.stop import FINE, USAGE, Stop
from duly.engine.call_outcome import note, parse_outcome
from duly.ledger import tasks
from duly.time.clock import SystemClock


@click.group(short_help="Note what came of a task.")
def task() -> None:
    """Note what came of a task; “duly tasks” lists them."""


@task.command(short_help="Note that a call has been made, or is to be made again.")
@click.argument("number", type=int)
@click.option("--outcome", required=True, help="reached, not reached, or “call again at 16:00” (or “Tue 16:00”).")
@click.option("--by", default="", metavar="PERSON", help="Who says so; else the one whose task it is.")
@home_option
def done(home: Path, number: int, outcome: str, by: str) -> int:
    """Note what came of task NUMBER.

    Its case closes as always, when the source says that the matter is done.
    """
    now = SystemClock().now()
    desk = open_desk(home, now)
    directory = desk.snapshot.directory
    try:
        came_of_it = parse_outcome(outcome, directory, now)
    except ValueError as error:
        raise Stop(str(error), USAGE) from None
    with desk.ledger() as ledger:
        found = None
        if ledger is not None:
            with ledger.read() as connection:
                found = tasks.get(connection, number)
        if ledger is None or found is None:
            raise Stop(f"there is no task {number}: “duly tasks” lists them")
        if not note(ledger, found, came_of_it, by or found.person, directory, desk.snapshot.settings, now):
            raise Stop(f"task {number} is done already")
    screen().print(clean(f"Noted for task {number}: {' '.join(outcome.split())}."))
    return FINE
