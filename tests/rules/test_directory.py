"""The directory: who is on duty, who stands above, who stands in."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duly.api.person import Person
from duly.rules.directory import Directory, Leave, Staff, Team
from duly.rules.shift import Rota, Shift
from duly.time.calendar import build, built_in
from duly.time.days import parse_days
from duly.time.hours import Hours
from duly.time.span import Span

SHANGHAI = ZoneInfo("Asia/Shanghai")
LEVELS = ("leader", "supervisor", "manager", "director")
SHIFTS = {name: Shift(name, Span.parse(span)) for name, span in [("day", "08:30-17:30"), ("night", "22:00-06:00")]}
PLAIN = build("plain", None, {}, [], {})
MONDAY = dt.date(2024, 4, 22)


def staff(name, **more):
    """Give a member of staff with an address."""
    return Staff(Person(name, name=name.title(), staff=True, addresses={"phone": "+861"}), **more)


def rota(name, *days):
    """Give a shift on some days."""
    return Rota(SHIFTS[name], tuple(map(parse_days, days)))


def directory(people, *teams, calendar=PLAIN, zone=SHANGHAI):
    """Give a directory of these people and teams."""
    return Directory(
        zone=zone,
        calendar=calendar,
        day_hours=Hours.parse("workdays 09:00-18:00"),
        levels=LEVELS,
        shifts=SHIFTS,
        staff={one.person.id: one for one in people},
        teams={team.name: team for team in teams},
    )


def at(text, zone=SHANGHAI):
    """Give the instant of a wall time."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(dt.UTC)


def away(first, last=None):
    """Give a leave."""
    return (Leave(dt.date.fromisoformat(first), dt.date.fromisoformat(last or first)),)


def test_person_is_found_by_id_and_by_source_id():
    """A person is found by their own id, and by what a source calls them."""
    house = directory([staff("lin", ids={"shop": ("1", "7")}), staff("mei")])
    assert house.person("lin").name == "Lin"
    assert house.by_source_id("shop", "7") == "lin"
    assert house.by_source_id("shop", "2") is None
    assert house.by_source_id("depot", "1") is None
    with pytest.raises(KeyError):
        house.person("nobody")


def test_team_is_found_by_name_and_by_source_id():
    """A team is found by what the source calls it, else by its name."""
    house = directory([], Team("care", ids={"shop": ("D4", "sales")}), Team("sales"))
    assert house.team_of("D4", "shop") == "care"
    assert house.team_of("care", "shop") == "care"
    assert house.team_of("sales", "shop") == "care"
    assert house.team_of("sales", "depot") == "sales"
    assert house.team_of("D4", "depot") is None


def test_teams_of_a_person():
    """A person's teams are those they are a member of, not those they lead from above."""
    house = directory([], Team("a", ("lin",)), Team("b", roles={"manager": ("lin",)}), Team("c", ("mei", "lin")))
    assert house.teams_of("lin") == ("a", "c")


def test_hours_of_a_team_and_of_anybody_else():
    """A team's own hours count for it; for a person or an unknown name the directory's do."""
    house = directory([staff("lin")], Team("night", hours=Hours.parse("daily 20:00-24:00")), Team("day"))
    saturday = at("2024-04-27 21:00")
    assert house.hours("night").is_open(saturday)
    assert [house.hours(name).is_open(saturday) for name in ("day", "lin", "nobody")] == [False] * 3
    assert house.hours("lin").is_open(at("2024-04-22 09:00"))


def test_away_on_leave_and_after_leaving():
    """Leave includes its last day, a leaver is gone from the first day on, and strangers are always away."""
    house = directory([staff("lin", leave=away("2024-05-01", "2024-05-05"), left=dt.date(2024, 6, 1))])
    days = ["2024-04-30", "2024-05-01", "2024-05-05", "2024-05-06", "2024-05-31", "2024-06-01", "2030-01-01"]
    assert [house.is_away("lin", dt.date.fromisoformat(day)) for day in days] == [0, 1, 1, 0, 0, 1, 1]
    assert house.is_away("stranger", MONDAY)


def test_on_duty_is_half_open():
    """A shift holds from its first minute up to, not including, its last."""
    house = directory([staff("lin")], Team("care", ("lin",), rotas=(rota("day", "workdays"),)))
    moments = ["2024-04-22 08:29", "2024-04-22 08:30", "2024-04-22 17:29", "2024-04-22 17:30", "2024-04-27 10:00"]
    assert [house.on_duty("care", at(moment)) for moment in moments] == [[], ["lin"], ["lin"], [], []]
    assert house.on_duty("unknown", at("2024-04-22 10:00")) == []


def test_on_duty_over_midnight_goes_by_the_first_day():
    """A night shift belongs to the day on which it starts, and so does the leave of those who work it."""
    house = directory(
        [staff("lin"), staff("mei", leave=away("2024-04-27"))],
        Team("care", ("mei", "lin"), rotas=(rota("night", "Fri"),)),
    )
    assert house.on_duty("care", at("2024-04-27 05:59")) == ["mei", "lin"]
    assert house.on_duty("care", at("2024-04-27 06:00")) == []
    assert house.on_duty("care", at("2024-04-26 05:00")) == []


def test_on_duty_keeps_to_own_shifts():
    """A member who names shifts works those only; the others work all of the team's."""
    house = directory(
        [staff("lin", shifts=frozenset({"night"})), staff("mei")],
        Team("care", ("lin", "mei"), rotas=(rota("day", "daily"), rota("night", "daily"))),
    )
    assert house.on_duty("care", at("2024-04-22 10:00")) == ["mei"]
    assert house.on_duty("care", at("2024-04-22 23:00")) == ["lin", "mei"]


def test_on_duty_follows_the_calendar():
    """Workdays include make-up days and leave out holidays; a named weekday is closed on holidays; daily never is."""
    house = directory(
        [staff("lin")],
        Team("work", ("lin",), rotas=(rota("day", "workdays"),)),
        Team("wednesdays", ("lin",), rotas=(rota("day", "Wed"),)),
        Team("always", ("lin",), rotas=(rota("day", "daily"),)),
        calendar=built_in("CN"),
    )
    labour_day, make_up = at("2024-05-01 10:00"), at("2024-05-11 10:00")
    on_holiday = {team: bool(house.on_duty(team, labour_day)) for team in house.teams}
    assert on_holiday == {"work": False, "wednesdays": False, "always": True}
    assert house.on_duty("work", make_up) == ["lin"]
    assert house.on_duty("wednesdays", at("2024-05-08 10:00")) == ["lin"]


def test_night_shift_when_the_clocks_change():
    """Where the clock skips or repeats an hour, the shift starts and ends by the wall."""
    berlin = ZoneInfo("Europe/Berlin")
    house = directory([staff("lin")], Team("care", ("lin",), rotas=(rota("night", "daily"),)), zone=berlin)
    for end in ("2024-03-31 06:00", "2024-10-27 06:00"):
        assert house.on_duty("care", at(end, berlin) - dt.timedelta(seconds=1)) == ["lin"]
        assert house.on_duty("care", at(end, berlin)) == []


def test_next_shift_starts_after_now():
    """The next shift is one that has not started; the one that runs is not it."""
    house = directory([staff("lin")], Team("care", ("lin",), rotas=(rota("day", "workdays"),)))
    assert house.next_shift("care", at("2024-04-22 08:00")) == (at("2024-04-22 08:30"), ["lin"])
    assert house.next_shift("care", at("2024-04-22 08:30")) == (at("2024-04-23 08:30"), ["lin"])
    assert house.next_shift("care", at("2024-04-26 12:00")) == (at("2024-04-29 08:30"), ["lin"])


def test_next_shift_has_somebody_there():
    """A shift whose people are all away is passed over; of several at one moment all count."""
    house = directory(
        [staff("lin", leave=away("2024-04-23", "2024-04-24")), staff("mei", shifts=frozenset({"night"}))],
        Team("care", ("mei", "lin"), rotas=(rota("day", "workdays"), rota("night", "Thu"))),
    )
    assert house.next_shift("care", at("2024-04-22 12:00")) == (at("2024-04-25 08:30"), ["lin"])
    assert house.next_shift("care", at("2024-04-25 12:00")) == (at("2024-04-25 22:00"), ["mei", "lin"])


def test_next_shift_that_never_comes():
    """A team without shifts, without people, or unknown has no next shift."""
    gone = staff("old", left=dt.date(2024, 1, 1))
    house = directory([gone], Team("ghosts", ("old",), rotas=(rota("day", "daily"),)), Team("idle", ("old",)))
    assert [house.next_shift(team, at("2024-04-22 12:00")) for team in ("ghosts", "idle", "unknown")] == [None] * 3


def test_role_is_whoever_holds_it():
    """All holders of a level hear, in the order of the file, each once."""
    house = directory([staff("lin"), staff("mei")], Team("care", roles={"leader": ("mei", "lin", "mei")}))
    assert house.role("leader", "care", MONDAY) == ["mei", "lin"]


def test_role_that_nobody_holds_gives_the_next_level_up():
    """An empty level passes the matter up, never down."""
    house = directory([staff("lin"), staff("wang")], Team("care", roles={"leader": ("lin",), "manager": ("wang",)}))
    assert house.role("supervisor", "care", MONDAY) == ["wang"]
    assert house.role("director", "care", MONDAY) == []
    assert house.role("boss", "care", MONDAY) == []
    assert house.role("leader", "unknown", MONDAY) == []


def test_role_gives_way_to_deputies():
    """On leave, a deputy stands in, or the deputy's deputy; without one, the next level up hears."""
    day = away(str(MONDAY))
    house = directory(
        [
            staff("lin", leave=day, deputy="mei"),
            staff("mei", leave=day, deputy="han"),
            staff("han"),
            staff("wang"),
            staff("zhou", leave=day),
        ],
        Team("care", roles={"leader": ("lin",), "supervisor": ("zhou",), "manager": ("wang",)}),
    )
    assert house.role("leader", "care", MONDAY) == ["han"]
    assert house.role("leader", "care", MONDAY + dt.timedelta(days=1)) == ["lin"]
    assert house.role("supervisor", "care", MONDAY) == ["wang"]


def test_deputies_in_a_circle_end():
    """Two who stand in for each other and are both away give nobody, and no endless search."""
    day = away(str(MONDAY))
    house = directory([staff("lin", leave=day, deputy="mei"), staff("mei", leave=day, deputy="lin")])
    assert house.stand_in("lin", MONDAY) is None


def test_leaver_gives_way_to_their_deputy():
    """Somebody who has left is stood in for as if on leave."""
    house = directory([staff("old", left=MONDAY, deputy="lin"), staff("lin")])
    assert house.stand_in("old", MONDAY) == "lin"
    assert house.stand_in("old", MONDAY - dt.timedelta(days=1)) == "old"


LINE = (
    staff("mei", reports_to="zhou"),
    staff("zhou", reports_to="wang", deputy="mei"),
    staff("wang", deputy="chen"),
    staff("chen"),
)
CARE = Team("care", ("mei",), {"supervisor": ("zhou",), "manager": ("wang", "chen")})


def test_role_above_goes_up_the_reporting_line():
    """A role of a person is the nearest boss who holds it anywhere, not everybody who does."""
    house = directory(LINE, CARE)
    assert house.role_above("supervisor", "mei", MONDAY) == ["zhou"]
    assert house.role_above("manager", "mei", MONDAY) == ["wang"]
    assert house.role_above("leader", "mei", MONDAY) == ["zhou"]
    assert house.role_above("supervisor", "zhou", MONDAY) == ["wang"]
    assert house.role_above("director", "mei", MONDAY) == []
    assert house.role_above("manager", "stranger", MONDAY) == []


def test_role_above_never_comes_back():
    """Where the one below is the boss's deputy, the next level up hears instead of themselves."""
    on_leave = staff("zhou", reports_to="wang", deputy="mei", leave=away(str(MONDAY)))
    house = directory([LINE[0], on_leave, *LINE[2:]], CARE)
    assert house.role_above("supervisor", "mei", MONDAY) == ["wang"]


def test_role_above_gives_way_to_deputies():
    """A boss on leave gives way to their deputy."""
    on_leave = staff("wang", deputy="chen", leave=away(str(MONDAY)))
    house = directory([*LINE[:2], on_leave, LINE[3]], CARE)
    assert house.role_above("manager", "mei", MONDAY) == ["chen"]


IDS = ("a", "b", "c", "d")


@given(
    st.lists(
        st.tuples(st.sampled_from(["", *IDS]), st.sampled_from(["", *IDS]), st.booleans()), min_size=4, max_size=4
    ),
    st.dictionaries(st.sampled_from(LEVELS), st.lists(st.sampled_from(IDS), min_size=1, max_size=3), max_size=4),
    st.sampled_from(LEVELS),
)
def test_whoever_is_named_is_there(people, roles, role):
    """Whatever the lines, deputies and leaves (circles included), answers end, are there, and are the same again."""
    house = directory(
        [
            staff(name, reports_to=above, deputy=deputy, leave=away(str(MONDAY)) if gone else ())
            for name, (above, deputy, gone) in zip(IDS, people, strict=True)
        ],
        Team("team", IDS, {level: tuple(names) for level, names in roles.items()}, (rota("day", "daily"),)),
    )
    answers = [
        house.role(role, "team", MONDAY),
        *(house.role_above(role, name, MONDAY) for name in IDS),
        house.on_duty("team", at("2024-04-22 10:00")),
    ]
    for answer in answers:
        assert len(answer) == len(set(answer))
        assert not any(house.is_away(name, MONDAY) for name in answer)
    assert all(name not in house.role_above(role, name, MONDAY) for name in IDS)
    assert answers[0] == house.role(role, "team", MONDAY)
    if any(not gone for _, _, gone in people):
        assert answers[-1]


@given(st.datetimes(dt.datetime(2024, 1, 1), dt.datetime(2026, 12, 31)), st.sampled_from(["day", "night"]))  # noqa: DTZ001 - made aware below
def test_next_shift_begins_a_duty(moment, name):
    """At the next shift's first instant its people are on duty, and nobody starts in between."""
    house = directory([staff("lin")], Team("t", ("lin",), rotas=(rota(name, "workdays"),)), calendar=built_in("CN"))
    now = moment.replace(tzinfo=dt.UTC)
    start, people = house.next_shift("t", now)
    assert start > now
    assert people == house.on_duty("t", start) == ["lin"]
    assert house.on_duty("t", start - dt.timedelta(seconds=1)) == []
    if not house.on_duty("t", now):
        assert not any(house.on_duty("t", now + (start - now) * part / 7) for part in range(7))
