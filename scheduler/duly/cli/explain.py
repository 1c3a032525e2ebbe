"""``duly explain``: what a problem code means, with a wrong and a right example."""

from __future__ import annotations

from textwrap import indent

import click
from rich.console import Console

from duly.cli.options import json_option
from duly.cli.screen import clean, screen, show_json, table
from duly.cli.stop import FINE, USAGE, Stop
from duly.rules.explanation import Explanation, explanations
from duly.rules.problem import suggest


@click.command(short_help="Say what a problem code means, and how to mend it.")
@click.argument("code", metavar="[CODE]", required=False)
@json_option
def explain(code: str | None, *, as_json: bool) -> int:
    """Say what the problem code CODE (such as R005) means, with a wrong and a right example, and the cure.

    Without CODE every code is listed.
    """
    known = explanations()
    if code is None:
        chosen = list(known.values())
    elif code.upper() in known:
        chosen = [known[code.upper()]]
    else:
        cure = suggest(code.upper(), known) or "“duly explain” lists all"
        raise Stop(f"there is no problem code “{code}”: {cure}", USAGE)
    if as_json:
        shown = [each.as_json() for each in chosen]
        show_json(shown if code is None else shown[0])
    elif code is None:
        _list(chosen, screen())
    else:
        _show(chosen[0], screen())
    return FINE


def _list(chosen: list[Explanation], console: Console) -> None:
    rows = table("code", "what it means", wrap=["what it means"])
    for each in chosen:
        rows.add_row(each.code, clean(each.title))
    console.print(rows)


def _show(each: Explanation, console: Console) -> None:
    console.print(clean(f"{each.code}  {each.title}", "bold"))
    console.print()
    console.print(clean(each.means))
    for title, words, style in (("Wrong", each.wrong, "red"), ("Right", each.right, "green")):
        console.print(clean(f"\n{title}, in {each.path}:"))
        console.print(clean(indent(_visible(words), "  "), style), soft_wrap=True)
    console.print()
    console.print(clean(each.cure))


def _visible(words: str) -> str:
    """Let a tab and what nobody can see be seen, for they are what an example is about."""
    shown = words.replace("\t", "→   ")
    return "".join(
        letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}" for letter in shown
    )
