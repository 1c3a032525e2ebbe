"""Reckoning measures: counts, sums, averages and shares over records as they stream past."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from duly.rules.census import Counted
from duly.rules.measure import Measure, Reckoning

Reckoned = Decimal | None
"""What a measure comes to; ``None`` for a share or an average of nothing."""


@dataclass
class _Sum:
    count: int = 0
    total: Decimal = Decimal(0)


@dataclass
class Tally:
    """Adds records up, group by group.

    Sums are exact, and the instants of the period are compared as instants: what a database would make of times that
    are spelled as text, of dates in the record's own zone or of floating point does not come in.

    Parameters
    ----------
    measures: what is added up; shares follow from these.
    since, until: the period, half-open; ``None`` for no bound.
    """

    measures: Sequence[Measure]
    since: dt.datetime | None
    until: dt.datetime | None
    _sums: dict[str, dict[str, _Sum]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(_Sum)))

    def add(self, group: str, one: Counted) -> bool:
        """Add one record to its group, and tell whether any measure takes it."""
        taken = False
        for measure in self.measures:
            if not self.is_within(one.times.get(measure.on)):
                continue
            taken = True
            sums = self._sums[group]
            if measure.reckoning is Reckoning.COUNT:
                sums[measure.name].count += not measure.of or one.record.holds[measure.of]
            elif (value := one.record.fields[measure.of]) is not None:
                sums[measure.name].count += 1
                sums[measure.name].total += Decimal(str(value))
        return taken

    def is_within(self, at: dt.datetime | None) -> bool:
        """Tell whether an instant lies in the period."""
        if self.since is None or self.until is None:
            return True
        return at is not None and self.since <= at < self.until

    @property
    def groups(self) -> list[str]:
        """Every group that has a record."""
        return list(self._sums)

    def figures(self, group: str, measures: Sequence[Measure]) -> tuple[Reckoned, ...]:
        """Give what these measures come to in one group."""
        return tuple(self._reckon(measure, self._sums[group]) for measure in measures)

    def totals(self, measures: Sequence[Measure]) -> tuple[Reckoned, ...]:
        """Give what these measures come to over all groups."""
        whole: dict[str, _Sum] = defaultdict(_Sum)
        for sums in self._sums.values():
            for name, one in sums.items():
                whole[name].count += one.count
                whole[name].total += one.total
        return tuple(self._reckon(measure, whole) for measure in measures)

    def _reckon(self, measure: Measure, sums: Mapping[str, _Sum]) -> Reckoned:
        one = sums[measure.name]
        match measure.reckoning:
            case Reckoning.COUNT:
                return Decimal(one.count)
            case Reckoning.SUM:
                return _rounded(one.total, measure.places)
            case Reckoning.AVERAGE:
                return _rounded(one.total / one.count, measure.places) if one.count else None
            case Reckoning.SHARE:
                known = {part.name: part for part in self.measures}
                part = self._reckon(known[measure.part], sums) or Decimal()
                whole = self._reckon(known[measure.whole], sums)
                return _rounded(part * 100 / whole, measure.places) if whole else None


def _rounded(value: Decimal, places: int | None) -> Decimal:
    return value if places is None else value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
