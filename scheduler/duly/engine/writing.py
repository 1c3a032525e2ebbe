"""``write``: a guarded change of the record in its source."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace

from duly.api.verdict import Accepted, Rejected, Verdict
from duly.engine.composer import Composed
from duly.engine.doing import Doing
from duly.engine.doorman import Fate, Ready
from duly.engine.house import House
from duly.engine.record_json import values
from duly.engine.sql_writer import Refused
from duly.rules.record import decode_key
from duly.rules.write import bound


class Writing(Doing):
    """Changes the record by a write of the vocabulary.

    Its statement is guarded by the record's old values. So after a crash it is run again: if it had been kept, the
    guard holds no more, and nothing is changed a second time.
    """

    needs_source = True

    def look(self, ready: Ready, now: dt.datetime) -> Fate:  # noqa: ARG002
        """Freeze which write it is."""
        return ready if ready.delivery.body is not None else replace(ready, words=Composed("", ready.delivery.audience))

    def run(self, ready: Ready, now: dt.datetime) -> Verdict:
        """Run the statement."""
        return write(self.house, ready, ready.delivery.audience, {}, now)


def write(house: House, ready: Ready, name: str, more: Mapping[str, object], now: dt.datetime) -> Verdict:
    """Run one write for the record of a delivery, and say what became of it.

    Parameters
    ----------
    name: the write's, in the vocabulary.
    more: values beside those of the record, by the name under which a statement binds them.
    """
    noun, case, record = ready.live.bound.noun, ready.case, ready.record
    found, writer = noun.writes.get(name), house.writers.get(noun.source)
    if found is None or writer is None or case is None or record is None:
        return Rejected(f"“{name}” is no longer in the vocabulary, or its source is only read")
    given = {**values(record), "clock": case.clock, **more}
    try:
        changed = writer.write(found, bound(found, decode_key(case.key), given), now)
    except Refused as refused:
        return Rejected(str(refused))
    if changed:
        return Accepted(f"{name}: written")
    if ready.delivery.body is not None:
        return Accepted(f"{name}: nothing was left to write; it had been written before, or the record has changed")
    return Rejected(f"{name}: the record is no longer as it was, so nothing was written")
