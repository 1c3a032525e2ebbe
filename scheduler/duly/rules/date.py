"""Dates, as files write them."""

from __future__ import annotations

import datetime as dt
import re

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def parse_date(text: str) -> dt.date:
    """Read ``2024-05-01``.

    Raises
    ------
    ValueError: with one sentence, when it is no date.
    """
    if not _DATE.fullmatch(text):
        raise ValueError(f"“{text}” is no date: write it like 2024-05-01")
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"“{text}” is no day of any year: look at the month and the day") from None
