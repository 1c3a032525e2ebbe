"""The starter pack: four rules of a shop with their words, its people, and where its data is."""

from __future__ import annotations

import shutil
from pathlib import Path

import duly
from duly.cli.stop import USAGE, Stop

PARTS = ("config", "rules", "notifications")


def copy_starter(folder: Path) -> int:
    """Make a workspace of the starter pack.

    Parameters
    ----------
    folder: a new folder, or an empty one.

    Returns
    -------
    How many files it holds.

    Raises
    ------
    Stop: the folder is not empty, or cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise Stop(f"{folder} is a file: name a folder for the workspace", USAGE)
    starter = _starter()
    try:
        if folder.exists() and any(folder.iterdir()):
            raise Stop(f"{folder} is not empty: name a new folder for the workspace, or empty this one", USAGE)
        folder.mkdir(parents=True, exist_ok=True)
        for part in PARTS:
            shutil.copytree(starter / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    except OSError as error:
        raise Stop(f"{folder} cannot be made: {error.strerror or type(error).__name__}; name another folder") from None
    return sum(path.is_file() for path in folder.rglob("*"))


def _starter() -> Path:
    """Find the starter pack: in an installed wheel beside the code, in a checkout at its top."""
    package = Path(duly.__file__).resolve().parent
    places = (package / "_starter", package.parents[1])
    for place in places:
        if all((place / part).is_dir() for part in PARTS):
            return place
    raise Stop(f"the starter pack is not where it belongs, in {places[0]}: install Duly again")
