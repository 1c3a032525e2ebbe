"""Many people of one record: a planned cut is told to every resident of the building."""

import tracemalloc

import pytest

from duly.engine import crowd
from duly.engine.examples import run_examples
from duly.engine.plugins import load_plugins
from duly.engine.release import Overdue, release
from duly.engine.source import Unusable
from duly.engine.versions import Versions
from duly.ledger import fan_outs, versions
from engine.desk import Desk, SpokenPlugin, at

OUTAGES = """\
noun: outages
one: outage
source: shop
from: outages u
key: u.id
times: {starts_at: u.starts_at}
facts: {called off: u.called_off = 1}
fields: {outage: u.id, block: u.block}
people:
  residents:
    many: residents z left join blocks k on k.id = z.block
    on: z.block = u.block and z.moved_out is null
    key: z.id
    name: z.name
    phone: z.phone
    chat: z.chat
    lang: z.lang
    zone: z.zone
    rest: z.rest
    no_sms: z.no_sms
"""

RULE = """\
rule: A planned cut is announced
owner: sales
watch: outages
except: [called off]
clock: starts_at
check: every 10m
steps:
  - {before: 24h, tell: residents, by: chat else sms, text: outage}
  - {before: 3h, tell: told, by: chat else sms, text: soon}
"""

FILES = {
    "config/vocabulary/outages.yaml": OUTAGES,
    "notifications/outage.j2": "{{ name }}: cut in block {{ block }}",
    "notifications/outage.zh.j2": "{{ name }}：停电，{{ block }} 栋",
    "notifications/soon.j2": "{{ name }}: soon",
}
CUT = "2024-03-06 10:00"
ANNOUNCED = at("2024-03-05 10:00")


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request, tmp_path):
    """Give the URL of an empty ledger, on each kind of database."""
    return f"sqlite:///{tmp_path}/l.db" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")


@pytest.fixture
def estate(tmp_path):
    """Give what sets up a desk with a cut in block 1, and nobody who lives there; its ledgers are closed in the end."""
    desks = []

    def estate(rule=RULE, ledger="", home=tmp_path):
        desk = Desk(home, {"r": rule}, files=FILES, ledger=ledger)
        desks.append(desk)
        desk.sql("create table blocks (id integer primary key)")
        desk.sql("create table outages (id integer primary key, block int, starts_at text, called_off int default 0)")
        desk.sql(
            "create table residents (id integer primary key, block int, name text, phone text, chat text, lang text,"
            " zone text, rest text, no_sms int, moved_out text)"
        )
        desk.sql("insert into outages (id, block, starts_at) values (1, 1, :at)", at=CUT)
        return desk

    yield estate
    for desk in desks:
        desk.ledger.close()


def moves_in(desk, id, block=1, **columns):
    """Have somebody live in a block."""
    row = {"id": id, "block": block, "name": f"R{id}", "phone": f"+86138{id:08}", **columns}
    desk.sql(f"insert into residents ({', '.join(row)}) values ({', '.join(':' + name for name in row)})", **row)


def fill(desk, count):
    """Have many people live in block 1, so that nothing holds their messages back."""
    desk.sql(
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < :count)"
        " insert into residents (id, block, name, phone) select i, 1, 'R' || i, '+86138' || (10000000 + i) from n",
        count=count,
    )


def test_each_resident_hears_in_their_own_way(estate, ledger):
    """Their own address, language, zone, rest and opt-out; who lives elsewhere or has moved out hears nothing."""
    desk = estate(ledger=ledger)
    moves_in(desk, 1)
    moves_in(desk, 2, chat="kim", lang="zh")
    moves_in(desk, 3, no_sms=1)
    moves_in(desk, 4, rest="09:30-11:30")
    moves_in(desk, 5, zone="Europe/Berlin")
    moves_in(desk, 6, block=2)
    moves_in(desk, 7, moved_out="2024-01-01")
    moves_in(desk, 8, phone=None)
    desk.start(at("2024-03-05 09:50"))
    desk.run(at("2024-03-05 09:50"), ANNOUNCED)
    assert desk.sent["sms"] == ["R1: cut in block 1"]
    assert desk.sent["chat"] == ["R2：停电，1 栋"]
    refused = {d.person["id"]: d.reason for d in desk.deliveries(1) if d.state == "rejected" and d.channel == "sms"}
    assert refused == {
        "residents 3": "residents 3 wants no sms",
        "residents 8": "residents 8 has no phone",
    }
    desk.run(ANNOUNCED, at("2024-03-05 11:30"))
    assert desk.sent["sms"] == ["R1: cut in block 1", "R4: cut in block 1"]
    desk.run(at("2024-03-05 11:30"), at("2024-03-05 16:00"))  # 09:00 in Berlin
    assert desk.sent["sms"][2:] == ["R5: cut in block 1"]


def test_told_reaches_exactly_those_who_were_told(estate, ledger):
    """Whoever was told hears again, once, also who has moved out since; who has moved in since does not."""
    desk = estate(ledger=ledger)
    for id in (1, 2, 3):
        moves_in(desk, id, **({"phone": None} if id == 3 else {}))
    desk.start(at("2024-03-05 09:50"))
    desk.run(at("2024-03-05 09:50"), at("2024-03-05 12:00"))
    desk.sql("update residents set moved_out = '2024-03-05', phone = null where id = 2")
    moves_in(desk, 4)
    desk.run(at("2024-03-05 12:00"), at("2024-03-06 10:00"))
    assert desk.sent["sms"] == ["R1: cut in block 1", "R2: cut in block 1", "R1: soon", "R2: soon"]


def test_who_moves_out_before_their_message_leaves_is_not_told(estate):
    """Who belongs to a record is asked again as each message leaves, like every condition (law 3)."""
    desk = estate()
    moves_in(desk, 1, rest="09:30-11:30")
    desk.start(at("2024-03-05 09:50"))
    desk.run(at("2024-03-05 09:50"), ANNOUNCED)
    desk.sql("update residents set moved_out = '2024-03-05'")
    desk.run(ANNOUNCED, at("2024-03-05 12:00"))
    assert desk.sent["sms"] == []
    assert ("cancelled", "R1 is no longer among the residents") in [(e.event, e.detail) for e in desk.story(1)]


def test_nobody_lives_there(estate):
    """An empty building is never silence: the owner's people hear (law 13)."""
    desk = estate()
    desk.start(at("2024-03-05 09:50"))
    desk.run(at("2024-03-05 09:50"), ANNOUNCED)
    assert desk.sent["chat"] == ["Lin: cut in block 1"]


def test_a_building_that_is_too_big_for_the_limit_is_held(estate, ledger):
    """People count towards “hold”, not cases: nobody hears before a person has looked, and then everybody does."""
    desk = estate(RULE + "limits: {hold: above 5 an hour}\n", ledger=ledger)
    fill(desk, 6)
    engine = desk.start(at("2024-03-05 09:50"))
    desk.run(at("2024-03-05 09:50"), ANNOUNCED)
    reason = "6 messages due at once after 0 in the last hour are above 5 an hour"
    assert desk.cases(1)[0].held == reason
    assert desk.sent["sms"] == ["held: r"]
    assert ("rule held", f"1 cases: {reason}") in [(e.event, e.detail) for e in desk.rule_journal()]
    with desk.ledger.read() as connection:
        row = versions.by_path(connection, "r")
    release(desk.ledger, Versions(desk.ledger, engine.house.rules.snapshot), row, Overdue.SEND, ANNOUNCED)
    engine.tick(ANNOUNCED)
    assert len(desk.sent["sms"]) == 1 + 6


def test_a_building_within_the_limit_is_not_held(estate):
    """As many people as the limit allows hear at once."""
    desk = estate(RULE + "limits: {hold: above 5 an hour}\n")
    fill(desk, 5)
    desk.start(at("2024-03-05 09:50"))
    desk.run(at("2024-03-05 09:50"), ANNOUNCED)
    assert len(desk.sent["sms"]) == 5


def test_a_cap_on_the_record_counts_for_each_of_its_people(estate):
    """“each outage: 1 messages” lets each resident hear once; it does not stop at the first resident."""
    desk = estate(RULE + "limits: {each outage: 1 messages}\n")
    fill(desk, 3)
    desk.start(at("2024-03-05 09:50"))
    desk.run(at("2024-03-05 09:50"), at("2024-03-06 10:00"))
    assert sorted(desk.sent["sms"]) == ["R1: cut in block 1", "R2: cut in block 1", "R3: cut in block 1"]
    assert [d.state for d in desk.deliveries(1)].count("capped") == 3


def test_a_crash_while_people_are_written_loses_and_repeats_nobody(estate, ledger, monkeypatch):
    """Whatever is written is kept; who comes next goes on, and everybody hears once."""
    monkeypatch.setattr(crowd, "SHOUT", 2)
    desk = estate(ledger=ledger)
    fill(desk, 7)
    engine = desk.start(at("2024-03-05 09:50"))
    engine.tick(at("2024-03-05 09:50"))
    written = []

    def crash(*_arguments):
        written.append(1)
        if len(written) == 3:
            raise KeyboardInterrupt
        return deliver(*_arguments)

    deliver = engine.ladder._crowds._write
    engine.ladder._crowds._write = crash
    with pytest.raises(KeyboardInterrupt):
        engine.tick(ANNOUNCED)
    assert len(desk.deliveries(1)) == 4
    desk.ledger.close()
    desk.start(at("2024-03-05 10:01"))
    desk.run(at("2024-03-05 10:01"), at("2024-03-05 10:30"))
    assert sorted(desk.sent["sms"]) == [f"R{n}: cut in block 1" for n in range(1, 8)]
    with desk.ledger.read() as connection:
        assert fan_outs.earliest(connection, [desk.rule_id()]) is None


def test_a_source_that_goes_down_midway_is_asked_again(estate):
    """The people are read again a minute later; those who are written already are not written twice."""
    desk = estate()
    fill(desk, 3)
    engine = desk.start(at("2024-03-05 09:50"))
    engine.tick(at("2024-03-05 09:50"))
    source = engine.house.sources["shop"]
    crowd_of, source.crowd = source.crowd, Unusable("shop", "it is down").crowd
    engine.tick(ANNOUNCED)
    assert desk.sent["sms"] == []
    source.crowd = crowd_of
    desk.run(ANNOUNCED, at("2024-03-05 10:01"))
    assert len(desk.sent["sms"]) == 3
    assert ("Tue 10:00", "waits") in desk.events(1)


def test_a_case_that_closes_stops_telling_people(estate):
    """Who has not been written to yet is not told, and the journal says so."""
    desk = estate()
    fill(desk, 3)
    engine = desk.start(at("2024-03-05 09:50"))
    engine.tick(at("2024-03-05 09:50"))
    engine.house.sources["shop"].crowd = Unusable("shop", "it is down").crowd
    engine.ladder.fire(ANNOUNCED)
    desk.sql("update outages set called_off = 1")
    desk.run(ANNOUNCED, at("2024-03-05 10:30"))
    assert desk.sent["sms"] == []
    told = [(e.event, e.detail) for e in desk.story(1)]
    assert ("cancelled", "not everybody was told: no longer concerned: called off") in told
    assert desk.cases(1)[0].state == "gone"


def test_memory_stays_flat_for_a_large_building(estate, tmp_path):
    """Ten times the residents take about the memory of one, and each hears once."""
    peaks = []
    for count in (1000, 10_000):
        (home := tmp_path / str(count)).mkdir()
        desk = estate(RULE + "limits: {hold: never}\n", home=home)
        fill(desk, count)
        engine = desk.start(at("2024-03-05 09:50"))
        engine.tick(at("2024-03-05 09:50"))
        tracemalloc.start()
        engine.ladder.fire(ANNOUNCED)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        with desk.ledger.read() as connection:
            assert connection.exec_driver_sql("select count(*) from delivery").scalar() == count
    assert peaks[1] < peaks[0] * 1.5


def test_an_example_speaks_of_many_as_of_one(estate):
    """Examples name the word for many people like any audience, and give addresses to all of them."""
    examples = """\
examples:
  - name: announced a day before
    outage: {starts_at: Wed 10:00}
    expect: [Tue 10:00 residents by chat, Wed 09:00 told]
  - name: without chat, by text message, outside their rest
    outage: {starts_at: Wed 10:00}
    residents: {chat: none, rest: 09:30-12:00}
    expect: [Tue 12:00 residents by sms, Wed 09:00 told]
  - name: called off, nobody hears
    outage: {starts_at: Wed 10:00, called off: yes}
    expect: []
"""
    rule = RULE.replace("before: 3h", "before: 1h") + examples
    desk = estate(rule)
    snapshot = desk.start(at("2024-03-05 09:50")).house.rules.snapshot
    results = run_examples(snapshot.rules["r"], snapshot, load_plugins([SpokenPlugin()]))
    assert [(result.got, result.problem) for result in results] == [
        (["Tue 10:00 residents by chat", "Wed 09:00 told by chat"], None),
        (["Tue 12:00 residents by sms", "Wed 09:00 told by sms"], None),
        ([], None),
    ]
