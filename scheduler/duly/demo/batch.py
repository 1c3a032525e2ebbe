"""A batch: changes that wait to be written to the shop's database together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from sqlalchemy import BindParameter, Connection, bindparam, insert, update

from duly.demo import schema
from duly.demo.life import Change

ROWS_AT_ONCE = 500

Row = dict[str, object]


class Batch:
    """Rows to insert and columns to set; a change to a row that is not written yet goes into that row."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[int, Row]] = defaultdict(dict)
        self._columns: dict[tuple[str, tuple[str, ...]], list[Row]] = defaultdict(list)

    def __bool__(self) -> bool:
        return bool(self._rows or self._columns)

    def take(self, change: Change, number: int) -> None:
        """Add ``change`` to row ``number``."""
        if change.new:
            self.add(change.table.name, {"id": number, **change.values})
        elif waiting := self._rows[change.table.name].get(number):
            waiting.update(change.values)
        else:
            values = {f"new_{column}": value for column, value in change.values.items()}
            self._columns[change.table.name, tuple(change.values)].append({"number": number, **values})

    def add(self, table: str, row: Row) -> None:
        """Add a new row, ``id`` included; columns that it leaves out are NULL."""
        every_column = dict.fromkeys(schema.metadata.tables[table].columns.keys())
        self._rows[table][int(str(row["id"]))] = every_column | row

    def count(self, table: str) -> int:
        """Count the new rows of a table."""
        return len(self._rows[table])

    def write(self, connection: Connection, progress: Callable[[int, int], None] | None = None) -> None:
        """Write everything, new rows first. ``progress`` hears how many rows are written, and how many there are."""
        total = sum(map(len, self._rows.values()))
        done = 0
        for name, rows in self._rows.items():
            waiting = list(rows.values())
            for first in range(0, len(waiting), ROWS_AT_ONCE):
                some = waiting[first : first + ROWS_AT_ONCE]
                connection.execute(insert(schema.metadata.tables[name]), some)
                done += len(some)
                if progress:
                    progress(done, total)
        for (name, columns), values in self._columns.items():
            table = schema.metadata.tables[name]
            changed: dict[str, BindParameter[object]] = {column: bindparam(f"new_{column}") for column in columns}
            connection.execute(update(table).where(table.c.id == bindparam("number")).values(changed), values)
