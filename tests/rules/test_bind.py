import dataclasses
import datetime as dt

import pytest

from duly.rules.snapshot import load_workspace
from duly.time.zone import UTC, instant, zone

SHANGHAI = zone("Asia/Shanghai")

FILES = {
    "config/duly.yaml": """\
sources: {shop: {url: "sqlite:///shop.db", zone: Asia/Shanghai}}
channels: {sms: {kind: file}, email: {kind: file}, chat: {kind: file}}
operator: wang
rest: 20:30-09:00
by: sms else email
lang: zh
limits: {hold: above 70 an hour}
""",
    "config/directory.yaml": """\
zone: Asia/Shanghai
calendar: CN
levels: [supervisor, manager]
shifts: {day: 08:30-17:30}
people:
  lin: {name: Lin, lang: zh}
  wang: {name: Wang, lang: en}
teams:
  logistics: {members: [lin], supervisor: wang, shifts: {day: daily}, hours: daily 09:00-18:00}
""",
    "config/calendars/shop-days.yaml": "calendar: shop-days\nlike: CN\noff: [2026-11-11]\n",
    "config/vocabulary/orders.yaml": """\
noun: orders
one: order
source: shop
from: orders o
key: o.id
times: {placed_at: o.placed_at, paid_at: o.paid_at}
facts: {paid: o.paid = 1, shipped: o.shipped = 1, out of stock: o.out = 1}
fields:
  order: o.id
  origin: {sql: o.origin, one of: [app, web]}
  note: o.note
  amount: {sql: o.amount, kind: number}
people:
  customer: {name: o.name, phone: o.phone}
  assignee: {staff: o.agent}
teams: {department: o.department}
""",
    "config/vocabulary/visits.yaml": """\
noun: visits
one: visit
source: shop
from: visits v
key: v.id
times: {started_at: v.started_at}
facts: {done: v.done = 1}
people: {visitor: {name: v.name, phone: v.phone}}
""",
    "notifications/orders/late.j2": "Order {{ order }} is late since {{ due }}.",
}

RULE = """\
rule: R
owner: logistics
watch: orders
where: [paid]
clock: paid_at
due: 72h
check: every 10m
steps:
  - {after: 1h, tell: logistics on duty, text: orders/late}
"""


@pytest.fixture
def house(tmp_path):
    """Give a function that binds a rule in a small workspace, whose files it may replace."""

    def load(rule=RULE, **files):
        named = {name.replace("__", "/"): text for name, text in files.items()}
        texts = {**FILES, "rules/r.yaml": rule, **named}
        for path, text in texts.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text, encoding="utf-8")
        return load_workspace(tmp_path, channel_kinds={"file"}, environ={})

    return load


def marked(text):
    """Give the text without its mark, and the place of the mark."""
    before, _, after = text.partition("¦")
    return before + after, f"{before.count(chr(10)) + 1}:{len(before.rpartition(chr(10))[2]) + 1}"


def bound(loaded):
    """Give the one rule of a workspace that must have no problem."""
    snapshot, problems = loaded
    assert [problem.render() for problem in problems.all] == []
    return snapshot.rules["r"]


def test_a_sound_rule_is_bound(house):
    """A rule without problems comes with its noun, its owner's working time and its plan."""
    rule = bound(house())
    assert (rule.noun.name, rule.zone.key, rule.day_clock) == ("orders", "Asia/Shanghai", False)
    saturday = dt.date(2026, 6, 6)
    assert rule.working.is_open(instant(saturday, dt.time(10), SHANGHAI))
    assert [str(condition) for condition in rule.plan.conditions] == ["paid"]


def test_without_a_clock_the_only_time_of_the_noun_counts(house):
    """A noun with one time needs no clock in its rules."""
    rule = bound(
        house(
            RULE.replace("orders\nwhere: [paid]\nclock: paid_at", "visits\nwhere: [done]").replace(
                "text: orders/late", "text: visits/late"
            ),
            **{"notifications__visits__late.j2": "{{ clock }} {{ due }} {{ key }} {{ name }} {{ rule }}"},
        )
    )
    assert (rule.rule.clock.name, rule.plan.clock.name) == ("started_at", "started_at")


def test_without_a_clock_several_times_are_an_error(house):
    """Nobody guesses from which of two times a rule counts."""
    _, problems = house(RULE.replace("clock: paid_at\n", "").replace("due: 72h\n", ""))
    assert [(str(p.mark), p.code, p.sentence) for p in problems.all] == [
        (
            "rules/r.yaml:7:13",
            "R012",
            "the rule has no clock to count from; add “clock: …” with one of the times of “orders”: placed_at, paid_at",
        )
    ]


def test_a_rule_that_says_nothing_of_holding_takes_the_workspace_limit(house):
    """`limits: {hold: …}` of duly.yaml holds where the rule has none of its own."""
    assert bound(house()).rule.limits.hold.amount == 70
    assert bound(house(RULE + "limits: {hold: never}\n")).rule.limits.hold is None
    assert bound(house(RULE + "limits: {pace: 5 every 1m}\n")).rule.limits.hold.amount == 70


def test_the_next_day_of_a_calendar_is_the_same_for_every_record(house):
    """A rule that counts from a calendar knows its next holidays, those that begin today included."""
    rule = bound(house(RULE.replace("clock: paid_at", "clock: next day of shop-days")))
    assert rule.day_clock
    assert rule.next_day(dt.datetime(2026, 11, 1, tzinfo=UTC)) == dt.date(2026, 11, 11)
    assert rule.next_run(dt.datetime(2026, 11, 11, 3, tzinfo=UTC))[0] == dt.date(2026, 11, 11)
    assert rule.next_day(dt.datetime(2026, 11, 11, 16, 1, tzinfo=UTC)) != dt.date(2026, 11, 11)


def test_slots_of_several_schedules_are_taken_together(house):
    """A rule checked every two hours and at half past five comes up at whichever is nearest."""
    rule = bound(house(RULE.replace("check: every 10m", "check: [every 2h, daily 17:30]").replace("1h", "3h")))
    at = instant(dt.date(2026, 6, 6), dt.time(17), SHANGHAI)
    assert rule.next_slot(at) == instant(dt.date(2026, 6, 6), dt.time(17, 30), SHANGHAI)
    assert rule.latest_slot(at) == instant(dt.date(2026, 6, 6), dt.time(16), SHANGHAI)


STEP = "  - {after: 1h, tell: logistics on duty, text: orders/late}\n"


def changed(old, new):
    """Give the rule with one part replaced."""
    assert old in RULE
    return RULE.replace(old, new)


SLIPS = {
    "owner": (changed("owner: logistics", "owner: ¦logitics"), "unknown owner “logitics”; did you mean “logistics”?"),
    "noun": (changed("watch: orders", "watch: ¦order"), "unknown noun “order”; did you mean “orders”?"),
    "fact": (changed("[paid]", "[paid, not ¦shiped]"), "unknown fact “shiped”; did you mean “shipped”?"),
    "fact far": (
        changed("[paid]", "[¦zebra]"),
        "unknown fact “zebra”; add it to config/vocabulary/orders.yaml",
    ),
    "fact of a step": (
        changed("{after: 1h,", "{after: 1h, if: [¦shiped],"),
        "unknown fact “shiped”; did you mean “shipped”?",
    ),
    "field for a fact": (
        changed("[paid]", "[¦note]"),
        "“note” is a field, not a fact; compare it, such as “note is …”",
    ),
    "time for a fact": (
        changed("[paid]", "[¦paid_at]"),
        "“paid_at” is a time, not a fact; let the vocabulary define a fact for it",
    ),
    "fact for a field": (
        changed("[paid]", "[¦paid is yes]"),
        "“paid” is a fact, not a field; write “paid” or “not paid”",
    ),
    "field": (changed("[paid]", "[¦amont >= 5]"), "unknown field “amont”; did you mean “amount”?"),
    "no number": (
        changed("[paid]", "[amount >= ¦lots]"),
        "“amount” is a number, and “lots” is none; write digits, such as “500”",
    ),
    "order of texts": (
        changed("[paid]", "[note ¦>= 5]"),
        (
            "“note” is not a number, so “>=” cannot compare it; "
            "write “is”, or give the field “kind: number” in the vocabulary"
        ),
    ),
    "value": (changed("[paid]", "[origin is app or ¦wap]"), "“origin” is never “wap”; did you mean “app”?"),
    "clock": (
        changed("clock: paid_at", "clock: ¦payd_at"),
        "“orders” has no time “payd_at”; did you mean “paid_at”?",
    ),
    "calendar": (
        changed("clock: paid_at", "clock: next day of ¦shop-day"),
        "unknown calendar “shop-day”; did you mean “shop-days”?",
    ),
    "due": (
        changed("due: 72h", "due: ¦promised_for"),
        "“orders” has no time “promised_for”; write a duration, a time of day or a time of the noun",
    ),
    "changed": (
        RULE + "  - {changed: [placed_at, ¦shiped_at], tell: told, text: orders/late}\n",
        "“orders” has no time “shiped_at”; did you mean “placed_at”?",
    ),
    "changed clock": (
        RULE + "  - {changed: [placed_at, ¦paid_at], tell: told, text: orders/late}\n",
        (
            "“paid_at” is the clock: when it changes, a new case begins, and nobody is told of the change; "
            "give “paid_at” a “matter” in config/vocabulary/orders.yaml"
        ),
    ),
    "cover": (RULE + "cover: 95% of ¦shiped\n", "unknown fact “shiped”; did you mean “shipped”?"),
    "cap": (RULE + "limits: {each  ¦orders: 3 messages}\n", "unknown “orders” to limit; did you mean “order”?"),
    "team": (changed("logistics on duty", "¦logistic on duty"), "unknown team “logistic”; did you mean “logistics”?"),
    "team of a role": (
        changed("logistics on duty", "manager of ¦logistic"),
        "unknown team “logistic”; did you mean “logistics”?",
    ),
    "role": (changed("logistics on duty", "¦manger of logistics"), "unknown role “manger”; did you mean “manager”?"),
    "nobody above": (
        changed("logistics on duty", "manager of ¦customer"),
        "“customer” is not on the staff, so nobody is above them; write “ROLE of TEAM”",
    ),
    "person": (changed("logistics on duty", "¦custmer"), "unknown audience “custmer”; did you mean “customer”?"),
    "person far": (
        changed("logistics on duty", "¦zebra"),
        "unknown audience “zebra”; write a person of “orders” (customer, assignee) or a team",
    ),
    "channel": (
        changed("text: orders", "by: [sms, chat else ¦emial], text: orders"),
        "unknown channel “emial”; did you mean “email”?",
    ),
    "template": (
        changed("text: orders/late", "text: ¦orders/lat"),
        "unknown template “orders/lat”; did you mean “orders/late”?",
    ),
    "template far": (changed("text: orders/late", "text: ¦x"), "unknown template “x”; add notifications/x.j2"),
    "window in rest": (
        changed("tell: logistics on duty", "between: ¦21:00-08:00, tell: customer"),
        (
            "the window 21:00-08:00 lies wholly inside the rest 20:30-09:00; "
            "choose another window, or give the rule its own “rest”"
        ),
    ),
    "example word": (
        RULE + "examples:\n  - {name: n, ¦oder: {paid_at: Mon 09:00}, expect: []}\n",
        "unknown “oder” in an example; did you mean “order”?",
    ),
    "example key": (
        RULE + "examples:\n  - {name: n, order: {¦payd_at: Mon 09:00}, expect: []}\n",
        "unknown “payd_at” of order in an example; did you mean “paid_at”?",
    ),
    "example time": (
        RULE + "examples:\n  - {name: n, order: {paid_at: ¦noon}, expect: []}\n",
        "“noon” does not begin with a time; write it like “Mon 09:00” or “2025-02-28 09:00”",
    ),
    "example fact": (
        RULE + "examples:\n  - {name: n, order: {paid: ¦true}, expect: []}\n",
        "the fact “paid” cannot be “true”; write yes or no",
    ),
    "example event": (
        RULE + "examples:\n  - {name: n, then: [Mon 09:00 ¦shiped], expect: []}\n",
        "“shiped” is nothing that happens; did you mean “shipped”?",
    ),
    "example value": (
        RULE + "examples:\n  - {name: n, then: [Mon 09:00 origin ¦wap], expect: []}\n",
        "“origin” is never “wap”; did you mean “app”?",
    ),
    "example audience": (
        RULE + "examples:\n  - {name: n, expect: [Mon 09:00 ¦logistics]}\n",
        "no step of this rule tells “logistics”; did you mean “logistics on duty”?",
    ),
    "example channel": (
        RULE + "examples:\n  - {name: n, expect: [Mon 09:00 logistics on duty by ¦fax]}\n",
        "unknown channel “fax”; known: chat, email, sms",
    ),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_name_that_nothing_bears_is_found_at_its_word(house, slip):
    """A misspelt word is found before anything is sent, where it stands, with the nearest known one."""
    written, sentence = SLIPS[slip]
    text, place = marked(written)
    snapshot, problems = house(text)
    assert [(str(p.mark), p.sentence) for p in problems.all] == [(f"rules/r.yaml:{place}", sentence)]
    assert list(snapshot.broken) == ["r"]


SOUND = {
    "comparisons": changed(
        "[paid]", "[amount >= 500, amount is 1.5 or -2, origin is app or web, note is not x, not paid]"
    ),
    "a person of the record": changed("logistics on duty", "customer"),
    "a member of staff": changed("logistics on duty", "lin"),
    "a team": changed("logistics on duty", "logistics"),
    "a team of the record": changed("logistics on duty", "department on duty"),
    "up the line": changed("logistics on duty", "manager of assignee"),
    "words": changed("logistics on duty", "in charge"),
    "staff rests not": changed("tell: logistics", "between: 21:00-08:00, tell: logistics"),
    "urgent passes rest": changed("tell: logistics on duty", "between: 21:00-08:00, urgent: yes, tell: customer"),
    "own rest": changed("tell: logistics on duty", "between: 21:00-22:00, tell: customer") + "rest: 23:00-06:00\n",
    "overlapping rest": changed("tell: logistics on duty", "between: 20:00-22:00, tell: customer"),
    "a country's calendar": changed("clock: paid_at", "clock: next day of KR"),
    "limits": RULE + "limits: {each  order: 3 messages, each customer: 1 a day}\ncover: 95% of out of stock\n",
    "owner by name": changed("owner: logistics", "owner: lin"),
}


@pytest.mark.parametrize("written", SOUND.values(), ids=SOUND)
def test_what_is_known_is_not_reported(house, written):
    """Every way to name what is there is accepted."""
    bound(house(written))


def test_a_template_that_names_what_the_noun_lacks(house):
    """A template's unknown name is found at the name, before the first message is written."""
    _, problems = house(**{"notifications__orders__late.j2": "Order {{ ordr }}\nby {{ amount }}, {{ name }}"})
    assert [(str(p.mark), p.code, p.sentence) for p in problems.all] == [
        (
            "notifications/orders/late.j2:1:10",
            "T002",
            "the template names “ordr”, which “orders” does not have; did you mean “order”?",
        )
    ]


def test_only_a_rule_on_a_calendar_knows_the_holiday(house):
    """What a template may name depends on the rule's clock."""
    words = {"notifications__orders__late.j2": "{{ holiday }}, {{ first }} to {{ last }}"}
    bound(house(RULE.replace("clock: paid_at", "clock: next day of CN"), **words))
    _, problems = house(**words)
    assert [problem.code for problem in problems.errors] == ["T002", "T002", "T002"]


def test_a_broken_template_breaks_the_rules_that_need_it(house):
    """A template that cannot be read is told as that, not as missing."""
    snapshot, problems = house(**{"notifications__orders__late.j2": "{{ order "})
    assert [(p.mark.path, p.code) for p in problems.all] == [
        ("notifications/orders/late.j2", "T001"),
        ("rules/r.yaml", "R021"),
    ]
    assert snapshot.broken["r"][0].sentence == (
        "the template “orders/late” has errors; mend notifications/orders/late.j2"
    )


def test_a_language_of_the_staff_without_words_is_a_warning(house):
    """Wang reads English: words in Chinese alone reach her, but nobody has thought of it."""
    snapshot, problems = house(
        RULE.replace("orders/late", "orders/new"), **{"notifications__orders__new.zh.j2": "订单 {{ order }}"}
    )
    assert "r" in snapshot.rules
    assert [(str(p.mark), p.code, p.severity, p.sentence) for p in problems.all] == [
        (
            "rules/r.yaml:9:48",
            "T003",
            "warning",
            (
                "“orders/new” has no words in “en”, which some of those who hear may read; "
                "add notifications/orders/new.en.j2"
            ),
        )
    ]


def test_a_rule_of_a_broken_noun_says_whose_fault_it_is(house):
    """Where the vocabulary is broken, the rule is not blamed for the words it uses."""
    snapshot, problems = house(
        **{"config__vocabulary__orders.yaml": FILES["config/vocabulary/orders.yaml"] + "colour: red\n"}
    )
    assert [p.code for p in problems.all] == ["V001", "R021"]
    assert [p.sentence for p in snapshot.broken["r"]] == ["the vocabulary of “orders” has errors; mend its file"]


def test_a_channel_whose_plugin_is_not_there_breaks_only_the_rules_that_name_it(house):
    """A plugin that is gone stops the rules that need it and no other."""
    settings = FILES["config/duly.yaml"].replace("chat: {kind: file}", "chat: {kind: carrier-pigeon}")
    snapshot, problems = house(
        RULE.replace("text: orders", "by: chat, text: orders"), **{"config__duly.yaml": settings, "rules__s.yaml": RULE}
    )
    assert [(str(p.mark), p.code) for p in problems.all] == [
        ("rules/r.yaml:9:46", "R021"),
    ]
    assert (list(snapshot.rules), list(snapshot.broken)) == (["s"], ["r"])


def test_examples_are_sorted_into_the_record_and_its_people(house):
    """What an example says of the record is told from what it says of its people."""
    rule = bound(
        house(
            RULE + "examples:\n  - name: n\n    order: {paid_at: Mon 09:00, shipped: yes}\n"
            "    customer: {phone: none, zone: Asia/Seoul}\n"
            "    then: [Mon 10:00 not paid, Mon 11:00 note a b, Tue 09:00 down]\n"
            "    expect: [Mon 10:00 logistics on duty by sms]\n"
        )
    )
    (example,) = rule.rule.examples
    assert (example.given, example.people) == (
        {"paid_at": "Mon 09:00", "shipped": "yes"},
        {"customer": {"phone": "none", "zone": "Asia/Seoul"}},
    )


def test_where_the_record_is_itself_a_person_its_addresses_are_the_persons(house):
    """`visitor` may be both the record and the one who hears."""
    noun = FILES["config/vocabulary/visits.yaml"].replace("one: visit", "one: visitor")
    rule = bound(
        house(
            RULE.replace("orders\nwhere: [paid]\nclock: paid_at", "visits\nwhere: [done]").replace(
                "text: orders/late", "text: v"
            )
            + "examples:\n  - {name: n, visitor: {done: no, phone: none}, expect: []}\n",
            **{"notifications__v.j2": "v", "config__vocabulary__visits.yaml": noun},
        )
    )
    (example,) = rule.rule.examples
    assert (example.given, example.people) == ({"done": "no"}, {"visitor": {"phone": "none"}})


def test_the_same_files_bind_to_the_same_rule(house):
    """Binding has no memory: loading twice gives equal rules."""
    first, second = bound(house()), bound(house())
    assert dataclasses.replace(first.rule) == second.rule
    assert first.noun == second.noun


NOT_OF_THE_LIST = "the template names “order”, which each line of a grouped message has of its own"
GROUPED = RULE.replace("text: orders/late", "group: origin, text: orders/late")


def test_the_words_of_a_grouped_step_name_lines_and_their_field(house):
    """A list knows its lines, their number, and the field that they have in common."""
    words = (
        "{{ name }}, {{ count }} of {{ origin }}: {% for line in lines %}{{ line.order }} {{ line.due }}{% endfor %}"
    )
    assert bound(house(GROUPED, **{"notifications__orders__late.j2": words}))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "{% for line in lines %}{{ line.¦ordr }}{% endfor %}",
            "the template names “line.ordr”, which “orders” does not have; did you mean “order”?",
        ),
        (
            "{{ ¦order }}",
            f"{NOT_OF_THE_LIST}; write “{{% for line in lines %}}{{{{ line.order }}}}{{% endfor %}}”",
        ),
        (
            "{{ ¦contents }}",
            "the template names “contents”, which “orders” does not have; did you mean “count”?",
        ),
    ],
)
def test_a_list_that_names_what_its_lines_lack(house, words, said):
    """What a list asks of a line is looked up in the vocabulary; what belongs to a line is not asked of the list."""
    text, place = marked(words)
    _, problems = house(GROUPED, **{"notifications__orders__late.j2": text})
    found = [(str(p.mark), p.code, p.sentence) for p in problems.all]
    assert found == [(f"notifications/orders/late.j2:{place}", "T002", said)]


def test_a_field_to_group_by_must_be_there(house):
    """Grouping by what the noun does not have is an error at the word."""
    _, problems = house(GROUPED.replace("origin", "orign"), **{"notifications__orders__late.j2": "{{ count }}"})
    assert [(p.code, p.sentence) for p in problems.all] == [("R005", "unknown field “orign”; did you mean “origin”?")]


@pytest.mark.parametrize("whom", ["logistics on duty", "assignee", "wang"])
def test_only_somebody_of_a_record_can_be_called(house, whom):
    """A call to the staff is an error that names who can be called."""
    _, problems = house(RULE.replace("tell: logistics on duty", f"call: {whom}"))
    said = f"“{whom}” is not somebody of a record, so nobody can be given a call to them"
    assert [(p.code, p.sentence) for p in problems.all] == [("R041", f"{said}; write a person of “orders”: customer")]


def test_who_makes_a_call_must_be_there(house):
    """The staff that a call names are looked up like any audience, and its words may name whom and number."""
    call = RULE.replace("tell: logistics on duty", "call: customer, who: logistics on duty")
    words = {"notifications__orders__late.j2": "{{ name }}: {{ whom }}, {{ number }}, {{ order }}"}
    assert bound(house(call, **words))
    _, problems = house(call.replace("logistics on duty", "logistic on duty"), **words)
    assert [(p.code, p.sentence) for p in problems.all] == [
        ("R005", "unknown team “logistic”; did you mean “logistics”?")
    ]


NO_TEAM = "“customer” is no team, so nobody of it can be chosen; write “TEAM” or “TEAM on duty”"


@pytest.mark.parametrize(
    ("step", "code", "said"),
    [
        ("assign: customer", "R043", NO_TEAM),
        ("assign: logistics, skill: orign", "R005", "unknown field “orign”; did you mean “origin”?"),
        ("assign: logistik", "R005", "unknown audience “logistik”; did you mean “logistics”?"),
    ],
)
def test_an_assignment_needs_a_team(house, step, code, said):
    """Only a team has somebody to choose, and only a field says what they must be able to do."""
    _, problems = house(RULE.replace("tell: logistics on duty", step))
    assert (code, said) in [(p.code, p.sentence) for p in problems.all]


def test_the_directory_knows_who_is_gone(house):
    """Where a noun has an assignee, conditions may ask whether they have left or are on leave."""
    assert bound(house(RULE.replace("tell:", "if: [assignee gone, not assignee on leave], tell:")))
