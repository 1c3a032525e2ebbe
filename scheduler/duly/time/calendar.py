"""Calendars: which days people work, which are holidays, and how far ahead that is known."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Mapping
from itertools import takewhile
from types import MappingProxyType

from duly.time.country import Country, country
from duly.time.span import Span
from duly.time.zone import DAY

_LONGEST_RUN = 366
_REACH = 3 * 366


class Calendar:
    """Working days and holidays; immutable. Made by `built_in` and `build`.

    ``known_until`` is the last day that it can vouch for; ``None`` where all there is to know is written down. Beyond
    it, the answers are a guess: weekdays, and such holidays as can be reckoned.
    """

    def __init__(
        self,
        name: str,
        *,
        country: Country | None = None,
        known_until: dt.date | None = None,
        off: Mapping[dt.date, str] = MappingProxyType({}),
        working: frozenset[dt.date] = frozenset(),
        hours: Mapping[dt.date, tuple[Span, ...]] = MappingProxyType({}),
    ) -> None:
        self.name = name
        self.known_until = known_until
        self._country = country
        self._off = off
        self._working = working
        self._hours = hours

    def __repr__(self) -> str:
        """Spell all that was written down, so that equal spellings mean equal days."""
        like = self._country.code if self._country else ""
        written = sorted(self._off.items()), sorted(self._working), sorted(self._hours.items())
        return f"Calendar({self.name!r}, {like!r}, {written})"

    def knows(self, day: dt.date) -> bool:
        """Say whether the calendar can vouch for ``day``."""
        return self.known_until is None or day <= self.known_until

    def is_workday(self, day: dt.date) -> bool:
        """Say whether people work on ``day``: make-up days are working days, weekends and holidays are not."""
        if day in self._working or day in self._off:
            return day in self._working
        if self._country is None:
            return day.weekday() < 5
        year = self._country.year(day.year)
        return day in year.working or not (day in year.weekend or day in year.off)

    def is_holiday(self, day: dt.date) -> bool:
        """Say whether ``day`` is off by name, and not just as every weekend is."""
        return self._own_name(day) is not None

    def holiday_name(self, day: dt.date) -> str:
        """Return what the holiday is called; a day that only makes a holiday longer goes by its name. Else empty."""
        own = self._own_name(day)
        return self._run_name(self._back_to_first(day)) if own == "" else own or ""

    def hours_on(self, day: dt.date) -> tuple[Span, ...] | None:
        """Return the hours of one particular day, which go before anybody's usual ones; ``None`` on other days."""
        return self._hours.get(day)

    def next_run(self, day: dt.date) -> tuple[dt.date, dt.date, str] | None:
        """Return the first run of holidays that starts on ``day`` or later: its first and last holiday, and its name.

        Holidays with nothing but weekends between them are one run. Beyond what the calendar knows, only the holidays
        that were written down count: nobody is told of a guess. ``None`` when there is none within three years.
        """
        for ahead in range(_REACH):
            first = day + ahead * DAY
            certain = first in self._off or self.knows(first)
            if certain and self.is_holiday(first) and self._back_to_first(first) == first:
                return first, self._holidays(first, DAY)[-1], self._run_name(first)
        return None

    def but(
        self,
        name: str,
        off: Mapping[dt.date, str],
        working: Collection[dt.date],
        hours: Mapping[dt.date, Collection[Span]],
        known_until: dt.date | None = None,
    ) -> Calendar:
        """Return a calendar that differs from this one as `build` says."""
        if both := sorted(set(off) & set(working)):
            raise ValueError(f"{both[0]} is both off and working: strike it from one of the two")
        until = known_until if self.known_until is None else max(self.known_until, known_until or dt.date.min)
        if until is not None and working:
            until = max(until, dt.date(max(working).year, 12, 31))
        return Calendar(
            name,
            country=self._country,
            known_until=until,
            off={day: known for day, known in self._off.items() if day not in set(working)} | dict(off),
            working=self._working - set(off) | set(working),
            hours=dict(self._hours) | {day: tuple(sorted(spans)) for day, spans in hours.items()},
        )

    def _own_name(self, day: dt.date) -> str | None:
        if day in self._working or day in self._off:
            return self._off.get(day)
        if self._country is None:
            return None
        return self._country.year(day.year).off.get(day)

    def _back_to_first(self, day: dt.date) -> dt.date:
        return self._holidays(day, -DAY)[-1]

    def _holidays(self, day: dt.date, step: dt.timedelta) -> list[dt.date]:
        """Return the holidays of a run, from ``day`` on in one direction."""
        days = (day + step * n for n in range(_LONGEST_RUN))
        return [each for each in takewhile(lambda each: not self.is_workday(each), days) if self.is_holiday(each)]

    def _run_name(self, first: dt.date) -> str:
        """Return the name that most days of the run bear, if only within theirs ("Alternative holiday for Chuseok")."""
        names = [self._own_name(day) or "" for day in self._holidays(first, DAY)]
        parts = dict.fromkeys(part for name in names for part in name.split("; ") if part)
        bearers = Counter({part: sum(part in name for name in names) for part in parts})
        return bearers.most_common(1)[0][0] if bearers else ""


def built_in(code: str) -> Calendar:
    """Return the calendar of a country by its ISO 3166 code (``CN``, ``KR``, ``US``), from the ``holidays`` library.

    Raises
    ------
    ValueError: there is no such country.
    """
    own = country(code)
    return Calendar(code, country=own, known_until=own.known_until)


def build(
    name: str,
    like: Calendar | None,
    off: Mapping[dt.date, str],
    working: Collection[dt.date],
    hours: Mapping[dt.date, Collection[Span]],
    known_until: dt.date | None = None,
) -> Calendar:
    """Make a calendar on top of another.

    Parameters
    ----------
    like: what holds for all other days; without it, people work from Monday to Friday.
    off: holidays by date, with their names, which may be empty.
    working: days that people work on although they would be off. One beyond what ``like`` knows vouches for its year:
        whoever writes make-up days down has read the decree.
    hours: opening hours of single days, which go before anybody's usual ones; none means closed.
    known_until: the last day for which a list of days vouches, where they come from one; ``None`` for all.

    Raises
    ------
    ValueError: a day is both off and working.
    """
    return (like or Calendar(name)).but(name, off, working, hours, known_until)
