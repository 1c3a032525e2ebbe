"""The client that channels are handed."""

import traceback
from datetime import timedelta

import pytest

import duly

SECRET = "hunter2"


def test_json_arrives_as_written(http, gateway):
    """A JSON body arrives in any script, with the headers given."""
    reply = http.post(gateway.url, headers={"Authorization": "Bearer t"}, json={"text": "您好 안녕 🎉"})
    assert reply.status_code == 200
    assert gateway.asked[0].json == {"text": "您好 안녕 🎉"}
    assert gateway.asked[0].headers["Authorization"] == "Bearer t"
    assert gateway.asked[0].headers["Content-Type"] == "application/json"


def test_a_form_arrives_as_written(http, gateway):
    """A form's fields arrive whatever characters they hold."""
    http.post(gateway.url, data={"text": "a&b=c\r\n您好", "to": "+86 1"})
    assert gateway.asked[0].form == {"text": ["a&b=c\r\n您好"], "to": ["+86 1"]}


def test_get_asks_without_a_body(http, gateway):
    """GET sends no body and hands over what came."""
    gateway.answers(200, {"state": "delivered"})
    assert http.get(gateway.url).json() == {"state": "delivered"}
    assert (gateway.asked[0].method, gateway.asked[0].body) == ("GET", b"")


def test_a_refused_connection_means_not_sent(http, closed_port):
    """Nobody listens: nothing has left, so it is safe to try again."""
    with pytest.raises(duly.NotSent, match=r"127\.0\.0\.1 cannot be reached: Connection refused"):
        http.post(f"http://127.0.0.1:{closed_port}/", json={})


def test_an_unknown_host_means_not_sent(http):
    """A name that does not resolve is named."""
    with pytest.raises(duly.NotSent, match=r"gateway\.invalid is not a known host"):
        http.post("https://gateway.invalid/", json={})


def test_a_server_without_a_certificate_means_not_sent(http, gateway):
    """A handshake that fails comes before the request, so nothing has left."""
    with pytest.raises(duly.NotSent, match=r"127\.0\.0\.1 cannot be reached"):
        http.post(gateway.url.replace("http:", "https:"), json={})
    assert gateway.asked == []


@pytest.mark.parametrize("way", ["hang", "drop", "half"])
def test_a_line_that_breaks_later_may_have_sent(http, gateway, way):
    """Silence, a dropped line and half an answer leave it open whether the message was taken."""
    gateway.way = way
    with pytest.raises(duly.MaybeSent, match=r"127\.0\.0\.1 broke off before it had answered"):
        http.post(gateway.url + "?key=hunter2", json={}, timeout=0.05)
    assert len(gateway.asked) == 1


def test_errors_do_not_quote_the_url(http, gateway, closed_port):
    """A token in a URL shows in no error, nor in what caused it."""
    gateway.way = "drop"
    for url in (gateway.url, f"http://127.0.0.1:{closed_port}/", f"http://[{SECRET}", "ftp://x/"):
        with pytest.raises((duly.MaybeSent, duly.NotSent, ValueError)) as caught:
            http.post(f"{url}?key={SECRET}", json={})
        assert SECRET not in repr(caught.value)
        assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_a_redirect_is_handed_over(http, gateway):
    """A redirect is an answer like any other: a message goes only where config says."""
    gateway.answers(302, Location=gateway.url + "/elsewhere")
    assert http.post(gateway.url, json={}).status_code == 302
    assert len(gateway.asked) == 1


def test_proxies_of_the_environment_are_not_used(http, gateway, monkeypatch, closed_port):
    """A proxy that happens to stand in the environment does not get to see messages."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port}")
    assert http.post(gateway.url, json={}).is_success


def test_a_reply_is_read_up_to_a_megabyte(http, gateway):
    """An endless reply costs neither memory nor time, and its line is given up."""
    gateway.way = "endless"
    assert len(http.post(gateway.url, json={}).content) == 1_000_000
    assert gateway.hung_up.wait(5)


def test_headers_are_found_in_any_case(http, gateway):
    """Header names are the same in any case."""
    gateway.answers(200, X_Request_Id="17")
    assert http.post(gateway.url, json={}).headers["x-request-id"] == "17"


@pytest.mark.parametrize("body", [b"<html>", b"", b'{"id": ', b"[" * 100_000])
def test_what_is_not_json_says_so(body):
    """A body that is not JSON gives one sentence that does not quote it."""
    reply = duly.Reply(200, {"Content-Type": "text/html"}, body)
    with pytest.raises(ValueError, match=r"^the reply \(HTTP 200\) is not JSON but text/html$"):
        reply.json()


@pytest.mark.parametrize(
    ("kind", "body", "text"),
    [
        ("text/plain; charset=gbk", "您好".encode("gbk"), "您好"),
        ("text/plain", "您好".encode(), "您好"),
        ("text/plain; charset=klingon", b"ok", "ok"),
        ("", b"\xff", "�"),
    ],
)
def test_text_is_read_in_its_charset(kind, body, text):
    """The charset is the one that the reply names, else UTF-8."""
    assert duly.Reply(200, {"Content-Type": kind}, body).text == text


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "120"}, timedelta(minutes=2)),
        ({"Retry-After": "0"}, timedelta(0)),
        (
            {"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT", "Date": "Fri, 31 Dec 1999 23:58:59 GMT"},
            timedelta(minutes=1),
        ),
        ({"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT", "Date": "Sat, 01 Jan 2000 00:00:00 GMT"}, timedelta(0)),
        ({"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}, None),
        ({"Retry-After": "9" * 40}, timedelta(days=1)),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "１２"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read(headers, wait):
    """Seconds and dates are read; a date counts from the reply's own Date; nothing waits longer than a day."""
    assert duly.Reply(429, headers).retry_after == wait
    assert duly.Retry.from_reply(duly.Reply(429, headers)) == duly.Retry("HTTP 429", wait)
