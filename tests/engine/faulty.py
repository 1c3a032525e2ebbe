"""A source that breaks, or calls the test, at the point the test names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from duly.engine.engine import Engine
from duly.engine.source import Source, SourceDown
from duly.rules.record import Candidate, Record


def nothing() -> None:
    """Let the source go on."""


def down() -> None:
    """Break the source here."""
    raise SourceDown("the source “shop” does not answer")


class Faulty:
    """A source around another one; each hook is called at its point, and may raise.

    ``before`` comes as a check begins to read, ``between`` after each batch of ``size`` candidates, ``asked`` at each
    question by key.
    """

    def __init__(self, source: Source, size: int = 1000) -> None:
        self.name = source.name
        self._source = source
        self._size = size
        self.before: Callable[[], None] = nothing
        self.between: Callable[[], None] = nothing
        self.asked: Callable[[], None] = nothing

    @classmethod
    def put_into(cls, engine: Engine, size: int = 1000) -> Faulty:
        """Put one around the shop of an engine."""
        faulty = cls(engine.house.sources["shop"], size)
        engine.house.sources = {**engine.house.sources, "shop": faulty}  # type: ignore[dict-item]
        return faulty

    def candidates(self, *args: Any, **keywords: Any) -> Iterator[Sequence[Candidate]]:
        """Answer in small batches."""
        self.before()
        for batch in self._source.candidates(*args, **keywords):
            for start in range(0, len(batch), self._size):
                yield batch[start : start + self._size]
                self.between()

    def lookup(self, *args: Any, **keywords: Any) -> dict[bytes, Record]:
        """Answer by key."""
        self.asked()
        return self._source.lookup(*args, **keywords)

    def clockless(self, *args: Any, **keywords: Any) -> tuple[int, list[bytes]]:
        """Answer what has no clock."""
        return self._source.clockless(*args, **keywords)
