"""A window that opens every day: ``09:00-11:00``, or over midnight ``20:30-09:00``."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from duly.time.span import MIDNIGHT, Span
from duly.time.spelling import quoted
from duly.time.zone import DAY, local


@dataclass(frozen=True, slots=True)
class Window:
    """A span that comes every day, holidays and weekends alike; half-open.

    ``written`` is as it stands in the file.
    """

    span: Span
    written: str = field(compare=False)

    @classmethod
    def parse(cls, text: str) -> Window:
        """Read ``09:00-11:00``; an end before the start lies on the next day.

        Raises
        ------
        ValueError: it is no window; the sentence names the spelling that is.
        """
        span = Span.parse(text)
        if span.minutes == MIDNIGHT:
            raise ValueError(f"{quoted(text)} is all day: leave it out")
        return cls(span, text.strip())

    def __str__(self) -> str:
        return self.written

    def contains(self, at: dt.datetime, zone: ZoneInfo) -> bool:
        """Say whether the window is open at ``at``."""
        return self._end(at, zone) is not None

    def next_inside(self, at: dt.datetime, zone: ZoneInfo) -> dt.datetime:
        """Return ``at`` if the window is open then, else the next instant at which it opens."""
        if self.contains(at, zone):
            return at
        day = local(at, zone).date()
        while True:
            opens, closes = self.span.on(day, zone)
            if at < opens < closes:
                return opens
            day += DAY

    def next_outside(self, at: dt.datetime, zone: ZoneInfo) -> dt.datetime:
        """Return ``at`` if the window is closed then, else the instant at which it closes."""
        while (end := self._end(at, zone)) is not None:
            at = end
        return at

    def within(self, other: Window) -> bool:
        """Say whether this window lies wholly inside ``other``, whatever the day."""
        lead = (self.span.opens - other.span.opens) % MIDNIGHT
        return lead + self.span.minutes <= other.span.minutes

    def _end(self, at: dt.datetime, zone: ZoneInfo) -> dt.datetime | None:
        today = local(at, zone).date()
        for day in (today, today - DAY):
            opens, closes = self.span.on(day, zone)
            if opens <= at < closes:
                return closes
        return None
