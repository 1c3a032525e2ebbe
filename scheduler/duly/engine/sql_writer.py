"""A connection on which the guarded writes of a vocabulary change a service database, a record at a time."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import event

from duly.api.verdict import MaybeSent, NotSent
from duly.engine.sql_refusal import refusal
from duly.engine.sql_session import CONNECT_SECONDS, session_zone
from duly.engine.sql_time import TimeWriter
from duly.rules.fragment import for_text
from duly.rules.write import Write

_FOR_GOOD = (sa.exc.IntegrityError, sa.exc.ProgrammingError, sa.exc.DataError)


class Refused(Exception):  # noqa: N818 - a state, in a sentence
    """A write that will never work as it stands; nothing was changed."""


class Writer(Protocol):
    """Changes records of one source."""

    def write(self, write: Write, values: Mapping[str, object], now: dt.datetime) -> int:
        """Run one write, and give the number of records it changed: none or one.

        Raises
        ------
        Refused: it cannot work, or would have changed several records.
        NotSent: it could not be run now; nothing was changed.
        MaybeSent: it was run, and nobody knows whether it was kept.
        """
        ...


class SqlWriter:
    """One service database, open for writing; threads may share it.

    Parameters
    ----------
    name: what the configuration calls the source.
    url: SQLAlchemy's URL.
    zone: the zone of its naive times.

    Raises
    ------
    ValueError: the URL cannot be used; one sentence that does not show it.
    """

    def __init__(self, name: str, url: str, zone: ZoneInfo) -> None:
        self.name = name
        self._engine = _engine(url, zone)
        self._spell = TimeWriter(zone, as_text=self._engine.dialect.name == "sqlite")

    def close(self) -> None:
        """Close the connections that wait for the next write."""
        self._engine.dispose()

    def write(self, write: Write, values: Mapping[str, object], now: dt.datetime) -> int:
        """Run one write as `Writer` says."""
        given = {**values, **{name: at for name, at in self._spell.now(now).items() if name in write.names}}
        plain = {name: self._plain(value) for name, value in given.items()}
        try:
            with self._engine.connect() as connection:
                return self._run(connection, write, plain)
        except _FOR_GOOD as error:
            raise Refused(f"the source “{self.name}” {refusal(error)[1]}: see writes.{write.name}") from None
        except sa.exc.DBAPIError as error:
            raise NotSent(f"the source “{self.name}” {refusal(error)[1]}") from None

    def _run(self, connection: sa.Connection, write: Write, values: Mapping[str, object]) -> int:
        changed = connection.execute(sa.text(for_text(write.sql)), values).rowcount
        if changed > 1:
            connection.rollback()
            raise Refused(f"“{write.name}” would have changed {changed} records at once, so it changed none")
        try:
            connection.commit()
        except sa.exc.DBAPIError:
            raise MaybeSent(f"the source “{self.name}” went away as “{write.name}” was kept") from None
        return changed

    def _plain(self, value: object) -> object:
        """Spell what SQLite's driver does not take."""
        if self._engine.dialect.name != "sqlite":
            return value
        match value:
            case Decimal():
                return int(value) if value == value.to_integral_value() else float(value)
            case dt.datetime():
                return self._spell.now(value)["now"]
            case dt.date() | dt.time():
                return value.isoformat()
        return value


def _engine(url: str, zone: ZoneInfo) -> sa.Engine:
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise ValueError("this is no database URL: write one such as postgresql://duly@db.example/shop") from None
    match parsed.get_backend_name():
        case "sqlite":
            return _sqlite(parsed)
        case "postgresql":
            engine = sa.create_engine(
                parsed.set(drivername="postgresql+psycopg"),
                pool_pre_ping=True,
                hide_parameters=True,
                connect_args={"connect_timeout": CONNECT_SECONDS, "options": f"-c TimeZone={zone.key}"},
            )
        case "mysql" | "mariadb" as family:
            arguments = {"charset": "utf8mb4", "connect_timeout": CONNECT_SECONDS, "read_timeout": 60}
            engine = sa.create_engine(
                parsed.set(drivername=f"{family}+pymysql"),
                pool_pre_ping=True,
                hide_parameters=True,
                connect_args=arguments,
            )
            event.listen(engine, "connect", lambda connection, _: _set_zone(connection, zone))
        case other:
            raise ValueError(f"Duly cannot write to “{other}”: a source is SQLite, PostgreSQL, MariaDB or MySQL")
    return engine


def _sqlite(url: sa.URL) -> sa.Engine:
    path = Path(url.database or "")

    def connect() -> sqlite3.Connection:
        # A file that is not there is no reason to make one.
        return sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=CONNECT_SECONDS)

    return sa.create_engine("sqlite://", creator=connect, poolclass=sa.NullPool, hide_parameters=True)


def _set_zone(connection: Any, zone: ZoneInfo) -> None:
    with connection.cursor() as cursor:
        cursor.execute("set session time_zone = %s", (session_zone(cursor, zone),))
