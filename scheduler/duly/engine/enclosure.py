"""What goes with words: the page of a report for mail programs, and a spreadsheet."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from duly.api.message import Attachment
from duly.engine.page import page_of
from duly.engine.report import Report
from duly.ledger.outbox import Delivery


@dataclass(frozen=True, slots=True)
class Enclosure:
    """What a channel may show or carry beside the text: made anew at each try, and always the same."""

    html: str = ""
    attachments: tuple[Attachment, ...] = ()


NOTHING_ENCLOSED = Enclosure()


def enclosure_of(report: Report, one: Delivery, path: str, body: str, zone: ZoneInfo) -> Enclosure:
    """Make what goes with one delivery of a report, or with a grouped message whose lines are one.

    Parameters
    ----------
    path: of the rule, for the name of the file.
    body: its final words.
    zone: in which its times are shown.
    """
    attachments: tuple[Attachment, ...] = ()
    if one.extra.get("attach"):
        from duly.engine.sheet import MEDIA_TYPE, sheet_of  # noqa: PLC0415 - takes a tenth of a second to import

        name = f"{path.rpartition('/')[2]}-{report.until.astimezone(zone):%Y-%m-%d}.xlsx"
        attachments = (Attachment(name, MEDIA_TYPE, sheet_of(report, zone)),)
    return Enclosure(page_of(report, body, zone), attachments)
