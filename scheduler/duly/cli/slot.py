"""The story of one day of a roundup, for ``duly why``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from duly.cli.desk import Desk
from duly.cli.screen import clean, screen, show_json, table
from duly.cli.stop import FINE, PROBLEMS, USAGE, Stop
from duly.cli.words import spoken_entry
from duly.ledger import journal, outbox
from duly.ledger.journal import Entry
from duly.ledger.ledger import Ledger
from duly.ledger.outbox import Delivery
from duly.ledger.versions import RuleRow
from duly.time.zone import local

LONGEST = 10_000
"""Lines of a rule's journal that are looked through, the latest first."""


def tell_day(desk: Desk, ledger: Ledger | None, row: RuleRow | None, path: str, written: str, *, as_json: bool) -> int:
    """Tell what a roundup sent on one day, to whom, and what became of it.

    Parameters
    ----------
    row: the rule in the ledger; ``None`` when no daemon has seen it yet.
    path: the rule's own.
    written: the day, as somebody typed it.

    Returns
    -------
    The exit code.
    """
    try:
        day = dt.date.fromisoformat(written)
    except ValueError:
        raise Stop(f"{path} is a roundup: name the day of its slot, such as “2026-11-23”", USAGE) from None
    lines: list[Entry] = []
    deliveries: Sequence[Delivery] = ()
    if ledger and row:
        zone = desk.snapshot.directory.zone
        with ledger.read() as connection:
            deliveries = [
                one
                for one in outbox.of_rule(connection, row.id)
                if "slot" in one.extra and local(dt.datetime.fromisoformat(one.extra["slot"]), zone).date() == day
            ]
            mine = {one.id for one in deliveries}
            found = reversed(journal.of_rule(connection, row.id, LONGEST))
        lines = [line for line in found if line.delivery_id in mine or _is_of(line, day, desk)]
    if as_json:
        show_json(_as_json(path, day, lines, deliveries, desk))
    else:
        _show(path, day, lines, deliveries, desk)
    return FINE if lines else PROBLEMS


def _is_of(line: Entry, day: dt.date, desk: Desk) -> bool:
    return line.delivery_id is None and local(line.at, desk.snapshot.directory.zone).date() == day


def _show(path: str, day: dt.date, lines: Sequence[Entry], deliveries: Sequence[Delivery], desk: Desk) -> None:
    console = screen()
    console.print(clean(f"{path}, {day}", "bold"))
    if not lines:
        console.print("Nothing of it is known for that day.")
        return
    known = {one.id: one for one in deliveries}
    rows = table("at", "what", wrap=["what"])
    rows.show_header = False
    for line in lines:
        said = spoken_entry(line, known.get(line.delivery_id or 0))
        rows.add_row(clean(desk.wall(line.at), "dim"), clean(said))
    console.print(rows)


def _as_json(
    path: str, day: dt.date, lines: Sequence[Entry], deliveries: Sequence[Delivery], desk: Desk
) -> dict[str, object]:
    return {
        "rule": path,
        "day": day.isoformat(),
        "journal": [{"at": desk.iso(line.at), "event": line.event, "detail": line.detail} for line in lines],
        "deliveries": [
            {
                "recipient": one.person.get("name") or one.person.get("id"),
                "audiences": one.extra["audiences"],
                "channel": one.channel,
                "state": one.state,
                "reason": one.reason,
                "text": one.body,
            }
            for one in deliveries
        ],
    }
