"""This process among the daemons of a ledger: what it is called, and which of the others are dead."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence

from duly.ledger.nodes import Node


def node_name() -> str:
    """Name this process, as no other that lives is named: ``HOST:PID``. Hosts that share a ledger differ in name."""
    return f"{socket.gethostname()}:{os.getpid()}"


def dead_nodes(known: Sequence[Node]) -> list[str]:
    """Find the daemons of this host whose process is gone, so that nobody need wait for their leases to run out.

    One that was called as this process is now is among them: its number was free again.

    Parameters
    ----------
    known: every daemon in the ledger, before this one is entered.
    """
    return [node.id for node in known if node.id == node_name() or _is_gone(node.id)]


def _is_gone(node_id: str) -> bool:
    host, _, pid = node_id.rpartition(":")
    if host != socket.gethostname():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False  # it lives, as another user
    return False
