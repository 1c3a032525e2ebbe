"""``duly ack``: somebody has taken a case on."""

from __future__ import annotations

from pathlib import Path

import click

from duly.cli.desk import open_desk, ruled
from duly.cli.options import home_option
from duly.cli.screen import clean, screen
from duly.cli.stop import FINE, Stop
from duly.cli.story import keys, remember
from duly.cli.who import as_option, who
from duly.engine.acknowledgement import acknowledge
from duly.engine.versions import Versions
from duly.rules.record import show_key
from duly.time.clock import SystemClock


@click.command(short_help="Take a case on, so that nobody else is asked for a while.")
@click.argument("rule", metavar="RULE")
@click.argument("key", metavar="KEY")
@as_option
@home_option
def ack(home: Path, rule: str, key: str, person: str) -> int:
    """Say that somebody has taken on the record KEY under RULE.

    Its “unanswered” steps rest for one working day; then, if it is still open, the ladder resumes. KEY is the record's
    key as the vocabulary has it (1007, A-17); the parts of a composite key are written a/b.
    """
    desk = open_desk(home, SystemClock().now())
    name = who(person, desk.snapshot.directory)
    with desk.ledger() as ledger:
        path, row = ruled(desk, ledger, rule)
        if ledger is None or row is None:
            raise Stop(f"no case of {path} is open: Duly has not run it here yet")
        bound = desk.snapshot.rules.get(path) or desk.snapshot.bind_text(path, row.text)
        memory = remember(desk, ledger, path, keys(key, bound))
        named = f"{bound.noun.one if bound else 'record'} {show_key(memory.key)}"
        version = Versions(ledger, desk.snapshot).get
        found = [chapter.case.id for chapter in memory.chapters if chapter.case.active]
        taken = [case_id for case_id in found if acknowledge(ledger, version, case_id, name, desk.now)]
    if not taken:
        raise Stop(f"no case of {path} is open for {named}: “duly why {path} {key}” tells its story")
    screen().print(clean(f"{named} is in hand: {name} has taken it on."), soft_wrap=True)
    return FINE
