"""Writing down how deliveries ended, with all that follows from it, in one transaction."""

from __future__ import annotations

import datetime as dt
import hashlib

import sqlalchemy as sa

from duly.api.verdict import Accepted, Rejected, Retry
from duly.engine.attempt import Down, Outcome, Unsure
from duly.engine.doorman import Ended, Fate, Later
from duly.engine.house import House
from duly.engine.pauses import Pauses
from duly.ledger import cases, firings, journal, outbox, pauses
from duly.ledger.journal import Entry
from duly.ledger.outbox import Delivery
from duly.rules.model import When
from duly.rules.step_file import OWN

FIRST_RETRY = dt.timedelta(seconds=30)
LONGEST_RETRY = dt.timedelta(minutes=15)
LONGEST_ASKED = dt.timedelta(days=1)
"""The longest that the other side may have us wait before the next try."""
GIVE_UP = dt.timedelta(hours=24)
"""After this long a delivery that no try has got through counts as rejected, and what stands in for it takes over."""


class Settlement:
    """The verdicts of one transaction; `finish` must come before it commits.

    Parameters
    ----------
    house: the live rules, channels and actions.
    connection: the open transaction.
    now: the instant of the verdicts.
    """

    def __init__(self, house: House, connection: sa.Connection, now: dt.datetime) -> None:
        self._house = house
        self._connection = connection
        self._now = now
        self._lines: list[tuple[Delivery, str, str]] = []
        self._ended: list[tuple[Delivery, str]] = []

    def verdict(self, one: Delivery, outcome: Outcome) -> bool:
        """Write what became of one attempt.

        Returns
        -------
        Whether it is accepted, and was still ours to say so.
        """
        match outcome:
            case Accepted(receipt):
                return self.end(one, "accepted", "", receipt)
            case Rejected(reason):
                self.end(one, "rejected", reason)
            case Unsure(reason) if is_idempotent(self._house, one):
                self._try_again(one, Retry(reason), keep_words=True)
            case Unsure(reason):
                self.end(one, "unsure", reason)
            case Retry():
                self._try_again(one, outcome)
            case Down(reason):
                keep = _may_have_left(one)
                outbox.put_back(self._connection, one, self._now, f"its channel is down: {reason}", keep_words=keep)
        return False

    def turn_away(self, fate: Fate) -> None:
        """Write that a delivery does not leave now, or not at all."""
        if isinstance(fate, Later):
            self.put_back(fate.delivery, fate.until, fate.reason, "failed" if fate.failed else "waits")
        elif isinstance(fate, Ended):
            self.end(fate.delivery, fate.state, fate.reason)

    def resend(self, one: Delivery, reason: str) -> None:
        """Have the same words sent again: at once, for only its sender failed; later, if it fails time and again."""
        self._try_again(one, Retry(reason, dt.timedelta() if one.attempts == 1 else None), keep_words=True)

    def put_back(self, one: Delivery, until: dt.datetime, reason: str, event: str) -> None:
        """Let a delivery wait; the journal hears of it when the reason is a new one."""
        put = outbox.put_back(self._connection, one, until, reason, keep_words=_may_have_left(one))
        if put and reason != one.reason:
            self._lines.append((one, event, reason))

    def end(self, one: Delivery, state: str, reason: str, receipt: str = "") -> bool:
        """Write how a delivery ended, and let what stands in for it take over; false when it is no longer ours."""
        if not outbox.settle(self._connection, one, state, self._now, reason, receipt):
            return False
        for each in (one, *outbox.carried_by(self._connection, one)):
            self._lines.append((each, state, reason or receipt))
            self._ended.append((each, state))
            if state == "rejected" and each.fallbacks:
                about = outbox.cases_of(self._connection, [each.id]).get(each.id, [])
                outbox.put(self._connection, [outbox.fallback(each, about, self._now)], self._now)
        return True

    def finish(self) -> None:
        """Bring firings and ladders up to date, and write the journal."""
        firing_ids = {one.firing_id for one, _ in self._ended if one.firing_id is not None}
        moved = firings.settle(self._connection, firing_ids, self._now)
        self._go_on(moved)
        about = outbox.cases_of(self._connection, {one.id for one, _, _ in self._lines})
        entries = []
        for one, event, detail in self._lines:
            data = {"channel": one.channel, "to": one.person.get("id", one.audience), "audience": one.audience}
            case_ids: list[int | None] = [*about.get(one.id, [])] or [None]
            entries += [Entry(self._now, event, detail, one.rule_id, case_id, one.id, data) for case_id in case_ids]
        journal.write(self._connection, entries)

    def _go_on(self, moved: dict[int, str]) -> None:
        """Reckon anew when the ladders of these cases come to their next step.

        A step that was cancelled is armed again, but not before a check has said what the change means.
        """
        found = cases.get(self._connection, moved) if moved else {}
        waiting = {
            case.id: case
            for case in found.values()
            if moved[case.id] == "cancelled" or self._has_unanswered(case.version_id)
        }
        fired = firings.of_cases(self._connection, waiting) if waiting else {}
        stood = pauses.of_cases(self._connection, waiting) if waiting else {}
        for case in waiting.values():
            version = self._house.rules.version(case.version_id)
            live = self._house.rules.get(case.rule_id)
            if version is None or live is None or case.held or not case.active:
                continue
            next_at = version[1].next_at(
                case.clock_at,
                case.due_at,
                case.record["zone"],
                fired.get(case.id, {}),
                case.acknowledged_at,
                Pauses.of(stood.get(case.id, ())),
            )
            if next_at is not None and moved[case.id] == "cancelled":
                next_at = max(next_at, live.bound.next_slot(self._now))
            cases.set_next(self._connection, case.id, next_at)

    def _has_unanswered(self, version_id: int) -> bool:
        version = self._house.rules.version(version_id)
        return version is not None and any(step.when is When.UNANSWERED for step in version[0].rule.steps)

    def _try_again(self, one: Delivery, retry: Retry, *, keep_words: bool = False) -> None:
        keep_words = keep_words or _may_have_left(one)
        since = one.failing_since or self._now
        if self._now - since >= GIVE_UP:
            state = "unsure" if keep_words else "rejected"
            self.end(one, state, f"given up after {one.attempts + 1} tries: {retry.reason}")
            return
        until = self._now + (_delay(one) if retry.after is None else min(retry.after, LONGEST_ASKED))
        carried = outbox.carried_by(self._connection, one)
        if outbox.put_back(self._connection, one, until, retry.reason, keep_words=keep_words, failing_since=since):
            self._lines += [(each, "retry", retry.reason) for each in (one, *carried)]


def is_idempotent(house: House, one: Delivery) -> bool:
    """Tell whether sending one delivery twice does no harm."""
    if one.kind == "action":
        if one.channel.removeprefix("action ") in OWN:
            return True
        action = house.actions.get(one.channel.removeprefix("action "))
        return action is not None and action.idempotent
    channel = house.channels.get(one.channel)
    return channel is not None and channel.idempotent


def _may_have_left(one: Delivery) -> bool:
    """Tell whether an earlier try broke off, so that the same words, and no others, have to go out again."""
    return one.state == "claimed" and one.body is not None


def _delay(one: Delivery) -> dt.timedelta:
    """Wait longer after each try, and not as long as everybody else: up to a quarter more, told by the intent."""
    growing: dt.timedelta = min(FIRST_RETRY * 2 ** min(one.attempts, 10), LONGEST_RETRY)
    share = hashlib.sha256(f"{one.intent_key}{one.attempts}".encode()).digest()[0] / 1024
    return growing * (1 + share)
