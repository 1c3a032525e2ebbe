"""``duly run`` as a service manager has it: a process of its own, signals, and a log to read."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from acceptance.command import REPOSITORY
from daemon.eventually import eventually


class Running:
    """A daemon in a workspace; it is killed at the end if it still runs.

    Parameters
    ----------
    home: the workspace.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self._log = home / "daemon.log"
        self._from = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "duly", "run", "--home", str(home)],
                env={**os.environ, "PYTHONPATH": f"{REPOSITORY}/scheduler:{REPOSITORY}/plugins"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def __enter__(self) -> Self:
        self.wait_for("started")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def log(self) -> str:
        """What it has logged."""
        with self._log.open() as log:
            log.seek(self._from)
            return log.read()

    @property
    def events(self) -> list[dict[str, Any]]:
        """Its whole lines of log."""
        whole, _, _ = self.log.rpartition("\n")
        return [json.loads(line) for line in whole.splitlines() if line]

    def wait_for(self, event: str, times: int = 1) -> None:
        """Wait until it has logged an event."""
        eventually(lambda: self._said(event) >= times)

    def _said(self, event: str) -> int:
        assert self.process.poll() is None, self.log
        return sum(line["event"] == event for line in self.events)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it as a power cut does."""
        self.process.kill()
        self.process.wait(10)

    def stop(self, within: float = 10) -> int:
        """Have it stop, and return its exit code."""
        self.signal(signal.SIGTERM)
        return self.process.wait(within)
