"""What came of a call: reached, not reached, or to be made again at a better hour."""

from __future__ import annotations

import datetime as dt
import re

from duly.engine.addressing import channels_for, messages
from duly.engine.calling import call_values
from duly.ledger import journal, outbox, tasks
from duly.ledger.journal import Entry
from duly.ledger.ledger import Ledger
from duly.ledger.tasks import Task
from duly.rules.directory import Directory
from duly.rules.example_file import parse_example_time
from duly.rules.settings import Settings
from duly.time.span import time_of_day
from duly.time.zone import DAY, instant

OUTCOMES = ("reached", "not reached")
_AGAIN = re.compile(r"call again at (.+)")


def parse_outcome(text: str, directory: Directory, now: dt.datetime) -> str | dt.datetime:
    """Read what came of a call: one of `OUTCOMES`, or when to call again (``call again at Tue 16:00``).

    Raises
    ------
    ValueError: with a sentence, when it is none of these, or the hour has passed.
    """
    written = " ".join(text.split())
    if written in OUTCOMES:
        return written
    again = _AGAIN.fullmatch(written)
    if not again:
        raise ValueError(f"“{written}” is no outcome; write reached, not reached or “call again at 16:00”")
    today = now.astimezone(directory.zone).date()
    if again[1][0].isdigit() and "-" not in again[1]:
        at = instant(today, time_of_day(again[1]), directory.zone)
    else:
        time = parse_example_time(again[1])
        ahead = 0 if time.weekday is None else (time.weekday - today.weekday()) % 7
        at = instant(time.date or today + ahead * DAY, time.time, directory.zone)
    if at <= now:
        raise ValueError(f"“{again[1]}” has passed; write a time to come, such as “Tue 16:00”")
    return at


def note(
    ledger: Ledger,
    task: Task,
    outcome: str | dt.datetime,
    by: str,
    directory: Directory,
    settings: Settings,
    now: dt.datetime,
) -> bool:
    """Write down what came of a call; one that is to be made again stays open, and its caller hears at that hour.

    Parameters
    ----------
    by: who says so.

    Returns
    -------
    Whether the task was open.
    """
    with ledger.write() as connection:
        if isinstance(outcome, str):
            noted, said = tasks.finish(connection, task.id, outcome, by, now), outcome
        else:
            said = f"call again at {outcome.astimezone(directory.zone):%Y-%m-%d %H:%M}"
            noted = tasks.put_off(connection, task.id, outcome)
            if noted and task.person in directory.staff:
                caller = directory.person(task.person)
                again = messages(
                    caller,
                    channels_for(caller, (), settings.by),
                    intent=f"task {task.id} {outcome.isoformat()}",
                    rule_id=task.rule_id,
                    template="duly/call",
                    audience=caller.id,
                    not_before=outcome,
                    extra={"values": call_values(task.id, task)},
                    case_ids=(task.case_id,),
                )
                outbox.put(connection, again, now)
        if noted:
            detail = f"task {task.id}, {by}: {said}"
            journal.write(connection, [Entry(now, "call", detail, task.rule_id, task.case_id)])
    return noted
