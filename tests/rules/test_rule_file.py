import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duly.rules.model import AudienceKind, Cap, ClockKind, ClockRef, Comparison, FactIs, Rate, When
from duly.rules.problem import Problems
from duly.rules.rule_file import _KEYS, draft_rule, read_rule
from duly.time.duration import Duration, Unit

HEAD = "rule: R\nowner: o\nwatch: orders\n"
BASE = HEAD + "where: [paid]\nclock: paid_at\ncheck: every 10m\n"
STEPS = "steps:\n  - {after: 1h, tell: customer, text: t}\n"
REPOSITORY = Path(__file__).resolve().parents[2]


def read(text, **more):
    """Read a rule, and give its problems too."""
    problems = Problems()
    return read_rule(text, "orders/r", "rules/orders/r.yaml", problems, **more), problems


def sound(text, **more):
    """Read a rule that must have no problem."""
    rule, problems = read(text, **more)
    assert [problem.render() for problem in problems.all] == []
    return rule


def found(text, **more):
    """Give every problem as (line:column, code, sentence)."""
    _, problems = read(text, **more)
    return [(f"{p.mark.line}:{p.mark.column}", p.code, p.sentence) for p in problems.all]


def marked(text):
    """Give the text without its mark, and the place of the mark."""
    before, _, after = text.partition("¦")
    return before + after, f"{before.count(chr(10)) + 1}:{len(before.rpartition(chr(10))[2]) + 1}"


def step(written, head=BASE + "due: 72h\n"):
    """Read a rule with this one step, and give the step."""
    return sound(f"{head}steps:\n  - {written}\n").steps[-1]


def test_a_whole_rule_is_read():
    """The rule of the design's page comes out as it was written."""
    text = (REPOSITORY / "rules/orders/ship-within-72h.yaml").read_text(encoding="utf-8")
    rule = sound(text)
    assert (rule.id, rule.title, rule.owner, rule.watch) == (
        "orders/r",
        "Paid orders ship within 72 hours",
        "logistics",
        "orders",
    )
    assert [str(condition) for condition in (*rule.where, *rule.except_, *rule.done)] == [
        "paid",
        "cancelled",
        "presale",
        "virtual",
        "backorder awaiting reply",
        "shipped",
    ]
    assert (rule.clock.kind, rule.clock.name, rule.due.duration.written) == (ClockKind.TIME, "shippable_since", "72h")
    assert [schedule.written for schedule in rule.check] == ["every 10m", "daily 17:30"]
    assert [each.identity for each in rule.steps] == [
        "before 8 working hours · tell · logistics on duty",
        "late at once · escalate · supervisor of logistics",
        "unanswered 4 working hours · escalate · manager of logistics",
    ]
    assert (rule.steps[1].by, rule.steps[1].urgent) == ((("chat",), ("sms",)), True)
    assert rule.limits.hold == Rate(200, 3600)
    assert rule.text == text
    assert len(rule.digest) == 64
    first = rule.examples[0]
    assert first.people == {"order": {"placed_at": "Mon 09:00", "paid_at": "Tue 14:00"}}
    assert (first.expect[0].at.weekday, first.expect[0].at.time, first.expect[0].what) == (
        3,
        dt.time(15),
        "logistics on duty",
    )


@pytest.mark.parametrize("path", sorted((REPOSITORY / "rules").rglob("*.yaml")), ids=lambda path: path.stem)
def test_the_starter_rules_are_sound(path):
    """Every rule that Duly ships reads without a problem."""
    sound(path.read_text(encoding="utf-8"))


def test_a_list_of_moments_is_a_step_for_each():
    """`before: [30d, 7d, 1d]` is three rungs, each with an identity and a place of its own."""
    rule = sound(BASE + "steps:\n  - {before: [30d, 7d, 1d], at: 10:00, tell: customer, text: t}\n")
    assert [(each.identity, each.marks["before"].column) for each in rule.steps] == [
        ("before 30d at 10:00 · tell · customer", 15),
        ("before 7d at 10:00 · tell · customer", 20),
        ("before 1d at 10:00 · tell · customer", 24),
    ]


def test_identity_goes_by_what_is_written_not_by_position_or_spacing():
    """Moving a step or doubling a space changes nothing; an exact double is numbered."""
    rule = sound(
        BASE + "steps:\n  - {tell: logistics  on  duty, after: 4  working hours, text: a}\n"
        "  - {at: 09:00, tell: customer, text: t}\n  - {after: 4 working hours, tell: logistics on duty, text: b}\n"
    )
    assert [each.identity for each in rule.steps] == [
        "after 4 working hours · tell · logistics on duty",
        "at 09:00 · tell · customer",
        "after 4 working hours · tell · logistics on duty #2",
    ]


def test_modifiers_of_a_step_are_read():
    """Everything a step may say arrives in the model."""
    one = step(
        "{late: 2 working days, between: 20:30-09:00, expires: 2h, if: [not spoken to], tell: customer, "
        "by: [chat, sms else email], text: a/b, urgent: yes}"
    )
    assert (one.when, one.duration.unit, one.between.written, one.expires.amount) == (
        When.LATE,
        Unit.WORKING_DAYS,
        "20:30-09:00",
        7200,
    )
    assert [(each.fact, each.wanted) for each in one.if_] == [("spoken to", False)]
    assert (one.by, one.text, one.urgent) == ((("chat",), ("sms", "email")), "a/b", True)


@pytest.mark.parametrize(
    ("written", "kind", "role", "name"),
    [
        ("customer", AudienceKind.NAME, "", "customer"),
        ("logistics on duty", AudienceKind.ON_DUTY, "", "logistics"),
        ("next shift of care", AudienceKind.NEXT_SHIFT, "", "care"),
        ("supervisor of logistics", AudienceKind.ROLE, "supervisor", "logistics"),
        ("owner", AudienceKind.OWNER, "", ""),
        ("in charge", AudienceKind.IN_CHARGE, "", ""),
        ("told", AudienceKind.TOLD, "", ""),
    ],
)
def test_audiences(written, kind, role, name):
    """Each way to name who hears is told from the others."""
    audience = step(f"{{after: 1h, tell: {written}, text: t}}").audience
    assert (audience.written, audience.kind, audience.role, audience.name) == (written, kind, role, name)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("paid", FactIs("paid", wanted=True, mark=None)),
        ("not spoken to today", FactIs("spoken to today", wanted=False, mark=None)),
        ("nothing said", FactIs("nothing said", wanted=True, mark=None)),
        ("amount >= 500", Comparison("amount", ">=", ("500",), None)),
        ("amount<500", Comparison("amount", "<", ("500",), None)),
        ("origin is app or web", Comparison("origin", "is", ("app", "web"), None)),
        ("origin is not app", Comparison("origin", "is not", ("app",), None)),
        ("order stage = new order", Comparison("order stage", "=", ("new order",), None)),
        ("issue >= 5", Comparison("issue", ">=", ("5",), None)),
        ("unsolved contacts >= 3 in 7d", Comparison("unsolved contacts", ">=", ("3",), None, Duration.parse("7d"))),
        ("born in is 7 in 7d", Comparison("born in", "is", ("7 in 7d",), None)),
    ],
)
def test_conditions(written, expected):
    """Facts, denials and comparisons are told apart."""
    rule = sound(HEAD + f"where: [{written}]\nclock: c\ncheck: every 10m\n" + STEPS)
    assert rule.where == (expected,)


@pytest.mark.parametrize(
    ("written", "duration", "times", "name"),
    [
        ("72h", "72h", (), ""),
        ("2 working days", "2 working days", (), ""),
        ("17:30", None, (dt.time(17, 30),), ""),
        ("[16:30, 09:00]", None, (dt.time(9), dt.time(16, 30)), ""),
        ("promised_for", None, (), "promised_for"),
    ],
)
def test_due(written, duration, times, name):
    """Due is a duration, times of day in order, or a time of the noun."""
    due = sound(BASE + f"due: {written}\n" + STEPS).due
    assert (due.duration and due.duration.written, due.times, due.time_name) == (duration, times, name)


def test_limits():
    """Caps, pace and hold are read; without hold, a rule holds above 500 an hour."""
    limits = sound(
        BASE + STEPS + "limits: {each order: 3 messages, each customer: 1 a day, pace: 500 every 1m, hold: never}"
    ).limits
    assert limits.caps == (Cap("order", 3, per_day=False), Cap("customer", 1, per_day=True))
    assert (limits.pace, limits.hold) == (Rate(500, 60), None)
    assert sound(BASE + STEPS).limits.hold == Rate(500, 3600)


def test_examples():
    """Times of an example are weekdays, dates, or the second of a doubled hour."""
    example = sound(
        BASE + STEPS + "examples:\n  - name: n\n    order: {paid_at: 2025-10-26 02:30+01:00}\n"
        "    customer: {phone: none}\n    from: 2025-10-26\n    until: 2025-10-27 12:00\n"
        "    then: [2025-10-26 02:30+01:00 paid, Tue 09:00 stage accepted]\n    expect: []\n"
    ).examples[0]
    assert (example.from_.isoformat(), example.until.isoformat()) == ("2025-10-26T00:00:00", "2025-10-27T12:00:00")
    first, second = example.then
    assert (first.at.date, first.at.time, first.at.offset, first.what) == (
        dt.date(2025, 10, 26),
        dt.time(2, 30),
        dt.timedelta(hours=1),
        "paid",
    )
    assert (second.at.weekday, second.what) == (1, "stage accepted")
    assert example.people["customer"] == {"phone": "none"}


def test_a_plugin_brings_its_own_words_for_steps():
    """An action that a plugin registers may stand in a step; otherwise its word is unknown."""
    text = BASE + "steps:\n  - {after: 1h, fax: customer}\n"
    assert sound(text, doings={"escalate", "fax"}).steps[0].do == "fax"
    known = (
        "after, assign, at, attach, before, between, by, call, changed, closed, escalate, expires, group, if, late, "
        "repeat, skill, tell, text, unanswered, urgent, who, write"
    )
    assert ("8:17", "R001", f"unknown key “fax”; known: {known}") in found(text)


def test_every_problem_of_a_file_is_reported_at_once():
    """A desk lead mends a file in one go, not one problem a run."""
    text = (
        "rul: Paid orders\n"
        "owner:\n"
        "watch: orders\n"
        "where: [paid, not]\n"
        "due: 3 hours\n"
        "chek: every 10m\n"
        "steps:\n"
        "  - {before: 50%%, tell: customer}\n"
        "  - {late: at once, escalate: of x, text: t, colour: red}\n"
        "limits: {hold: 200}\n"
    )
    assert [(place, code) for place, code, _ in found(text)] == [
        ("1:1", "R001"),  # rul
        ("1:1", "R002"),  # check is missing
        ("1:1", "R002"),  # rule is missing
        ("2:1", "R003"),  # owner is empty
        ("4:15", "R004"),  # not what?
        ("5:6", "R004"),  # Duly says 3h
        ("6:1", "R001"),  # chek
        ("8:14", "R004"),  # 50%%
        ("8:20", "R017"),  # no words
        ("9:31", "R004"),  # of x
        ("9:46", "R001"),  # colour
        ("10:16", "R004"),  # 200 what?
    ]


@pytest.mark.parametrize(
    ("written", "kind", "name"),
    [
        ("paid_at", ClockKind.TIME, "paid_at"),
        ("next day of  shop-days", ClockKind.NEXT_DAY, "shop-days"),
        ("anniversary of born_on", ClockKind.ANNIVERSARY, "born_on"),
        ("first  seen", ClockKind.FIRST_SEEN, ""),
    ],
)
def test_what_a_clock_may_count_from(written, kind, name):
    """A time, the next day of a calendar, the anniversaries of a time, or when a record is first seen."""
    rule = sound(HEAD + f"where: [paid]\nclock: {written}\ncheck: every 10m\n" + STEPS)
    assert rule.clock == ClockRef(kind, name)
    assert str(rule.clock) == " ".join(written.split())


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("contacts >= 3 in ¦7 days", "“7 days”: Duly says “7d”"),
        (
            "contacts >= 3 in ¦2 working days",
            "a count cannot look back over “2 working days”; write a span such as “24h” or “7d”",
        ),
        ("contacts >= 3 in ¦50%", "a count cannot look back over “50%”; write a span such as “24h” or “7d”"),
        ("contacts >= 3 in ¦at once", "a count cannot look back over “at once”; write a span such as “24h” or “7d”"),
    ],
)
def test_how_far_a_count_looks_back_is_a_span_of_real_time(written, sentence):
    """A count looks back over hours or days: how long a team has worked, no source can tell."""
    text, place = marked(HEAD + f"where: [{written}]\nclock: c\ncheck: every 10m\n" + STEPS)
    assert found(text) == [(place, "R004", sentence)]


SLIPS = [
    (
        "steps:\n  - {after: ¦50%, tell: customer, text: t}",
        "R011",
        "“after: 50%” needs a due time to be a part of; add “due: …”, or write a duration such as “30m”",
    ),
    (
        "due: 3d\nsteps:\n  - {after: ¦101%, tell: customer, text: t}",
        "R004",
        "“101%” is more than the whole time until due; write “late: …” for what comes after the due time",
    ),
    (
        "due: 3d\nsteps:\n  - {late: ¦50%, tell: customer, text: t}",
        "R004",
        "“late” cannot be a percentage; write a duration such as “4 working hours”",
    ),
    (
        "due: ¦50%\nsteps:\n  - {after: 1h, tell: customer, text: t}\n",
        "R004",
        "“due” cannot be a percentage; write a duration such as “72h”",
    ),
    (
        "due: ¦[]\nsteps:\n  - {after: 1h, tell: customer, text: t}\n",
        "R003",
        "“due” is empty; write times such as “[09:00, 16:30]”",
    ),
    (
        "steps:\n  - {unanswered: ¦1h, tell: customer, text: t}",
        "R016",
        "“unanswered” has no step before it to be answered; begin with “after”, “before” or “late”",
    ),
    (
        "steps:\n  - {after: 1h, ¦tell: customer}",
        "R017",
        "“tell” needs words; add “text: …” with the name of a template",
    ),
    (
        "steps:\n  - ¦{after: 1h, text: t}",
        "R018",
        "the step does not say what it does; add “tell: …”, “assign: …”, “call: …”, “escalate: …” or “write: …”",
    ),
    (
        "steps:\n  - {after: 1h, tell: a, ¦escalate: b, text: t}",
        "R018",
        "a step does one thing, and this one has “tell” already; delete one, or write two steps",
    ),
    (
        "steps:\n  - ¦{tell: a, text: t}",
        "R019",
        "the step does not say when it comes; add “after”, “before”, “late”, “unanswered”, “changed”, “closed” or “at”",
    ),
    (
        "due: 3d\nsteps:\n  - {after: 1h, ¦late: 2h, tell: a, text: t}",
        "R019",
        "a step has one moment, and this one has “after” already; delete one, or write two steps",
    ),
    (
        "steps:\n  - {after: 1h, tell: a, text: t}\n  - {closed: ¦never, tell: a, text: t}",
        "R004",
        "“closed” cannot be “never”; write done or gone",
    ),
    (
        "steps:\n  - {changed: ¦[placed_at], tell: told, text: t}",
        "R016",
        (
            "“changed” tells only of what somebody has been told of, and no step tells anybody; "
            "add a step with “after”, “before”, “late” or “at”"
        ),
    ),
    (
        "steps:\n  - {after: 1h, tell: a, text: t}\n  - {closed: done, ¦repeat: daily, tell: a, text: t}",
        "R004",
        "a step with “closed” does not repeat: it comes each time that happens; leave “repeat” out",
    ),
    (
        (
            "steps:\n"
            "  - {after: 1h, tell: a, text: t}\n"
            "  - {closed: done, tell: a, text: t}\n"
            "  - {unanswered: ¦1h, tell: b, text: t}"
        ),
        "R016",
        "“unanswered” follows “closed”, and a closed case waits for no answer; move it up, before “closed”",
    ),
    (
        "steps:\n  - {after: 1h, repeat: ¦often, tell: a, text: t}",
        "R004",
        "“often” does not say how to repeat: write “daily”, “workdays” or “every 2h”",
    ),
    (
        "steps:\n  - {after: ¦[1h, 2h], tell: a, text: t}",
        "R003",
        "“after” takes one duration; only “before” takes a list; write one step each",
    ),
    (
        "steps:\n  - ¦tell customer",
        "R003",
        (
            "a step must be a mapping, not “tell customer”; "
            "write it like “{after: 1h, tell: customer, text: orders/unpaid}”"
        ),
    ),
    ("steps: ¦[]", "R003", "“steps” is empty; add a step"),
    ("steps:\n  - {after: 1h, tell: ¦on duty, text: t}", "R004", "“on duty” needs a team; write “TEAM on duty”"),
    (
        "steps:\n  - {after: 1h, tell: ¦next shift, text: t}",
        "R004",
        "“next shift” needs a team; write “next shift of TEAM”",
    ),
    (
        "steps:\n  - {after: 1h, tell: ¦lin and mei, text: t}",
        "R004",
        "“lin and mei” names two audiences; write a second step",
    ),
    (
        "steps:\n  - {after: 1h, tell: a, by: ¦sms else, text: t}",
        "R004",
        "“sms else” lacks a channel beside “else”; write “sms else email”",
    ),
    (
        "steps:\n  - {after: 1h, tell: a, by: ¦sms or email, text: t}",
        "R004",
        "“sms or email” cannot be a channel; write “sms else email”, or a list such as “[chat, sms]”",
    ),
    ("steps:\n  - {after: 1h, tell: a, urgent: ¦true, text: t}", "R004", "“urgent” cannot be “true”; write yes or no"),
    (
        "steps:\n  - {after: 1h, tell: a, expires: ¦50%, text: t}",
        "R004",
        "a step cannot expire after “50%”; write a duration such as “2h”",
    ),
    (
        "except: [amount ¦=> 5]\nsteps:\n  - {after: 1h, tell: customer, text: t}\n",
        "R004",
        "“=>” is not a comparison; write “>=”",
    ),
    (
        "except: [¦a and b]\nsteps:\n  - {after: 1h, tell: customer, text: t}\n",
        "R004",
        "“a and b” joins two conditions; write them as two entries",
    ),
    (
        "except: [¦a or b]\nsteps:\n  - {after: 1h, tell: customer, text: t}\n",
        "R004",
        "“a or b” joins two conditions; let the vocabulary define a fact for it",
    ),
    (
        "except: [¦origin is]\nsteps:\n  - {after: 1h, tell: customer, text: t}\n",
        "R004",
        "“origin is” needs a value; write “amount >= 500”",
    ),
    (
        "except: 取消¦，预售\nsteps:\n  - {after: 1h, tell: customer, text: t}\n",
        "Y015",
        "the full-width comma “，” does not separate; write a list such as “[paid, shipped]”",
    ),
    (
        "except: ¦{a: b}\nsteps:\n  - {after: 1h, tell: customer, text: t}\n",
        "R003",
        "“except” must be a text or a list, not a mapping",
    ),
    (
        "steps:\n  - {after: 1h, tell: customer, text: t}\ncover: ¦most",
        "R004",
        "“most” is not a share; write it like “95%” or “95% of FACT”",
    ),
    (
        "steps:\n  - {after: 1h, tell: customer, text: t}\nwas: ¦rules/orders/r.yaml",
        "R006",
        "“was” names this very file; delete it, or write the path it had before",
    ),
    (
        "steps:\n  - {after: 1h, tell: customer, text: t}\nlimits: {each order: ¦lots}",
        "R004",
        "“lots” is not a limit for “each order”; write it like “3 messages” or “1 a day”",
    ),
    (
        "steps:\n  - {after: 1h, tell: customer, text: t}\nlimits: {pace: ¦5 every 2 working days}",
        "R004",
        "“2 working days” is not a span for a pace; write it like “500 every 1m”",
    ),
    (
        "steps:\n  - {after: 1h, tell: customer, text: t}\nexamples:\n  - ¦{name: n, order: {paid_at: Mon 09:00}}",
        "X002",
        "“expect” is missing; list who hears and when, or write “expect: []”",
    ),
    (
        "steps:\n  - {after: 1h, tell: customer, text: t}\nexamples:\n  - {name: n, expect: [¦Monday 09:00 customer]}",
        "X004",
        "“Monday 09:00 customer” does not begin with a time; write it like “Mon 09:00” or “2025-02-28 09:00”",
    ),
    (
        "steps:\n  - {after: 1h, tell: customer, text: t}\nexamples:\n  - {name: n, expect: [¦Mon 09:00]}",
        "X004",
        "“Mon 09:00” does not say what; write it like “Fri 14:00 customer”",
    ),
    (
        STEPS + "examples:\n  - {name: n, expect: [], from: ¦2025-02-30}",
        "X004",
        "“2025-02-30” is not a day of the calendar; write it like “2025-02-28”",
    ),
    (
        STEPS + "examples:\n  - {name: n, expect: [], from: 2025-02-02, until: ¦2025-02-01}",
        "X006",
        "“until” is not after “from”; swap them",
    ),
]


@pytest.mark.parametrize(("written", "code", "sentence"), SLIPS, ids=[slip[0] for slip in SLIPS])
def test_each_slip_is_told_in_one_sentence_at_its_word(written, code, sentence):
    """One slip gives one problem, at the offending word, with its cure."""
    text, place = marked(BASE + written)
    assert found(text) == [(place, code, sentence)]


def test_before_without_anything_to_come_before():
    """A countdown needs something to count down to."""
    assert found(HEAD + "where: [paid]\ncheck: every 10m\nsteps:\n  - {before: 1d, tell: a, text: t}") == [
        ("7:14", "R012", "“before: 1d” has nothing to come before; add “due: …” or “clock: …”")
    ]


def test_a_rule_without_conditions_is_a_warning():
    """It may be meant, so the rule runs, but nobody does it unawares."""
    rule, problems = read(HEAD + "clock: c\ncheck: every 10m\n" + STEPS)
    assert rule is not None
    assert [(str(p.mark), p.severity, p.sentence) for p in problems.all] == [
        (
            "rules/orders/r.yaml:3:8",
            "warning",
            "a rule without conditions concerns every record there is; add “where”, “except” or “done”",
        )
    ]


def test_a_first_step_sooner_than_the_check_is_a_warning():
    """Thirty minutes cannot be kept by looking once a day."""
    rule, problems = read(BASE.replace("every 10m", "daily 08:00") + "steps:\n  - {after: 30m, tell: a, text: t}")
    assert rule is not None
    assert [(p.mark.line, p.mark.column, p.code, p.severity) for p in problems.all] == [(8, 13, "R014", "warning")]


@pytest.mark.parametrize("text", ["[]", "rule", "- rule: x", "'x'"])
def test_a_file_that_is_no_rule_says_so(text):
    """Whatever a file holds instead of keys and values, it is named."""
    ((_, code, sentence),) = found(text)
    assert (code, sentence.startswith("the file must hold keys and values, not ")) == ("R003", True)


KEYS = [*_KEYS, "pause", "roundup"]
VALUE = st.recursive(
    st.sampled_from(
        [
            "72h",
            "17:30",
            "every 10m",
            "paid",
            "not",
            "50%",
            "",
            "a，b",
            "x: y",
            "amount >= 5 in 7d",
            "next day of",
            "each order",
            "3 messages",
            "Mon 09:00 x",
            "2025-01-01",
            "，",
            "is",
            "a is or",
            "by else",
            "of",
        ]
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                [
                    "after",
                    "before",
                    "late",
                    "at",
                    "tell",
                    "escalate",
                    "text",
                    "by",
                    "if",
                    "between",
                    "each order",
                    "hold",
                    "pace",
                    "per",
                    "name",
                    "expect",
                    "then",
                    "from",
                    "order",
                    "expires",
                    "urgent",
                    "call",
                ]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=8,
)


def written(value):
    """Write a value as YAML."""
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {written(inner)}" for key, inner in value.items()) + "}"
    return value


@given(st.dictionaries(st.sampled_from(KEYS), VALUE, max_size=8))
def test_any_file_gives_a_rule_or_a_problem(content):
    """Whatever stands under whichever key, nothing is raised, and without an error there is a rule."""
    text = "\n".join(f"{key}: {written(value)}" for key, value in content.items())
    problems = Problems()
    rule = read_rule(text, "x", "x.yaml", problems)
    assert (rule is None) == bool(problems.errors)
    lines = text.split("\n")
    assert all(p.mark.column <= len(lines[p.mark.line - 1]) + 1 for p in problems.all)


def test_a_draft_keeps_what_could_be_read():
    """A rule with an error can still be held against the vocabulary, so all problems show at once."""
    problems = Problems()
    rule = draft_rule(BASE + "steps:\n  - {after: 1h, tell: customer, text: t, colour: red}\n", "x", "x.yaml", problems)
    assert (rule.watch, len(rule.steps), len(problems.errors)) == ("orders", 1, 1)


@pytest.mark.parametrize(("written", "group"), [("yes", "yes"), ("no", ""), ("made  to order", "made to order")])
def test_a_step_may_be_grouped(written, group):
    """Messages are grouped as a whole, or by a field; what is not grouped says nothing, or no."""
    step = sound(BASE + f"steps:\n  - {{after: 1h, tell: care, group: {written}, text: t}}\n").steps[0]
    assert step.group == group
    assert step.identity == "after 1h · tell · care"


def test_a_grouped_step_may_attach_its_lines():
    """A spreadsheet is attached to a grouped step, and to an escalation; the step is known by the same words."""
    for doing in ("tell", "escalate"):
        step = sound(BASE + f"steps:\n  - {{after: 1h, {doing}: care, group: yes, text: t, attach: xlsx}}\n").steps[0]
        assert (step.attach, step.identity) == ("xlsx", f"after 1h · {doing} · care")


@pytest.mark.parametrize("more", ["", ", group: no"])
def test_what_is_not_grouped_attaches_nothing(more):
    """A message of its own has no lines to list, and its author is told how to have some."""
    text, place = marked(f"{BASE}steps:\n  - {{after: 1d, tell: care, text: t, ¦attach: xlsx{more}}}\n")
    said = "“attach” lists the lines of a grouped message, and this step has no “group”; add “group: yes”, or delete it"
    assert found(text) == [(place, "R040", said)]


def test_nothing_but_a_spreadsheet_is_attached():
    """Another kind of file is refused at its word."""
    text, place = marked(f"{BASE}steps:\n  - {{after: 1d, tell: care, text: t, group: yes, attach: ¦csv}}\n")
    assert found(text) == [(place, "R004", "“attach” cannot be “csv”; write xlsx")]


def test_a_call_names_whom_and_who():
    """A call goes to somebody of the record, and may say who of the staff makes it."""
    step = sound(BASE + "steps:\n  - {after: 1d, call: customer, who: care on duty, text: t}\n").steps[0]
    assert (step.do, step.audience.written, step.who.written) == ("call", "customer", "care on duty")
    assert step.identity == "after 1d · call · customer"


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("tell: customer, ¦who: care", "“who” does not belong to “tell”; delete it, or write “call: …”"),
        (
            "call: customer, ¦group: yes",
            "“group” does not belong to “call”; delete it, or write “escalate: …” or “tell: …”",
        ),
        (
            "call: customer, ¦attach: xlsx",
            "“attach” does not belong to “call”; delete it, or write “escalate: …” or “tell: …”",
        ),
    ],
)
def test_a_word_of_another_doing(step, said):
    """A word that does nothing beside what its step does is refused at its place."""
    text, place = marked(f"{BASE}steps:\n  - {{after: 1d, text: t, {step}}}\n")
    assert found(text) == [(place, "R040", said)]


def test_a_call_needs_words():
    """Whoever calls has to know what to say."""
    text, place = marked(BASE + "steps:\n  - {after: 1d, ¦call: customer}\n")
    assert found(text) == [(place, "R017", "“call” needs words; add “text: …” with the name of a template")]


def test_an_anniversary_is_that_of_a_time():
    """“anniversary of” alone says too little."""
    text, place = marked(HEAD + "where: [paid]\nclock: ¦anniversary of\ncheck: every 10m\n" + STEPS)
    assert found(text) == [(place, "R004", "“anniversary of” needs a time; write “anniversary of TIME”")]


def test_an_assignment_names_a_team_and_a_skill():
    """A record is assigned to one of a team, who has to be able to do what a field says."""
    step = sound(BASE + "steps:\n  - {after: 7d, assign: care on duty, skill: needs, text: t}\n").steps[0]
    assert (step.do, step.audience.written, step.skill) == ("assign", "care on duty", "needs")
