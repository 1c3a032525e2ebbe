"""The sender: takes deliveries out of the outbox, one outlet at a time, and brings back verdicts (law 11)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import sqlalchemy as sa

from duly.api.action import Task
from duly.api.channel import Channel
from duly.api.config import Config, Secret
from duly.api.message import Message
from duly.api.verdict import Accepted, NotSent, Rejected, Retry
from duly.engine.addressing import action_channel
from duly.engine.allowance import Allowance
from duly.engine.assigning import Assigning
from duly.engine.attempt import Down, Outcome, Unsure, attempt
from duly.engine.calling import Call
from duly.engine.composer import ComposeError
from duly.engine.doing import Doing
from duly.engine.doorman import MEND, Doorman, Ready
from duly.engine.grouping import Grouping
from duly.engine.house import House
from duly.engine.report import Report
from duly.engine.settlement import LONGEST_RETRY, Settlement, is_idempotent
from duly.engine.tasks import Tasks, Wishes
from duly.engine.writing import Writing
from duly.ledger import groups, journal, outbox, reports
from duly.ledger.journal import Entry
from duly.ledger.outbox import Delivery
from duly.rules.step_file import ASSIGN, CALL, WRITE

BATCH = 64
FIRST_REST = dt.timedelta(minutes=1)
"""How long a channel that is down is left alone; doubled each time, up to `LONGEST_RETRY`."""


@dataclass
class _Rest:
    """A channel that is down."""

    reason: str
    until: dt.datetime
    times: int


class Sender:
    """Sends what waits.

    Parameters
    ----------
    house: the ledger, the live rules, the sources and the channels.
    """

    def __init__(self, house: House) -> None:
        self._house = house
        own = {CALL: Call(house), ASSIGN: Assigning(house), WRITE: Writing(house)}
        self._doings: dict[str, Doing] = {action_channel(name): doing for name, doing in own.items()}
        self._doorman = Doorman(house, self._doings)
        self._grouping = Grouping(house)
        self._allowance = Allowance(house)
        self._tasks = Tasks(house)
        self._resting: dict[str, _Rest] = {}
        self._pools: dict[str, ThreadPoolExecutor] = {}
        self._stopping = False

    @property
    def outlets(self) -> list[str]:
        """The channels, and the actions under the names by which they wait in the outbox."""
        return [*self._house.channels, *map(action_channel, self._house.actions), *self._doings]

    @property
    def down(self) -> dict[str, str]:
        """The channels that are down, each with the reason."""
        return {name: rest.reason for name, rest in self._resting.items()}

    def stop(self) -> None:
        """Begin nothing more: what is being sent is finished, and what was only claimed waits again."""
        self._stopping = True

    def close(self) -> None:
        """End the threads; what they are sending is finished first."""
        for pool in self._pools.values():
            pool.shutdown()
        self._pools.clear()

    def recover(self, now: dt.datetime) -> dt.datetime | None:
        """Take over what a sender that died has left behind.

        What was only claimed waits again. What was being sent is never sent blindly again: an idempotent channel
        resends the frozen words, one that can look a message up is asked, any other leaves it unsure for a person.

        Returns
        -------
        When the next lease runs out.
        """
        with self._house.ledger.read() as connection:
            lease = outbox.earliest_lease(connection)
            if lease is None or lease > now:
                return lease
            left = outbox.expired(connection, now)
        found = [self._found_out(one) if one.state == "sending" else Retry("its sender stopped") for one in left]
        with self._house.ledger.write() as connection:
            settlement = Settlement(self._house, connection, now)
            for one, outcome in zip(left, found, strict=True):
                if one.state == "claimed":
                    settlement.put_back(one, now, "its sender stopped", "retry")
                elif isinstance(outcome, Unsure) and is_idempotent(self._house, one):
                    settlement.resend(one, outcome.reason)
                else:
                    settlement.verdict(one, outcome)
            settlement.finish()
            return outbox.earliest_lease(connection)

    def _found_out(self, one: Delivery) -> Outcome:
        """Find out what became of a delivery that was being sent; an idempotent one may be sent again as it is."""
        channel = self._house.channels.get(one.channel)
        lookup: Callable[[str], Accepted | None] | None = getattr(channel, "lookup", None)
        if lookup is None or is_idempotent(self._house, one):
            return Unsure("the process ended while it was being sent")
        found = attempt(lambda: lookup(one.intent_key) or Retry("the other side does not know it"))
        return found if isinstance(found, Accepted | Retry) else Unsure("the other side could not be asked")

    def wakes(self, now: dt.datetime) -> dict[str, dt.datetime]:
        """Find when each outlet that has something waiting may send again; an instant that has passed means now."""
        with self._house.ledger.read() as connection:
            earliest = outbox.earliest(connection, self._house.at_work(connection), now)
        resting = {name: rest.until for name, rest in self._resting.items()}
        known = set(self.outlets)
        return {name: max(at, resting.get(name, at)) for name, at in earliest.items() if name in known}

    def send(self, outlet: str, now: dt.datetime) -> bool:
        """Send everything that waits for one channel (or one action) and may leave by ``now``.

        Returns
        -------
        Whether there was anything, so that ladders may have moved.
        """
        rest = self._resting.get(outlet)
        if rest is not None and now < rest.until:
            return False
        doing = self._doings.get(outlet)
        size = 1 if doing and doing.one_by_one else BATCH
        full, some = True, False
        while full and not self._stopping:
            with self._house.ledger.write() as connection:
                rule_ids = self._house.at_work(connection)
                batch = outbox.claim(connection, outlet, now, size, rule_ids, self._house.node)
            full, some = len(batch) == size, some or bool(batch)
            if batch and (down := self._send_batch(outlet, batch, now)) is not None:
                self._rest(outlet, down, batch[0].rule_id, now)
                return True
        self._resting.pop(outlet, None)
        return some

    def _send_batch(self, outlet: str, batch: Sequence[Delivery], now: dt.datetime) -> Down | None:
        """Send one batch; returns why the channel is down, if it is."""
        fates = self._grouping.gather(self._doorman.look(batch, now), now)
        ready = [fate for fate in fates if isinstance(fate, Ready)]
        with self._house.ledger.write() as connection:
            settlement = Settlement(self._house, connection, now)
            for fate in fates:
                settlement.turn_away(fate)
            settlement.finish()
        if not ready:
            return None
        channel = self._house.channels.get(outlet)
        hidden = _secrets(channel) if channel else frozenset()
        opened = attempt(_opening(channel), hidden) if channel else Accepted()
        if not isinstance(opened, Accepted):
            return self._not_opened(ready, opened, now)
        # What may be sent twice may be marked by the batch; of anything else no more than is in flight at once.
        again = is_idempotent(self._house, ready[0].delivery)
        width = BATCH if again else self._house.connections.get(outlet, 1)
        try:
            for start in range(0, len(ready), width):
                if self._stopping:
                    self._leave(ready[start:], now, "Duly is stopping")
                    break
                down = self._send_group(outlet, channel, ready[start : start + width], hidden, now)
                if down is not None:
                    self._leave(ready[start + width :], now, "its channel is down")
                    return down
        finally:
            if channel:
                attempt(_closing(channel))
        return None

    def _send_group(
        self,
        outlet: str,
        channel: Channel | None,
        group: Sequence[Ready],
        hidden: frozenset[str],
        now: dt.datetime,
    ) -> Down | None:
        """Send as many as the channel takes at a time: one commit before a byte leaves, one for the verdicts."""
        ours = self._mark(group, now)
        tasks: dict[int, Task] = {}
        sends = [_sending(channel, ready, now) if channel else self._doing(ready, tasks, now) for ready in ours]
        if len(sends) > 1:
            pool = self._pools.setdefault(outlet, ThreadPoolExecutor(self._house.connections.get(outlet, 1), outlet))
            outcomes = list(pool.map(attempt, sends, ({*hidden, ready.to} for ready in ours)))
        else:
            outcomes = [attempt(send, {*hidden, ready.to}) for send, ready in zip(sends, ours, strict=True)]
        heard = [self._heard(ready, tasks, outcome, now) for ready, outcome in zip(ours, outcomes, strict=True)]
        with self._house.ledger.write() as connection:
            settlement = Settlement(self._house, connection, now)
            for ready, (outcome, wishes) in zip(ours, heard, strict=True):
                accepted = settlement.verdict(ready.delivery, outcome)
                if isinstance(outcome, Retry | Rejected | Down) and ready.delivery.body is None:
                    self._allowance.give_back(connection, ready, now)
                if accepted and ready.delivery.channel in self._doings:
                    self._doings[ready.delivery.channel].carry_out(connection, ready, now)
                elif accepted and wishes:
                    self._tasks.carry_out(connection, ready, wishes, now)
            settlement.finish()
        return next((outcome for outcome in outcomes if isinstance(outcome, Down)), None)

    def _mark(self, group: Sequence[Ready], now: dt.datetime) -> list[Ready]:
        """Commit, in one go, that these are being sent: only now may a byte leave."""
        with self._house.ledger.write() as connection:
            settlement = Settlement(self._house, connection, now)
            ours = outbox.still_ours(connection, [part.delivery for ready in group for part in ready.parts])
            allowed = [one for ready in group for one in self._admit(connection, settlement, ready, ours, now)]
            outbox.mark_sending(connection, [(r.delivery, r.to, r.words.subject, r.words.body) for r in allowed])
            for ready in allowed:
                if ready.listed:
                    self._keep(connection, ready, ready.listed)
                if ready.lines:
                    carried = {line.delivery.id for line in ready.lines} - {ready.delivery.id}
                    groups.carry(connection, ready.delivery.id, carried)
            settlement.finish()
        return allowed

    def _keep(self, connection: sa.Connection, ready: Ready, listed: Report) -> None:
        """Keep what a grouped message lists: sent again, it has the same spreadsheet (law 11)."""
        one = ready.delivery
        number = reports.put(connection, one.rule_id, listed.until, listed.group, listed.pack())
        kept = {"report": number, "zone": self._house.directory.zone.key}
        outbox.remember(connection, one.id, {**one.extra, **kept})

    def _admit(
        self, connection: sa.Connection, settlement: Settlement, ready: Ready, ours: Collection[int], now: dt.datetime
    ) -> list[Ready]:
        """Let a message leave within its limits; a grouped one is written anew without what may not."""
        there = [part for part in ready.parts if part.delivery.id in ours]
        if ready.delivery.body is not None or not there:
            return there
        asked = replace(ready, lines=tuple(there)) if ready.lines else ready
        allowed, refused = self._allowance.take(connection, asked, now)
        for part, refusal in refused:
            if refusal.until is None:
                settlement.end(part.delivery, "capped", refusal.reason)
            else:
                settlement.put_back(part.delivery, refusal.until, refusal.reason, "waits")
        if not ready.lines or len(allowed) == len(ready.lines):
            return [ready] if allowed else []
        try:
            return self._grouping.write(allowed, now) if allowed else []
        except ComposeError as error:
            self._allowance.give_back(connection, replace(ready, lines=tuple(allowed)), now)
            for part in allowed:
                settlement.put_back(part.delivery, now + MEND, str(error), "failed")
            return []

    def _doing(self, ready: Ready, tasks: dict[int, Task], now: dt.datetime) -> Callable[[], object]:
        own = self._doings.get(ready.delivery.channel)
        if own is not None:
            return lambda: own.run(ready, now)
        action = self._house.actions[ready.delivery.channel.removeprefix("action ")]

        def doing() -> object:
            try:
                task = tasks[ready.delivery.id] = self._tasks.make(ready, now)
            except Exception as error:
                raise NotSent(f"its task cannot be made: {type(error).__name__}") from error
            return action.run(task)

        return doing

    def _heard(
        self, ready: Ready, tasks: Mapping[int, Task], outcome: Outcome, now: dt.datetime
    ) -> tuple[Outcome, Wishes | None]:
        """Read what an action that was content has asked for; what makes no sense leaves it unsure."""
        if not isinstance(outcome, Accepted) or ready.delivery.id not in tasks:
            return outcome, None
        try:
            return outcome, self._tasks.wishes(ready, tasks[ready.delivery.id], now)
        except Exception as error:  # noqa: BLE001 - a plugin may ask for anything
            return Unsure(f"{type(error).__name__} in what the action asked for"), None

    def _not_opened(self, ready: Sequence[Ready], opened: Outcome, now: dt.datetime) -> Down | None:
        """The channel could not be opened, so nothing has left: all of these wait."""
        reason = getattr(opened, "reason", "it could not be opened")
        if isinstance(opened, Down):
            self._leave(ready, now, "its channel is down")
            return opened
        with self._house.ledger.write() as connection:
            settlement = Settlement(self._house, connection, now)
            for one in (part for message in ready for part in message.parts):
                settlement.verdict(one.delivery, Retry(reason))
            settlement.finish()
        return None

    def _leave(self, rest: Sequence[Ready], now: dt.datetime, reason: str) -> None:
        """Put back what was claimed and is not going to be sent now."""
        with self._house.ledger.write() as connection:
            for one in (part.delivery for ready in rest for part in ready.parts):
                outbox.put_back(connection, one, now, reason, keep_words=one.body is not None)

    def _rest(self, outlet: str, down: Down, rule_id: int, now: dt.datetime) -> None:
        """Leave a channel alone for a while, longer each time."""
        times = self._resting[outlet].times + 1 if outlet in self._resting else 1
        until: dt.datetime = now + min(FIRST_REST * 2 ** (times - 1), LONGEST_RETRY)
        self._resting[outlet] = _Rest(down.reason, until, times)
        if times == 1:
            with self._house.ledger.write() as connection:
                journal.write(connection, [Entry(now, "channel down", f"{outlet} is down: {down.reason}", rule_id)])


def _opening(channel: Channel) -> Callable[[], object]:
    def opening() -> Accepted:
        try:
            channel.open()
        except OSError as error:
            raise NotSent(error.strerror or type(error).__name__) from error
        return Accepted()

    return opening


def _closing(channel: Channel) -> Callable[[], object]:
    def closing() -> Accepted:
        channel.close()
        return Accepted()

    return closing


def _secrets(channel: Channel) -> frozenset[str]:
    """Collect what the channel's settings keep secret, however deep it lies."""
    found, rest = set(), [value for _, value in channel.config]
    while rest:
        match rest.pop():
            case Secret() as secret:
                found.add(secret.reveal())
            case Config() as config:
                rest += [value for _, value in config]
            case dict() as mapping:
                rest += mapping.values()
            case list() | tuple() as several:
                rest += several
    return frozenset(found)


def _sending(channel: Channel, ready: Ready, now: dt.datetime) -> Callable[[], object]:
    message = Message(
        id=ready.delivery.intent_key,
        to=ready.to,
        text=ready.words.body,
        subject=ready.words.subject,
        name=ready.person.name,
        lang=ready.person.lang,
        urgent=ready.delivery.urgent,
        at=now,
        html=ready.enclosure.html,
        attachments=ready.enclosure.attachments,
    )
    return lambda: channel.send(message)
