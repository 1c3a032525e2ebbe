"""The noun that every workspace has: Duly's own cases, for roundups."""

from __future__ import annotations

from duly.rules.measure import Measure, Reckoning
from duly.rules.noun import Fact, Field, Noun, Time

OWN = "duly"
"""The source of Duly's own cases: its ledger."""

_FACTS = (
    *("open", "late", "acknowledged", "held", "ladder used up", "done", "done in time", "gone"),
    *("due today", "due tomorrow", "due this week", "due next week"),
)
_FIELDS = ("rule", "record", "who", "state", "owner")

CASES = Noun(
    name="cases",
    one="case",
    source=OWN,
    from_="",
    key=("id",),
    times={name: Time(name, sql=name) for name in ("opened", "due", "closed")},
    facts={name: Fact(name, sql=name) for name in _FACTS},
    fields={name: Field(name, sql=name) for name in _FIELDS},
    teams={"team": "team"},
    measures={
        "opened": Measure("opened", Reckoning.COUNT, on="opened"),
        "done": Measure("done", Reckoning.COUNT, of="done", on="closed"),
        "in time": Measure("in time", Reckoning.COUNT, of="done in time", on="closed"),
        "share in time": Measure("share in time", Reckoning.SHARE, part="in time", whole="done", places=1),
    },
)
"""Its words; where a vocabulary has SQL it has names, which the engine knows how to answer. ``who`` has the case;
``team`` is the owner of its rule."""
