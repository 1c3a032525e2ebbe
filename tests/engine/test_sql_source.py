"""One suite for every kind of service database: the same rows, the same answers, and nothing written."""

import dataclasses
import datetime as dt
import gc
import json
import tracemalloc
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from duly.engine.source import BATCH, SourceDown
from duly.engine.sql_refusal import refusal
from duly.engine.sql_session import read_only_engine, reading
from duly.engine.sql_source import SqlSource
from duly.engine.tally import Tally
from duly.rules.census import Census
from duly.rules.count import Count
from duly.rules.measure import Measure, Reckoning
from duly.rules.model import ClockKind, ClockRef, Comparison, Due, DueEntry, DueTable, FactIs, Rule
from duly.rules.noun import Fact, Field, Noun, RecordPerson, Time
from duly.rules.plan import Plan
from duly.rules.problem import CODES, Mark
from duly.time.duration import Duration
from duly.time.zone import UTC
from engine.desk import at

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = dt.datetime(2024, 3, 6, 1, 30, tzinfo=UTC)  # 09:30 in Shanghai
MARK = Mark("rules/r.yaml")
SCHEMA = """
create table customers(id {id}, name varchar(80), phone varchar(40), tz varchar(40), no_sms int, no_chat varchar(5));
create table orders(id {id}, customer_id int, kind varchar(20), origin varchar(20), amount numeric(12, 2), agent_id int,
  placed_at {time}, paid_at {time}, answered_at {time}, shipped_at {time}, hold_until {date});
insert into customers values (1, 'Li', ' +8613 ', null, 0, null), (2, 'Kim', '+8210', 'Asia/Seoul', 1, 'no'),
  (3, null, null, 'Asia/Shanghi', null, 'yes');
insert into orders values
  (1, 1, 'normal', 'app', 100, 7, '2024-03-04 09:00:00', '2024-03-05 06:00:00', null, null, '2024-03-05'),
  (2, 2, null, null, 499.99, 8, '2024-03-04 09:00:00', '2024-03-04 10:00:00', '2024-03-05 08:00:00', null,
   '2024-03-05'),
  (3, 1, 'presale', 'web', 500, null, '2024-03-04 09:00:00', '2024-03-04 09:01:00', null, null, null),
  (4, 3, 'normal', 'App', 500.01, null, '2024-03-04 09:00:00', null, null, null, null),
  (5, null, 'normal', 'app ', null, null, '2024-03-04 09:00:00', '2024-03-04 11:00:00', null, '2024-03-05 12:00:00',
   null);
create table contacts(order_id int, solved int, said_at {time});
insert into contacts values (1, 0, '2024-02-28 09:30:00'), (1, 0, '2024-02-28 09:30:01'), (1, 0, '2024-03-06 09:30:00'),
  (1, 0, '2024-03-06 09:30:01'), (1, 0, null), (1, 1, '2024-03-06 09:00:00'), (1, null, '2024-03-06 09:00:00'),
  (2, 0, '2024-03-05 09:30:00'), (3, 0, '2024-03-05 09:30:01'), (null, 0, '2024-03-06 09:00:00')
"""
TYPES = {
    "sqlite": {"id": "integer primary key", "time": "text", "date": "date"},
    "postgresql": {"id": "int primary key", "time": "timestamp", "date": "date"},
    "mariadb": {"id": "int primary key", "time": "datetime", "date": "date"},
}
ORDERS = Noun(
    name="orders",
    one="order",
    source="shop",
    from_="orders o left join customers c on c.id = o.customer_id",
    key=("o.id",),
    zone="c.tz",
    times={
        "placed_at": Time("placed_at", "o.placed_at"),
        "paid_at": Time("paid_at", "o.paid_at"),
        "answered_at": Time("answered_at", "o.answered_at"),
        "hold_until": Time("hold_until", "o.hold_until", is_date=True),
        "shippable_since": Time("shippable_since", later_of=("paid_at", "answered_at")),
        "first_word": Time("first_word", earlier_of=("paid_at", "answered_at")),
        "creeping": Time("creeping", "o.paid_at", matter="o.agent_id"),
    },
    facts={
        "paid": Fact("paid", "o.paid_at is not null"),
        "shipped": Fact("shipped", "o.shipped_at is not null"),
        "presale": Fact("presale", "o.kind = 'presale'"),
        "written about": Fact("written about", "o.kind like '%nor%' and 'a :now b' <> o.kind"),
        "old": Fact("old", "o.placed_at < :now and :today = '2024-03-06'"),
        "future": Fact("future", "o.placed_at > :now"),
    },
    fields={
        "order": Field("order", "o.id"),
        "origin": Field("origin", "o.origin"),
        "amount": Field("amount", "o.amount", kind="money", currency="CNY"),
    },
    counts={
        "contacts": Count("contacts", "contacts k", "k.order_id = o.id and k.solved = 0", "k.said_at"),
        "slips": Count("slips", "contacts k", "k.order_id = o.id or k.solved > 1"),
    },
    people={
        "customer": RecordPerson(
            "customer",
            {"name": "c.name", "phone": "c.phone", "zone": "c.tz", "no_sms": "c.no_sms", "no_chat": "c.no_chat"},
        ),
        "assignee": RecordPerson("assignee", staff="o.agent_id"),
    },
    teams={"department": "o.kind"},
    path="config/vocabulary/orders.yaml",
    marks={
        "from": Mark("config/vocabulary/orders.yaml", 4, 7),
        "facts.paid": Mark("config/vocabulary/orders.yaml", 9, 9),
    },
)


def change(noun, **parts):
    """Give the noun with some entries of its mappings replaced, or other parts."""
    values = {name: getattr(noun, name) for name in Noun.__slots__}
    for name, part in parts.items():
        values[name] = {**values[name], **part} if isinstance(part, dict) else part
    return Noun(**values)


def is_(fact):
    """Give the condition that a fact holds."""
    return FactIs(fact, wanted=True, mark=MARK)


def is_not(fact):
    """Give the condition that a fact does not hold."""
    return FactIs(fact, wanted=False, mark=MARK)


def plan(noun=ORDERS, clock="paid_at", where=("paid",), **rule):
    """Bind a rule to a noun: its facts and other conditions, its clock by name."""
    conditions = tuple(is_(each) if isinstance(each, str) else each for each in where)
    clock = ClockRef(ClockKind.TIME, clock) if isinstance(clock, str) else clock
    return Plan(Rule("orders/r", "R", "o", noun.name, (), (), "", where=conditions, clock=clock, **rule), noun)


def fill(url, script):
    """Run statements that write, one by one, in a connection of their own."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for statement in filter(str.strip, script.split(";")):
            connection.exec_driver_sql(statement.replace("%", "%%") if "sqlite" not in url else statement)


def ask(url, statement):
    """Read one value past the source."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        return connection.exec_driver_sql(statement).scalar()


@pytest.fixture
def sqlite_url(tmp_path):
    """Give the URL of an SQLite file that is not there yet."""
    return f"sqlite:///{tmp_path / 'shop.db'}"


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def url(request):
    """Give the URL of the same shop on each kind of database."""
    url = request.getfixturevalue(f"{request.param}_url")
    fill(url, SCHEMA.format(**TYPES[request.param]))
    return url


@pytest.fixture
def open_source():
    """Open sources that are closed when the test ends."""
    opened = []

    def open_(url, zone=SHANGHAI, **settings):
        opened.append(SqlSource("shop", url, zone, **settings))
        return opened[-1]

    yield open_
    for source in opened:
        source.close()


@pytest.fixture
def source(url, open_source):
    """Open that shop."""
    return open_source(url)


@pytest.fixture
def sqlite(sqlite_url, open_source):
    """Open the shop on SQLite alone."""
    fill(sqlite_url, SCHEMA.format(**TYPES["sqlite"]))
    return open_source(sqlite_url)


def found(source, plan, low=None, high=None, **more):
    """Collect the candidates by the number of their record."""
    return {json.loads(c.key): c for batch in source.candidates(plan, NOW, low, high, **more) for c in batch}


def keys(source, *args, **more):
    """List the numbers of the records that are candidates."""
    return sorted(found(source, *args, **more))


def test_candidates_match_every_where_and_no_except_or_done(source):
    """A candidate holds every `where` and neither `except` nor `done`; a kind that is NULL is no presale."""
    assert keys(source, plan(except_=(is_("presale"),), done=(is_("shipped"),))) == [1, 2]


def test_a_negated_condition_holds_for_what_is_unknown(source):
    """`not presale` holds where the kind is NULL, and `except: [not presale]` keeps only presales."""
    assert keys(source, plan(where=("paid", is_not("presale")))) == [1, 2, 5]
    assert keys(source, plan(except_=(is_not("presale"),))) == [3]


def test_a_fact_may_hold_percent_signs_and_colons(source):
    """`%` and `:` inside the SQL of a fact reach the database as they are."""
    assert keys(source, plan(where=("paid", "written about"))) == [1, 5]


def test_now_and_today_are_the_sources_own(source):
    """`:now` and `:today` are bound in the source's zone."""
    assert keys(source, plan(where=("paid", "old"))) == [1, 2, 3, 5]
    assert keys(source, plan(where=("paid", "future"))) == []


@pytest.mark.parametrize(
    ("field", "operator", "values", "expected"),
    [
        ("amount", ">=", ("500",), [3, 4]),
        ("amount", "<", ("500.00",), [1, 2]),
        ("amount", "!=", ("500",), [1, 2, 4, 5]),
        ("amount", "=", ("499.99",), [2]),
        ("origin", "is", ("app",), [1]),
        ("origin", "is", ("app", "web"), [1, 3]),
        ("origin", "is not", ("app", "web"), [2, 4, 5]),
        ("origin", "is", ("x' or '1'='1",), []),
        ("origin", ">", ("app",), [3, 5]),
        ("order", "is", ("3", "4"), [3, 4]),
    ],
)
def test_comparisons_are_exact_and_nulls_do_not_match(source, field, operator, values, expected):
    """Numbers compare as numbers, texts byte by byte on every database, and NULL is unlike everything."""
    where = (Comparison(field, operator, values, MARK),)
    assert keys(source, plan(clock="placed_at", where=where)) == expected


@pytest.mark.parametrize(
    ("count", "operator", "amount", "within", "expected"),
    [
        ("contacts", ">=", "1", "7d", [1, 2, 3]),
        ("contacts", ">=", "2", "7d", [1]),
        ("contacts", ">", "2", "7d", []),
        ("contacts", ">=", "1", "24h", [1, 3]),
        ("contacts", "=", "0", "7d", [4, 5]),
        ("contacts", "!=", "0", "7d", [1, 2, 3]),
        ("contacts", "<", "2", "8d", [2, 3, 4, 5]),
        ("contacts", "<=", "1", "1m", [1, 2, 3, 4, 5]),
        ("contacts", ">=", "5", None, [1]),
        ("slips", "=", "1", None, [2, 3]),
    ],
)
def test_counts_look_back_from_now_and_are_never_unknown(source, count, operator, amount, within, expected):
    """What was said exactly seven days ago is over, and what is said now counts; what is to come does not."""
    span = Duration.parse(within) if within else None
    where = (Comparison(count, operator, (amount,), MARK, span),)
    asked = plan(clock="placed_at", where=where)
    assert keys(source, asked) == expected
    answered = source.lookup(asked, [b"%d" % number for number in range(1, 6)], NOW)
    assert sorted(number for number in range(1, 6) if answered[b"%d" % number].matches) == expected


def test_counts_over_several_spans_are_asked_at_once(source):
    """One rule may look back over a week and over a day, and keep out those of whom there is nothing to count."""
    week, day = (Comparison("contacts", ">=", ("1",), MARK, Duration.parse(span)) for span in ("7d", "24h"))
    asked = plan(clock="placed_at", where=(week,), except_=(day,))
    assert keys(source, asked) == [2]
    assert source.probe(asked, NOW) == []


def test_counts_are_asked_wherever_the_rule_is(source):
    """A census of a report, records without a clock, and the look for a missing index take the same values."""
    asked = plan(clock="placed_at", where=(Comparison("contacts", ">=", ("2",), MARK, Duration.parse("7d")),))
    counted = Census(dataclasses.replace(asked.rule, marks={"": MARK}), ORDERS)
    assert [json.loads(one.record.key) for some in source.census(counted, NOW, None, None) for one in some] == [1]
    assert source.clockless(asked, NOW, 1) == (0, [])
    assert source.large_scans(asked, NOW) == []


def test_a_count_that_cannot_be_asked_is_named_with_its_vocabulary(source):
    """A misspelt column of a count is a problem of the count."""
    noun = change(ORDERS, counts={"contacts": Count("contacts", "contacts k", "k.orderid = o.id")})
    problems = source.probe(plan(noun, where=(Comparison("contacts", ">=", ("1",), MARK),)), NOW)
    assert ["correct counts.contacts in" in problem.cure for problem in problems] == [True]


def test_days_of_a_count_end_at_the_same_time_of_the_wall(sqlite_url, open_source):
    """Over a change of the clocks “1d” is 25 hours, and “24h” is 24."""
    fill(
        sqlite_url,
        "create table c(id integer primary key, at text); create table k(at text);"
        "insert into c values (1, '2024-10-26 08:00'); insert into k values ('2024-10-26T12:30:00.5')",
    )
    noun = Noun(
        "c", "c", "s", "c", ("c.id",), times={"at": Time("at", "c.at")}, counts={"k": Count("k", "k", "1", "k.at")}
    )
    source, now = open_source(sqlite_url, ZoneInfo("Europe/London")), dt.datetime(2024, 10, 27, 12, tzinfo=UTC)
    for span, expected in (("24h", []), ("1d", [1])):
        rule = plan(noun, clock="at", where=(Comparison("k", ">=", ("1",), MARK, Duration.parse(span)),))
        assert (
            sorted(json.loads(c.key) for batch in source.candidates(rule, now, None, None) for c in batch) == expected
        )


def test_a_pause_says_since_when_it_holds(source):
    """Of what stops the clock a candidate tells what holds, and since when where the vocabulary knows."""
    answered = Fact("answered", "o.answered_at is not null", "o.answered_at")
    noun = change(ORDERS, facts={"answered": answered, "app": Fact("app", "o.id = 1")})
    asked = plan(noun, pause=(is_("answered"), is_("app"), Comparison("amount", ">", ("499.99",), MARK)))
    paused = {number: candidate.paused for number, candidate in found(source, asked).items()}
    assert paused == {
        1: {"app": None},
        2: {"answered": dt.datetime(2024, 3, 5, 0, tzinfo=UTC)},
        3: {"amount > 499.99": None},
        5: {},
    }
    assert source.lookup(asked, [b"2"], NOW)[b"2"].candidate == found(source, asked)[2]


def test_a_stage_is_part_of_the_clock(source):
    """Where a field has a clock of its own, its value stands behind the clock; where it has none, beside it."""
    table = Due(table=DueTable("origin", {"app": DueEntry(Duration.parse("1d"))}))
    beside = found(source, plan(due=table))
    assert {number: (one.clock[17:], one.stage) for number, one in beside.items()} == {
        1: ("00", "app"),
        2: ("00", ""),
        3: ("00", "web"),
        5: ("00", "app"),
    }
    staged = change(ORDERS, fields={"origin": Field("origin", "o.origin", since="paid_at")})
    behind = found(source, plan(staged, due=table))
    assert {number: one.clock[17:] for number, one in behind.items()} == {
        1: "00 app",
        2: "00",
        3: "00 web",
        5: "00 app",
    }


def test_the_clock_is_read_in_the_sources_zone_and_spelled_to_the_second(source):
    """09:00 in a source in Shanghai is 01:00 UTC; the identity spells the time as the source does."""
    first = found(source, plan())[1]
    assert (first.clock, first.clock_at) == ("2024-03-05 06:00:00", dt.datetime(2024, 3, 4, 22, tzinfo=UTC))
    assert (first.times, first.zone) == ({}, "")


def test_bounds_are_exact_and_include_both_ends(source):
    """A record is a candidate from `low` to `high`, both included, whatever the SQL caught beyond."""
    at = dt.datetime(2024, 3, 4, 22, tzinfo=UTC)
    second = dt.timedelta(seconds=1)
    assert keys(source, plan(), at, at) == [1]
    assert keys(source, plan(), at + second, None) == []
    assert keys(source, plan(), None, at - second) == [2, 3, 5]


def test_later_of_counts_from_the_later_and_missing_times_do_not_count(source):
    """`later of` takes the buyer's answer where there is one, `earlier of` the first of both."""
    later, earlier = found(source, plan(clock="shippable_since")), found(source, plan(clock="first_word"))
    assert later[2].clock == "2024-03-05 08:00:00"
    assert later[1].clock == earlier[1].clock == "2024-03-05 06:00:00"
    assert earlier[2].clock == "2024-03-04 10:00:00"


def test_later_of_is_bounded_by_the_later(source):
    """A record whose first time lies in the bounds and whose later one beyond is no candidate."""
    high = dt.datetime(2024, 3, 4, 12, tzinfo=UTC)
    assert keys(source, plan(clock="shippable_since"), None, high) == [3, 5]
    assert keys(source, plan(clock="first_word"), None, high) == [2, 3, 5]


def test_a_date_means_midnight_in_the_records_own_zone(source):
    """The same date begins an hour earlier for a record in Seoul; a zone nobody knows counts as none."""
    held = found(source, plan(clock="hold_until", where=()))
    assert held[1].clock == held[2].clock == "2024-03-05"
    assert held[1].clock_at == dt.datetime(2024, 3, 4, 16, tzinfo=UTC)
    assert (held[2].clock_at, held[2].zone) == (dt.datetime(2024, 3, 4, 15, tzinfo=UTC), "Asia/Seoul")
    assert keys(source, plan(clock="hold_until", where=()), None, held[2].clock_at) == [2]


def test_the_time_of_due_comes_along(source):
    """A due time of the noun is read with the clock, and left out where it is missing."""
    due = found(source, plan(due=Due(time_name="shippable_since"), clock="placed_at", where=()))
    assert due[2].times == {"shippable_since": dt.datetime(2024, 3, 5, tzinfo=UTC)}
    assert due[4].times == {}


def test_a_matter_replaces_the_clock_in_the_identity(source):
    """Where the clock creeps the matter stands for it; without a matter the clock does."""
    creeping = found(source, plan(clock="creeping"))
    assert (creeping[1].clock, creeping[3].clock) == ("7", "2024-03-04 09:01:00")


def test_the_next_day_of_a_calendar_is_midnight_in_the_records_zone(source):
    """With such a clock every match stands at the given day, and without a day none has a clock."""
    shop_day = plan(clock=ClockRef(ClockKind.NEXT_DAY, "shop-days"))
    day = dt.date(2024, 5, 1)
    on_day = found(source, shop_day, day=day)
    assert {candidate.clock for candidate in on_day.values()} == {"2024-05-01"}
    assert on_day[1].clock_at == dt.datetime(2024, 4, 30, 16, tzinfo=UTC)
    assert on_day[2].clock_at == dt.datetime(2024, 4, 30, 15, tzinfo=UTC)
    assert source.lookup(shop_day, [b"2"], NOW, day)[b"2"].candidate == on_day[2]
    assert source.clockless(shop_day, NOW, 9, day) == (0, [])
    assert keys(source, shop_day) == []
    assert source.lookup(shop_day, [b"2"], NOW)[b"2"].candidate is None
    assert source.clockless(shop_day, NOW, 2)[0] == 4


def test_a_lookup_tells_all_of_a_record(source):
    """A lookup gives conditions, fields, people, staff, teams, zone and the same candidate as a check."""
    cheap = Comparison("amount", "<", ("500",), MARK)
    asked = plan(where=("paid", cheap), except_=(is_("presale"),), done=(is_("shipped"),))
    records = source.lookup(asked, [b"2", b"3", b"4", b"99"], NOW)
    assert sorted(records) == [b"2", b"3", b"4"]
    kim = records[b"2"]
    assert kim.candidate == found(source, asked)[2]
    assert (kim.matches, kim.done, kim.zone) == (True, False, "Asia/Seoul")
    assert kim.holds == {"paid": True, "amount < 500": True, "presale": False, "shipped": False}
    assert float(kim.fields["amount"]) == 499.99
    assert (kim.people["customer"].name, kim.people["customer"].addresses) == ("Kim", {"phone": "+8210"})
    assert (kim.people["customer"].zone, kim.people["customer"].refuses) == ("Asia/Seoul", {"sms"})
    assert (kim.staff, kim.teams) == ({"assignee": "8"}, {})
    assert not records[b"3"].matches
    assert records[b"3"].teams == {"department": "presale"}
    assert records[b"4"].candidate is None


def test_a_person_without_an_address_is_a_person_without_addresses(source):
    """NULL and blank make no address and no name; a refusal may be spelled `yes`."""
    records = source.lookup(plan(), [b"1", b"4", b"5"], NOW)
    assert records[b"1"].people["customer"].addresses == {"phone": "+8613"}
    nobody = records[b"4"].people["customer"]
    assert (nobody.name, nobody.addresses, nobody.refuses, records[b"4"].zone) == ("", {}, {"chat"}, "")
    assert records[b"5"].people["customer"].refuses == frozenset()


def test_records_without_a_clock_are_counted(source):
    """A record that matches but has no clock is counted and named."""
    assert source.clockless(plan(where=()), NOW, 5) == (1, [b"4"])
    assert source.clockless(plan(clock="answered_at", where=()), NOW, 1)[0] == 4
    assert len(source.clockless(plan(clock="answered_at", where=()), NOW, 1)[1]) == 1
    assert source.clockless(plan(clock="shippable_since", where=()), NOW, 5) == (1, [b"4"])


def test_text_keys_stay_apart_however_alike(url, open_source):
    """Keys that a collation takes for equal, by capitals or trailing spaces, are different records."""
    fill(
        url,
        "create table tickets(no varchar(20)); insert into tickets values ('A-1'), ('b '), ('单 1')",
    )
    tickets = Noun(
        "tickets", "ticket", "shop", "tickets t", ("t.no",), times={"at": Time("at", "o.placed_at")}, path="t"
    )
    tickets = change(tickets, from_="tickets t cross join (select placed_at from orders where id = 1) o")
    source = open_source(url)
    assert sorted(found(source, plan(tickets, "at", ()))) == ["A-1", "b ", "单 1"]
    asked = [b'"a-1"', b'"A-1"', b'"A-1 "', b'"b"', '"单 1"'.encode()]
    assert set(source.lookup(plan(tickets, "at", ()), asked, NOW)) == {b'"A-1"', '"单 1"'.encode()}


def test_composite_keys_are_looked_up_as_pairs(source):
    """A composite key is found as a whole: the parts of two keys do not mix."""
    pairs = change(ORDERS, key=("o.kind", "o.id"), zone="")
    candidates = [c for batch in source.candidates(plan(pairs), NOW, None, None) for c in batch]
    assert sorted(c.key for c in candidates if b"null" not in c.key) == [
        b'["normal",1]',
        b'["normal",5]',
        b'["presale",3]',
    ]
    records = source.lookup(plan(pairs), [b'["normal",1]', b'["presale",3]', b'["normal",3]'], NOW)
    assert set(records) == {b'["normal",1]', b'["presale",3]'}


def test_a_row_without_a_key_is_reported(source):
    """A row whose key is NULL cannot be followed up, and that is said."""
    reported = []
    pairs = change(ORDERS, key=("o.kind",), zone="")
    names = found(source, plan(pairs), unreadable=reported.append)
    assert (sorted(names), reported) == (["normal", "presale"], [b"null"])


def test_many_keys_are_looked_up_in_batches(source):
    """More keys than one statement takes are all looked up."""
    asked = [b"%d" % number for number in range(3 * BATCH)]
    assert sorted(source.lookup(plan(), asked, NOW)) == [b"1", b"2", b"3", b"4", b"5"]


def test_a_source_zone_with_summer_time_loses_no_record(sqlite_url, open_source):
    """Times inside the doubled hour are the first of both, and bounds inside it lose none of them."""
    fill(
        sqlite_url,
        f"{SCHEMA.format(**TYPES['sqlite'])}; update orders set paid_at = '2024-10-27 01:45';"
        "update orders set paid_at = '2024-03-31 01:30' where id = 2",
    )
    source = open_source(sqlite_url, ZoneInfo("Europe/London"))
    doubled = dt.datetime(2024, 10, 27, 0, 45, tzinfo=UTC)
    assert found(source, plan(), doubled, doubled)[1].clock_at == doubled
    assert found(source, plan())[2].clock_at == dt.datetime(2024, 3, 31, 1, tzinfo=UTC), (
        "a skipped time is the first after"
    )


# Hostile SQL

WRITES = {
    "sqlite": [
        "1=1) from orders o; delete from orders; select (1",
        "(delete from orders returning 1)",
        "exists (select 1 from pragma_query_only(0))",
        "load_extension('evil') is null",
        "exists (select writefile('/tmp/duly-evil', 'x'))",
        "exists (with x as (select 1) delete from orders)",
        "1=1) from orders o union all attach 'evil.db' as evil; select (1",
    ],
    "postgresql": [
        "1=1), false) end from orders o; delete from orders; select case when coalesce((true",
        "1=1), false)); commit; begin read write; delete from orders; commit; select (((1=1",
        "1=1), false)); commit; begin read write; delete from orders; commit; --",
        "set_config('transaction_read_only', 'off', false) is null",
        "set_config('default_transaction_read_only', 'off', false) is null",
        "exists (with x as (delete from orders returning 1) select 1 from x)",
        "wipe() = 0",
        "nextval('numbers') > 0",
        "query_to_xml('delete from orders', true, true, '') is not null",
        "lo_creat(-1) > 0",
    ],
    "mariadb": [
        "1=1), false)); delete from orders; select (((1=1",
        "1=1), false)); commit; set session transaction read write; delete from orders; commit; -- ",
        "wipe() = 0",
        "loosen() = 0 or wipe() = 0",
        "exists (delete from orders returning 1)",
        "(@@session.tx_read_only := 0) = 0",
    ],
}
FUNCTIONS = {
    "sqlite": [],
    "postgresql": [
        "create function wipe() returns int language plpgsql as $$ begin delete from orders; return 0; end $$",
        "create sequence numbers",
    ],
    "mariadb": [
        "create function wipe() returns int modifies sql data begin delete from orders; return 0; end",
        "create function loosen() returns int begin set session transaction read write; return 1; end",
    ],
}


def hostile_nouns(sql):
    """Put the same hostile SQL where each kind of fragment stands."""
    yield change(ORDERS, facts={"paid": Fact("paid", sql)})
    yield change(ORDERS, fields={"origin": Field("origin", sql)})
    yield change(ORDERS, times={"paid_at": Time("paid_at", sql)})
    yield change(ORDERS, key=(sql,))
    yield change(ORDERS, from_=f"orders o where ({sql}")
    yield change(ORDERS, from_=sql)
    yield change(ORDERS, teams={"department": sql})
    yield change(ORDERS, counts={"contacts": Count("contacts", sql, "1 = 1", "k.said_at")})
    yield change(ORDERS, counts={"contacts": Count("contacts", "contacts k", sql, "k.said_at")})
    yield change(ORDERS, counts={"contacts": Count("contacts", "contacts k", "1 = 1", sql)})


@pytest.mark.parametrize("kind", WRITES)
def test_no_fragment_can_write(request, kind, open_source):
    """Stacked statements, DML in a CTE, functions that write and settings that loosen the session change no row."""
    url = request.getfixturevalue(f"{kind}_url")
    fill(url, SCHEMA.format(**TYPES[kind]))
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for function in FUNCTIONS[kind]:
            connection.exec_driver_sql(function)
    source = open_source(url)
    for sql in WRITES[kind]:
        for noun in hostile_nouns(sql):
            hostile = plan(noun, where=("paid", Comparison("contacts", ">=", ("1",), MARK, Duration.parse("7d"))))
            for question in (
                lambda hostile=hostile: list(source.candidates(hostile, NOW, None, None)),
                lambda hostile=hostile: source.lookup(hostile, [b"1"], NOW),
                lambda hostile=hostile: source.clockless(hostile, NOW, 1),
                lambda hostile=hostile: source.probe(hostile, NOW),
            ):
                try:
                    question()
                except SourceDown:
                    continue
    assert ask(url, "select count(*) from orders") == 5
    assert keys(source, plan()) == [1, 2, 3, 5], "and the source still answers"
    if kind == "postgresql":
        assert ask(url, "select count(*) from pg_largeobject_metadata") == 0
        assert ask(url, "select is_called from numbers") is False


REFUSED = {
    "sqlite": [
        "delete from orders",
        "attach 'evil.db' as evil",
        "attach ':memory:' as evil",
        "pragma query_only = 0",
        "pragma wal_checkpoint",
        "create temp table evil(id int)",
        "vacuum into 'evil.db'",
        "select load_extension('evil')",
    ],
    "postgresql": [
        "delete from orders",
        "select set_config('transaction_read_only', 'off', false) from orders",
        "create table evil(id int)",
        "select 1; delete from orders",
        "with x as (delete from orders returning 1) select 1 from x",
    ],
    "mariadb": ["delete from orders", "create table evil(id int)", "select 1; delete from orders"],
}


@pytest.mark.parametrize("kind", REFUSED)
def test_the_session_itself_refuses_to_write(request, kind):
    """Even a whole statement of an attacker's own, were one to get through, is refused."""
    url = request.getfixturevalue(f"{kind}_url")
    fill(url, SCHEMA.format(**TYPES[kind]))
    engine = read_only_engine(url, SHANGHAI, 9)
    words = set()
    for statement in REFUSED[kind]:
        with reading(engine) as connection:
            connection.exec_driver_sql("select 1 from orders")
            with pytest.raises(sa.exc.DBAPIError) as refused:
                connection.exec_driver_sql(statement)
        words.add(refusal(refused.value).words)
    engine.dispose()
    assert words <= {"may only be read, and was asked for more", "cannot read the SQL"}
    assert ask(url, "select count(*) from orders") == 5


def test_a_session_that_a_fragment_loosened_is_tight_again(mariadb_url, open_source):
    """A stored function that turns the session's read-only mode off gains nothing for the next question."""
    fill(mariadb_url, SCHEMA.format(**TYPES["mariadb"]))
    engine = sa.create_engine(mariadb_url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for function in FUNCTIONS["mariadb"]:
            connection.exec_driver_sql(function)
    source = open_source(mariadb_url)
    loosening = plan(change(ORDERS, facts={"paid": Fact("paid", "loosen() = 1")}))
    assert keys(source, plan(change(loosening.noun), clock="placed_at")) == [1, 2, 3, 4, 5]
    wiping = plan(change(ORDERS, facts={"paid": Fact("paid", "wipe() = 0")}))
    with pytest.raises(SourceDown, match="may only be read"):
        keys(source, wiping)
    assert ask(mariadb_url, "select count(*) from orders") == 5


# When things go wrong


def test_a_missing_column_is_named_with_its_vocabulary(source):
    """A column that is not there is named, together with the file to correct."""
    with pytest.raises(
        SourceDown, match=r"the source “shop” has no column “o\.payed_at”: see config/vocabulary/orders.yaml"
    ):
        keys(source, plan(change(ORDERS, facts={"paid": Fact("paid", "o.payed_at is not null")})))


def test_a_missing_table_is_named_with_its_vocabulary(source):
    """A table that is not there is named, together with the file to correct."""
    with pytest.raises(SourceDown, match=r"has no table “(\w+\.)?orderz”: see config/vocabulary/orders.yaml"):
        source.lookup(plan(change(ORDERS, from_="orderz o left join customers c on true")), [b"1"], NOW)


def test_sql_that_cannot_be_read_is_an_error_without_the_sql(source):
    """A slip in the SQL of a fact is told without repeating values."""
    with pytest.raises(SourceDown, match="the source “shop” cannot read the SQL"):
        keys(source, plan(change(ORDERS, facts={"paid": Fact("paid", "o.paid_at isnt 'secret'")})))


def test_a_refused_conversion_shows_no_value(postgresql_url, open_source):
    """An error of the database that quotes a value of a record is not passed on."""
    fill(postgresql_url, SCHEMA.format(**TYPES["postgresql"]))
    with pytest.raises(SourceDown) as down:
        keys(open_source(postgresql_url), plan(change(ORDERS, facts={"paid": Fact("paid", "cast(o.kind as int) = 1")})))
    assert str(down.value) == (
        "the source “shop” has values of another type here than the SQL expects: see config/vocabulary/orders.yaml"
    )
    assert down.value.__cause__ is None
    assert down.value.__suppress_context__


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////nowhere/shop.db",
        "postgresql://duly:s3cret@127.0.0.1:1/shop",
        "mysql://duly:s3cret@127.0.0.1:1/shop",
        "mariadb+pymysql://duly:s3cret@127.0.0.1:1/shop",
    ],
)
def test_an_unreachable_source_is_down_without_its_password(url, open_source):
    """A database that does not answer is one sentence that names the source and the setting, and no password."""
    with pytest.raises(SourceDown) as down:
        keys(open_source(url), plan())
    assert str(down.value) == "the source “shop” cannot be reached: see sources.shop.url in config/duly.yaml"


def test_a_wrong_password_is_told_as_such(mariadb_url, open_source):
    """A refused login is no outage."""
    wrong = (
        sa.make_url(mariadb_url).set(username="duly_nobody", password="s3cret").render_as_string(hide_password=False)
    )
    with pytest.raises(SourceDown, match="refuses its user or password") as down:
        keys(open_source(wrong), plan())
    assert "s3cret" not in str(down.value)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("s3cret", "this is no database URL"),
        ("oracle://duly:s3cret@db/shop", "Duly cannot read “oracle”"),
        ("sqlite://", "an SQLite source is a file"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_at_once(url, sentence):
    """A URL of another kind of database is refused with a sentence that does not show it."""
    with pytest.raises(ValueError, match=sentence) as refused:
        SqlSource("shop", url, SHANGHAI)
    assert "s3cret" not in str(refused.value)


def test_a_source_is_never_created(tmp_path, open_source):
    """Asking an SQLite file that is not there makes none."""
    with pytest.raises(SourceDown):
        keys(open_source(f"sqlite:///{tmp_path / 'shop.db'}"), plan())
    assert not list(tmp_path.iterdir())


def test_a_question_that_takes_too_long_is_given_up(url, open_source):
    """A fact that joins everything with everything ends with the source's timeout."""
    fill(url, "create table n(i int);" + "insert into n values " + ",".join(f"({i})" for i in range(1000)))
    endless = plan(
        change(
            ORDERS,
            facts={"paid": Fact("paid", "(select count(*) from n a, n b, n c, n d where a.i + b.i * c.i <> d.i) > 0")},
        )
    )
    with pytest.raises(SourceDown, match="took too long to answer"):
        keys(open_source(url, timeout=0.2), endless)


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_a_dead_connection_is_replaced(request, kind, open_source):
    """A connection that the server has closed since the last question is noticed and opened anew."""
    url = request.getfixturevalue(f"{kind}_url")
    fill(url, SCHEMA.format(**TYPES[kind]))
    source = open_source(url)
    assert keys(source, plan()) == [1, 2, 3, 5]
    kill_others(url)
    assert keys(source, plan()) == [1, 2, 3, 5]


def kill_others(url):
    """End every other session in this database."""
    engine = sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        if "postgresql" in url:
            connection.exec_driver_sql(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where datname = current_database() and pid <> pg_backend_pid()"
            )
            return
        for (session,) in connection.exec_driver_sql(
            "select id from information_schema.processlist where db = database() and id <> connection_id()"
        ).all():
            connection.exec_driver_sql(f"kill {session}")


def test_a_stream_that_breaks_is_down_not_ended(postgresql_url, open_source):
    """A connection lost in the middle of an answer is an error, never the end of the answer."""
    fill(postgresql_url, SCHEMA.format(**TYPES["postgresql"]))
    fill(postgresql_url, "insert into orders(id, paid_at) select n, '2024-03-05' from generate_series(100, 9000) n")
    stream = open_source(postgresql_url).candidates(plan(), NOW, None, None)
    next(stream)
    kill_others(postgresql_url)
    with pytest.raises(SourceDown, match="cannot be reached"):
        list(stream)


@pytest.mark.parametrize("ending", ["closed", "abandoned"])
@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_no_transaction_outlives_its_stream(request, kind, ending, open_source):
    """A stream that is closed, or simply forgotten, leaves no transaction behind."""
    url = request.getfixturevalue(f"{kind}_url")
    fill(url, SCHEMA.format(**TYPES[kind]))
    numbers = ", ".join(f"({number}, '2024-03-05 00:00:00')" for number in range(100, 9000))
    fill(url, f"insert into orders(id, paid_at) values {numbers}")
    source = open_source(url)
    stream = source.candidates(plan(), NOW, None, None)
    assert len(next(stream)) <= BATCH
    if ending == "closed":
        stream.close()
    else:
        del stream
        gc.collect()
    if kind == "postgresql":
        open_ = (
            "select count(*) from pg_stat_activity where datname = current_database() and state = 'idle in transaction'"
        )
    else:
        open_ = (
            "select count(*) from information_schema.innodb_trx t join information_schema.processlist p "
            "on p.id = t.trx_mysql_thread_id where p.db = database()"
        )
    assert ask(url, open_) == 0
    assert source._engine.pool.checkedout() == 0


def test_an_abandoned_sqlite_stream_lets_writers_in(sqlite, sqlite_url):
    """A half-read stream holds a shared lock on the file; once forgotten it does not."""
    fill(
        sqlite_url,
        "insert into orders(id, paid_at) with recursive n(i) as "
        "(select 100 union all select i + 1 from n where i < 9000) select i, '2024-03-05' from n",
    )
    stream = sqlite.candidates(plan(), NOW, None, None)
    next(stream)
    del stream
    gc.collect()
    engine = sa.create_engine(sqlite_url, poolclass=sa.NullPool, connect_args={"timeout": 0})
    with engine.begin() as connection:
        connection.exec_driver_sql("delete from orders where id > 99")


# Times that are spelled badly


@pytest.mark.parametrize(
    ("spelled", "clock", "at"),
    [
        ("2024-03-04 09:00", "2024-03-04 09:00:00", "2024-03-04T01:00Z"),
        ("2024-03-04T09:00:05", "2024-03-04 09:00:05", "2024-03-04T01:00:05Z"),
        ("2024-03-04 09:00:00.987", "2024-03-04 09:00:00", "2024-03-04T01:00:00.987Z"),
        ("2024-03-04T09:00:00+02:00", "2024-03-04 07:00:00Z", "2024-03-04T07:00Z"),
        ("2024-03-04 23:30-12:00", "2024-03-05 11:30:00Z", "2024-03-05T11:30Z"),
        ("2024-03-05 09:00Z", "2024-03-05 09:00:00Z", "2024-03-05T09:00Z"),
        ("2024-03-04", "2024-03-04 00:00:00", "2024-03-03T16:00Z"),
    ],
)
def test_every_spelling_of_a_text_time_is_found_within_exact_bounds(sqlite, sqlite_url, spelled, clock, at):
    """However SQLite's text spells an instant, bounds at that very instant find it and later ones do not."""
    fill(sqlite_url, f"update orders set paid_at = '{spelled}' where id = 1")
    at = dt.datetime.fromisoformat(at)
    first = found(sqlite, plan(), at, at)[1]
    assert (first.clock, first.clock_at) == (clock, at)
    tick = dt.timedelta(milliseconds=1)
    assert 1 not in keys(sqlite, plan(), at + tick, None)
    assert 1 not in keys(sqlite, plan(), None, at - tick)


@pytest.mark.parametrize("garbage", ["'2024-13-45'", "'2024-03-05 noon'"])
def test_a_garbled_time_within_the_bounds_is_reported_and_stops_nothing(sqlite, sqlite_url, garbage):
    """One record with an unreadable time is named; the others are still candidates."""
    fill(sqlite_url, f"update orders set paid_at = {garbage} where id = 1")
    reported = []
    assert keys(sqlite, plan(), unreadable=reported.append) == [2, 3, 5]
    assert reported == [b"1"]
    with capture_logs() as logs:
        assert keys(sqlite, plan()) == [2, 3, 5]
    assert logs == [{"event": "record_unreadable", "rule": "orders/r", "key": "1", "log_level": "warning"}]
    record = sqlite.lookup(plan(), [b"1"], NOW)[b"1"]
    assert (record.candidate, record.matches) == (None, True)


@pytest.mark.parametrize(
    "garbage", ["'next week'", "1709542800", "'13/11/2024'", "''", "x'ff00'", "'0000-00-00'", "'９'"]
)
def test_what_is_no_time_at_all_counts_as_no_clock(sqlite, sqlite_url, garbage):
    """A clock that no bounds would ever catch is counted among the records without one."""
    fill(sqlite_url, f"update orders set paid_at = {garbage} where id = 1")
    assert sqlite.clockless(plan(), NOW, 5) == (1, [b"1"])
    assert sqlite.clockless(plan(clock="shippable_since"), NOW, 5) == (1, [b"1"])
    assert keys(sqlite, plan()) == [2, 3, 5]


def test_infinity_is_no_clock(postgresql_url, open_source):
    """PostgreSQL's infinity, for which Python has no time, stops no check and no lookup."""
    fill(postgresql_url, SCHEMA.format(**TYPES["postgresql"]))
    fill(postgresql_url, "update orders set paid_at = 'infinity', hold_until = '-infinity' where id = 1")
    source = open_source(postgresql_url)
    assert keys(source, plan()) == [2, 3, 5]
    assert source.clockless(plan(), NOW, 5) == (1, [b"1"])
    assert source.lookup(plan(), [b"1"], NOW)[b"1"].candidate is None


def test_a_zero_date_is_no_clock(mariadb_url, open_source):
    """MariaDB's zero date stops no check and no lookup."""
    fill(mariadb_url, SCHEMA.format(**TYPES["mariadb"]))
    fill(mariadb_url, "set session sql_mode = ''; update orders set paid_at = '0000-00-00 00:00:00' where id = 1")
    source = open_source(mariadb_url)
    assert keys(source, plan()) == [2, 3, 5]
    assert source.clockless(plan(), NOW, 5) == (1, [b"1"])
    assert source.lookup(plan(), [b"1"], NOW)[b"1"].candidate is None


def test_text_that_is_not_utf_8_stops_nothing(sqlite, sqlite_url):
    """A name in a broken encoding is shown as well as it can be."""
    fill(sqlite_url, "update customers set name = cast(x'4cff' as text) where id = 1")
    assert sqlite.lookup(plan(), [b"1"], NOW)[b"1"].people["customer"].name == "L\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York"])
def test_aware_columns_are_read_as_instants(postgresql_url, open_source, zone):
    """A timestamptz is an instant whatever the source's zone, spelled in UTC, and `:now` compares with it."""
    fill(postgresql_url, SCHEMA.format(**TYPES["postgresql"] | {"time": "timestamptz"}))
    fill(postgresql_url, "update orders set paid_at = '2024-03-05 06:00:00+08', placed_at = '2024-03-06 01:29:59Z'")
    source = open_source(postgresql_url, ZoneInfo(zone))
    at = dt.datetime(2024, 3, 4, 22, tzinfo=UTC)
    first = found(source, plan(where=("future",), except_=(), clock="paid_at"), at, at)
    assert first == {}
    first = found(source, plan(where=("paid", is_not("future"))), at, at)[1]
    assert (first.clock, first.clock_at) == ("2024-03-04 22:00:00Z", at)


def test_a_timestamp_column_of_mariadb_is_read_in_the_sources_zone(mariadb_url, open_source):
    """A TIMESTAMP, which MariaDB turns to the session's zone, comes out in the source's."""
    fill(mariadb_url, SCHEMA.format(**TYPES["mariadb"] | {"time": "timestamp null"}))
    fill(mariadb_url, "set session time_zone = '+00:00'; update orders set paid_at = '2024-03-04 22:00:00'")
    at = dt.datetime(2024, 3, 4, 22, tzinfo=UTC)
    first = found(open_source(mariadb_url), plan(), at, at)[1]
    assert (first.clock, first.clock_at) == ("2024-03-05 06:00:00", at)


def test_mariadb_without_time_zone_tables_says_what_to_load(mariadb_url, open_source):
    """A zone with summer time that the server does not know is refused with the cure, not read an hour off."""
    if ask(mariadb_url, "select convert_tz('2000-01-01', '+00:00', 'Europe/London')"):
        pytest.skip("this server has its time zone tables")
    with pytest.raises(SourceDown, match=r"does not know the zone “Europe/London”.*load its time zone tables"):
        keys(open_source(mariadb_url, ZoneInfo("Europe/London")), plan())


# Probing


def test_a_sound_vocabulary_has_no_problems(source):
    """A vocabulary that fits its database is probed without a word."""
    noun = change(ORDERS, facts={"old": Fact("old", "o.placed_at < :now")})
    rule = plan(noun, "shippable_since", done=(is_("shipped"),), due=Due(time_name="hold_until"))
    assert source.probe(rule, NOW) == []


def test_each_word_that_the_source_lacks_is_pointed_at(source):
    """Every word that cannot be answered is a problem of its own, at its place in the vocabulary."""
    broken = change(
        ORDERS,
        facts={"paid": Fact("paid", "o.payed_at is not null"), "presale": Fact("presale", "o.sort = 'x'")},
        teams={"department": "c.team"},
    )
    problems = source.probe(plan(broken, except_=(is_("presale"),)), NOW)
    assert [problem.message for problem in problems] == [
        "the source “shop” has no column “o.payed_at”",
        "the source “shop” has no column “o.sort”",
        "the source “shop” has no column “c.team”",
    ]
    assert problems[0].mark == Mark("config/vocabulary/orders.yaml", 9, 9)
    assert problems[1].mark == Mark("config/vocabulary/orders.yaml")
    assert problems[0].cure == "correct facts.paid in config/vocabulary/orders.yaml"
    assert {problem.code for problem in problems} == {"S002"} <= set(CODES)


def test_a_missing_table_is_one_problem(source):
    """Without its table nothing else of a noun is worth a word."""
    problems = source.probe(plan(change(ORDERS, from_="orderz o")), NOW)
    assert [(problem.code, problem.mark.line) for problem in problems] == [("S002", 4)]


def test_a_join_that_repeats_records_is_a_problem(source):
    """A join to a “many” side would make several records of one."""
    problems = source.probe(plan(change(ORDERS, from_="orders o join customers c on c.id > 0")), NOW)
    assert [(problem.code, problem.mark.line) for problem in problems] == [("S005", 4)]


@pytest.mark.parametrize("garbage", ["20240304", "4/3/2024", "next week"])
def test_times_that_are_spelled_otherwise_are_a_problem(sqlite, sqlite_url, garbage):
    """One value that no bounds would catch is found before the rule runs."""
    fill(sqlite_url, f"update orders set paid_at = '{garbage}' where id = 1")
    assert [problem.code for problem in sqlite.probe(plan(), NOW)] == ["S004"]


def test_probing_a_source_that_is_down_is_one_problem(open_source):
    """A source that cannot be reached is told once, not for every word."""
    problems = open_source("sqlite:////nowhere/shop.db").probe(plan(), NOW)
    assert [problem.code for problem in problems] == ["S001"]


# Size


@pytest.mark.parametrize("clock", ["paid_at", "shippable_since"])
def test_an_index_on_the_clock_serves(sqlite, sqlite_url, clock):
    """With an index on its columns a clock's bounds are searched, not scanned."""
    fill(sqlite_url, "create index paid on orders(paid_at); create index answered on orders(answered_at)")
    questions = [plan(clock=clock).candidates("sqlite"), plan().clockless("sqlite")]
    for statement in questions:
        values = dict.fromkeys(("now", "low", "high", "first", "last"), "2024-03-05")
        engine = sa.create_engine(sqlite_url, poolclass=sa.NullPool)
        with engine.connect() as connection:
            steps = [row[-1] for row in connection.execute(sa.text(f"explain query plan {statement.text}"), values)]
        assert any("INDEX paid" in step for step in steps)
        assert not [step for step in steps if step.startswith("SCAN")]


def test_memory_stays_flat(url, open_source):
    """A long answer is streamed: sixteen times the rows take no more memory."""
    numbers = ", ".join(f"({number}, '2024-03-05 00:00:00')" for number in range(100, 2100))
    fill(url, f"delete from orders; insert into orders(id, paid_at) values {numbers}")
    source = open_source(url)
    amount, peaks = 2000, []
    for doublings in (0, 4):
        for _ in range(doublings):
            fill(url, f"insert into orders(id, paid_at) select id + {amount}, paid_at from orders")
            amount *= 2
        tracemalloc.start()
        assert sum(len(batch) for batch in source.candidates(plan(), NOW, None, None)) == amount
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.5


@pytest.mark.parametrize("time", ["hold_until", "shippable_since"])
def test_anniversaries_are_found_year_after_year(source, url, time):
    """Over a new year and on 29 February, from dates and from times, each database gives the days that come up."""
    fill(
        url,
        """
insert into orders(id, customer_id, kind, placed_at, paid_at, hold_until) values
  (11, 1, 'normal', '2020-01-01 09:00:00', '1999-12-30 10:00:00', '1999-12-30'),
  (12, 2, 'normal', '2020-01-01 09:00:00', '1999-01-02 10:00:00', '1999-01-02'),
  (13, 1, 'normal', '2020-01-01 09:00:00', '1996-02-29 10:00:00', '1996-02-29'),
  (14, 1, 'normal', '2020-01-01 09:00:00', '1996-06-15 10:00:00', '1996-06-15')
""",
    )
    yearly = plan(clock=ClockRef(ClockKind.ANNIVERSARY, time))
    assert source.probe(yearly, NOW) == []
    turn = found(source, yearly, wall("2024-12-28 00:00"), wall("2025-01-04 00:00"))
    assert {number: each.clock[:10] for number, each in turn.items()} == {11: "2024-12-30", 12: "2025-01-02"}
    assert {number: each.clock[:10] for number, each in leap(source, yearly, 2025).items()} == {13: "2025-02-28"}
    assert {number: each.clock[:10] for number, each in leap(source, yearly, 2024).items()} == {13: "2024-02-29"}
    near = source.lookup(yearly, [b"11"], wall("2025-02-01 09:00"))[b"11"].candidate
    assert near.clock[:10] == "2024-12-30"
    assert near.clock_at == wall("2024-12-30 00:00" if time == "hold_until" else "2024-12-30 10:00")


def wall(text):
    """Read a wall time in Shanghai."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).astimezone(UTC)


def leap(source, yearly, year):
    """Give what comes up around the end of one February."""
    return found(source, yearly, wall(f"{year}-02-27 12:00"), wall(f"{year}-03-02 00:00"))


def test_a_clock_that_begins_as_it_is_seen_needs_no_time(source):
    """Every record that matches is a candidate, and its clock is now."""
    seen = found(source, plan(clock=ClockRef(ClockKind.FIRST_SEEN, "")))
    assert {(each.clock, each.clock_at) for each in seen.values()} == {
        (f"{NOW.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}", NOW)
    }
    assert sorted(seen) == [1, 2, 3, 5]
    assert source.clockless(plan(clock=ClockRef(ClockKind.FIRST_SEEN, "")), NOW, 9) == (0, [])


def test_a_census_gives_the_same_figures_on_every_database(source):
    """Counts, sums and shares come to the same digits, by exact instants, whatever the database makes of its types."""
    paid = Measure("paid", Reckoning.COUNT, on="paid_at")
    worth = Measure("worth", Reckoning.SUM, of="amount", on="paid_at")
    sent = Measure("sent", Reckoning.COUNT, of="shipped", on="paid_at")
    share = Measure("share", Reckoning.SHARE, part="sent", whole="paid", places=2)
    asked = Census(
        plan(where=()).rule,
        ORDERS,
        times=(ORDERS.times["paid_at"],),
        bounds=frozenset({"paid_at"}),
        facts=("shipped",),
        fields=("amount", "origin"),
    )
    since, until = at("2024-03-04 09:01"), at("2024-03-05 06:00")
    tally = Tally((paid, worth, sent), since, until)
    for batch in source.census(asked, NOW, since, until):
        for one in batch:
            tally.add(" ".join((one.record.fields["origin"] or "").split()), one)
    wanted = (paid, worth, sent, share)
    assert {group: tally.figures(group, wanted) for group in tally.groups} == {
        "": (1, Decimal("499.99"), 0, Decimal("0.00")),
        "app": (1, 0, 1, Decimal("100.00")),
        "web": (1, 500, 0, Decimal("0.00")),
    }
    assert tally.totals(wanted) == (3, Decimal("999.99"), 1, Decimal("33.33"))


def test_a_census_tells_of_times_that_are_made_of_others(source):
    """Of `later of` the exact instant decides, and a record without a time of the period is none of it."""
    time = ORDERS.times["shippable_since"]
    asked = Census(plan(where=()).rule, ORDERS, times=(time,), bounds=frozenset({time.name}), people=("customer",))
    since, until = at("2024-03-05 07:00"), at("2024-03-06 00:00")
    told = [one for batch in source.census(asked, NOW, since, until) for one in batch]
    mine = [one for one in told if since <= one.times[time.name] < until]
    assert [(one.record.key, one.record.people["customer"].name) for one in mine] == [(b"2", "Kim")]
