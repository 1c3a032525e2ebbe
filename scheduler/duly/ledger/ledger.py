"""The ledger as a whole: its connections, its transactions, its migrations."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

BUSY_SECONDS = 30
"""How long one writer waits for another; a writing transaction here takes milliseconds."""


class Ledger:
    """Duly's own database.

    Parameters
    ----------
    url: an SQLAlchemy URL; ``sqlite://`` keeps it in memory, for examples and tests.
    """

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        self._writing = self.engine.execution_options(duly_write=True)

    def migrate(self) -> None:
        """Bring the database to the shape that this version of Duly needs."""
        from duly.ledger import migrate  # noqa: PLC0415 - Alembic takes 0.3 s to import

        migrate.upgrade(self.engine)

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Open a writing transaction; it commits at the end, and rolls back when anything is raised."""
        with self._writing.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Open a reading transaction."""
        with self.engine.connect() as connection:
            yield connection

    @contextmanager
    def session(self) -> Iterator[sa.Connection]:
        """Open one connection for several writing transactions, each begun by the caller."""
        with self._writing.connect() as connection:
            yield connection

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


@contextmanager
def ledger_in_memory() -> Iterator[Ledger]:
    """Give a ledger that knows nothing, and is gone at the end."""
    ledger = Ledger("sqlite://")
    try:
        ledger.migrate()
        yield ledger
    finally:
        ledger.close()


@contextmanager
def reading(session: sa.Connection) -> Iterator[None]:
    """Open, on a session, a transaction that writes nothing but temporary tables and keeps no other writer waiting."""
    session.execution_options(duly_write=False)
    try:
        with session.begin():
            yield
    finally:
        session.execution_options(duly_write=True)


def _engine(url: str) -> sa.Engine:
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite":
        engine = sa.create_engine(parsed, pool_pre_ping=True, hide_parameters=True)
        sa.event.listen(engine, "handle_error", _hide_details)
        return engine
    connect = {"timeout": BUSY_SECONDS, "check_same_thread": False, "factory": _Connection}
    options: dict[str, Any] = {"connect_args": connect, "hide_parameters": True}
    if not parsed.database or parsed.database == ":memory:":
        options["poolclass"] = StaticPool
    engine = sa.create_engine(parsed, **options)
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _beginning(threading.Lock()))
    return engine


def _hide_details(context: sa.ExceptionContext) -> None:
    """Leave out of a server's error the values of the row that it is about: they may be addresses."""
    said = getattr(getattr(context.original_exception, "diag", None), "message_primary", None)
    if said and context.sqlalchemy_exception:
        kind = type(context.original_exception)
        context.original_exception.args = (said,)
        context.sqlalchemy_exception.args = (f"({kind.__module__}.{kind.__name__}) {said}",)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where `_beginning` says, not where the driver guesses
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


class _Connection(sqlite3.Connection):
    """Gives the turn to write back as soon as its transaction has ended."""

    turn: threading.Lock | None = None

    def commit(self) -> None:
        try:
            super().commit()
        finally:
            self._give_back()

    def rollback(self) -> None:
        try:
            super().rollback()
        finally:
            self._give_back()

    def close(self) -> None:
        try:
            super().close()
        finally:
            self._give_back()

    def _give_back(self) -> None:
        turn, self.turn = self.turn, None
        if turn is not None:
            turn.release()


def _beginning(turn: threading.Lock) -> Callable[[sa.Connection], None]:
    """Begin SQLite's transactions, one writing transaction of this process at a time.

    SQLite itself makes a second writer sleep and look again, ever longer; a lock wakes it as soon as the first is done.
    """

    def begin(connection: sa.Connection) -> None:
        driver = connection.connection.dbapi_connection
        # A deferred transaction that turns to writing fails with "database is locked" when another wrote meanwhile.
        if not connection.get_execution_options().get("duly_write") or not isinstance(driver, _Connection):
            connection.exec_driver_sql("BEGIN")
            return
        driver.turn = turn if turn.acquire(timeout=BUSY_SECONDS) else None
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return begin
