"""Who a command acts for: a person of the directory, or the user of the machine."""

from __future__ import annotations

import getpass

import click

from duly.cli.options import F
from duly.rules.directory import Directory
from duly.rules.problem import suggest_or_list


def as_option(command: F) -> F:
    """Give a command ``person``: who decides, where that is not the user of the machine."""
    return click.option("--as", "person", metavar="PERSON", default="", help="Who decides: a person of the directory.")(
        command
    )


def who(person: str, directory: Directory) -> str:
    """Name who acts, for the journal; the user of the machine where nobody is named."""
    if not person:
        return getpass.getuser()
    if person not in directory.staff:
        cure = suggest_or_list(person, directory.staff) or "see config/directory.yaml"
        raise click.BadParameter(f"there is nobody “{person}” in the directory: {cure}", param_hint="--as")
    return person
