"""Many people of a record, asked of every kind of service database: the same rows, the same answers."""

import datetime as dt
import tracemalloc
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from duly.engine.source import BATCH, SourceDown
from duly.engine.sql_source import SqlSource
from duly.rules.model import Rule
from duly.rules.noun import Noun, RecordPerson, Time
from duly.rules.plan import Plan
from duly.rules.problem import Mark

NOW = dt.datetime(2024, 3, 6, 1, 30, tzinfo=dt.UTC)
PATH = "config/vocabulary/outages.yaml"
SCHEMA = """
create table outages(id int primary key, area varchar(9), block varchar(9), starts_at {time});
create table residents(area varchar(9), block varchar(9), no varchar(9), name varchar(40), phone varchar(40),
  lang varchar(9), tz varchar(40), quiet varchar(20), no_sms int, moved_out int);
insert into outages values (1, 'N', 'A', '2024-03-07 10:00:00'), (2, 'N', 'B', '2024-03-07 10:00:00'),
  (3, 'S', 'A', '2024-03-07 10:00:00'), (4, 'N', 'C', '2024-03-07 10:00:00');
insert into residents values
  ('N', 'A', '1', 'Li', '+861', 'zh', 'Asia/Shanghai', '22:00-08:00', 0, null),
  ('N', 'A', 'x', 'Kim', null, 'ko', null, null, 1, null),
  ('N', 'A', 'X', 'Kat', '+863', null, null, null, null, null),
  ('N', 'A', '3', 'Old', '+864', null, null, null, null, 1),
  ('N', 'B', '1', 'Bo', '+865', null, null, null, null, null)
"""
TIMES = {"sqlite": "text", "postgresql": "timestamp", "mariadb": "datetime"}
RESIDENTS = RecordPerson(
    "residents",
    {"name": "z.name", "phone": "z.phone", "lang": "z.lang", "zone": "z.tz", "rest": "z.quiet", "no_sms": "z.no_sms"},
    many="residents z",
    on="z.area = u.area and z.block = u.block and z.moved_out is null",
    key=("z.block", "z.no"),
)


def outages(person=RESIDENTS, key=("u.id",)):
    """Bind a rule to outages."""
    noun = Noun(
        "outages",
        "outage",
        "shop",
        "outages u",
        key,
        times={"starts_at": Time("starts_at", "u.starts_at")},
        people={"residents": person},
        path=PATH,
        marks={"people.residents.on": Mark(PATH, 9, 9), "people.residents": Mark(PATH, 7, 3)},
    )
    return Plan(Rule("r", "R", "o", "outages", (), (), ""), noun)


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def url(request, tmp_path):
    """Give the URL of the same estate on each kind of database."""
    kind = request.param
    url = f"sqlite:///{tmp_path}/shop.db" if kind == "sqlite" else request.getfixturevalue(f"{kind}_url")
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for statement in SCHEMA.format(time=TIMES[kind]).split(";"):
            connection.exec_driver_sql(statement)
    return url


@pytest.fixture
def source(url):
    """Open that estate."""
    source = SqlSource("shop", url, ZoneInfo("Asia/Shanghai"))
    yield source
    source.close()


def people(source, key, plan=None):
    """Collect everybody of one record by their id."""
    batches = list(source.crowd(plan or outages(), "residents", key, NOW))
    assert all(batches)
    return {person.id: person for batch in batches for person in batch}


def test_the_people_of_one_record_are_told_apart_and_told_all_of(source):
    """Each has their own address, language, zone, rest and opt-out; who lives elsewhere or has left is not there."""
    found = people(source, b"1")
    assert sorted(found) == ['residents ["A","1"]', 'residents ["A","X"]', 'residents ["A","x"]']
    li, kim = found['residents ["A","1"]'], found['residents ["A","x"]']
    assert (li.name, li.lang, li.zone, li.rest) == ("Li", "zh", "Asia/Shanghai", "22:00-08:00")
    assert (li.addresses, li.refuses) == ({"phone": "+861"}, frozenset())
    assert (kim.lang, kim.zone, kim.addresses, kim.refuses) == ("ko", "", {}, {"sms"})
    assert not li.staff
    assert people(source, b"4") == {}


def test_people_are_counted_by_record(source):
    """Records that have nobody are left out."""
    assert source.crowd_sizes(outages(), "residents", [b"1", b"2", b"3", b"4", b"99"], NOW) == {b"1": 3, b"2": 1}


def test_some_are_looked_up_by_their_own_key(source):
    """Only whom one asks for, only of their own record, also where a collation cannot tell “x” from “X”."""
    asked = {(b"1", 'residents ["A","x"]'), (b"2", 'residents ["A","1"]'), (b"1", 'residents ["A","3"]')}
    found = source.members(outages(), "residents", asked, NOW)
    assert {place: person.name for place, person in found.items()} == {(b"1", 'residents ["A","x"]'): "Kim"}


def test_records_with_a_key_of_several_parts_have_people_too(source):
    """A composite key of the record and one of the people do not get into each other's way."""
    plan = outages(key=("u.area", "u.id"))
    assert len(people(source, b'["N",1]', plan)) == 3
    assert source.crowd_sizes(plan, "residents", [b'["N",1]', b'["S",1]'], NOW) == {b'["N",1]': 3}
    found = source.members(plan, "residents", {(b'["N",2]', 'residents ["B","1"]')}, NOW)
    assert [person.name for person in found.values()] == ["Bo"]


def test_a_lookup_of_the_record_reads_nobody_of_the_crowd(source):
    """Many people never come with the record itself."""
    record = source.lookup(outages(), [b"1"], NOW)[b"1"]
    assert record.people == {}


def test_each_word_that_the_source_lacks_is_pointed_at(source):
    """A column that is not there shows at its place in the vocabulary."""
    assert source.probe(outages(), NOW) == []
    bad = RecordPerson("residents", {"name": "z.nom"}, many="residents z", on="z.blok = u.block", key=("z.no",))
    found = source.probe(outages(bad), NOW)
    assert (str(found[0].mark), found[0].code) == (f"{PATH}:9:9", "S002")
    assert {problem.cure for problem in found} >= {f"correct people.residents.on in {PATH}"}


def test_a_crowd_that_cannot_be_asked_for_is_a_source_that_is_down(source):
    """The sentence names the vocabulary, and shows neither SQL nor values."""
    bad = RecordPerson("residents", {"name": "z.name"}, many="residents z", on="z.blok = u.block", key=("z.no",))
    for ask in (
        lambda: list(source.crowd(outages(bad), "residents", b"1", NOW)),
        lambda: source.crowd_sizes(outages(bad), "residents", [b"1"], NOW),
        lambda: source.members(outages(bad), "residents", {(b"1", "residents 1")}, NOW),
    ):
        with pytest.raises(SourceDown, match=r"the source “shop” .*: see config/vocabulary/outages.yaml"):
            ask()


def test_memory_stays_flat(url, source):
    """A building of 20,000 is read in batches, and never held as a whole."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        rows = [{"no": str(n), "name": f"R{n}"} for n in range(20_000)]
        connection.execute(sa.text("insert into residents (area, block, no, name) values ('N', 'C', :no, :name)"), rows)
    del rows
    tracemalloc.start()
    sizes = [len(batch) for batch in source.crowd(outages(), "residents", b"4", NOW)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(sizes) == 20_000
    assert max(sizes) <= BATCH
    assert peak < 8_000_000
