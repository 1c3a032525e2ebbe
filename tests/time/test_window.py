from __future__ import annotations

import datetime as dt
import re

import pytest
from changes import MINUTE, changes, walls
from hypothesis import given
from hypothesis import strategies as st
from refusal import refusal

from duly.time.span import Span, time_of_day
from duly.time.window import Window
from duly.time.zone import zone

SHANGHAI = zone("Asia/Shanghai")


def at(hour, minute=0, day=15):
    """A moment of March 2024 in Shanghai."""
    return dt.datetime(2024, 3, day, hour, minute, tzinfo=SHANGHAI)


def test_a_window_is_half_open():
    """09:00 is inside 09:00-11:00, 11:00 is not."""
    window = Window.parse("09:00-11:00")
    assert [window.contains(each, SHANGHAI) for each in (at(8, 59), at(9), at(10, 59), at(11))] == [
        False, True, True, False,
    ]  # fmt: skip


def test_overnight_rest_ends_in_the_morning():
    """What rests at 22:00–07:00 leaves at 07:00, from either side of midnight and at midnight itself (failure 13)."""
    rest = Window.parse("22:00-07:00")
    for moment in (at(22), at(23, 30), at(0, day=16), at(0, 1, day=16), at(6, 59, day=16)):
        assert rest.contains(moment, SHANGHAI)
        assert rest.next_outside(moment, SHANGHAI) == at(7, day=16)
    for moment in (at(7), at(12), at(21, 59)):
        assert not rest.contains(moment, SHANGHAI)
        assert rest.next_outside(moment, SHANGHAI) == moment
        assert rest.next_inside(moment, SHANGHAI) == at(22)


def test_a_window_that_has_closed_opens_tomorrow():
    """After 11:00, the next 09:00-11:00 is tomorrow's; inside, it is now."""
    window = Window.parse("09:00-11:00")
    assert window.next_inside(at(11), SHANGHAI) == at(9, day=16)
    assert window.next_inside(at(10), SHANGHAI) == at(10)


def test_a_window_that_the_clock_skips_opens_the_next_day():
    """02:00-03:00 does not exist in Berlin on 31 March 2024."""
    berlin = zone("Europe/Berlin")
    before = dt.datetime(2024, 3, 31, 1, 30, tzinfo=berlin)
    assert Window.parse("02:00-03:00").next_inside(before, berlin) == dt.datetime(2024, 4, 1, 2, tzinfo=berlin)


@pytest.mark.parametrize(
    ("inner", "outer", "expected"),
    [
        ("21:00-22:00", "20:30-09:00", True),
        ("00:30-09:00", "20:30-09:00", True),
        ("23:00-01:00", "20:30-09:00", True),
        ("08:00-09:30", "20:30-09:00", False),
        ("09:00-11:00", "20:30-09:00", False),
        ("20:00-21:00", "20:30-09:00", False),
        ("20:30-09:00", "21:00-22:00", False),
        ("20:00-24:00", "20:00-00:00", True),
    ],
)
def test_a_window_wholly_inside_another(inner, outer, expected):
    """A window inside somebody's rest would never open, over midnight too."""
    assert Window.parse(inner).within(Window.parse(outer)) is expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("9:00-18:00", "“9:00-18:00”: Duly says “09:00-18:00”"),
        ("9am-5pm", "“9am-5pm”: Duly says “09:00-17:00”"),
        ("09:00 to 18:00", "“09:00 to 18:00”: Duly says “09:00-18:00”"),
        ("09:00–18:00", "“09:00–18:00”: Duly says “09:00-18:00”"),
        ("9点~18点", "“9点~18点”: Duly says “09:00-18:00”"),
        ("09：00-11：00", "“09：00-11：00” has full-width characters: write “09:00-11:00”"),
        ("09:00", "“09:00” is no span of time: write it as “09:00-18:00”"),
        ("25:00-26:00", "“25:00-26:00” is no span of time: write it as “09:00-18:00”"),
        ("09:00-09:00", "“09:00-09:00” ends where it begins: write “00:00-24:00” for a whole day"),
        ("24:00-06:00", "“24:00-06:00” opens when the day is over: begin it at “00:00”"),
        ("00:00-24:00", "“00:00-24:00” is all day: leave it out"),
    ],
)
def test_a_wrong_window_names_the_right_one(text, message):
    """What people write instead is refused with the spelling that works."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Window.parse(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("9:00", "“9:00”: Duly says “09:00”"),
        ("5pm", "“5pm”: Duly says “17:00”"),
        ("17：30", "“17：30” has full-width characters: write “17:30”"),
        ("24:00", "“24:00” is the next day’s beginning: write “00:00”"),
        ("noon", "“noon”: write hours and minutes, such as “09:00”"),
        ("1050", "“1050”: write hours and minutes, such as “09:00”"),
    ],
)
def test_a_wrong_time_of_day_names_the_right_one(text, message):
    """A time of day has one spelling, and others are told it."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        time_of_day(text)


PIECES = st.lists(
    st.sampled_from(
        ["09", "00", "24", "9", "5", ":", "：", "-", "–", " ", "to", "am", "pm", "30", "99", "点", "\n", "٣"]
    )
).map("".join)
CLOCK = st.builds("{:02}:{:02}".format, st.integers(0, 24), st.integers(0, 60))


@given(st.one_of(st.text(), PIECES, st.builds("{}-{}".format, CLOCK, CLOCK)))
def test_any_text_is_a_window_or_one_sentence(text):
    """Nothing but a ValueError of one line comes of nonsense, and the spelling that Duly says is one that it takes."""
    sentence = refusal(Window.parse, text)
    assert sentence != "(silence)"
    if cure := re.search("Duly says “(.*)”$", sentence):
        Span.parse(cure[1])
    if not sentence:
        window = Window.parse(text)
        assert Window.parse(window.written) == window


def test_windows_agree_with_the_wall_around_changes_of_offset():
    """Minute by minute around the changes of 2024, a window is open from when the wall first gets to its start."""
    windows = [Window.parse(text) for text in ("01:30-02:30", "22:00-02:15", "00:00-03:00", "03:00-00:30")]
    for place, change in [each for each in changes() if each[1].year == 2024]:
        start = change - dt.timedelta(hours=4)
        _, reached = walls(place, start, 30 * 60)
        minutes = [wall.hour * 60 + wall.minute for wall in reached]
        for span, window in ((each.span, each) for each in windows):
            inside = [span.opens <= m < span.closes or span.opens <= m + 1440 < span.closes for m in minutes]
            for n in range(0, 8 * 60, 15):
                now = start + n * MINUTE
                assert window.contains(now, place) is inside[n], (place, now, window.written)
                if True in inside[n:]:
                    assert window.next_inside(now, place) == start + inside.index(True, n) * MINUTE
                if False in inside[n:]:
                    assert window.next_outside(now, place) == start + inside.index(False, n) * MINUTE
