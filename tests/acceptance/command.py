"""Runs Duly as people and programs run it: a process of its own, its exit code, what it says and where."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Done:
    """How a command ended: its exit code, what it said to people, and what it complained of."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return the answer to ``--json``."""
        return json.loads(self.out)


def duly(*arguments: object, cwd: Path | None = None, said: str | None = None, **environ: str) -> Done:
    """Run ``duly`` with these arguments, 100 columns wide, and without a terminal.

    Parameters
    ----------
    cwd: the current folder.
    said: what stands on its standard input.
    environ: variables beside those of this process.
    """
    kept = {name: value for name, value in os.environ.items() if name not in {"DULY_HOME", "COLUMNS"}}
    done = subprocess.run(
        [sys.executable, "-m", "duly", *map(str, arguments)],
        cwd=cwd,
        env={**kept, "PYTHONPATH": f"{REPOSITORY}/scheduler:{REPOSITORY}/plugins", "COLUMNS": "100", **environ},
        input=said or "",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Done(done.returncode, done.stdout, done.stderr)
