"""Reading config/directory.yaml."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duly.rules.directory import Leave
from duly.rules.directory_file import read_directory
from duly.rules.problem import Problems
from duly.time.calendar import build

PATH = "config/directory.yaml"
SHOP = build("shop", None, {dt.date(2024, 4, 23): "店庆日"}, [], {})
DIRECTORY = """\
zone: Asia/Shanghai
calendar: CN
levels: [leader, supervisor, manager]
shifts:
  day: 08:30-17:30
  night: 22:00-06:00
people:
  lin: {name: 林娜, email: lin@shop.example, phone: "+8613800000001", chat: wecom:lin, lang: zh,
        ids: {shop: 1}, reports to: zhou, deputy: mei}
  mei: {name: Mei, ids: {shop: [2, 12], depot: 1}, leave: [2024-05-01 to 2024-05-05, 2024-06-01], shifts: night}
  zhou: {name: Zhou, by: chat else sms, reports to: wang, no_sms: yes, no_chat: no}
  wang: {zone: Europe/Berlin, rest: 22:00-07:00, skills: [korean, furniture]}
  old: {name: Old, left: 2024-02-01, ids: {shop: 9}}
teams:
  care: {members: [lin, mei], leader: lin, supervisor: zhou, manager: [wang, zhou],
         shifts: {day: workdays, night: [Fri, Sat]}, ids: {shop: D4}}
  logistics: {members: mei, hours: [workdays 09:00-12:00, workdays 13:00-17:00]}
"""


def read(text, calendars=None):
    """Read a directory; give it with its problems as people see them."""
    problems = Problems()
    directory = read_directory(text, PATH, calendars or {}, problems)
    assert (directory is None) == bool(problems.errors)
    return directory, [f"{p.mark.line}:{p.mark.column} {p.code} {p.sentence}" for p in problems.all]


def place_at(text, index):
    """Give line and column of a place in a text."""
    before = text[:index]
    return f"{before.count(chr(10)) + 1}:{index - before.rfind(chr(10))}"


def place_of(text, word):
    """Give line and column of a word's first occurrence."""
    return place_at(text, text.index(word))


def with_(old, new):
    """Give the good file with one piece replaced."""
    assert old in DIRECTORY
    return DIRECTORY.replace(old, new, 1)


def test_people_are_read():
    """Every attribute of a person arrives."""
    directory, problems = read(DIRECTORY)
    assert problems == []
    lin, zhou, wang = (directory.person(name) for name in ("lin", "zhou", "wang"))
    assert (lin.name, lin.staff, lin.lang) == ("林娜", True, "zh")
    assert lin.addresses == {"phone": "+8613800000001", "email": "lin@shop.example", "chat": "wecom:lin"}
    assert (zhou.by, zhou.refuses) == ("chat else sms", {"sms"})
    assert (wang.name, wang.zone, wang.rest) == ("wang", "Europe/Berlin", "22:00-07:00")
    mei = directory.staff["mei"]
    assert mei.leave == (
        Leave(dt.date(2024, 5, 1), dt.date(2024, 5, 5)),
        Leave(dt.date(2024, 6, 1), dt.date(2024, 6, 1)),
    )
    assert (mei.shifts, directory.staff["lin"].shifts) == ({"night"}, None)
    assert directory.staff["wang"].skills == {"korean", "furniture"}
    assert directory.staff["lin"].reports_to == "zhou"
    assert directory.staff["lin"].deputy == "mei"
    assert directory.staff["old"].left == dt.date(2024, 2, 1)


def test_ids_are_texts_of_their_source():
    """The same id may stand for two people in two sources."""
    directory, _ = read(DIRECTORY)
    assert directory.by_source_id("shop", "1") == "lin"
    assert directory.by_source_id("depot", "1") == "mei"
    assert directory.by_source_id("shop", "12") == "mei"
    assert directory.team_of("D4", "shop") == "care"


def test_teams_are_read():
    """Members, roles, shifts and hours of a team arrive in the order of the file."""
    directory, _ = read(DIRECTORY)
    care = directory.teams["care"]
    assert care.members == ("lin", "mei")
    assert care.roles == {"leader": ("lin",), "supervisor": ("zhou",), "manager": ("wang", "zhou")}
    friday_night = dt.datetime(2024, 4, 26, 16, tzinfo=dt.UTC)
    assert directory.on_duty("care", friday_night) == ["lin", "mei"]
    assert directory.on_duty("care", friday_night - dt.timedelta(hours=12)) == ["lin"]
    lunch = dt.datetime(2024, 4, 26, 4, 30, tzinfo=dt.UTC)
    assert not directory.hours("logistics").is_open(lunch)
    assert directory.hours("care").is_open(lunch)


def test_own_hours_and_calendar_of_the_directory():
    """The directory's own hours and a workspace's calendar hold for whoever has none."""
    text = with_("calendar: CN", "calendar: shop\nhours: daily 10:00-11:00")
    directory, problems = read(text, {"shop": SHOP})
    assert problems == []
    assert directory.hours("care").is_open(dt.datetime(2024, 4, 27, 2, 30, tzinfo=dt.UTC))
    assert not directory.calendar.is_workday(dt.date(2024, 4, 23))


def test_places_are_kept():
    """Problems found later, such as an unknown channel, can point at the value."""
    directory, _ = read(DIRECTORY)
    assert place_of(DIRECTORY, "chat else sms") == str(directory.marks["people.zhou.by"]).removeprefix(f"{PATH}:")
    assert place_of(DIRECTORY, "yes") == str(directory.marks["people.zhou.no_sms"]).removeprefix(f"{PATH}:")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("Asia/Shanghai", "^Asia/Shanghi", "D004 unknown zone “Asia/Shanghi”: did you mean “Asia/Shanghai”?"),
        (
            "calendar: CN",
            "calendar: ^ship",
            "D005 unknown calendar “ship”: write a country code such as “CN” or “KR”; did you mean “shop”?",
        ),
        ("[leader,", "[leader, ^leader,", "D006 the level “leader” stands here twice; delete one"),
        ("[leader,", "[^head of, leader,", "D004 “head of” is no name for a level; write words such as manager"),
        ("[leader,", "[^members, leader,", "D004 “members” is no name for a level; write words such as manager"),
        ("08:30-17:30", "^8:30-17:30", "D004 “8:30-17:30”: Duly says “08:30-17:30”"),
        ("shifts: night}", "shifts: ^nite}", "D005 unknown shift “nite”; did you mean “night”?"),
        ("lin@shop", "^lin.shop", "D004 “lin.shop.example” is no e-mail address: write name@shop.example"),
        (
            '"+8613800000001"',
            "^none",
            "D004 “none” is no phone number: write its digits, such as +8613800000001",
        ),
        ("lang: zh", "lang: ^Chinese", "D004 “Chinese” is no language: write its code, such as zh, ko or en"),
        ("deputy: mei", "deputy: ^mai", "D005 unknown person “mai”; did you mean “mei”?"),
        ("deputy: mei", "deputy: ^lin", "D006 “deputy” names lin themselves; name somebody else or delete it"),
        ("reports to: zhou", "reports to: ^zhu", "D005 unknown person “zhu”; did you mean “zhou”?"),
        ("shop: [2, 12]", "shop: [^1, 12]", "D006 shop calls lin “1” already; an id stands for one of them"),
        (
            "2024-05-01 to 2024-05-05",
            "^2024-05-05 to 2024-05-01",
            "D004 the leave “2024-05-05 to 2024-05-01” ends before it begins: swap the two days",
        ),
        ("2024-06-01", "^2024-06-31", "D004 “2024-06-31” is no day of any year: look at the month and the day"),
        ("2024-06-01", "^1 June", "D004 “1 June” is no date: write it like 2024-05-01"),
        ("left: 2024-02-01", "left: ^yes", "D004 “yes” is no date: write it like 2024-05-01"),
        (
            "by: chat else sms",
            "by: ^chat else",
            "D004 “chat else” lacks a channel beside “else”; write “sms else email”",
        ),
        ("no_sms: yes", "no_sms: ^true", "D004 “no_sms” cannot be “true”; write yes or no"),
        ("rest: 22:00-07:00", "rest: ^22:00", "D004 “22:00” is no span of time: write it as “09:00-18:00”"),
        ("zone: Europe/Berlin", "zone: ^Berlin", "D004 unknown zone “Berlin”: did you mean “Europe/Berlin”?"),
        ("skills: [", "^skill: [", "D001 unknown key “skill”; did you mean “skills”?"),
        ("members: [lin, mei]", "members: [lin, ^mie]", "D005 unknown person “mie”; did you mean “mei”?"),
        ("members: [lin, mei]", "members: [lin, mei, ^lin]", "D006 lin stands here twice; delete one"),
        ("{members: mei, ", "^{", "D002 “members” is missing; add “members: …”"),
        ("supervisor: zhou", "^superviser: zhou", "D001 unknown key “superviser”; did you mean “supervisor”?"),
        ("supervisor: zhou", "supervisor: ^care", "D005 unknown person “care”; known: lin, mei, old, wang, zhou"),
        ("{day: workdays,", "{^days: workdays,", "D005 unknown shift “days”; did you mean “day”?"),
        ("{day: workdays,", "{day: ^weekdays,", "D004 “weekdays”: Duly says “workdays”"),
        (
            "workdays 13:00-17:00",
            "^workdays",
            "D004 “workdays” has no hours: write them as “workdays 09:00-18:00”",
        ),
        ("logistics:", "^lin:", "D006 “lin” is a person and a team; rename one of the two"),
        ("logistics:", "^told:", "D004 “told” means somebody else in every rule; choose another name"),
        (
            "logistics:",
            "^night desk:",
            "D004 “night desk” is no name for rules to use; use letters, digits, “-” and “_”",
        ),
        ("{name: Old, left: 2024-02-01, ids: {shop: 9}}", "^Old", "D003 “old” must be a mapping, not “Old”"),
    ],
)
def test_slip_is_shown_where_it_stands(old, new, problem):
    """Each slip becomes a problem at the word itself, with its cure."""
    before, _, _ = new.partition("^")
    start = DIRECTORY.index(old) + len(before)
    text = with_(old, new.replace("^", ""))
    directory, problems = read(text, {"shop": SHOP})
    assert directory is None
    assert problems == [f"{place_at(text, start)} {problem}"]


def test_missing_sections_are_named():
    """What every directory needs is asked for, without blaming each name that leans on it."""
    directory, problems = read(DIRECTORY.replace("zone: Asia/Shanghai\n", "").replace("people:", "persons:"))
    assert directory is None
    assert problems == [
        "1:1 D002 “people” is missing; add “people: …”",
        "1:1 D002 “zone” is missing; add “zone: …”",
        "6:1 D001 unknown key “persons”; known: calendar, hours, levels, people, shifts, teams, zone",
    ]


def test_circle_in_the_reporting_line_is_shown_once():
    """A reporting line without a top is shown once, with the way round; those below it are not blamed."""
    _, problems = read(with_("wang: {", "wang: {reports to: zhou, "))
    assert problems == [
        "12:22 D010 the reporting line goes in a circle: wang → zhou → wang; somebody must be at the top"
    ]


@pytest.mark.parametrize("phone", ["+86 138-0000 0001", "(010) 8888.0000", "110"])
def test_phone_may_be_spelled_as_people_do(phone):
    """Spaces, dots, dashes and brackets in a phone number do no harm."""
    directory, problems = read(with_("+8613800000001", phone))
    assert problems == []
    assert directory.person("lin").addresses["phone"] == phone


@pytest.mark.parametrize("text", ["", "people", "- a", "[", "zone: [a"])
def test_file_that_is_no_directory_is_refused(text):
    """A file of another shape gives a problem, too."""
    directory, problems = read(text)
    assert directory is None
    assert len(problems) == 1


SCRAPS = [
    *("{", "}", "[", "]", ": ", "- ", "#", "'", '"', "\t", "\n", "  ", ",", "&a", "*a", "!!str ", "：", "，", "lin"),
    *("null", "0123", "\x00", "|", "reports to: lin", "deputy: zhou", "leave: ", "2024-02-30 to ", "25:00", "no_x: "),
]


@given(st.data())
def test_spoilt_directory_gives_places_and_never_breaks(data):
    """Whatever happens to a file, reading it ends in a directory or in problems with a place, never in a traceback."""
    lines = DIRECTORY.splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(lines) - 1))
        column = data.draw(st.integers(0, len(lines[place])))
        until = data.draw(st.integers(column, min(column + 12, len(lines[place]))))
        lines[place] = lines[place][:column] + data.draw(st.sampled_from(SCRAPS)) + lines[place][until:]
    problems = Problems()
    directory = read_directory("\n".join(lines), PATH, {}, problems)
    assert (directory is None) == bool(problems.errors)
    for problem in problems.all:
        assert problem.mark.path == PATH
        assert problem.mark.line >= 1
        assert problem.mark.column >= 1
        assert problem.render()
    if directory:
        moment = dt.datetime(2024, 5, 3, 8, tzinfo=dt.UTC)
        for team in directory.teams:
            directory.on_duty(team, moment)
            directory.role("leader", team, moment.date())
