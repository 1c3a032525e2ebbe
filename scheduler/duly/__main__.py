"""``python -m duly``: the same as the command ``duly``."""

from __future__ import annotations

from duly.cli.main import main

main()
