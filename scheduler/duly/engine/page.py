"""A report as HTML that every mail program shows: tables, and charts that are made of table cells.

Mail programs leave out SVG, scripts and style sheets, and pictures are loaded only when somebody asks for them; the
background of a table cell is shown by all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from html import escape
from zoneinfo import ZoneInfo

from duly.engine.report import MOST_LINES, NOTHING, TOTAL, Column, Report, Table, spell, text_of
from duly.engine.tally import Reckoned
from duly.rules.roundup import PIE

_COLOURS = ("#3b6ea5", "#c8553d", "#6a994e", "#bc8a2f", "#7a5195", "#4f8a8b", "#a23b72", "#6b7280")
_CELL = "padding:3px 10px;border-bottom:1px solid #ddd"
_RIGHT = f"{_CELL};text-align:right"
_WIDTH = 300
"""Pixels of the longest bar."""


def page_of(report: Report, body: str, zone: ZoneInfo) -> str:
    """Set the words of a mail as HTML, with tables and charts where they have the report as text.

    Parameters
    ----------
    body: the final words.
    zone: in which the words show the times of the report.

    Returns
    -------
    Nothing when the words do not hold the report as it stands: they are then their own best form.
    """
    before, found, after = body.partition(text_of(report, zone))
    if not found:
        return ""
    inner = "".join(piece for table in report.tables for piece in _table(table, zone))
    return (
        '<!DOCTYPE html>\n<html><head><meta charset="utf-8"></head>'
        '<body style="font-family:sans-serif;font-size:14px;color:#222">\n'
        f"{_words(before)}{inner}{_words(after)}</body></html>\n"
    )


def _words(text: str) -> str:
    paragraphs = (part for part in text.strip("\n").split("\n\n") if part.strip())
    return "".join(f"<p>{escape(part).replace(chr(10), '<br>')}</p>\n" for part in paragraphs)


def _table(table: Table, zone: ZoneInfo) -> Iterator[str]:
    yield f'<h3 style="margin:18px 0 6px">{escape(table.title)}</h3>\n'
    if table.measures:
        yield '<table style="border-collapse:collapse">\n'
        yield _row([table.per] * bool(table.per) + [measure.name for measure in table.measures], "th", _CELL)
        for label, figures in table.groups:
            yield _figures(label or NOTHING, figures, table, zone)
        yield _figures(TOTAL, table.totals, table, zone)
        yield "</table>\n"
    if table.chart and table.groups:
        yield from _pie(table, zone) if table.chart == PIE else _bars(table, zone)
    if table.columns:
        yield '<table style="border-collapse:collapse">\n'
        yield _row([column.name for column in table.columns], "th", _CELL)
        for row in table.rows[:MOST_LINES]:
            told = [spell(value, column, zone) for value, column in zip(row, table.columns, strict=True)]
            yield _row(told, "td", _CELL)
        yield "</table>\n"
        more = f"… +{table.listed - MOST_LINES:,}; " if table.listed > MOST_LINES else ""
        yield f"<p>{more}{TOTAL} {table.listed:,}</p>\n"


def _figures(label: str, figures: Sequence[Reckoned], table: Table, zone: ZoneInfo) -> str:
    told = [spell(value, measure, zone) for value, measure in zip(figures, table.measures, strict=True)]
    head = f'<td style="{_CELL}">{escape(label)}</td>' if table.per else ""
    return f"<tr>{head}{''.join(_cell(text, 'td', _RIGHT) for text in told)}</tr>\n"


def _row(texts: Sequence[str], tag: str, style: str) -> str:
    return f"<tr>{''.join(_cell(text, tag, style) for text in texts)}</tr>\n"


def _cell(text: str, tag: str, style: str) -> str:
    return f'<{tag} style="{style}">{escape(text)}</{tag}>'


def _bars(table: Table, zone: ZoneInfo) -> Iterator[str]:
    """Draw the first measure, a bar a group."""
    measure = table.measures[0]
    values = [(label, figures[0] or Decimal()) for label, figures in table.groups]
    most = max((value for _, value in values), default=Decimal())
    yield f'<p style="margin:8px 0 4px">{escape(measure.name)}</p>\n<table cellspacing="0">\n'
    for label, value in values:
        bar = _bar(max(round(_WIDTH * value / most), 1) if most > 0 and value > 0 else 0, _COLOURS[0])
        head = f'<td style="padding:1px 8px 1px 0">{escape(label or NOTHING)}</td>'
        yield f"<tr>{head}<td>{bar}</td><td>{escape(spell(value, measure, zone))}</td></tr>\n"
    yield "</table>\n"


def _pie(table: Table, zone: ZoneInfo) -> Iterator[str]:
    """Draw the first measure as shares of its whole: one bar in parts, and what each colour means."""
    measure = table.measures[0]
    values = [(label, value) for label, figures in table.groups if (value := figures[0] or Decimal()) > 0]
    whole = sum((value for _, value in values), Decimal())
    parts, legend = [], []
    for place, (label, value) in enumerate(values):
        colour = _COLOURS[place % len(_COLOURS)]
        share = value * 100 / whole
        parts.append(f'<td style="background:{colour};width:{share:.2f}%;height:18px"></td>')
        told = escape(
            f"{label or NOTHING}: {spell(value, measure, zone)} ({spell(share, Column('', 'share', 1), zone)})"
        )
        legend.append(f'<tr><td style="background:{colour};width:14px"></td><td>{told}</td></tr>\n')
    if not values:
        return
    yield f'<p style="margin:8px 0 4px">{escape(measure.name)}</p>\n'
    yield f'<table width="{2 * _WIDTH}" cellspacing="0" cellpadding="0"><tr>{"".join(parts)}</tr></table>\n'
    yield f'<table cellspacing="4">\n{"".join(legend)}</table>\n'


def _bar(pixels: int, colour: str) -> str:
    return f'<div style="background:{colour};width:{pixels}px;height:14px"></div>' if pixels else ""
