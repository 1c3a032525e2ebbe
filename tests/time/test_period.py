"""Periods that reports look back on."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from duly.time.calendar import built_in
from duly.time.hours import Hours
from duly.time.period import Period
from duly.time.working import WorkingTime

ZONE = ZoneInfo("Asia/Shanghai")
END = dt.datetime(2024, 8, 15, 17, 30, tzinfo=ZONE)
LAST = dt.datetime(2024, 8, 9, 17, 30, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("written", "start"),
    [
        ("since last", "2024-08-09 17:30"),
        ("day", "2024-08-15 00:00"),
        ("week", "2024-08-12 00:00"),
        ("month", "2024-08-01 00:00"),
        ("quarter", "2024-07-01 00:00"),
        ("half year", "2024-07-01 00:00"),
        ("year", "2024-01-01 00:00"),
        ("7d", "2024-08-08 17:30"),
        ("24h", "2024-08-14 17:30"),
        ("4 working hours", "2024-08-15 13:30"),
    ],
)
def test_a_period_ends_at_its_slot(written, start):
    """Words begin with the calendar's day, week or month, durations lie before the end, `since last` where it ended."""
    working = WorkingTime(Hours.parse("workdays 09:00-18:00"), built_in("CN"), ZONE)
    found = Period.parse(written).start(END, LAST, working)
    assert found.astimezone(ZONE).strftime("%Y-%m-%d %H:%M") == start


@pytest.mark.parametrize("written", ["fortnight", "50%", "at once", "month to date", ""])
def test_what_is_no_period_is_refused(written):
    """Anything else is refused with the spellings there are."""
    with pytest.raises(ValueError, match="is no period: write “since last”, “7d”, “day”, "):
        Period.parse(written)
