"""Records whose key has several parts, from the check to the release; and departments spelled in two ways."""

import pytest

from duly.engine.examples import run_examples
from duly.engine.plugins import load_plugins
from duly.engine.release import Overdue, release
from duly.engine.versions import Versions
from duly.ledger import cases, journal, outbox, versions
from engine.desk import DIRECTORY, Desk, SpokenPlugin, at

LINES = """\
noun: lines
one: line
source: shop
from: order_lines l
key: [l.order_id, l.part]
times: {paid_at: l.paid_at}
facts:
  paid: {sql: l.paid_at is not null, at: l.paid_at}
  sent: {sql: l.sent_at is not null, at: l.sent_at}
fields: {order: l.order_id, part: l.part}
people: {customer: {name: l.name, phone: l.phone}}
teams: {department: l.department}
"""
RULE = """\
rule: L
owner: sales
watch: lines
where: [paid]
done: [sent]
clock: paid_at
check: every 10m
steps:
  - {after: 30m, tell: customer, by: sms, text: line}
  - {after: 60m, tell: manager of department, by: sms, text: line}
examples:
  - name: the customer hears, then the department
    line: {paid_at: Mon 12:00}
    expect: [Mon 12:30 customer, Mon 13:00 manager of department]
"""
NOON = at("2024-03-04 12:00")
TEAMS = """
  house: {members: [op], manager: op, shifts: {day: daily}, ids: {shop: [D4, d-4]}}
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def desk(request, tmp_path):
    """Give a desk with order lines, on each kind of ledger."""
    url = f"sqlite:///{tmp_path}/l.db" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    files = {
        "config/vocabulary/lines.yaml": LINES,
        "notifications/line.j2": "{{ order }}/{{ part }}",
        "config/directory.yaml": DIRECTORY.rstrip("\n") + TEAMS,
    }
    desk = Desk(tmp_path, {"r": RULE}, files=files, ledger=url)
    desk.sql(
        "create table order_lines (order_id integer, part text, name text, phone text, paid_at text, sent_at text,"
        " department text)"
    )
    yield desk
    desk.ledger.close()


def put(desk, order, part, paid_at="2024-03-04 12:05:00", department="D4"):
    """Put a line of an order into the service database."""
    desk.sql(
        "insert into order_lines values (:order, :part, 'Li', '+861', :paid_at, null, :department)",
        order=order,
        part=part,
        paid_at=paid_at,
        department=department,
    )


def stories(desk):
    """Tell by key what state each case is in, and what was sent of it."""
    found = {}
    with desk.ledger.read() as connection:
        for key in (b'[1,"a"]', b'[1,"b"]', b'[2,"a"]'):
            for case in cases.of_key(connection, desk.rule_id(), key):
                told = [one.body for one in outbox.of_case(connection, case.id) if one.state == "accepted"]
                found[key.decode()] = (case.state, told)
    return found


def test_each_part_counts_from_the_check_to_the_closing(desk):
    """Lines of one order, and like parts of two orders, are followed apart; one that is sent closes alone."""
    desk.start(NOON)
    desk.run(NOON, NOON)
    for order, part in ((1, "a"), (1, "b"), (2, "a")):
        put(desk, order, part)
    desk.run(at("2024-03-04 12:01"), at("2024-03-04 12:34"))
    desk.sql("update order_lines set sent_at = '2024-03-04 12:34:00' where order_id = 1 and part = 'b'")
    desk.run(at("2024-03-04 12:34"), at("2024-03-04 12:50"))
    assert stories(desk) == {
        '[1,"a"]': ("open", ["1/a"]),
        '[1,"b"]': ("done", []),
        '[2,"a"]': ("open", ["2/a"]),
    }


def test_what_is_held_is_released(desk):
    """A composite key that was late when the rule went live is held, and goes on when a person says so."""
    put(desk, 1, "a", "2024-03-04 09:00:00")
    desk.start(NOON)
    desk.run(NOON, NOON)
    assert stories(desk) == {'[1,"a"]': ("open", [])}
    with desk.ledger.read() as connection:
        row = versions.by_path(connection, "r")
    assert (
        release(desk.ledger, Versions(desk.ledger, desk.engine.house.rules.snapshot), row, Overdue.SEND, NOON).cases
        == 1
    )
    desk.run(NOON, NOON)
    assert stories(desk) == {'[1,"a"]': ("open", ["1/a", "1/a"])}


def test_a_record_that_is_gone_closes_its_case(desk):
    """An open case that the check does not see is asked for by its whole key."""
    desk.start(NOON)
    desk.run(NOON, NOON)
    put(desk, 1, "a")
    put(desk, 1, "b")
    desk.run(at("2024-03-04 12:01"), at("2024-03-04 12:36"))
    desk.sql("delete from order_lines where part = 'a'")
    desk.run(at("2024-03-04 12:37"), at("2024-03-04 12:50"))
    assert {key: state for key, (state, _) in stories(desk).items()} == {'[1,"a"]': "gone", '[1,"b"]': "open"}


@pytest.mark.parametrize("spelled", ["D4", "d-4", "house"])
def test_a_department_may_be_spelled_otherwise_in_the_records(desk, spelled):
    """The directory's ids turn what the records say into a team; its own name serves too."""
    desk.start(NOON)
    desk.run(NOON, NOON)
    put(desk, 1, "a", department=spelled)
    desk.run(at("2024-03-04 12:01"), at("2024-03-04 13:10"))
    assert [message.name for message in desk.channel("sms").sent] == ["Li", "Op"]


def test_a_department_that_nobody_knows_is_never_silence(desk):
    """The rule's owner hears in its place, and the journal says whom that is instead of (law 13)."""
    desk.start(NOON)
    desk.run(NOON, NOON)
    put(desk, 1, "a", department="D9")
    desk.run(at("2024-03-04 12:01"), at("2024-03-04 13:10"))
    assert [message.name for message in desk.channel("sms").sent] == ["Li", "Lin"]
    with desk.ledger.read() as connection:
        (case,) = cases.of_key(connection, desk.rule_id(), b'[1,"a"]')
        fired = [entry.detail for entry in journal.of_case(connection, case.id) if entry.event == "fired"]
    assert fired[-1].endswith("nobody is manager of department, so Lin hears")


def test_an_example_speaks_of_a_line_and_its_department(desk):
    """A rule over a noun with a key of several parts proves itself like any other."""
    snapshot = desk.start(NOON).house.rules.snapshot
    (result,) = run_examples(snapshot.rules["r"], snapshot, load_plugins([SpokenPlugin()]))
    assert result.problem is None
