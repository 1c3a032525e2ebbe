"""Roundups: what they find, who hears, and at which slot."""

import datetime as dt

import pytest

from duly.ledger import checks
from engine.desk import Desk, at

MEASURES = """\
teams: {department: o.name}
measures:
  placed: {count: yes, on: placed_at}
  sent: {count: shipped, on: placed_at}
  done: {share: sent / placed, places: 2}
  worth: {sum: amount, on: placed_at}
  usual: {average: amount, on: placed_at}
"""
WORDS = "{{ rule }}{% if group %} for {{ group }}{% endif %}, as of {{ as_of|time }}\n{{ report }}"
TEAMS = """\
  care: {members: [lin], leader: lin, manager: zhou, shifts: {day: workdays}, ids: {shop: [CARE]}}
"""


@pytest.fixture
def desk(tmp_path):
    """Give what makes a desk with one roundup, and starts it on Monday 2024-03-04 at 08:00."""
    from engine.desk import DIRECTORY, ORDERS

    def start(roundup, head="clock: placed_at\ncheck: daily 18:00\n", ledger="", **files):
        rule = f"rule: The day\nowner: sales\nwatch: orders\n{head}roundup: {roundup}\n"
        made = Desk(
            tmp_path,
            {"r": rule, **files},
            files={
                "config/vocabulary/orders.yaml": ORDERS + MEASURES,
                "config/directory.yaml": DIRECTORY + TEAMS,
                "notifications/duly/report.j2": WORDS,
            },
            ledger=ledger,
        )
        made.start(at("2024-03-04 08:00"))
        return made

    return start


def mails(desk):
    """Give every mail that was sent, as (to, first line, the rest)."""
    return [(m.to, *m.text.partition("\n")[::2]) for m in desk.channel("email").sent]


def days(desk, count, begin="2024-03-04 08:00"):
    """Run for so many days."""
    desk.run(at(begin), at(begin) + dt.timedelta(days=count))


def test_the_list_of_each_day_goes_out_at_its_slot(desk):
    """A list holds what came in since the last slot, in order of its clock, and says of when it is."""
    desk = desk("{tell: manager of sales, by: email, period: since last, list: [order, customer, placed_at]}")
    desk.order(1, name="Li", placed_at="2024-03-04 17:59")
    desk.order(2, name="Kim", placed_at="2024-03-04 09:00")
    desk.order(3, name="Old", placed_at="2024-03-03 17:59")
    desk.order(4, name="Next", placed_at="2024-03-04 18:00")
    days(desk, 2)
    assert mails(desk) == [
        (
            "wang@shop.example",
            "The day, as of 4 Mar 18:00",
            "The day\norder · customer · placed_at\n2 · Kim · 2024-03-04 09:00\n1 · Li · 2024-03-04 17:59\nΣ 2",
        ),
        (
            "wang@shop.example",
            "The day, as of 5 Mar 18:00",
            "The day\norder · customer · placed_at\n4 · Next · 2024-03-04 18:00\nΣ 1",
        ),
    ]


def test_a_roundup_tells_nothing_as_it_goes_live(desk):
    """A new rule waits for its first slot: yesterday's is nobody's business."""
    desk = desk("{tell: owner, by: email, list: [order]}")
    desk.order(1, placed_at="2024-03-04 07:00")
    desk.run(at("2024-03-04 08:00"), at("2024-03-04 17:59"))
    assert mails(desk) == []


def test_figures_per_group_with_their_whole(desk):
    """Counts, sums, averages and shares come per group and over all; the share of the whole is no mean of shares."""
    desk = desk("{tell: owner, by: email, period: month, measure: [placed, sent, done, worth, usual], per: customer}")
    desk.order(1, name="Kim", amount=10, placed_at="2024-03-01 00:00", shipped_at="2024-03-02 09:00")
    desk.order(2, name="Kim", amount=0.1, placed_at="2024-03-04 09:00")
    desk.order(3, name="Kim", amount=0.2, placed_at="2024-03-04 09:00")
    desk.order(4, name="Li", amount=2000, placed_at="2024-03-04 10:00", shipped_at="2024-03-04 11:00")
    desk.order(5, name="Old", amount=7, placed_at="2024-02-29 23:59")
    days(desk, 1)
    assert mails(desk)[0][2] == (
        "The day\n"
        "Kim: placed 3, sent 1, done 33.33 %, worth 10.3, usual 3.4\n"
        "Li: placed 1, sent 1, done 100.00 %, worth 2,000, usual 2,000.0\n"
        "Σ: placed 4, sent 2, done 50.00 %, worth 2,010.3, usual 502.6"
    )


def test_the_completion_rate_of_an_estate(desk):
    """1,294 of 1,537 are 84.19 %, as one estate's half year had it, whatever the categories."""
    desk = desk(
        "{tell: owner, by: email, period: half year, measure: [placed, sent, done], per: customer}",
        head="except: [cancelled]\nclock: placed_at\ncheck: last workday of month 17:00\n",
    )
    kinds = ("leak", "plumbing", "electric")
    rows = [
        {
            "id": number,
            "name": kinds[number % 3],
            "placed_at": f"2024-0{1 + number % 3}-15 09:00",
            "shipped_at": "2024-03-20 09:00" if number <= 1294 else None,
            "cancelled": number > 1537,
        }
        for number in range(1, 1601)
    ]
    with desk.shop.begin() as connection:
        insert = "insert into orders (id, name, placed_at, shipped_at, cancelled) values (?, ?, ?, ?, ?)"
        connection.exec_driver_sql(insert, [tuple(row.values()) for row in rows])
    days(desk, 26)
    assert mails(desk)[0][1] == "The day, as of 29 Mar 17:00"
    assert mails(desk)[0][2].splitlines()[-1] == "Σ: placed 1,537, sent 1,294, done 84.19 %"


def test_each_department_hears_of_its_own(desk):
    """Split by a team, each report goes to that team's people, and the two spellings of one team are one part."""
    desk = desk("{tell: manager of department, each: department, by: email, period: day, list: [order]}")
    desk.order(1, name="sales", placed_at="2024-03-04 09:00")
    desk.order(2, name="care", placed_at="2024-03-04 10:00")
    desk.order(3, name="CARE", placed_at="2024-03-04 11:00")
    days(desk, 1)
    assert sorted(mails(desk)) == [
        ("wang@shop.example", "The day for sales, as of 4 Mar 18:00", "The day\norder\n1\nΣ 1"),
        ("zhou@shop.example", "The day for care, as of 4 Mar 18:00", "The day\norder\n2\n3\nΣ 2"),
    ]


def test_a_department_that_nobody_knows_is_the_owners(desk):
    """What belongs to no team of the directory is told to the rule's owner, never dropped."""
    desk = desk("{tell: manager of department, each: department, by: email, period: day, list: [order]}")
    desk.order(1, name="moon", placed_at="2024-03-04 09:00")
    desk.order(2, name=None, placed_at="2024-03-04 09:00")
    days(desk, 1)
    assert sorted(mails(desk)) == [
        ("lin@shop.example", "The day for moon, as of 4 Mar 18:00", "The day\norder\n1\nΣ 1"),
        ("lin@shop.example", "The day, as of 4 Mar 18:00", "The day\norder\n2\nΣ 1"),
    ]


def test_who_is_told_twice_hears_once(desk):
    """One recipient gets one report, whatever they are told it as."""
    desk = desk("{tell: [wang, manager of sales, supervisor of sales], by: email, list: [order]}")
    desk.order(1, placed_at="2024-03-04 09:00")
    days(desk, 1)
    assert sorted(to for to, *_ in mails(desk)) == ["wang@shop.example", "zhou@shop.example"]


@pytest.mark.parametrize(("empty", "sent"), [("send", 1), ("skip", 0)])
def test_nothing_to_report(desk, empty, sent):
    """With nothing in it a report is sent, or skipped with a line in the journal: as the rule says."""
    desk = desk(f"{{tell: owner, by: email, period: day, list: [order], empty: {empty}}}")
    days(desk, 1)
    assert len(mails(desk)) == sent
    said = [entry.event for entry in desk.rule_journal()]
    assert ("nothing" in said) == (not sent)


def test_nothing_for_any_department_is_told_to_the_owner(desk):
    """Split by a team, a day without anything is still told: to the rule's owner."""
    desk = desk("{tell: manager of department, each: department, by: email, period: day, list: [order]}")
    days(desk, 1)
    assert [to for to, *_ in mails(desk)] == ["lin@shop.example"]


def test_after_an_outage_the_latest_slot_tells_of_all_since_the_last(desk):
    """Missed slots are not made up for one by one; `since last` goes back to the last report that was sent."""
    desk = desk("{tell: owner, by: email, period: since last, list: [order]}")
    desk.order(1, placed_at="2024-03-04 09:00")
    days(desk, 1)
    desk.order(2, placed_at="2024-03-05 09:00")
    desk.order(3, placed_at="2024-03-07 09:00")
    desk.order(4, placed_at="2024-03-07 19:00")
    desk.start(at("2024-03-08 09:00"))
    days(desk, 0, begin="2024-03-08 09:00")
    assert mails(desk) == [("lin@shop.example", "The day, as of 8 Mar 09:00", "The day\norder\n2\n3\nΣ 2")]


def test_a_source_that_is_down_loses_nothing(desk):
    """The check fails and is tried again every minute; when the source is back the report of that slot goes out."""
    desk = desk("{tell: owner, by: email, period: day, list: [order]}")
    desk.order(1, placed_at="2024-03-04 09:00")
    desk.sql("alter table orders rename to away")
    desk.run(at("2024-03-04 17:00"), at("2024-03-04 18:05"))
    assert mails(desk) == []
    assert {entry.event for entry in desk.rule_journal()} >= {"check failed"}
    desk.sql("alter table away rename to orders")
    desk.run(at("2024-03-04 18:05"), at("2024-03-04 18:10"))
    assert mails(desk)[0][1:] == ("The day, as of 4 Mar 18:06", "The day\norder\n1\nΣ 1")


def test_a_report_is_written_once(desk):
    """A slot that was sent is not sent again: not by a second call, not after a restart."""
    desk = desk("{tell: owner, by: email, list: [order]}")
    desk.order(1, placed_at="2024-03-04 09:00")
    desk.run(at("2024-03-04 17:00"), at("2024-03-04 18:30"))
    assert len(mails(desk)) == 1
    desk.start(at("2024-03-04 18:40"))
    desk.run(at("2024-03-04 18:40"), at("2024-03-04 19:00"))
    assert mails(desk) == []
    with desk.ledger.read() as connection:
        assert checks.latest(connection, desk.rule_id()).state == "done"


def test_those_on_duty_hear_when_their_shift_begins(desk):
    """With nobody on duty the report waits for the next shift, and still says of when it is."""
    desk = desk("{tell: sales on duty, by: email, list: [order]}", head="check: daily 20:00\n")
    desk.order(1, placed_at="2024-03-04 09:00")
    desk.run(at("2024-03-04 19:00"), at("2024-03-05 08:59"))
    assert mails(desk) == []
    desk.run(at("2024-03-05 08:59"), at("2024-03-05 09:00"))
    assert [mail[:2] for mail in mails(desk)] == [("lin@shop.example", "The day, as of 4 Mar 20:00")]


def test_sections_ask_for_nouns_of_their_own(desk):
    """Each section has its own noun, conditions and title; those without `watch` keep the rule's conditions."""
    desk = desk(
        "\n  tell: owner\n  by: email\n  period: day\n  sections:\n"
        "    - {title: Unpaid, where: [not paid], list: [order]}\n"
        "    - {title: All, watch: orders, clock: placed_at, measure: [placed]}\n"
        "    - {title: Ours, watch: cases, where: [open, late], list: [rule, record, who, due], sort: due}\n",
        head="except: [cancelled]\nclock: placed_at\ncheck: daily 18:00\n",
        ladder="rule: Pay soon\nowner: sales\nwatch: orders\nwhere: [not paid]\ndone: [shipped]\nclock: placed_at\n"
        "due: 2h\ncheck: every 10m\nsteps:\n  - {late: at once, tell: assignee, by: sms, text: hello}\n",
    )
    desk.order(1, placed_at="2024-03-04 09:00")
    desk.order(2, placed_at="2024-03-04 09:00", paid_at="2024-03-04 10:00")
    desk.order(3, placed_at="2024-03-04 09:00", cancelled=1)
    days(desk, 1)
    assert [p.render() for p in desk.problems.all] == []
    assert mails(desk)[0][2] == (
        "Unpaid\norder\n1\nΣ 1\n\n"
        "All\nplaced 3\n\n"
        "Ours\nrule · record · who · due\n"
        "Pay soon · 1 · Lin · 2024-03-04 11:00\nPay soon · 3 · Lin · 2024-03-04 11:00\nΣ 2"
    )


def test_a_time_that_cannot_be_read_is_told_of(desk):
    """A record whose time cannot be read is in no period; the journal says that it may be missing."""
    desk = desk("{tell: owner, by: email, period: day, list: [order]}")
    desk.order(1, placed_at="2024-03-04 late")
    days(desk, 1)
    assert [entry.detail for entry in desk.rule_journal() if entry.event == "unreadable"] == [
        "1 may be missing, for they have a time that cannot be read: 1"
    ]
