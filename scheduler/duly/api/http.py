"""The HTTP client that channels are handed: bounded, verified, and honest about what may have left."""

from __future__ import annotations

import json as json_format
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import Message as HeaderFields
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, LocationParseError, NameResolutionError
from urllib3.util import Timeout, parse_url

from duly.api.verdict import MaybeSent, NotSent

CONNECT_SECONDS = 5.0
REPLY_SECONDS = 20.0
REPLY_BYTES = 1_000_000
KEPT_CONNECTIONS = 32
LONGEST_WAIT = timedelta(days=1)

# urllib3 logs whole URLs, and gateways put tokens into those.
logging.getLogger("urllib3").setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True)
class Reply:
    """What an HTTP server answered.

    Parameters
    ----------
    status_code: the status (``200``, ``429`` …); redirects are handed over like any other.
    headers: the reply's headers; names in any case.
    content: the body, cut at 1 MB.
    """

    status_code: int
    headers: Mapping[str, str]
    content: bytes = b""

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status_code < 300

    @property
    def text(self) -> str:
        """The body as text, in the charset that the reply names, else UTF-8; what cannot be read becomes ``�``."""
        fields = HeaderFields()
        fields["Content-Type"] = self.headers.get("Content-Type", "")
        try:
            return self.content.decode(fields.get_content_charset("utf-8"), "replace")
        except LookupError:
            return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """Return the body read as JSON.

        Raises
        ------
        ValueError: the body is something else (an HTML page, half an answer); the sentence does not quote it.
        """
        try:
            return json_format.loads(self.content)
        except (ValueError, RecursionError):
            kind = self.headers.get("Content-Type", "nothing it gives a type to")
            raise ValueError(f"the reply (HTTP {self.status_code}) is not JSON but {kind}") from None

    @property
    def retry_after(self) -> timedelta | None:
        """How long the server asks to wait (Retry-After, RFC 9110, 10.2.3), at most a day; ``None`` if it does not say.

        A date is measured against the reply's own Date header: the server's two times agree with each other, whatever
        the clocks of this machine say.
        """
        written = self.headers.get("Retry-After", "").strip()
        if written.isascii() and written.isdigit():
            wait = timedelta(seconds=int(written)) if len(written) < 9 else LONGEST_WAIT
        else:
            until, now = _http_date(written), _http_date(self.headers.get("Date", ""))
            if until is None or now is None:
                return None
            wait = until - now
        return min(max(wait, timedelta()), LONGEST_WAIT)


class Http:
    """HTTP for channels: certificates are verified; nothing is retried, redirected or sent through a proxy unasked.

    One client serves any number of threads and keeps connections between requests.
    """

    def __init__(self) -> None:
        self._pool = urllib3.PoolManager(maxsize=KEPT_CONNECTIONS, retries=False)
        self._pool.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}

    def get(self, url: str, *, headers: Mapping[str, str] | None = None, timeout: float = REPLY_SECONDS) -> Reply:
        """Ask for ``url``; parameters and errors are those of `post`."""
        return self._request("GET", url, dict(headers or {}), None, timeout)

    def post(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        data: Mapping[str, str] | bytes | None = None,
        timeout: float = REPLY_SECONDS,
    ) -> Reply:
        """Send a body to ``url`` and return the answer, whatever its status.

        Parameters
        ----------
        url: ``http`` or ``https``.
        headers: sent as they are.
        json: a body to send as JSON.
        data: a form's fields, or a body as it is; not together with ``json``.
        timeout: seconds to wait for the answer once connected; connecting may take 5 s.

        Raises
        ------
        NotSent: there was no connection (refused, unknown host, bad certificate, time-out): nothing has left.
        MaybeSent: the line broke or fell silent afterwards.
        ValueError: the URL is none.
        """
        fields = dict(headers or {})
        if json is not None:
            fields.setdefault("Content-Type", "application/json")
            return self._request("POST", url, fields, json_format.dumps(json).encode(), timeout)
        if isinstance(data, Mapping):
            fields.setdefault("Content-Type", "application/x-www-form-urlencoded")
            data = urlencode(data).encode()
        return self._request("POST", url, fields, data, timeout)

    def close(self) -> None:
        """Close the connections that were kept."""
        self._pool.clear()

    def _request(self, method: str, url: str, headers: dict[str, str], body: bytes | None, timeout: float) -> Reply:
        host = _host(url)
        headers.setdefault("User-Agent", "duly")
        try:
            response = self._pool.request(
                method,
                url,
                body=body,
                headers=headers,
                timeout=Timeout(connect=CONNECT_SECONDS, read=timeout),
                redirect=False,
                preload_content=False,
            )
            content = response.read(REPLY_BYTES + 1)
        except HTTPError as error:
            # Its class says what happened; its text may quote a URL with a token in it.
            raise MaybeSent(f"{host} broke off before it had answered ({type(error).__name__})") from None
        if len(content) > REPLY_BYTES:
            response.close()
        else:
            response.release_conn()
        return Reply(response.status, response.headers, content[:REPLY_BYTES])


class _PlainConnection(HTTPConnection):
    def connect(self) -> None:
        try:
            super().connect()
        except (HTTPError, OSError) as error:
            raise _not_sent(self.host, error) from None


class _SecureConnection(HTTPSConnection):
    # The handshake is part of connecting, so a bad certificate is as safe to try again as a refused connection.
    def connect(self) -> None:
        try:
            super().connect()
        except (HTTPError, OSError) as error:
            raise _not_sent(self.host, error) from None


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


def _not_sent(host: str, error: Exception) -> NotSent:
    if isinstance(error, NameResolutionError):
        return NotSent(f"{host} is not a known host")
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
    if isinstance(cause, TimeoutError):
        return NotSent(f"{host} cannot be reached: no answer within {CONNECT_SECONDS:g} s")
    said = getattr(cause, "verify_message", "") or getattr(cause, "strerror", "") or type(cause).__name__
    return NotSent(f"{host} cannot be reached: {said}")


def _host(url: str) -> str:
    try:
        parts = parse_url(url)
    except LocationParseError:
        parts = None
    if parts is None or parts.scheme not in ("http", "https") or not parts.host:
        raise ValueError("this is not a URL: it must begin with https:// or http:// and name a host")
    return parts.host


def _http_date(written: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(written)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
