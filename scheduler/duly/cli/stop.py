"""How a command ends when it cannot do what was asked: one sentence and an exit code, never a traceback."""

from __future__ import annotations

FINE = 0
PROBLEMS = 1
USAGE = 2
BUG = 3
INTERRUPTED = 130


class Stop(Exception):  # noqa: N818 - it ends a command; whether that is an error, its code says
    """End the command.

    Parameters
    ----------
    sentence: what is wrong, and the cure.
    code: `PROBLEMS` when something is wrong in the workspace, `USAGE` when something is wrong in what was typed.
    """

    def __init__(self, sentence: str, code: int = PROBLEMS) -> None:
        super().__init__(sentence)
        self.code = code
