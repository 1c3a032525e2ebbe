"""Desks whose rule tells somebody something: what the tests of sending begin with."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from engine.desk import Desk, at

MONDAY = at("2024-03-04 09:00")
MINUTE = dt.timedelta(minutes=1)
HOUR = dt.timedelta(hours=1)


def rule(*steps: str, more: str = "", check: str = "every 10m") -> str:
    """Write a rule on paid orders, with these steps and further lines."""
    listed = "".join(f"  - {{{step}}}\n" for step in steps)
    return f"""\
rule: Paid orders are followed up
owner: sales
watch: orders
where: [paid]
except: [cancelled]
done: [shipped]
clock: paid_at
check: {check}
{more}
steps:
{listed}"""


def open_desk(
    home: Path, *steps: str, more: str = "", check: str = "every 10m", now: dt.datetime = MONDAY, **files: str
) -> Desk:
    """Set up a desk whose rule has been live since Monday nine o'clock, with nothing to do yet.

    ``files`` are further files of the workspace, or others in the place of the usual ones.
    """
    desk = Desk(home, {"r": rule(*steps, more=more, check=check)}, files=files)
    desk.start(now)
    desk.run(now, now)
    return desk


def paid(desk: Desk, id: int, when: str = "2024-03-04 09:00:00", **columns: object) -> None:
    """Put a paid order into the service database."""
    desk.order(id, paid_at=when, **columns)


def outcome(desk: Desk, key: int) -> list[tuple[str, str]]:
    """Tell the channel and the state of every delivery about an order."""
    return [(one.channel, one.state) for one in desk.deliveries(key)]


def reasons(desk: Desk, key: int, event: str) -> list[str]:
    """Tell what the journal of an order says of an event."""
    return [entry.detail for entry in desk.story(key) if entry.event == event]
