"""Writes: a record is changed in its source, once, and only as long as it is as it was."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

import duly
from duly.engine.examples import run_examples
from duly.engine.plugins import load_plugins
from duly.engine.sql_writer import Refused, SqlWriter
from duly.rules.snapshot import load_workspace
from duly.rules.write import Write
from engine.desk import ORDERS, SETTINGS, SpokenPlugin
from engine.telling import HOUR, MINUTE, MONDAY, open_desk, outcome, paid, reasons

TEN = MONDAY + HOUR
RAISE = "update orders set amount = amount + 1 where id = :key and amount = :amount"
STEP = "after: 1h, write: raise it"
OPEN = {
    "config/duly.yaml": SETTINGS.replace(
        'url: "sqlite:///shop.db", ', 'url: "sqlite:///shop.db", write: {url: "sqlite:///shop.db"}, '
    )
}


def desk_of(home, *steps: str, sql: str = RAISE, **more: str):
    """Set up a desk whose vocabulary has one write."""
    noun = f'{ORDERS}writes:\n  raise it: {{sql: "{sql}", rows: 1}}\n'
    return open_desk(home, *steps, **{"config/vocabulary/orders.yaml": noun, **OPEN, **more})


def amount(desk, id: int = 1) -> int:
    """Read an order's amount."""
    with desk.shop.connect() as connection:
        return int(connection.execute(sa.text("select amount from orders where id = :id"), {"id": id}).scalar_one())


def test_a_write_changes_its_record_alone(tmp_path):
    """The step changes the order it is about, and says so in the journal; no other order is touched."""
    desk = desk_of(tmp_path, STEP)
    paid(desk, 1)
    desk.order(2)
    desk.run(MONDAY, TEN + HOUR)
    assert (amount(desk), amount(desk, 2)) == (11, 10)
    assert outcome(desk, 1) == [("action write", "accepted")]
    assert reasons(desk, 1, "accepted") == ["raise it: written"]


def test_a_lost_race_changes_nothing_and_says_so(tmp_path, monkeypatch):
    """Somebody else changes the amount between the look and the write: theirs stays."""
    desk = desk_of(tmp_path, STEP)
    paid(desk, 1)
    desk.run(MONDAY, TEN - MINUTE)
    writer = desk.engine.house.writers["shop"]
    late = SqlWriter.write

    def race(*args):
        desk.sql("update orders set amount = 99")
        return late(*args)

    monkeypatch.setattr(type(writer), "write", race)
    desk.run(TEN, TEN + HOUR)
    assert amount(desk) == 99
    said = "raise it: the record is no longer as it was, so nothing was written"
    assert reasons(desk, 1, "rejected") == [said]


@pytest.mark.parametrize("kept", [True, False], ids=["after it was kept", "before it was kept"])
def test_after_a_crash_the_guard_decides(tmp_path, monkeypatch, kept):
    """Broken off beside its write, a step writes again: once in all, whether the first had been kept or not."""
    desk = desk_of(tmp_path, STEP, sql="update orders set amount = 77 where id = :key and amount = 10")
    paid(desk, 1)
    writer = desk.engine.house.writers["shop"]
    late = SqlWriter.write

    def crash(*args):
        if kept:
            late(*args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(type(writer), "write", crash)
        with pytest.raises(KeyboardInterrupt):
            desk.run(MONDAY, TEN)
    assert [one.state for one in desk.deliveries(1)] == ["sending"]
    desk.run(TEN + MINUTE, TEN + 20 * MINUTE)
    assert amount(desk) == 77
    again = "raise it: nothing was left to write; it had been written before, or the record has changed"
    assert reasons(desk, 1, "accepted") == [again if kept else "raise it: written"]


def test_a_record_that_no_longer_matches_is_not_written(tmp_path):
    """Conditions are asked again as a write is about to be made."""
    desk = desk_of(tmp_path, STEP)
    paid(desk, 1)
    desk.run(MONDAY, TEN - MINUTE)
    desk.sql("update orders set shipped_at = '2024-03-04 09:59:30'")
    desk.run(TEN, TEN + HOUR)
    assert amount(desk) == 10


def test_nothing_is_written_while_the_source_is_down(tmp_path):
    """A write never goes by what the source said last: it waits until it can be asked again."""
    desk = desk_of(tmp_path, STEP)
    paid(desk, 1)
    desk.run(MONDAY, TEN - MINUTE)
    desk.sql("alter table orders rename to away")
    desk.run(TEN, TEN + 40 * MINUTE)
    assert [one.state for one in desk.deliveries(1)] == ["waiting"]
    desk.sql("alter table away rename to orders")
    desk.run(TEN + 41 * MINUTE, TEN + 50 * MINUTE)
    assert amount(desk) == 11


def test_writes_have_a_cap_of_their_own(tmp_path):
    """A cap on writes counts writes alone, and urgent or not, messages to staff are not counted by it."""
    steps = (STEP, "after: 2h, write: raise it", "after: 2h, tell: supervisor of sales, by: sms, text: hello")
    desk = desk_of(tmp_path, *steps, more="limits: {each order: 1 writes}")
    paid(desk, 1)
    desk.run(MONDAY, TEN + 2 * HOUR)
    assert amount(desk) == 11
    assert sorted(outcome(desk, 1)) == [("action write", "accepted"), ("action write", "capped"), ("sms", "accepted")]
    assert reasons(desk, 1, "capped") == ["each order: 1 writes at most"]


def test_several_overdue_writes_all_run(tmp_path):
    """Writes are never overtaken (law 4)."""
    desk = desk_of(tmp_path, STEP, "after: 70m, write: raise it")
    paid(desk, 1)
    desk.run(MONDAY, TEN - MINUTE)
    desk.run(TEN + HOUR, TEN + HOUR + MINUTE)
    assert [one.state for one in desk.deliveries(1)].count("accepted") >= 1
    assert "overtaken" not in [event for _, event in desk.events(1)]


def test_hostile_values_stay_values(tmp_path):
    """What a record holds is bound, never pasted."""
    sql = "update orders set chat = :customer where id = :key and name = :customer"
    desk = desk_of(tmp_path, STEP, sql=sql)
    name = "x'; drop table orders; --"
    paid(desk, 1, name=name)
    paid(desk, 2)
    desk.run(MONDAY, TEN)
    with desk.shop.connect() as connection:
        assert connection.execute(sa.text("select chat from orders order by id")).scalars().all() == [name, "Li"]


def test_examples_write_nothing_and_expect_writes(tmp_path):
    """A rule's examples say when it writes, by the name of the write; the source is left alone."""
    more = "examples:\n  - name: raised\n    order: {paid_at: Mon 10:00}\n    expect: [Mon 11:00 raise it]\n"
    desk = desk_of(tmp_path, STEP, more=more)
    plugins = load_plugins([SpokenPlugin()])
    snapshot, _ = load_workspace(desk.home, plugins.actions, plugins.channels)
    (result,) = run_examples(snapshot.rules["r"], snapshot, plugins)
    assert result.problem is None


ZONE = ZoneInfo("Asia/Shanghai")
NOW = dt.datetime(2024, 3, 4, 1, 0, tzinfo=dt.UTC)


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def parcels(request, tmp_path):
    """Give the URL of a database with two parcels, on each kind of source."""
    url = f"sqlite:///{tmp_path}/shop.db"
    if request.param != "sqlite":
        url = request.getfixturevalue(f"{request.param}_url")
    parsed = sa.make_url(url)
    drivers = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql", "mariadb": "mariadb+pymysql"}
    engine = sa.create_engine(parsed.set(drivername=drivers.get(parsed.get_backend_name(), "sqlite")))
    kind = {"sqlite": "text", "mariadb": "datetime"}.get(request.param, "timestamp")
    with engine.begin() as connection:
        connection.exec_driver_sql(f"create table parcels (id integer primary key, confirm_by {kind}, note text)")
        connection.exec_driver_sql(
            "insert into parcels values (1, '2024-03-04 10:00:00', 'a'), (2, '2024-03-04 10:00:00', 'b')"
        )
    yield parsed.set(drivername=parsed.get_backend_name()).render_as_string(hide_password=False), engine
    engine.dispose()


def notes(engine) -> list[str]:
    """Read the notes of all parcels."""
    with engine.connect() as connection:
        return list(connection.execute(sa.text("select note from parcels order by id")).scalars())


def test_every_kind_of_source_is_written_to(parcels):
    """The guard goes by the clock as the source spells it; a second write finds it changed, and changes nothing."""
    url, engine = parcels
    writer = SqlWriter("shop", url, ZONE)
    sql = "update parcels set note = :note, confirm_by = :now where id = :key and confirm_by = :clock"
    write = Write("extend", sql, frozenset({"note", "now", "key", "clock"}))
    values = {"key": 1, "clock": "2024-03-04 10:00:00", "note": "'); --"}
    assert writer.write(write, values, NOW) == 1
    assert writer.write(write, values, NOW) == 0
    assert notes(engine) == ["'); --", "b"]
    with engine.connect() as connection:
        until = connection.execute(sa.text("select confirm_by from parcels where id = 1")).scalar_one()
    assert str(until) == "2024-03-04 09:00:00"
    writer.close()


def test_more_than_one_record_is_never_changed(parcels):
    """A write whose conditions hold for several rows changes none of them."""
    url, engine = parcels
    writer = SqlWriter("shop", url, ZONE)
    write = Write("all", "update parcels set note = 'x' where id >= :key", frozenset({"key"}))
    with pytest.raises(Refused, match="“all” would have changed 2 records at once, so it changed none"):
        writer.write(write, {"key": 1}, NOW)
    assert notes(engine) == ["a", "b"]
    writer.close()


def test_what_cannot_work_is_refused_without_values(parcels):
    """A column that is not there is said, and no value of the record with it."""
    url, _ = parcels
    writer = SqlWriter("shop", url, ZONE)
    write = Write("odd", "update parcels set nothing = :note where id = :key", frozenset({"key", "note"}))
    with pytest.raises((Refused, duly.NotSent), match="the source “shop”") as refused:
        writer.write(write, {"key": 1, "note": "secret"}, NOW)
    assert "secret" not in str(refused.value)
    writer.close()
