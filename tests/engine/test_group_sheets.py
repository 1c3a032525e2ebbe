"""The spreadsheet of a grouped message: the records that its lines tell of, a row each."""

from __future__ import annotations

import dataclasses
import datetime as dt
import io

import openpyxl
import pytest

import duly
from engine.desk import DIRECTORY, ORDERS, Desk
from engine.telling import HOUR, MINUTE, MONDAY, open_desk, outcome, paid, reasons, rule

TEN = MONDAY + HOUR
STEP = "after: 1h, tell: {}, group: yes, by: {}, text: list, attach: xlsx"
STAFF, CUSTOMER = STEP.format("supervisor of sales", "email"), STEP.format("customer", "sms")
HEADINGS = ["order", "customer", "amount", "due"]
DUE = dt.datetime.fromisoformat("2024-03-04 11:00")
ABROAD = DIRECTORY.replace("zhou@shop.example,", "zhou@shop.example, zone: Asia/Seoul,")


def desk_of(home, *steps: str, more: str = "due: 2h", **files: str) -> Desk:
    """Set up a desk whose steps tell how many orders there are."""
    return open_desk(home, *steps, more=more, **{"notifications/list.j2": "{{ count }} orders", **files})


def rows(message: duly.Message) -> list[list[object]]:
    """Read the only sheet of the only attachment."""
    (file,) = message.attachments
    (sheet,) = openpyxl.load_workbook(io.BytesIO(file.data)).worksheets
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


def test_the_lines_are_rows_at_the_desks_time(tmp_path):
    """A mail to somebody abroad lists the fields and the due time of each order, as the desk's clock has it."""
    desk = desk_of(tmp_path, STAFF, **{"config/directory.yaml": ABROAD})
    paid(desk, 1, name="=1+1", amount=12.5)
    paid(desk, 2, name=None)
    desk.run(MONDAY, TEN)
    (message,) = desk.channel("email").sent
    assert (message.text, message.html) == ("2 orders", "")
    assert [one.name for one in message.attachments] == ["r-2024-03-04.xlsx"]
    assert rows(message) == [HEADINGS, [1, "=1+1", 12.5, DUE], [2, "–", 10, DUE]]
    (file,) = message.attachments
    assert openpyxl.load_workbook(io.BytesIO(file.data)).worksheets[0]["B2"].data_type == "s"


def test_a_rule_without_due_has_no_column_for_it(tmp_path):
    """Where nothing is due, there is no column full of dashes."""
    desk = desk_of(tmp_path, STAFF, more="")
    paid(desk, 1)
    desk.run(MONDAY, TEN)
    assert rows(desk.channel("email").sent[0]) == [HEADINGS[:-1], [1, "Li", 10]]


def test_an_id_of_the_staff_is_their_name(tmp_path):
    """A field that holds somebody of the directory names them, as a report does."""
    orders = ORDERS.replace("customer: o.name", "agent: {staff: o.agent_id}")
    desk = desk_of(tmp_path, STAFF, **{"config/vocabulary/orders.yaml": orders, "notifications/hello.j2": "hello"})
    paid(desk, 1, agent_id=1)
    desk.run(MONDAY, TEN)
    assert rows(desk.channel("email").sent[0])[1] == [1, "Lin", 10, DUE]


def test_a_line_that_drops_out_is_not_listed(tmp_path):
    """An order shipped while the message waited for the morning stands in neither the words nor the spreadsheet."""
    desk = desk_of(tmp_path, CUSTOMER)
    for id in (1, 2, 3):
        paid(desk, id, "2024-03-04 21:00:00", phone="+8613955555555")
    desk.run(MONDAY, MONDAY + 14 * HOUR)
    desk.sql("update orders set shipped_at = '2024-03-05 08:59:59' where id = 2")
    desk.engine.sender.send("sms", MONDAY + 24 * HOUR)
    (message,) = desk.channel("sms").sent
    assert [row[0] for row in rows(message)] == ["order", 1, 3]


def test_a_line_that_a_limit_keeps_back_is_not_listed(tmp_path):
    """What is held back as the message is marked goes out of the spreadsheet that was made of it."""
    first = "after: 30m, tell: customer, by: sms, text: hello, if: [dear]"
    dear = ORDERS.replace("cancelled: o.cancelled = 1", "cancelled: o.cancelled = 1\n  dear: o.amount > 50")
    limits = "due: 2h\nlimits: {each order: 1 messages}"
    desk = desk_of(tmp_path, first, CUSTOMER, more=limits, **{"config/vocabulary/orders.yaml": dear})
    paid(desk, 1, amount=100, phone="+8613955555555")
    paid(desk, 2, phone="+8613955555555")
    desk.run(MONDAY, TEN)
    assert [row[0] for row in rows(desk.channel("sms").sent[-1])] == ["order", 2]


@pytest.mark.parametrize("ledger", ["a file", "a server"])
def test_sent_again_it_is_the_same_to_the_byte(tmp_path, request, ledger):
    """After a crash the frozen words go out with the frozen spreadsheet, whatever shop and directory say by then."""
    url = request.getfixturevalue("postgresql_url") if ledger == "a server" else ""
    files = {"notifications/list.j2": "{{ count }} orders"}
    desk = Desk(tmp_path, {"r": rule(STAFF, more="due: 2h")}, files=files, ledger=url)
    desk.start(MONDAY)
    desk.run(MONDAY, MONDAY)
    channel = desk.channel("email")
    channel.idempotent = True
    channel.answers = [RuntimeError("the line broke")]
    paid(desk, 1)
    paid(desk, 2)
    desk.run(MONDAY, TEN)
    desk.sql("update orders set name = 'Wu', amount = 99, shipped_at = '2024-03-04 10:00:01'")
    desk.write("config/directory.yaml", DIRECTORY.replace("zone: Asia/Shanghai", "zone: Asia/Tokyo"))
    desk.start(TEN)
    again = desk.channel("email")
    again.idempotent = True
    desk.run(TEN, TEN + HOUR)
    (first,), (second,) = channel.sent, again.sent
    assert first.attachments
    assert first == dataclasses.replace(second, at=first.at)


def test_a_retry_lists_anew(tmp_path):
    """What has not left is put together again, and its spreadsheet too."""
    desk = desk_of(tmp_path, STAFF)
    channel = desk.channel("email")
    channel.answers = [duly.Retry("busy")]
    paid(desk, 1)
    paid(desk, 2)
    desk.run(MONDAY, TEN)
    desk.sql("update orders set shipped_at = '2024-03-04 10:00:10' where id = 1")
    desk.run(TEN + MINUTE, TEN + 5 * MINUTE)
    assert [[row[0] for row in rows(each)] for each in channel.sent] == [["order", 1, 2], ["order", 2]]


def test_a_spreadsheet_that_cannot_be_made_keeps_its_group_waiting(tmp_path, monkeypatch):
    """A value that no spreadsheet takes holds up its own message, and the journal says so."""

    def broken(*_):
        raise OverflowError

    monkeypatch.setattr("duly.engine.sheet.sheet_of", broken)
    desk = desk_of(tmp_path, STAFF)
    paid(desk, 1)
    desk.run(MONDAY, TEN)
    assert reasons(desk, 1, "failed") == ["OverflowError as its spreadsheet was made"]
    assert outcome(desk, 1) == [("email", "waiting")]


def test_an_escalation_lists_as_well(tmp_path):
    """The manager's list has its spreadsheet; what whoever had the order hears has none."""
    step = "after: 1h, escalate: supervisor of sales, group: yes, by: email, text: list, attach: xlsx"
    desk = desk_of(tmp_path, step, **{"notifications/escalated.j2": "{{ key }} went to {{ handed_to }}"})
    paid(desk, 1)
    desk.run(MONDAY, TEN)
    assert {one.name: len(one.attachments) for one in desk.channel("email").sent} == {"Lin": 0, "Zhou": 1}
