"""Real processes to kill: an engine in a child that stops at a named point, so that the test can kill it there.

Run as a program, it is the child: ``python -m engine.killing HOME LEDGER POINT BEGIN END``.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duly
from duly.engine.assembly import assemble
from duly.engine.engine import Engine
from duly.engine.plugins import load_plugins
from duly.ledger.ledger import Ledger
from duly.rules.problem import Problems
from duly.rules.snapshot import load_workspace
from engine.faulty import Faulty

SENT = "sent.jsonl"
"""The other side: what it has got, a line each."""


class Recording(duly.Channel):
    """Hands messages to the other side, a file, which forgets nothing when the process dies."""

    name = "recording"

    class Config(duly.Config):
        """What the other side can do."""

        idempotent: bool = duly.field("Whether it drops a repeated message", default=False)
        looks_up: bool = duly.field("Whether it tells of a message", default=False)

    config: Config

    def __init__(self, config: Config, http: duly.Http, home: Path) -> None:
        super().__init__(config, http, home)
        self.idempotent = config.idempotent
        if config.looks_up:
            self.lookup = self._lookup
        self._count = itertools.count(1)
        self.reached: Callable[[str], None] = lambda _: None

    def send(self, message: duly.Message) -> duly.Verdict:
        """Write the message down on the other side; before and after it the process may be killed."""
        number = next(self._count)
        self.reached(f"before {number}")
        line = json.dumps({"id": message.id, "to": message.to, "text": message.text}) + "\n"
        file = os.open(self.home / SENT, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, line.encode())
        os.fsync(file)
        os.close(file)
        self.reached(f"after {number}")
        return duly.Accepted(message.id)

    def _lookup(self, message_id: str) -> duly.Accepted | None:
        return duly.Accepted(message_id) if message_id in {one["id"] for one in sent(self.home)} else None


class RecordingPlugin:
    """Registers `Recording`."""

    @duly.hookimpl
    def register_channels(self, register: Callable[[type[duly.Channel]], None]) -> None:
        """Register it."""
        register(Recording)


def sent(home: Path) -> list[dict[str, str]]:
    """Read what the other side has got, oldest first."""
    path = home / SENT
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


class Stopped:
    """A child that stands at its point."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self._child = child

    def kill(self) -> None:
        """Kill it as a power failure would."""
        self._child.kill()
        assert self._child.wait() == -signal.SIGKILL

    def go_on(self) -> None:
        """Let it do the rest of its work, and see that it ends well."""
        _, complaints = self._child.communicate("go on\n")
        assert self._child.returncode == 0, complaints


@contextmanager
def stopped_at(point: str, home: Path, ledger: str, begin: dt.datetime, end: dt.datetime) -> Iterator[Stopped]:
    """Run an engine in a child until it stands at ``point``."""
    child = _child(point, home, ledger, begin, end)
    try:
        line = child.stdout.readline()
        assert line == f"{point}\n", f"the child never came to “{point}”: {line}{child.stderr.read()}"
        yield Stopped(child)
    finally:
        child.kill()
        child.communicate()


def kill_at(point: str, home: Path, ledger: str, begin: dt.datetime, end: dt.datetime) -> None:
    """Run an engine in a child and kill it at ``point``."""
    with stopped_at(point, home, ledger, begin, end) as child:
        child.kill()


def live_on(home: Path, ledger: str, begin: dt.datetime, end: dt.datetime) -> None:
    """Run an engine that nobody kills from ``begin`` to ``end``, as a daemon that starts again does."""
    _run(home, ledger, "", begin, end)


def _child(point: str, home: Path, ledger: str, begin: dt.datetime, end: dt.datetime) -> subprocess.Popen[str]:
    instants = [begin.isoformat(), end.isoformat()]
    return subprocess.Popen(
        [sys.executable, "-m", "engine.killing", str(home), ledger, point, *instants],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _stopper(chosen: str) -> Callable[[str], None]:
    """Make what is called at every point: at the chosen one it tells the test, and waits to be killed."""
    lock = threading.Lock()

    def reached(point: str) -> None:
        if point != chosen:
            return
        with lock:
            sys.stdout.write(f"{point}\n")
            sys.stdout.flush()
            if not sys.stdin.readline():
                os._exit(1)

    return reached


def _watch(engine: Engine, reached: Callable[[str], None]) -> None:
    """Have the engine pass all points: `Recording` has its own."""
    shop = Faulty.put_into(engine, size=2)
    shop.between = lambda: reached("some opened")
    send, look, finish = engine.sender.send, engine.sender._doorman.look, engine.sender._send_group

    def sending(outlet: str, now: dt.datetime) -> bool:
        reached("fired")
        return send(outlet, now)

    def looking(batch, now):
        reached("claimed")
        return look(batch, now)

    def finishing(*group):
        down = finish(*group)
        reached("settled")
        return down

    engine.sender.send, engine.sender._doorman.look, engine.sender._send_group = sending, looking, finishing
    for channel in engine.house.channels.values():
        if isinstance(channel, Recording):
            channel.reached = reached


def _run(home: Path, ledger: str, point: str, begin: dt.datetime, end: dt.datetime) -> None:
    plugins = load_plugins([RecordingPlugin()])
    snapshot, problems = load_workspace(home, plugins.actions, plugins.channels)
    assert snapshot is not None, problems.all
    keeper = Ledger(ledger)
    keeper.migrate()
    found = Problems()
    engine = assemble(snapshot, plugins, keeper, found)
    assert not found.all, found.all
    engine.load(snapshot, begin)
    engine.resume(begin)
    _watch(engine, _stopper(point))
    now, wake = begin, engine.tick(begin)
    while now < end:
        now = end if wake is None else min(wake, end)
        wake = engine.tick(now)
    engine.sender.close()
    keeper.close()


def main(home: str, ledger: str, point: str, begin: str, end: str) -> None:
    """Be the child."""
    _run(Path(home), ledger, point, dt.datetime.fromisoformat(begin), dt.datetime.fromisoformat(end))


if __name__ == "__main__":
    main(*sys.argv[1:])
