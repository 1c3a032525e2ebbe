"""A measure: a figure that reports give of many records, as the vocabulary defines it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum


class Reckoning(Enum):
    """How a measure comes about."""

    COUNT = "count"
    SUM = "sum"
    AVERAGE = "average"
    SHARE = "share"


@dataclass(frozen=True, slots=True)
class Measure:
    """``done: {count: repaired, on: reported_at}``, ``completion: {share: done / reported, places: 2}``.

    Parameters
    ----------
    of: the fact that is counted, empty for every record; or the field that is summed or averaged.
    on: the time that puts a record into a report's period; empty for a share.
    part, whole: the measures that a share divides.
    places: digits after the point; ``None`` for as many as there are.
    """

    name: str
    reckoning: Reckoning
    of: str = ""
    on: str = ""
    part: str = ""
    whole: str = ""
    places: int | None = None


def with_parts(name: str, measures: Mapping[str, Measure]) -> Iterator[Measure]:
    """Give what has to be reckoned for the measure ``name``: itself, or the two that it divides."""
    measure = measures[name]
    if measure.reckoning is Reckoning.SHARE:
        yield measures[measure.part]
        yield measures[measure.whole]
    else:
        yield measure
