from __future__ import annotations

import contextlib
import datetime as dt
import os
import subprocess
import threading

import pytest
import sqlalchemy as sa

from acceptance.shop import FILES
from daemon.eventually import eventually
from duly.daemon import daemon as daemon_module
from duly.daemon import log
from duly.daemon import worker as worker_module
from duly.daemon.daemon import Daemon, Unfit
from duly.ledger import checks, nodes, outbox, versions
from duly.ledger.ledger import Ledger
from duly.time.clock import FastClock, ManualClock, SystemClock
from engine.desk import ZONE, Desk, at

RULE = """\
rule: Paid orders ship
owner: sales
watch: orders
where: [paid]
done: [shipped]
clock: paid_at
check: every 10s
steps:
  - {after: 1s, tell: supervisor of sales, by: sms, text: hello}
limits: {hold: never}
"""
NOON = at("2024-03-04 12:00")
BEFORE = NOON - dt.timedelta(seconds=20)
SPEED = 60.0
"""A minute is a second."""


class Shop(Desk):
    """A desk whose messages are files, with daemons that end with the test."""

    def run_daemon(self) -> Daemon:
        """Start one."""
        self.daemon = Daemon(self.home, self.clock)
        self.daemons.append(self.daemon)
        self.daemon.start()
        self.ledger = self.daemon.ledger
        return self.daemon

    def pay(self, id: int) -> None:
        """Have somebody pay for an order now."""
        self.order(id, paid_at=f"{self.clock.now().astimezone(ZONE):%Y-%m-%d %H:%M:%S.%f}")

    @property
    def messages(self) -> list[str]:
        """The last line of every message that has been sent."""
        texts = [path.read_text("utf-8") for path in sorted(self.home.glob("outbox/*/*.txt"))]
        return sorted(text.rstrip().rpartition("\n")[2] for text in texts)

    def has_said(self, wanted: list[str]) -> None:
        """Wait until exactly these messages have been sent."""
        try:
            eventually(lambda: self.messages == wanted, 8)
        except AssertionError:
            assert self.messages == wanted  # says how they differ

    def is_checked(self) -> None:
        """Wait until a check has begun and ended from here on."""
        before = self._checks()
        eventually(lambda: self._checks() > before + 1)

    def _checks(self) -> int:
        with self.ledger.read() as connection:
            return checks.counts(connection).get("done", 0)

    def state(self, path="r") -> str:
        """Say how the ledger has a rule; empty while it has none."""
        with self.ledger.read() as connection:
            row = versions.by_path(connection, path)
        return row.state if row else ""

    def troubles(self) -> str:
        """Say what the daemon has entered in the ledger as its troubles."""
        with self.ledger.read() as connection:
            return "\n".join(nodes.all_nodes(connection)[0].troubles)


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """Give a shop with one rule."""
    monkeypatch.setattr(daemon_module, "HEARTBEAT", 0.1)
    monkeypatch.setattr(worker_module, "LONGEST_SLEEP", 0.1)
    monkeypatch.setattr(worker_module, "AFTER_ERROR", 0.1)
    shop = Shop(tmp_path, {"r": RULE}, files=FILES)
    log.configure()
    shop.daemons, shop.clock = [], FastClock(NOON, SPEED)
    yield shop
    for daemon in shop.daemons:
        if not daemon._stopping.is_set():
            assert daemon.stop()


def test_a_daemon_does_the_main_job(shop):
    """What is paid is followed up, who is to hear hears of it, and nothing troubles the daemon."""
    daemon = shop.run_daemon()
    shop.pay(1)
    shop.has_said(["Zhou: order 1"])
    assert daemon.troubles == []


def test_a_changed_rule_file_is_live_when_it_is_saved(shop):
    """Nobody has to tell a daemon: the next check is of the new rule, in the new words."""
    shop.run_daemon()
    eventually(lambda: shop.state() == "live")
    shop.write("notifications/hello.j2", "{{ name }}: please ship {{ order }}")
    shop.write("rules/r.yaml", RULE.replace("supervisor", "manager"))
    eventually(lambda: "manager" in shop.daemon.engine.house.rules[shop.rule_id()].row.text)
    shop.is_checked()
    shop.pay(1)
    shop.has_said(["Wang: please ship 1"])


def test_a_new_rule_file_joins_in(shop):
    """A rule that is saved while the daemon runs is at work at once."""
    shop.run_daemon()
    shop.write("rules/orders/second.yaml", RULE.replace("supervisor", "manager"))
    eventually(lambda: shop.state("orders/second") == "live")
    shop.pay(1)
    shop.has_said(["Wang: order 1", "Zhou: order 1"])


def test_a_broken_file_keeps_the_last_good_version_and_is_named(shop):
    """A slip in a rule stops nobody: the old version goes on, and the daemon says where the slip is."""
    shop.run_daemon()
    shop.write("rules/r.yaml", RULE.replace("[paid]", "[payd]"))
    eventually(lambda: "rules/r.yaml:4: unknown fact “payd”" in shop.troubles())
    assert shop.state() == "broken"
    shop.pay(1)
    shop.has_said(["Zhou: order 1"])
    shop.write("rules/r.yaml", RULE)
    eventually(lambda: shop.troubles() == "")
    assert shop.state() == "live"


def test_a_broken_file_keeps_its_last_good_version_after_a_restart(shop):
    """The ledger remembers the last good version, so that a restart loses nothing either."""
    shop.run_daemon().stop()
    shop.write("rules/r.yaml", RULE.replace("[paid]", "[payd]"))
    shop.run_daemon()
    shop.pay(1)
    shop.has_said(["Zhou: order 1"])
    eventually(lambda: "unknown fact “payd”" in shop.troubles())


def test_a_rule_whose_file_is_gone_pauses_and_comes_back(shop):
    """Without its file a rule rests, and says so; with the file it goes on where it was."""
    daemon = shop.run_daemon()
    eventually(lambda: shop.state() == "live")
    (shop.home / "rules/r.yaml").unlink()
    eventually(lambda: shop.state() == "missing")
    eventually(lambda: not daemon.engine.house.rules.all)
    shop.pay(1)
    begun = shop.clock.now()
    eventually(lambda: shop.clock.now() > begun + dt.timedelta(seconds=30))
    assert shop.messages == []
    shop.write("rules/r.yaml", RULE)
    shop.has_said(["Zhou: order 1"])
    assert shop.state() == "live"


@pytest.mark.parametrize("file", ["config/duly.yaml", "config/directory.yaml"])
def test_settings_that_break_leave_everything_as_it_was(shop, file):
    """Without readable settings or people the daemon goes on with those it had, and says where the slip is."""
    shop.run_daemon()
    good = (shop.home / file).read_text("utf-8")
    shop.write(file, good + "sorces: {}\n")
    eventually(lambda: f"{file}:" in shop.troubles())
    shop.pay(1)
    shop.has_said(["Zhou: order 1"])
    shop.write(file, good)
    eventually(lambda: shop.troubles() == "")


def test_other_connections_need_a_new_start_and_the_daemon_says_so(shop):
    """A source or a channel is connected once: whoever changes one is told to start again."""
    shop.run_daemon()
    good = (shop.home / "config/duly.yaml").read_text("utf-8")
    shop.write("config/duly.yaml", good.replace("outbox/sms", "elsewhere/sms"))
    eventually(lambda: "start it again" in shop.troubles())
    shop.write("config/duly.yaml", good)
    eventually(lambda: shop.troubles() == "")


def test_a_channel_that_cannot_be_made_stays_a_trouble(shop):
    """A reload of the files does not make anybody forget what was wrong at the start."""
    settings = (shop.home / "config/duly.yaml").read_text("utf-8")
    shop.write("config/duly.yaml", settings.replace("folder: outbox/chat", "colour: red"))
    shop.run_daemon()
    eventually(lambda: "colour" in shop.troubles())
    shop.write("notifications/hello.j2", "{{ name }}: another word")
    shop.daemon.reload()
    assert "colour" in shop.troubles()


def test_files_that_cannot_be_taken_over_now_are_taken_over_later(shop, monkeypatch):
    """A ledger that is away for a moment, just as a file is saved, costs no more than that moment."""
    daemon = shop.run_daemon()
    load = daemon.engine.load
    fails = [OSError("away"), OSError("away")]

    def sometimes(snapshot, now):
        if fails:
            raise fails.pop()
        load(snapshot, now)

    monkeypatch.setattr(daemon.engine, "load", sometimes)
    shop.write("rules/r.yaml", RULE.replace("supervisor", "manager"))
    eventually(lambda: "the files could not be taken over: OSError" in shop.troubles())
    eventually(lambda: shop.troubles() == "")
    shop.is_checked()
    shop.pay(1)
    shop.has_said(["Wang: order 1"])


def test_files_that_cannot_be_watched_are_a_trouble(shop, monkeypatch):
    """Where the system watches no more files, the daemon works all the same, and says how to have a change read."""

    def refused(*_args, **_keywords):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(daemon_module.watchfiles, "watch", refused)
    shop.run_daemon()
    wanted = "saved files go unnoticed (No space left on device): have them read with SIGHUP"
    eventually(lambda: shop.troubles() == wanted)
    shop.pay(1)
    shop.has_said(["Zhou: order 1"])


def test_a_reload_in_the_middle_of_a_check_costs_no_slot(shop, monkeypatch):
    """A check under way while files are saved does not hold up the next ones until its lease would run out."""
    begun, go_on = threading.Event(), threading.Event()
    daemon = shop.run_daemon()
    source = daemon.engine.house.sources["shop"]
    clockless = source.clockless

    def slow(*args):
        begun.set()
        assert go_on.wait(10)
        return clockless(*args)

    eventually(lambda: shop.state() == "live")
    eventually(lambda: last_check(daemon) == "done")
    monkeypatch.setattr(source, "clockless", slow)
    shop.write("config/vocabulary/orders.yaml", daemon_vocabulary(shop))
    assert begun.wait(10)
    daemon.reload()
    go_on.set()
    eventually(lambda: last_check(daemon) == "done")
    shop.pay(1)
    shop.has_said(["Zhou: order 1"])


def daemon_vocabulary(shop):
    """Change the vocabulary, so that the next check asks everything."""
    path = shop.home / "config/vocabulary/orders.yaml"
    return path.read_text("utf-8").replace("o.cancelled = 1", "o.cancelled = 2")


def last_check(daemon) -> str:
    """Say how the last check stands."""
    with daemon.ledger.read() as connection:
        latest = [checks.latest(connection, rule_id) for rule_id in daemon.engine.house.rules.all]
    return latest[0].state if latest and latest[0] else ""


def test_a_check_that_breaks_is_named_and_tried_at_the_next_slot(shop, monkeypatch):
    """A bug in one check stops neither the daemon nor the rule: it is named while it lasts, and frees its slot."""
    daemon = shop.run_daemon()
    shop.is_checked()
    source = daemon.engine.house.sources["shop"]
    candidates = source.candidates

    def broken(*_args, **_keywords):
        raise ZeroDivisionError("+8613900000001")

    monkeypatch.setattr(source, "candidates", broken)
    eventually(lambda: "the check of r broke with ZeroDivisionError" in shop.troubles())
    assert "+86" not in shop.troubles()
    monkeypatch.setattr(source, "candidates", candidates)
    shop.pay(1)
    shop.has_said(["Zhou: order 1"])
    eventually(lambda: shop.troubles() == "")


def test_work_that_raises_goes_on(shop, monkeypatch):
    """A ladder that breaks is named in the ledger, and climbs again as soon as it can."""
    daemon = shop.run_daemon()
    fire = daemon.engine.ladder.fire
    fails = [ValueError("+8613900000001")] * 3

    def sometimes(now):
        if fails:
            eventually(lambda: len(fails) > 1 or "ladder: ValueError" in shop.troubles())
            raise fails.pop()
        return fire(now)

    monkeypatch.setattr(daemon.engine.ladder, "fire", sometimes)
    shop.pay(1)
    shop.has_said(["Zhou: order 1"])
    eventually(lambda: shop.troubles() == "")


def test_a_node_shows_that_it_lives_and_that_it_has_stopped(shop):
    """The ledger has when a daemon began, when it was last seen, and that it stopped in good order."""
    daemon = shop.run_daemon()

    def node():
        with contextlib.closing(Ledger(shop.ledger_url)) as ledger, ledger.read() as connection:
            return nodes.all_nodes(connection)[0]

    first = node()
    assert first.id.endswith(f":{os.getpid()}")
    assert first.stopped_at is None
    eventually(lambda: node().seen_at > first.seen_at)
    assert daemon.stop()
    last = node()
    assert last.stopped_at is not None
    assert last.started_at == first.started_at


def test_a_stop_is_clean(shop):
    """Every thread of a daemon ends, and soon."""
    before = set(threading.enumerate())
    daemon = shop.run_daemon()
    shop.pay(1)
    eventually(lambda: shop.messages)
    begun = dt.datetime.now(dt.UTC)
    assert daemon.stop()
    assert dt.datetime.now(dt.UTC) - begun < dt.timedelta(seconds=5)
    eventually(lambda: set(threading.enumerate()) <= before, 5)


def test_a_stop_waits_for_a_slow_send_as_long_as_it_can(shop, monkeypatch):
    """Seconds that one channel does not need are there for another: what is being sent is not given up early."""
    monkeypatch.setattr(daemon_module, "PATIENCE", 4.0)
    daemon = shop.run_daemon()
    channel = daemon.engine.house.channels["sms"]
    begun, send = threading.Event(), channel.send

    def slow(message):
        begun.set()
        assert not threading.Event().wait(2)
        return send(message)

    monkeypatch.setattr(channel, "send", slow)
    shop.pay(1)
    assert begun.wait(20)
    assert daemon.stop()
    assert shop.messages == ["Zhou: order 1"]
    with contextlib.closing(Ledger(shop.ledger_url)) as ledger, ledger.read() as connection:
        assert outbox.counts(connection) == {"accepted": 1}


def left_behind(shop, node: str) -> None:
    """Leave what a node leaves that dies: a check that runs, a delivery that was claimed, one that was being sent."""
    shop.order(1, paid_at="2024-03-04 11:59:50")
    shop.order(2, paid_at="2024-03-04 11:59:50")
    daemon = Daemon(shop.home, ManualClock(BEFORE))
    engine, shop.ledger, rule_id = daemon.engine, daemon.ledger, shop_rule(daemon)
    engine.check(rule_id, BEFORE)
    engine.ladder.fire(NOON)
    with shop.ledger.write() as connection:
        one, _ = outbox.claim(connection, "sms", NOON, 10, [rule_id], node)
        assert outbox.mark_sending(connection, [(one, "+8613800000003", "", "Zhou: the frozen words")])
        assert checks.claim(connection, rule_id, NOON, NOON, "digest", node)
        nodes.start(connection, node, NOON)
    shop.ledger.close()
    shop.clock = FastClock(NOON, SPEED)


def shop_rule(daemon) -> int:
    """Give the number of its one rule."""
    return next(iter(daemon.engine.house.rules.all))


def dead_process() -> int:
    """Find the number of a process that has ended."""
    process = subprocess.Popen(["true"])
    process.wait(10)
    return process.pid


def test_what_a_dead_daemon_of_this_host_has_left_is_taken_over_at_once(shop):
    """After a crash nobody waits for leases: what was claimed goes out, what was being sent as it was frozen."""
    host = daemon_module.node_name().rpartition(":")[0]
    left_behind(shop, f"{host}:{dead_process()}")
    shop.run_daemon()
    shop.has_said(["Zhou: order 2", "Zhou: the frozen words"])
    eventually(lambda: last_check(shop.daemon) == "done", 5)
    assert shop.clock.now() < NOON + outbox.LEASE


def test_so_is_what_a_process_of_the_same_number_has_left(shop):
    """In a container every daemon may be process 1: the one before is dead, since this one is it now."""
    left_behind(shop, daemon_module.node_name())
    shop.run_daemon()
    shop.has_said(["Zhou: order 2", "Zhou: the frozen words"])
    assert shop.clock.now() < NOON + outbox.LEASE


@pytest.mark.parametrize("whose", ["elsewhere", "alive"])
def test_what_others_do_is_left_to_them(shop, whose):
    """A daemon on another host, or one that lives, keeps its leases: nobody here knows that it is dead."""
    host = daemon_module.node_name().rpartition(":")[0]
    left_behind(shop, f"elsewhere:{dead_process()}" if whose == "elsewhere" else f"{host}:{os.getppid()}")
    shop.run_daemon()
    with shop.ledger.read() as connection:
        lease = outbox.earliest_lease(connection)
    assert lease == NOON + outbox.LEASE
    assert last_check(shop.daemon) == "running"


def test_a_workspace_without_readable_settings_cannot_run(shop):
    """The daemon refuses to begin, with every problem."""
    shop.write("config/duly.yaml", "sorces: {}\n")
    with pytest.raises(Unfit) as refused:
        Daemon(shop.home, SystemClock())
    assert refused.value.problems[0].mark.path == "config/duly.yaml"
    assert not sa.inspect(sa.create_engine(shop.ledger_url, poolclass=sa.NullPool)).get_table_names()
