"""``duly why``: the whole story of one record, in sentences."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from acceptance.command import duly
from acceptance.shop import NOON, RULE, shop
from duly.cli import main
from engine.desk import DIRECTORY, ORDERS, at

MINUTE = dt.timedelta(minutes=1)
LINES = """\
noun: lines
one: line
source: shop
from: order_lines l
key: [l.order_id, l.part]
times: {paid_at: l.paid_at}
facts: {paid: l.paid_at is not null}
fields: {order: l.order_id}
people: {customer: {name: l.name, phone: l.phone}}
"""


@pytest.fixture
def desk(tmp_path):
    """Give a shop whose daemon has worked from noon to three, with one order that went up the ladder."""
    desk = shop(tmp_path)
    desk.start(NOON)
    desk.run(NOON, NOON)
    desk.order(7, paid_at="2024-03-04 12:01:00")
    desk.order(8)
    desk.run(NOON + MINUTE, NOON + 180 * MINUTE)
    return desk


def tell(desk, capsys, *arguments: str) -> tuple[int, list[str]]:
    """Ask for a story in this process; return the exit code and what was said, a line each, its spaces made even."""
    code = main.run(["why", *arguments, "--home", str(desk.home)])
    said = capsys.readouterr()
    assert said.err == ""
    return code, [" ".join(line.split()) for line in said.out.splitlines()]


def test_the_story_of_a_case_is_told_in_order(desk):
    """Opened, told, handed up: each line has its local time and says what happened, then what is to come."""
    done = duly("why", "late", "7", "--home", desk.home)
    assert (done.code, done.err) == (0, "")
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    assert lines[0] == "order 7: Paid orders ship within two hours (late)"
    assert lines[2:11] == [
        "Case 1, counting from Mon 04 Mar 2024 12:01, due Mon 04 Mar 2024 14:01: open",
        "Mon 04 Mar 2024 12:10 a case was opened: its clock is 2024-03-04 12:01:00",
        "Mon 04 Mar 2024 12:31 step fired: after 30m: tell sales on duty",
        "Mon 04 Mar 2024 12:31 Lin (sales on duty) was told by sms: “Lin: order 7”",
        "Mon 04 Mar 2024 14:01 step fired: late at once: escalate supervisor of sales",
        "Mon 04 Mar 2024 14:01 handed over: Zhou has it now",
        "Mon 04 Mar 2024 14:01 “escalate” was done for supervisor of sales",
        "Mon 04 Mar 2024 14:01 Zhou (supervisor of sales) was told by sms: “Zhou: order 7”",
        "Mon 04 Mar 2024 14:01 Lin (supervisor of sales) was told by sms: “Lin: Zhou has order 7 now”",
    ]
    to_come = "to come unanswered 4 working hours: tell manager of sales, overdue since Tue 05 Mar 2024 09:01"
    assert to_come in " ".join(lines)
    assert "The rule was last checked Mon 04 Mar 2024 15:00: 1 matched, 0 opened, 0 closed." in lines
    assert "where paid true" in lines
    assert "done shipped false" in lines


def test_conditions_are_told_as_they_were_recorded_and_asked_only_with_now(desk, capsys):
    """Why something happened is what was so then: today's data changes none of it, and stands beside it with --now."""
    desk.sql("update orders set paid_at = null, cancelled = 1 where id = 7")
    _, lines = tell(desk, capsys, "late", "7")
    recorded = lines[lines.index("What was so when Duly last looked, Mon 04 Mar 2024 14:01:") + 1 :][:3]
    assert recorded == ["where paid true", "except cancelled false", "done shipped false"]
    assert not any(line.startswith("What its source says now") for line in lines)
    _, lines = tell(desk, capsys, "late", "7", "--now")
    assert lines[-4:] == [
        "where paid false",
        "except cancelled true",
        "done shipped false",
        "It does not match: not paid, cancelled.",
    ]


def test_a_closing_tells_which_conditions_ended_it(desk, capsys):
    """What a check found as it closed the case is the last that was recorded."""
    desk.sql("update orders set paid_at = null, cancelled = 1 where id = 7")
    desk.run(NOON + 181 * MINUTE, NOON + 190 * MINUTE)
    _, lines = tell(desk, capsys, "late", "7")
    assert "Mon 04 Mar 2024 15:10 closed: no longer concerned: not paid, cancelled" in lines
    recorded = lines[lines.index("What was so when Duly last looked, Mon 04 Mar 2024 15:10:") + 1 :][:3]
    assert recorded == ["where paid false", "except cancelled true", "done shipped false"]


def test_the_stretches_that_counted_are_told_from_clock_to_due(tmp_path, capsys):
    """Nine working hours from Friday afternoon: what counted on each day, and the days that were closed."""
    weekdays = DIRECTORY.replace("hours: daily 09:00-18:00", "hours: workdays 09:00-17:00")
    rule = RULE.replace("due: 2h", "due: 9 working hours")
    desk = shop(tmp_path, rule, **{"config/directory.yaml": weekdays})
    desk.start(NOON)
    desk.run(NOON, NOON)
    desk.order(1, paid_at="2024-03-29 10:00:00")  # a Friday; the Thursday after is Tomb Sweeping Day
    desk.run(at("2024-03-29 10:00"), at("2024-03-29 12:00"))
    _, lines = tell(desk, capsys, "late", "1")
    begin = lines.index("How its 9 working hours ran to Mon 01 Apr 2024 11:00:") + 1
    assert lines[begin : begin + 3] == [
        "Fri 29 Mar 10:00–17:00 counted 7 h",
        "Sat 30 Mar – Sun 31 Mar closed",
        "Mon 01 Apr 09:00–11:00 counted 2 h",
    ]


def test_real_hours_count_in_one_stretch(desk, capsys):
    """Two hours from one minute past noon are two hours."""
    _, lines = tell(desk, capsys, "late", "7")
    assert lines[lines.index("How its 2h ran to Mon 04 Mar 2024 14:01:") + 1] == "Mon 04 Mar 12:01–14:01 counted 2 h"


def test_a_clock_that_stands_still_says_for_what_and_what_it_gave_back(tmp_path, capsys):
    """While it waits, no step has a moment; afterwards the pause is among the stretches, and the due time has moved."""
    rule = RULE.replace("due: 2h", "due: 2h\npause: [on hold]")
    on_hold = ORDERS.replace("  cancelled: o.cancelled", "  on hold: o.amount = 0\n  cancelled: o.cancelled")
    desk = shop(tmp_path, rule, **{"config/vocabulary/orders.yaml": on_hold})
    desk.start(NOON)
    desk.order(7, paid_at="2024-03-04 12:00:00")
    desk.run(NOON, NOON + 35 * MINUTE)
    desk.sql("update orders set amount = 0")
    desk.run(NOON + 40 * MINUTE, NOON + 65 * MINUTE)
    _, lines = tell(desk, capsys, "late", "7")
    assert "Mon 04 Mar 2024 12:40 its clock stands still: on hold, since 2024-03-04 04:40 UTC" in lines
    assert "to come late at once: escalate supervisor of sales, once its clock runs on: on hold" in lines
    desk.sql("update orders set amount = 1")
    desk.run(NOON + 70 * MINUTE, NOON + 70 * MINUTE)
    _, lines = tell(desk, capsys, "late", "7")
    assert "Mon 04 Mar 2024 13:10 its clock runs on: no longer on hold, after 30m" in lines
    begin = lines.index("How its 2h ran to Mon 04 Mar 2024 14:30:") + 1
    assert lines[begin : begin + 3] == [
        "Mon 04 Mar 12:00–12:40 counted 40 min",
        "Mon 04 Mar 12:40–13:10 stood still",
        "Mon 04 Mar 13:10–14:30 counted 1 h 20 min",
    ]


def test_a_closed_case_says_why_it_was_closed(desk, capsys):
    """A case ends with its reason, and nothing is to come."""
    desk.sql("update orders set shipped_at = '2024-03-04 15:05:00' where id = 7")
    desk.run(NOON + 181 * MINUTE, NOON + 190 * MINUTE)
    _, lines = tell(desk, capsys, "late", "7", "--now")
    assert "Mon 04 Mar 2024 15:10 closed as done: shipped" in lines
    assert lines[lines.index("What was so when Duly last looked, Mon 04 Mar 2024 15:10:") + 3] == "done shipped true"
    assert "It is done: shipped." in lines
    assert not any(line.startswith("to come") for line in lines)


def test_a_held_case_says_who_decides(tmp_path, capsys):
    """What is held says why, and what lets it go."""
    desk = shop(tmp_path)
    desk.order(1, paid_at="2024-03-04 09:00:00")
    desk.start(NOON)
    desk.run(NOON, NOON)
    _, lines = tell(desk, capsys, "late", "1")
    assert "Case 1, counting from Mon 04 Mar 2024 09:00, due Mon 04 Mar 2024 11:00: open, held" in lines
    assert "to come nothing, until “duly release late” decides: it was late before the rule went live" in lines


def test_a_record_that_never_was_a_case_is_held_against_the_conditions(desk, capsys):
    """Where there is no story, what the source says now tells why: each condition, and what follows."""
    code, lines = tell(desk, capsys, "late", "8")
    assert code == 0
    assert lines[2] == "No case was ever opened for order 8."
    assert "where paid false" in lines
    assert lines[-1] == "It does not match: not paid."


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"paid_at": "2024-03-04 12:00:00", "cancelled": 1}, "It does not match: cancelled."),
        ({"paid_at": "2024-03-04 12:00:00", "shipped_at": "2024-03-04 12:30:00"}, "It is done: shipped."),
        ({"paid_at": "2024-03-04 12:00:00"}, "“reach” in config/duly.yaml is 90d."),
        ({"paid_at": "2099-03-04 12:00:00"}, "a case is opened at the last check before."),
    ],
)
def test_each_reason_for_no_case_has_its_sentence(tmp_path, capsys, columns, said):
    """Excluded, done, too old, still to come: the last sentence says which."""
    desk = shop(tmp_path)
    desk.order(1, **columns)
    _, lines = tell(desk, capsys, "late", "1")
    assert " ".join(lines).endswith(said)
    assert "The rule has never been checked: is “duly run” at work?" in lines


def test_a_record_that_is_nowhere_ends_with_1(desk, capsys):
    """Neither the ledger nor the source knows it: that is said, with the exit code of a problem."""
    code, lines = tell(desk, capsys, "late", "404")
    assert code == 1
    assert lines[-1] == "The source “shop” has no order 404."


def test_the_story_is_told_though_the_source_is_down(desk, capsys):
    """What happened is in the ledger; that the source does not answer now is only a line."""
    desk.sql("alter table orders rename to sold")
    code, lines = tell(desk, capsys, "late", "7", "--now")
    assert code == 0
    assert "Mon 04 Mar 2024 14:01 handed over: Zhou has it now" in lines
    assert "Its source could not be asked: the source “shop” has no table “orders”" in " ".join(lines)


def test_the_story_is_told_though_the_rule_is_broken(desk, capsys):
    """A rule file with an error keeps its history, and its last good version is asked."""
    desk.write("rules/late.yaml", RULE.replace("[paid]", "[payd]"))
    code, lines = tell(desk, capsys, "late", "7")
    assert code == 0
    assert "where paid true" in lines


def test_keys_of_several_parts_are_written_with_slashes(tmp_path, capsys):
    """A composite key is written as it is shown; another number of parts is a slip."""
    rule = "rule: L\nowner: sales\nwatch: lines\nwhere: [paid]\ncheck: every 10m\nsteps:\n"
    rule += "  - {after: 30m, tell: sales on duty, text: hello}\n"
    desk = shop(tmp_path, rule, **{"config/vocabulary/lines.yaml": LINES})
    desk.sql("create table order_lines (order_id integer, part text, name text, phone text, paid_at text)")
    desk.start(NOON)
    desk.run(NOON, NOON)
    desk.sql("insert into order_lines values (7, '2', 'Li', '+861', '2024-03-04 12:01:00')")
    desk.run(NOON + MINUTE, NOON + 40 * MINUTE)
    code, lines = tell(desk, capsys, "late", "7/2")
    assert code == 0
    assert lines[0] == "line 7/2: L (late)"
    assert main.run(["why", "late", "7", "--home", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "“7” is no key of lines: write 2 parts, a/b\n"


def test_programs_get_the_story_as_json(desk, capsys):
    """Cases with their journal and deliveries, the last check, and what the source says, with ISO times."""
    assert main.run(["why", "late", "7", "--now", "--json", "--home", str(desk.home)]) == 0
    story = json.loads(capsys.readouterr().out)
    (case,) = story["cases"]
    assert (story["key"], case["state"], case["due_at"]) == (7, "open", "2024-03-04T14:01:00+08:00")
    assert [entry["event"] for entry in case["journal"]][:3] == ["opened", "fired", "accepted"]
    assert {one["state"] for one in case["deliveries"]} == {"accepted"}
    assert case["to_come"][0]["at"] == "2024-03-05T09:01:00+08:00"
    assert case["due_account"] == [
        {"kind": "counted", "from": "2024-03-04T12:01:00+08:00", "to": "2024-03-04T14:01:00+08:00", "seconds": 7200}
    ]
    assert {"key": "done", "condition": "shipped", "holds": False} in case["recorded"]["conditions"]
    assert story["now"]["matches"] is True
    assert {"key": "where", "condition": "paid", "holds": True} in story["now"]["conditions"]


def test_a_clock_that_begins_as_it_is_seen_is_told_as_that(tmp_path, capsys):
    """Before any check has seen the record its clock is to begin; afterwards it has."""
    rule = RULE.replace("clock: paid_at\ndue: 2h", "clock: first seen").replace("late: at once", "after: 2h")
    desk = shop(tmp_path, rule)
    desk.order(7, paid_at="2024-03-04 12:01:00")
    desk.start(NOON)
    _, lines = tell(desk, capsys, "late", "7", "--now")
    assert any(line.startswith("It matches; its clock begins with the next check, ") for line in lines)
    desk.run(NOON, NOON + 20 * MINUTE)
    _, lines = tell(desk, capsys, "late", "7", "--now")
    assert "It matches, as it did when a check first saw it." in lines
