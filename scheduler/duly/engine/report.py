"""A report: what a roundup found for one part of the desk, as it is kept, and as words show it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from duly.engine.record_json import plain, unplain
from duly.engine.tally import Reckoned
from duly.rules.text_check import template_word

MOST_KEPT = 10_000
"""Records of one list that a report holds; it always gives their number."""
MOST_LINES = 200
"""Records of one list that words show; the attachment has the rest."""
TOTAL = "Σ"
NOTHING = "–"
"""A share of nothing, and a value that is not there."""


@dataclass(frozen=True, slots=True)
class Column:
    """How the values of one column are shown.

    ``kind`` is ``text``, ``number`` or ``share``; ``places`` are the digits after the point of a share or an average.
    """

    name: str
    kind: str = "text"
    places: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """What one section found.

    Parameters
    ----------
    found: how many records it tells of.
    columns, rows: its list; of more than `MOST_KEPT` records the first.
    listed: how many records the list would have.
    measures, totals: its figures over all records.
    per, groups: the same for each value of the field ``per``.
    chart: ``bars``, ``pie`` or empty.
    """

    title: str
    found: int
    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    listed: int = 0
    measures: tuple[Column, ...] = ()
    totals: tuple[Reckoned, ...] = ()
    per: str = ""
    groups: tuple[tuple[str, tuple[Reckoned, ...]], ...] = ()
    chart: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What one roundup found, for one part of the desk, at one slot.

    Parameters
    ----------
    title: of the rule.
    since, until: the period; ``since`` is ``None`` where it has no beginning. ``until`` is the slot.
    as_of: when the sources were asked.
    group: the team, person or value whose part this is; empty for the whole.
    """

    title: str
    since: dt.datetime | None
    until: dt.datetime
    as_of: dt.datetime
    group: str = ""
    tables: tuple[Table, ...] = field(default=())

    @property
    def found(self) -> int:
        """How many records it tells of, in all sections."""
        return sum(table.found for table in self.tables)

    def pack(self) -> dict[str, Any]:
        """Turn it into plain JSON values."""
        return {
            "title": self.title,
            "since": plain(self.since),
            "until": plain(self.until),
            "as_of": plain(self.as_of),
            "group": self.group,
            "tables": [_pack(table) for table in self.tables],
        }

    @classmethod
    def unpack(cls, kept: Mapping[str, Any]) -> Report:
        """Turn what the ledger kept into a report again."""
        return cls(
            kept["title"],
            unplain(kept["since"]),
            unplain(kept["until"]),
            unplain(kept["as_of"]),
            kept["group"],
            tuple(_unpack(table) for table in kept["tables"]),
        )


def wall(value: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """Give what a clock on the wall shows; a time that the source gives without a zone is that already."""
    return value.astimezone(zone).replace(tzinfo=None) if value.tzinfo else value


def spell(value: Any, column: Column, zone: ZoneInfo) -> str:
    """Write one value for people: ``1,537``, ``84.19 %``, ``2024-06-28 17:00``."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, dt.datetime):
        return f"{wall(value, zone):%Y-%m-%d %H:%M}"
    if column.kind == "text" or not isinstance(value, int | float | Decimal):
        return " ".join(str(value).split())
    number = f"{value:,.{column.places}f}" if column.places is not None else f"{value:,}"
    return f"{number} %" if column.kind == "share" else number


def text_of(report: Report, zone: ZoneInfo) -> str:
    """Write the whole report as plain text."""
    return "\n\n".join("\n".join(_lines(table, zone)) for table in report.tables)


def summary_of(report: Report, zone: ZoneInfo) -> str:
    """Write a report as short as can be: one line a section, without its records."""
    lines = []
    for table in report.tables:
        figures = _figures(table.measures, table.totals, zone) or f"{table.listed:,}"
        lines.append(f"{table.title}: {figures}")
    return "\n".join(lines)


def words_of(report: Report, zone: ZoneInfo) -> dict[str, Any]:
    """Give what a template may name of a report."""
    return {
        "rule": report.title,
        "since": report.since,
        "until": report.until,
        "as_of": report.as_of,
        "group": report.group,
        "count": report.found,
        "empty": report.found == 0,
        "report": text_of(report, zone),
        "summary": summary_of(report, zone),
        "rows": next((_records(table, zone) for table in report.tables if table.columns), ()),
        "sections": tuple(_section(table, zone) for table in report.tables),
    }


def _lines(table: Table, zone: ZoneInfo) -> Iterator[str]:
    yield table.title
    for label, figures in table.groups:
        yield f"{label or NOTHING}: {_figures(table.measures, figures, zone)}"
    if table.measures:
        whole = _figures(table.measures, table.totals, zone)
        yield f"{TOTAL}: {whole}" if table.per else whole
    if not table.columns:
        return
    yield " · ".join(column.name for column in table.columns)
    for row in table.rows[:MOST_LINES]:
        yield " · ".join(spell(value, column, zone) for value, column in zip(row, table.columns, strict=True))
    if table.listed > MOST_LINES:
        yield f"… +{table.listed - MOST_LINES:,}"
    yield f"{TOTAL} {table.listed:,}"


def _figures(measures: Sequence[Column], figures: Sequence[Reckoned], zone: ZoneInfo) -> str:
    told = zip(measures, figures, strict=True)
    return ", ".join(f"{measure.name} {spell(value, measure, zone)}" for measure, value in told)


def _records(table: Table, zone: ZoneInfo) -> tuple[dict[str, str], ...]:
    names = [template_word(column.name) for column in table.columns]
    told = (
        [spell(value, column, zone) for value, column in zip(row, table.columns, strict=True)] for row in table.rows
    )
    return tuple(dict(zip(names, row, strict=True)) for row in islice(told, MOST_LINES))


def _section(table: Table, zone: ZoneInfo) -> dict[str, Any]:
    def told(figures: Sequence[Reckoned]) -> dict[str, str]:
        known = zip(table.measures, figures, strict=True)
        return {template_word(measure.name): spell(value, measure, zone) for measure, value in known}

    return {
        "title": table.title,
        "count": table.found,
        "rows": _records(table, zone),
        "totals": told(table.totals) if table.measures else {},
        "groups": tuple({"label": label or NOTHING, **told(figures)} for label, figures in table.groups),
    }


def _pack(table: Table) -> dict[str, Any]:
    return {
        "title": table.title,
        "found": table.found,
        "columns": [[column.name, column.kind, column.places] for column in table.columns],
        "rows": [[plain(value) for value in row] for row in table.rows],
        "listed": table.listed,
        "measures": [[column.name, column.kind, column.places] for column in table.measures],
        "totals": [plain(value) for value in table.totals],
        "per": table.per,
        "groups": [[label, [plain(value) for value in figures]] for label, figures in table.groups],
        "chart": table.chart,
    }


def _unpack(kept: Mapping[str, Any]) -> Table:
    return Table(
        title=kept["title"],
        found=kept["found"],
        columns=tuple(Column(*column) for column in kept["columns"]),
        rows=tuple(tuple(unplain(value) for value in row) for row in kept["rows"]),
        listed=kept["listed"],
        measures=tuple(Column(*column) for column in kept["measures"]),
        totals=tuple(unplain(value) for value in kept["totals"]),
        per=kept["per"],
        groups=tuple((label, tuple(unplain(value) for value in figures)) for label, figures in kept["groups"]),
        chart=kept["chart"],
    )
