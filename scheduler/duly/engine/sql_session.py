"""Sessions with a service database in which nothing can be written: by the driver, by the session, by the statement."""

from __future__ import annotations

import datetime as dt
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import event

from duly.engine.source import SourceDown
from duly.time.clock import patience

CONNECT_SECONDS = 10
_POLL_OPERATIONS = 100_000  # of SQLite's virtual machine: some milliseconds
_MAY = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE}
_MAY_ASK = {"read_uncommitted", "data_version"}
"""Pragmas that only tell: the first is asked for by SQLAlchemy as it connects, the second by full-text search."""
_INFINITE = ("date", "timestamp", "timestamptz")


def read_only_engine(url: str, zone: ZoneInfo, timeout: float) -> sa.Engine:
    """Make an engine whose sessions only read.

    Parameters
    ----------
    url: SQLAlchemy's URL of an SQLite file, a PostgreSQL, a MariaDB or a MySQL database.
    zone: the zone of the database's naive times, and of its sessions.
    timeout: the longest a question may take, in seconds. On SQLite and MariaDB that is the whole stream of an answer,
        on PostgreSQL each batch of it.

    Raises
    ------
    ValueError: the URL is none, or not of one of these databases; the sentence does not show it.
    """
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise ValueError("this is no database URL: write one such as postgresql://duly@db.example/shop") from None
    match parsed.get_backend_name():
        case "sqlite":
            return _sqlite(parsed, timeout)
        case "postgresql":
            return _postgresql(parsed, zone, timeout)
        case "mysql" | "mariadb":
            return _mariadb(parsed, zone, timeout)
        case other:
            raise ValueError(f"Duly cannot read “{other}”: a source is SQLite, PostgreSQL, MariaDB or MySQL")


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open a read-only transaction; it is rolled back at the end, with whatever a question may have set."""
    with engine.connect() as connection:
        if connection.dialect.name in {"mysql", "mariadb"}:  # psycopg sends BEGIN READ ONLY itself
            connection.exec_driver_sql("START TRANSACTION READ ONLY")
        yield connection


def _sqlite(url: sa.URL, timeout: float) -> sa.Engine:
    path = re.sub(r"^file:|\?.*", "", url.database or "")
    if path in {"", ":memory:"}:
        raise ValueError("an SQLite source is a file: write sqlite:///path/to/shop.db")
    uri = f"file:{quote(str(Path(path).absolute()))}?mode=ro"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(uri, uri=True, timeout=CONNECT_SECONDS, check_same_thread=False)
        connection.execute("PRAGMA query_only=1")
        connection.text_factory = partial(str, encoding="utf-8", errors="replace")  # one bad name stops no check
        connection.set_authorizer(_authorize)
        connection.set_progress_handler(patience(timeout), _POLL_OPERATIONS)  # a connection answers one question
        return connection

    return sa.create_engine("sqlite://", creator=connect, poolclass=sa.NullPool)


def _authorize(action: int, first: str | None, second: str | None, *_where: str | None) -> int:
    """Let SQLite read and reckon, and nothing else."""
    allowed = (
        action in _MAY
        or (action == sqlite3.SQLITE_FUNCTION and second != "load_extension")
        or (action == sqlite3.SQLITE_PRAGMA and first in _MAY_ASK and second is None)
    )
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _postgresql(url: sa.URL, zone: ZoneInfo, timeout: float) -> sa.Engine:
    engine = sa.create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_pre_ping=True,
        connect_args={"connect_timeout": CONNECT_SECONDS, "tcp_user_timeout": CONNECT_SECONDS * 1000},
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        settings = {"TimeZone": zone.key, "statement_timeout": str(round(timeout * 1000))}
        with connection.cursor() as cursor:
            for name, value in settings.items():
                cursor.execute("select set_config(%s, %s, false)", (name, value))
        connection.commit()
        connection.read_only = True
        _read_infinity(connection)

    return engine


def _read_infinity(connection: Any) -> None:
    """Read times that Python has no room for (``infinity``, years before 1) as text, which then is no time."""
    from psycopg import DataError, adapt, pq  # noqa: PLC0415 - the driver is installed only where it is used

    def tolerant(base: type[adapt.Loader]) -> type[adapt.Loader]:
        class Loader(adapt.Loader):
            def __init__(self, oid: int, context: Any = None) -> None:
                super().__init__(oid, context)
                self._load = base(oid, context).load

            def load(self, data: Any) -> object:
                try:
                    return self._load(data)
                except DataError:
                    return bytes(data).decode()

        return Loader

    adapters = connection.adapters
    for name in _INFINITE:
        adapters.register_loader(name, tolerant(adapters.get_loader(adapters.types[name].oid, pq.Format.TEXT)))


def _mariadb(url: sa.URL, zone: ZoneInfo, timeout: float) -> sa.Engine:
    family = url.get_backend_name()
    engine = sa.create_engine(
        url.set(drivername=f"{family}+pymysql"),
        pool_pre_ping=True,
        connect_args={
            "charset": "utf8mb4",
            "connect_timeout": CONNECT_SECONDS,
            "read_timeout": round(timeout) + CONNECT_SECONDS,
        },
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        limit = ("max_statement_time", timeout)
        if "MariaDB" not in connection.get_server_info():  # MySQL has a name and a unit of its own
            limit = ("max_execution_time", round(timeout * 1000))
        with connection.cursor() as cursor:
            cursor.execute("set session transaction read only")
            cursor.execute(f"set session {limit[0]} = %s", (limit[1],))
            cursor.execute("set session time_zone = %s", (session_zone(cursor, zone),))

    return engine


def session_zone(cursor: Any, zone: ZoneInfo) -> str:
    """Spell a zone as a MariaDB or MySQL server knows it."""
    cursor.execute("select convert_tz('2000-01-01', '+00:00', %s)", (zone.key,))
    is_known = cursor.fetchone()[0] is not None
    return zone.key if is_known else _only_offset(zone)


def _only_offset(zone: ZoneInfo) -> str:
    """Spell the offset of a zone whose clocks never change, for a server without time zone tables."""
    halves = [dt.datetime(year, month, 1, tzinfo=zone) for year in range(2010, 2036) for month in (1, 7)]
    if len({half.utcoffset() for half in halves}) > 1:
        raise SourceDown(
            f"the database does not know the zone “{zone.key}”, whose clocks change: load its time zone tables "
            "(mariadb-tzinfo-to-sql /usr/share/zoneinfo | mariadb mysql)"
        )
    return halves[0].isoformat()[-6:]  # %:z of strftime is new in Python 3.12
