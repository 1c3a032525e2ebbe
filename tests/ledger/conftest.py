"""Ledgers for the tests of the ledger: each test runs on a file and on a server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from duly.ledger.ledger import Ledger
from ledger.rows import publish


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    return request.getfixturevalue("postgresql_url")


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    """Give a ledger with its tables."""
    keeper = Ledger(ledger_url)
    keeper.migrate()
    yield keeper
    keeper.close()


@pytest.fixture
def rule_id(ledger: Ledger) -> int:
    """Give the number of a rule that is live."""
    return publish(ledger, "orders/late").id
