"""What commands show: tables for people, JSON for programs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

from duly.time.clock import patience

T = TypeVar("T")

PLAIN_WIDTH = 110
"""Columns where no terminal says how wide it is."""
PATIENCE = 1.0
"""Seconds that work may take before its progress is shown."""


def screen(*, errors: bool = False) -> Console:
    """Make the console of a command; its words are taken as they are, without markup."""
    stream = sys.stderr if errors else sys.stdout
    told = stream.isatty() or "COLUMNS" in os.environ
    return Console(
        file=stream, width=None if told else PLAIN_WIDTH, markup=False, highlight=False, emoji=False, soft_wrap=False
    )


def show_json(answer: Any) -> None:
    """Answer a program."""
    click.echo(json.dumps(answer, ensure_ascii=False, indent=2, default=str))


def clean(words: object, style: str = "") -> Text:
    """Take words as they are, but for what would move the cursor: names come from other people."""
    shown = "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in str(words))
    return Text(shown, style)


def table(*headings: str, right: Iterable[str] = (), wrap: Iterable[str] = ()) -> Table:
    """Make a table without lines.

    Parameters
    ----------
    right: the headings of columns of figures.
    wrap: the headings of the columns that may break; all others keep to one line.
    """
    made = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for heading in headings:
        justify: Any = "right" if heading in right else "left"
        made.add_column(heading, justify=justify, no_wrap=heading not in wrap, overflow="fold")
    return made


def number(count: int, one: str, many: str = "") -> str:
    """Write ``1 rule``, ``25 examples``, ``no problems``."""
    return f"1 {one}" if count == 1 else f"{count or 'no':{',' if count else ''}} {many or one + 's'}"


class Meter(Protocol):
    """Takes note of work done."""

    def __call__(self, steps: int = 1) -> None:
        """Note that so many steps are done."""


@contextmanager
def meter(what: str, total: int | None = None) -> Iterator[Meter]:
    """Show how far work has come, on a terminal, once it has taken a second.

    Parameters
    ----------
    what: the work, in a word or two.
    total: how many steps it has; ``None`` when nobody knows.
    """
    console = screen(errors=True)
    figures = [BarColumn(), MofNCompleteColumn()] if total else [SpinnerColumn(), TextColumn("{task.completed:,}")]
    progress = Progress(TextColumn("{task.description}"), *figures, console=console, transient=True)
    task = progress.add_task(what, total=total)
    is_long = patience(PATIENCE)

    def note(steps: int = 1) -> None:
        progress.advance(task, steps)
        if console.is_terminal and not progress.live.is_started and is_long():
            progress.start()

    try:
        yield note
    finally:
        if progress.live.is_started:
            progress.stop()
