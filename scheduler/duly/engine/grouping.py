"""Grouped messages: what one step tells one person at the same time is one message, with a line a record."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from duly.engine.composer import ComposeError, Line, TooLong
from duly.engine.doorman import MEND, Fate, Later, Ready, as_of
from duly.engine.enclosure import enclosure_of
from duly.engine.gathering import column_of, value_of
from duly.engine.house import House
from duly.engine.report import Column, Report, Table
from duly.rules.text_check import template_word

MOST_LINES = 500
"""Lines of one message; what is more goes into the next one."""


class Grouping:
    """Writes grouped messages.

    Parameters
    ----------
    house: the words and the people.
    """

    def __init__(self, house: House) -> None:
        self._house = house

    def gather(self, fates: Sequence[Fate], now: dt.datetime) -> list[Fate]:
        """Put lines that were found true together; everything else is left as it is."""
        gathered: list[Fate] = []
        groups: dict[tuple[object, ...], list[Ready]] = {}
        for fate in fates:
            if isinstance(fate, Ready) and fate.line is not None:
                one = fate.delivery
                groups.setdefault((one.group_key, one.urgent, fate.to, *_shared(fate).values()), []).append(fate)
            else:
                gathered.append(fate)
        for lines in groups.values():
            try:
                gathered += self.write(lines, now)
            except ComposeError as error:
                gathered += [Later(line.delivery, now + MEND, str(error), failed=True) for line in lines]
        return gathered

    def write(self, lines: Sequence[Ready], now: dt.datetime) -> list[Ready]:
        """Write lines of one group as one message, or as several where it would be too long.

        A record stands in it once, also when two deliveries speak of it.

        Raises
        ------
        ComposeError: its template gives no words, or its spreadsheet cannot be made.
        """
        ordered = sorted(lines, key=_urgency)
        if len(ordered) > MOST_LINES:
            return [*self.write(ordered[:MOST_LINES], now), *self.write(ordered[MOST_LINES:], now)]
        try:
            return [self._one(ordered, now)]
        except TooLong:
            if len(ordered) == 1:
                raise
            half = len(ordered) // 2
            return [*self.write(ordered[:half], now), *self.write(ordered[half:], now)]

    def _one(self, lines: Sequence[Ready], now: dt.datetime) -> Ready:
        lead, desk = lines[0], self._house.directory.zone
        told = list({line.case.id: line for line in lines if line.case and line.line}.values())
        values = {
            **_shared(lead),
            "lines": [Line(**line.line) for line in told if line.line],
            "count": len(told),
            "name": lead.person.name,
            "rule": lead.live.bound.rule.title,
        }
        one, composer = lead.delivery, self._house.composer()
        words = composer.compose(one.template, one.channel, lead.person.lang, values, lead.zone or desk)
        since = min((line.as_of for line in lines if line.as_of), default=None)
        message = replace(lead, words=words, as_of=since, lines=tuple(lines))
        if since:
            message = replace(message, words=as_of(self._house, message, now))
        return self._with_sheet(message, told, now) if one.extra.get("attach") else message

    def _with_sheet(self, message: Ready, told: Sequence[Ready], now: dt.datetime) -> Ready:
        """Add the spreadsheet, and what it is made of: it is frozen with the words."""
        live, desk = message.live, self._house.directory.zone
        try:
            listed = self._listed(message, told, now)
            enclosure = enclosure_of(listed, message.delivery, live.row.path, message.words.body, desk)
        except Exception as error:
            raise ComposeError(f"{type(error).__name__} as its spreadsheet was made") from error
        return replace(message, listed=listed, enclosure=enclosure)

    def _listed(self, message: Ready, told: Sequence[Ready], now: dt.datetime) -> Report:
        """List the records of a message, a row each: their fields, and when they are due if the rule says so."""
        noun, directory = message.live.bound.noun, self._house.directory
        due = [Column("due")] if any(line.case and line.case.due_at for line in told) else []
        table = Table(
            title=noun.name,
            found=len(told),
            columns=(*(column_of(name, noun) for name in noun.fields), *due),
            rows=tuple(
                (
                    *(value_of(name, line.record, noun, directory) for name in noun.fields),
                    *(line.case.due_at for _ in due),
                )
                for line in told
                if line.record and line.case
            ),
            listed=len(told),
        )
        group = "".join(str(value) for value in _shared(message).values() if value is not None)
        return Report(message.live.bound.rule.title, None, now, message.as_of or now, group, (table,))


def _shared(ready: Ready) -> dict[str, object]:
    """Name the field that all lines of a group have in common, with its value as it is now."""
    field = template_word(ready.delivery.extra.get("group", ""))
    return {field: ready.line[field]} if ready.line and field in ready.line else {}


def _urgency(line: Ready) -> tuple[dt.datetime, int]:
    """Order lines: what is due first comes first."""
    moment = (line.case.due_at or line.case.clock_at) if line.case else line.delivery.created_at
    return moment, line.delivery.id
