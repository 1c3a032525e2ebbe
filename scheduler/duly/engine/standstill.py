"""What one check finds out about the pauses of a rule's cases, and writes down."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from duly.engine.pauses import Pauses, begun, over
from duly.ledger import pauses
from duly.ledger.pauses import Pause


@dataclass
class Standstill:
    """The pauses of the cases that a check comes across.

    A pause begins when its fact became so, by the source; where the source does not know that, when a check first sees
    it. It is over when a check no longer sees it.

    Parameters
    ----------
    now: of the check.
    asked: whether the rule has pauses, or had some that still go on; else nothing is read or written.
    """

    now: dt.datetime
    asked: bool
    turned: set[int] = field(default_factory=set)
    """The cases whose clock was seen to stop or to run on."""
    _known: dict[int, list[Pause]] = field(default_factory=dict)
    _begun: list[Pause] = field(default_factory=list)
    _over: list[Pause] = field(default_factory=list)

    def read(self, connection: sa.Connection, case_ids: Collection[int]) -> None:
        """Read what the ledger knows of these cases."""
        self._known = pauses.of_cases(connection, case_ids) if self.asked else {}

    def see(self, case_id: int, paused: Mapping[str, dt.datetime | None]) -> bool:
        """Take in which pauses of a case hold now, and tell whether one has begun or is over."""
        known = self._known.get(case_id, [])
        new = [Pause(case_id, fact, at) for fact, at in begun(known, paused, self.now).items()]
        ended = over(known, paused)
        self._begun += new
        self._over += ended
        if new or ended:
            self.turned.add(case_id)
            going = [pause for pause in known if pause not in ended]
            self._known[case_id] = [*going, *(Pause(p.case_id, p.fact, p.began_at, self.now) for p in ended), *new]
        return bool(new or ended)

    def of(self, case_id: int) -> Pauses:
        """Give the stretches in which the clock of a case has stood still so far."""
        return Pauses.of(self._known.get(case_id, []))

    def write(self, connection: sa.Connection) -> list[tuple[int, str, str]]:
        """Write what has been seen since the last time.

        Returns
        -------
        A line for the journal of each case: its number, the event and a sentence.
        """
        pauses.begin(connection, self._begun)
        pauses.end(connection, self._over, self.now)
        lines = [told(pause) for pause in self._begun]
        lines += [
            (p.case_id, "runs on", f"no longer {p.fact}, after {spell(self.now - p.began_at)}") for p in self._over
        ]
        self._begun, self._over = [], []
        return lines


def told(pause: Pause) -> tuple[int, str, str]:
    """Say for the journal that a pause has begun."""
    return pause.case_id, "stands still", f"{pause.fact}, since {pause.began_at:%Y-%m-%d %H:%M} UTC"


def spell(span: dt.timedelta) -> str:
    """Spell a length of time: ``2d 3h``, ``45m``."""
    minutes = int(span.total_seconds()) // 60
    parts = {"d": minutes // 1440, "h": minutes // 60 % 24, "m": minutes % 60}
    return " ".join(f"{count}{unit}" for unit, count in parts.items() if count) or "less than a minute"
