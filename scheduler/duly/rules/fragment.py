"""A fragment: the SQL behind one business word.

Checking it is the first line against stacked statements and slips of the pen. It is no security boundary: that is the
read-only session a source is asked in.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

BINDS = frozenset({"now", "today"})
"""The values a fragment may ask for, as ``:now`` and ``:today``."""

_OPENING = {"(": ")", "[": "]"}
_CLAUSES = frozenset({"where", "group", "having", "order", "limit", "offset", "union", "intersect", "except", "select"})
_PIECE = re.compile(
    r"""
      (?P<comment>--|/\*|\#)
    | (?P<quoted>'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`)
    | (?P<quote>['"`])
    | (?P<cast>::)
    | (?P<bind>(?<!\w):(?P<name>\w+))
    | (?P<placeholder>\?|(?<!\w)\$|(?<!\w)@\w+)
    | (?P<word>\w+)
    | (?P<sign>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPED_QUOTE = re.compile(r"(?<!\\)(?:\\\\)*\\['\"`]")


def expression(text: str) -> str:
    """Check one SQL expression (a fact, a time, a field …) and return it, trimmed.

    Raises ``ValueError`` with one sentence when it is no single balanced expression.
    """
    for depth, piece in _pieces(text):
        if depth == 0 and piece["sign"] == ",":
            raise ValueError("more than one SQL expression: put one expression here, without a comma outside brackets")
    return text.strip()


def tables(text: str) -> str:
    """Check a noun's ``from``, tables and their joins, and return it, trimmed.

    Raises ``ValueError`` with one sentence when it holds anything after the joins, or is not balanced.
    """
    for depth, piece in _pieces(text):
        if depth == 0 and (piece["word"] or "").lower() in _CLAUSES:
            raise ValueError(f"“{piece['word']}” after the tables: “from” takes tables and joins, conditions are facts")
    return text.strip()


def statement(text: str, known: Collection[str]) -> tuple[str, frozenset[str]]:
    """Check one statement that changes a record and return it, trimmed, with the names of the values it binds.

    Parameters
    ----------
    known: the names that it may bind.

    Raises ``ValueError`` with one sentence when it is no single update or insert.
    """
    pieces = list(_pieces(text, known))
    words = [(depth, piece["word"].lower()) for depth, piece in pieces if piece["word"]]
    first = words[0][1] if words else ""
    if first not in {"update", "insert"}:
        raise ValueError("a write is an update or an insert: nothing else may change a record")
    if first == "update" and (0, "where") not in words:
        raise ValueError("an update without “where” changes every record: add “where id = :key and …”")
    return text.strip(), frozenset(piece["name"] for _, piece in pieces if piece["bind"])


def for_text(sql: str) -> str:
    """Spell a checked fragment for SQLAlchemy's ``text()``: only its binds are binds, whatever stands in quotes."""
    return "".join(
        piece[0].replace(":", r"\:") if piece["quoted"] or piece["cast"] else piece[0] for piece in _PIECE.finditer(sql)
    )


def _pieces(text: str, known: Collection[str] = BINDS) -> Iterator[tuple[int, re.Match[str]]]:
    """Go through ``text`` piece by piece, each with the number of brackets around it."""
    if not text.strip():
        raise ValueError("no SQL here: write an expression such as o.paid_at")
    awaited: list[str] = []
    for piece in _PIECE.finditer(text):
        _refuse(piece, known)
        sign = piece["sign"]
        if sign in _OPENING:
            awaited.append(_OPENING[sign])
        elif sign in _OPENING.values() and (not awaited or awaited.pop() != sign):
            raise ValueError(f"“{sign}” closes nothing: every bracket in SQL needs its partner")
        yield len(awaited), piece
    if awaited:
        raise ValueError(f"“{awaited[-1]}” is missing: every bracket in SQL needs its partner")


def _refuse(piece: re.Match[str], known: Collection[str]) -> None:
    """Raise ``ValueError`` for what no fragment may hold."""
    if piece["comment"]:
        raise ValueError(
            f"“{piece[0]}” begins a comment in SQL: write the remark as a YAML comment, after a space and #"
        )
    if piece["quote"]:
        raise ValueError(f"a quotation mark {piece[0]} that is never closed: close it, or double it inside a text")
    if piece["quoted"] and _ESCAPED_QUOTE.search(piece[0]):
        raise ValueError("a backslash before a quotation mark means different things to different databases: double it")
    if piece["bind"] and piece["name"] not in known:
        given = "a fragment knows :now and :today" if known is BINDS else f"a write knows {_listed(known)}"
        raise ValueError(f"“{piece[0]}” is not given here: {given}")
    if piece["placeholder"]:
        raise ValueError(f"“{piece[0]}” is a placeholder in SQL: a fragment knows :now and :today")
    if piece["sign"] == ";":
        raise ValueError("“;” ends a statement: put one SQL expression here, without “;”")


def _listed(names: Collection[str]) -> str:
    return ", ".join(f":{name}" for name in sorted(names))
