"""Sending through the whole engine, with the shipped channels and real servers that misbehave."""

from __future__ import annotations

import datetime as dt
import logging
from email import message_from_bytes, policy
from pathlib import Path

import pytest
import sqlalchemy as sa

from duly.ledger.schema import metadata
from engine.desk import Desk
from engine.telling import HOUR, MINUTE, MONDAY, open_desk, outcome, paid, reasons

TEN = MONDAY + HOUR
BY_SMS = "after: 1h, tell: customer, text: hello, by: sms"
BY_EMAIL = "after: 1h, tell: customer, text: hello, by: email"
EITHER = "after: 1h, tell: customer, text: hello, by: {}"
TOKEN = "t0p-s3cret-t0ken"
PASSWORD = "0pen-s3same"

SETTINGS = """\
sources:
  shop: {{url: "sqlite:///shop.db", zone: Asia/Shanghai}}
channels:
  sms:
    kind: sms
    url: "{sms}?token={token}"
    headers: {{Authorization: "Bearer {token}"}}
    json: {{to: "{{to}}", text: "{{text}}", ref: "{{id}}"}}
    receipt: id
    timeout: 2
  email:
    kind: email
    host: 127.0.0.1
    port: {port}
    security: none
    user: "{user}"
    password: "{password}"
    from: Shop <service@shop.example>
    timeout: 2
  chat: {{kind: file, folder: out, address: chat}}
by: sms else email
lang: en
rest: 20:30-09:00
operator: op
"""


@pytest.fixture
def desk(tmp_path, gateway, mail_server):
    """Make a desk on real channels, with two paid orders whose customers are to be told at ten."""
    gateway.answers(200, {"id": "sms-17"})

    def make(*steps: str, user: str = "", port: int = 0, more: str = "", **files: str) -> Desk:
        settings = SETTINGS.format(
            sms=gateway.url, port=port or mail_server.port, token=TOKEN, user=user, password=PASSWORD if user else ""
        )
        made = open_desk(Path(tmp_path), *steps, more=more, **{"config/duly.yaml": settings, **files})
        for id in (1, 2):
            paid(made, id, name=f"Li{id}", email=f"li{id}@home.example")
        made.run(MONDAY, TEN - MINUTE)
        return made

    return make


def texts(gateway) -> list[str]:
    """Read what the gateway was asked to send."""
    return [asked.json["text"] for asked in gateway.asked]


def test_a_message_arrives_by_sms_and_by_mail(desk, gateway, mail_server):
    """Words, address, reference and receipt go all the way, through both."""
    shop = desk(BY_SMS, BY_EMAIL, **{"notifications/hello.email.j2": "Subject: Order {{ order }}\n\nDear {{ name }}"})
    shop.run(TEN, TEN)
    assert sorted(texts(gateway)) == ["Li1: order 1", "Li2: order 2"]
    sms = {one.intent_key: one for id in (1, 2) for one in shop.deliveries(id) if one.channel == "sms"}
    assert {asked.json["ref"] for asked in gateway.asked} == set(sms)
    assert {one.receipt for one in sms.values()} == {"sms-17"}
    mails = [message_from_bytes(raw, policy=policy.default) for raw in mail_server.got]
    assert sorted((mail["To"], mail["Subject"], mail.get_content().strip()) for mail in mails) == [
        ("Li1 <li1@home.example>", "Order 1", "Dear Li1"),
        ("Li2 <li2@home.example>", "Order 2", "Dear Li2"),
    ]


def test_a_mail_server_that_refuses_one_recipient(desk, gateway, mail_server):
    """Who is refused gets an SMS instead, and the others their mail."""
    shop = desk(EITHER.format("email else sms"))
    handle = mail_server.handle_RCPT

    async def refuse(server, session, envelope, address, options):
        if address.startswith("li1"):
            return "550 5.1.1 <li1@home.example>: no such user"
        return await handle(server, session, envelope, address, options)

    mail_server.handle_RCPT = refuse
    shop.run(TEN, TEN)
    assert outcome(shop, 1) == [("email", "rejected"), ("sms", "accepted")]
    assert outcome(shop, 2) == [("email", "accepted")]
    assert reasons(shop, 1, "rejected") == ["the mail server said 550 5.1.1 <…>: no such user"]
    assert texts(gateway) == ["Li1: order 1"]


def test_a_mail_server_that_is_busy(desk, mail_server):
    """A refusal for now is tried again, and nobody is mailed twice."""
    shop = desk(BY_EMAIL)
    mail_server.rcpt = "451 4.3.2 try again later"
    shop.run(TEN, TEN)
    assert outcome(shop, 1) == outcome(shop, 2) == [("email", "waiting")]
    mail_server.rcpt = ""
    shop.run(TEN, TEN + 2 * MINUTE)
    assert outcome(shop, 1) == outcome(shop, 2) == [("email", "accepted")]
    assert len(mail_server.got) == 2


def test_a_mail_server_that_refuses_the_login(desk, gateway, mail_server):
    """A wrong password stops the mail until a person sees to it, and nothing but the mail."""
    shop = desk(BY_EMAIL, BY_SMS, user="duly")
    shop.run(TEN, TEN + MINUTE)
    assert {state for channel, state in outcome(shop, 1) if channel == "email"} == {"waiting"}
    assert {state for channel, state in outcome(shop, 1) if channel == "sms"} == {"accepted"}
    assert "refused the login" in shop.engine.sender.down["email"]
    assert mail_server.got == []


def test_a_mail_server_that_is_not_there(desk, closed_port):
    """A refused connection loses nothing: the mail waits for the server."""
    shop = desk(BY_EMAIL, port=closed_port)
    shop.run(TEN, TEN + 2 * MINUTE)
    assert outcome(shop, 1) == [("email", "waiting")]
    assert "127.0.0.1 cannot be reached: Connection refused" in reasons(shop, 1, "retry")


def test_a_mail_server_that_hangs_up_during_the_mail(desk, mail_server):
    """A line that breaks while the mail is handed over leaves it unsure: it is not mailed again."""
    shop = desk(BY_EMAIL)
    mail_server.drop_in_data = True
    shop.run(TEN, TEN)
    mail_server.drop_in_data = False
    shop.run(TEN, TEN + HOUR)
    assert outcome(shop, 1) == outcome(shop, 2) == [("email", "unsure")]
    assert mail_server.got == []


def test_a_gateway_that_says_429(desk, gateway):
    """Too many requests is not a refusal: the message leaves when Retry-After says, and not before (18)."""
    shop = desk(BY_SMS)
    gateway.answers(429, {"error": "slow down"}, Retry_After="120")
    shop.run(TEN, TEN)
    assert len(gateway.asked) == 2
    assert [one.not_before for one in shop.deliveries(1)] == [TEN + dt.timedelta(seconds=120)]
    gateway.answers(200, {"id": "sms-18"})
    shop.run(TEN, TEN + dt.timedelta(seconds=119))
    assert len(gateway.asked) == 2
    shop.run(TEN + dt.timedelta(seconds=120), TEN + dt.timedelta(seconds=120))
    assert outcome(shop, 1) == outcome(shop, 2) == [("sms", "accepted")]
    assert len({asked.json["ref"] for asked in gateway.asked}) == 2


@pytest.mark.parametrize(
    ("way", "status", "state"),
    [
        ("answer", 503, "waiting"),
        ("answer", 401, "waiting"),
        ("answer", 422, "rejected"),
        ("answer", 504, "unsure"),
        ("hang", 200, "unsure"),
        ("drop", 200, "unsure"),
        ("half", 200, "unsure"),
    ],
)
def test_a_gateway_that_fails(desk, gateway, way, status, state):
    """Each failure has its state, and what may have arrived is not sent again."""
    shop = desk(BY_SMS)
    shop.sql("delete from orders where id = 2")
    gateway.answers(status, {"id": "?"})
    gateway.way = way
    shop.run(TEN, TEN)
    assert outcome(shop, 1) == [("sms", state)]
    asked = len(gateway.asked)
    gateway.way = "answer"
    gateway.answers(200, {"id": "sms-17"})
    shop.run(TEN, TEN + 5 * MINUTE)
    assert outcome(shop, 1) == [("sms", "accepted" if state == "waiting" else state)]
    assert len(gateway.asked) == asked + (state == "waiting")


def test_a_person_without_an_address(desk, gateway, mail_server):
    """Who has no phone is mailed; who has neither is journalled, and keeps nobody else from hearing."""
    shop = desk(EITHER.format("sms else email"))
    shop.sql("update orders set phone = null")
    shop.sql("update orders set email = '' where id = 2")
    shop.run(TEN, TEN)
    assert outcome(shop, 1) == [("sms", "rejected"), ("email", "accepted")]
    assert outcome(shop, 2) == [("sms", "rejected"), ("email", "rejected")]
    assert reasons(shop, 2, "rejected") == ["customer has no phone", "customer has no email"]
    assert (len(gateway.asked), len(mail_server.got)) == (0, 1)


def test_an_address_that_is_none(desk, mail_server):
    """A phone number in the place of a mail address is rejected before anything leaves."""
    shop = desk(BY_EMAIL)
    shop.sql("update orders set email = '+8613900000001' where id = 1")
    shop.run(TEN, TEN)
    assert outcome(shop, 1) == [("email", "rejected")]
    assert outcome(shop, 2) == [("email", "accepted")]
    assert len(mail_server.got) == 1


def test_a_template_with_an_unknown_name(desk, gateway):
    """Words that break over one order keep that order waiting; the other hears at once."""
    words = "{{ name }}{% if order == 1 %}{{ name.nickname }}{% endif %}"
    shop = desk(BY_SMS, **{"notifications/hello.j2": words})
    shop.run(TEN, TEN)
    assert outcome(shop, 1) == [("sms", "waiting")]
    assert outcome(shop, 2) == [("sms", "accepted")]
    [reason] = reasons(shop, 1, "failed")
    assert reason.startswith("notifications/hello.j2: ")
    assert "nickname" in reason


def test_a_customers_name_adds_no_header_and_no_recipient(desk, mail_server):
    """Line breaks in a name, and a second address in it, stay within the name (30)."""
    words = {"notifications/hello.j2": "Subject: Order of {{ name }}\n\nDear {{ name }}"}
    shop = desk(BY_EMAIL, **words)
    shop.sql("update orders set name = 'Li\r\nBcc: all@home.example, <all@home.example>' where id = 1")
    shop.run(TEN, TEN)
    assert sorted(to for _, to in mail_server.envelopes) == [["li1@home.example"], ["li2@home.example"]]
    for raw in mail_server.got:
        assert message_from_bytes(raw, policy=policy.default)["Bcc"] is None


@pytest.mark.parametrize("trouble", ["none", "refused", "busy", "login", "down", "silent", "nonsense"])
def test_nothing_private_is_left_in_journals_and_logs(desk, gateway, mail_server, trouble, caplog, capsys):
    """Whatever goes wrong, no phone number, address, password or token lies in the journal, a reason or a log (32)."""
    caplog.set_level(logging.DEBUG)
    shop = desk(EITHER.format("[sms, email]"), user="duly" if trouble == "login" else "")
    shop.sql("delete from orders where id = 2")
    echo = f"li1@home.example +8613900000001 {TOKEN} {PASSWORD}"
    match trouble:
        case "refused":
            mail_server.rcpt = "550 5.1.1 <{}> unknown here"
            gateway.answers(422, {"error": echo})
        case "busy":
            mail_server.rcpt = "451 4.3.2 <{}> later"
            gateway.answers(429, {"error": echo}, Retry_After="5")
        case "login":
            mail_server.login = "535 5.7.8 <duly@home.example> go away"
            gateway.answers(401, {"error": echo})
        case "down":
            mail_server.mail = "550 5.7.1 <service@shop.example> refused"
            gateway.answers(302, {"error": echo}, Location=f"http://127.0.0.1/{TOKEN}")
        case "silent":
            mail_server.drop_in_data = True
            gateway.way = "drop"
        case "nonsense":
            mail_server.data = "250 li1@home.example got it"
            gateway.answers(200, {"id": "for +8613900000001"})
    shop.run(TEN, TEN + 2 * MINUTE)
    printed = capsys.readouterr()
    ours = [record.getMessage() for record in caplog.records if record.name != "mail.log"]  # the test's own server
    said = "\n".join(ours) + printed.out + printed.err
    with shop.ledger.read() as connection:
        for table in metadata.sorted_tables:
            private = {"to", "subject", "body", "person", "record"}  # what is to be sent, and to whom
            columns = [column for column in table.columns if column.name not in private]
            said += "\n".join(str(tuple(row)) for row in connection.execute(sa.select(*columns)))
    for secret in ("13900000001", "li1@home.example", TOKEN, PASSWORD):
        assert secret not in said
    assert all("s3cret" not in reason for reason in shop.engine.sender.down.values())
