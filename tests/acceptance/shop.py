"""A small shop whose messages are files, so that a daemon, a preview and a story can be looked at from outside."""

from __future__ import annotations

from pathlib import Path

from engine.desk import SETTINGS, Desk, at

RULE = """\
rule: Paid orders ship within two hours
owner: sales
watch: orders
where: [paid]
except: [cancelled]
done: [shipped]
clock: paid_at
due: 2h
check: every 10m
steps:
  - {after: 30m, tell: sales on duty, text: hello}
  - {late: at once, escalate: supervisor of sales, text: hello}
  - {unanswered: 4 working hours, tell: manager of sales, text: hello}
"""
FILES = {
    "config/duly.yaml": "".join(
        f"{line.replace('kind: spoken', f'kind: file, folder: outbox/{line.split(chr(58))[0].strip()}')}\n"
        for line in SETTINGS.splitlines()
    ),
    "notifications/escalated.j2": "{{ name }}: {{ handed_to }} has order {{ order }} now",
}
NOON = at("2024-03-04 12:00")


def shop(home: Path, rule: str = RULE, **files: str) -> Desk:
    """Set up a shop with one rule, ``late``; no daemon has run in it yet."""
    return Desk(home, {"late": rule}, files={**FILES, **files})
