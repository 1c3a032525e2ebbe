"""The time is handed in: nothing else reads it, and the same inputs make the same timeline (law 10)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import duly
from engine.desk import Desk, at

ROOT = Path(__file__).resolve().parents[2]
CLOCK = ROOT / "scheduler/duly/time/clock.py"
READERS = {
    "time": {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "localtime", "gmtime",
             "ctime", "asctime", "strftime"},
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
}  # fmt: skip
SQL_READERS = ("current_timestamp", "current_date", "localtimestamp", "unixepoch(", "datetime('now", "date('now")
FILES = sorted(path for part in ("scheduler", "plugins") for path in (ROOT / part).rglob("*.py"))

RULES = {
    "ship": """\
rule: Paid orders ship
owner: sales
watch: orders
where: [paid]
except: [cancelled]
done: [shipped]
clock: paid_at
due: 6h
check: every 10m
steps:
  - {before: 2 working hours, tell: sales on duty, text: hello}
  - {late: at once, tell: supervisor of sales, by: [chat, sms], text: hello, urgent: yes}
  - {unanswered: 1 working hour, tell: manager of sales, text: hello}
""",
    "greet": """\
rule: New customers are greeted
owner: sales
watch: orders
except: [cancelled]
clock: placed_at
check: every 30m
steps:
  - {after: 30m, tell: customer, text: hello}
limits: {hold: above 8 an hour}
""",
}


def reads_the_time(tree: ast.AST) -> list[int]:
    """Find the lines of a module that ask for the time, under whatever name it was imported."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update({each.asname or each.name: each.name for each in node.names})
        elif isinstance(node, ast.ImportFrom):
            names.update({each.asname or each.name: f"{node.module}.{each.name}" for each in node.names})
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            *_, owner, attribute = ["", "", *full_name(node, names).split(".")]
            if attribute in READERS.get(owner, ()):
                found.append(node.lineno)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and says_sql(node.value):
            found.append(node.lineno)
    return found


def full_name(node: ast.AST, names: dict[str, str]) -> str:
    """Spell a dotted name with what its first part was imported as."""
    if isinstance(node, ast.Attribute):
        return f"{full_name(node.value, names)}.{node.attr}"
    return names.get(node.id, "?") if isinstance(node, ast.Name) else "?"


def says_sql(text: str) -> bool:
    """Tell whether a text has a database read its own clock."""
    return any(reader in text.lower() for reader in SQL_READERS)


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(ROOT)) for path in FILES])
def test_only_the_clock_reads_the_time(path: Path) -> None:
    """No module but the clock asks the machine, or a database, what time it is, not even for a duration."""
    lines = reads_the_time(ast.parse(path.read_text("utf-8")))
    assert bool(lines) == (path == CLOCK), f"{path} reads the time in line {lines}"


@pytest.mark.parametrize(
    "text",
    [
        "import datetime as dt\ndt.datetime.now(dt.UTC)",
        "from datetime import datetime\ndatetime.utcnow()",
        "import datetime\ndatetime.date.today()",
        "from datetime import date as day\nday.today()",
        "import time\ntime.time()",
        "import time as t\nt.monotonic()",
        "from time import monotonic as tick\ntick()",
        "from time import time\nfield(default_factory=time)",
        "import sqlalchemy as sa\nsa.text('select CURRENT_TIMESTAMP')",
    ],
)
def test_a_hidden_look_at_the_clock_is_found(text: str) -> None:
    """The search finds the time under other names, as a default, and in SQL."""
    assert reads_the_time(ast.parse(text)) == [2]


def live_three_days(home: Path) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """Run two rules through three busy days; return the journal and what was sent, word for word."""
    desk = Desk(home, RULES)
    desk.start(at("2024-03-04 08:00"))
    sms = desk.channel("sms")
    sms.answers = [duly.Accepted("a"), duly.Retry("busy"), duly.Rejected("no such number"), TimeoutError(), *[
        duly.Accepted("b"), duly.Retry("busy")] * 5]  # fmt: skip
    for key in range(1, 13):
        placed = f"2024-03-04 {8 + key:02}:07"
        paid = {"paid_at": f"2024-03-04 {8 + key:02}:20"} if key % 3 else {}
        desk.order(
            key, placed_at=placed, email=f"c{key}@x.example", **paid, zone="Asia/Seoul" if key % 4 == 0 else None
        )
    desk.run(at("2024-03-04 08:00"), at("2024-03-04 14:05"))
    desk.sql("update orders set shipped_at = '2024-03-04 14:00' where id = 1")
    desk.sql("update orders set cancelled = 1 where id = 2")
    desk.run(at("2024-03-04 14:06"), at("2024-03-05 09:03"))
    desk.sql("update orders set cancelled = 0 where id = 2")
    desk.start(at("2024-03-05 11:00"))
    desk.run(at("2024-03-05 11:00"), at("2024-03-07 00:00"))
    with desk.ledger.read() as connection:
        lines = connection.exec_driver_sql("select at, rule_id, case_id, delivery_id, event, detail, data from journal")
        journal = [tuple(row) for row in lines]
        rows = connection.exec_driver_sql(
            "select intent_key, channel, state, created_at, settled_at, body from delivery"
        )
        return journal, [tuple(row) for row in rows]


def test_the_same_inputs_make_the_same_timeline(tmp_path: Path) -> None:
    """Three days of checks, retries, shifts and restarts, lived twice, leave the same journal and the same messages."""
    once, again = live_three_days(tmp_path / "once"), live_three_days(tmp_path / "again")
    assert once == again
    events = {str(line[4]) for line in once[0]}
    assert {"opened", "fired", "accepted", "retry", "rejected", "done", "gone", "reopened", "waits", "unsure"} <= events
