"""Files as nobody should write them: whatever stands there, no traceback, and every problem has its place.

``make fuzz`` runs the same with many thousands of files.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from functools import cache
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from duly.rules.bind import bind
from duly.rules.calendar_file import read_calendars
from duly.rules.directory_file import read_directory
from duly.rules.noun_file import read_noun
from duly.rules.problem import CODES, Problems, split_lines
from duly.rules.rule_file import draft_rule
from duly.rules.settings import read_settings
from duly.rules.snapshot import load_workspace
from duly.rules.words import read_words
from repository import REPOSITORY

NOW = dt.datetime(2026, 11, 22, 3, 30, tzinfo=dt.UTC)
PIECE = re.compile(r"\w+|\s+|.", re.DOTALL)
WORDS = (
    "¦ ¦  ¦\t¦\n¦:¦: ¦- ¦,¦，¦：¦{¦}¦[¦]¦#¦ #¦'¦\"¦“¦|¦>¦&a¦*a¦!!str ¦<<: ¦---¦...¦null¦~¦NO¦on¦17:30¦25:61¦0123¦1e9¦"
    "999999999999999999999¦0m¦0 working days¦99999d¦9999-12-31¦0000-00-00¦2025-02-29¦now¦told¦owner¦in charge¦not ¦"
    " of ¦ on duty¦ or ¦ else ¦every ¦cron * * * * *¦\x00¦\ufeff¦\u2028¦\ud7ff¦é¦中文¦(select 1)¦; drop table x¦:now¦"
    "{env: X}¦{file: /}¦sqlite://¦per¦since¦many: x¦before: [1d, 2d]¦repeat: daily¦changed: []"
)
NASTY = [*WORDS.split("¦"), "x" * 300, "[" * 30]


@cache
def shipped(folder):
    """Give the files of a folder of the starter pack, by path."""
    files = sorted(
        path for path in (REPOSITORY / folder).rglob("*") if path.is_file() and not path.name.startswith(".")
    )
    return {path.relative_to(REPOSITORY).as_posix(): path.read_text(encoding="utf-8") for path in files}


@cache
def pieces():
    """Give the words that stand in the files of the starter pack."""
    texts = [text for folder in ("config", "rules") for text in shipped(folder).values()]
    return sorted({piece for text in texts for piece in re.findall(r"[\w.:-]+", text)})


@st.composite
def spoilt(draw, folder):
    """Take a real file and spoil it in up to four places: words, lines, indentation, its end."""
    path = draw(st.sampled_from(sorted(shipped(folder))))
    text = shipped(folder)[path]
    other = st.sampled_from(pieces()) | st.sampled_from(NASTY) | st.text(max_size=8)
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["word", "word", "word", "insert", "delete", "double", "indent", "swap", "end"]))
        if kind in {"word", "insert"}:
            parts = PIECE.findall(text) or [""]
            place = draw(st.integers(0, len(parts) - 1))
            parts[place] = draw(other) + (parts[place] if kind == "insert" else "")
            text = "".join(parts)
            continue
        lines = text.split("\n")
        place, there = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines) - 1))
        match kind:
            case "delete":
                del lines[place]
            case "double":
                lines.insert(there, lines[place])
            case "indent":
                lines[place] = draw(st.sampled_from(["  ", "\t", "    ", "- "])) + lines[place]
            case "swap":
                lines[place], lines[there] = lines[there], lines[place]
            case "end":
                lines = lines[:place]
        text = "\n".join(lines)
    return path, text


JSON = st.recursive(
    st.sampled_from([*NASTY[:60], "paid", "customer", "1h", "Mon 09:00"]) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(pieces()), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def made_up(draw, *keys):
    """Make a mapping of a file's own keys, with anything under them; JSON is YAML."""
    known = st.sampled_from(keys)
    return json.dumps(draw(st.dictionaries(known, JSON, max_size=8)), ensure_ascii=draw(st.booleans()))


@cache
def around():
    """Give the workspace that rules are bound to."""
    snapshot, _ = load_workspace(REPOSITORY)
    return snapshot


def placed(problems, path, text):
    """Assert that each problem of the file lies in it, and can be shown."""
    lines = split_lines(text.removeprefix("\ufeff"))
    for problem in problems.of(path):
        assert problem.code in CODES
        assert 1 <= problem.mark.line <= len(lines) + 1, problem
        line = lines[problem.mark.line - 1] if problem.mark.line <= len(lines) else ""
        assert 1 <= problem.mark.column <= len(line) + 1, problem
        assert problem.render()
        assert problem.as_json()


def read_rule(path, text):
    """Read a rule, bind it to the starter pack, and ask for what a daemon would."""
    problems = Problems()
    rule = draft_rule(text, "x", path, problems, around().doings)
    bound = bind(rule, around().around, problems) if rule is not None else None
    assert bound is not None or problems.broken(path)
    placed(problems, path, text)
    if bound is not None and not problems.errors:
        for dialect in ("sqlite", "postgresql", "mysql"):
            assert bound.plan.candidates(dialect).text
            assert bound.plan.lookup(dialect).text
        assert bound.latest_slot(NOW) <= NOW < bound.next_slot(NOW)


@given(spoilt("rules"))
def test_no_spoilt_rule_ends_in_a_traceback(file):
    """A rule that is misspelled, cut off or mixed up is read or refused."""
    read_rule(*file)


@given(made_up("rule", "why", "owner", "was", "watch", "where", "except", "done", "clock", "due", "pause", "check",
               "rest", "steps", "roundup", "cover", "limits", "examples"))  # fmt: skip
def test_no_made_up_rule_ends_in_a_traceback(text):
    """The right keys with the wrong things under them are refused at their place."""
    read_rule("rules/x.yaml", text)


@given(spoilt("config/vocabulary"))
def test_no_spoilt_vocabulary_ends_in_a_traceback(file):
    """Nor does a noun."""
    (path, text), problems = file, Problems()
    assert (read_noun(text, path, problems) is None) == problems.broken(path)
    placed(problems, path, text)


@given(made_up("noun", "one", "source", "from", "key", "zone", "times", "facts", "fields", "people", "teams",
               "measures", "counts", "writes"))  # fmt: skip
def test_no_made_up_vocabulary_ends_in_a_traceback(text):
    """Whatever stands under the keys of a noun."""
    problems = Problems()
    assert (read_noun(text, "config/vocabulary/x.yaml", problems) is None) == bool(problems.errors)
    placed(problems, "config/vocabulary/x.yaml", text)


CONFIG = {
    "config/duly.yaml": lambda text, path, problems: read_settings(text, path, Path("/nowhere"), {}, problems),
    "config/directory.yaml": lambda text, path, problems: read_directory(text, path, {}, problems),
}


@given(spoilt("config").filter(lambda file: file[0] in CONFIG))
def test_no_spoilt_settings_or_directory_end_in_a_traceback(file):
    """Nor do the settings, nor the people."""
    (path, text), problems = file, Problems()
    CONFIG[path](text, path, problems)
    placed(problems, path, text)


@given(made_up("sources", "channels", "ledger", "rest", "by", "lang", "operator", "limits", "reach", "web",
               "zone", "calendar", "hours", "levels", "shifts", "people", "teams"),
       st.sampled_from(sorted(CONFIG)))  # fmt: skip
def test_no_made_up_settings_or_directory_end_in_a_traceback(text, path):
    """Whatever stands under their keys."""
    problems = Problems()
    CONFIG[path](text, path, problems)
    placed(problems, path, text)


@given(spoilt("config/calendars"))
def test_no_spoilt_calendar_ends_in_a_traceback(file):
    """Nor does a calendar."""
    (path, text), problems = file, Problems()
    read_calendars({path: text}, problems)
    placed(problems, path, text)


@given(made_up("calendar", "like", "off", "working", "hours", "ical"))
def test_no_made_up_calendar_ends_in_a_traceback(text):
    """Whatever stands under its keys."""
    problems = Problems()
    read_calendars({"config/calendars/x.yaml": text}, problems, {"config/calendars/x.ics": text})
    placed(problems, "config/calendars/x.yaml", text)


@given(spoilt("notifications"))
def test_no_spoilt_template_ends_in_a_traceback(file):
    """Nor do the words."""
    (path, text), problems = file, Problems()
    read_words({path: text}, problems)
    placed(problems, path, text)
