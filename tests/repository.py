"""Where the repository is: tests read its files, and copy its starter pack."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
