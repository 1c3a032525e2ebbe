"""Tokens: what proves that a lease is ours. Each bears the mark of its node: so what a dead one held can be found."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

MARK = 16
"""Letters of the node's mark; as many random ones come after it."""


def new_token(node: str) -> str:
    """Make a token of a node, like no other."""
    return _mark(node) + secrets.token_hex(MARK // 2)


def held_by(token: sa.Column[Any], nodes: Collection[str]) -> sa.ColumnElement[bool]:
    """Write the condition that a token is one of these nodes'."""
    return sa.func.substr(token, 1, MARK).in_(sorted(map(_mark, nodes)))


def _mark(node: str) -> str:
    # Names of hosts are as long as they like, and the column is not.
    return hashlib.sha256(node.encode()).hexdigest()[:MARK]
