"""Periods that reports look back on: ``since last``, ``7d``, ``day``, ``month``."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from duly.time.duration import Duration, Unit
from duly.time.spelling import plain, quoted
from duly.time.working import WorkingTime
from duly.time.zone import DAY, local, midnight

SINCE_LAST = "since last"
_MONTHS = {"month": 1, "quarter": 3, "half year": 6, "year": 12}
_WORDS = ("day", "week", *_MONTHS)


@dataclass(frozen=True, slots=True)
class Period:
    """How far a report looks back from its slot.

    Parameters
    ----------
    written: as it stands in the file, with single spaces.
    duration: how long it is, where it has a length of its own.
    """

    written: str
    duration: Duration | None = None

    @classmethod
    def parse(cls, text: str) -> Period:
        """Read ``since last``, a duration such as ``7d``, or a word such as ``day``, ``month`` and ``half year``.

        Raises
        ------
        ValueError: it is no period; the sentence names the spelling that is.
        """
        written = plain(text)
        if written == SINCE_LAST or written in _WORDS:
            return cls(written)
        try:
            duration = Duration.parse(written)
        except ValueError:
            duration = None
        if duration is None or duration.unit is Unit.PERCENT or duration.amount == 0:
            raise ValueError(f"{quoted(written)} is no period: write “since last”, “7d”, {_listed()}")
        return cls(written, duration)

    def start(self, end: dt.datetime, last: dt.datetime, working: WorkingTime) -> dt.datetime:
        """Find when the period begins that ends at ``end``.

        Parameters
        ----------
        last: when the one before ended.
        working: in whose zone days begin, and by whose hours working time is reckoned.
        """
        if self.written == SINCE_LAST:
            return last
        if self.duration is not None:
            return working.subtract(end, self.duration)
        day = local(end, working.zone).date()
        if self.written == "week":
            day -= day.weekday() * DAY
        elif self.written in _MONTHS:
            months = _MONTHS[self.written]
            day = day.replace(month=day.month - (day.month - 1) % months, day=1)
        return midnight(day, working.zone)


def _listed() -> str:
    words = [f"“{word}”" for word in _WORDS]
    return f"{', '.join(words[:-1])} or {words[-1]}"
