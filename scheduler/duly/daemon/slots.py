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
INSTANCES = 3
"""Calls for the same rule at the same time; all but the first end at once, and the first knows of their slots."""


class SlotTrigger(BaseTrigger):  # type: ignore[misc]  # APScheduler 3 has no types
    """Fires at a rule's slots, told by the injected clock.

    Parameters
    ----------
    clock: the time.
    who: the name under which each slot is an appointment at the clock, until the rule has been looked at.
    first: when the rule is to be looked at first.
    next_slot: gives the slot after an instant.
    """

    def __init__(
        self, clock: Clock, who: str, first: dt.datetime, next_slot: Callable[[dt.datetime], dt.datetime]
    ) -> None:
        self._clock = clock
        self._who = who
        self._first = first
        self._next_slot = next_slot
        self._ahead: set[dt.datetime] = set()
        self._lock = threading.Lock()

    def get_next_fire_time(
        self,
        previous_fire_time: dt.datetime | None,
        now: dt.datetime,  # noqa: ARG002 - the real world's, which is not the clock that counts here
    ) -> dt.datetime | None:
        """Return when, in the real world, the next slot comes; it may be asked twice about the same."""
        with self._lock:
            # A call that a fast clock was too slow for is followed by another for the same slot.
            return self._appoint(self._first if previous_fire_time is None else self._next_slot(self._clock.now()))

    def kept(self, until: dt.datetime, again: dt.datetime | None) -> dt.datetime | None:
        """Say that every slot up to ``until`` has been seen to.

        Parameters
        ----------
        again: when the rule is to be looked at again, slot or not.

        Returns
        -------
        When, in the real world, the next call has to come if that is sooner than APScheduler knows of: ``again``, or a
        slot that came while the rule was being looked at.
        """
        with self._lock:
            ahead = [slot for slot in self._ahead if slot > until]
            soonest = min(at for at in (again, self._next_slot(until), *ahead) if at is not None and at > until)
            # The next appointment is made before the last is given up, or a fast clock would run on in between.
            sooner = None if ahead and soonest >= max(ahead) else self._appoint(soonest)
            for slot in [slot for slot in self._ahead if slot <= until]:
                self._clock.appoint(self._name(slot), None)
                self._ahead.remove(slot)
            return sooner

    def forget(self) -> None:
        """Give up every appointment: the rule is checked no more, or by another trigger."""
        with self._lock:
            for slot in self._ahead:
                self._clock.appoint(self._name(slot), None)
            self._ahead.clear()

    def _appoint(self, slot: dt.datetime) -> dt.datetime | None:
        self._ahead.add(slot)
        return self._clock.appoint(self._name(slot), slot)

    def _name(self, slot: dt.datetime) -> str:
        return f"{self._who} {slot.isoformat()}"


class Slots:
    """The checks of all rules, each at its slots.

    Parameters
    ----------
    clock: the time.
    look: checks what is due of one rule; returns when to look again, ``None`` for no sooner than its next slot.
    """

    def __init__(self, clock: Clock, look: Callable[[int, dt.datetime], dt.datetime | None]) -> None:
        self._clock = clock
        self._look = look
        self._triggers: dict[int, SlotTrigger] = {}
        self._looking: set[int] = set()
        self._stopping = False
        self._planning = threading.Condition()
        self._scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(THREADS), "aside": ThreadPoolExecutor(1)},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": INSTANCES},
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
        with self._planning:
            self._stopping = True
        # With wait=True it would hold the lock that a job needs to plan its next run.
        self._scheduler.shutdown(wait=False)
        with self._planning:
            return self._planning.wait_for(lambda: not self._looking, patience)

    def every(self, seconds: float, job: Callable[[], object]) -> None:
        """Have something done regularly, by the real world's time, however busy the checks are."""
        self._scheduler.add_job(job, "interval", seconds=seconds, executor="aside")

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
        with self._planning:
            for rule_id in list(self._triggers):
                self._scheduler.remove_job(str(rule_id))
                self._triggers.pop(rule_id).forget()
            for rule_id in rule_ids:
                trigger = SlotTrigger(self._clock, f"check {rule_id}", first(rule_id), _of(next_slot, rule_id))
                self._triggers[rule_id] = trigger
                self._scheduler.add_job(self._run, trigger, args=[rule_id], id=str(rule_id))

    def _run(self, rule_id: int) -> None:
        with self._planning:
            if self._stopping or rule_id in self._looking:
                return
            self._looking.add(rule_id)
        now = self._clock.now()
        again = None
        try:
            again = self._look(rule_id, now)
        finally:
            with self._planning:
                self._looking.remove(rule_id)
                self._planning.notify_all()
                trigger = self._triggers.get(rule_id)
                sooner = trigger.kept(now, again) if trigger else None
                if sooner is not None and not self._stopping:
                    self._scheduler.modify_job(str(rule_id), next_run_time=sooner)


def _of(next_slot: Callable[[int, dt.datetime], dt.datetime], rule_id: int) -> Callable[[dt.datetime], dt.datetime]:
    return lambda after: next_slot(rule_id, after)
