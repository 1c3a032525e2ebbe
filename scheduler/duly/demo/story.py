"""The demo's story: the journal in plain words, and the totals."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from duly.demo.show import Line, RuleRow
from duly.demo.world import Event
from duly.engine.engine import Engine
from duly.ledger import cases, journal
from duly.ledger.journal import Happening
from duly.rules.record import show_key

BATCH = 2000
SHOWN = 3
"""How many happenings of one kind are told one by one when many come at once; the rest are counted."""

TOTALS = ("opened", "closed", "accepted", "rejected", "held", "unsure", "failed")
_COUNTED = {
    "opened": "opened",
    "reopened": "opened",
    "done": "closed",
    "gone": "closed",
    "accepted": "accepted",
    "rejected": "rejected",
    "unsure": "unsure",
    "failed": "failed",
    "check failed": "failed",
}
_KINDS = {
    "opened": "opened",
    "held": "held",
    "rule held": "held",
    "accepted": "sent",
    "rejected": "rejected",
    "unsure": "unsure",
    "retry": "retry",
    "failed": "failed",
    "check failed": "failed",
    "refused": "held",
    "done": "closed",
    "gone": "closed",
}


@dataclass
class Story:
    """Follows an engine's journal from line to line.

    Parameters
    ----------
    engine: whose journal it is.
    """

    engine: Engine
    totals: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)
    """Messages accepted, by rule."""
    _last: int = 0

    def read(self) -> list[Line]:
        """Read what has happened since the last call, many of a kind gathered into one line."""
        lines: list[Line] = []
        while True:
            with self.engine.house.ledger.read() as connection:
                self._last, batch = journal.happenings(connection, self._last, BATCH)
            for one in batch:
                self._count(one)
            lines += _gathered(batch)
            if len(batch) < BATCH:
                return lines

    def rules(self, now: dt.datetime) -> list[RuleRow]:
        """Say how each rule stands; ``now`` is the simulated time."""
        with self.engine.house.ledger.read() as connection:
            counted = cases.counts(connection)
        self.totals["held"] = sum(states.get("held", 0) for states in counted.values())
        rows = []
        for rule_id, live in self.engine.house.rules.all.items():
            states = counted.get(rule_id, {})
            closed = states.get("done", 0) + states.get("gone", 0)
            open_ = states.get("open", 0) + states.get("acknowledged", 0)
            soon = self.engine.next_check(rule_id)
            checked = f"check {soon.astimezone(live.bound.zone):%H:%M}" if soon and soon > now else "checking"
            rows.append(
                RuleRow(live.row.title, open_, self.told[live.row.path], closed, states.get("held", 0), checked)
            )
        return rows

    def figures(self) -> dict[str, int]:
        """Give the totals, every one of them."""
        return {name: self.totals[name] for name in TOTALS}

    def _count(self, one: Happening) -> None:
        if one.kind == "action":
            return
        if one.event in _COUNTED:
            self.totals[_COUNTED[one.event]] += 1
        if one.event == "accepted" and one.path:
            self.told[one.path] += 1


def shop_lines(events: Iterable[Event]) -> list[Line]:
    """Tell what happened in the shop."""
    return [Line(event.at, "shop", event.what) for event in events]


def _gathered(batch: Sequence[Happening]) -> list[Line]:
    lines: list[Line] = []
    seen: Counter[tuple[str, str | None]] = Counter()
    last: dict[tuple[str, str | None], Happening] = {}
    for one in batch:
        if one.event not in _KINDS or one.kind == "action":
            continue
        sort = (one.event, one.path)
        seen[sort] += 1
        last[sort] = one
        if seen[sort] <= SHOWN:
            lines.append(Line(one.at, _KINDS[one.event], _said(one)))
    for sort, count in seen.items():
        if count > SHOWN:
            one = last[sort]
            lines.append(Line(one.at, _KINDS[one.event], f"… and {count - SHOWN:,} more: {one.event}, {one.title}"))
    return sorted(lines, key=lambda line: line.at)


def _said(one: Happening) -> str:
    """Put one line of the journal into plain words."""
    about = f"{one.path} {show_key(one.key)}" if one.key else f"{one.path}"
    name = (one.person or {}).get("name") or (one.person or {}).get("id", "")
    match one.event:
        case "accepted":
            words = (one.body or "").partition("\n")[0]
            return f"{name} by {one.channel}: {words}"
        case "rejected" | "unsure" | "retry" | "failed":
            return f"{name} by {one.channel}, {one.event}: {one.detail}"
        case "done" | "gone":
            return f"{about} is closed: {one.detail}"
        case "opened":
            return f"{about} is followed up"
        case _:
            return f"{about}: {one.detail}"
