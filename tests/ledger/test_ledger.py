"""The ledger as a whole: writers wait for each other, readers for nobody, and what is committed stays (26)."""

from __future__ import annotations

import contextlib
import datetime as dt
import sqlite3
import threading

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from duly.ledger.ledger import Ledger
from duly.ledger.schema import cases, quota
from duly.ledger.types import Instant, Json
from ledger.rows import HOUR, NOW, open_cases, publish, together

ADD = sa.insert(quota).values(period="", used=0)


def scopes(ledger: Ledger) -> list[str]:
    """Read what was written."""
    with ledger.read() as connection:
        return sorted(connection.execute(sa.select(quota.c.scope)).scalars())


def test_writers_wait_for_each_other(ledger):
    """Two transactions that read first and write then both come through: none finds the database locked (26)."""

    def read_then_write(name: str) -> None:
        with ledger.write() as connection:
            connection.execute(sa.select(sa.func.count()).select_from(quota)).scalar()
            connection.execute(ADD, {"scope": name})

    together(*(lambda name=name: read_then_write(name) for name in "abcdef"))
    assert scopes(ledger) == list("abcdef")


def test_a_deferred_transaction_would_fail(tmp_path):
    """What the ledger does about it is needed: two readers that turn to writing lock each other out on SQLite."""
    keeper = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    keeper.migrate()
    with keeper.read() as one, keeper.read() as other:
        for connection in (one, other):
            connection.execute(sa.select(sa.func.count()).select_from(quota)).scalar()
        one.execute(ADD, {"scope": "one"})
        one.commit()
        with pytest.raises(sa.exc.OperationalError, match="database is locked"):
            other.execute(ADD, {"scope": "other"})
    keeper.close()


def test_readers_do_not_wait(ledger):
    """A reader sees what is committed, at once, while a writer is in the middle of its work."""
    with ledger.write() as connection:
        connection.execute(ADD, {"scope": "a"})
        assert scopes(ledger) == []
    assert scopes(ledger) == ["a"]


def test_a_long_reader_stops_no_writer(ledger):
    """Somebody who reads for long, as a report does, keeps no message from leaving."""
    with ledger.read() as reader:
        assert reader.execute(sa.select(sa.func.count()).select_from(quota)).scalar() == 0
        wrote = threading.Event()

        def write() -> None:
            with ledger.write() as connection:
                connection.execute(ADD, {"scope": "a"})
            wrote.set()

        thread = threading.Thread(target=write)
        thread.start()
        assert wrote.wait(20)
        thread.join()


def test_an_error_leaves_nothing_behind(ledger):
    """A transaction that breaks is undone, and the next one is not held up."""
    with contextlib.suppress(KeyError), ledger.write() as connection:
        connection.execute(ADD, {"scope": "a"})
        raise KeyError
    with ledger.write() as connection:
        connection.execute(ADD, {"scope": "b"})
    assert scopes(ledger) == ["b"]


def test_a_session_commits_step_by_step(ledger):
    """Several transactions on one connection are each other's past: what one committed stays when the next breaks."""
    with ledger.session() as connection:
        with connection.begin():
            connection.execute(ADD, {"scope": "a"})
        with contextlib.suppress(KeyError), connection.begin():
            connection.execute(ADD, {"scope": "b"})
            raise KeyError
    assert scopes(ledger) == ["a"]


def test_a_file_is_safe_against_power_failures(tmp_path):
    """A file is written ahead and to the disk at each commit, and refuses rows that point nowhere."""
    keeper = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    keeper.migrate()
    with keeper.read() as connection:
        pragmas = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
    assert pragmas == ["wal", 2]
    with pytest.raises(sa.exc.IntegrityError):
        open_cases(keeper, 17, "1")
    keeper.close()


def test_a_dead_connection_is_replaced(postgresql_url):
    """A server that was restarted costs a long-lived daemon nothing but the connection (17)."""
    keeper = Ledger(postgresql_url)
    keeper.migrate()
    publish(keeper, "a")
    killer = sa.create_engine(postgresql_url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with killer.connect() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    publish(keeper, "b")
    keeper.close()


def test_errors_show_no_values(ledger):
    """An error names the statement, and not the addresses that were on their way (32)."""
    with pytest.raises(sa.exc.SQLAlchemyError) as caught, ledger.write() as connection:
        connection.execute(ADD, {"scope": None, "period": "+8613900000001"})
    assert "13900000001" not in str(caught.value)


@given(st.datetimes(timezones=st.timezones()))
def test_instants_come_back_as_they_went(at):
    """An instant of any zone comes back as the same instant in UTC, to the microsecond."""
    kept = Instant().process_bind_param(at, None)
    assert isinstance(kept, int)
    back = Instant().process_result_value(kept, None)
    assert back == at.astimezone(dt.UTC)
    assert back.tzinfo is dt.UTC


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


@given(JSONS.filter(lambda value: value is not None))
def test_plain_values_come_back_as_they_went(value):
    """JSON of any script comes back unchanged."""
    assert Json().process_result_value(Json().process_bind_param(value, None), None) == value


@pytest.mark.parametrize("key", ["A", "a", "a ", " a", "ß", "ss", "é", "e\u0301", "订单", '[1,"x"]'])
def test_keys_are_kept_to_the_byte(ledger, rule_id, key):
    """Keys that a collation would take for each other are different cases (25)."""
    all_keys = ["A", "a", "a ", " a", "ß", "ss", "é", "e\u0301", "订单", '[1,"x"]']
    open_cases(ledger, rule_id, *all_keys)
    with ledger.read() as connection:
        found = connection.execute(sa.select(cases.c.key).where(cases.c.key == key.encode())).scalars().all()
    assert [bytes(each) for each in found] == [key.encode()]


def test_instants_are_numbers_in_the_database(ledger, rule_id):
    """Whoever looks with another tool finds microseconds since 1970, in every database."""
    open_cases(ledger, rule_id, "1")
    with ledger.read() as connection:
        kept = connection.exec_driver_sql("SELECT next_at FROM cases").scalar()
    assert kept == int((NOW + HOUR).timestamp()) * 1_000_000


def test_the_turn_to_write_comes_back_from_whoever_could_not_begin(tmp_path, monkeypatch):
    """Another process has the file: who waits in vain hears so, and the next one of this process may write again."""
    monkeypatch.setattr("duly.ledger.ledger.BUSY_SECONDS", 0.05)
    keeper = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    keeper.migrate()
    with contextlib.closing(sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)) as other:
        other.execute("begin immediate")
        for _ in range(2):
            with pytest.raises(sa.exc.OperationalError, match="database is locked"), keeper.write():
                pass
        other.execute("rollback")
    monkeypatch.setattr("duly.ledger.ledger.BUSY_SECONDS", 60)

    def write() -> None:
        with keeper.write() as connection:
            connection.execute(ADD, {"scope": "a"})

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    writer.join(10)
    assert scopes(keeper) == ["a"]
    keeper.close()


def test_the_turn_to_write_goes_on_with_each_end_of_a_transaction(tmp_path):
    """Whether a transaction is committed or rolled back, the next writer of the process gets its turn at once."""
    keeper = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    keeper.migrate()

    def take_turns() -> None:
        with keeper.session() as one, keeper.session() as other:
            for session, end in ((one, "commit"), (other, "rollback"), (one, "commit")):
                transaction = session.begin()
                session.execute(ADD, {"scope": f"{end} {len(scopes(keeper))}"})
                getattr(transaction, end)()

    writer = threading.Thread(target=take_turns, daemon=True)
    writer.start()
    writer.join(20)
    assert scopes(keeper) == ["commit 0", "commit 1"]
    keeper.close()
