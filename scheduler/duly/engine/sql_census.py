"""Rows that a service database answered to a census."""

from __future__ import annotations

import datetime as dt

from duly.engine.sql_rows import Row, RowReader
from duly.engine.sql_time import TimeReader, Unreadable
from duly.rules.census import Census, Counted


class CensusReader:
    """Reads the rows of one census.

    Parameters
    ----------
    census: whose rows they are.
    times: reads times as the source spells them.
    now: the instant of the question.
    """

    def __init__(self, census: Census, times: TimeReader, now: dt.datetime) -> None:
        noun = census.noun
        self._rows = RowReader(census, times, None, now)
        self._times = times
        width = len(noun.key)
        columns = {leaf.name: width + place for place, leaf in enumerate(census.leaves)}
        self._reads = {time.name: times.reader(time, noun.times, columns) for time in census.times}

    def read(self, row: Row) -> Counted:
        """Read one record with its times; one that cannot be read is left out, and said to be there."""
        record = self._rows.record(row)
        wall = self._times.wall_of(record.zone)
        found, unreadable = {}, False
        for name, read in self._reads.items():
            try:
                reading = read(row, wall)
            except Unreadable:
                unreadable = True
                continue
            if reading is not None:
                found[name] = reading[0]
        return Counted(record, found, unreadable)
