"""``duly init``: a new workspace, from the starter pack."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import click

import duly
from duly.cli.stop import USAGE, Stop

STARTER = ("config", "rules", "notifications")


@click.command(short_help="Make a new workspace in DIR.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Make a new workspace in DIR: four rules of a shop with their words, its people, and where its data is.

    DIR is a new folder, or an empty one.
    """
    if folder.exists() and not folder.is_dir():
        raise Stop(f"{folder} is a file: name a folder for the workspace", USAGE)
    starter = _starter()
    try:
        if folder.exists() and any(folder.iterdir()):
            raise Stop(f"{folder} is not empty: name a new folder for the workspace, or empty this one", USAGE)
        folder.mkdir(parents=True, exist_ok=True)
        for part in STARTER:
            shutil.copytree(starter / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    except OSError as error:
        raise Stop(f"{folder} cannot be made: {error.strerror or type(error).__name__}; name another folder") from None
    count = sum(path.is_file() for path in folder.rglob("*"))
    click.echo(f"Made a workspace of {count} files in {folder}. Next:\n\n{_next_steps(folder)}")


def _starter() -> Path:
    """Find the starter pack: in an installed wheel beside the code, in a checkout at its top."""
    package = Path(duly.__file__).resolve().parent
    places = (package / "_starter", package.parents[1])
    for place in places:
        if all((place / part).is_dir() for part in STARTER):
            return place
    raise Stop(f"the starter pack is not where it belongs, in {places[0]}: install Duly again")


def _next_steps(folder: Path) -> str:
    steps = {
        f"cd {shlex.quote(str(folder))}": "",
        "duly check": "finds mistakes, and runs the rules’ examples",
        "edit config/duly.yaml": "say where your service database is, and how people are reached",
        "edit config/vocabulary/": "say what “paid” and “shipped” mean in its tables; then “duly check --live”",
        "duly preview orders/ship-within-72h": "shows who would hear what now, and sends nothing",
        "duly run": "goes to work",
    }
    width = max(len(step) for step in steps if not step.startswith("cd "))
    return "\n".join(f"  {step:<{width}}  {purpose}".rstrip() for step, purpose in steps.items())
