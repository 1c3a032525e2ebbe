"""Pauses: the stretches in which a case's clock stands still, and what that does to a moment. Pure reckoning."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

from duly.ledger.pauses import Pause

GiveBack = Callable[[dt.datetime, dt.datetime, dt.datetime], dt.datetime]
"""``give_back(moment, began, ended)``: the moment, later by as much as a stretch took of its own kind of time."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch in which the clock stands still, half-open; ``ended`` is ``None`` while it does."""

    began: dt.datetime
    ended: dt.datetime | None

    def holds(self, moment: dt.datetime) -> bool:
        """Tell whether ``moment`` lies within: what is due as the stretch begins was due first."""
        return self.began < moment and (self.ended is None or moment < self.ended)


@dataclass(frozen=True, slots=True)
class Pauses:
    """The stretches of one case, in order and apart from each other, so that overlapping ones count once."""

    stretches: tuple[Stretch, ...] = ()

    @classmethod
    def of(cls, known: Iterable[Pause]) -> Pauses:
        """Join what the ledger knows, fact by fact, into stretches."""
        joined: list[Stretch] = []
        for pause in sorted(known, key=attrgetter("began_at")):
            last = joined[-1] if joined else None
            if last is None or (last.ended is not None and last.ended < pause.began_at):
                joined.append(Stretch(pause.began_at, pause.ended_at))
            elif last.ended is not None:
                ended = None if pause.ended_at is None else max(last.ended, pause.ended_at)
                joined[-1] = Stretch(last.began, ended)
        return cls(tuple(joined))

    @classmethod
    def seen(cls, paused: Mapping[str, dt.datetime | None], now: dt.datetime) -> Pauses:
        """Take what holds as it is first seen at ``now``."""
        return cls.of(Pause(0, fact, at) for fact, at in begun((), paused, now).items())

    def before(self, due_at: dt.datetime | None) -> Pauses:
        """Leave out what began too late to move the due time."""
        if due_at is None:
            return self
        return Pauses(tuple(stretch for stretch in self.stretches if stretch.began < due_at))

    def since(self, start: dt.datetime) -> Iterator[tuple[dt.datetime, dt.datetime]]:
        """Give beginning and end of each stretch that is over, as far as it lies after ``start``."""
        for stretch in self.stretches:
            if stretch.ended is not None and stretch.ended > start:
                yield max(stretch.began, start), stretch.ended

    def carried(self, moment: dt.datetime, start: dt.datetime, give_back: GiveBack) -> dt.datetime:
        """Move what counts from ``start`` by each stretch that is over and began before it, one after the other."""
        for stretch in self.stretches:
            if stretch.ended is None or stretch.began >= moment:
                break
            if stretch.ended > start:
                moment = give_back(moment, max(stretch.began, start), stretch.ended)
                # Where a stretch took nothing of that kind of time, nothing comes within it all the same.
                moment = max(moment, stretch.ended)
        return moment

    def around(self, moment: dt.datetime) -> Stretch | None:
        """Find the stretch within which a moment lies."""
        return next((stretch for stretch in self.stretches if stretch.holds(moment)), None)


NONE = Pauses()


def begun(
    known: Sequence[Pause], paused: Mapping[str, dt.datetime | None], unknown: dt.datetime
) -> dict[str, dt.datetime]:
    """Find the facts that hold now and whose pause the ledger does not know, and when each began.

    Parameters
    ----------
    known: the pauses of the case.
    paused: the facts that hold, each with the time at which it became so, if the source knows that.
    unknown: when one began of which the source does not know it; no pause begins after it.
    """
    going = {pause.fact for pause in known if pause.ended_at is None}
    return {fact: min(at or unknown, unknown) for fact, at in paused.items() if fact not in going}


def over(known: Sequence[Pause], paused: Mapping[str, dt.datetime | None]) -> list[Pause]:
    """Find the pauses that go on by the ledger, but whose fact no longer holds."""
    return [pause for pause in known if pause.ended_at is None and pause.fact not in paused]
