"""Opening hours: ``workdays 09:00-18:00``, ``Mon 09:00-12:00 13:00-17:00``, ``daily 22:00-06:00``."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from duly.time.calendar import Calendar
from duly.time.days import Daily, Days, parse_days
from duly.time.span import Span
from duly.time.spelling import plain, quoted


@dataclass(frozen=True, slots=True)
class Hours:
    """When a team works. ``entries`` add up: each gives spans for the days it names.

    ``written`` is as it stands in the file, with single spaces.
    """

    entries: tuple[tuple[Days, tuple[Span, ...]], ...]
    written: tuple[str, ...] = field(compare=False)

    @classmethod
    def parse(cls, text: str | Sequence[str]) -> Hours:
        """Read one entry, or a list of them. A single one that names no days holds every day.

        Raises
        ------
        ValueError: an entry is not understood; the sentence names the spelling that is.
        """
        written = tuple(plain(each) for each in ([text] if isinstance(text, str) else text))
        if not written:
            raise ValueError("empty hours: write them as “workdays 09:00-18:00”")
        return cls(tuple(_entry(each, alone=len(written) == 1) for each in written), written)

    def __str__(self) -> str:
        return ", ".join(self.written)

    def on(self, day: dt.date, calendar: Calendar) -> tuple[Span, ...]:
        """Return the spans that open on ``day``, in order; they may overlap. The calendar's own hours go first."""
        special = calendar.hours_on(day)
        if special is not None:
            return special
        return tuple(sorted({span for days, spans in self.entries if days.include(day, calendar) for span in spans}))


def _entry(written: str, *, alone: bool) -> tuple[Days, tuple[Span, ...]]:
    match = re.fullmatch(r"(?P<days>[^0-9]*?)(?: ?(?P<spans>[0-9].*))?", written)
    if not match or not match["spans"]:
        raise ValueError(f"{quoted(written)} has no hours: write them as “workdays 09:00-18:00”")
    if "," in written:
        raise ValueError(f"{quoted(written)} has a comma: write spaces between hours, and one entry for each day")
    if not match["days"] and not alone:
        raise ValueError(f"{quoted(written)} names no days: write “workdays {match['spans']}” or “daily …”")
    days = parse_days(match["days"]) if match["days"] else Daily()
    return days, tuple(Span.parse(each) for each in _spans(match["spans"]))


def _spans(text: str) -> list[str]:
    # "09:00 - 18:00" is one span that is spelled loosely, and its refusal should quote all of it.
    return re.split(r"(?<=[0-9]) (?=[0-9]+:[0-9]+-)", text)
