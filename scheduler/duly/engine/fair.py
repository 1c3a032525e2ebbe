"""Sharing work out: to whoever has least of it, and among equals to nobody in particular."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping


def fairest(people: Collection[str], loads: Mapping[str, int], key: bytes) -> str:
    """Choose who gets a record: whoever has least to do.

    Among equals the record's key decides: always in the same way for one record, differently for the next, and not by
    the order in which people are listed.

    Parameters
    ----------
    people: ids, at least one.
    loads: how much each has to do already.
    key: the record's.
    """
    return min(people, key=lambda id: (loads.get(id, 0), hashlib.sha256(key + b"\x1f" + id.encode()).digest()))
