"""What goes with the words of a report: its page for mail programs, and its spreadsheet."""

from __future__ import annotations

import datetime as dt
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
    """Make what goes with one delivery of a report.

    Parameters
    ----------
    path: of the rule, for the name of the file.
    body: its final words.
    zone: in which times are shown to this recipient.
    """
    attachments: tuple[Attachment, ...] = ()
    if one.extra.get("attach"):
        from duly.engine.sheet import MEDIA_TYPE, sheet_of  # noqa: PLC0415 - takes a tenth of a second to import

        day = dt.datetime.fromisoformat(one.extra["slot"]).astimezone(zone)
        name = f"{path.rpartition('/')[2]}-{day:%Y-%m-%d}.xlsx"
        attachments = (Attachment(name, MEDIA_TYPE, sheet_of(report, zone)),)
    return Enclosure(page_of(report, body, zone), attachments)
