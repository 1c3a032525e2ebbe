"""Waiting for what other threads and processes do: never longer than needed, and never for ever."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(look: Callable[[], T], seconds: float = 20) -> T:
    """Look until something is there, and return it; the test fails when nothing is there in time."""
    until = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < until, f"nothing came of it within {seconds:g} s"
        time.sleep(0.01)
