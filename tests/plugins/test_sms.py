"""The ``sms`` channel against a gateway that misbehaves."""

from datetime import timedelta

import pytest

import duly
import duly_sms

MESSAGE = duly.Message(id="17-2", to="+8613800000000", text="您好 {to} 🎉")


@pytest.fixture
def sms(http, gateway):
    """Make the channel with settings of one's own."""

    def make(**settings) -> duly_sms.Sms:
        if "form" not in settings:
            settings.setdefault("json", {"phone": "{to}", "msg": "{text}", "ref": "{id}", "from": "{sender}"})
        return duly_sms.Sms(duly_sms.Sms.Config(**{"url": gateway.url, **settings}), http)

    return make


def test_json_is_filled_in(sms, gateway):
    """The gateway is told what its template says, at any depth, and braces in the words stay braces."""
    template = {"to": ["{to}"], "body": {"text": "{text}", "ref": "{id}"}, "from": "{sender}", "literal": "{{x}}"}
    assert sms(json=template, sender="Duly").send(MESSAGE) == duly.Accepted()
    assert gateway.asked[0].json == {
        "to": ["+8613800000000"],
        "body": {"text": "您好 {to} 🎉", "ref": "17-2"},
        "from": "Duly",
        "literal": "{x}",
    }


def test_a_form_is_filled_in(sms, gateway):
    """A form is sent as one, and its secrets go to the wire as they are."""
    sms(form={"mobile": "{to}", "content": "{text}", "key": duly.Secret("hunter{2}")}).send(MESSAGE)
    assert gateway.asked[0].form == {"mobile": ["+8613800000000"], "content": ["您好 {to} 🎉"], "key": ["hunter{2}"]}


def test_get_puts_the_form_into_the_address(sms, gateway):
    """Old gateways take GET; what the address already says stays."""
    sms(url=gateway.url + "?user=shop", method="GET", form={"mobile": "{to}"}).send(MESSAGE)
    assert gateway.asked[0].method == "GET"
    assert gateway.asked[0].form == {"user": ["shop"], "mobile": ["+8613800000000"]}


def test_headers_carry_their_secrets(sms, gateway):
    """Secret headers arrive in the clear at the gateway, and nowhere else."""
    channel = sms(headers={"Authorization": "Bearer hunter2"})
    channel.send(MESSAGE)
    assert gateway.asked[0].headers["Authorization"] == "Bearer hunter2"
    assert "hunter2" not in repr(channel.config) + str(channel.config)


@pytest.mark.parametrize(
    ("body", "path", "receipt"),
    [
        ({"data": {"id": "m-9"}}, "data.id", "m-9"),
        ({"messages": [{"id": 9}]}, "messages.0.id", "9"),
    ],
)
def test_the_receipt_is_found(sms, gateway, body, path, receipt):
    """The gateway's own id is read from where config says."""
    gateway.answers(200, body)
    assert sms(receipt=path).send(MESSAGE) == duly.Accepted(receipt)


@pytest.mark.parametrize("body", [b"<html>Welcome to the hotel</html>", b'{"error": 7}', b"[]", b'{"id": {}}', b"null"])
def test_no_receipt_where_one_is_promised_is_unsure(sms, gateway, body):
    """A web page, or JSON without the id, under a good status leaves it open whether the message was taken."""
    gateway.answers(200, body, Content_Type="text/html")
    with pytest.raises(duly.MaybeSent, match="the gateway answered HTTP 200 without `id`"):
        sms(receipt="id").send(MESSAGE)


@pytest.mark.parametrize("status", [400, 404, 422])
def test_a_refused_number_is_rejected(sms, gateway, status):
    """The usual refusals concern this number, for good, and the reason does not repeat it."""
    gateway.answers(status, {"error": "bad number +8613800000000"})
    verdict = sms().send(MESSAGE)
    assert verdict == duly.Rejected(f"the gateway refused this number or message (HTTP {status})")


def test_config_says_what_the_statuses_mean(sms, gateway):
    """A gateway with its own habits is described in config, where statuses are written as text."""
    channel = sms(ok=["204"], rejects=["410"])
    gateway.answers(204)
    assert channel.send(MESSAGE) == duly.Accepted()
    gateway.answers(410)
    assert isinstance(channel.send(MESSAGE), duly.Rejected)
    gateway.answers(200)
    with pytest.raises(duly.MaybeSent, match="neither under `ok` nor under `rejects`"):
        channel.send(MESSAGE)


@pytest.mark.parametrize("status", [301, 302, 401, 402, 403, 405])
def test_settings_that_do_not_work_take_the_channel_down(sms, gateway, status):
    """A refused key, an empty account or a moved gateway concern everybody, until a person acts."""
    gateway.answers(status, Location=gateway.url + "/new")
    with pytest.raises(duly.ChannelDown, match=f"HTTP {status}"):
        sms().send(MESSAGE)
    assert len(gateway.asked) == 1


def test_a_wrong_address_does_not_reject_everybody(sms, gateway):
    """A 404 that is a web page is about the address of the gateway, not about the number."""
    gateway.answers(404, b"<!DOCTYPE html><title>Not found</title>")
    with pytest.raises(duly.ChannelDown, match="`url` leads to a web page that does not exist"):
        sms().send(MESSAGE)


@pytest.mark.parametrize(
    ("status", "headers", "after"),
    [
        (429, {"Retry_After": "120"}, timedelta(minutes=2)),
        (
            429,
            {"Retry_After": "Mon, 06 Jan 2025 09:05:00 GMT", "Date": "Mon, 06 Jan 2025 09:00:00 GMT"},
            timedelta(minutes=5),
        ),
        (429, {}, None),
        (503, {"Retry_After": "30"}, timedelta(seconds=30)),
        (500, {}, None),
        (502, {"Content_Type": "text/html"}, None),
    ],
)
def test_a_busy_gateway_is_tried_again(sms, gateway, status, headers, after):
    """429 and 5xx are no refusals, and the wait that the gateway asks for is kept (FAILURES 18)."""
    gateway.answers(status, b"<html>busy</html>", **headers)
    assert sms(receipt="id").send(MESSAGE) == duly.Retry(f"HTTP {status}", after)


def test_a_proxy_that_gave_up_waiting_is_unsure(sms, gateway):
    """504 says that somebody on the way lost patience: the message may have been taken."""
    gateway.answers(504)
    with pytest.raises(duly.MaybeSent, match="did not answer in time"):
        sms().send(MESSAGE)


@pytest.mark.parametrize("way", ["hang", "drop"])
def test_a_broken_line_is_unsure(sms, gateway, way):
    """Silence and a dropped line after the request leave it open."""
    gateway.way = way
    with pytest.raises(duly.MaybeSent):
        sms(timeout=0.05).send(MESSAGE)


def test_a_refused_connection_is_not_sent(sms, closed_port):
    """Nobody listens: nothing has left."""
    with pytest.raises(duly.NotSent):
        sms(url=f"http://127.0.0.1:{closed_port}/").send(MESSAGE)


def test_an_idempotent_gateway_gets_the_same_reference(sms, gateway):
    """Where config says that the gateway drops repeats, so does the channel, and repeats are the same to the byte."""
    channel = sms(idempotent="yes")
    assert (channel.idempotent, sms().idempotent, sms(idempotent="no").idempotent) == (True, False, False)
    channel.send(MESSAGE)
    channel.send(MESSAGE)
    assert gateway.asked[0].body == gateway.asked[1].body


@pytest.mark.parametrize(
    "text", ["{to.__class__}", "{to[0]}", "{phone}", "{", "}", "{}", "{0}", "{to!r}", "{to:>9}", "{to:{text}}"]
)
def test_only_the_four_names_stand_for_something(sms, text):
    """A template reaches nothing but the four names, and the sentence does not quote it: it may be a secret."""
    with pytest.raises(ValueError, match=r"^`form\.key` has braces that stand for nothing") as caught:
        sms(form={"mobile": "{to}", "key": f"hunter2{text}"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"url": "gateway.example"}, "`url` must begin with"),
        ({"form": {}}, "say what the gateway is to be told"),
        ({"json": {"a": "{to}"}, "form": {"a": "{to}"}}, "say what the gateway is to be told"),
        ({"json": {"a": "{to}"}, "method": "GET"}, "`method: GET` sends no body"),
        ({"json": {"a": "{to}"}, "headers": {"X": "a\r\nEvil: yes"}}, "the header 'X' holds characters"),
        ({"json": {"a": "{to}"}, "headers": {"X": "密"}}, "the header 'X' holds characters"),
    ],
)
def test_settings_that_cannot_work_are_refused(sms, settings, sentence):
    """What cannot work is said before the first message."""
    with pytest.raises(ValueError, match=sentence):
        sms(**settings)
