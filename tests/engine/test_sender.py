"""The sender: every outcome of an attempt, retries, what dies under way, and what a channel may not do (law 11)."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import logging
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

import duly
from duly.engine.attempt import Down, Unsure, attempt
from duly.ledger import outbox
from duly.ledger.outbox import LEASE
from duly.ledger.schema import delivery, journal
from engine.desk import SETTINGS, Desk
from engine.faulty import Faulty, down, nothing
from engine.telling import HOUR, MINUTE, MONDAY, open_desk, outcome, paid, reasons

BY_SMS = "after: 1h, tell: customer, text: hello, by: sms"
SMS_ELSE_EMAIL = "after: 1h, tell: customer, text: hello, by: sms else email"
SECOND = dt.timedelta(seconds=1)
TEN = MONDAY + HOUR


def due_at_ten(home: Path, *steps: str, orders: int = 1, more: str = "", **files: str) -> Desk:
    """Set up a desk that has told nobody yet and is to tell the customers of some orders at ten."""
    desk = open_desk(home, *(steps or (BY_SMS,)), more=more, **files)
    for id in range(1, orders + 1):
        paid(desk, id)
    desk.run(MONDAY, TEN - MINUTE)
    return desk


def answer(desk: Desk, *answers: object, channel: str = "sms") -> None:
    """Tell a channel what to answer to the next messages."""
    desk.channel(channel).answers[:] = answers


@pytest.mark.parametrize(
    ("said", "state", "reason"),
    [
        (duly.Accepted("r-17"), "accepted", "r-17"),
        (duly.Rejected("no such number"), "rejected", "no such number"),
        (duly.MaybeSent("the line went dead"), "unsure", "the line went dead"),
        (ValueError("+8613900000001"), "unsure", "ValueError while it was being sent"),
        (KeyError("id"), "unsure", "KeyError while it was being sent"),
        (SystemExit(3), "unsure", "SystemExit while it was being sent"),
        (asyncio.CancelledError(), "unsure", "CancelledError while it was being sent"),
        (None, "unsure", "the plugin returned NoneType, not a verdict"),
        (True, "unsure", "the plugin returned bool, not a verdict"),
        (duly.Accepted, "unsure", "the plugin returned type, not a verdict"),
    ],
)
def test_each_outcome_has_its_state(tmp_path, said, state, reason):
    """A verdict is kept as it is; whatever else happens as bytes leave is unsure, and is not tried again."""
    desk = due_at_ten(tmp_path)
    answer(desk, said)
    desk.run(TEN, TEN + HOUR)
    assert outcome(desk, 1) == [("sms", state)]
    assert reasons(desk, 1, state) == [reason]
    assert len(desk.sent["sms"]) == 1


@pytest.mark.parametrize("said", [duly.Retry("busy"), duly.NotSent("connection refused")])
def test_what_did_not_leave_is_tried_again(tmp_path, said):
    """A retry and a NotSent lose nothing: the message leaves at the next try."""
    desk = due_at_ten(tmp_path)
    answer(desk, said)
    desk.run(TEN, TEN)
    assert outcome(desk, 1) == [("sms", "waiting")]
    desk.run(TEN, TEN + MINUTE)
    assert outcome(desk, 1) == [("sms", "accepted")]
    assert len(desk.sent["sms"]) == 2
    assert [event for _, event in desk.events(1)][-2:] == ["retry", "accepted"]


def test_every_attempt_carries_the_same_number(tmp_path):
    """The other side can tell a repeated message by its id."""
    desk = due_at_ten(tmp_path)
    answer(desk, duly.Retry("busy"), duly.Retry("busy"))
    desk.run(TEN, TEN + 10 * MINUTE)
    assert len(desk.channel("sms").sent) == 3
    assert len({message.id for message in desk.channel("sms").sent}) == 1


def tries(desk: Desk, end: dt.datetime) -> list[dt.datetime]:
    """Run until ``end`` and note the instants at which the SMS channel was tried."""
    instants: list[dt.datetime] = []
    now, channel = TEN, desk.channel("sms")
    before = len(channel.sent)
    while now is not None and now <= end:
        wake = desk.engine.tick(now)
        instants += [now] * (len(channel.sent) - before)
        before = len(channel.sent)
        now = wake
    return instants


def test_retries_come_ever_later(tmp_path):
    """Each wait is longer than the one before, up to 15 minutes and a quarter."""
    desk = due_at_ten(tmp_path)
    answer(desk, *[duly.Retry("busy")] * 12)
    instants = tries(desk, TEN + 3 * HOUR)
    waits = [later - earlier for earlier, later in itertools.pairwise(instants)]
    assert dt.timedelta(seconds=30) <= waits[0] <= dt.timedelta(seconds=38)
    assert all(later > earlier * 1.5 for earlier, later in itertools.pairwise(waits[:5]))
    assert max(waits) <= dt.timedelta(minutes=18, seconds=45)
    assert min(waits[5:]) >= dt.timedelta(minutes=15)


def test_two_messages_do_not_retry_in_step(tmp_path):
    """Messages that failed together are spread, so that they do not fail together again."""
    desk = due_at_ten(tmp_path, orders=6)
    answer(desk, *[duly.Retry("busy")] * 6)
    desk.run(TEN, TEN)
    assert len({one.not_before for id in range(1, 7) for one in desk.deliveries(id)}) > 1


@pytest.mark.parametrize(
    ("after", "wait"),
    [
        (dt.timedelta(minutes=42), dt.timedelta(minutes=42)),
        (dt.timedelta(days=400), dt.timedelta(days=1)),
        (dt.timedelta.max, dt.timedelta(days=1)),
    ],
)
def test_the_other_sides_wish_to_wait_is_honoured(tmp_path, after, wait):
    """A Retry-After is kept to, up to a day (failure 18)."""
    desk = due_at_ten(tmp_path)
    answer(desk, duly.Retry("HTTP 429", after))
    desk.run(TEN, TEN)
    [one] = desk.deliveries(1)
    assert (one.state, one.not_before) == ("waiting", TEN + wait)


@pytest.mark.parametrize("after", [dt.timedelta(0), dt.timedelta(seconds=-5), 30, "soon"])
def test_a_wait_that_is_none_does_not_spin(tmp_path, after):
    """Zero, the past and nonsense are no waits: Duly's own pause holds."""
    desk = due_at_ten(tmp_path)
    answer(desk, *[duly.Retry("busy", after)] * 3)
    desk.run(TEN, TEN + 29 * SECOND)
    assert len(desk.sent["sms"]) == 1


def test_given_up_after_a_day_of_trying(tmp_path):
    """What no try gets through in 24 hours is rejected, with the last reason, and what stands in for it takes over."""
    desk = due_at_ten(tmp_path, SMS_ELSE_EMAIL, more="rest: 23:00-23:01")
    desk.sql("update orders set email = 'li@home.example'")
    answer(desk, *[duly.Retry("HTTP 503")] * 500)
    desk.run(TEN, TEN + 23 * HOUR)
    assert outcome(desk, 1) == [("sms", "waiting")]
    desk.run(TEN + 23 * HOUR, TEN + 25 * HOUR)
    assert outcome(desk, 1) == [("sms", "rejected"), ("email", "accepted")]
    [reason] = reasons(desk, 1, "rejected")
    assert reason.startswith("given up after")
    assert reason.endswith("tries: HTTP 503")


def test_a_first_try_is_never_the_last(tmp_path):
    """A day of trying begins with the first try, not when a message began to wait for its hour (failure 4)."""
    desk = due_at_ten(tmp_path, SMS_ELSE_EMAIL)
    faulty = Faulty.put_into(desk.engine)
    desk.engine.ladder.fire(TEN)
    faulty.asked = down
    desk.engine.sender.send("sms", TEN)
    faulty.asked = nothing
    answer(desk, duly.Retry("HTTP 503"))
    desk.engine.sender.send("sms", TEN + 26 * HOUR)
    assert outcome(desk, 1) == [("sms", "waiting")]


def test_a_channel_that_is_down_rests_alone(tmp_path):
    """While one channel waits for a person the others go on, and nobody's message is lost or counted as tried."""
    desk = due_at_ten(tmp_path, BY_SMS, "after: 1h, tell: customer, text: hello, by: email", orders=3)
    desk.sql("update orders set email = 'li' || id || '@home.example'")
    answer(desk, duly.ChannelDown("the gateway refused the login"))
    desk.run(TEN, TEN + 59 * SECOND)
    assert len(desk.sent["sms"]) == 1
    assert len(desk.sent["email"]) == 3
    assert desk.engine.sender.down == {"sms": "the gateway refused the login"}
    assert not desk.engine.sender.send("sms", TEN + 59 * SECOND)
    assert [entry.detail for entry in desk.rule_journal() if entry.event == "channel down"] == [
        "sms is down: the gateway refused the login"
    ]
    desk.run(TEN + MINUTE, TEN + MINUTE)
    assert {state for id in (1, 2, 3) for _, state in outcome(desk, id)} == {"accepted"}
    assert desk.engine.sender.down == {}


def test_a_channel_that_stays_down_is_asked_ever_more_seldom(tmp_path):
    """Every try doubles the rest, up to 15 minutes, and the journal hears of it once."""
    desk = due_at_ten(tmp_path)
    answer(desk, *[duly.ChannelDown("no credit")] * 40)
    instants = tries(desk, TEN + 2 * HOUR)
    waits = [(later - earlier) / MINUTE for earlier, later in itertools.pairwise(instants)]
    assert waits[:5] == [1, 2, 4, 8, 15]
    assert set(waits[5:]) == {15}
    assert len([entry for entry in desk.rule_journal() if entry.event == "channel down"]) == 1
    assert outcome(desk, 1) == [("sms", "waiting")]


@pytest.mark.parametrize("broken", [duly.ChannelDown("no login"), duly.NotSent("refused"), OSError(111, "refused")])
def test_a_channel_that_cannot_be_opened_loses_nothing(tmp_path, broken):
    """What was claimed for it waits, and leaves when it opens."""
    desk = due_at_ten(tmp_path, orders=2)
    channel = desk.channel("sms")
    failing = [broken]

    def open_() -> None:
        if failing:
            raise failing.pop()

    channel.open = open_
    desk.run(TEN, TEN)
    assert channel.sent == []
    assert outcome(desk, 1) == outcome(desk, 2) == [("sms", "waiting")]
    desk.run(TEN, TEN + MINUTE)
    assert outcome(desk, 1) == outcome(desk, 2) == [("sms", "accepted")]


def test_what_opening_says_of_an_address_stays_out(tmp_path):
    """A library's error may quote a URL with its token; the ledger keeps what the system calls the error."""
    desk = due_at_ten(tmp_path)

    def open_() -> None:
        raise ConnectionError("Max retries exceeded with url: /bot-t0ken/sendMessage")

    desk.channel("sms").open = open_
    desk.run(TEN, TEN)
    [reason] = reasons(desk, 1, "retry")
    assert "t0ken" not in reason
    assert "ConnectionError" in reason


def test_an_async_channel_works(tmp_path):
    """``async def send`` is awaited, and what it raises is read like any other."""
    desk = due_at_ten(tmp_path, orders=2)
    answers = iter([duly.NotSent("refused"), None])

    async def send(message: duly.Message) -> duly.Verdict:
        await asyncio.sleep(0)
        if error := next(answers, None):
            raise error
        return duly.Accepted("from afar")

    desk.channel("sms").send = send
    desk.run(TEN, TEN + MINUTE)
    assert reasons(desk, 1, "accepted") + reasons(desk, 2, "accepted") == ["from afar"] * 2
    assert reasons(desk, 1, "retry") == ["refused"]


@pytest.mark.parametrize(
    ("said", "state", "kept"),
    [
        (duly.Accepted(4711), "accepted", "4711"),
        (duly.Accepted(None), "accepted", "NoneType"),
        (duly.Accepted(["a"]), "accepted", "list"),
        (duly.Accepted("zero\0byte \ud800 half"), "accepted", "zero byte half"),
        (duly.Accepted("x" * 10_000), "accepted", "x" * 500),
        (duly.Rejected(None), "rejected", "NoneType"),
        (duly.Rejected("two\r\nlines"), "rejected", "two lines"),
    ],
)
def test_nonsense_in_a_verdict_stops_nobody(tmp_path, said, state, kept):
    """What a plugin puts into a verdict is made fit for the ledger; the others of its batch get theirs."""
    desk = due_at_ten(tmp_path, orders=2)
    answer(desk, said)
    desk.run(TEN, TEN)
    assert outcome(desk, 1) == [("sms", state)]
    assert reasons(desk, 1, state) == [kept]
    assert outcome(desk, 2) == [("sms", "accepted")]


def test_verdicts_are_per_delivery(tmp_path):
    """One channel that works does not pay for another that fails: each has its own verdict and its own retry (3)."""
    desk = due_at_ten(tmp_path, "after: 1h, tell: customer, text: hello, by: [sms, email]")
    desk.sql("update orders set email = 'li@home.example'")
    answer(desk, duly.Retry("busy"))
    desk.run(TEN, TEN)
    assert outcome(desk, 1) == [("email", "accepted"), ("sms", "waiting")] or outcome(desk, 1) == [
        ("sms", "waiting"),
        ("email", "accepted"),
    ]
    desk.run(TEN, TEN + MINUTE)
    assert (len(desk.sent["sms"]), len(desk.sent["email"])) == (2, 1)
    assert {state for _, state in outcome(desk, 1)} == {"accepted"}


def test_a_failed_message_does_not_count_as_told(tmp_path):
    """A step whose message is still being tried is not answered for, so the next does not count from it (failure 4)."""
    desk = due_at_ten(tmp_path, BY_SMS, "unanswered: 30m, tell: supervisor of sales, text: hello, by: chat")
    answer(desk, *[duly.Retry("busy")] * 6)
    desk.run(TEN, TEN + 40 * MINUTE)
    assert desk.sent["chat"] == []
    [accepted] = [one.settled_at for one in desk.deliveries(1) if one.state == "accepted"] or [None]
    assert accepted is not None
    desk.run(TEN + 40 * MINUTE, accepted + 30 * MINUTE)
    assert len(desk.sent["chat"]) == 1


@pytest.mark.parametrize(
    ("said", "mail"),
    [(duly.Rejected("unknown number"), 1), (duly.MaybeSent("the line broke"), 0), (ValueError("?"), 0)],
)
def test_a_fallback_stands_in_for_a_rejection_only(tmp_path, said, mail):
    """``sms else email`` mails after a rejection, and never when the SMS may have arrived."""
    desk = due_at_ten(tmp_path, SMS_ELSE_EMAIL)
    desk.sql("update orders set email = 'li@home.example'")
    answer(desk, said)
    desk.run(TEN, TEN + HOUR)
    assert len(desk.sent["email"]) == mail


def test_a_missing_address_falls_back(tmp_path):
    """Who has no phone is mailed; who has neither is journalled as rejected, twice, with the reason."""
    desk = due_at_ten(tmp_path, SMS_ELSE_EMAIL, orders=2)
    desk.sql("update orders set phone = null")
    desk.sql("update orders set email = 'li@home.example' where id = 1")
    desk.run(TEN, TEN)
    assert outcome(desk, 1) == [("sms", "rejected"), ("email", "accepted")]
    assert outcome(desk, 2) == [("sms", "rejected"), ("email", "rejected")]
    assert reasons(desk, 2, "rejected") == ["customer has no phone", "customer has no email"]


def claimed(desk: Desk, outlet: str = "sms", now: dt.datetime = TEN) -> list[outbox.Delivery]:
    """Fire what is due and claim it, as a sender does that then dies."""
    desk.engine.ladder.fire(now)
    with desk.ledger.write() as connection:
        return outbox.claim(connection, outlet, now, 10, [desk.rule_id()])


def sending(desk: Desk, body: str = "the frozen words", now: dt.datetime = TEN) -> outbox.Delivery:
    """Claim one delivery and mark it as being sent, as a sender does that then dies."""
    [one] = claimed(desk, now=now)
    with desk.ledger.write() as connection:
        assert outbox.mark_sending(connection, [(one, "+8613900000001", "", body)]) == {one.id}
    return one


def test_what_was_only_claimed_waits_again(tmp_path):
    """A sender that died before a byte left has done nothing: the message leaves when its lease is over."""
    desk = due_at_ten(tmp_path)
    claimed(desk)
    desk.run(TEN, TEN + LEASE - SECOND)
    assert desk.sent["sms"] == []
    desk.run(TEN + LEASE, TEN + LEASE)
    assert outcome(desk, 1) == [("sms", "accepted")]
    assert reasons(desk, 1, "retry") == ["its sender stopped"]


def test_what_was_being_sent_is_left_unsure(tmp_path):
    """A channel that can neither drop a repeated message nor tell of one leaves it to a person."""
    desk = due_at_ten(tmp_path)
    sending(desk)
    desk.run(TEN, TEN + 2 * HOUR)
    assert outcome(desk, 1) == [("sms", "unsure")]
    assert desk.sent["sms"] == []


def test_an_idempotent_channel_resends_the_frozen_words(tmp_path):
    """The same words go out under the same number, whatever the record says by now."""
    desk = due_at_ten(tmp_path)
    desk.channel("sms").idempotent = True
    one = sending(desk)
    desk.sql("update orders set name = 'Wang', phone = '+8613955555555'")
    desk.run(TEN, TEN + 10 * MINUTE)
    [message] = desk.channel("sms").sent
    assert (message.text, message.to, message.id) == ("the frozen words", "+8613900000001", one.intent_key)
    assert outcome(desk, 1) == [("sms", "accepted")]


def test_frozen_words_stay_frozen_through_every_retry(tmp_path):
    """Once words may have left, a busy gateway, a channel that is down and a dead sender change nothing about them."""
    desk = due_at_ten(tmp_path)
    channel = desk.channel("sms")
    channel.idempotent = True
    answer(desk, ValueError("?"), duly.Retry("busy"), duly.ChannelDown("no credit"))
    desk.run(TEN, TEN)
    desk.sql("update orders set name = 'Wang'")
    desk.run(TEN, TEN + 4 * MINUTE)
    assert len(channel.sent) == 4
    assert {message.text for message in channel.sent} == {"Li: order 1"}


def test_frozen_words_outlive_a_sender_that_dies_over_them(tmp_path):
    """A message that may have left and is claimed once more by a sender that dies still goes out word for word."""
    desk = due_at_ten(tmp_path)
    channel = desk.channel("sms")
    channel.idempotent = True
    answer(desk, ValueError("?"))
    desk.run(TEN, TEN)
    desk.sql("update orders set name = 'Wang'")
    assert len(claimed(desk, now=TEN + MINUTE)) == 1
    desk.run(TEN + MINUTE, TEN + HOUR)
    assert [message.text for message in channel.sent] == ["Li: order 1"] * 2


def test_what_may_have_left_is_never_cancelled(tmp_path):
    """A message that may have arrived is not called cancelled when its case closes: its step would fire again."""
    desk = due_at_ten(tmp_path)
    channel = desk.channel("sms")
    channel.idempotent = True
    answer(desk, *[ValueError("?")] * 12)
    desk.run(TEN, TEN)
    desk.sql("update orders set cancelled = 1")
    desk.run(TEN, TEN + 10 * MINUTE)
    assert desk.cases(1)[0].state == "gone"
    assert outcome(desk, 1) == [("sms", "waiting")]
    answer(desk)
    desk.run(TEN + 10 * MINUTE, TEN + HOUR)
    assert outcome(desk, 1) == [("sms", "accepted")]
    desk.sql("update orders set cancelled = 0")
    desk.run(TEN + HOUR, TEN + 2 * HOUR)
    assert len({message.id for message in channel.sent}) == 1


def test_no_fallback_for_what_may_have_arrived(tmp_path):
    """An idempotent channel that is never sure ends as unsure after a day, and nobody is mailed besides."""
    desk = due_at_ten(tmp_path, f"{SMS_ELSE_EMAIL}, urgent: yes")
    desk.sql("update orders set email = 'li@home.example'")
    channel = desk.channel("sms")
    channel.idempotent = True
    answer(desk, ValueError("?"), *[duly.Retry("busy")] * 500)
    desk.run(TEN, TEN + 26 * HOUR)
    assert outcome(desk, 1) == [("sms", "unsure")]
    assert desk.sent["email"] == []


@pytest.mark.parametrize(
    ("known", "state", "sent"),
    [
        (duly.Accepted("r-9"), "accepted", 0),
        (None, "accepted", 1),
        (duly.NotSent("nobody answers"), "accepted", 1),
        (ValueError("?"), "unsure", 0),
        ("yes", "unsure", 0),
    ],
)
def test_a_channel_that_can_look_up_is_asked(tmp_path, known, state, sent):
    """What the other side knows is accepted, what it does not know leaves anew, and without an answer it is unsure."""
    desk = due_at_ten(tmp_path)
    asked = []

    def lookup(message_id: str) -> object:
        asked.append(message_id)
        if isinstance(known, Exception):
            raise known
        return known

    desk.channel("sms").lookup = lookup
    one = sending(desk)
    desk.run(TEN, TEN + 10 * MINUTE)
    assert asked == [one.intent_key]
    assert outcome(desk, 1) == [("sms", state)]
    assert desk.sent["sms"] == ["Li: order 1"] * sent


def test_what_is_known_not_to_have_left_is_asked_about_again(tmp_path):
    """After a lookup found nothing, the message is an ordinary one: a record that is done by now cancels it (law 3)."""
    desk = due_at_ten(tmp_path)
    desk.channel("sms").lookup = lambda _: None
    sending(desk)
    desk.sql("update orders set shipped_at = '2024-03-04 10:01:00'")
    desk.run(TEN + LEASE, TEN + LEASE + 2 * MINUTE)
    assert outcome(desk, 1) == [("sms", "cancelled")]
    assert desk.sent["sms"] == []


def test_a_sender_that_stood_still_too_long_sends_nothing(tmp_path):
    """A process that wakes after its lease finds its token void: what another has sent is not sent again (38)."""
    desk = due_at_ten(tmp_path)
    [one] = claimed(desk)
    desk.run(TEN + LEASE, TEN + LEASE)
    assert outcome(desk, 1) == [("sms", "accepted")]
    with desk.ledger.write() as connection:
        assert outbox.mark_sending(connection, [(one, "+86", "", "late words")]) == set()
        assert not outbox.settle(connection, one, "unsure", TEN)
        assert not outbox.put_back(connection, one, TEN, "late")
    assert outcome(desk, 1) == [("sms", "accepted")]


def test_a_verdict_survives_the_closing_of_its_case(tmp_path):
    """A message that is with the gateway as its case closes has fired: the case reopens, and nothing is repeated."""
    desk = due_at_ten(tmp_path, "after: 1h, tell: customer, text: hello, by: [sms, email]")
    desk.sql("update orders set email = 'li@home.example'")
    channel, answered = desk.channel("sms"), []

    def send(message: duly.Message) -> duly.Verdict:
        desk.sql("update orders set cancelled = 1")
        desk.engine.check(desk.rule_id(), TEN)
        desk.sql("update orders set cancelled = 0")
        answered.append(outcome(desk, 1))
        return duly.Accepted()

    channel.send = send
    desk.engine.ladder.fire(TEN)
    desk.engine.sender.send("sms", TEN)
    assert [dict(states) for states in answered] == [{"sms": "sending", "email": "cancelled"}]
    desk.run(TEN + MINUTE, TEN + HOUR)
    assert [case.state for case in desk.cases(1)] == ["open"]
    assert len(answered) == 1


def test_a_channel_sends_as_many_at_a_time_as_config_says(tmp_path):
    """Three connections carry three messages at the same time, and each gets its own verdict."""
    settings = SETTINGS.replace(
        "sms: {kind: spoken, address: phone}", "sms: {kind: spoken, address: phone, connections: 3}"
    )
    desk = due_at_ten(tmp_path, orders=3, **{"config/duly.yaml": settings})
    together = threading.Barrier(3, timeout=20)
    seen: list[str] = []

    def send(message: duly.Message) -> duly.Verdict:
        together.wait()
        seen.append(message.to)
        return duly.Rejected("refused") if message.to.endswith("2") else duly.Accepted(message.to[-1])

    desk.channel("sms").send = send
    desk.run(TEN, TEN)
    desk.engine.sender.close()
    assert len(seen) == 3
    assert [outcome(desk, id)[0][1] for id in (1, 2, 3)] == ["accepted", "rejected", "accepted"]
    assert reasons(desk, 3, "accepted") == ["3"]


def test_urgent_messages_leave_first(tmp_path):
    """When a channel has much to do, what is urgent goes before what has waited longer."""
    desk = due_at_ten(
        tmp_path,
        "after: 1h, tell: customer, text: hello, by: sms",
        "after: 1h, tell: supervisor of sales, text: hello, by: sms, urgent: yes",
    )
    desk.engine.ladder.fire(TEN)
    desk.run(TEN, TEN)
    assert [message.urgent for message in desk.channel("sms").sent] == [True, False]


class Secretive(duly.Config):
    """Settings with a secret."""

    token: duly.Secret = duly.Secret("t0p-s3cret")


@pytest.mark.parametrize(
    "said",
    [
        duly.Accepted("queued for +8613900000001 with t0p-s3cret"),
        duly.Rejected("+8613900000001 is blocked for t0p-s3cret"),
        duly.Retry("+8613900000001 is busy, t0p-s3cret"),
        duly.ChannelDown("t0p-s3cret is no longer valid"),
        duly.NotSent("no route to +8613900000001 for t0p-s3cret"),
        duly.MaybeSent("+8613900000001 did not answer t0p-s3cret"),
        ValueError("+8613900000001", "t0p-s3cret"),
    ],
)
def test_no_address_or_secret_in_reasons_and_logs(tmp_path, said, caplog, capsys):
    """Whatever a plugin says, journal, reasons, receipts and logs hold no address and no secret (32)."""
    caplog.set_level(logging.DEBUG)
    desk = due_at_ten(tmp_path)
    desk.channel("sms").config = Secretive()
    answer(desk, said)
    desk.run(TEN, TEN + MINUTE)
    with desk.ledger.read() as connection:
        lines = [str(tuple(row)) for row in connection.execute(sa.select(journal))]
        told = [str(tuple(row)) for row in connection.execute(sa.select(delivery.c.reason, delivery.c.receipt))]
    printed = capsys.readouterr()
    for where in ("\n".join(lines), "\n".join(told), caplog.text, printed.out, printed.err):
        assert "13900000001" not in where
        assert "s3cret" not in where
    assert desk.engine.sender.down.get("sms", "").count("s3cret") == 0


def test_an_error_of_the_ledger_shows_no_values(tmp_path):
    """A database's error names the statement and not the addresses that were on their way into it."""
    desk = due_at_ten(tmp_path)
    [one] = claimed(desk)
    with pytest.raises(sa.exc.SQLAlchemyError) as caught, desk.ledger.write() as connection:
        outbox.mark_sending(connection, [(one, "+8613900000001", "", {"no": "text"})])
    assert "13900000001" not in str(caught.value)


def test_attempts_read_what_plugins_do():
    """The reading of one attempt, apart from the engine: verdicts pass, errors keep their text to themselves."""

    def raising(error: BaseException):
        def send() -> None:
            raise error

        return send

    assert attempt(lambda: duly.Accepted("r")) == duly.Accepted("r")
    assert attempt(raising(duly.ChannelDown("no login"))) == Down("no login")
    assert attempt(raising(TimeoutError("+86139"))) == Unsure("TimeoutError while it was being sent")
    with pytest.raises(KeyboardInterrupt):
        attempt(raising(KeyboardInterrupt()))
