"""A shift, and the rota by which a team works it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from duly.time.calendar import Calendar
from duly.time.days import Days
from duly.time.span import Span


@dataclass(frozen=True, slots=True)
class Shift:
    """Hours that people work under one name, also over midnight."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Rota:
    """A shift on the days on which one team works it."""

    shift: Shift
    days: tuple[Days, ...]

    def runs_on(self, day: dt.date, calendar: Calendar) -> bool:
        """Tell whether the shift starts on ``day``."""
        return any(days.include(day, calendar) for days in self.days)
