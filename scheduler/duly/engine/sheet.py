"""A report as a spreadsheet: one sheet a section, with its chart; the same bytes whenever it is made again."""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import xlsxwriter

from duly.engine.report import NOTHING, TOTAL, Column, Report, Table, wall
from duly.engine.tally import Reckoned
from duly.rules.roundup import PIE

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_LONGEST_NAME = 31  # of a sheet, as Excel has it
_WIDEST = 60
_KINDS = {PIE: {"type": "pie"}}
_BARS = {"type": "bar"}


def sheet_of(report: Report, zone: ZoneInfo) -> bytes:
    """Write a report as an .xlsx file.

    Parameters
    ----------
    zone: in which its times are shown: a cell has none.
    """
    file = io.BytesIO()
    # In memory, and dated by its slot: neither the place nor the hour of a try changes a byte.
    book = xlsxwriter.Workbook(file, {"in_memory": True})
    book.set_properties({"title": report.title, "created": report.until.replace(tzinfo=None)})
    writer = _Writer(book, zone)
    for table, name in zip(report.tables, _names(report), strict=True):
        writer.write(table, name)
    book.close()
    return file.getvalue()


class _Writer:
    def __init__(self, book: Any, zone: ZoneInfo) -> None:
        self._book = book
        self._zone = zone
        self._bold = book.add_format({"bold": True})
        self._time = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        self._date = book.add_format({"num_format": "yyyy-mm-dd"})

    def write(self, table: Table, name: str) -> None:
        sheet = self._book.add_worksheet(name)
        width: dict[int, int] = {}
        for y, row in enumerate(_rows(table)):
            for x, (value, column) in enumerate(row):
                self._cell(sheet, y, x, value, column)
                width[x] = min(max(width.get(x, 8), len(str(value)) + 2), _WIDEST)
        for x, characters in width.items():
            sheet.set_column(x, x, characters)
        if table.chart and table.groups:
            sheet.insert_chart(0, len(table.measures) + 2, self._chart(table, name))

    def _cell(self, sheet: Any, y: int, x: int, value: Any, column: Column | None) -> None:
        """Write one cell. Texts are never formulas, whatever a customer calls himself."""
        if column is None:
            sheet.write_string(y, x, str(value), self._bold)
        elif value is None or value == "":
            sheet.write_string(y, x, NOTHING)
        elif isinstance(value, dt.datetime):
            sheet.write_datetime(y, x, wall(value, self._zone), self._time)
        elif isinstance(value, dt.date):
            sheet.write_datetime(y, x, dt.datetime.combine(value, dt.time()), self._date)
        elif column.kind == "share":
            percent = self._book.add_format({"num_format": f"0{_places(column)}%"})
            sheet.write_number(y, x, float(value / 100), percent)
        elif column.kind == "number" and isinstance(value, int | float | Decimal):
            number = self._book.add_format({"num_format": f"#,##0{_places(column)}"}) if column.places else None
            sheet.write_number(y, x, float(value), number)
        elif isinstance(value, int) and abs(value) < 2**53:
            sheet.write_number(y, x, value)
        else:
            sheet.write_string(y, x, str(value))

    def _chart(self, table: Table, name: str) -> Any:
        """Draw the first measure by group: the one that is named first is the one that matters."""
        chart = self._book.add_chart(_KINDS.get(table.chart, _BARS))
        last = len(table.groups)
        labels = [name, 1, 0, last, 0]
        chart.add_series({"name": table.measures[0].name, "categories": labels, "values": [name, 1, 1, last, 1]})
        chart.set_title({"name": f"{table.title}: {table.measures[0].name}"})
        if table.chart != PIE:
            chart.set_legend({"none": True})
            chart.set_y_axis({"reverse": True})
        return chart


def _rows(table: Table) -> Iterator[list[tuple[Any, Column | None]]]:
    """Give a sheet row by row: figures first, then an empty row, then the list. Headings have no column."""
    text = Column(table.per)
    if table.measures:
        heading = [(table.per, None)] if table.per else []
        yield [*heading, *((measure.name, None) for measure in table.measures)]
        for label, figures in table.groups:
            yield [(label, text), *_cells(figures, table)]
        total: list[tuple[Any, Column | None]] = [(TOTAL, text)] if table.per else []
        yield [*total, *_cells(table.totals, table)]
        if table.columns:
            yield []
    if table.columns:
        yield [(column.name, None) for column in table.columns]
        for row in table.rows:
            yield list(zip(row, table.columns, strict=True))
        if table.listed > len(table.rows):
            yield [(f"… +{table.listed - len(table.rows):,}", text)]


def _cells(figures: tuple[Reckoned, ...], table: Table) -> list[tuple[Any, Column | None]]:
    return list(zip(figures, table.measures, strict=True))


def _places(column: Column) -> str:
    return f".{'0' * column.places}" if column.places else ""


def _names(report: Report) -> list[str]:
    """Name the sheets as Excel allows it, each by its own name."""
    found: list[str] = []
    for table in report.tables:
        plain = " ".join(re.sub(r"[\[\]:*?/\\]", " ", table.title).split()).strip("'")[:_LONGEST_NAME] or "report"
        name, number = plain, 1
        while name.casefold() in {other.casefold() for other in found}:
            number += 1
            name = f"{plain[: _LONGEST_NAME - 4]} ({number})"
        found.append(name)
    return found
