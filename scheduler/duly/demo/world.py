"""The demo's world: a shop's service database that moves by itself, the same way every time."""

from __future__ import annotations

import heapq
import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, text

from duly.demo import people, schema
from duly.demo.batch import Batch
from duly.demo.complaints import complaint_life
from duly.demo.life import Change, hours
from duly.demo.orders import Luck, order_life

ZONE = ZoneInfo("Asia/Shanghai")
"""The zone in which the shop writes its times."""

HISTORY = timedelta(days=28)
FIRST_COMPLAINT = timedelta(days=8)
ACTIVE_CUSTOMERS = 1200
FORMER_CUSTOMERS = 150
LOST_PARCELS = 12

# Arrivals in each hour of the shop's day, from midnight.
ORDERS = (2, 1.5, 1, 1, 1, 1.5, 3, 5, 10, 12, 14, 14, 11, 12, 13, 13, 13, 12, 11, 12, 15, 16, 12, 6)
COMPLAINTS = (*[0.05] * 8, *[1.1] * 14, *[0.05] * 2)

# What ran unpaid through the evening before, was nearly due, or called for a word to the agent, had mostly been seen to
# by hand before the start: all but the lost parcels and a few calls. Otherwise the first sight of it would hold dozens
# of cases that say nothing new.
SEEN_TO_UNPAID = timedelta(hours=14)
SEEN_TO_UNSHIPPED = timedelta(hours=48)
SEEN_TO_UNCALLED = timedelta(hours=46)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in the shop.

    Parameters
    ----------
    at: when, in UTC.
    what: what, in plain words: ``order 1042 paid``.
    kind: one or two words to sort by: ``paid``.
    """

    at: datetime
    what: str
    kind: str


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows the shop begins with."""

    customers: int
    orders: int
    complaints: int
    callbacks: int


class World:
    """A shop that takes orders, ships them, hears complaints and calls back.

    Parameters
    ----------
    engine: the service database (SQLite, PostgreSQL or MariaDB), in which the demo's tables do not exist yet.
    start: the moment at which the demo begins, aware; seconds are its finest grain.
    seed: the same seed and start give the same rows and events.
    scale: 1.0 is some 2,000 customers and 430 orders a day.
    """

    def __init__(self, engine: Engine, *, start: datetime, seed: int = 7, scale: float = 1.0) -> None:
        self._engine = engine
        self._start = _local(start)
        self._rng = random.Random(seed)  # noqa: S311 - a shop, not a secret
        self._scale = scale
        self._customers: list[people.Customer] = []
        self._numbers = {table: itertools.count(1) for table in schema.metadata.tables}
        self._planned: list[tuple[datetime, int, Change | Callable[[datetime], None]]] = []
        self._order_of_planning = itertools.count()
        self._lost: list[datetime] = []
        self._batch = Batch()
        self._events: list[Event] = []

    def create(self, progress: Callable[[int, int], None] | None = None) -> Counts:
        """Make the tables, and the rows as they stand at the start.

        ``progress`` hears the number of rows written so far, and of all rows.
        """
        with self._engine.begin() as connection:
            schema.metadata.create_all(connection)
        if self._engine.dialect.name == "sqlite":
            with self._engine.connect() as connection:
                # The daemon's long reads and the world's writes must not lock each other out.
                connection.execute(text("PRAGMA journal_mode = WAL"))
        self._populate()
        self._live_until(self._start)
        counts = Counter({table: self._batch.count(table) for table in schema.metadata.tables})
        self._write(progress)
        return Counts(counts["customers"], counts["orders"], counts["complaints"], counts["callbacks"])

    def move(self, now: datetime) -> list[Event]:
        """Apply everything that happens up to and including ``now`` (aware), in one transaction.

        Returns what happened since the last move, in order. A move that fails has written nothing, and the next one
        makes up for it.
        """
        self._live_until(_local(now))
        return self._write() if self._batch else []

    def next_event(self) -> datetime | None:
        """Tell when something happens next, in UTC; ``None`` before there is a world."""
        return _instant(self._planned[0][0]) if self._planned else None

    def _populate(self) -> None:
        """Bring in the people, and have the first order and the first complaint arrive."""
        for agent in people.AGENTS:
            self._batch.add("agents", dict(agent))
        active = self._scaled(ACTIVE_CUSTOMERS)
        for number in range(1, active + self._scaled(FORMER_CUSTOMERS) + 1):
            customer, row = people.customer(self._rng, number, self._start - HISTORY, active=number <= active)
            self._batch.add("customers", row)
            if number <= active:
                self._customers.append(customer)
        self._lost = sorted(
            (self._start - hours(self._rng, 4.2 * 24, 8 * 24) for _ in range(self._scaled(LOST_PARCELS))), reverse=True
        )
        self._plan_arrival(self._start - HISTORY, ORDERS, self._order_arrives)
        self._plan_arrival(self._start - FIRST_COMPLAINT, COMPLAINTS, self._complaint_arrives)

    def _live_until(self, until: datetime) -> None:
        while self._planned and self._planned[0][0] <= until:
            at, _, planned = heapq.heappop(self._planned)
            if isinstance(planned, Change):
                self._apply(planned)
            else:
                planned(at)

    def _apply(self, change: Change) -> None:
        number = change.key or next(self._numbers[change.table.name])
        self._batch.take(change, number)
        if change.what:
            self._events.append(Event(_instant(change.at), change.what, change.kind))

    def _write(self, progress: Callable[[int, int], None] | None = None) -> list[Event]:
        with self._engine.begin() as connection:
            self._batch.write(connection, progress)
        events, self._events, self._batch = self._events, [], Batch()
        return events

    def _order_arrives(self, at: datetime) -> None:
        luck = Luck(
            may_linger=at > self._start - SEEN_TO_UNPAID,
            may_run_late=at > self._start - SEEN_TO_UNSHIPPED,
            found_at=self._found_at(at),
        )
        number = next(self._numbers["orders"])
        self._begin(order_life(self._rng, number, self._rng.choice(self._customers), at, luck))
        self._plan_arrival(at, ORDERS, self._order_arrives)

    def _complaint_arrives(self, at: datetime) -> None:
        number = next(self._numbers["complaints"])
        seen_to = self._start - SEEN_TO_UNCALLED
        self._begin(complaint_life(self._rng, number, self._rng.choice(self._customers), at, seen_to))
        self._plan_arrival(at, COMPLAINTS, self._complaint_arrives)

    def _found_at(self, at: datetime) -> datetime | None:
        """Let the next lost parcel be this order's, once its time has come; it turns up some days after the start."""
        if not self._lost or at < self._lost[-1]:
            return None
        self._lost.pop()
        return self._start + hours(self._rng, 6, 80)

    def _begin(self, life: Iterable[Change]) -> None:
        birth, *later = life
        self._apply(birth)
        for change in later:
            self._plan(change.at, change)

    def _plan_arrival(self, after: datetime, by_hour: Sequence[float], arrives: Callable[[datetime], None]) -> None:
        """Plan the next arrival of a Poisson process whose rate changes with the hour."""
        at = after
        while True:
            gap = self._rng.expovariate(by_hour[at.hour] * self._scale / 3600)
            next_hour = at.replace(minute=0, second=0) + timedelta(hours=1)
            if at + timedelta(seconds=gap) < next_hour:
                return self._plan(at + timedelta(seconds=int(gap) + 1), arrives)
            # Without memory, the process may as well begin anew at the new hour's rate.
            at = next_hour

    def _plan(self, at: datetime, planned: Change | Callable[[datetime], None]) -> None:
        heapq.heappush(self._planned, (at, next(self._order_of_planning), planned))

    def _scaled(self, number: int) -> int:
        return max(1, round(number * self._scale))


def _local(at: datetime) -> datetime:
    """Write an instant as the shop's wall shows it, to the second."""
    if at.tzinfo is None:
        raise ValueError(f"{at} has no zone; give an aware time, such as one in UTC")
    return at.astimezone(ZONE).replace(tzinfo=None, microsecond=0)


def _instant(wall: datetime) -> datetime:
    return wall.replace(tzinfo=ZONE).astimezone(UTC)
