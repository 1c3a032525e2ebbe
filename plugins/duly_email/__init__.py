"""The ``email`` channel: mail through an SMTP submission server."""

from __future__ import annotations

import contextlib
import hashlib
import re
import smtplib
import ssl
from collections.abc import Callable
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import duly

PORTS = {"starttls": 587, "tls": 465, "none": 25}
SERVICE_CLOSING = 421
AUTHENTICATION_REQUIRED = 530
LONGEST_SAYING = 200

# Seven bits pass every server, also one without 8BITMIME.
MAIL = SMTP.clone(cte_type="7bit")


class Email(duly.Channel):
    """Mail through an SMTP server."""

    name = "email"
    address = "email"

    class Config(duly.Config):
        """The server, and who the mail is from."""

        host: str = duly.field("The mail server", min_length=1)
        security: Literal["starttls", "tls", "none"] = duly.field(
            "starttls, tls (from the first byte) or none", default="starttls"
        )
        port: int | None = duly.field("Its port; 587 for starttls, 465 for tls, else 25", default=None, ge=1, le=65535)
        user: str = duly.field("The name to log in with; empty for no login", default="")
        password: duly.Secret = duly.field("The password to log in with", default=duly.Secret(""))
        sender: str = duly.field("Who it is from: service@shop.example or Shop <service@shop.example>", alias="from")
        timeout: float = duly.field("Seconds to wait for each answer of the server", default=30, gt=0)

    config: Config

    def __init__(self, config: Config, http: duly.Http, home: Path = Path()) -> None:
        super().__init__(config, http, home)
        name, written = parseaddr(config.sender)
        sender = _mailbox(written, name) if config.sender.isprintable() else None
        if sender is None:
            raise ValueError("`from` is not a mail address; write service@shop.example or Shop <service@shop.example>")
        if not (config.user + config.password.reveal()).isascii():
            raise ValueError("`user` and `password` may hold only ASCII characters: no login of SMTP takes others")
        self._sender = sender
        self._idle: list[smtplib.SMTP] = []

    def open(self) -> None:
        """Connect and log in."""
        self._idle.append(self._connect())

    def close(self) -> None:
        """Say goodbye to the server."""
        while self._idle:
            with contextlib.suppress(OSError):
                self._idle.pop().quit()

    def send(self, message: duly.Message) -> duly.Verdict:
        """Hand one mail to the server."""
        to = _mailbox(message.to, message.name)
        if to is None:
            return duly.Rejected("this is not an address that mail can be sent to")
        mail = self._compose(message, to)
        while self._idle:
            line = self._idle.pop()
            try:
                return self._hand_over(line, to, mail)
            except duly.NotSent:
                continue  # the server hung up between two messages
        return self._hand_over(self._connect(), to, mail)

    def _connect(self) -> smtplib.SMTP:
        config = self.config
        port = config.port or PORTS[config.security]
        try:
            if config.security == "tls":
                context = ssl.create_default_context()
                line: smtplib.SMTP = smtplib.SMTP_SSL(config.host, port, timeout=config.timeout, context=context)
            else:
                line = smtplib.SMTP(config.host, port, timeout=config.timeout)
        except smtplib.SMTPConnectError as error:
            raise duly.NotSent(f"{config.host} {_said(error.smtp_code, error.smtp_error)}") from None
        except OSError as error:
            raise duly.NotSent(f"{config.host} cannot be reached: {_cause(error)}") from None
        try:
            self._log_in(line)
        except BaseException:
            line.close()
            raise
        return line

    def _log_in(self, line: smtplib.SMTP) -> None:
        config = self.config
        try:
            if config.security == "starttls":
                line.starttls(context=ssl.create_default_context())
            line.ehlo_or_helo_if_needed()
            if config.user:
                line.login(config.user, config.password.reveal())
        except smtplib.SMTPResponseException as error:
            if isinstance(error, smtplib.SMTPAuthenticationError) and error.smtp_code >= 500:
                raise duly.ChannelDown(f"{config.host} refused the login ({error.smtp_code})") from None
            raise duly.NotSent(f"{config.host} {_said(error.smtp_code, error.smtp_error)}") from None
        except smtplib.SMTPServerDisconnected as error:
            raise duly.NotSent(f"{config.host} broke off before any mail: {_cause(error)}") from None
        except smtplib.SMTPException as error:
            lacks = "STARTTLS" if "STARTTLS" in str(error) else "a login that Duly knows"
            raise duly.ChannelDown(f"{config.host} does not offer {lacks}; see `security` and `user`") from None
        except OSError as error:
            raise duly.NotSent(f"{config.host} broke off before any mail: {_cause(error)}") from None

    def _hand_over(self, line: smtplib.SMTP, to: Address, mail: bytes) -> duly.Verdict:
        try:
            verdict = self._envelope(line, to) or self._contents(line, mail)
        except BaseException:
            line.close()
            raise
        with contextlib.suppress(OSError):  # a line that breaks now is not kept, but the verdict stands
            if not isinstance(verdict, duly.Accepted):
                line.rset()
            self._idle.append(line)
        return verdict

    def _envelope(self, line: smtplib.SMTP, to: Address) -> duly.Verdict | None:
        host = self.config.host
        try:
            code, saying = line.mail(self._sender.addr_spec)
            if 500 <= code < 600 and code != AUTHENTICATION_REQUIRED:
                # The sender is the same in every mail, so nobody can be written to.
                raise duly.ChannelDown(f"{host} refused the sender: it {_said(code, saying)}")
            if 200 <= code < 300:
                code, saying = line.rcpt(to.addr_spec)
        except OSError as error:
            raise duly.NotSent(f"{host} broke off before any mail: {_cause(error)}") from None
        if code == AUTHENTICATION_REQUIRED:
            raise duly.ChannelDown(f"{host} wants a login or encryption; see `user` and `security`")
        if code == SERVICE_CLOSING or not 200 <= code < 600:
            raise duly.NotSent(f"{host} {_said(code, saying)}")
        return _refusal(code, saying)

    def _contents(self, line: smtplib.SMTP, mail: bytes) -> duly.Verdict:
        saying: bytes | str
        try:
            code, saying = line.data(mail)
        except smtplib.SMTPDataError as error:
            code, saying = error.smtp_code, error.smtp_error
            if not 400 <= code < 600:
                raise duly.NotSent(f"{self.config.host} {_said(code, saying)}") from None
        except OSError as error:
            raise duly.MaybeSent(f"{self.config.host} broke off during the mail: {_cause(error)}") from None
        if not (200 <= code < 300 or 400 <= code < 600):
            raise duly.MaybeSent(f"{self.config.host} {_said(code, saying)}")
        return _refusal(code, saying) or duly.Accepted(_words(saying))

    def _compose(self, message: duly.Message, to: Address) -> bytes:
        mail = EmailMessage(MAIL)
        if message.at is not None:
            mail["Date"] = message.at
        mail["From"] = self._sender
        mail["To"] = to
        mail["Subject"] = _one_line(message.subject)
        mail["Message-ID"] = f"<{quote(message.id, safe='')}@{self._sender.domain}>"
        mail["Auto-Submitted"] = "auto-generated"  # so that nobody's absence note answers (RFC 3834, 5)
        mail.set_content(message.text)
        if message.lang:
            mail["Content-Language"] = _one_line(message.lang)
        if message.html:
            mail.add_alternative(message.html, subtype="html")
        for attachment in message.attachments:
            kind, _, subtype = attachment.media_type.partition("/")
            name = _one_line(attachment.name)
            mail.add_attachment(attachment.data, maintype=kind, subtype=subtype, filename=name)
        for place, part in enumerate(mail.walk()):
            if part.is_multipart():  # a boundary by chance would make each attempt another mail
                part.set_boundary(f"={hashlib.sha256(f'{message.id} {place}'.encode()).hexdigest()[:32]}")
        return mail.as_bytes()


def _mailbox(written: str, name: str) -> Address | None:
    local, _, domain = written.rpartition("@")
    try:
        # Other letters before the @ would need SMTPUTF8 all the way to the mailbox; those after it have an ASCII form.
        spec = f"{local.encode('ascii').decode()}@{domain.encode('idna').decode()}"
        mailbox = Address(_one_line(name), addr_spec=spec)
    except (ValueError, IndexError, MessageError):
        return None
    return mailbox if mailbox.username and mailbox.domain else None


def _one_line(text: str) -> str:
    # Every character that some reader of headers takes for the end of a line, or that has no place in one.
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", text).split())


def _refusal(code: int, saying: bytes | str) -> duly.Verdict | None:
    if code < 400:
        return None
    reason = f"the mail server {_said(code, saying)}"
    return duly.Retry(reason) if code < 500 else duly.Rejected(reason)


def _said(code: int, saying: bytes | str) -> str:
    return f"said {code} {_words(saying)}".rstrip()


def _words(saying: bytes | str) -> str:
    """Give a server's words without the addresses that servers like to quote."""
    text = saying.decode("utf-8", "replace") if isinstance(saying, bytes) else saying
    return re.sub(r"[^\s<>]+@[^\s<>]+", "…", _one_line(text))[:LONGEST_SAYING]


def _cause(error: Exception) -> str:
    return getattr(error, "verify_message", "") or getattr(error, "strerror", None) or _words(str(error))


@duly.hookimpl
def register_channels(register: Callable[[type[duly.Channel]], None]) -> None:
    """Offer the channel."""
    register(Email)
