"""The check-up: what it finds, on every kind of database, and that it finds nothing where all is well."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

import duly
from duly.engine import sql_explain
from duly.engine.checkup import Finding, look_at_calendars, look_at_channels, look_at_sources
from duly.engine.ledger_checkup import look_at_disk, look_at_ledger
from duly.engine.sql_source import SqlSource
from duly.ledger.ledger import Ledger
from duly.rules.snapshot import load_workspace
from duly.time.calendar import build, built_in
from duly.time.clock import SystemClock
from engine.desk import Desk

RULE = """\
rule: Paid orders ship within two hours
owner: sales
watch: orders
where: [paid, amount >= 5]
done: [shipped]
clock: paid_at
due: 2h
check: every 10m
steps:
  - {late: at once, tell: sales on duty, text: hello}
"""
NOW = dt.datetime(2024, 3, 4, 4, tzinfo=dt.UTC)
TABLE = (
    "create table orders (id integer primary key, name varchar(20), phone varchar(20), email varchar(20), "
    "chat varchar(20), zone varchar(40), amount numeric, agent_id integer, placed_at {time}, paid_at {time}, "
    "shipped_at {time}, cancelled integer default 0)"
)


@pytest.fixture
def snapshot(tmp_path):
    """Give the workspace of a desk with one rule."""
    Desk(tmp_path, {"r": RULE})
    found, problems = load_workspace(tmp_path)
    assert found, problems.all
    return found


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def shop(request, tmp_path):
    """Give a database with a thousand orders on each kind of server."""
    url = (
        f"sqlite:///{tmp_path}/large.db"
        if request.param == "sqlite"
        else request.getfixturevalue(f"{request.param}_url")
    )
    engine = sa.create_engine(url)
    time = {"sqlite": "text", "postgresql": "timestamp", "mariadb": "datetime"}[request.param]
    with engine.begin() as connection:
        connection.exec_driver_sql(TABLE.format(time=time))
        rows = [{"id": id, "at": f"2023-{id % 12 + 1:02}-{id % 28 + 1:02} 09:00:00"} for id in range(1000)]
        connection.execute(sa.text("insert into orders (id, amount, paid_at) values (:id, 10, :at)"), rows)
    yield engine
    engine.dispose()


def look(snapshot, engine) -> list[Finding]:
    """Look at the source behind an engine."""
    url = engine.url.render_as_string(hide_password=False)
    source = SqlSource("shop", url, ZoneInfo("Asia/Shanghai"))
    try:
        return list(look_at_sources({"shop": source}, snapshot.nouns.values(), snapshot.rules.values(), NOW))
    finally:
        source.close()


def test_a_scan_of_a_large_table_is_found_until_there_is_an_index(snapshot, shop, monkeypatch):
    """The database itself is asked how it would answer; small tables may be read whole."""
    about = [finding.about for finding in look(snapshot, shop)]
    assert "rule r" not in about
    monkeypatch.setattr(sql_explain, "LARGE", 1000)
    (found,) = [finding for finding in look(snapshot, shop) if finding.about == "rule r"]
    assert (found.state, found.sentence) == (
        "warning",
        "each check reads all of the large table orders; index what paid_at is made of",
    )
    with shop.begin() as connection:
        connection.exec_driver_sql("create index orders_paid_at on orders (paid_at)")
    with shop.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("analyze table orders" if "mysql" in shop.url.drivername else "analyze orders")
    assert "rule r" not in [finding.about for finding in look(snapshot, shop)]


def test_a_login_that_may_write_is_a_warning(snapshot, shop):
    """A server's owner may write; a file is opened so that nobody can."""
    (found,) = [finding for finding in look(snapshot, shop) if finding.about == "source shop"][:1]
    if shop.url.get_backend_name() == "sqlite":
        assert (found.state, found.says) == ("ok", "answers, and is only read")
    else:
        assert (found.state, found.says) == ("warning", "answers, but its login may write")


def test_a_login_that_only_reads_is_fine(snapshot, postgresql_url):
    """What a careful operator sets up is not complained of."""
    engine = sa.create_engine(postgresql_url)
    name = f"reader_{engine.url.database}"
    with engine.begin() as connection:
        connection.exec_driver_sql(TABLE.format(time="timestamp"))
        connection.exec_driver_sql(f"create role {name} login")
        connection.exec_driver_sql(f"grant select on orders to {name}")
    try:
        reader = sa.create_engine(engine.url.set(username=name))
        assert look(snapshot, reader)[0] == Finding("source shop", "ok", "answers, and is only read")
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"drop owned by {name}")
            connection.exec_driver_sql(f"drop role {name}")
        engine.dispose()


def test_a_source_that_is_away_is_a_problem_with_its_cure(snapshot, tmp_path):
    """One line says it, and where its address stands."""
    assert look(snapshot, sa.create_engine(f"sqlite:///{tmp_path}/nowhere.db")) == [
        Finding("source shop", "problem", "cannot be reached", "see sources.shop.url in config/duly.yaml")
    ]


class Fussy(duly.Channel):
    """Opens only when it likes."""

    name = "fussy"
    address = "phone"
    trouble: Exception | None = None

    def open(self) -> None:
        """Refuse, if it is to."""
        if self.trouble:
            raise self.trouble

    def send(self, message):
        """Send nothing."""
        raise AssertionError


@pytest.mark.parametrize(
    ("trouble", "state", "says"),
    [
        (None, "ok", "opens"),
        (duly.ChannelDown("the password is wrong"), "problem", "the password is wrong"),
        (ConnectionRefusedError(111, "Connection refused"), "problem", "cannot be opened: Connection refused"),
        (RuntimeError("secret"), "problem", "cannot be opened: RuntimeError"),
    ],
)
def test_a_channel_is_opened_and_nothing_is_sent(trouble, state, says, tmp_path):
    """What a channel says of itself as it opens is what people read; of a bug only its kind."""
    channel = Fussy(duly.Config(), None, tmp_path)
    channel.trouble = trouble
    (found,) = look_at_channels({"sms": channel}, ["sms"])
    assert (found.about, found.state, found.says) == ("channel sms", state, says)


def test_a_channel_that_cannot_be_made_is_a_problem():
    """What the settings name is looked for, also when its plugin is not there."""
    assert list(look_at_channels({}, ["fax"])) == [
        Finding("channel fax", "problem", "cannot be made", "“duly check” says why")
    ]


@pytest.mark.parametrize(("days", "state"), [(300, "ok"), (30, "warning"), (-1, "problem")])
def test_a_calendar_is_told_of_before_it_ends(days, state):
    """China decrees its make-up days a year at a time; a calendar of one's own has no end."""
    china = built_in("CN")
    own = build("own", None, {}, frozenset(), {})
    known = china.known_until
    found = list(look_at_calendars([china, own], known - dt.timedelta(days=days)))
    assert [(each.about, each.state) for each in found] == [("calendar CN", state), ("calendar own", "ok")]
    assert found[0].says == f"knows its days until {known}"


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_ledger_is_written_and_its_clock_compared(kind, tmp_path, request):
    """A sound ledger says its version; a server's clock is held against this one."""
    url = f"sqlite:///{tmp_path}/ledger.db" if kind == "sqlite" else request.getfixturevalue("postgresql_url")
    ledger = Ledger(url)
    ledger.migrate()
    now = SystemClock().now()
    found = list(look_at_ledger(ledger, now))
    assert (found[0].about, found[0].state) == ("ledger", "ok")
    assert found[0].says.startswith("can be written, in version 00")
    if kind == "postgresql":
        assert (found[1].about, found[1].state) == ("clock", "ok")
        late = list(look_at_ledger(ledger, now - dt.timedelta(seconds=30)))[1]
        assert (late.state, late.sentence) == ("warning", "is 30 s behind the ledger’s server; let NTP set both")
        early = list(look_at_ledger(ledger, now + dt.timedelta(minutes=5)))[1]
        assert (early.state, early.says) == ("problem", "is 300 s ahead of the ledger’s server")
    with ledger.write() as connection:
        connection.exec_driver_sql("update alembic_version set version_num = '0001'")
    assert next(look_at_ledger(ledger, now)).says.startswith("is in version 0001, and this Duly needs 00")
    ledger.close()


def test_a_disk_that_is_nearly_full_is_told_of(tmp_path, monkeypatch):
    """Below a gigabyte it is a warning, below a tenth of it a problem."""
    for free, state in ((5e9, "ok"), (5e8, "warning"), (5e7, "problem")):
        monkeypatch.setattr("shutil.disk_usage", lambda _, free=free: type("Usage", (), {"free": free}))
        (found,) = look_at_disk(tmp_path)
        assert found.state == state
