from __future__ import annotations

import itertools
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from duly.demo import schema
from duly.demo.world import World
from repository import REPOSITORY

START = datetime(2026, 9, 29, 0, 30, tzinfo=UTC)  # Tuesday 08:30 in Shanghai, two days before the National Day holiday
SMALL = 0.05


ENGINES = []


@pytest.fixture(autouse=True)
def _closed():
    """Close what the test has opened in memory."""
    yield
    while ENGINES:
        ENGINES.pop().dispose()


def memory():
    """Open an empty database in memory, until the test ends."""
    ENGINES.append(sa.create_engine("sqlite://", poolclass=sa.StaticPool))
    return ENGINES[-1]


def small_world(engine=None, *, start=START, seed=7):
    """Create a world of a hundred customers."""
    world = World(engine or memory(), start=start, seed=seed, scale=SMALL)
    world.create()
    return world


def rows(world):
    """Read every row of the shop."""
    with world._engine.connect() as connection:
        return {
            name: connection.execute(sa.select(table).order_by(table.c.id)).fetchall()
            for name, table in schema.metadata.tables.items()
        }


@pytest.fixture(scope="module")
def shop():
    """Give a whole shop as it stands at the start."""
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    World(engine, start=START).create()
    yield engine
    engine.dispose()


def count(engine, query, **values):
    """Ask for one figure."""
    with engine.connect() as connection:
        return connection.execute(sa.text(query), values).scalar_one()


TO_SHIP = """select count(*) from orders where paid_at is not null and shipped_at is null and cancelled_at is null
    and coalesce(kind, 'normal') not in ('presale', 'virtual')
    and (buyer_asked_at is null or buyer_answered_at is not null)"""


def test_same_seed_and_start_give_the_same_shop():
    """Two worlds of the same seed and start hold the same rows and live through the same events."""
    one, other = small_world(), small_world()
    later = START + timedelta(days=2)
    assert one.move(later) == other.move(later)
    assert rows(one) == rows(other)


def test_another_seed_gives_another_shop():
    """The seed decides who lives in the shop and what happens there."""
    assert rows(small_world(seed=7)) != rows(small_world(seed=8))


@settings(max_examples=25)
@given(st.lists(st.integers(min_value=0, max_value=20 * 3600), min_size=2, max_size=8))
def test_one_long_move_does_what_many_short_ones_do(seconds):
    """However the way to a moment is cut, the shop is the same there, and the same has happened in the same order."""
    moments = [START + timedelta(seconds=total) for total in itertools.accumulate(seconds)]
    leaper, walker = small_world(), small_world()
    leapt = leaper.move(moments[-1])
    walked = [event for moment in moments for event in walker.move(moment)]
    assert leapt == walked
    assert rows(leaper) == rows(walker)


def test_events_come_once_in_order_and_not_before_their_time():
    """A move gives what happened since the last one, in order, and the same move again gives nothing."""
    world = small_world()
    first = world.move(START + timedelta(hours=30))
    assert first
    assert first == sorted(first, key=lambda event: event.at)
    assert all(START < event.at <= START + timedelta(hours=30) for event in first)
    assert world.move(START + timedelta(hours=30)) == []


def test_next_event_is_when_the_next_move_finds_something():
    """Nothing happens before the time of the next event, and something does at that time."""
    world = small_world()
    for _ in range(50):
        due = world.next_event()
        assert world.move(due - timedelta(seconds=1)) == []
        events = world.move(due)
        assert events
        assert all(event.at == due for event in events)


def test_there_is_no_next_event_before_there_is_a_world():
    """A world that has not been created expects nothing."""
    assert World(memory(), start=START).next_event() is None


def test_an_event_says_what_the_row_then_shows():
    """“order N paid” and the row's paid_at, on the shop's wall, are the same moment."""
    world = small_world()
    paid = [event for event in world.move(START + timedelta(hours=12)) if event.kind == "paid"]
    assert paid
    with world._engine.connect() as connection:
        for event in paid:
            number = int(event.what.removeprefix("order ").removesuffix(" paid"))
            row = connection.execute(sa.select(schema.orders).where(schema.orders.c.id == number)).one()
            assert row.paid_at == (event.at + timedelta(hours=8)).replace(tzinfo=None)


def test_a_move_that_fails_is_made_up_for_by_the_next():
    """When the database refuses a move, nothing of it is lost: the next move writes and tells it."""
    world, smooth = small_world(), small_world()
    with world._engine.begin() as connection:
        connection.execute(sa.text("alter table orders rename to away"))
    with pytest.raises(sa.exc.OperationalError):
        world.move(START + timedelta(hours=3))
    with world._engine.begin() as connection:
        connection.execute(sa.text("alter table away rename to orders"))
    assert world.move(START + timedelta(hours=6)) == smooth.move(START + timedelta(hours=6))
    assert rows(world) == rows(smooth)


def test_a_time_without_a_zone_is_refused():
    """A naive time could mean any zone: it is refused by name."""
    with pytest.raises(ValueError, match=r"2026-09-29 08:30:00 has no zone; give an aware time"):
        World(memory(), start=datetime(2026, 9, 29, 8, 30))  # noqa: DTZ001


def test_create_tells_how_far_it_is():
    """The progress grows to the number of all rows, which is the number of rows in the tables."""
    heard = []
    world = World(memory(), start=START, scale=SMALL)
    counts = world.create(lambda done, total: heard.append((done, total)))
    assert heard == sorted(heard)
    assert heard[-1][0] == heard[-1][1] == sum(map(len, rows(world).values()))
    assert counts.orders == len(rows(world)["orders"])


def test_the_shop_begins_with_plausible_numbers(shop):
    """At the start there are thousands of orders, hundreds in flight, and a dozen late already."""
    assert count(shop, "select count(*) from customers where active = 1") == 1200
    assert 5500 < count(shop, "select count(*) from orders") < 6500
    assert 150 < count(shop, TO_SHIP) < 400
    assert 8 < count(shop, "select count(*) from orders where paid_at is null and cancelled_at is null") < 50
    assert 90 < count(shop, "select count(*) from complaints") < 190
    not_called = "select count(*) from complaints where carried_out_at is not null and called_back_at is null"
    assert 15 < count(shop, not_called) < 40
    late = TO_SHIP + " and coalesce(buyer_answered_at, paid_at) <= :since"
    assert 10 <= count(shop, late, since="2026-09-26 08:30:00") <= 15
    nearly_late = count(shop, late, since="2026-09-27 08:30:00") - count(shop, late, since="2026-09-26 08:30:00")
    assert nearly_late == 0


def test_nothing_is_written_from_the_future(shop):
    """No row at the start knows of anything that happens later."""
    for table in schema.metadata.tables.values():
        for column in table.c:
            if column.type is schema.MOMENT:
                assert (
                    count(shop, f"select count(*) from {table.name} where {column.name} > '2026-09-29 08:30:00'") == 0
                )


def test_five_days_bring_what_all_rules_speak_of():
    """Within five days people pay late or never, parcels leave late, and calls are made late, but not too many."""
    engine = memory()
    world = World(engine, start=START)
    world.create()
    events = Counter(event.kind for event in world.move(START + timedelta(days=5)))
    assert 900 < events["placed"] < 1300
    assert events.keys() >= {
        "paid",
        "shipped",
        "cancelled",
        "asked",
        "answered",
        "opened",
        "carried out",
        "called back",
    }
    since_paid = "julianday(shipped_at) - julianday(max(paid_at, coalesce(buyer_answered_at, paid_at)))"
    left_late = f"""select count(*) from orders where kind is not 'presale' and paid_at > '2026-09-26 08:30:00'
        and {since_paid} > 3"""
    assert 5 <= count(engine, left_late) <= 30
    nearly = f"select count(*) from orders where shipped_at > '2026-09-29 08:30:00' and {since_paid} between 2.4 and 3"
    assert 20 < count(engine, nearly) < 110
    called_late = """select count(*) from complaints where called_back_at > '2026-09-29 08:30:00'
        and julianday(called_back_at) - julianday(carried_out_at) > 3"""
    assert 2 <= count(engine, called_late) <= 20


def test_sqlite_keeps_times_as_plain_text_to_the_second(shop):
    """A time in SQLite reads and compares as YYYY-MM-DD HH:MM:SS, and a date as YYYY-MM-DD."""
    assert count(shop, "select count(*) from orders where length(placed_at) <> 19") == 0
    assert count(shop, "select count(*) from customers where length(born_on) <> 10") == 0
    placed = count(shop, "select placed_at from orders where id = 1")
    assert count(shop, "select count(*) from orders where placed_at <= :bound", bound=placed) == 1


def test_some_of_everything_is_missing(shop):
    """Some customers lack a phone, a chat or a zone, a few have hours of rest, and some orders have no kind."""
    for column in ("phone", "chat", "email", "lang", "tz", "country", "agent_id", "no_sms"):
        assert 0 < count(shop, f"select count(*) from customers where {column} is null") < 400, column
    assert 0 < count(shop, "select count(*) from customers where quiet is not null") < 150
    assert 0 < count(shop, "select count(*) from orders where kind is null") < 600


def test_nobody_real_can_be_reached(shop):
    """Every address is one that nobody has: mail under .example, telephone numbers that are not given out."""
    with shop.connect() as connection:
        emails = connection.execute(sa.text("select email from customers where email is not null")).scalars().all()
        phones = connection.execute(sa.text("select phone from customers where phone is not null")).scalars().all()
    assert all(email.endswith("@mail.example") for email in emails)
    kept_free = ("+8612", "+82100000", "+447700900")
    assert all(phone.startswith(kept_free) or (phone.startswith("+1") and phone[5:10] == "55501") for phone in phones)


def test_everybody_the_shop_names_is_in_the_shipped_directory(shop):
    """Each agent goes by the directory's name, and each department is one of its teams."""
    directory = yaml.load((REPOSITORY / "config/directory.yaml").read_text("utf-8"), yaml.BaseLoader)
    names = {person["ids"]["shop"]: person["name"] for person in directory["people"].values() if "ids" in person}
    teams = {team.get("ids", {}).get("shop", name) for name, team in directory["teams"].items()}
    with shop.connect() as connection:
        agents = connection.execute(sa.text("select id, name from agents")).fetchall()
        departments = connection.execute(sa.text("select distinct department from complaints")).scalars().all()
    assert {str(number): name for number, name in agents} == names
    assert set(departments) <= teams
    assert count(shop, "select count(*) from orders where agent_id not in (select id from agents)") == 0


@pytest.mark.parametrize("start", ["2024-02-29T23:59:59.999999+00:00", "2026-12-31T15:59:59+00:00"])
def test_any_start_will_do(start):
    """A world may begin on a leap day or on New Year's Eve, at any hour, with its fractions of a second dropped."""
    begins = datetime.fromisoformat(start)
    world = small_world(start=begins)
    assert all(event.at > begins - timedelta(seconds=1) for event in world.move(begins + timedelta(days=1)))


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def service_url(request, tmp_path):
    """Give the URL of an empty database on each kind of server."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/shop.db"
    return request.getfixturevalue(f"{request.param}_url")


def test_every_database_holds_the_same_shop(service_url):
    """SQLite, PostgreSQL and MariaDB hold the same rows, at the start and after a day."""
    engine = sa.create_engine(service_url)
    world, reference = small_world(engine), small_world()
    assert rows(world) == rows(reference)
    later = START + timedelta(days=1)
    assert world.move(later) == reference.move(later)
    assert rows(world) == rows(reference)
    engine.dispose()


def sql_of(noun):
    """Give the SQL behind every word of a noun."""
    yield noun["key"]
    yield noun["zone"]
    for part in ("times", "facts", "fields", "teams"):
        for meaning in noun.get(part, {}).values():
            if isinstance(meaning, str):
                yield meaning
            else:
                yield from (meaning[key] for key in ("sql", "at", "staff", "currency") if key in meaning)
    for person in noun["people"].values():
        yield from person.values()


@pytest.mark.parametrize("name", ["orders", "complaints", "customers"])
def test_the_shipped_vocabulary_fits_the_tables(service_url, name):
    """Every word of the shipped vocabulary can be asked of the demo's tables."""
    engine = sa.create_engine(service_url)
    schema.metadata.create_all(engine)
    noun = yaml.load((REPOSITORY / f"config/vocabulary/{name}.yaml").read_text("utf-8"), yaml.BaseLoader)
    with engine.connect() as connection:
        for expression in sql_of(noun):
            connection.execute(sa.text(f"select {expression} from {noun['from']}")).fetchall()
    engine.dispose()


def test_a_read_only_reader_does_not_stop_the_world(tmp_path):
    """While somebody streams rows from the SQLite file through a read-only connection, the world moves on."""
    path = tmp_path / "shop.db"
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": 0.1})
    world = small_world(engine)
    reader = sa.create_engine(f"sqlite:///file:{path}?mode=ro&uri=true")
    with reader.connect() as connection:
        answer = connection.execution_options(stream_results=True).execute(sa.text("select * from customers"))
        answer.fetchone()
        assert world.move(START + timedelta(hours=4))
    engine.dispose()
    reader.dispose()
