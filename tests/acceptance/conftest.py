"""What tests of the command line share."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no terminal, and no test runner, say how wide the output is."""
    monkeypatch.delenv("COLUMNS", raising=False)
