"""A service database, asked for records through SQL and only ever read."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from zoneinfo import ZoneInfo

import sqlalchemy as sa
import structlog

from duly.api.person import Person
from duly.engine.source import BATCH, SourceDown
from duly.engine.sql_census import CensusReader
from duly.engine.sql_explain import large_scans
from duly.engine.sql_refusal import Refusal, refusal
from duly.engine.sql_rows import CrowdReader, Row, RowReader
from duly.engine.sql_session import read_only_engine, reading
from duly.engine.sql_time import TimeReader, TimeWriter, Unreadable
from duly.rules.census import Census, Counted
from duly.rules.noun import Noun
from duly.rules.plan import Plan
from duly.rules.problem import Mark, Problem
from duly.rules.record import Candidate, Record, decode_key, show_key

RECENT = dt.timedelta(days=1)
_MAY_WRITE = """select exists (
  select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema')
  and has_table_privilege(c.oid, 'insert, update, delete'))"""
_WRITES = re.compile(r"^GRANT .*\b(ALL PRIVILEGES|INSERT|UPDATE|DELETE|DROP)\b.* ON ", re.IGNORECASE)

_log = structlog.get_logger()


class SqlSource:
    """One service database; threads may share it.

    Parameters
    ----------
    name: what the configuration calls it.
    url: SQLAlchemy's URL of an SQLite file, a PostgreSQL, a MariaDB or a MySQL database.
    zone: the zone of its naive times, and of its dates where a record has no zone of its own.
    timeout: the longest a question may take, in seconds; ``duly.engine.sql_session`` says what counts as one.

    Raises
    ------
    ValueError: the URL cannot be used; one sentence that does not show it.
    """

    def __init__(self, name: str, url: str, zone: ZoneInfo, timeout: float = 300) -> None:
        self.name = name
        self._engine = read_only_engine(url, zone, timeout)
        self._dialect = self._engine.dialect.name
        self._times = TimeReader(zone)
        self._spell = TimeWriter(zone, as_text=self._dialect == "sqlite")

    def close(self) -> None:
        """Close the connections that wait for the next question."""
        self._engine.dispose()

    def candidates(
        self,
        plan: Plan,
        now: dt.datetime,
        low: dt.datetime | None,
        high: dt.datetime | None,
        day: dt.date | None = None,
        *,
        unreadable: Callable[[bytes], None] | None = None,
    ) -> Iterator[Sequence[Candidate]]:
        """Stream candidates as `duly.engine.source.Source` says."""
        if plan.clock is None and day is None and not plan.first_seen:
            return
        rows = RowReader(plan, self._times, day, now)
        report = unreadable or partial(_warn, plan)
        values = self._now(plan, now) | self._spell.bounds(low, high)
        earliest, latest = low or dt.datetime.min.replace(tzinfo=dt.UTC), high or dt.datetime.max.replace(tzinfo=dt.UTC)
        with closing(self._stream(plan, plan.candidates(self._dialect), values)) as batches:
            for batch in batches:
                found: list[Candidate] = []
                for row in batch:
                    try:
                        candidate = rows.candidate(row)
                    except Unreadable:
                        report(rows.key(row))
                        continue
                    if candidate and plan.yearly:
                        found += rows.anniversaries(candidate, low, high)
                    elif candidate and earliest <= candidate.clock_at <= latest:
                        found.append(candidate)
                if found:
                    yield found

    def lookup(
        self, plan: Plan, keys: Sequence[bytes], now: dt.datetime, day: dt.date | None = None
    ) -> dict[bytes, Record]:
        """Look records up as `duly.engine.source.Source` says."""
        rows = RowReader(plan, self._times, day, now)
        statement, values = plan.lookup(self._dialect), self._now(plan, now)
        found = {}
        for start in range(0, len(keys), BATCH):
            asked = set(keys[start : start + BATCH])
            for row in self._all(plan, statement, values | {"keys": _bound(asked)}):
                record = rows.record(row)
                if record.key in asked:  # a collation lets in keys that are merely alike
                    found[record.key] = record
        return found

    def clockless(
        self, plan: Plan, now: dt.datetime, limit: int, day: dt.date | None = None
    ) -> tuple[int, list[bytes]]:
        """Count the records without a clock as `duly.engine.source.Source` says."""
        if plan.clock is None and (day is not None or plan.first_seen):
            return 0, []
        rows = RowReader(plan, self._times, day, now)
        count, first = 0, list[bytes]()
        values = self._now(plan, now) | self._spell.likely()
        with closing(self._stream(plan, plan.clockless(self._dialect), values)) as batches:
            for batch in batches:
                without = [row for row in batch if not rows.has_clock(row)]
                count += len(without)
                first += map(rows.key, without[: limit - len(first)])
        return count, first

    def crowd(self, plan: Plan, who: str, key: bytes, now: dt.datetime) -> Iterator[Sequence[Person]]:
        """Stream many people as `duly.engine.source.Source` says."""
        asked = plan.crowds[who]
        rows, values = CrowdReader(asked), self._spell.now(now) | {"keys": _bound([key])}
        with closing(self._stream(plan, asked.people(), values)) as batches:
            for batch in batches:
                found = [rows.person(row) for row in batch if rows.key(row) == key]
                if found:
                    yield found

    def crowd_sizes(self, plan: Plan, who: str, keys: Sequence[bytes], now: dt.datetime) -> dict[bytes, int]:
        """Count many people as `duly.engine.source.Source` says."""
        asked = plan.crowds[who]
        rows, values = CrowdReader(asked), self._spell.now(now) | {"keys": _bound(keys)}
        return {rows.key(row): row[-1] for row in self._all(plan, asked.sizes(), values)}

    def members(
        self, plan: Plan, who: str, asked: Collection[tuple[bytes, str]], now: dt.datetime
    ) -> dict[tuple[bytes, str], Person]:
        """Look some of many people up as `duly.engine.source.Source` says."""
        crowd = plan.crowds[who]
        rows, keys = CrowdReader(crowd), sorted({key for key, _ in asked})
        own = sorted({id.removeprefix(f"{who} ").encode() for _, id in asked})
        values = self._spell.now(now) | {"keys": _bound(keys), "people": _bound(own)}
        found = {}
        for row in self._all(plan, crowd.some(), values):
            person = rows.person(row)
            if (rows.key(row), person.id) in asked:
                found[rows.key(row), person.id] = person
        return found

    def census(
        self, census: Census, now: dt.datetime, low: dt.datetime | None, high: dt.datetime | None
    ) -> Iterator[Sequence[Counted]]:
        """Stream records as `duly.engine.source.Source` says."""
        rows = CensusReader(census, self._times, now)
        values = self._now(census, now) | (self._spell.bounds(low, high) if census.bounds else {})
        with closing(self._stream(census, census.counted(self._dialect), values)) as batches:
            for batch in batches:
                yield [rows.read(row) for row in batch]

    def probe(self, plan: Plan, now: dt.datetime) -> list[Problem]:
        """Try the words of the vocabulary as `duly.engine.source.Source` says."""
        values = self._now(plan, now) | self._spell.bounds(None, None)
        problems = []
        for word, statement in plan.probes(self._dialect):
            try:
                with reading(self._engine) as connection:
                    connection.execute(statement, values)
            except sa.exc.SQLAlchemyError as error:
                problems.append(self._problem(plan, word, refusal(error)))
                if word == "from":
                    break
        if problems:
            return problems
        for time, statement in plan.samples(self._dialect):
            if any(isinstance(value, str) for (value,) in self._all(plan, statement, values)):
                wanted = "2024-03-04 09:00" if self._dialect == "sqlite" else "a column or a cast of the type timestamp"
                found = Refusal("S004", f"has values of {time.name} that are not spelled as times: give {wanted}")
                problems.append(self._problem(plan, f"times.{time.name}", found))
        if self._all(plan, plan.doubles(), values):
            found = Refusal("S005", f"has several rows for one {plan.noun.one}: join only what it has at most one of")
            problems.append(self._problem(plan, "from", found))
        return problems

    def large_scans(self, plan: Plan, now: dt.datetime) -> list[str]:
        """Name the large tables that a check would read from end to end, for want of an index on the clock.

        Raises
        ------
        SourceDown: the source cannot be reached, or refuses the question.
        """
        if plan.clock is None:
            return []
        values = self._now(plan, now) | self._spell.bounds(now - RECENT, now)
        with self._asking(plan.noun) as connection:
            return large_scans(connection, plan.candidates(self._dialect), values)

    def may_write(self, noun: Noun) -> bool:
        """Tell whether the login could write, had Duly not opened its sessions for reading alone.

        Raises
        ------
        SourceDown: the source cannot be reached.
        """
        with self._asking(noun) as connection:
            if self._dialect == "sqlite":
                connection.exec_driver_sql("select 1")
                return False  # the file itself is opened read-only
            if self._dialect == "postgresql":
                return bool(connection.exec_driver_sql(_MAY_WRITE).scalar())
            return any(_WRITES.search(row[0]) for row in connection.exec_driver_sql("show grants"))

    def knows_zones(self, noun: Noun) -> bool:
        """Tell whether the database can reckon in time zones by name.

        Raises
        ------
        SourceDown: the source cannot be reached.
        """
        if self._dialect not in {"mysql", "mariadb"}:
            return True
        with self._asking(noun) as connection:
            asked = "select convert_tz('2000-01-01', '+00:00', 'Asia/Shanghai')"
            return connection.exec_driver_sql(asked).scalar() is not None

    def ask(self, noun: Noun, statement: sa.TextClause, now: dt.datetime) -> Sequence[Row]:
        """Ask one question in the noun's own SQL, and read the whole answer.

        Parameters
        ----------
        now: what ``:now`` and ``:today`` mean in it.

        Raises
        ------
        SourceDown: the source cannot be reached, or refuses the question.
        """
        with self._asking(noun) as connection:
            return connection.execute(statement, self._spell.now(now)).all()

    def _now(self, plan: Plan, now: dt.datetime) -> dict[str, object]:
        return self._spell.now(now) | self._spell.spans(now, plan.spans)

    def _stream(
        self, plan: Plan, statement: sa.TextClause, values: Mapping[str, object]
    ) -> Generator[Sequence[Row], None, None]:
        with (
            self._asking(plan.noun) as connection,
            connection.execute(statement, values, execution_options={"yield_per": BATCH}) as result,
        ):
            yield from result.partitions(BATCH)

    def _all(self, plan: Plan, statement: sa.TextClause, values: Mapping[str, object]) -> Sequence[Row]:
        with self._asking(plan.noun) as connection:
            return connection.execute(statement, values).all()

    @contextmanager
    def _asking(self, noun: Noun) -> Iterator[sa.Connection]:
        try:
            with reading(self._engine) as connection:
                yield connection
        except sa.exc.SQLAlchemyError as error:
            code, words = refusal(error)
            where = f"sources.{self.name}.url in config/duly.yaml" if code == "S001" else noun.path
            # Without its cause: that shows the statement and the values of records.
            raise SourceDown(f"the source “{self.name}” {words}: see {where}") from None

    def _problem(self, plan: Plan, word: str, found: Refusal) -> Problem:
        """Point at the word in the vocabulary, or at the nearest that its file shows."""
        noun, place = plan.noun, word
        while place and place not in noun.marks:
            place = place.rpartition(".")[0]
        mark = noun.marks[place] if place else Mark(noun.path)
        return Problem(mark, found.code, f"the source “{self.name}” {found.words}", f"correct {word} in {noun.path}")


def _bound(keys: Collection[bytes]) -> list[object]:
    """Give keys as a driver takes them: a composite one as a tuple."""
    return [tuple(key) if isinstance(key, list) else key for key in map(decode_key, keys)]


def _warn(plan: Plan, key: bytes) -> None:
    _log.warning("record_unreadable", rule=plan.rule.id, key=show_key(key))
