"""A worker: a thread that does one kind of work whenever it is due, or when somebody pokes it."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable

import structlog

from duly.time.clock import Clock, seconds_until

LONGEST_SLEEP = 2.0
"""Seconds, of the real world, after which a worker looks at the ledger anyway: other processes write there, too."""
SHORTEST_SLEEP = 0.002
"""Seconds, of the real world, between two looks at a fast clock that has been made to wait."""
AFTER_ERROR = 5.0
"""Seconds, of the real world, before work that failed is tried again."""

_log = structlog.get_logger()


class Worker(threading.Thread):
    """Does its work, learns when there will be more, and sleeps until then.

    Parameters
    ----------
    name: what it is called in the log and at the clock.
    clock: the time.
    work: does what is due at an instant; returns when to call it again, ``None`` for when something happens.
    """

    def __init__(self, name: str, clock: Clock, work: Callable[[dt.datetime], dt.datetime | None]) -> None:
        super().__init__(name=name, daemon=True)
        self._clock = clock
        self._work = work
        self._poked = threading.Event()
        self._lock = threading.Lock()
        self._stopping = False
        self.trouble = ""
        """What went wrong at the last try; empty while all is well."""

    def poke(self) -> None:
        """Say that there may be work now; a fast clock waits until it has been looked at."""
        with self._lock:
            self._clock.appoint(self.name, self._clock.now())
            self._poked.set()

    def stop(self) -> None:
        """End after the work in hand."""
        self._stopping = True
        self._poked.set()

    def run(self) -> None:
        """Work until stopped."""
        while True:
            self._poked.clear()
            if self._stopping:
                break
            self._sleep(self._once())
        self._clock.appoint(self.name, None)

    def _once(self) -> dt.datetime | None:
        """Do what is due; returns when there will be more."""
        try:
            wake = self._work(self._clock.now())
        except Exception as error:  # noqa: BLE001 - one kind of work that fails must not end the others
            self.trouble = f"{self.name}: {type(error).__name__}"
            _log.exception("work_failed", work=self.name)
            self._clock.appoint(self.name, None)
            self._poked.wait(AFTER_ERROR)
            return self._clock.now()
        self.trouble = ""
        return wake

    def _sleep(self, wake: dt.datetime | None) -> None:
        """Sleep until ``wake``, or until poked, and never for long."""
        with self._lock:
            real = wake if self._poked.is_set() else self._clock.appoint(self.name, wake)
        while not self._poked.wait(LONGEST_SLEEP if real is None else min(seconds_until(real), LONGEST_SLEEP)):
            if wake is None or self._clock.now() >= wake or seconds_until(real or wake) >= LONGEST_SLEEP:
                return
            # Somebody else takes long, and a fast clock waits for them: so do we.
            self._poked.wait(SHORTEST_SLEEP)
            with self._lock:
                real = wake if self._poked.is_set() else self._clock.appoint(self.name, wake)
