"""Reading the files of config/calendars/."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duly.rules.calendar_file import read_calendars
from duly.rules.problem import Problems
from duly.time.calendar import built_in
from duly.time.span import Span

PATH = "config/calendars/shop-days.yaml"
SHOP = """\
calendar: shop-days
like: CN
off:
  2024-04-23: 店庆日
  2024-11-11: 双十一
working: [2024-05-02, 2024-04-27]
hours: {2024-12-31: [09:00-12:00], 2024-02-09: [], 2024-06-07: 09:00-12:00}
"""


def day(text):
    """Give a date."""
    return dt.date.fromisoformat(text)


def read(*texts, **files):
    """Read calendars; give them with their problems as people see them."""
    problems = Problems()
    named = {PATH: texts[0]} if texts else {f"{name}.yaml": text for name, text in files.items()}
    calendars = read_calendars(named, problems)
    return calendars, [f"{p.mark} {p.code} {p.sentence}".removeprefix(f"{PATH}:") for p in problems.all]


def test_calendar_builds_on_a_country():
    """A shop's own days go before the country's; all other days are the country's."""
    calendars, problems = read(SHOP)
    assert problems == []
    shop, china = calendars["shop-days"], built_in("CN")
    assert shop.holiday_name(day("2024-04-23")) == "店庆日"
    assert not shop.is_workday(day("2024-11-11"))
    assert shop.is_workday(day("2024-05-02"))
    assert shop.is_workday(day("2024-04-27"))
    assert shop.hours_on(day("2024-12-31")) == shop.hours_on(day("2024-06-07")) == (Span.parse("09:00-12:00"),)
    assert shop.hours_on(day("2024-02-09")) == ()
    assert shop.hours_on(day("2024-03-01")) is None
    march = [day("2024-03-01") + dt.timedelta(days=n) for n in range(31)]
    assert [shop.is_workday(each) for each in march] == [china.is_workday(each) for each in march]


def test_calendar_of_its_own():
    """Without ``like``, people work from Monday to Friday; ``off`` may be a list of dates or a single one."""
    calendars, problems = read(a="calendar: a\noff: [2024-05-01]\n", b="calendar: b\noff: 2024-05-01\n")
    assert problems == []
    for calendar in calendars.values():
        assert calendar.is_holiday(day("2024-05-01"))
        assert calendar.is_workday(day("2024-05-02"))
        assert not calendar.is_workday(day("2024-05-04"))


def test_calendars_build_on_each_other():
    """A calendar may build on another of the workspace, wherever that stands."""
    calendars, problems = read(
        a="calendar: a\nlike: b\noff: [2024-05-07]\n", b="calendar: b\nlike: KR\noff: [2024-05-08]\n"
    )
    assert problems == []
    assert [calendars["a"].is_holiday(day(f"2024-05-0{n}")) for n in (5, 7, 8)] == [True] * 3
    assert not calendars["b"].is_holiday(day("2024-05-07"))


def test_calendar_may_take_a_countrys_place():
    """A calendar named like a country builds on that country, not on itself."""
    calendars, problems = read("calendar: CN\nlike: CN\noff: [2024-04-23]\n")
    assert problems == []
    assert calendars["CN"].is_holiday(day("2024-04-23"))
    assert calendars["CN"].is_holiday(day("2024-05-01"))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("calendar: shop-days\n", "", "1:1 K002 “calendar” is missing; add “calendar: …”"),
        ("like: CN", "like: XQ", "2:7 K005 unknown calendar “XQ”: write a country code such as “CN” or “KR”"),
        ("like: CN", "likes: CN", "2:1 K001 unknown key “likes”; did you mean “like”?"),
        ("2024-04-23:", "2024-4-23:", "4:3 K004 “2024-4-23” is no date: write it like 2024-05-01"),
        ("2024-04-23: 店庆日", "2024-04-23: [店庆日]", "4:15 K003 “2024-04-23” must be a text, not a list"),
        (
            "working: [2024-05-02",
            "working: [2024-02-30",
            "6:11 K004 “2024-02-30” is no day of any year: look at the month and the day",
        ),
        (
            "working: [2024-05-02",
            "working: [2024-11-11",
            "6:11 K006 2024-11-11 is both off and working; strike it from one of the two",
        ),
        ("[09:00-12:00]", "[9-12]", "7:22 K004 “9-12”: Duly says “09:00-12:00”"),
        (
            "working:",
            "ical: x.ics\nworking:",
            "6:7 K005 there is no file config/calendars/x.ics; put it beside this file",
        ),
        (SHOP, "shop", "1:1 K003 a calendar must be a mapping, not “shop”; begin with “calendar: …”"),
        (SHOP, "", "1:1 Y006 the file is empty; write something or delete the file"),
    ],
)
def test_slip_is_shown_where_it_stands(old, new, problem):
    """Each slip becomes a problem at the word itself, and the calendar is left out."""
    assert old in SHOP
    calendars, problems = read(SHOP.replace(old, new))
    assert calendars == {}
    assert problems == [problem]


def test_two_calendars_of_one_name_are_refused():
    """A name stands for one calendar; the second file is told."""
    _, problems = read(a="calendar: x\n", b="calendar: x\n")
    assert problems == ["b.yaml:1:11 K006 another file is called “x” already; rename one of the two"]


def test_circle_is_shown_where_it_closes():
    """Calendars that build on each other in a circle are left out, and each file of it is told."""
    calendars, problems = read(a="calendar: a\nlike: b\n", b="calendar: b\nlike: a\n", c="calendar: c\nlike: KR\n")
    assert list(calendars) == ["c"]
    assert problems == [
        "a.yaml:2:7 K010 “b” builds on itself: b → a → b; break the circle",
        "b.yaml:2:7 K010 “a” builds on itself: a → b → a; break the circle",
    ]


def test_calendar_on_a_broken_one_is_left_out():
    """One broken file takes down those that build on it, and only the broken one is blamed."""
    calendars, problems = read(a="calendar: a\nlike: b\n", b="calendar: b\noff: [x]\n", c="calendar: c\n")
    assert list(calendars) == ["c"]
    assert problems == ["b.yaml:2:7 K004 “x” is no date: write it like 2024-05-01"]


def test_misspelt_calendar_is_suggested():
    """A near miss of another calendar's name is pointed out."""
    _, problems = read(a="calendar: a\nlike: shopdays\n", b="calendar: shop-days\n")
    assert problems == [
        (
            "a.yaml:2:7 K005 unknown calendar “shopdays”: write a country code such as “CN” or “KR”; "
            "did you mean “shop-days”?"
        )
    ]


SCRAPS = [
    *(
        "{",
        "}",
        "[",
        "]",
        ": ",
        "- ",
        "#",
        "'",
        '"',
        "\t",
        "\n",
        "  ",
        ",",
        "&a",
        "*a",
        "!!str ",
        "：",
        "，",
        "9999-12-31",
    ),
    *("0001-01-01", "shop-days", "KR", "25:00", "24:00", "-", "\x00", "|"),
]


@given(st.data())
def test_spoilt_calendar_gives_places_and_never_breaks(data):
    """Whatever happens to a file, reading it ends in a calendar or in problems with a place, never in a traceback."""
    lines = SHOP.splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(lines) - 1))
        column = data.draw(st.integers(0, len(lines[place])))
        until = data.draw(st.integers(column, min(column + 12, len(lines[place]))))
        lines[place] = lines[place][:column] + data.draw(st.sampled_from(SCRAPS)) + lines[place][until:]
    problems = Problems()
    calendars = read_calendars({PATH: "\n".join(lines)}, problems)
    assert bool(calendars) != bool(problems.errors)
    for problem in problems.all:
        assert problem.mark.path == PATH
        assert problem.render()
    for calendar in calendars.values():
        assert calendar.is_workday(day("2024-03-01")) in {True, False}
