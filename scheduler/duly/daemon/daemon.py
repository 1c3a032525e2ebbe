"""The daemon: one process that keeps a workspace's promises, until it is told to stop."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from pathlib import Path

import structlog
import watchfiles

from duly.daemon.node import dead_nodes, node_name
from duly.daemon.slots import Slots
from duly.daemon.worker import Worker
from duly.engine.assembly import assemble
from duly.engine.engine import Engine
from duly.engine.plugins import Plugins, load_plugins
from duly.ledger import checks, fan_outs, nodes, outbox
from duly.ledger.ledger import Ledger
from duly.rules.problem import CODES, Problem, Problems
from duly.rules.settings import Settings
from duly.rules.snapshot import Snapshot, load_workspace
from duly.rules.workspace import SETTINGS
from duly.time.clock import Clock

HEARTBEAT = 5.0
"""Seconds, of the real world, between two signs of life in the ledger."""
PATIENCE = 8.0
"""Seconds that a stop waits for what is being sent; what is not settled by then is recovered at the next start."""
WATCHED = ("config", "rules", "notifications")

_log = structlog.get_logger()


class Unfit(Exception):  # noqa: N818 - said of a workspace, in a sentence
    """A workspace that no daemon can run on.

    Parameters
    ----------
    problems: everything that is wrong with it.
    """

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("config/duly.yaml or config/directory.yaml cannot be read; run “duly check”")
        self.problems = problems


class Daemon:
    """Runs the engine of one workspace.

    Checks are driven by APScheduler; the ladder, and each channel, has a thread of its own, so that a slow one keeps
    nobody waiting.

    Parameters
    ----------
    home: the workspace.
    clock: the time; anything but the system's is for the demo.
    """

    def __init__(self, home: Path, clock: Clock) -> None:
        self._home = home
        self._clock = clock
        self._node = node_name()
        self._stopping = threading.Event()
        self._reloading = threading.Lock()
        self.plugins: Plugins = load_plugins()
        snapshot, problems = self._read()
        if snapshot is None:
            raise Unfit(problems.errors)
        self.ledger = Ledger(snapshot.settings.ledger.reveal())
        self.ledger.migrate()
        fitted = Problems()
        self.engine: Engine = assemble(snapshot, self.plugins, self.ledger, fitted, self._node)
        self._connected = _connections(snapshot.settings)
        self._outdated = False
        self._unfit = fitted.errors
        self._problems = problems.errors
        self._not_taken_over = ""
        self._unwatched = ""
        self._broken: dict[int, str] = {}
        now = clock.now()
        self.engine.load(snapshot, now)
        held = self.engine.resume(now)
        if held:
            _log.warning("held_after_outage", cases=held)
        self._slots = Slots(clock, self._check)
        self._ladder = Worker("ladder", clock, self._fire)
        self._recovery = Worker("recovery", clock, self.engine.sender.recover)
        self._outlets = {
            name: Worker(f"send {name}", clock, self._sending(name)) for name in self.engine.sender.outlets
        }
        self._watcher = threading.Thread(target=self._watch, name="watch", daemon=True)

    @property
    def troubles(self) -> list[str]:
        """What is wrong now, a sentence each: files, plugins, channels, work."""
        return [
            *(f"{p.mark.path}:{p.mark.line}: {p.message}" for p in [*self._problems, *self._unfit]),
            *([f"{SETTINGS} has other connections than Duly began with: start it again"] if self._outdated else []),
            *filter(None, [self._not_taken_over, self._unwatched]),
            *(f"the plugin “{q.name}” {q.version} was left out: {q.cause}" for q in self.plugins.quarantined),
            *(f"the channel “{name}” is down: {reason}" for name, reason in self.engine.sender.down.items()),
            *(worker.trouble for worker in self._workers if worker.trouble),
            *(self._broken[rule_id] for rule_id in set(self._broken) & set(self.engine.house.rules.all)),
        ]

    def start(self) -> None:
        """Begin to work, in threads of its own."""
        now = self._clock.now()
        with self.ledger.write() as connection:
            dead = dead_nodes(nodes.all_nodes(connection))
            outbox.give_up(connection, dead, now)
            checks.give_up(connection, dead, now)
            fan_outs.give_up(connection, dead, now)
            nodes.start(connection, self._node, now)
        self._follow()
        for worker in self._workers:
            worker.start()
        self._slots.every(HEARTBEAT, self._live_on)
        self._slots.start()
        self._watcher.start()
        self._log_problems()
        _log.info("started", node=self._node, rules=len(self.engine.house.rules.all), home=str(self._home))
        self._beat()

    def stop(self) -> bool:
        """Stop in good order: nothing new is begun, and what is being sent is waited for.

        Returns
        -------
        Whether everything had come to its end; else some messages stay "sending" until the next start recovers them.
        """
        self._stopping.set()
        self.engine.sender.stop()
        for worker in self._workers:
            worker.stop()
        ended = threading.Event()
        threading.Thread(target=self._wind_up, args=[ended], name="stop", daemon=True).start()
        clean = ended.wait(PATIENCE)
        with self.ledger.write() as connection:
            nodes.stop(connection, self._node, self._clock.now())
        if clean:
            self.ledger.close()
        _log.info("stopped", node=self._node, clean=clean)
        return clean

    def reload(self) -> None:
        """Take over the files as they stand now; what is broken keeps its last good version (law 12)."""
        with self._reloading:
            try:
                self._reload()
                self._not_taken_over = ""
            except Exception as error:  # noqa: BLE001 - a ledger that is away, say, must not end the watch
                self._not_taken_over = f"the files could not be taken over: {type(error).__name__}"
                _log.exception("not_reloaded")

    @property
    def _workers(self) -> list[Worker]:
        return [self._ladder, self._recovery, *self._outlets.values()]

    def _wind_up(self, ended: threading.Event) -> None:
        """Wait for everybody, however long it takes."""
        checked = self._slots.stop(PATIENCE)
        for thread in [*self._workers, self._watcher]:
            thread.join()
        self.engine.sender.close()
        if checked:
            ended.set()

    def _reload(self) -> None:
        snapshot, problems = self._read()
        self._problems = problems.errors
        self._log_problems()
        if snapshot is not None:
            self._outdated = _connections(snapshot.settings) != self._connected
            self.engine.load(snapshot, self._clock.now())
            self._follow()
            self._ladder.poke()
            _log.info("reloaded", rules=len(self.engine.house.rules.all), problems=len(problems.errors))
        self._beat()

    def _log_problems(self) -> None:
        for problem in [*self._problems, *self._unfit]:
            # Not its message, which may quote an address out of the directory.
            means = CODES[problem.code]
            _log.error("problem", place=f"{problem.mark.path}:{problem.mark.line}", code=problem.code, means=means)

    def _read(self) -> tuple[Snapshot | None, Problems]:
        return load_workspace(self._home, self.plugins.actions, self.plugins.channels)

    def _follow(self) -> None:
        rules = self.engine.house.rules.all
        self._slots.follow(
            list(rules),
            lambda rule_id: self.engine.next_check(rule_id) or self._clock.now(),
            lambda rule_id, after: rules[rule_id].bound.next_slot(after),
        )

    def _check(self, rule_id: int, now: dt.datetime) -> dt.datetime | None:
        """Check one rule if a check is due; returns when it is due next."""
        live = self.engine.house.rules.get(rule_id)
        if live is None:
            return None
        path = live.row.path
        try:
            checked = self.engine.check(rule_id, now)
        except Exception as error:  # noqa: BLE001 - one rule that cannot be checked stops only itself
            self._broken[rule_id] = f"the check of {path} broke with {type(error).__name__}"
            _log.exception("check_broke", rule=path)
            return None
        if checked is not None:
            self._broken.pop(rule_id, None)
            if checked.opened or checked.closed or checked.state != "done":
                figures = {"opened": checked.opened, "closed": checked.closed, "held": checked.held}
                _log.info("checked", rule=path, state=checked.state, **figures)
            self._ladder.poke()
        return self.engine.next_check(rule_id)

    def _fire(self, now: dt.datetime) -> dt.datetime | None:
        wake = self.engine.ladder.fire(now)
        for outlet, at in self.engine.sender.wakes(now).items():
            if at <= now:
                self._outlets[outlet].poke()
        return wake

    def _sending(self, outlet: str) -> Callable[[dt.datetime], dt.datetime | None]:
        def send(now: dt.datetime) -> dt.datetime | None:
            sent = self.engine.sender.send(outlet, now)
            if sent:
                self._ladder.poke()
            return self.engine.sender.wakes(now).get(outlet)

        return send

    def _live_on(self) -> None:
        """Give a sign of life, and try again what could not be taken over."""
        if self._not_taken_over:
            self.reload()
        elif self.engine.taken_up_again():
            self._follow()
        self._beat()

    def _beat(self) -> None:
        with self.ledger.write() as connection:
            nodes.beat(connection, self._node, self._clock.now(), self.troubles)

    def _watch(self) -> None:
        folders = [self._home / name for name in WATCHED if (self._home / name).is_dir()]
        try:
            for _ in watchfiles.watch(*folders, stop_event=self._stopping, debounce=200, raise_interrupt=False):
                self.reload()
        except OSError as error:
            reason = error.strerror or type(error).__name__
            self._unwatched = f"saved files go unnoticed ({reason}): have them read with SIGHUP"
            _log.exception("unwatched")


def _connections(settings: Settings) -> tuple[object, ...]:
    """Pick what is made once, at the start: sources, channels and the ledger."""
    return settings.sources, settings.channels, settings.ledger
