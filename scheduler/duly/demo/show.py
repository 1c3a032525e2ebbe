"""The demo's view: what the shop does, what Duly makes of it, and where its words can be read."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

FRAMES_PER_SECOND = 8
PLAIN_WIDTH = 110
"""Columns of the closing table where no terminal says how wide it is."""
FIXED_LINES = 9
"""Lines of the live view beside the rules and the happenings: head, totals, headings, foot, and what parts them."""

SIGNS = {
    "sent": ("➤", "green"),
    "rejected": ("✗", "red"),
    "retry": ("↻", "yellow"),
    "unsure": ("?", "yellow"),
    "opened": ("○", "cyan"),
    "closed": ("●", "green"),
    "held": ("⏸", "yellow"),
    "failed": ("!", "bold red"),
    "shop": ("·", "dim"),
}
"""How each kind of happening is marked. ``shop`` is the world outside Duly; a kind that is not here looks like it."""


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One rule of the table.

    Parameters
    ----------
    title: the rule's own.
    open, told, closed, held: cases open, messages accepted, cases closed, cases held.
    next: when its next step or check is, in plain words or as a time; empty for none.
    """

    title: str
    open: int
    told: int
    closed: int
    held: int
    next: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One happening.

    Parameters
    ----------
    at: when, aware.
    kind: one of `SIGNS`.
    text: what, in plain words; names, never addresses. Only its first line is shown.
    """

    at: datetime
    kind: str
    text: str


class Show:
    """A live view in a terminal; plain lines, one a happening, where there is none.

    Parameters
    ----------
    console: where to show it.
    clock_zone: the zone in which times are shown.
    reading: where the messages can be read, shown at the foot; empty for nowhere.
    """

    def __init__(self, console: Console, clock_zone: tzinfo, *, reading: str = "") -> None:
        self._console = console
        self._zone = clock_zone
        self._reading = reading
        self._now: datetime | None = None
        self._progress: float | None = None
        self._counters: Mapping[str, int] = {}
        self._rules: Sequence[RuleRow] = ()
        self._duly: deque[Line] = deque(maxlen=50)
        self._shop: deque[Line] = deque(maxlen=50)
        self._changing = threading.Lock()
        self._live = (
            Live(
                console=console,
                get_renderable=self._frame,
                refresh_per_second=FRAMES_PER_SECOND,
                vertical_overflow="crop",
            )
            if console.is_terminal
            else None
        )

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()
        elif self._now:
            self._console.print(self._frame(), width=PLAIN_WIDTH)

    def update(
        self,
        now: datetime,
        counters: Mapping[str, int],
        rules: Sequence[RuleRow],
        lines: Sequence[Line],
        *,
        progress: float | None = None,
    ) -> None:
        """Take in how things stand; what is on screen follows within a frame.

        Parameters
        ----------
        now: the simulated time, aware.
        counters: totals by name, shown in their order.
        rules: the table, a row a rule.
        lines: what has happened since the last update.
        progress: the share of the demo's time that is over, 0 to 1; ``None`` for a demo without an end.
        """
        with self._changing:
            self._now, self._counters, self._rules, self._progress = now, dict(counters), tuple(rules), progress
            for line in lines:
                (self._shop if _sign(line)[0] == SIGNS["shop"][0] else self._duly).append(line)
        if not self._live:
            for line in lines:
                self._console.print(self._happening(line, date=True), soft_wrap=True)

    def _frame(self) -> RenderableType:
        """Compose the view from what is known now; called by the screen's own thread."""
        with self._changing:
            if self._now is None:
                return Text("The shop opens …")
            parts: list[RenderableType] = [self._head(self._now), self._totals(), Text(), self._table(), Text()]
            if self._live:
                room = max(4, self._console.height - len(self._rules) - FIXED_LINES)
                duly = room * 2 // 3
                parts += [*self._happenings("Duly", self._duly, duly), Text()]
                parts += [*self._happenings("The shop", self._shop, room - duly), Text()]
            if self._reading:
                parts.append(Text.assemble(("Read the messages in ", "dim"), (self._reading, "bold")))
            return Group(*parts)

    def _head(self, now: datetime) -> RenderableType:
        wall = now.astimezone(self._zone)
        clock = Text.assemble((f"{wall:%a %d %b %Y  %H:%M}", "bold"), (f"  {self._zone}", "dim"))
        if self._progress is None or not self._live:
            return clock
        head = Table.grid(expand=True, padding=(0, 2))
        head.add_column(no_wrap=True)
        head.add_column(ratio=1)
        head.add_row(clock, ProgressBar(total=1, completed=min(self._progress, 1)))
        return head

    def _totals(self) -> Text:
        return Text("   ").join(
            Text.assemble((f"{number:,}", "bold red" if name == "failed" and number else "bold"), f" {name}")
            for name, number in self._counters.items()
        )

    def _table(self) -> Table:
        table = Table(box=None, expand=True, header_style="dim", padding=(0, 2, 0, 0))
        table.add_column("rule", ratio=1, no_wrap=True, overflow="ellipsis")
        for name in ("open", "told", "closed", "held"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("next", no_wrap=True)
        for rule in self._rules:
            held = Text(f"{rule.held:,}", style="yellow" if rule.held else "dim")
            table.add_row(
                _clean(rule.title), f"{rule.open:,}", f"{rule.told:,}", f"{rule.closed:,}", held, _clean(rule.next)
            )
        return table

    def _happenings(self, title: str, lines: Sequence[Line], room: int) -> list[Text]:
        last = list(lines)[-(room - 1) :]
        blank = [Text()] * (room - 1 - len(last))
        return [Text(title, style="dim"), *(self._happening(line) for line in last), *blank]

    def _happening(self, line: Line, *, date: bool = False) -> Text:
        sign, style = _sign(line)
        at = line.at.astimezone(self._zone)
        words = _clean(line.text.strip().partition("\n")[0].rstrip())
        words.stylize("dim" if style == "dim" else "")
        written = Text.assemble((f"{at:%Y-%m-%d %H:%M:%S}" if date else f"{at:%a %H:%M}", "dim"), f" {sign} ", words)
        written.stylize(style, len(written) - len(words) - 2, len(written) - len(words))
        written.no_wrap, written.overflow = True, "ellipsis"
        return written


def _sign(line: Line) -> tuple[str, str]:
    return SIGNS.get(line.kind, SIGNS["shop"])


def _clean(words: str) -> Text:
    """Take words as they are, but for what would move the cursor: names come from other people."""
    return Text("".join(letter if letter.isprintable() else " " for letter in words))
