"""Slots through APScheduler: it says when a rule is to be checked; which check that is, the engine knows.

The jobs live in memory and are made anew from the rule files at each start. Their misfires are never skipped and
overlapping ones are one, because a job only says "look now": the ledger remembers which slots were checked.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Collection

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from duly.time.clock import Clock

THREADS = 4
"""Checks that run at the same time; each mostly waits for its source."""


class SlotTrigger(BaseTrigger):  # type: ignore[misc]  # APScheduler 3 has no types
    """Fires at a rule's slots, told by the injected clock.

    Parameters
    ----------
    clock: the time.
    who: the name under which each slot is an appointment at the clock, until the check has been run.
    first: when the rule is to be checked first.
    next_slot: gives the slot after an instant.
    """

    def __init__(
        self, clock: Clock, who: str, first: dt.datetime, next_slot: Callable[[dt.datetime], dt.datetime]
    ) -> None:
        self._clock = clock
        self._who = who
        self._next_slot = next_slot
        self._slot = first
        self._open: list[dt.datetime] = []
        self._lock = threading.Lock()

    def get_next_fire_time(
        self,
        previous_fire_time: dt.datetime | None,
        now: dt.datetime,  # noqa: ARG002 - the real world's, which is not the clock that counts here
    ) -> dt.datetime | None:
        """Return when, in the real world, the next slot comes."""
        with self._lock:
            if previous_fire_time is not None:
                self._slot = self._next_slot(self._slot)
            self._open.append(self._slot)
            return self._clock.appoint(self._name(self._slot), self._slot)

    def kept(self, until: dt.datetime) -> dt.datetime | None:
        """Say that every slot up to ``until`` has been seen to.

        Returns
        -------
        A slot for which the job came too early, since a fast clock had to wait for somebody: it is still to come.
        """
        with self._lock:
            for slot in [slot for slot in self._open if slot <= until]:
                self._clock.appoint(self._name(slot), None)
                self._open.remove(slot)
            return self._open[0] if len(self._open) > 1 else None

    def forget(self) -> None:
        """Give up every appointment: the rule is checked no more, or by another trigger."""
        with self._lock:
            for slot in self._open:
                self._clock.appoint(self._name(slot), None)
            self._open.clear()

    def _name(self, slot: dt.datetime) -> str:
        return f"{self._who} {slot.isoformat()}"


class Slots:
    """The checks of all rules, each at its slots.

    Parameters
    ----------
    clock: the time.
    look: checks what is due of one rule; returns when to look again before the next slot, after a failure.
    """

    def __init__(self, clock: Clock, look: Callable[[int, dt.datetime], dt.datetime | None]) -> None:
        self._clock = clock
        self._look = look
        self._triggers: dict[int, SlotTrigger] = {}
        self._running = 0
        self._resting = threading.Condition()
        self._scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(THREADS)},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
            timezone=dt.UTC,
        )

    def start(self) -> None:
        """Begin."""
        self._scheduler.start()

    def stop(self, patience: float) -> bool:
        """Begin no more checks, and wait for those under way.

        Parameters
        ----------
        patience: seconds, of the real world, to wait.

        Returns
        -------
        Whether they have ended.
        """
        # With wait=True it would hold the lock that a job needs to plan its next run.
        self._scheduler.shutdown(wait=False)
        with self._resting:
            return self._resting.wait_for(lambda: self._running == 0, patience)

    def every(self, seconds: float, job: Callable[[], object]) -> None:
        """Have something done regularly, by the real world's time."""
        self._scheduler.add_job(job, "interval", seconds=seconds)

    def follow(
        self,
        rule_ids: Collection[int],
        first: Callable[[int], dt.datetime],
        next_slot: Callable[[int, dt.datetime], dt.datetime],
    ) -> None:
        """Check these rules, and no others, from now on.

        Parameters
        ----------
        first: when a rule is to be checked first.
        next_slot: gives a rule's slot after an instant.
        """
        for rule_id in list(self._triggers):
            self._scheduler.remove_job(str(rule_id))
            self._triggers.pop(rule_id).forget()
        for rule_id in rule_ids:
            trigger = SlotTrigger(self._clock, f"check {rule_id}", first(rule_id), _of(next_slot, rule_id))
            self._triggers[rule_id] = trigger
            self._scheduler.add_job(self._run, trigger, args=[rule_id], id=str(rule_id))

    def _run(self, rule_id: int) -> None:
        with self._resting:
            self._running += 1
        try:
            self._run_check(rule_id)
        finally:
            with self._resting:
                self._running -= 1
                self._resting.notify_all()

    def _run_check(self, rule_id: int) -> None:
        now = self._clock.now()
        again = None
        try:
            again = self._look(rule_id, now)
        finally:
            trigger = self._triggers.get(rule_id)
            early = trigger.kept(now) if trigger else None
            again = min((at for at in (again, early) if at is not None), default=None)
            real = self._clock.appoint(f"again {rule_id}", again)
            if real is not None:
                self._scheduler.add_job(
                    self._run, "date", run_date=real, args=[rule_id], id=f"again {rule_id}", replace_existing=True
                )


def _of(next_slot: Callable[[int, dt.datetime], dt.datetime], rule_id: int) -> Callable[[dt.datetime], dt.datetime]:
    return lambda after: next_slot(rule_id, after)
