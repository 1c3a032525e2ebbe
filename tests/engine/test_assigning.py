"""Assigning: a record goes to one of a team, by what they are able to do and how much they have."""

from __future__ import annotations

import sqlalchemy as sa

from duly.engine.examples import run_examples
from duly.engine.plugins import load_plugins
from duly.rules.snapshot import load_workspace
from engine.desk import DIRECTORY, ORDERS, SETTINGS, Desk, SpokenPlugin
from engine.telling import HOUR, MONDAY, open_desk, paid, reasons, rule

TEN = MONDAY + HOUR
ASSIGN = "after: 1h, assign: sales, by: sms, text: yours"
YOURS = {"notifications/yours.j2": "{{ name }} has order {{ order }}"}
PEOPLE = """\
  mei: {name: Mei, phone: "+8613800000002", ids: {shop: 2}, skills: [korean]}
  sun: {name: Sun, phone: "+8613800000005", ids: {shop: 5}, skills: [Korean, furniture], leave: [2024-03-05]}
"""
MANY = DIRECTORY.replace("teams:\n", f"{PEOPLE}teams:\n").replace("members: [lin]", "members: [lin, mei, sun]")
NEEDS = ORDERS.replace("order: o.id, ", "order: o.id, needs: o.chat, ")
WRITES = (
    f'{NEEDS}writes:\n  assignee: {{sql: "update orders set agent_id = :person where id = :key and agent_id = :was"}}\n'
)
OPEN = SETTINGS.replace('url: "sqlite:///shop.db", ', 'url: "sqlite:///shop.db", write: {url: "sqlite:///shop.db"}, ')


def desk_of(home, *steps: str, directory: str = MANY, noun: str = NEEDS, **more: str):
    """Set up a desk whose sales team has three members."""
    files = {"config/directory.yaml": directory, "config/vocabulary/orders.yaml": noun, **YOURS, **more}
    return open_desk(home, *(steps or (ASSIGN,)), **files)


def who(desk, *ids: int) -> list[str | None]:
    """Tell to whom orders are assigned."""
    return [desk.cases(id)[-1].assignee for id in ids]


def agents(desk) -> list[object]:
    """Tell whose the orders are in the shop."""
    with desk.shop.connect() as connection:
        return list(connection.execute(sa.text("select agent_id from orders order by id")).scalars())


def test_somebody_has_it_and_hears(tmp_path):
    """An order gets an assignee who is in charge from now on, is told so in the step's words, and is in the journal."""
    desk = desk_of(tmp_path, directory=DIRECTORY)
    paid(desk, 1, agent_id=None)
    desk.run(MONDAY, TEN)
    assert (who(desk, 1), desk.cases(1)[0].in_charge) == (["lin"], "lin")
    assert desk.sent["sms"] == ["Lin has order 1"]
    assert reasons(desk, 1, "handed") == ["Lin has it now"]


def test_work_is_shared_out_evenly(tmp_path):
    """Nine orders that come due together are three each: what has just been assigned counts (failure 35)."""
    desk = desk_of(tmp_path)
    for id in range(1, 10):
        paid(desk, id, agent_id=None)
    desk.run(MONDAY, TEN)
    given = who(desk, *range(1, 10))
    assert {name: given.count(name) for name in ("lin", "mei", "sun")} == {"lin": 3, "mei": 3, "sun": 3}


def test_a_skill_is_needed(tmp_path):
    """An order goes to somebody who is able to do all it needs; if nobody is, to somebody, and the journal says so."""
    desk = desk_of(tmp_path, f"{ASSIGN}, skill: needs")
    for id, needs in ((1, "furniture"), (2, "korean, Furniture"), (3, "welding")):
        paid(desk, id, chat=needs, agent_id=None)
    desk.run(MONDAY, TEN)
    assert who(desk, 1, 2) == ["sun", "sun"]
    assert who(desk, 3) != [None]
    assert reasons(desk, 3, "handed")[0].endswith(" has it now: nobody there is able to do “welding”")


def test_who_is_away_gets_nothing(tmp_path):
    """Sun is on leave on Tuesday: what comes due then is for the others (failure 35)."""
    desk = desk_of(tmp_path, f"{ASSIGN.replace('1h', '24h')}, skill: needs")
    paid(desk, 1, chat="korean", agent_id=None)
    desk.run(MONDAY, MONDAY + 24 * HOUR)
    assert who(desk, 1) == ["mei"]


def test_nobody_gets_more_than_fits(tmp_path):
    """Whoever has as many cases as they can take gets no more; when nobody has room, the owner does."""
    full = MANY.replace("ids: {shop: 2},", "ids: {shop: 2}, capacity: 1,").replace(
        "ids: {shop: 5},", "ids: {shop: 5}, capacity: 1,"
    )
    desk = desk_of(tmp_path, f"{ASSIGN}, skill: needs", directory=full)
    for id in (1, 2, 3):
        paid(desk, id, chat="korean", agent_id=None)
    desk.run(MONDAY, TEN)
    assert sorted(map(str, who(desk, 1, 2, 3))) == ["lin", "mei", "sun"]
    said = [detail for id in (1, 2, 3) for detail in reasons(desk, id, "handed")]
    assert "Lin has it now: nobody of sales has room for it" in said


def test_it_goes_to_somebody_else(tmp_path):
    """Whoever has the record already is not the one it is given to, while there is anybody else."""
    desk = desk_of(tmp_path, f"{ASSIGN}, skill: needs")
    paid(desk, 1, chat="korean", agent_id=5)
    desk.run(MONDAY, TEN)
    assert who(desk, 1) == ["mei"]


def test_it_is_written_back_in_the_same_step(tmp_path):
    """Where the vocabulary says how, the shop's own column changes, guarded by who it was."""
    desk = desk_of(tmp_path, noun=WRITES, directory=DIRECTORY, **{"config/duly.yaml": OPEN})
    paid(desk, 1, agent_id=9)
    desk.run(MONDAY, TEN)
    assert agents(desk) == [1]
    assert desk.sent["sms"] == ["Lin has order 1"]


def test_a_lost_race_assigns_nobody(tmp_path, monkeypatch):
    """Somebody else has taken the order meanwhile: it stays theirs, and nobody is told otherwise."""
    desk = desk_of(tmp_path, noun=WRITES, directory=DIRECTORY, **{"config/duly.yaml": OPEN})
    paid(desk, 1, agent_id=9)
    writer = type(desk.engine.house.writers["shop"])
    late = writer.write

    def race(*args):
        desk.sql("update orders set agent_id = 8")
        return late(*args)

    monkeypatch.setattr(writer, "write", race)
    desk.run(MONDAY, TEN)
    assert (agents(desk), who(desk, 1), desk.sent["sms"]) == ([8], [None], [])
    assert reasons(desk, 1, "rejected") == ["assignee: the record is no longer as it was, so nothing was written"]


def test_the_cases_own_assignee_comes_first(tmp_path):
    """After an assignment “assignee” is whom the step chose, whatever the record says, and whoever is in charge."""
    steps = (
        ASSIGN,
        "after: 2h, escalate: supervisor of sales, by: chat, text: hello",
        "after: 3h, tell: assignee, by: email, text: hello",
    )
    desk = desk_of(tmp_path, *steps, directory=DIRECTORY, **{"notifications/escalated.j2": "{{ handed_to }}"})
    paid(desk, 1, agent_id=9)
    desk.run(MONDAY, MONDAY + 3 * HOUR)
    assert desk.sent["email"] == ["Lin: order 1"]
    assert desk.cases(1)[0].in_charge == "zhou"


def test_leavers_are_known_as_facts(tmp_path):
    """A step may be for records whose assignee has left, or is on leave, as the directory says."""
    leavers = MANY.replace("teams:\n", "  old: {name: Old, left: 2024-02-01, ids: {shop: 9}}\nteams:\n")
    away = "after: 2h, if: [assignee on leave], tell: supervisor of sales, by: chat, text: hello"
    desk = desk_of(tmp_path, ASSIGN.replace("1h", "1h, if: [assignee gone]"), away, directory=leavers)
    for id, agent in ((1, 1), (2, 9), (3, 77), (4, 5), (5, None)):
        paid(desk, id, agent_id=agent)
    desk.run(MONDAY, MONDAY + 3 * HOUR)
    assert [name is not None for name in who(desk, 1, 2, 3, 4, 5)] == [False, True, True, False, False]
    for id in (6, 7):
        paid(desk, id, "2024-03-05 09:00:00", agent_id=5 if id == 6 else 1)
    desk.run(MONDAY + 24 * HOUR, MONDAY + 26 * HOUR)
    assert desk.sent["chat"] == ["Zhou: order 6"]


def test_examples_know_assignments_and_leavers(tmp_path):
    """A rule's examples may say that the assignee is gone, and expect the assignment."""
    more = (
        "examples:\n  - name: left behind\n    order: {paid_at: Mon 10:00, assignee gone: yes}\n"
        "    expect: [Mon 11:00 sales]\n  - name: in good hands\n    order: {paid_at: Mon 10:00}\n    expect: []\n"
    )
    desk = desk_of(tmp_path, ASSIGN.replace("1h", "1h, if: [assignee gone]"), more=more)
    plugins = load_plugins([SpokenPlugin()])
    snapshot, _ = load_workspace(desk.home, plugins.actions, plugins.channels)
    assert [result.problem for result in run_examples(snapshot.rules["r"], snapshot, plugins)] == [None, None]


def test_a_server_keeps_assignments_as_a_file_does(tmp_path, postgresql_url):
    """On a ledger on a server, too, work is shared out evenly."""
    files = {"config/directory.yaml": MANY, "config/vocabulary/orders.yaml": NEEDS, **YOURS}
    desk = Desk(tmp_path, {"r": rule(ASSIGN)}, files=files, ledger=postgresql_url)
    desk.start(MONDAY)
    desk.run(MONDAY, MONDAY)
    for id in (1, 2, 3):
        paid(desk, id, agent_id=None)
    desk.run(MONDAY, TEN)
    assert sorted(map(str, who(desk, 1, 2, 3))) == ["lin", "mei", "sun"]
