"""The benchmarks run, and give the figures that they are there for; how large those are is nobody's test."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.mark.timeout(300)
def test_check_gives_all_its_figures():
    """The benchmark of a check, at a thousandth of its size, meets the records it should and prints every figure."""
    command = [sys.executable, "-m", "benchmarks.check", "--divide", "1000", "--rounds", "1"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("orders/ship-within-72h: 1,000 orders, 15 of them due; medians of 1 rounds")
    rows = re.findall(r"^\| (.+?) \| (.+) \|$", done.stdout, re.MULTILINE)
    costs = [
        figures for _, figures in rows if re.fullmatch(r"[\d.]+ s \| [\d.]+ \| [\d.]+ s \| [\d.]+ \| \d+ MB", figures)
    ]
    growths = [figures for _, figures in rows if re.fullmatch(r"[\d.]+, [\d.]+ \| [\d.]+", figures)]
    assert len(costs) == len(growths) == 5
    assert re.search(r"nothing asked \| \| \| \| \| \d+ MB", done.stdout)
