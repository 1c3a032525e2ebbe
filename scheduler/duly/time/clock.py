"""The clock that is handed in: the only place where the time is read."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable
from typing import Protocol

from duly.time.zone import UTC, in_utc


class Clock(Protocol):
    """What everybody asks for the time, and tells when they have to act next."""

    def now(self) -> dt.datetime:
        """Return the present instant, in UTC."""

    def appoint(self, who: str, at: dt.datetime | None) -> dt.datetime | None:
        """Note when somebody has to act next, in place of what they said before.

        A fast clock does not pass an appointment until whoever made it has made another: its speed makes nobody late.

        Parameters
        ----------
        who: a name of one's own.
        at: an instant of this clock; ``None`` for no appointment.

        Returns
        -------
        The instant of the real world at which this clock shows ``at``, or later if somebody else takes long.
        """


class SystemClock:
    """The machine's own clock."""

    def now(self) -> dt.datetime:
        """Return the present instant, in UTC."""
        return dt.datetime.now(UTC)

    def appoint(self, who: str, at: dt.datetime | None) -> dt.datetime | None:  # noqa: ARG002 - it waits for nobody
        """Return ``at``: the real world does not wait."""
        return at


class FastClock:
    """A clock that starts where it is told and runs faster than the real one; threads may share it.

    Parameters
    ----------
    start: the instant it shows first.
    speed: seconds that it counts in one real second, above 0.
    """

    def __init__(self, start: dt.datetime, speed: float) -> None:
        if not speed > 0:
            raise ValueError(f"a clock cannot run at speed {speed:g}: give one above 0")
        self._speed = speed
        self._shown = in_utc(start)
        self._since = time.monotonic()
        self._appointments: dict[str, dt.datetime] = {}
        self._lock = threading.Lock()

    def now(self) -> dt.datetime:
        """Return the instant that this clock shows, in UTC."""
        with self._lock:
            return self._read()

    def appoint(self, who: str, at: dt.datetime | None) -> dt.datetime | None:
        """Stand still at ``at`` until ``who`` has another appointment, or none."""
        with self._lock:
            shown = self._read()
            if at is None:
                self._appointments.pop(who, None)
                return None
            self._appointments[who] = at
        return dt.datetime.now(UTC) + max(at - shown, dt.timedelta(0)) / self._speed

    def _read(self) -> dt.datetime:
        read, self._since = self._since, time.monotonic()
        running = self._shown + dt.timedelta(seconds=(self._since - read) * self._speed)
        stop = min(self._appointments.values(), default=running)
        self._shown = max(self._shown, min(running, stop))
        return self._shown


class ManualClock:
    """A clock that stands wherever it is set: for tests, examples and simulation."""

    def __init__(self, at: dt.datetime) -> None:
        self._at = in_utc(at)

    def now(self) -> dt.datetime:
        """Return the instant it was set to."""
        return self._at

    def set(self, at: dt.datetime) -> None:
        """Show ``at`` from now on."""
        self._at = in_utc(at)

    def appoint(self, who: str, at: dt.datetime | None) -> dt.datetime | None:  # noqa: ARG002 - it waits for nobody
        """Return ``at``: nobody waits for this clock."""
        return at


def seconds_until(real: dt.datetime) -> float:
    """Tell how many seconds the real world is away from ``real``; 0 when it has passed."""
    return max((real - dt.datetime.now(UTC)).total_seconds(), 0.0)


def patience(seconds: float) -> Callable[[], bool]:
    """Return a function that tells whether so many real seconds have passed by now.

    For how long to wait for an answer, or before a bar shows; never for when something happens.
    """
    until = time.monotonic() + seconds
    return lambda: time.monotonic() > until
