"""The ``email`` channel against a real SMTP server that misbehaves."""

import dataclasses
import datetime as dt
import email
import email.policy
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

import duly
import duly_email

MESSAGE = duly.Message(
    id="17-2", to="lin@shop.example", text="您好，\n订单 1007 已延误。\n.\n🎉", subject="订单延误", name="林", lang="zh"
)


@pytest.fixture
def mail(http, mail_server):
    """Make the channel with settings of one's own, and close it in the end."""
    made = []

    def make(**settings) -> duly_email.Email:
        defaults = {
            "host": "localhost",
            "port": str(mail_server.port),
            "security": "none",
            "from": "小店 <service@shop.example>",
            "timeout": "5",
        }
        made.append(duly_email.Email(duly_email.Email.Config(**{**defaults, **settings}), http))
        return made[-1]

    yield make
    for channel in made:
        channel.close()


def read(raw: bytes) -> email.message.EmailMessage:
    """Read a mail as a mail program does."""
    return email.message_from_bytes(raw, policy=email.policy.default)


def test_a_mail_arrives_as_written(mail, mail_server):
    """Words, subject and names arrive in any script, and the server's answer is the receipt."""
    assert mail().send(MESSAGE) == duly.Accepted("2.0.0 Ok: queued as 4F21")
    got = read(mail_server.got[0])
    assert got.get_content().replace("\r\n", "\n") == MESSAGE.text + "\n"
    assert got["Subject"] == "订单延误"
    assert got["To"].addresses[0].display_name == "林"
    assert got["From"].addresses[0].display_name == "小店"
    assert got["Content-Language"] == "zh"
    assert mail_server.envelopes == [("service@shop.example", ["lin@shop.example"])]


def test_the_message_id_is_the_same_on_every_attempt(mail, mail_server):
    """A mail that is sent again is the same to the byte, so mail programs can tell."""
    channel = mail()
    channel.send(MESSAGE)
    channel.send(MESSAGE)
    assert mail_server.got[0] == mail_server.got[1]
    assert read(mail_server.got[0])["Message-ID"] == "<17-2@shop.example>"


def test_a_report_arrives_with_its_page_and_its_file(mail, mail_server):
    """A mail program shows the page, or the text where it shows no pages, and has the file beside it."""
    file = duly.Attachment("日报.xlsx", "application/vnd.ms-excel", bytes(range(256)))
    report = dataclasses.replace(MESSAGE, html="<p>您好</p>", attachments=(file,))
    channel = mail()
    assert channel.send(report) == channel.send(report) == duly.Accepted("2.0.0 Ok: queued as 4F21")
    got = read(mail_server.got[0])
    assert got.get_body(("html",)).get_content().strip() == "<p>您好</p>"
    assert got.get_body(("plain",)).get_content().replace("\r\n", "\n") == MESSAGE.text + "\n"
    (attached,) = got.iter_attachments()
    assert (attached.get_filename(), attached.get_content_type()) == (file.name, file.media_type)
    assert attached.get_content() == file.data
    assert mail_server.got[0] == mail_server.got[1]


def test_a_mail_is_dated_by_dulys_clock(mail, mail_server):
    """The date is the instant that Duly gives with the message, whatever the machine's clock says."""
    mail().send(dataclasses.replace(MESSAGE, at=dt.datetime(2024, 3, 4, 1, 30, tzinfo=dt.UTC)))
    assert read(mail_server.got[0])["Date"] == "Mon, 04 Mar 2024 01:30:00 +0000"


def test_a_mail_is_seven_bit_with_proper_line_ends(mail, mail_server):
    """A mail passes servers without 8BITMIME, whatever the words."""
    mail().send(MESSAGE)
    assert mail_server.got[0].isascii()
    assert b"\n" not in mail_server.got[0].replace(b"\r\n", b"")


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\v", "\f", "\x1c", "\x85", "\u2028", "\0"])
@pytest.mark.parametrize("where", ["subject", "name", "lang"])
def test_nothing_in_a_message_adds_a_header(mail, mail_server, where, end):
    """A line end in a subject or name stays inside its header (FAILURES 30)."""
    attack = f"Hello{end}Bcc: everybody@shop.example{end}{end}<b>body</b>"
    fields = {"id": "1", "to": "lin@shop.example", "text": "x", where: attack}
    mail().send(duly.Message(**fields))
    got = read(mail_server.got[0])
    assert set(got.keys()) <= {
        *("From", "To", "Subject", "Message-ID", "Auto-Submitted", "Content-Language", "Content-Type"),
        *("Content-Transfer-Encoding", "MIME-Version", "X-Peer", "X-MailFrom", "X-RcptTo"),
    }
    assert got.get_content().strip() == "x"
    assert mail_server.envelopes[0][1] == ["lin@shop.example"]


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
def test_no_subject_or_name_ever_adds_a_line(subject, name):
    """Whatever the subject and the name are, the mail has the headers it is to have, and one body."""
    config = duly_email.Email.Config(**{"host": "h", "from": "service@shop.example"})
    message = duly.Message(id="1", to="lin@shop.example", text="x", subject=subject, name=name)
    raw = duly_email.Email(config, duly.Http())._compose(message, duly_email._mailbox(message.to, name))
    head, _, body = raw.partition(b"\r\n\r\n")
    names = [line.split(b":")[0] for line in head.split(b"\r\n") if not line.startswith((b" ", b"\t"))]
    assert len(names) == 8
    assert body == b"x\r\n"


@pytest.mark.parametrize(
    "to", ["", "lin", "@shop.example", "a@b, c@d", "a@b\r\nRCPT TO:<c@d>", "a@b> NOTIFY=NEVER", "王@shop.example"]
)
def test_what_is_no_address_is_rejected(mail, mail_server, to):
    """An address that no mail server takes is rejected here, for good, without adding a recipient or an option."""
    verdict = mail().send(duly.Message(id="1", to=to, text="x"))
    assert verdict == duly.Rejected("this is not an address that mail can be sent to")
    assert mail_server.envelopes == []


def test_a_domain_in_another_script_is_spelled_for_the_wire(mail, mail_server):
    """A Chinese domain reaches the server in its ASCII form."""
    mail().send(duly.Message(id="1", to="lin@例子.中国", text="x"))
    assert mail_server.envelopes[0][1] == ["lin@xn--fsqu00a.xn--fiqs8s"]


def test_a_refused_recipient_is_rejected_and_the_next_mail_goes(mail, mail_server):
    """550 on one recipient is for good and concerns nobody else; the reason does not repeat the address."""
    channel = mail()
    mail_server.rcpt = "550 5.1.1 <{}>: user unknown"
    assert channel.send(MESSAGE) == duly.Rejected("the mail server said 550 5.1.1 <…>: user unknown")
    mail_server.rcpt = ""
    assert isinstance(channel.send(MESSAGE), duly.Accepted)
    assert len(mail_server.sessions) == 1


def test_a_recipient_refused_for_now_is_tried_again(mail, mail_server):
    """450 is no refusal."""
    mail_server.rcpt = "450 4.2.1 mailbox busy"
    assert mail().send(MESSAGE) == duly.Retry("the mail server said 450 4.2.1 mailbox busy")


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [("552 5.2.2 mailbox full", duly.Rejected), ("451 4.7.1 try later", duly.Retry)],
)
def test_a_mail_refused_after_data_was_not_taken(mail, mail_server, answer, verdict):
    """The answer to the mail itself decides, like that to the recipient."""
    mail_server.data = answer
    assert mail().send(MESSAGE) == verdict(f"the mail server said {answer}")


def test_an_answer_that_says_nothing_is_unsure(mail, mail_server):
    """Gibberish in answer to the mail is neither yes nor no."""
    mail_server.data = "hm"
    with pytest.raises(duly.MaybeSent):
        mail().send(MESSAGE)


def test_a_line_lost_after_data_is_unsure(mail, mail_server):
    """The server may have taken the mail before the line broke."""
    mail_server.drop_in_data = True
    with pytest.raises(duly.MaybeSent, match="localhost broke off during the mail"):
        mail().send(MESSAGE)


def test_a_refused_connection_is_not_sent(mail, closed_port):
    """Nobody listens: nothing has left."""
    channel = mail(port=closed_port)
    with pytest.raises(duly.NotSent, match="localhost cannot be reached: Connection refused"):
        channel.open()
    with pytest.raises(duly.NotSent):
        channel.send(MESSAGE)


def test_a_refused_sender_takes_the_channel_down(mail, mail_server):
    """The sender is the same for everybody, so its refusal is nobody's own."""
    mail_server.mail = "553 5.7.1 not your address"
    with pytest.raises(duly.ChannelDown, match="localhost refused the sender: it said 553"):
        mail().send(MESSAGE)


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize("mail_server", [{"auth_required": True}], indirect=True)
def test_a_server_that_wants_a_login_takes_the_channel_down(mail):
    """Without a login nobody can be written to."""
    with pytest.raises(duly.ChannelDown, match="wants a login or encryption; see `user` and `security`"):
        mail().send(MESSAGE)


def test_a_login_is_made(mail, mail_server):
    """With the right password the mail goes."""
    channel = mail(user="shop", password="open sesame")
    channel.open()
    assert isinstance(channel.send(MESSAGE), duly.Accepted)


def test_a_refused_login_takes_the_channel_down_and_shows_no_password(mail):
    """A wrong password needs a person, and stands in no error, traceback or setting (FAILURES 32)."""
    channel = mail(user="shop", password="hunter2")
    with pytest.raises(duly.ChannelDown, match=r"^localhost refused the login \(535\)$") as caught:
        channel.open()
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value.__context__)
    assert "hunter2" not in shown + repr(channel.config) + str(channel.config)


def test_a_login_refused_for_now_is_not_sent(mail, mail_server):
    """454 is the server's trouble, not the password's."""
    mail_server.login = "454 4.7.0 temporary trouble"
    with pytest.raises(duly.NotSent, match="454"):
        mail(user="shop", password="open sesame").open()


def test_a_server_without_starttls_takes_the_channel_down(mail):
    """Nothing is sent in the clear where encryption was asked for."""
    with pytest.raises(duly.ChannelDown, match="localhost does not offer STARTTLS; see `security`"):
        mail(security="starttls").open()


@pytest.mark.parametrize(
    ("mail_server", "security"),
    [({"starttls": True}, "starttls"), ({"implicit_tls": True}, "tls")],
    indirect=["mail_server"],
)
def test_encryption_is_verified(mail, mail_server, security, monkeypatch, request):
    """A certificate that nobody vouches for is refused before any mail; one that is trusted serves."""
    channel = mail(security=security)
    with pytest.raises(duly.NotSent, match="self-signed certificate"):
        channel.open()
    monkeypatch.setenv("SSL_CERT_FILE", str(request.path.with_name("localhost.pem")))
    channel.open()
    assert isinstance(channel.send(MESSAGE), duly.Accepted)


def test_one_line_serves_a_batch(mail, mail_server):
    """Between open and close all mails go over one connection."""
    channel = mail()
    channel.open()
    for _ in range(3):
        channel.send(MESSAGE)
    assert len(mail_server.sessions) == 1
    channel.close()
    channel.close()


def test_a_line_dropped_between_mails_is_opened_again(mail, mail_server):
    """A server that hangs up between two mails costs no mail and leaves nothing unsure (FAILURES 17)."""
    channel = mail()
    channel.send(MESSAGE)
    mail_server.hang_up()
    assert isinstance(channel.send(MESSAGE), duly.Accepted)
    assert (len(mail_server.got), len(mail_server.sessions)) == (2, 2)


def test_a_server_that_closes_is_not_sent(mail, mail_server):
    """421 before the mail means that nothing was taken."""
    mail_server.mail = "421 4.3.2 closing"
    with pytest.raises(duly.NotSent, match="421"):
        mail().send(MESSAGE)


@pytest.mark.parametrize("sender", ["", "shop", "Shop <>", "a@b\r\nBcc: c@d"])
def test_a_sender_that_is_no_address_is_refused(mail, sender):
    """A wrong `from` is said before the first mail."""
    with pytest.raises(ValueError, match=r"^`from` is not a mail address; write "):
        mail(**{"from": sender})


def test_a_password_that_smtp_cannot_carry_is_refused(mail):
    """A password in another script is said before the first mail, without showing it."""
    with pytest.raises(ValueError, match="`user` and `password` may hold only ASCII") as caught:
        mail(user="shop", password="芝麻开门")
    assert "芝麻" not in str(caught.value)
