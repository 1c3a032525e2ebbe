"""Where a word stands within a value, for problems that only show when files meet."""

from __future__ import annotations

import re

from duly.rules.problem import Mark, split_lines


def place_of(word: str, text: str, mark: Mark) -> Mark:
    """Find the whole ``word`` in the line of ``mark``, from there on; ``mark`` when it is not there.

    ``text`` is the file.
    """
    lines = split_lines(text.removeprefix("\ufeff"))
    if not word or mark.line > len(lines):
        return mark
    found = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)").search(lines[mark.line - 1], mark.column - 1)
    return Mark(mark.path, mark.line, found.start() + 1) if found else mark
