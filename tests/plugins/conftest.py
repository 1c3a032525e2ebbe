"""Real servers that misbehave on request: one for SMTP, one for HTTP."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

import duly

CERTIFICATE = Path(__file__).with_name("localhost.pem")


@pytest.fixture
def http() -> Iterator[duly.Http]:
    """Give the client that channels get."""
    client = duly.Http()
    yield client
    client.close()


@pytest.fixture
def closed_port() -> int:
    """Give a port on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@dataclass
class Asked:
    """One request that the gateway has read."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, list[str]]:
        """The fields of a form, wherever they are."""
        return parse_qs(urlsplit(self.path).query or self.body.decode(), keep_blank_values=True)


@dataclass
class Gateway:
    """An HTTP server that answers as it is told. ``way`` is ``answer``, ``hang``, ``drop``, ``half`` or ``endless``."""

    port: int = 0
    way: str = "answer"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    asked: list[Asked] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    hung_up: threading.Event = field(default_factory=threading.Event)

    def answers(self, status: int, body: object = b"", **headers: str) -> None:
        """Set the next answers."""
        self.status = status
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}/sms"


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """Run a gateway for the length of a test."""
    state = Gateway()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            state.asked.append(Asked(self.command, self.path, dict(self.headers), body))
            if state.way == "hang":
                state.over.wait(60)
            if state.way == "endless":
                self.send_response_only(200)
                self.send_header("Content-Length", str(10**12))
                self.end_headers()
                with contextlib.suppress(OSError):
                    while not state.over.is_set():
                        self.wfile.write(b"x" * 100_000)
                state.hung_up.set()
            if state.way in ("hang", "drop", "endless"):
                self.close_connection = True
                return
            self.send_response_only(state.status)
            more = 10 if state.way == "half" else 0
            for name, value in {"Content-Length": str(len(state.body) + more), **state.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(state.body)
            self.close_connection = self.close_connection or state.way == "half"

        do_GET = do_POST  # noqa: N815 - the server's own names

        def log_message(self, *_) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield state
    state.over.set()
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass
class MailServer:
    """What an SMTP server is to do, and what it has got. Replies are SMTP lines; empty ones mean "fine"."""

    port: int = 0
    mail: str = ""
    rcpt: str = ""
    data: str = "250 2.0.0 Ok: queued as 4F21"
    login: str = ""
    drop_in_data: bool = False
    got: list[bytes] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    sessions: list[SMTP] = field(default_factory=list)

    def hang_up(self) -> None:
        """Drop the first line, and come back when that is done."""
        done = threading.Event()
        line = self.sessions[0]
        line.loop.call_soon_threadsafe(line.transport.abort)
        line.loop.call_soon_threadsafe(done.set)
        assert done.wait(5)

    async def handle_MAIL(self, server, _session, envelope, address, _options) -> str:  # noqa: N802 - aiosmtpd's own names
        """Note the line it comes on."""
        if server not in self.sessions:
            self.sessions.append(server)
        if not self.mail:
            envelope.mail_from = address
        return self.mail or "250 OK"

    async def handle_RCPT(self, _server, _session, envelope, address, _options) -> str:  # noqa: N802 - aiosmtpd's own names
        """Refuse, or take note."""
        if not self.rcpt:
            envelope.rcpt_tos.append(address)
        return self.rcpt.format(address) or "250 OK"

    async def handle_DATA(self, server, _session, envelope) -> str:  # noqa: N802 - aiosmtpd's own names
        """Keep the mail."""
        if self.drop_in_data:
            server.transport.abort()
            return "250 never heard"
        if self.data.startswith("2"):
            self.got.append(envelope.content)
            self.envelopes.append((envelope.mail_from, envelope.rcpt_tos))
        return self.data

    def authenticate(self, _server, _session, _envelope, _mechanism, login) -> AuthResult:
        """Know one password."""
        if self.login:
            return AuthResult(success=False, handled=False, message=self.login)
        return AuthResult(success=login.password == b"open sesame", handled=False)


class AnyPort(Controller):
    """A controller that lets the system choose the port."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture
def mail_server(request) -> Iterator[MailServer]:
    """Run an SMTP server for the length of a test; parameters are aiosmtpd's own."""
    state = MailServer()
    options = dict(getattr(request, "param", {}))
    implicit = options.pop("implicit_tls", False)
    context = None
    if implicit or options.pop("starttls", False):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
    controller = AnyPort(
        state,
        hostname="127.0.0.1",
        port=0,
        server_hostname="mail.test",
        ready_timeout=10,
        ssl_context=context if implicit else None,
        authenticator=state.authenticate,
        auth_require_tls=False,
        enable_SMTPUTF8=False,
        tls_context=None if implicit else context,
        **options,
    )
    controller.start()
    state.port = controller.port
    yield state
    controller.stop()
