"""A small desk for engine tests: a workspace from a few texts, a service database, a clock that is set."""

from __future__ import annotations

import datetime as dt
import functools
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import sqlalchemy as sa

import duly
from duly.engine.assembly import assemble
from duly.engine.engine import Engine
from duly.engine.plugins import load_plugins
from duly.ledger import cases, journal, outbox, versions
from duly.ledger.journal import Entry
from duly.ledger.ledger import Ledger
from duly.ledger.outbox import Delivery
from duly.rules.problem import Problems
from duly.rules.snapshot import load_workspace

ZONE = ZoneInfo("Asia/Shanghai")

SETTINGS = """\
sources:
  shop: {url: "sqlite:///shop.db", zone: Asia/Shanghai}
channels:
  sms: {kind: spoken, address: phone}
  chat: {kind: spoken, address: chat}
  email: {kind: spoken, address: email}
by: sms else email
lang: en
rest: 20:30-09:00
operator: op
"""

DIRECTORY = """\
zone: Asia/Shanghai
calendar: CN
hours: daily 09:00-18:00
levels: [leader, supervisor, manager]
shifts: {day: 09:00-18:00}
people:
  lin: {name: Lin, phone: "+8613800000001", chat: "lin", email: lin@shop.example, ids: {shop: 1}, reports to: zhou}
  zhou: {name: Zhou, phone: "+8613800000003", chat: "zhou", email: zhou@shop.example, reports to: wang}
  wang: {name: Wang, phone: "+8613800000004", chat: "wang", email: wang@shop.example}
  op: {name: Op, phone: "+8613800000009", chat: "op", email: op@shop.example}
teams:
  sales: {members: [lin], leader: lin, supervisor: zhou, manager: wang, shifts: {day: daily}}
"""

ORDERS = """\
noun: orders
one: order
source: shop
from: orders o
key: o.id
zone: o.zone
times: {placed_at: o.placed_at, paid_at: o.paid_at}
facts:
  paid: {sql: o.paid_at is not null, at: o.paid_at}
  shipped: {sql: o.shipped_at is not null, at: o.shipped_at}
  cancelled: o.cancelled = 1
fields: {order: o.id, customer: o.name, amount: {sql: o.amount, kind: number}}
people:
  customer: {name: o.name, phone: o.phone, email: o.email, chat: o.chat, zone: o.zone}
  assignee: {staff: o.agent_id}
"""

TABLE = """\
create table orders (id integer primary key, name text default 'Li', phone text, email text, chat text, zone text,
  amount numeric default 10, agent_id integer, placed_at text, paid_at text, shipped_at text,
  cancelled integer default 0)
"""


DULYS_WORDS = {
    "as-of": "{{ words }} (as of {{ since|time }})",
    "call": "{{ name }}, call {{ whom }} at {{ number }}, task {{ task }}: {{ words }}",
}


class Spoken(duly.Channel):
    """Keeps what it was given, and answers what the test says."""

    name = "spoken"
    idempotent = False

    def __init__(self, config: duly.Config, http: duly.Http, home: Path) -> None:
        super().__init__(config, http, home)
        self.sent: list[duly.Message] = []
        self.answers: list[object] = []
        """What the next sends answer, in order: verdicts, or exceptions to raise; accepted once they are used up."""

    def send(self, message: duly.Message) -> duly.Verdict:
        """Answer as told."""
        answer = self.answers.pop(0) if self.answers else duly.Accepted(f"r{len(self.sent) + 1}")
        self.sent.append(message)
        if isinstance(answer, BaseException):
            raise answer
        return answer  # type: ignore[return-value]


class SpokenPlugin:
    """Registers `Spoken`."""

    @duly.hookimpl
    def register_channels(self, register: object) -> None:
        """Register it."""
        register(Spoken)  # type: ignore[operator]


@functools.cache
def _empty_ledger() -> bytes:
    """Give the file of a ledger that knows nothing: to make its tables anew takes longer than most tests."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(f"sqlite:///{folder}/ledger.db")
        ledger.migrate()
        ledger.close()
        return Path(folder, "ledger.db").read_bytes()


def at(text: str, zone: ZoneInfo = ZONE) -> dt.datetime:
    """Read ``2024-03-04 09:00`` as a wall time at the desk."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(dt.UTC)


class Desk:
    """A workspace in ``home``, its database, its ledger and its engine.

    2024-03-04 is an ordinary Monday. `start` takes the files as they stand; `run` ticks through time.
    """

    def __init__(
        self, home: Path, rules: Mapping[str, str], *, files: Mapping[str, str] | None = None, ledger: str = ""
    ) -> None:
        self.home = home
        self.ledger_url = ledger or f"sqlite:///{home}/ledger.db"
        written = {
            "config/duly.yaml": SETTINGS,
            "config/directory.yaml": DIRECTORY,
            "config/vocabulary/orders.yaml": ORDERS,
            "notifications/hello.j2": "{{ name }}: order {{ order }}",
            **{f"rules/{name}.yaml": text for name, text in rules.items()},
            **(files or {}),
        }
        for path, text in written.items():
            self.write(path, text)
        for name in ("held", "check-failed", "refused", "as-of", "call"):
            words = DULYS_WORDS.get(name, f"{name}: {{{{ rule_id }}}}")
            if f"notifications/duly/{name}.j2" not in written:
                self.write(f"notifications/duly/{name}.j2", words)
        self.shop = sa.create_engine(f"sqlite:///{home}/shop.db")
        weakref.finalize(self, self.shop.dispose)
        with self.shop.begin() as connection:
            connection.exec_driver_sql(TABLE)
        self.engine: Engine

    def write(self, path: str, text: str) -> None:
        """Write a file of the workspace."""
        (self.home / path).parent.mkdir(parents=True, exist_ok=True)
        (self.home / path).write_text(text, encoding="utf-8")

    def sql(self, text: str, **values: object) -> None:
        """Change the service database, as the shop itself would."""
        with self.shop.begin() as connection:
            connection.execute(sa.text(text), values)

    def order(self, id: int, **columns: object) -> None:
        """Put an order into the service database: paid by nobody, with an agent and a phone unless said otherwise."""
        row = {"id": id, "phone": f"+86139{id:08}", "agent_id": 1, **columns}
        names = ", ".join(row)
        self.sql(f"insert into orders ({names}) values ({', '.join(':' + name for name in row)})", **row)

    def start(self, now: dt.datetime) -> Engine:
        """Load the files and put a fresh engine together on the same ledger, as a daemon that starts does."""
        plugins = load_plugins([SpokenPlugin()])
        snapshot, problems = load_workspace(self.home, plugins.actions, plugins.channels)
        assert snapshot is not None, [problem.render() for problem in problems.all]
        self.problems = problems
        file = sa.make_url(self.ledger_url).database
        if self.ledger_url.startswith("sqlite") and file and not Path(file).exists():
            Path(file).write_bytes(_empty_ledger())
        self.ledger = Ledger(self.ledger_url)
        weakref.finalize(self, self.ledger.close)
        self.ledger.migrate()
        found = Problems()
        self.engine = assemble(snapshot, plugins, self.ledger, found)
        assert not found.all, [problem.render() for problem in found.all]
        self.engine.load(snapshot, now)
        self.engine.resume(now)
        return self.engine

    def reload(self, now: dt.datetime) -> None:
        """Load the files again, as a daemon does when they change."""
        plugins = load_plugins([SpokenPlugin()])
        snapshot, self.problems = load_workspace(self.home, plugins.actions, plugins.channels)
        assert snapshot is not None
        self.engine.load(snapshot, now)

    def run(self, begin: dt.datetime, end: dt.datetime) -> None:
        """Tick from ``begin`` to ``end``, both included, waking when the engine asks to be woken."""
        now = begin
        while True:
            wake = self.engine.tick(now)
            assert wake is None or wake > now, "the engine asked to be woken at an instant that has passed"
            if now >= end:
                return
            now = end if wake is None else min(wake, end)

    def channel(self, name: str) -> Spoken:
        """Return one of the channels, to look at what it was given or to tell it what to answer."""
        channel = self.engine.house.channels[name]
        assert isinstance(channel, Spoken)
        return channel

    @property
    def sent(self) -> dict[str, list[str]]:
        """The texts that each channel was given."""
        return {name: [message.text for message in self.channel(name).sent] for name in ("sms", "chat", "email")}

    def rule_id(self, path: str = "r") -> int:
        """Return the ledger's number of a rule."""
        with self.ledger.read() as connection:
            row = versions.by_path(connection, path)
        assert row is not None
        return row.id

    def cases(self, key: int, path: str = "r") -> list[cases.Case]:
        """Return the cases of one order, oldest first."""
        with self.ledger.read() as connection:
            return cases.of_key(connection, self.rule_id(path), str(key).encode())

    def deliveries(self, key: int, path: str = "r") -> list[Delivery]:
        """Return every delivery about one order, in order."""
        with self.ledger.read() as connection:
            return [d for case in self.cases(key, path) for d in outbox.of_case(connection, case.id)]

    def story(self, key: int, path: str = "r") -> list[Entry]:
        """Return the journal of one order."""
        with self.ledger.read() as connection:
            return [entry for case in self.cases(key, path) for entry in journal.of_case(connection, case.id)]

    def events(self, key: int, path: str = "r") -> Sequence[tuple[str, str]]:
        """Return the journal of one order as (local time, event)."""
        return [(f"{e.at.astimezone(ZONE):%a %H:%M}", e.event) for e in self.story(key, path)]

    def rule_journal(self, path: str = "r") -> list[Entry]:
        """Return what the journal says of a rule and of no case, oldest first."""
        with self.ledger.read() as connection:
            return journal.of_rule(connection, self.rule_id(path), 1000)[::-1]
