"""A calendar says so when its data ends: it never says “no holidays” (failure 40)."""

import datetime as dt

import pytest

from duly.rules.calendar_end import endings
from engine.desk import DIRECTORY, Desk, at

WORKING = """\
rule: R
owner: sales
watch: orders
where: [paid]
clock: paid_at
due: {due}
check: every 10m
steps:
  - {{late: at once, tell: supervisor of sales, text: hello}}
"""
NOTICE = """\
rule: N
owner: sales
watch: orders
where: [paid]
clock: next day of CN
check: daily 09:00
steps:
  - {before: 1d, at: 10:00, tell: customer, text: hello}
"""


def office(home, due):
    """Set up a desk that works on workdays."""
    directory = DIRECTORY.replace("hours: daily", "hours: workdays")
    return Desk(home, {"r": WORKING.format(due=due)}, files={"config/directory.yaml": directory})


def guesses(desk, key=1):
    """Collect what the journal of an order says of guesses."""
    return [entry.detail for entry in desk.story(key) if entry.event == "guessed"]


@pytest.mark.parametrize(
    ("today", "told"), [("2026-11-01", False), ("2026-11-02", True), ("2026-12-31", True), ("2027-06-01", True)]
)
def test_people_are_told_60_days_before_the_end(tmp_path, today, told):
    """Each calendar in use is named where the directory, or a rule, names it."""
    desk = Desk(tmp_path, {"r": WORKING.format(due="2 working days"), "n": NOTICE})
    snapshot = desk.start(at("2026-10-01 09:00")).house.rules.snapshot
    found = endings(snapshot, dt.date.fromisoformat(today))
    sentence = "the calendar “CN” is known until 2026-12-31"
    assert [(str(p.mark), p.severity, p.message.partition(";")[0]) for p in found] == (
        [("config/directory.yaml:2:11", "warning", sentence), ("rules/n.yaml:5:8", "warning", sentence)] if told else []
    )


def test_a_calendar_without_an_end_is_not_told_of(tmp_path):
    """Where all there is to know is written down, nothing ends."""
    files = {"config/calendars/own.yaml": "calendar: own\noff: [2024-05-01]\n"}
    desk = Desk(tmp_path, {"r": WORKING.format(due="2h")}, files=files)
    desk.write("config/directory.yaml", (tmp_path / "config/directory.yaml").read_text("utf-8").replace("CN", "own"))
    snapshot = desk.start(at("2026-10-01 09:00")).house.rules.snapshot
    assert endings(snapshot, dt.date(2040, 1, 1)) == []


def test_working_days_beyond_the_end_are_a_guess_and_the_journal_says_so(tmp_path):
    """A due time that lies beyond it comes rather too early than never, with a line in the story of its case."""
    desk = office(tmp_path, "2 working days")
    desk.order(1, paid_at="2026-12-31 10:00:00")
    desk.start(at("2027-01-05 09:50"))
    desk.run(at("2027-01-05 09:50"), at("2027-01-05 09:50"))
    (case,) = desk.cases(1)
    assert case.due_at == at("2027-01-05 10:00")  # New Year's Day can be guessed, what is moved for it cannot
    said = "reckoned up to 2027-01-05 as if there were no holidays but those it can guess"
    assert guesses(desk) == [f"{said}: the calendar “CN” is known until 2026-12-31"]


@pytest.mark.parametrize(("due", "paid"), [("2 working days", "2026-12-28 10:00:00"), ("100h", "2026-12-30 10:00:00")])
def test_what_the_calendar_knows_or_does_not_matter_to_is_no_guess(tmp_path, due, paid):
    """Within its end, and in real hours, there is nothing to guess."""
    desk = office(tmp_path, due)
    desk.order(1, paid_at=paid)
    start = at(paid[:16])
    desk.start(start)
    desk.run(start, start + dt.timedelta(days=5))
    assert len(desk.cases(1)) == 1
    assert guesses(desk) == []


def test_no_holiday_is_announced_that_is_only_a_guess(tmp_path):
    """The holidays of 2027 are not decreed: the rule says once a day that it knows of none, and sends nothing."""
    desk = Desk(tmp_path, {"r": NOTICE})
    desk.order(1, paid_at="2026-12-01 10:00:00")
    desk.start(at("2027-04-28 08:00"))
    desk.run(at("2027-04-28 08:00"), at("2027-05-02 12:00"))
    assert desk.sent["sms"] == []
    said = [entry.detail for entry in desk.rule_journal() if entry.event == "no day"]
    assert len(said) == 5
    assert set(said) == {"no holiday to come is known: the calendar “CN” is known until 2026-12-31"}


def test_a_day_that_was_written_down_is_announced_beyond_the_end(tmp_path):
    """The shop's own days are no guess, however far ahead they are written."""
    files = {"config/calendars/own.yaml": "calendar: own\nlike: CN\noff: {2027-06-18: Anniversary}\n"}
    desk = Desk(tmp_path, {"r": NOTICE.replace("CN", "own")}, files=files)
    snapshot = desk.start(at("2027-04-28 08:00")).house.rules.snapshot
    assert snapshot.calendars["own"].next_run(dt.date(2027, 4, 28))[0] == dt.date(2027, 6, 18)
