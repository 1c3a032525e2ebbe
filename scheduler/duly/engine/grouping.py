"""Grouped messages: what one step tells one person at the same time is one message, with a line a record."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from duly.engine.composer import ComposeError, Line, TooLong
from duly.engine.doorman import MEND, Fate, Later, Ready, as_of
from duly.engine.house import House
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
        ComposeError: its template gives no words.
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
        shown = list({line.case.id: line.line for line in lines if line.case and line.line}.values())
        values = {
            **_shared(lead),
            "lines": [Line(**line) for line in shown],
            "count": len(shown),
            "name": lead.person.name,
            "rule": lead.live.bound.rule.title,
        }
        one, composer = lead.delivery, self._house.composer()
        words = composer.compose(one.template, one.channel, lead.person.lang, values, lead.zone or desk)
        since = min((line.as_of for line in lines if line.as_of), default=None)
        message = replace(lead, words=words, as_of=since, lines=tuple(lines))
        return replace(message, words=as_of(self._house, message, now)) if since else message


def _shared(ready: Ready) -> dict[str, object]:
    """Name the field that all lines of a group have in common, with its value as it is now."""
    field = template_word(ready.delivery.extra.get("group", ""))
    return {field: ready.line[field]} if ready.line and field in ready.line else {}


def _urgency(line: Ready) -> tuple[dt.datetime, int]:
    """Order lines: what is due first comes first."""
    moment = (line.case.due_at or line.case.clock_at) if line.case else line.delivery.created_at
    return moment, line.delivery.id
