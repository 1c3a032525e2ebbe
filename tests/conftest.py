"""What all tests share: service databases, a workspace to spoil, and how property tests run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from repository import REPOSITORY
from services import fresh_database

POSTGRESQL = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
MARIADB = "mysql+pymysql://root@127.0.0.1:3306/mysql"

hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
hypothesis.settings.register_profile("developer", deadline=None)
hypothesis.settings.register_profile("fuzz", max_examples=int(os.environ.get("DULY_FUZZ", "20000")), deadline=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "developer")


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
    # Whoever writes a make-up day down vouches for its year: so no test hangs on how near the end of the year is.
    vouched = "calendar: CN\nlike: CN\nworking: [2099-01-03]\n"
    (home / "config" / "calendars" / "CN.yaml").write_text(vouched, encoding="utf-8")
    return home
