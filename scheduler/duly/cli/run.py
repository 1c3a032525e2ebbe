"""``duly run``: the daemon in the foreground, as a service manager likes it."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

import click

from duly.cli.desk import ledger_troubles, require_workspace
from duly.cli.options import home_option
from duly.daemon import log
from duly.daemon.daemon import Daemon, Unfit
from duly.time.clock import SystemClock


def serve(home: Path) -> int:
    """Run the daemon until SIGTERM or SIGINT; SIGHUP reloads the files.

    Returns
    -------
    The exit code: 0 after a stop, 1 when the workspace cannot run.
    """
    require_workspace(home)
    log.configure()
    try:
        with ledger_troubles():
            daemon = Daemon(home, SystemClock())
    except Unfit as unfit:
        for problem in unfit.problems:
            click.echo(problem.render(), err=True)
        click.echo(f"duly run: {unfit}", err=True)
        return 1
    stopping, reloading = threading.Event(), threading.Event()
    woken = threading.Event()

    def on_stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()
        woken.set()

    def on_reload(_signal: int, _frame: FrameType | None) -> None:
        reloading.set()
        woken.set()

    signal.signal(signal.SIGTERM, on_stop)
    signal.signal(signal.SIGINT, on_stop)
    signal.signal(signal.SIGHUP, on_reload)
    daemon.start()
    while not stopping.is_set():
        woken.wait()
        woken.clear()
        if reloading.is_set() and not stopping.is_set():
            reloading.clear()
            daemon.reload()
    if not daemon.stop():
        # A channel still hangs in a send; its message is recovered at the next start, and nobody waits for it now.
        sys.stderr.flush()
        os._exit(0)
    return 0


@click.command()
@home_option
@click.pass_context
def run(context: click.Context, home: Path) -> None:
    """Run the daemon: check, remind, escalate, until told to stop.

    SIGTERM or Ctrl-C stops it within ten seconds; SIGHUP, or a saved file, has it read the workspace again.
    """
    context.exit(serve(home))
