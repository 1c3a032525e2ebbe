"""The ``sms`` channel: text messages through any HTTP gateway, described in config."""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit, urlunsplit

import duly

NAMES = ("to", "text", "id", "sender")
BUSY = (408, 425, 429)
NOT_FOUND = 404
GATEWAY_TIMEOUT = 504
LONGEST_RECEIPT = 200


class Sms(duly.Channel):
    """Text messages through an HTTP gateway."""

    name = "sms"
    address = "phone"

    class Config(duly.Config):
        """The gateway: where it is, what it wants to be told, how to read its answers."""

        url: duly.Secret = duly.field("Where requests go; kept secret, as it often holds a token")
        method: Literal["GET", "POST"] = duly.field("POST; or GET, which puts `form` into the address", default="POST")
        headers: dict[str, duly.Secret] = duly.field("Headers of each request", default={})
        body: dict[str, Any] = duly.field(
            "What to send as JSON; {to}, {text}, {id} and {sender} stand for the message",
            alias="json",
            default={},
            repr=False,
        )
        form: dict[str, str | duly.Secret] = duly.field(
            "What to send as a form; {to}, {text}, {id} and {sender} stand for the message", default={}, repr=False
        )
        sender: str = duly.field("What {sender} stands for: the name phones show", default="")
        ok: list[int] = duly.field("Statuses by which the gateway accepts", default=[200, 201, 202])
        rejects: list[int] = duly.field("Statuses by which it refuses the number", default=[400, 404, 422])
        receipt: str = duly.field("Where its JSON answer has its own id, like data.id; empty for nowhere", default="")
        idempotent: bool = duly.field("Whether it drops a repeated {id}", default=False)
        timeout: float = duly.field("Seconds to wait for its answer", default=20, gt=0)

    config: Config

    def __init__(self, config: Config, http: duly.Http, home: Path = Path()) -> None:
        super().__init__(config, http, home)
        self.idempotent = config.idempotent
        if not config.url.reveal().startswith(("https://", "http://")):
            raise ValueError("`url` must begin with https:// or http://")
        if bool(config.body) == bool(config.form):
            raise ValueError("say what the gateway is to be told: either `json` or `form`")
        if config.method == "GET" and config.body:
            raise ValueError("`method: GET` sends no body; describe the message under `form`")
        for name, value in config.headers.items():
            if not (name + value.reveal()).isascii() or not (name + value.reveal()).isprintable():
                raise ValueError(f"the header {name!a} holds characters that HTTP does not carry")
        _check("json", config.body)
        _check("form", config.form)

    def send(self, message: duly.Message) -> duly.Verdict:
        """Hand one message to the gateway, and read its answer."""
        values = {"to": message.to, "text": message.text, "id": message.id, "sender": self.config.sender}
        reply = self._ask(_fill(self.config.body or self.config.form, values))
        status = reply.status_code
        if status in self.config.ok:
            return duly.Accepted(self._receipt(reply))
        if status == NOT_FOUND and reply.text.lstrip().lower().startswith(("<!doctype html", "<html")):
            raise duly.ChannelDown("the gateway's `url` leads to a web page that does not exist (HTTP 404)")
        if status in self.config.rejects:
            return duly.Rejected(f"the gateway refused this number or message (HTTP {status})")
        if status == GATEWAY_TIMEOUT:
            # Somebody before the gateway gave up waiting for it, so the message may be on its way.
            raise duly.MaybeSent(f"the gateway did not answer in time (HTTP {status})")
        if status in BUSY or status >= 500:
            return duly.Retry.from_reply(reply)
        if status >= 300:
            raise duly.ChannelDown(f"the gateway takes no messages with these settings (HTTP {status})")
        raise duly.MaybeSent(f"the gateway answered HTTP {status}, which is neither under `ok` nor under `rejects`")

    def _ask(self, told: Any) -> duly.Reply:
        config = self.config
        url = config.url.reveal()
        headers = {name: value.reveal() for name, value in config.headers.items()}
        if config.body:
            return self.http.post(url, headers=headers, json=told, timeout=config.timeout)
        if config.method == "POST":
            return self.http.post(url, headers=headers, data=told, timeout=config.timeout)
        parts = urlsplit(url)
        query = "&".join(part for part in (parts.query, urlencode(told)) if part)
        return self.http.get(urlunsplit(parts._replace(query=query)), headers=headers, timeout=config.timeout)

    def _receipt(self, reply: duly.Reply) -> str:
        if not self.config.receipt:
            return ""
        try:
            found = reply.json()
            for part in self.config.receipt.split("."):
                found = found[int(part)] if isinstance(found, list) else found[part]
        except (ValueError, LookupError, TypeError):
            found = None
        if not isinstance(found, str | int):
            raise duly.MaybeSent(f"the gateway answered HTTP {reply.status_code} without `{self.config.receipt}`")
        return str(found)[:LONGEST_RECEIPT]


def _check(where: str, template: object) -> None:
    """Refuse braces that stand for nothing. The sentence names the place only: the text there may be a secret."""
    if isinstance(template, Mapping):
        for key, part in template.items():
            _check(f"{where}.{key}", part)
    elif isinstance(template, list):
        for part in template:
            _check(where, part)
    elif isinstance(template, str):
        try:
            parts = list(string.Formatter().parse(template))
        except ValueError:
            parts = [("", "", "", None)]
        if any(name is not None and (name not in NAMES or form or conversion) for _, name, form, conversion in parts):
            raise ValueError(
                f"`{where}` has braces that stand for nothing; use {{to}}, {{text}}, {{id}} or {{sender}}, "
                "and double a brace that is meant"
            )


def _fill(template: Any, values: Mapping[str, str]) -> Any:
    if isinstance(template, duly.Secret):
        return template.reveal()
    if isinstance(template, Mapping):
        return {key: _fill(part, values) for key, part in template.items()}
    if isinstance(template, list):
        return [_fill(part, values) for part in template]
    return template.format_map(values) if isinstance(template, str) else template


@duly.hookimpl
def register_channels(register: Callable[[type[duly.Channel]], None]) -> None:
    """Offer the channel."""
    register(Sms)
