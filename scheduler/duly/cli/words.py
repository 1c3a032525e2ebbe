"""The ledger's terms as people say them."""

from __future__ import annotations


def spoken_step(identity: str) -> str:
    """Say a step: ``late at once · tell · customer`` as ``late at once: tell customer``."""
    return identity.replace(" · ", ": ", 1).replace(" · ", " ")
