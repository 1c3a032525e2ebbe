from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusal import refusal

from duly.time.duration import Duration, Unit


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [
        ("at once", 0, Unit.ELAPSED),
        ("45s", 45, Unit.ELAPSED),
        ("30m", 1800, Unit.ELAPSED),
        ("72h", 259200, Unit.ELAPSED),
        ("3d", 3, Unit.DAYS),
        ("2w", 14, Unit.DAYS),
        ("30 working minutes", 1800, Unit.WORKING),
        ("4 working hours", 14400, Unit.WORKING),
        ("1 working hour", 3600, Unit.WORKING),
        ("1 working day", 1, Unit.WORKING_DAYS),
        ("2  working   days ", 2, Unit.WORKING_DAYS),
        ("50%", 50, Unit.PERCENT),
    ],
)
def test_every_way_to_write_a_duration(text, amount, unit):
    """Each spelling of the design gives its amount and unit, and shows itself as it was written."""
    duration = Duration.parse(text)
    assert (duration.amount, duration.unit) == (amount, unit)
    assert str(duration) == " ".join(text.split())


def test_72_hours_are_not_3_days():
    """Real hours and days of the wall differ when the clocks change, so they are different durations."""
    assert Duration.parse("72h") != Duration.parse("3d")
    assert Duration.parse("60m") == Duration.parse("1h")
    assert Duration.parse("7d") == Duration.parse("1w")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("3 workdays", "“3 workdays”: Duly says “3 working days”"),
        ("1 business day", "“1 business day”: Duly says “1 working day”"),
        ("4 work hours", "“4 work hours”: Duly says “4 working hours”"),
        ("3 hours", "“3 hours”: Duly says “3h”"),
        ("30 min", "“30 min”: Duly says “30m”"),
        ("72H", "“72H”: Duly says “72h”"),
        ("-3h", "“-3h”: Duly says “3h”"),
        ("1h30m", "“1h30m”: Duly says “90m”"),
        ("2 hours and 30 minutes", "“2 hours and 30 minutes”: Duly says “150m”"),
        ("1.5h", "“1.5h”: Duly says “90m”"),
        ("0.5 working hours", "“0.5 working hours”: Duly says “30 working minutes”"),
        ("50 %", "“50 %”: Duly says “50%”"),
        ("immediately", "“immediately”: Duly says “at once”"),
        ("0m", "“0m” is no time at all: Duly says “at once”"),
        ("72", "“72” has no unit: write “72m”, “72h” or “72d”"),
        ("1 month", "“1 month” differs in length from time to time: write days, such as “30d”"),
        ("3661d", "“3661d” is too long: the most is 3660d, ten years"),
        ("1001%", "“1001%” is too long: the most is 1000%"),
        ("", "an empty duration: write “30m”, “72h”, “3d” or “4 working hours”"),
        ("７２ｈ", "“７２ｈ” has full-width characters: write “72h”"),
        ("３个工作日", "“３个工作日” has full-width characters: write “3个工作日”"),
        ("3个工作日", "“3个工作日”: Duly says “3 working days”"),
        ("72小时", "“72小时”: Duly says “72h”"),
        (
            "soon",
            "“soon” is no duration: write “at once”, “30m”, “72h”, “3d”, “4 working hours” or “50%”",
        ),
    ],
)
def test_a_wrong_duration_names_the_right_one(text, message):
    """What people write instead is refused with the spelling that works."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Duration.parse(text)


def test_hostile_lengths_are_refused_in_a_short_sentence():
    """A number of 5,000 digits is an error of one line, not a page."""
    for text in ("9" * 5000, "9" * 5000 + "d", "9" * 5000 + " working hours"):
        with pytest.raises(ValueError, match=r"“9+…”") as error:
            Duration.parse(text)
        assert len(str(error.value)) < 200


RIGHT = st.one_of(
    st.builds(lambda n, u: f"{n}{u}", st.integers(1, 520), st.sampled_from("smhdw")),
    st.builds(lambda n, u: f"{n} working {u}s", st.integers(1, 3660), st.sampled_from(["minute", "hour", "day"])),
    st.builds(lambda n: f"{n}%", st.integers(1, 1000)),
    st.just("at once"),
)
PIECES = (
    *("1", "72", "０", ".5", "-", " ", "h", "m", "d", "w", "s", "%", "working", "work", "day", "days", "个", "工作"),
    *("小时", "at once", "\n", "\x00", "：", "9" * 30, "²", "٣"),
)
ALMOST = st.lists(st.sampled_from(PIECES)).map("".join)


@given(RIGHT)
def test_durations_round_trip(text):
    """What a duration shows reads as the same duration."""
    duration = Duration.parse(text)
    assert str(duration) == text
    assert Duration.parse(str(duration)) == duration


@given(st.one_of(st.text(), ALMOST))
def test_any_text_is_a_duration_or_one_sentence(text):
    """Nothing but a ValueError of one line comes of nonsense, and the spelling that Duly says is one that it takes."""
    sentence = refusal(Duration.parse, text)
    assert sentence != "(silence)"
    if cure := re.search("Duly says “(.*)”$", sentence):
        Duration.parse(cure[1])
