"""A count over history: how many rows of another table belong to a record, of late or ever."""

from __future__ import annotations

from dataclasses import dataclass

from duly.rules.fragment import for_text
from duly.time.duration import Duration, Unit

SPANS = (Unit.ELAPSED, Unit.DAYS)
"""Over what a count can look back: how long a team has worked, no source can tell."""


@dataclass(frozen=True, slots=True)
class Count:
    """A count of the noun: the rows of ``from_`` for which ``on`` holds; ``at``, SQL, tells when each came to be.

    ``on`` may name the columns of the noun's own tables.
    """

    name: str
    from_: str
    on: str
    at: str = ""


def count_sql(count: Count, within: Duration | None, dialect: str) -> str:
    """Spell a count as a number that is never NULL; looking back, it leaves out what has no time, or a later one.

    Parameters
    ----------
    within: how far it looks back; ``None`` for ever. The beginning does not count, ``:now`` does.
    dialect: SQLAlchemy's name of the database.
    """
    conditions = [f"({for_text(count.on)})"]
    if within is not None:
        at = f"({for_text(count.at)})"
        if dialect == "sqlite":  # the texts there spell one time in several ways
            at = f"datetime{at}"
        conditions += [f"{at} > :{since(within)}", f"{at} <= :now"]
    tables = for_text(count.from_)
    return f"(select count(*) from {tables} where {' and '.join(conditions)})"


def since(within: Duration) -> str:
    """Name the value from which on rows count: ``since_7_days``."""
    return f"since_{within.amount}_{within.unit.value}"
