"""Many lines of a story that say the same of many people, told as one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from duly.cli.words import spoken_entry
from duly.ledger.journal import Entry
from duly.ledger.outbox import Delivery

MOST = 20
"""Up to so many people are told of one by one."""


def gathered(entries: Sequence[Entry], deliveries: Mapping[int, Delivery]) -> Iterator[tuple[Entry, str]]:
    """Say each line of a story; of many that say the same of many people, the first, and how many more there are.

    Parameters
    ----------
    deliveries: what the lines speak of, by number.
    """
    kinds = Counter(_kind(entry, deliveries) for entry in entries)
    told = set()
    for entry in entries:
        kind, said = _kind(entry, deliveries), spoken_entry(entry, deliveries.get(entry.delivery_id or 0))
        if not kind or kinds[kind] <= MOST:
            yield entry, said
        elif kind not in told:
            told.add(kind)
            yield entry, f"{said}, and {kinds[kind] - 1:,} more like this"


def _kind(entry: Entry, deliveries: Mapping[int, Delivery]) -> tuple[str, ...]:
    one = deliveries.get(entry.delivery_id or 0)
    return (entry.event, one.channel, one.audience, one.extra.get("step", "")) if one else ()
