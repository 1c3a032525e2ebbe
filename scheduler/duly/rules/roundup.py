"""A roundup: what a rule without a ladder sends at each check, as it was written."""

from __future__ import annotations

from dataclasses import dataclass, field

from duly.rules.model import Audience, By, Condition, Marks
from duly.time.period import Period

REPORT = "duly/report"
"""The words of a roundup that names none."""
XLSX = "xlsx"
BARS = "bars"
PIE = "pie"


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a roundup: a list of records, figures about them, or both.

    Parameters
    ----------
    watch: the noun; empty for what the rule watches, with the rule's own conditions beside these.
    clock: the time that puts a record of the list into the period; empty for the rule's, else the noun's only one,
        else the list holds everything there is at the slot.
    list: the fields and times that are told of each record; none for no list.
    sort: by which of them the list is in order.
    measure: the measures that are told; none for no figures.
    per: the field or team by which the figures are split; empty for one row.
    chart: ``bars`` or ``pie``; empty for none.
    """

    title: str = ""
    watch: str = ""
    where: tuple[Condition, ...] = ()
    except_: tuple[Condition, ...] = ()
    clock: str = ""
    list: tuple[str, ...] = ()
    sort: tuple[str, ...] = ()
    measure: tuple[str, ...] = ()
    per: str = ""
    chart: str = ""
    marks: Marks = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Roundup:
    """What goes to whom at each slot of ``check``.

    Parameters
    ----------
    each: the team, person or field by which it is split into one report each; empty for one report.
    period: ``None`` for everything there is at the slot.
    attach: ``xlsx``, or empty for no attachment.
    empty: whether it is sent also when there is nothing in it.
    """

    tell: tuple[Audience, ...]
    sections: tuple[Section, ...]
    by: By = ()
    text: str = REPORT
    each: str = ""
    period: Period | None = None
    attach: str = ""
    empty: bool = True
    marks: Marks = field(default_factory=dict, compare=False, repr=False)
