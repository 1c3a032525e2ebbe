"""The doorman: what is asked again as a message leaves, and the hour at which it may (laws 3 and 5)."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import pytest

import duly
from duly.engine.record_json import pack, read_at, unpack
from duly.rules.record import Record
from engine.desk import ORDERS, SETTINGS, ZONE, Desk, at
from engine.faulty import Faulty, down, nothing
from engine.telling import HOUR, MINUTE, MONDAY, open_desk, outcome, paid, reasons

TEN = MONDAY + HOUR
TO_CUSTOMER = "after: 1h, tell: customer, text: hello, by: sms"
TO_STAFF = "after: 1h, tell: supervisor of sales, text: hello, by: chat"


def sent_at(desk: Desk, channel: str, begin: dt.datetime, end: dt.datetime) -> list[str]:
    """Run and tell the local instants at which a channel was given messages."""
    instants, now = [], begin
    while now is not None and now <= end:
        before = len(desk.sent[channel])
        wake = desk.engine.tick(now)
        instants += [now] * (len(desk.sent[channel]) - before)
        now = wake
    return [f"{instant.astimezone(ZONE):%a %H:%M}" for instant in instants]


def to_customers(desk: Desk) -> list[str]:
    """Tell what customers got by SMS, without what the operator hears of a silent source."""
    return [text for text in desk.sent["sms"] if not text.startswith("check-failed")]


def silent_source(home: Path, *steps: str, more: str = "", **files: str) -> tuple[Desk, Faulty]:
    """Set up a desk with one paid order, whose database falls silent a minute before ten."""
    desk = open_desk(home, *steps, more=more, **files)
    paid(desk, 1)
    desk.run(MONDAY, TEN - MINUTE)
    faulty = Faulty.put_into(desk.engine)
    faulty.before = faulty.asked = down
    return desk, faulty


@pytest.mark.parametrize(
    ("change", "because"),
    [
        ("shipped_at = '2024-03-04 10:05:00'", "shipped"),
        ("cancelled = 1", "cancelled"),
        ("paid_at = null", "not paid"),
    ],
)
def test_a_change_cancels_what_waits(tmp_path, change, because):
    """Conditions are asked again as each message leaves: an order shipped while its SMS was deferred sends none."""
    desk = open_desk(tmp_path, f"{TO_CUSTOMER}, between: 10:07-10:09")
    paid(desk, 1)
    desk.run(MONDAY, TEN)
    assert outcome(desk, 1) == [("sms", "waiting")]
    desk.sql(f"update orders set {change}")
    desk.run(TEN + 7 * MINUTE, TEN + 7 * MINUTE)
    assert desk.sent["sms"] == []
    assert outcome(desk, 1) == [("sms", "cancelled")]
    assert reasons(desk, 1, "cancelled") == [because]


def test_what_a_step_is_only_for_is_asked_again_as_well(tmp_path):
    """A step for large orders sends nothing for one that became small while its SMS was deferred."""
    desk = open_desk(tmp_path, f"{TO_CUSTOMER}, between: 10:07-10:09, if: [amount >= 500]")
    paid(desk, 1)
    desk.sql("update orders set amount = 900")
    desk.run(MONDAY, TEN)
    assert outcome(desk, 1) == [("sms", "waiting")]
    desk.sql("update orders set amount = 90")
    desk.run(TEN + 7 * MINUTE, TEN + 7 * MINUTE)
    assert desk.sent["sms"] == []
    assert reasons(desk, 1, "cancelled") == ["its step is only for: amount >= 500"]


def test_a_record_that_is_gone_cancels(tmp_path):
    """A deleted order sends nothing."""
    desk = open_desk(tmp_path, f"{TO_CUSTOMER}, between: 10:07-10:09")
    paid(desk, 1)
    desk.run(MONDAY, TEN)
    desk.sql("delete from orders")
    desk.run(TEN + 7 * MINUTE, TEN + 7 * MINUTE)
    assert reasons(desk, 1, "cancelled") == ["the record is no longer there"]


def test_the_data_are_todays(tmp_path):
    """A phone number, a name and an amount that changed while the message waited are the ones it is sent with."""
    desk = open_desk(tmp_path, f"{TO_CUSTOMER}, between: 10:07-10:09")
    paid(desk, 1)
    desk.run(MONDAY, TEN)
    desk.sql("update orders set phone = '+8613777777777', name = 'Wang'")
    desk.run(TEN + 7 * MINUTE, TEN + 7 * MINUTE)
    [message] = desk.channel("sms").sent
    assert (message.to, message.name, message.text) == ("+8613777777777", "Wang", "Wang: order 1")


def test_the_staffs_addresses_are_the_directorys(tmp_path):
    """A colleague's new address, saved while the message waited, is the one it is sent to."""
    desk = open_desk(tmp_path, f"{TO_STAFF}, between: 10:07-10:09")
    paid(desk, 1)
    desk.run(MONDAY, TEN)
    directory = (tmp_path / "config/directory.yaml").read_text(encoding="utf-8")
    desk.write("config/directory.yaml", directory.replace('chat: "zhou"', 'chat: "zhou-new"'))
    desk.reload(TEN + MINUTE)
    desk.run(TEN + 7 * MINUTE, TEN + 7 * MINUTE)
    assert [message.to for message in desk.channel("chat").sent] == ["zhou-new"]


def test_customers_wait_for_a_silent_source(tmp_path):
    """Nothing leaves for a customer that nobody can vouch for; when the source answers again, it does."""
    desk, faulty = silent_source(tmp_path, TO_CUSTOMER)
    desk.run(TEN, TEN + 2 * HOUR)
    assert to_customers(desk) == []
    assert reasons(desk, 1, "waits") == ["the source is down"]
    faulty.before = faulty.asked = nothing
    desk.run(TEN + 2 * HOUR, TEN + 2 * HOUR + MINUTE)
    assert to_customers(desk) == ["Li: order 1"]


def test_customers_whose_message_was_on_its_way_wait_too(tmp_path):
    """A source that falls silent after the step fired keeps the message back, and the change made meanwhile counts."""
    desk = open_desk(tmp_path, f"{TO_CUSTOMER}, between: 10:07-19:00")
    paid(desk, 1)
    paid(desk, 2)
    desk.run(MONDAY, TEN)
    faulty = Faulty.put_into(desk.engine)
    faulty.before = faulty.asked = down
    desk.run(TEN + MINUTE, TEN + HOUR)
    assert to_customers(desk) == []
    desk.sql("update orders set cancelled = 1 where id = 1")
    faulty.before = faulty.asked = nothing
    desk.run(TEN + HOUR, TEN + HOUR + 2 * MINUTE)
    assert to_customers(desk) == ["Li: order 2"]
    assert outcome(desk, 1) == [("sms", "cancelled")]


def test_staff_hear_after_a_quarter_of_an_hour(tmp_path):
    """A silent source keeps staff waiting for 15 minutes; then they hear what was known, and as of when."""
    desk, _ = silent_source(tmp_path, TO_STAFF)
    desk.run(TEN, TEN + 15 * MINUTE - dt.timedelta(seconds=1))
    assert desk.sent["chat"] == []
    desk.run(TEN + 15 * MINUTE, TEN + 15 * MINUTE)
    assert desk.sent["chat"] == ["Zhou: order 1 (as of 4 Mar 09:40)"]
    assert outcome(desk, 1) == [("chat", "accepted")]


def test_staff_whose_message_was_on_its_way_hear_as_late(tmp_path):
    """A source that falls silent after the step fired keeps staff waiting as long, and the mark says when it fired."""
    desk = open_desk(tmp_path, TO_STAFF)
    paid(desk, 1)
    desk.run(MONDAY, TEN - MINUTE)
    desk.engine.ladder.fire(TEN)
    faulty = Faulty.put_into(desk.engine)
    faulty.before = faulty.asked = down
    desk.run(TEN, TEN + 15 * MINUTE - dt.timedelta(seconds=1))
    assert desk.sent["chat"] == []
    desk.run(TEN + 15 * MINUTE, TEN + 15 * MINUTE)
    assert desk.sent["chat"] == ["Zhou: order 1 (as of 4 Mar 10:00)"]


def test_a_waiting_customer_does_not_keep_staff_waiting(tmp_path):
    """When a step for the customer and one for staff come due together, each has its own patience."""
    desk, faulty = silent_source(tmp_path, TO_CUSTOMER, TO_STAFF)
    desk.run(TEN, TEN + 20 * MINUTE)
    assert (len(desk.sent["chat"]), len(to_customers(desk))) == (1, 0)
    faulty.before = faulty.asked = nothing
    desk.run(TEN + 20 * MINUTE, TEN + 22 * MINUTE)
    assert (len(desk.sent["chat"]), len(to_customers(desk))) == (1, 1)


def test_a_step_with_a_condition_is_not_skipped_for_want_of_an_answer(tmp_path):
    """While the source is silent, ``if`` is judged by what was last known, not by nothing."""
    desk, _ = silent_source(tmp_path, f"{TO_STAFF}, if: [not shipped]")
    desk.run(TEN, TEN + 15 * MINUTE)
    assert len(desk.sent["chat"]) == 1


def test_a_kept_record_says_the_same_in_words(tmp_path):
    """What a template makes of times, days and amounts it makes of the record that the ledger kept, too."""
    fields = {
        "placed": at("2024-03-04 08:30"),
        "local": dt.datetime(2024, 3, 4, 8, 30),  # noqa: DTZ001 - a database without zones gives such
        "expires": dt.date(2024, 3, 31),
        "opens": dt.time(9, 30),
        "amount": Decimal("12.50"),
        "name": "Li",
        "nothing": None,
        "count": 3,
    }
    person = duly.Person("customer", addresses={"phone": "+86139"}, refuses=frozenset({"sms"}))
    record = Record(None, b"1", matches=True, done=False, fields=fields, people={"customer": person})
    kept = json.loads(json.dumps(pack(record, MONDAY)))
    again = unpack(kept, b"1")
    assert again.fields == fields
    assert [type(value) for value in again.fields.values()] == [type(value) for value in fields.values()]
    assert again.people == {"customer": person}
    assert read_at(kept) == MONDAY


def test_an_escalation_without_the_source_is_as_patient(tmp_path):
    """An escalation waits a quarter of an hour once, not again for each message it asks for."""
    desk, _ = silent_source(tmp_path, "after: 1h, escalate: supervisor of sales, text: hello, by: chat")
    desk.run(TEN, TEN + 15 * MINUTE)
    assert [text for text in desk.sent["chat"] if text.startswith("Zhou")] == ["Zhou: order 1 (as of 4 Mar 09:40)"]


def test_a_broken_mark_template_stops_only_what_needs_it(tmp_path):
    """Without words for "as of" the message waits for them, and everything else goes on."""
    desk, faulty = silent_source(tmp_path, TO_STAFF, **{"notifications/duly/as-of.j2": "{{ nonsense }}"})
    desk.run(TEN, TEN + 20 * MINUTE)
    assert desk.sent["chat"] == []
    [reason] = reasons(desk, 1, "failed")
    assert "nonsense" in reason
    faulty.before = faulty.asked = nothing
    desk.run(TEN + 20 * MINUTE, TEN + 30 * MINUTE)
    assert desk.sent["chat"] == ["Zhou: order 1"]


EVENING = at("2024-03-04 20:00")
TUESDAY_NINE = "Tue 09:00"


def told_in_the_evening(home: Path, step: str, more: str = "", zone: str | None = None, **files: str) -> Desk:
    """Set up a desk whose step comes due on Monday at 21:00 at the desk."""
    desk = open_desk(home, step, more=more, now=EVENING, check="every 1h", **files)
    paid(desk, 1, "2024-03-04 20:00:00", zone=zone, email="li@home.example")
    return desk


def test_rest_defers_overnight(tmp_path):
    """What comes due at 21:00 leaves when the rest from 20:30 to 09:00 ends, and not before (failure 13)."""
    desk = told_in_the_evening(tmp_path, TO_CUSTOMER)
    assert sent_at(desk, "sms", EVENING, EVENING + 24 * HOUR) == [TUESDAY_NINE]
    assert reasons(desk, 1, "waits") == ["it is not the hour for it"]


@pytest.mark.parametrize(
    ("rest", "leaves"),
    [
        ("20:00-24:00", "Tue 00:00"),
        ("00:00-24:00", None),
        ("21:00-00:00", "Tue 00:00"),
        ("22:00-07:00", "Mon 21:00"),
        ("21:00-21:01", "Mon 21:01"),
        ("20:59-21:00", "Mon 21:00"),
        ("21:30-21:00", "Mon 21:00"),
    ],
)
def test_rest_ends_where_it_says(tmp_path, rest, leaves):
    """Rest is half-open, and midnight is an hour like any other; all day is no rest but an error (failure 13)."""
    if leaves is None:
        desk = Desk(tmp_path, {"r": "rule: x"})
        desk.write("config/duly.yaml", SETTINGS.replace("20:30-09:00", rest))
        with pytest.raises(AssertionError, match="all day"):
            desk.start(EVENING)
        return
    settings = SETTINGS.replace("20:30-09:00", rest)
    desk = told_in_the_evening(tmp_path, TO_CUSTOMER, **{"config/duly.yaml": settings})
    assert sent_at(desk, "sms", EVENING, EVENING + 24 * HOUR) == [leaves]


def test_a_rules_rest_replaces_the_default(tmp_path):
    """A rule that rests only from 23:00 writes at 21:00."""
    desk = told_in_the_evening(tmp_path, TO_CUSTOMER, more="rest: 23:00-06:00")
    assert sent_at(desk, "sms", EVENING, EVENING + 24 * HOUR) == ["Mon 21:00"]


def test_rest_is_not_for_staff(tmp_path):
    """Staff who are on the ladder hear at 21:00, whatever the customers' rest."""
    desk = told_in_the_evening(tmp_path, TO_STAFF)
    assert sent_at(desk, "chat", EVENING, EVENING + 24 * HOUR) == ["Mon 21:00"]


def test_a_persons_own_rest_is_added(tmp_path):
    """A customer who sleeps until 10:30 is left alone until then; the rule's rest holds as well."""
    vocabulary = ORDERS.replace("zone: o.zone}", "zone: o.zone, rest: \"'08:00-10:30'\"}")
    desk = told_in_the_evening(tmp_path, TO_CUSTOMER, **{"config/vocabulary/orders.yaml": vocabulary})
    assert sent_at(desk, "sms", EVENING, EVENING + 24 * HOUR) == ["Tue 10:30"]


def test_a_colleagues_own_rest_counts(tmp_path):
    """Somebody of the staff who has hours of rest hears after them."""
    desk = told_in_the_evening(tmp_path, TO_STAFF)
    directory = (tmp_path / "config/directory.yaml").read_text(encoding="utf-8")
    desk.write("config/directory.yaml", directory.replace("name: Zhou,", "name: Zhou, rest: 19:00-07:30,"))
    desk.reload(EVENING)
    assert sent_at(desk, "chat", EVENING, EVENING + 24 * HOUR) == ["Tue 07:30"]


@pytest.mark.parametrize("nonsense", ["at night", "25:00-26:00", "08:00", "22:00-22:00"])
def test_a_rest_that_cannot_be_read_stops_nobody(tmp_path, nonsense):
    """A customer's hours of rest that make no sense are none: the rule's own still hold."""
    vocabulary = ORDERS.replace("zone: o.zone}", f"zone: o.zone, rest: \"'{nonsense}'\"}}")
    desk = told_in_the_evening(tmp_path, TO_CUSTOMER, **{"config/vocabulary/orders.yaml": vocabulary})
    assert sent_at(desk, "sms", EVENING, EVENING + 24 * HOUR) == [TUESDAY_NINE]


@pytest.mark.parametrize(
    ("zone", "leaves"),
    [("Europe/London", "Mon 21:00"), ("America/Los_Angeles", "Tue 01:00"), ("Asia/Tokyo", "Tue 08:00")],
)
def test_rest_is_the_recipients(tmp_path, zone, leaves):
    """21:00 at the desk is 13:00 in London and 05:00 in Los Angeles: each rests in their own zone."""
    desk = told_in_the_evening(tmp_path, TO_CUSTOMER, zone=zone)
    desk.sql("update orders set paid_at = '2024-03-04 20:00:00'")
    assert sent_at(desk, "sms", EVENING, EVENING + 24 * HOUR) == [leaves]


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "+08:00"])
def test_a_zone_that_nobody_knows_is_the_desks(tmp_path, zone):
    """A record with a zone that makes no sense is told by the desk's clock, and stops nobody else (law 12)."""
    desk = told_in_the_evening(tmp_path, f"{TO_CUSTOMER}, at: 21:00", zone=zone)
    paid(desk, 2, "2024-03-04 20:00:00", zone="Asia/Shanghai")
    assert sent_at(desk, "sms", EVENING, EVENING + 24 * HOUR) == [TUESDAY_NINE] * 2


@pytest.mark.parametrize(
    ("between", "leaves"),
    [
        ("21:30-22:00", "Mon 21:30"),
        ("20:00-20:30", "Tue 20:00"),
        ("23:30-00:30", "Mon 23:30"),
        ("20:30-21:30", "Mon 21:00"),
    ],
)
def test_between_defers_to_its_window(tmp_path, between, leaves):
    """A message outside its window waits for the next one; inside, it leaves at once."""
    step = f"after: 1h, tell: supervisor of sales, text: hello, by: chat, between: {between}"
    desk = told_in_the_evening(tmp_path, step)
    assert sent_at(desk, "chat", EVENING, EVENING + 24 * HOUR) == [leaves]


def test_window_and_rest_hold_together(tmp_path):
    """A window that opens while the customer rests is waited for to its part outside the rest."""
    desk = told_in_the_evening(tmp_path, f"{TO_CUSTOMER}, between: 08:00-10:00")
    assert sent_at(desk, "sms", EVENING, EVENING + 24 * HOUR) == [TUESDAY_NINE]


def test_deferred_for_days_and_never_dropped(tmp_path):
    """A person's own rest that leaves no hour of the window keeps the message waiting, and the journal says so."""
    vocabulary = ORDERS.replace("zone: o.zone}", "zone: o.zone, rest: \"'07:00-21:00'\"}")
    desk = told_in_the_evening(tmp_path, TO_CUSTOMER, **{"config/vocabulary/orders.yaml": vocabulary})
    assert sent_at(desk, "sms", EVENING, EVENING + 72 * HOUR) == []
    assert outcome(desk, 1) == [("sms", "waiting")]
    assert reasons(desk, 1, "waits") == ["it is not the hour for it"]


def test_expires_ends_what_was_deferred(tmp_path):
    """A step that says ``expires: 2h`` is not worth sending the next morning; the journal says why nothing came."""
    desk = told_in_the_evening(tmp_path, f"{TO_CUSTOMER}, expires: 2h")
    assert sent_at(desk, "sms", EVENING, EVENING + 24 * HOUR) == []
    assert outcome(desk, 1) == [("sms", "expired")]
    assert reasons(desk, 1, "expired") == ["its time has passed"]


def test_a_step_before_the_due_time_expires_at_it(tmp_path):
    """A reminder that rest put off until after the due time is not sent: it would remind of nothing."""
    desk = told_in_the_evening(tmp_path, "before: 2h, tell: customer, text: hello, by: sms", more="due: 3h")
    assert sent_at(desk, "sms", EVENING, EVENING + 24 * HOUR) == []
    assert outcome(desk, 1) == [("sms", "expired")]


def test_urgent_passes_rest_and_windows(tmp_path):
    """What is urgent leaves at 21:00, into everybody's rest and outside its own window."""
    vocabulary = ORDERS.replace("zone: o.zone}", "zone: o.zone, rest: \"'18:00-10:30'\"}")
    desk = told_in_the_evening(
        tmp_path,
        f"{TO_CUSTOMER}, between: 10:00-12:00, urgent: yes",
        **{"config/vocabulary/orders.yaml": vocabulary},
    )
    assert sent_at(desk, "sms", EVENING, EVENING + 24 * HOUR) == ["Mon 21:00"]


def test_urgent_asks_again_like_any_other(tmp_path):
    """Urgent or not, an order that has shipped tells nobody anything."""
    desk = told_in_the_evening(tmp_path, f"{TO_CUSTOMER}, urgent: yes")
    desk.run(EVENING, EVENING + 59 * MINUTE)
    desk.engine.ladder.fire(EVENING + HOUR)
    desk.sql("update orders set shipped_at = '2024-03-04 21:00:00'")
    desk.run(EVENING + HOUR, EVENING + HOUR)
    assert desk.sent["sms"] == []


@pytest.mark.parametrize(
    ("no_sms", "channels"),
    [
        ("1", [("sms", "rejected"), ("email", "accepted")]),
        ("\"'yes'\"", [("sms", "rejected"), ("email", "accepted")]),
        ("0", [("sms", "accepted")]),
        ("null", [("sms", "accepted")]),
    ],
)
def test_who_wants_no_sms_gets_none(tmp_path, no_sms, channels):
    """An opt-out counts as a rejection: the fallback takes over, and the journal says who refused what."""
    vocabulary = ORDERS.replace("zone: o.zone}", f"zone: o.zone, no_sms: {no_sms}}}")
    desk = open_desk(
        tmp_path,
        "after: 1h, tell: customer, text: hello, by: sms else email",
        **{"config/vocabulary/orders.yaml": vocabulary},
    )
    paid(desk, 1, email="li@home.example")
    desk.run(MONDAY, TEN)
    assert outcome(desk, 1) == channels
    assert reasons(desk, 1, "rejected") == ["customer wants no sms"] * (len(channels) - 1)


def test_one_bad_recipient_stops_only_itself(tmp_path):
    """A channel that breaks over one recipient, and a recipient without an address, leave the others their messages."""
    desk = open_desk(tmp_path, TO_CUSTOMER)
    for id in (1, 2, 3, 4):
        paid(desk, id)
    desk.sql("update orders set phone = null where id = 2")
    desk.run(MONDAY, TEN - MINUTE)
    desk.channel("sms").answers[:] = [duly.Accepted(), RuntimeError("?")]
    desk.run(TEN, TEN)
    assert [outcome(desk, id)[0][1] for id in (1, 2, 3, 4)] == ["accepted", "rejected", "unsure", "accepted"]
