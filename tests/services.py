"""Databases on the servers of this machine, one for each test that needs one; a server that is missing is named."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import pytest
import sqlalchemy as sa


def missing_service(what: str) -> None:
    """Skip the test that needs `what`; fail it where DULY_REQUIRE_SERVICES=1 says that nothing may be missing."""
    if os.environ.get("DULY_REQUIRE_SERVICES") == "1":
        pytest.fail(f"{what}, and DULY_REQUIRE_SERVICES=1 asks for it")
    pytest.skip(what)


def fresh_database(server: str, service: str, drop: str) -> Iterator[str]:
    """Create an empty database on `server` and yield its URL; drop it in the end, whoever still holds it open."""
    url = sa.make_url(server)
    engine = sa.create_engine(
        url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool, connect_args={"connect_timeout": 5}
    )
    name = f"duly_{uuid.uuid4().hex[:12]}"
    try:
        with engine.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
    except sa.exc.OperationalError:
        missing_service(f"no {service} answers on {url.host}:{url.port}")
    yield url.set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(sa.text(drop.format(name)))
