"""The command ``duly``."""

from __future__ import annotations

import platform
import sys
import tempfile
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import click

from duly import __version__
from duly.cli.options import HOME_HELP
from duly.cli.stop import BUG, FINE, INTERRUPTED, Stop

COMMANDS = {
    "init": "Make a new workspace in DIR.",
    "check": "Look for mistakes in a workspace, and run its examples.",
    "explain": "Say what a problem code means, and how to mend it.",
    "doctor": "See whether everything that Duly is connected to is well.",
    "facts": "List the words that rules may use.",
    "schema": "Write a JSON Schema for editors.",
    "preview": "Show who would hear what now; send nothing.",
    "simulate": "Show what a rule would do over days; send nothing.",
    "run": "Run the rules until stopped.",
    "status": "Show how rules, cases and deliveries stand.",
    "why": "Tell the whole story of one record under a rule.",
    "tasks": "List the calls that people have to make.",
    "task": "Note what came of a task.",
    "coverage": "Measure how many of a rule's records were done in time.",
    "release": "Let go of the cases that a rule holds.",
    "ack": "Take a case on, so that nobody else is asked for a while.",
    "pause": "Let a rule fire nothing for a while.",
    "retire": "Give a rule up: close its cases, cancel what waits.",
    "demo": "Watch Duly at work on a made-up shop.",
}
"""What each command does. They are listed here, so that ``duly --help`` need not import them."""


class _Commands(click.Group):
    """Imports a command, ``duly.cli.NAME.NAME``, when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"duly.cli.{cmd_name}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--home", metavar="DIR", type=click.Path(path_type=Path), envvar="DULY_HOME", help=HOME_HELP)
@click.version_option(__version__, message="duly %(version)s")
def duly(home: Path | None) -> None:
    """Make sure that somebody acts in time: rules watch a service database and tell the right people."""


def main() -> None:
    """Run the command line, and exit: 0 fine, 1 problems found, 2 usage, 3 our bug, 130 interrupted."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command.

    Parameters
    ----------
    arguments: what stands after ``duly``.

    Returns
    -------
    The exit code.
    """
    try:
        return duly.main(list(arguments), prog_name="duly", standalone_mode=False) or FINE
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except Stop as stop:
        click.echo(str(stop), err=True)
        return stop.code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - whatever it is, nobody should have to read a traceback
        return _broke(error)


def _broke(error: Exception) -> int:
    """Keep what we need to mend a bug of ours, and say where it is."""
    with tempfile.NamedTemporaryFile("w", prefix="duly-crash-", suffix=".txt", delete=False, encoding="utf-8") as log:
        log.write(f"duly {__version__}, Python {sys.version}, {platform.platform()}\n\n")
        log.writelines(traceback.format_exception(error))
    click.echo(
        f"Duly broke with {type(error).__name__}, which is our bug: please report it with {log.name}, "
        "after a look at it, for it may hold values of records.",
        err=True,
    )
    return BUG
