"""A timeline: a simulation as a picture, one row a step, one bar an hour. Plain SVG, written by hand."""

from __future__ import annotations

import datetime as dt
import textwrap
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from zoneinfo import ZoneInfo

from duly.cli.words import spoken_step
from duly.engine.simulation import Simulation
from duly.ledger.outcomes import Outcome
from duly.rules.bind import BoundRule
from duly.time.zone import DAY, in_utc, local, midnight

WIDTH, LEFT, RIGHT = 1000, 230, 70
TOP, ROW, BAR = 104, 64, 46
STAFF, PUBLIC, NOBODY, HELD = "#2b6cb0", "#dd6b20", "#a0aec0", "#c53030"
BUCKETS = tuple(dt.timedelta(hours=hours) for hours in (1, 2, 4, 12, 24, 168))
MOST_BARS = 170
MOST_DAYS = 16
"""As many days as have room for a name."""
ROOMY_DAYS = 8
"""As many as have room for the month as well."""


def draw(found: Simulation, bound: BoundRule, zone: ZoneInfo) -> str:
    """Draw a simulation.

    Parameters
    ----------
    zone: in which its days begin: the desk's.

    Returns
    -------
    The text of an SVG file.
    """
    return "\n".join(_Drawing(found, bound, zone).lines()) + "\n"


@dataclass(frozen=True)
class _Drawing:
    found: Simulation
    bound: BoundRule
    zone: ZoneInfo

    def lines(self) -> Iterator[str]:
        steps = self._steps()
        height = TOP + ROW * max(len(steps), 1) + 52
        bottom = TOP + ROW * max(len(steps), 1)
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
            f'viewBox="0 0 {WIDTH} {height}" font-family="system-ui, sans-serif" font-size="13" fill="#2d3748">'
        )
        yield f"<title>{escape(self.bound.rule.title)}</title>"
        yield f'<rect width="{WIDTH}" height="{height}" fill="white"/>'
        yield _text(16, 30, self.bound.rule.title, size=18, weight="bold")
        yield _text(16, 52, self._subtitle(), fill="#718096")
        yield from self._closed(bottom)
        yield from self._days(bottom)
        highest = max((max(bars.values()) for _, bars in steps), default=0)
        for place, (step, bars) in enumerate(steps):
            yield from self._row(TOP + place * ROW, step, bars, highest)
        if not steps:
            yield _text(LEFT + 12, TOP + ROW / 2, "Nobody would hear anything.")
        yield from self._marks(bottom)
        yield from self._legend(bottom + 36, highest)
        yield "</svg>"

    def _subtitle(self) -> str:
        first, last = local(self.found.begin, self.zone), local(self.found.end, self.zone)
        told = sum(one.kind == "message" and one.state == "accepted" for one in self.found.outcomes)
        return f"{first:%a %d %b %Y %H:%M} to {last:%a %d %b %Y %H:%M}, {self.zone} · {told:,} messages · simulated"

    def _steps(self) -> list[tuple[str, Counter[tuple[int, str]]]]:
        """Count by step what left in each stretch, and to whom; steps in the rule's order."""
        found: dict[str, Counter[tuple[int, str]]] = {step.identity: Counter() for step in self.bound.rule.steps}
        acts = {one.step for one in self.found.outcomes if one.kind == "message"}
        for one in self.found.outcomes:
            if one.kind == "action" and one.state == "accepted" and one.step in acts:
                continue  # its messages tell of it
            place = (one.at - self.found.begin) // self._bucket
            found.setdefault(one.step, Counter())[place, _colour(one)] += 1
        return list(found.items())

    @property
    def _bucket(self) -> dt.timedelta:
        span = self.found.end - self.found.begin
        return next((each for each in BUCKETS if span / each <= MOST_BARS), BUCKETS[-1])

    def _x(self, at: dt.datetime) -> float:
        share = (at - self.found.begin) / (self.found.end - self.found.begin)
        return LEFT + (WIDTH - LEFT - RIGHT) * min(max(share, 0), 1)

    def _midnights(self) -> Iterator[dt.datetime]:
        day = local(self.found.begin, self.zone).date()
        while in_utc(midnight(day, self.zone)) < self.found.end:
            yield in_utc(midnight(day, self.zone))
            day += DAY

    def _closed(self, bottom: float) -> Iterator[str]:
        """Shade the hours in which the owner's team does not work."""
        at = self.found.begin
        working = self.bound.working
        if self.found.end - self.found.begin > MOST_DAYS * DAY:
            return
        while at < self.found.end:
            try:
                opens = min(working.next_opening(at), self.found.end)
            except ValueError:
                opens = self.found.end
            if opens > at:
                x, width = self._x(at), self._x(opens) - self._x(at)
                yield f'<rect x="{x:.1f}" y="{TOP}" width="{width:.1f}" height="{bottom - TOP}" fill="#f1f4f8"/>'
            at = max(opens, at) + dt.timedelta(minutes=15)
            while at < self.found.end and working.is_open(at):
                at += dt.timedelta(minutes=15)

    def _days(self, bottom: float) -> Iterator[str]:
        midnights = list(self._midnights())
        every = -(-len(midnights) // MOST_DAYS)
        form = "%a %d %b" if len(midnights) <= ROOMY_DAYS else "%d %b" if every > 1 else "%a %d"
        for place, at in enumerate(midnights):
            if place % every:
                continue
            x = self._x(at)
            yield _line(x, TOP - 8, x, bottom, "#cbd5e0")
            yield _text(x + 4, TOP - 12, f"{local(at, self.zone):{form}}", fill="#4a5568", size=12)
        yield _line(LEFT, bottom, WIDTH - RIGHT, bottom, "#cbd5e0")

    def _row(self, y: float, step: str, bars: Counter[tuple[int, str]], highest: int) -> Iterator[str]:
        shown = textwrap.wrap(spoken_step(step), 32)[:3]
        for place, words in enumerate(shown):
            yield _text(16, y + ROW / 2 + (place - (len(shown) - 1) / 2) * 16, words)
        base, width = y + ROW - 6, (self._x(self.found.begin + self._bucket) - LEFT) * 0.86
        yield _line(LEFT, base, WIDTH - RIGHT, base, "#e2e8f0")
        stacked: Counter[int] = Counter()
        for (place, colour), count in sorted(bars.items()):
            tall = max(BAR * count / highest, 2)
            stacked[place] += round(tall)
            x = self._x(self.found.begin + place * self._bucket)
            at = local(self.found.begin + place * self._bucket, self.zone)
            yield (
                f'<rect x="{x:.1f}" y="{base - stacked[place]:.1f}" width="{max(width, 1.5):.1f}" '
                f'height="{round(tall)}" fill="{colour}"><title>{at:%a %d %b %H:%M}: {count:,}</title></rect>'
            )
        told = sum(count for (_, colour), count in bars.items() if colour != NOBODY)
        yield _text(WIDTH - RIGHT + 10, base - 4, f"{told:,}", weight="bold")

    def _marks(self, bottom: float) -> Iterator[str]:
        if self.found.begin < self.found.read_at < self.found.end:
            x = self._x(self.found.read_at)
            yield _line(x, TOP - 28, x, bottom, "#718096", dashed=True)
            yield _text(x + 4, TOP - 28, "now", fill="#718096", size=12)
        for hold in self.found.holds:
            x = self._x(hold.at)
            yield _line(x, TOP - 4, x, bottom, HELD)
            yield _text(x + 4, TOP + 8, "held", fill=HELD, size=12)

    def _legend(self, y: float, highest: int) -> Iterator[str]:
        x = float(LEFT)
        hour = int(self._bucket.total_seconds() // 3600)
        stretch = "an hour" if hour == 1 else f"{hour} hours"
        for colour, words in ((STAFF, "staff"), (PUBLIC, "people of the record"), (NOBODY, "ended without a word")):
            yield f'<rect x="{x}" y="{y - 10}" width="12" height="12" fill="{colour}"/>'
            yield _text(x + 18, y, words, fill="#4a5568", size=12)
            x += 40 + 6.6 * len(words)
        words = f"one bar: {stretch}, the highest is {highest:,}; grey ground: closed"
        yield _text(x, y, words, fill="#718096", size=12)


def _colour(one: Outcome) -> str:
    if one.state != "accepted":
        return NOBODY
    return STAFF if one.staff else PUBLIC


def _text(x: float, y: float, words: str, *, size: int = 13, weight: str = "", fill: str = "") -> str:
    style = f' font-weight="{weight}"' if weight else ""
    style += f' fill="{fill}"' if fill else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}"{style}>{escape(words)}</text>'


def _line(x: float, y: float, to_x: float, to_y: float, colour: str, *, dashed: bool = False) -> str:
    dash = ' stroke-dasharray="4 3"' if dashed else ""
    return f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}" stroke="{colour}"{dash}/>'
