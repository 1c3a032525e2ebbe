"""Options that commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

HOME_HELP = "The workspace: a folder with config/, rules/ and notifications/. Else DULY_HOME, else the current folder."


def home_option(command: F) -> F:
    """Give a command ``home``: the workspace named after it, before it, in DULY_HOME, else the current folder."""
    return click.option(
        "--home", metavar="DIR", type=click.Path(path_type=Path), callback=_home, help=HOME_HELP, is_eager=True
    )(command)


def json_option(command: F) -> F:
    """Give a reading command ``as_json``: whether a program reads the answer."""
    return click.option("--json", "as_json", is_flag=True, help="Answer with JSON, for programs.")(command)


def _home(context: click.Context, _parameter: click.Parameter, value: Path | None) -> Path:
    return value or context.find_root().params.get("home") or Path.cwd()
