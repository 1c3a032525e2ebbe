"""Durations: ``30m``, ``72h``, ``3d``, ``4 working hours``, ``2 working days``, ``50%``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum

from duly.time.spelling import plain, quoted


class Unit(Enum):
    """What the amount of a duration counts."""

    ELAPSED = "seconds"
    """Real seconds."""
    DAYS = "days"
    """Days that end at the same wall time; a week is seven."""
    WORKING = "working seconds"
    """Seconds within the hours of a team."""
    WORKING_DAYS = "working days"
    PERCENT = "percent"
    """Of the time from the clock to the due time."""


_SECONDS = {"s": 1, "m": 60, "h": 3600}
_DAYS = {"d": 1, "w": 7}
_LONGEST_DAYS = 3660
_LONGEST_PERCENT = 1000

_ELAPSED = re.compile(r"([0-9]+)([smhdw])")
_WORKING = re.compile(r"([0-9]+) working (minute|hour|day)s?")
_PERCENT = re.compile(r"([0-9]+)%")


@dataclass(frozen=True, slots=True)
class Duration:
    """An amount of time as a rule gives it.

    Parameters
    ----------
    amount: seconds (elapsed or working), days (plain or working) or percent, by ``unit``.
    written: as it stands in the file, with single spaces; two durations are equal whatever their spelling.
    """

    amount: int
    unit: Unit
    written: str = field(compare=False)

    @classmethod
    def parse(cls, text: str) -> Duration:
        """Read ``text``.

        Raises
        ------
        ValueError: it is no duration; the sentence names the spelling that is.
        """
        written = plain(text)
        if written == "at once":
            return cls(0, Unit.ELAPSED, written)
        if match := _ELAPSED.fullmatch(written):
            count, unit = match.groups()
            if unit in _DAYS:
                return cls(_bounded(written, count, _DAYS[unit], _LONGEST_DAYS), Unit.DAYS, written)
            seconds = _bounded(written, count, _SECONDS[unit], _LONGEST_DAYS * 86400)
            return cls(seconds, Unit.ELAPSED, written)
        if match := _WORKING.fullmatch(written):
            count, unit = match.groups()
            if unit == "day":
                return cls(_bounded(written, count, 1, _LONGEST_DAYS), Unit.WORKING_DAYS, written)
            seconds = _bounded(written, count, _SECONDS[unit[0]], _LONGEST_DAYS * 86400)
            return cls(seconds, Unit.WORKING, written)
        if match := _PERCENT.fullmatch(written):
            return cls(_bounded(written, match[1], 1, _LONGEST_PERCENT), Unit.PERCENT, written)
        raise ValueError(_refusal(written))

    def __str__(self) -> str:
        return self.written


def _bounded(written: str, count: str, factor: int, most: int) -> int:
    amount = int(count) * factor if len(count) < 12 else most + 1
    if amount == 0:
        raise ValueError(f"{quoted(written)} is no time at all: Duly says “at once”")
    if amount > most:
        limit = f"{most}%" if most == _LONGEST_PERCENT else f"{_LONGEST_DAYS}d, ten years"
        raise ValueError(f"{quoted(written)} is too long: the most is {limit}")
    return amount


_LOOSE = re.compile(
    r"(?P<sign>[+-] ?)?(?P<count>[0-9]{1,6})(?P<part>\.[0-9]{1,3})?[ -]?个?[ -]?"
    r"(?P<working>working|work|business|office|工作)?[ -]?(?P<unit>[a-z%]+|[一-鿿]+)?"
)
_WORDS = {
    "s": ("s", "sec", "secs", "second", "seconds", "秒", "秒钟"),
    "m": ("m", "min", "mins", "minute", "minutes", "分", "分钟"),
    "h": ("h", "hr", "hrs", "hour", "hours", "时", "小时"),
    "d": ("d", "day", "days", "天", "日"),
    "w": ("w", "week", "weeks", "周", "星期"),
    "%": ("%", "percent"),
    "month": ("mo", "month", "months", "月", "y", "year", "years", "年"),
}
_LETTER = {word: letter for letter, words in _WORDS.items() for word in words}
_PART = re.compile(r"([0-9]{1,6}) ?([a-z]+)[ ,]*(?:and )?")
_NAMES = {"m": "minute", "h": "hour", "d": "day"}


def _refusal(written: str) -> str:
    if not written:
        return "an empty duration: write “30m”, “72h”, “3d” or “4 working hours”"
    lower = written.lower()
    if lower in ("now", "immediately", "instantly", "0"):
        return f"{quoted(written)}: Duly says “at once”"
    if match := _LOOSE.fullmatch(lower):
        count, letter = match["count"], _LETTER.get(match["unit"] or "")
        if match["unit"] is None and not match["working"]:
            return f"{quoted(written)} has no unit: write “{count}m”, “{count}h” or “{count}d”"
        if letter == "month":
            return f"{quoted(written)} differs in length from time to time: write days, such as “30d”"
        if letter and (cure := _spelled(match["count"], match["part"], letter, working=bool(match["working"]))):
            return f"{quoted(written)}: Duly says {quoted(cure)}"
    if cure := _summed(lower):
        return f"{quoted(written)}: Duly says {quoted(cure)}"
    return f"{quoted(written)} is no duration: write “at once”, “30m”, “72h”, “3d”, “4 working hours” or “50%”"


def _spelled(count: str, part: str | None, letter: str, *, working: bool) -> str:
    """Return the right spelling of a loose one, or nothing where there is none."""
    amount = int(count)
    if part:
        smaller = {"h": "m", "m": "s"}.get(letter)
        sixtieths = (amount + float(part)) * 60
        if smaller is None or not sixtieths.is_integer():
            return ""
        amount, letter = int(sixtieths), smaller
    if amount == 0:
        return "at once"
    if not working:
        return f"{amount}{letter}"
    return f"{amount} working {_NAMES[letter]}{'s' * (amount > 1)}" if letter in _NAMES else ""


def _summed(lower: str) -> str:
    """Return ``90m`` for ``1h30m`` and the like, or nothing."""
    total, end = 0, 0
    while match := _PART.match(lower, end):
        letter = _LETTER.get(match[2])
        if letter not in _SECONDS:
            return ""
        total, end = total + int(match[1]) * _SECONDS[letter], match.end()
    if end < len(lower) or not total:
        return ""
    letter = next(each for each in "hms" if total % _SECONDS[each] == 0)
    return f"{total // _SECONDS[letter]}{letter}"
