"""``duly doctor``: whether everything that Duly is connected to is well, a line each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from duly.cli.desk import Desk, open_desk
from duly.cli.options import home_option, json_option
from duly.cli.screen import clean, meter, screen, show_json, table
from duly.cli.stop import FINE, PROBLEMS, Stop
from duly.engine.assembly import assemble
from duly.engine.checkup import (
    Finding,
    look_at_calendars,
    look_at_channels,
    look_at_files,
    look_at_plugins,
    look_at_sources,
)
from duly.engine.ledger_checkup import look_at_disk, look_at_ledger
from duly.ledger.ledger import Ledger
from duly.rules.problem import Problems
from duly.time.clock import SystemClock

STYLES = {"ok": "green", "warning": "yellow", "problem": "bold red"}


@click.command(short_help="See whether everything that Duly is connected to is well.")
@home_option
@json_option
def doctor(home: Path, *, as_json: bool) -> int:
    """See whether everything that Duly is connected to is well: sources, channels, calendars, plugins, ledger, disk.

    Nothing is sent, and nothing is changed. Exits with 1 when there is a problem; warnings alone are fine.
    """
    desk = open_desk(home, SystemClock().now())
    with meter("looks") as note:
        found = []
        for finding in _look(desk):
            found.append(finding)
            note()
    if as_json:
        show_json([asdict(finding) for finding in found])
    else:
        rows = table("", "about", "finding", wrap=["finding"])
        rows.show_header = False
        for finding in found:
            rows.add_row(clean(finding.state, STYLES[finding.state]), clean(finding.about), clean(finding.sentence))
        screen().print(rows)
    return PROBLEMS if any(finding.state == "problem" for finding in found) else FINE


def _look(desk: Desk) -> Iterator[Finding]:
    snapshot, problems = desk.snapshot, Problems()
    house = assemble(snapshot, desk.plugins, Ledger("sqlite://"), problems).house
    problems.extend(desk.problems.all)
    yield from look_at_files(problems.all)
    yield from look_at_plugins(desk.plugins)
    yield from look_at_sources(house.sources, snapshot.nouns.values(), snapshot.rules.values(), desk.now)
    yield from look_at_channels(house.channels, snapshot.settings.channels)
    calendars = [*snapshot.calendars.values(), snapshot.directory.calendar]
    used = [rule.calendar for rule in snapshot.rules.values() if rule.calendar]
    today = desk.now.astimezone(snapshot.directory.zone).date()
    yield from look_at_calendars([*calendars, *used], today)
    yield from _ledger(desk)
    yield from look_at_disk(snapshot.home)


def _ledger(desk: Desk) -> Iterator[Finding]:
    try:
        with desk.ledger() as ledger:
            if ledger is None:
                yield Finding("ledger", "ok", "is not there yet; “duly run” makes it")
            else:
                yield from look_at_ledger(ledger, SystemClock().now())
    except Stop as stop:
        says, _, cure = str(stop).partition(": ")
        yield Finding("ledger", "problem", says.removeprefix("the ledger "), cure)
