"""The public holidays of a country, as the ``holidays`` library has them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import holidays

from duly.time.spelling import quoted

# Governments that move working days to weekends decree it a year at a time, so the last make-up day that the library
# has tells how far they got. Years from here on show which governments still do so.
_DECREES = range(2024, 2044)
# The same names on every node: left open, the library would ask the machine for its language.
_LANGUAGE = "en_US"


@dataclass(frozen=True, slots=True)
class Year:
    """One year: days off by name (empty for a day that only lengthens a holiday), make-up days, days off every week."""

    off: dict[dt.date, str]
    working: frozenset[dt.date]
    weekend: frozenset[dt.date]


class Country:
    """One country's days off and make-up days; years are read when they are first asked for.

    ``known_until`` is the last day of the last year that the library has whole. Beyond it, a country with make-up days
    answers without them, and any country answers nothing after the library's own end.
    """

    def __init__(self, code: str) -> None:
        self.code = code
        self._years: dict[int, Year] = {}
        ahead = self._read(_DECREES)
        decreed = [day.year for day in ahead.weekend_workdays if day.year in _DECREES]
        self.known_until = dt.date(max(decreed, default=ahead.end_year), 12, 31)

    def year(self, number: int) -> Year:
        """Return all that is known of one year."""
        if number not in self._years:
            read = self._read([number])
            moved = read.tr(read.substituted_label).partition("%s")[0] if read.has_substituted_holidays else None
            first, last = dt.date(number, 1, 1).toordinal(), dt.date(number, 12, 31).toordinal()
            days = [dt.date.fromordinal(ordinal) for ordinal in range(first, last + 1)]
            self._years[number] = Year(
                off={day: "" if moved and name.startswith(moved) else name for day, name in read.items()},
                working=frozenset(day for day in read.weekend_workdays if day.year == number),
                weekend=frozenset(day for day in days if read.is_weekend(day)),
            )
        return self._years[number]

    def _read(self, years: Iterable[int]) -> holidays.HolidayBase:
        return holidays.country_holidays(self.code, years=years, language=_LANGUAGE)


@lru_cache
def country(code: str) -> Country:
    """Return the country of an ISO 3166 code such as ``CN``.

    Raises
    ------
    ValueError: the library has no such country.
    """
    known = holidays.list_supported_countries(include_aliases=False)
    if code not in known:
        cure = (
            f"did you mean “{code.upper()}”?" if code.upper() in known else "write a country code such as “CN” or “KR”"
        )
        raise ValueError(f"unknown calendar {quoted(code)}: {cure}")
    return Country(code)
