"""``duly run``: the main job in a process of its own, with real files, real mail, signals and crashes."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import signal
import socket
import sqlite3
import threading
from collections import Counter
from email import message_from_bytes
from pathlib import Path

import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller

from acceptance.command import duly
from acceptance.running import Running
from acceptance.shop import FILES
from daemon.eventually import eventually
from duly.daemon.daemon import Daemon
from duly.time.clock import ManualClock
from engine.desk import ZONE, Desk

RULE = """\
rule: Paid orders ship
owner: sales
watch: orders
where: [paid]
done: [shipped]
clock: paid_at
check: every 10s
steps:
  - {after: 1s, tell: supervisor of sales, by: %s, text: hello}
limits: {hold: never}
"""
MAIL = "email: {kind: file, folder: outbox/email, address: email}"


class Shop(Desk):
    """A shop with one rule, and what has become of its messages."""

    def __init__(self, home: Path, by: str) -> None:
        home.mkdir(exist_ok=True)
        super().__init__(home, {"r": RULE % by}, files=FILES)

    def pay(self, *ids: int, ago: float = 60) -> None:
        """Have orders paid so many seconds ago."""
        paid = dt.datetime.now(ZONE) - dt.timedelta(seconds=ago)
        rows = [{"id": id, "paid_at": f"{paid:%Y-%m-%d %H:%M:%S}", "agent_id": 1} for id in ids]
        with self.shop.begin() as connection:
            insert = "insert into orders (id, paid_at, agent_id) values (:id, :paid_at, :agent_id)"
            connection.execute(sa.text(insert), rows)

    def look(self) -> None:
        """Have Duly look at it ten minutes ago: it knows what was going to be paid, and nothing has been sent."""
        daemon = Daemon(self.home, ManualClock(dt.datetime.now(dt.UTC) - dt.timedelta(minutes=10)))
        for rule_id in daemon.engine.house.rules.all:
            assert daemon.engine.check(rule_id, daemon.engine.next_check(rule_id)).state == "done"
        daemon.ledger.close()

    def mails_to(self, port: int) -> None:
        """Have mail go to an SMTP server on this machine."""
        server = f"email: {{kind: email, host: 127.0.0.1, port: {port}, security: none, from: d@shop.example}}"
        settings = FILES["config/duly.yaml"]
        assert MAIL in settings
        self.write("config/duly.yaml", settings.replace(MAIL, server))

    def deliveries(self) -> dict[str, str]:
        """Say how every delivery stands, by the words it carries (or will)."""
        rows = self._ask(
            "select cast(cases.key as text), delivery.state from delivery"
            " join delivery_case on delivery_case.delivery_id = delivery.id"
            " join cases on cases.id = delivery_case.case_id"
        )
        assert len({key for key, _ in rows}) == len(rows)
        return {f"Zhou: order {key}": state for key, state in rows}

    def checking(self) -> bool:
        """Tell whether the ledger has a check that runs."""
        return bool(self._ask("select 1 from check_run where state = 'running'"))

    def _ask(self, question: str) -> list[tuple[str, ...]]:
        with contextlib.closing(sqlite3.connect(self.home / "ledger.db")) as ledger:
            return ledger.execute(question).fetchall()

    def states(self) -> Counter[str]:
        """Count the deliveries by state."""
        return Counter(self.deliveries().values())

    def files(self) -> list[str]:
        """Read the last line of every message file."""
        texts = [path.read_text("utf-8") for path in self.home.glob("outbox/sms/*.txt")]
        return sorted(text.rstrip().rpartition("\n")[2] for text in texts)


@pytest.fixture
def by_file(tmp_path):
    """Give a shop whose messages are files: to send one twice does no harm."""
    return Shop(tmp_path, "sms")


@pytest.fixture
def by_mail(tmp_path):
    """Give a shop that mails: what is sent twice arrives twice."""
    return Shop(tmp_path, "email")


class Mailbox:
    """What an SMTP server has accepted; until it is ``free`` it does not say so, though it has the mail."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.free = threading.Event()
        self.free.set()
        self.reached = threading.Event()

    async def handle_DATA(self, _server, _session, envelope) -> str:  # noqa: N802 - aiosmtpd's own name
        """Take a mail in."""
        self.got.append(message_from_bytes(envelope.content).get_payload(decode=True).decode().strip())
        self.reached.set()
        await asyncio.to_thread(self.free.wait)
        return "250 taken"


class AnyPort(Controller):
    """A controller that lets the system choose the port."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture
def post():
    """Run SMTP servers for the length of a test; give what starts one and tells its mailbox and port."""
    running = []

    def open_office():
        mailbox = Mailbox()
        controller = AnyPort(mailbox, hostname="127.0.0.1", port=0, ready_timeout=10)
        controller.start()
        running.append((mailbox, controller))
        return mailbox, controller.port

    yield open_office
    for mailbox, controller in running:
        mailbox.free.set()
        controller.stop()


def orders(*ids: int) -> list[str]:
    """Spell the messages about these orders."""
    return sorted(f"Zhou: order {id}" for id in ids)


def test_run_sends_in_time_and_stops_when_told_to(by_file):
    """What is due is sent, once; SIGTERM ends it with 0; started again, it sends what is due by then, and no more."""
    by_file.pay(1, 2)
    by_file.pay(3, ago=-5)
    by_file.look()
    with Running(by_file.home) as daemon:
        eventually(lambda: {*orders(1, 2)} <= {*by_file.files()})
        assert daemon.stop() == 0
        assert daemon.events[-1]["clean"] is True
    with Running(by_file.home) as daemon:
        eventually(lambda: by_file.states() == {"accepted": 3})
        assert daemon.stop() == 0
    assert by_file.files() == orders(1, 2, 3)


def test_the_log_is_for_programs_and_names_nobody(by_file):
    """Every line is JSON with an event and an instant; no number, address or name of a person stands in it."""
    by_file.look()
    by_file.pay(1)
    with Running(by_file.home) as daemon:
        eventually(by_file.files)
        by_file.write("config/directory.yaml", "people: {lin: {phone: +8613800000001 nonsense}}\n")
        daemon.wait_for("problem")
        daemon.signal(signal.SIGINT)
        assert daemon.process.wait(10) == 0
        assert {"started", "checked", "stopped"} <= {line["event"] for line in daemon.events}
        assert all(line["timestamp"] for line in daemon.events)
        assert "+86" not in daemon.log
        assert "Zhou" not in daemon.log


def test_sighup_reads_the_files_again(by_file):
    """A service manager's reload does what a saved file does, also where files are not watched."""
    with Running(by_file.home) as daemon:
        daemon.signal(signal.SIGHUP)
        daemon.wait_for("reloaded")
        daemon.signal(signal.SIGHUP)
        daemon.wait_for("reloaded", times=2)
        assert daemon.stop() == 0


def test_a_stop_does_not_wait_for_a_server_that_does_not_answer(by_mail, tmp_path, post):
    """Two servers hang, one before any mail and one with the mail in its hands: both daemons stop in time, with 0.

    Started again with a server that answers, the first sends its mail, and the second leaves a person to find out.
    """
    silent = _silent_server()
    before, amid = by_mail, Shop(tmp_path / "amid", "email")
    mailbox, port = post()
    mailbox.free.clear()
    before.mails_to(silent.getsockname()[1])
    amid.mails_to(port)
    for shop in before, amid:
        shop.pay(1)
        shop.look()
    with Running(before.home) as one, Running(amid.home) as other:
        eventually(lambda: before.states() == {"claimed": 1})
        line, _ = silent.accept()
        assert mailbox.reached.wait(20)
        assert amid.states() == {"sending": 1}
        one.signal(signal.SIGTERM)
        other.signal(signal.SIGTERM)
        assert one.process.wait(10) == 0
        assert other.process.wait(10) == 0
    line.close()
    silent.close()
    good, port = post()
    before.mails_to(port)
    amid.mails_to(port)
    with Running(before.home), Running(amid.home):
        eventually(lambda: before.states() == {"accepted": 1})
        eventually(lambda: amid.states() == {"unsure": 1})
    assert good.got == orders(1)


def _silent_server():
    """Open a port that takes connections and says nothing."""
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(20)
    return server


def test_kill_9_repeats_no_mail_and_loses_none(by_mail, post):
    """Killed three times amid many mails, and started again: each was accepted once, or a person is asked."""
    mailbox, port = post()
    by_mail.mails_to(port)
    ids = range(1, 121)
    by_mail.pay(*ids)
    by_mail.look()
    kills = (15, 45, 80)
    for reached in kills:
        with Running(by_mail.home) as daemon:
            eventually(lambda reached=reached: len(mailbox.got) >= reached)
            daemon.kill()
    with Running(by_mail.home) as daemon:
        eventually(lambda: sum(by_mail.states()[state] for state in ("accepted", "unsure")) == len(ids))
        assert daemon.stop() == 0
    assert max(Counter(mailbox.got).values()) == 1
    ended = by_mail.deliveries()
    accepted = {words for words, state in ended.items() if state == "accepted"}
    assert accepted <= set(mailbox.got)
    assert len(ended) - len(accepted) <= len(kills), "one line, so at most one mail is in the air at a time"
    assert set(mailbox.got) | {words for words, state in ended.items() if state == "unsure"} == set(orders(*ids))


def test_kill_9_is_not_noticed_where_repeating_does_no_harm(by_file):
    """Killed amid many messages that are files, and started again at once: every one is there, and none is unsure."""
    ids = range(1, 301)
    by_file.pay(*ids)
    by_file.look()
    for reached in (20, 150):
        with Running(by_file.home) as daemon:
            eventually(lambda reached=reached: len(by_file.files()) >= reached)
            daemon.kill()
    with Running(by_file.home):
        eventually(lambda: by_file.states() == {"accepted": len(ids)})
    assert by_file.files() == orders(*ids)


def test_kill_9_amid_a_check_does_not_block_its_rule(by_file):
    """What checks died of is found out at the next start, not when a lease of a quarter of an hour has run out."""
    by_file.look()
    lock = sqlite3.connect(by_file.home / "shop.db", isolation_level=None)
    lock.execute("begin exclusive")
    with Running(by_file.home) as daemon:
        eventually(by_file.checking)
        daemon.kill()
    lock.execute("rollback")
    lock.close()
    assert by_file.checking()
    by_file.pay(1)
    with Running(by_file.home):
        eventually(lambda: by_file.files() == orders(1))


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("config/duly.yaml", "sorces: {}\n", "config/duly.yaml:1:1: C001"),
        ("config/directory.yaml", "people: []\n", "config/directory.yaml:1:9: D003"),
    ],
)
def test_a_workspace_that_cannot_run_ends_with_1_and_its_problems(by_file, file, text, said):
    """Without readable settings or people there is nothing to run: every problem is shown, with place and caret."""
    by_file.write(file, text)
    done = duly("run", "--home", by_file.home)
    assert done.code == 1
    assert said in done.err
    assert "^" in done.err
    assert "run “duly check”" in done.err
    assert not (by_file.home / "ledger.db").exists()
