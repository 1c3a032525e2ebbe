"""``duly tasks``: what people have been asked to do."""

from __future__ import annotations

from pathlib import Path

import click

from duly.cli.desk import Desk, open_desk
from duly.cli.options import home_option, json_option
from duly.cli.screen import clean, number, screen, show_json, table
from duly.cli.stop import FINE, USAGE, Stop
from duly.ledger import tasks as ledger_tasks
from duly.ledger.tasks import Task
from duly.rules.problem import suggest_or_list
from duly.rules.record import show_key
from duly.time.clock import SystemClock


@click.command(short_help="List the calls that people have to make.")
@click.argument("person", metavar="[PERSON]", default="")
@home_option
@json_option
def tasks(home: Path, person: str, *, as_json: bool) -> int:
    """List the open tasks of PERSON, or of everybody: whom to call, at which number, by when, and what to say.

    Note what came of one with “duly task done NUMBER --outcome reached”.
    """
    desk = open_desk(home, SystemClock().now())
    staff = desk.snapshot.directory.staff
    if person and person not in staff:
        raise Stop(f"there is no “{person}” in the directory; {suggest_or_list(person, staff)}", USAGE)
    with desk.ledger() as ledger:
        found: list[Task] = []
        if ledger is not None:
            with ledger.read() as connection:
                found = ledger_tasks.waiting(connection, person)
    if as_json:
        show_json([_json(desk, task) for task in found])
    else:
        _show(desk, found)
    return FINE


def _show(desk: Desk, found: list[Task]) -> None:
    console = screen()
    if not found:
        console.print("There is nothing to do.")
        return
    rows = table("task", "who", "calls", "at", "about", "from", "by", wrap=["about"])
    for task in found:
        due = desk.wall(task.due_at) if task.due_at else "–"
        about = f"{task.title}: {show_key(task.key)}"
        cells = (task.person, task.name, task.number or "number unknown", about)
        rows.add_row(str(task.id), *map(clean, cells), desk.wall(task.not_before), due)
    console.print(rows)
    for task in found:
        console.print(clean(f"\n{task.id}  {task.script}"))
    console.print(clean(f"\n{number(len(found), 'task')}. When one is done: duly task done NUMBER --outcome reached"))


def _json(desk: Desk, task: Task) -> dict[str, object]:
    return {
        "task": task.id,
        "rule": task.path,
        "key": show_key(task.key),
        "person": task.person,
        "name": task.name,
        "number": task.number,
        "script": task.script,
        "created_at": desk.iso(task.created_at),
        "not_before": desk.iso(task.not_before),
        "due_at": desk.iso(task.due_at),
        "outcome": task.outcome,
    }
