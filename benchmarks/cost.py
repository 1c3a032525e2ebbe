"""What something costs: its time, its processor time, its memory."""

from __future__ import annotations

import multiprocessing
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")

LEAST = 1e-6
"""Seconds of processor time that the kernel tells apart; work of less is taken for this much."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds on the wall, and seconds of processor time that the process itself used (user time)."""

    wall: float
    cpu: float

    @classmethod
    def of(cls, work: Callable[[], object]) -> Cost:
        """Do some work and measure it."""
        wall, cpu = time.perf_counter(), _user_seconds()
        work()
        return cls(time.perf_counter() - wall, max(_user_seconds() - cpu, LEAST))

    @classmethod
    def median(cls, several: Iterable[Cost]) -> Cost:
        """Take the median of each of the two."""
        walls, cpus = zip(*((cost.wall, cost.cpu) for cost in several), strict=True)
        return cls(statistics.median(walls), statistics.median(cpus))


def apart(work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Do some work in a process of its own, forked from this one: what this one has imported need not be again."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as process:
        return process.submit(work, *args, **kwargs).result()


def peak() -> int:
    """Tell the most memory that this process has ever held, in bytes (the kernel's ``ru_maxrss``).

    A forked process begins with what the one that forked it holds: only one that holds little may fork those measured.
    """
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _user_seconds() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime
