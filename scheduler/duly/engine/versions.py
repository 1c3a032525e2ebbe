"""The versions on which cases started, each with its own ladder (law 7)."""

from __future__ import annotations

from duly.engine.timing import Timing
from duly.ledger import versions
from duly.ledger.ledger import Ledger
from duly.rules.bind import BoundRule
from duly.rules.snapshot import Snapshot


class Versions:
    """Binds the rule versions that the ledger has kept to the vocabulary, the people and the words of today.

    Parameters
    ----------
    ledger: where versions are kept.
    snapshot: the workspace as it stands in its files.
    """

    def __init__(self, ledger: Ledger, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._ledger = ledger
        self._bound: dict[int, tuple[BoundRule, Timing] | None] = {}

    def keep(self, version_id: int, bound: BoundRule, timing: Timing) -> None:
        """Take over a version that is bound already."""
        self._bound[version_id] = bound, timing

    def get(self, version_id: int) -> tuple[BoundRule, Timing] | None:
        """Bind one version; ``None`` when it no longer binds."""
        if version_id not in self._bound:
            with self._ledger.read() as connection:
                path, text = versions.version_text(connection, version_id)
            bound = self.snapshot.bind_text(path, text)
            self._bound[version_id] = (bound, Timing(bound)) if bound else None
        return self._bound[version_id]
