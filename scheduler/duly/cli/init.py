"""``duly init``: a new workspace, from the starter pack."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from duly.cli.starter import copy_starter


@click.command(short_help="Make a new workspace in DIR.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Make a new workspace in DIR: four rules of a shop with their words, its people, and where its data is.

    DIR is a new folder, or an empty one.
    """
    count = copy_starter(folder)
    click.echo(f"Made a workspace of {count} files in {folder}. Next:\n\n{_next_steps(folder)}")


def _next_steps(folder: Path) -> str:
    steps = {
        f"cd {shlex.quote(str(folder))}": "",
        "duly check": "finds mistakes, and runs the rules’ examples",
        "edit config/duly.yaml": "where your service database is, and how people are reached",
        "edit config/vocabulary/": "what “paid” and “shipped” mean in its tables; then “duly check --live”",
        "duly preview orders/ship-within-72h": "shows who would hear what now, and sends nothing",
        "duly run": "goes to work",
    }
    width = max(len(step) for step in steps if not step.startswith("cd "))
    return "\n".join(f"  {step:<{width}}  {purpose}".rstrip() for step, purpose in steps.items())
