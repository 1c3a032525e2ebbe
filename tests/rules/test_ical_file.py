"""iCal files beside calendars: all-day events are days off, recurring ones on every day that they come."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duly.rules.calendar_file import read_calendars
from duly.rules.ical_file import HORIZON, read_ical
from duly.rules.problem import Problems

PATH = "config/calendars/days.ics"


def day(text):
    """Give a date."""
    return dt.date.fromisoformat(text)


def ical(*events):
    """Write a file of events, given as their lines."""
    body = "".join(f"BEGIN:VEVENT\r\n{event}\r\nEND:VEVENT\r\n" for event in events)
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{body}END:VCALENDAR\r\n"


def read(text):
    """Read a file that is in order."""
    problems = Problems()
    found = read_ical(text, PATH, problems)
    assert [problem.render() for problem in problems.errors] == []
    return found


def refuse(text):
    """Read a file that must be refused, and give its problems as people see them."""
    problems = Problems()
    assert read_ical(text, PATH, problems) is None
    return [f"{p.mark.line}:{p.mark.column} {p.code} {p.sentence}" for p in problems.errors]


def names(*events):
    """Give the days that events name, as texts, with their names."""
    return {str(each): name for each, name in read(ical(*events)).off.items()}


def test_an_all_day_event_is_a_day_off():
    """DTEND is the day after the last; without it an event lasts a day; DURATION counts days."""
    assert names("DTSTART;VALUE=DATE:20270101\r\nSUMMARY:New Year") == {"2027-01-01": "New Year"}
    assert list(names("DTSTART;VALUE=DATE:20270206\r\nDTEND;VALUE=DATE:20270209")) == [
        "2027-02-06",
        "2027-02-07",
        "2027-02-08",
    ]
    assert list(names("DTSTART:20270206\r\nDURATION:P2D")) == ["2027-02-06", "2027-02-07"]
    assert list(names("DTSTART:20270206\r\nDTEND:20270206")) == ["2027-02-06"]


def test_midnight_to_midnight_is_all_day_as_well():
    """Some programs write whole days as times."""
    event = "DTSTART;TZID=Asia/Shanghai:20270501T000000\r\nDTEND;TZID=Asia/Shanghai:20270503T000000"
    assert list(names(event)) == ["2027-05-01", "2027-05-02"]


def test_names_are_unfolded_and_unescaped():
    """A long line is folded anywhere, also within a word; commas and line ends are escaped."""
    written = "DTSTART:20270101\r\nSUMMARY:New\r\n  Year\\, al\r\n l of it\\nhere"
    assert names(written) == {"2027-01-01": "New Year, all of it here"}


def test_what_recurs_is_off_each_time():
    """Yearly, on the fourth Thursday, until a day, so many times: as RFC 5545 says."""
    assert list(names("DTSTART:20270704\r\nRRULE:FREQ=YEARLY;COUNT=3")) == ["2027-07-04", "2028-07-04", "2029-07-04"]
    thursdays = names("DTSTART:20261126\r\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH;UNTIL=20281231T235959Z")
    assert list(thursdays) == ["2026-11-26", "2027-11-25", "2028-11-23"]
    weekly = "DTSTART:20270104\r\nRRULE:FREQ=WEEKLY;INTERVAL=2;UNTIL=20270118"
    weekly += "\r\nEXDATE;VALUE=DATE:20270118\r\nRDATE:20270120"
    assert list(names(weekly)) == ["2027-01-04", "2027-01-20"]
    leap = names("DTSTART:20240229\r\nRRULE:FREQ=YEARLY;COUNT=2")
    assert list(leap) == ["2024-02-29", "2028-02-29"]


def test_what_recurs_for_ever_is_followed_far_ahead():
    """A calendar of such events alone has no end; one with a dated event ends with its year."""
    for_ever = read(ical("DTSTART:20200704\r\nRRULE:FREQ=YEARLY"))
    assert max(for_ever.off) == dt.date(HORIZON.year, 7, 4)
    assert for_ever.known_until is None
    both = read(ical("DTSTART:20200704\r\nRRULE:FREQ=YEARLY", "DTSTART:20270217"))
    assert both.known_until == day("2027-12-31")


def test_one_time_of_a_series_may_be_moved_or_cancelled():
    """An event in place of one of a series replaces it; a cancelled event is none."""
    series = "UID:a\r\nDTSTART:20270101\r\nRRULE:FREQ=YEARLY;COUNT=2"
    assert list(names(series, "UID:a\r\nRECURRENCE-ID:20280101\r\nDTSTART:20280103")) == ["2027-01-01", "2028-01-03"]
    assert list(names(series, "UID:a\r\nRECURRENCE-ID:20280101\r\nDTSTART:20280101\r\nSTATUS:CANCELLED")) == [
        "2027-01-01"
    ]


def test_make_up_days_are_read_where_a_file_marks_them():
    """In such a file a festival without the mark is a working day; without marks every event is a day off."""
    found = read(
        ical(
            "DTSTART:20270217\r\nSUMMARY:Festival\r\nX-APPLE-SPECIAL-DAY:WORK-HOLIDAY",
            "DTSTART:20270220\r\nX-APPLE-SPECIAL-DAY:ALTERNATE-WORKDAY",
            "DTSTART:20270221\r\nSUMMARY:Lanterns",
        )
    )
    assert (found.off, found.working) == ({day("2027-02-17"): "Festival"}, {day("2027-02-20")})


def test_a_time_of_day_is_no_day_off():
    """An appointment in the file is left out, with a warning at its place."""
    problems = Problems()
    text = ical("SUMMARY:Fitting\r\nDTSTART:20270101T090000Z\r\nDTEND:20270101T100000Z", "DTSTART:20270102")
    assert list(read_ical(text, PATH, problems).off) == [day("2027-01-02")]
    assert [(str(p.mark), p.severity, p.message) for p in problems.all] == [
        (f"{PATH}:5:9", "warning", "“Fitting” has a time of day, and is left out")
    ]


def test_alarms_and_time_zones_are_passed_over():
    """What nests in an event, or stands beside events, names no days."""
    zone = "BEGIN:VTIMEZONE\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    alarm = "DTSTART:20270101\r\nBEGIN:VALARM\r\nTRIGGER:-PT15M\r\nDURATION:P2D\r\nEND:VALARM"
    assert list(read(ical(alarm).replace("BEGIN:VEVENT", zone + "BEGIN:VEVENT")).off) == [day("2027-01-01")]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "1:1 K012 this is no iCal file; it begins with “BEGIN:VCALENDAR”"),
        ("<html></html>", "1:1 K012 this is no line of an iCal file; write it like “SUMMARY:New Year”"),
        ("BEGIN:VCARD\nEND:VCARD", "1:1 K012 this is no iCal file; it begins with “BEGIN:VCALENDAR”"),
        (
            "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20270101",
            "2:1 K012 “BEGIN:VEVENT” is never closed; add “END:VEVENT”",
        ),
        (
            "BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR",
            "3:1 K012 “END:VCALENDAR” closes nothing; write “END:VEVENT” before it",
        ),
        (ical("SUMMARY:x"), "3:1 K012 this event does not say when it is; add “DTSTART;VALUE=DATE:20270101”"),
        (ical("DTSTART:soon"), "4:9 K012 “soon” is no date of an iCal file; write it like “20270101”"),
        (ical("DTSTART:20270230"), "4:9 K012 “20270230” is no day of the calendar; write it like “20270101”"),
        (
            ical("DTSTART:20270105\r\nDTEND:20270101"),
            "5:7 K012 this event ends before it has begun; “DTEND” is the day after the last day",
        ),
        (
            ical("DTSTART:20270105\r\nDTEND:20370101"),
            "5:7 K012 this event lasts 3,649 days; a holiday lasts a year at most",
        ),
        (
            ical("DTSTART:20270105\r\nRRULE:FREQ=SECONDLY"),
            "5:7 K012 “FREQ=SECONDLY” is no recurrence of days; write it like “FREQ=YEARLY”",
        ),
        (
            ical("DTSTART:20270105\r\nRRULE:FREQ=YEARLY;INTERVAL=0"),
            "5:7 K012 “FREQ=YEARLY;INTERVAL=0” is no recurrence of days; write it like “FREQ=YEARLY”",
        ),
        (ical("DTSTART:20270105\r\nEXDATE:x"), "5:8 K012 “x” is no date of an iCal file; write it like “20270101”"),
        (ical("DTSTART:20270105\r\nRDATE:x"), "5:7 K012 “x” is no date of an iCal file; write it like “20270101”"),
    ],
)
def test_a_bad_file_is_pointed_at(text, problem):
    """Each slip has its place and its cure; nothing ends in a traceback."""
    assert refuse(text) == [problem]


def test_what_recurs_never_ends_at_once():
    """The thirtieth of February is not looked for until the year 9999."""
    assert list(names("DTSTART:20270105\r\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=9")) == ["2027-01-05"]


LINES = st.sampled_from(
    [
        "DTSTART:20270101",
        "DTSTART;VALUE=DATE:20240229",
        "DTEND:20270103",
        "DURATION:P3D",
        "RRULE:FREQ=YEARLY",
        "RRULE:FREQ=MONTHLY;BYDAY=-1FR;BYSETPOS=-1;COUNT=99999",
        "RRULE:FREQ=WEEKLY;BYDAY=5MO;WKST=SU;UNTIL=20300101T000000Z",
        "RRULE:FREQ=YEARLY;BYWEEKNO=53;BYYEARDAY=-366",
        "RRULE:FREQ=DAILY;BYMONTH=13",
        "EXDATE:20270101,20280101",
        "RDATE;VALUE=PERIOD:20270101T000000Z/P1D",
        "RECURRENCE-ID:20270101",
        "UID:a",
        "SUMMARY:x\\",
        "BEGIN:VALARM",
        "END:VALARM",
        " folded",
        "X",
    ]
)


@given(st.lists(st.lists(LINES | st.text(max_size=20), max_size=5), max_size=3))
def test_no_file_ends_in_a_traceback(events):
    """Whatever stands in a file, it is read or refused with a position."""
    text, problems = ical(*("\r\n".join(lines) for lines in events)), Problems()
    found = read_ical(text, PATH, problems)
    assert (found is None) == bool(problems.errors)
    assert all(1 <= p.mark.line <= text.count("\n") + 1 and p.mark.column >= 1 for p in problems.all)


def calendars(written, **icals):
    """Read one calendar with the files beside it."""
    problems = Problems()
    named = {f"config/calendars/{name}.ics": text for name, text in icals.items()}
    found = read_calendars({"config/calendars/own.yaml": written}, problems, named)
    return found.get("own"), [f"{p.mark} {p.code} {p.sentence}" for p in problems.errors]


def test_a_calendar_takes_its_days_from_a_file():
    """Days off and make-up days come from it; what the calendar itself says goes before, both ways."""
    text = ical(
        "DTSTART:20270217\r\nSUMMARY:Festival\r\nX-APPLE-SPECIAL-DAY:WORK-HOLIDAY",
        "DTSTART:20270218\r\nX-APPLE-SPECIAL-DAY:WORK-HOLIDAY",
        "DTSTART:20270220\r\nX-APPLE-SPECIAL-DAY:ALTERNATE-WORKDAY",
        "DTSTART:20270221\r\nX-APPLE-SPECIAL-DAY:ALTERNATE-WORKDAY",
    )
    own, problems = calendars(
        "calendar: own\nlike: CN\nical: days.ics\noff: {2027-02-21: Ours}\nworking: [2027-02-18]\n", days=text
    )
    assert problems == []
    assert own.holiday_name(day("2027-02-17")) == "Festival"
    assert own.is_workday(day("2027-02-18"))
    assert own.is_workday(day("2027-02-20"))
    assert own.holiday_name(day("2027-02-21")) == "Ours"
    assert own.known_until == day("2027-12-31")


def test_a_calendar_from_a_file_alone_ends_with_it():
    """Without a country behind it, the last event tells how far the file goes."""
    own, _ = calendars("calendar: own\nical: days.ics\n", days=ical("DTSTART:20261225"))
    assert own.known_until == day("2026-12-31")


def test_a_calendar_whose_file_is_bad_or_missing_is_left_out():
    """The problem is where the slip is: in the file, or at the word that names it."""
    own, problems = calendars("calendar: own\nical: days.ics\n", days=ical("DTSTART:x"))
    assert own is None
    assert problems == ["config/calendars/days.ics:4:9 K012 “x” is no date of an iCal file; write it like “20270101”"]
    own, problems = calendars("calendar: own\nical: day.ics\n", days=ical())
    assert own is None
    assert problems == [
        "config/calendars/own.yaml:2:7 K005 there is no file config/calendars/day.ics; did you mean “days.ics”?"
    ]
