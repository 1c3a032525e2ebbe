"""What Duly itself does in a step besides telling; a plugin's actions are `duly.api.action.Action`."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import sqlalchemy as sa

from duly.api.verdict import Accepted, Verdict

if TYPE_CHECKING:
    from duly.engine.doorman import Fate, Ready
    from duly.engine.house import House


class Doing:
    """One thing that a step may do.

    It goes the way of every delivery (law 11), and doing it a second time must do no harm: after a crash it is done
    again, with what was frozen as it was marked.

    Parameters
    ----------
    house: the ledger, the rules, the people.
    """

    needs_source: bool = False
    """Whether it waits for a source that is down, rather than go by what the source said last."""

    one_by_one: bool = False
    """Whether what is done for one record decides about the next, so that no two are looked at together."""

    def __init__(self, house: House) -> None:
        self.house = house

    def look(self, ready: Ready, now: dt.datetime) -> Fate:  # noqa: ARG002
        """Decide, as it is about to be done, what is going to be done: that is frozen as its address and its words."""
        return ready

    def run(self, ready: Ready, now: dt.datetime) -> Verdict:  # noqa: ARG002
        """Do it out there, where it is done anywhere but in the ledger."""
        return Accepted()

    def carry_out(self, connection: sa.Connection, ready: Ready, now: dt.datetime) -> None:
        """Do it in the ledger, in the transaction that accepts it."""
