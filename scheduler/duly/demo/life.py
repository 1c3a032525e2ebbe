"""A life: what is planned to happen to one row of the shop, each thing at its own time."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import Table


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happens in the shop.

    Parameters
    ----------
    at: when, on the shop's wall.
    table: where it is written.
    values: the columns that it sets.
    what: what happened, in plain words; empty for what goes without saying.
    kind: one or two words to sort happenings by.
    key: the row's number; ``None`` lets the world number a new row as it is written.
    new: whether the row begins with it.
    """

    at: datetime
    table: Table
    values: Mapping[str, object]
    what: str
    kind: str
    key: int | None = None
    new: bool = False


def hours(rng: random.Random, low: float, high: float) -> timedelta:
    """Draw a length of time between ``low`` and ``high`` hours, in whole seconds."""
    return timedelta(seconds=round(rng.uniform(low * 3600, high * 3600)))


def in_hours(rng: random.Random, at: datetime, opens: time, closes: time) -> datetime:
    """Give ``at`` itself when the desk is open then, else a moment soon after it opens next (every day, same hours)."""
    if opens <= at.time() < closes:
        return at
    day = at.date() if at.time() < opens else at.date() + timedelta(days=1)
    return datetime.combine(day, opens) + hours(rng, 0, 1.5)
