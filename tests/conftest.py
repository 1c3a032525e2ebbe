"""What all tests share: service databases, a workspace to spoil, and how property tests run."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import sqlalchemy as sa

REPOSITORY = Path(__file__).resolve().parents[1]
POSTGRESQL = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
MARIADB = "mysql+pymysql://root@127.0.0.1:3306/mysql"

hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
hypothesis.settings.register_profile("developer", deadline=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "developer")


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


@pytest.fixture
def postgresql_url() -> Iterator[str]:
    """Give the URL of an empty PostgreSQL database that lives as long as the test."""
    yield from fresh_database(POSTGRESQL, "PostgreSQL", "DROP DATABASE {} WITH (FORCE)")


@pytest.fixture
def mariadb_url() -> Iterator[str]:
    """Give the URL of an empty MariaDB database that lives as long as the test."""
    yield from fresh_database(MARIADB, "MariaDB", "DROP DATABASE {}")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Give a workspace of its own to the test: a copy of the starter pack."""
    home = tmp_path / "workspace"
    for folder in ("config", "rules", "notifications"):
        shutil.copytree(REPOSITORY / folder, home / folder)
    return home
