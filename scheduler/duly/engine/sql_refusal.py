"""Why a database did not answer, in words that show no address, password or value of a record."""

from __future__ import annotations

import re
from typing import NamedTuple

from sqlalchemy import exc


class Refusal(NamedTuple):
    """What a database did instead of answering.

    ``code`` is that of the problem (``duly.rules.problem.CODES``); ``words`` go on from the name of the source.
    """

    code: str
    words: str


_MISSING = tuple(
    (re.compile(pattern), what)
    for what, pattern in (
        ("table", r"no such table: (\S+)"),
        ("column", r"no such column: (\S+)"),
        ("function", r"no such function: (\S+)"),
        ("table", r"relation \"([^\"]+)\" does not exist"),
        ("column", r"column \"?([^\" ]+)\"? does not exist"),
        ("table", r"missing FROM-clause entry for table \"([^\"]+)\""),
        ("function", r"function ([\w.]+)\(.*\) does not exist"),
        ("table", r"Table '([^']+)' doesn't exist"),
        ("column", r"Unknown column '([^']+)'"),
        ("function", r"FUNCTION ([\w.]+) does not exist"),
    )
)
_KNOWN = (
    (
        {"25001", "25006", "1792", "SQLITE_AUTH", "SQLITE_READONLY"},
        "^not authorized",
        Refusal("S003", "may only be read, and was asked for more"),
    ),
    ({"57014", "1969", "3024", "SQLITE_INTERRUPT"}, "", Refusal("S003", "took too long to answer")),
    ({"42501", "1142", "1143"}, "", Refusal("S003", "does not let its user read what was asked for")),
    ({"42601", "1064"}, "syntax error|incomplete input", Refusal("S003", "cannot read the SQL")),
    (
        {"42883", "42804", "42846", "22P02", "22007"},
        "",
        Refusal("S003", "has values of another type here than the SQL expects"),
    ),
    (
        {"28P01", "28000", "1044", "1045", "1698"},
        "password authentication failed|no pg_hba.conf entry",
        Refusal("S001", "refuses its user or password"),
    ),
    ({"3D000", "1049"}, "FATAL:  database .* does not exist", Refusal("S001", "has no database of this name")),
    ({"SQLITE_BUSY", "SQLITE_LOCKED"}, "", Refusal("S001", "is locked by somebody who writes to it")),
    ({"SQLITE_NOTADB", "SQLITE_CORRUPT"}, "", Refusal("S001", "is no sound SQLite file")),
    ({"SQLITE_CANTOPEN"}, "", Refusal("S001", "cannot be reached")),
)
"""By the code of the database (SQLSTATE, number or name of the error), or by its words where it gives no code."""
_LOST = re.compile(r"|0|08.*|57P.*|20\d\d")
"""No code at all, connection exceptions and shutdowns of PostgreSQL, client errors of MariaDB."""


def refusal(error: exc.SQLAlchemyError) -> Refusal:
    """Tell what a database did instead of answering.

    Of its own words only the names of tables, columns and functions are passed on: all else may hold values.
    """
    if isinstance(error, exc.TimeoutError):
        return Refusal("S001", "has no connection free")
    code, words = _code_and_words(error)
    for pattern, what in _MISSING:
        if found := pattern.match(words):
            return Refusal("S002", f"has no {what} “{found[1]}”")
    for codes, in_words, known in _KNOWN:
        if code in codes or (in_words and re.search(in_words, words)):
            return known
    if isinstance(error, exc.OperationalError | exc.InterfaceError) and _LOST.fullmatch(code):
        return Refusal("S001", "cannot be reached")
    kind = type(getattr(error, "orig", None) or error).__name__
    return Refusal("S003", f"answered with an error ({' '.join(filter(None, (kind, code)))})")


def _code_and_words(error: exc.SQLAlchemyError) -> tuple[str, str]:
    orig = getattr(error, "orig", None)
    if orig is None or not orig.args:
        return "", ""
    number = orig.args[0] if len(orig.args) > 1 else None  # pymysql
    code = number or getattr(orig, "sqlite_errorname", None) or getattr(orig, "sqlstate", None) or ""
    return str(code), str(orig.args[-1])
