"""The roundup of a rule file: read, and held against the vocabulary, the people and the words."""

import pytest

from duly.rules.problem import Problems
from duly.rules.rule_file import read_rule
from duly.rules.snapshot import load_workspace
from engine.desk import DIRECTORY, ORDERS, SETTINGS

HEAD = "rule: The day\nowner: sales\nwatch: orders\nclock: placed_at\ncheck: daily 18:00\n"
MEASURES = """\
measures:
  placed: {count: yes, on: placed_at}
  sent: {count: shipped, on: placed_at}
  done: {share: sent / placed}
"""
WHOLE = "  {tell: [manager of sales, wang], by: email, period: since last, list: [order, customer], empty: skip}\n"


def found(text):
    """Give the problems of one rule file: place, code, sentence."""
    problems = Problems()
    rule = read_rule(text, "r", "rules/r.yaml", problems)
    return rule, [f"{p.mark.line}:{p.mark.column} {p.code} {p.sentence}" for p in problems.all]


def test_a_roundup_of_one_section():
    """What stands in the roundup itself makes one section of what the rule watches."""
    rule, problems = found(f"{HEAD}roundup:\n{WHOLE}")
    assert problems == []
    roundup = rule.roundup
    assert [str(audience) for audience in roundup.tell] == ["manager of sales", "wang"]
    assert (roundup.by, roundup.period.written, roundup.empty, roundup.text) == (
        (("email",),),
        "since last",
        False,
        "duly/report",
    )
    assert [(section.watch, section.list) for section in roundup.sections] == [("", ("order", "customer"))]


def test_sections_of_their_own_need_no_watch():
    """A rule whose sections all say what they watch need not watch anything itself."""
    rule, problems = found(
        "rule: The day\nowner: sales\ncheck: daily 18:00\nroundup:\n  tell: owner\n  sections:\n"
        "    - {title: Orders, watch: orders, where: [paid], measure: [placed], per: customer, chart: bars}\n"
    )
    assert problems == []
    section = rule.roundup.sections[0]
    assert (section.title, section.measure, section.per, section.chart) == ("Orders", ("placed",), "customer", "bars")
    assert [str(condition) for condition in section.where] == ["paid"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            f"{HEAD}roundup: {{tell: owner}}\n",
            (
                "6:10 R031 nothing is told: there is neither a list nor a measure; "
                "add “list: [FIELD, …]” or “measure: [MEASURE, …]”"
            ),
        ),
        (
            f"{HEAD}roundup: {{tell: owner, measure: [placed], chart: pie}}\n",
            "6:43 R031 “chart” without “per”; add “per: …”",
        ),
        (
            f"{HEAD}roundup: {{tell: owner, list: [order], sections: [{{list: [order]}}]}}\n",
            "6:24 R031 “list” stands beside “sections”; move it into one of them",
        ),
        (f"{HEAD}roundup: {{list: [order]}}\n", "6:10 R002 “tell” is missing; add “tell: …”"),
        (
            f"{HEAD}roundup: {{tell: owner, list: [order], period: 3 moons}}\n",
            (
                "6:47 R004 “3 moons” is no period: write “since last”, “7d”, “day”, “week”, “month”, “quarter”, "
                "“half year” or “year”"
            ),
        ),
        (
            f"{HEAD}roundup: {{tell: owner, list: [order], empty: never}}\n",
            "6:46 R004 “empty” cannot be “never”; write send or skip",
        ),
        (
            f"{HEAD}roundup: {{tell: owner, list: [order], attach: csv}}\n",
            "6:47 R004 “attach” cannot be “csv”; write xlsx",
        ),
        (
            f"{HEAD}due: 3d\nroundup: {{tell: owner, list: [order]}}\n",
            "6:1 R030 a roundup has no ladder, so it has no “due”; delete “due”, or write a rule of its own",
        ),
        (
            "rule: x\nowner: sales\ncheck: daily 18:00\nroundup: {tell: owner, list: [order]}\n",
            "1:1 R002 “watch” is missing; add “watch: …”",
        ),
    ],
)
def test_slips_of_a_roundup_are_shown_at_their_word(text, problem):
    """What cannot be read is told at its place, with the cure."""
    rule, problems = found(text)
    assert rule is None
    assert problem in problems


@pytest.fixture
def check(tmp_path):
    """Give what loads a workspace with one roundup and tells its problems."""

    def problems_of(roundup, head=HEAD):
        files = {
            "config/duly.yaml": SETTINGS.replace("kind: spoken, ", "kind: console, "),
            "config/directory.yaml": DIRECTORY,
            "config/vocabulary/orders.yaml": ORDERS + "teams: {department: o.name}\n" + MEASURES,
            "notifications/duly/report.j2": "{{ report }}",
            "notifications/odd.j2": "{{ report }} {{ order }}",
            "rules/r.yaml": f"{head}roundup: {roundup}\n",
        }
        for path, text in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text, encoding="utf-8")
        snapshot, problems = load_workspace(tmp_path)
        return snapshot, [f"{p.mark.line}:{p.mark.column} {p.code} {p.sentence}" for p in problems.all]

    return problems_of


def test_a_roundup_binds(check):
    """Sections are bound to their nouns, with what a share needs, and Duly's own cases are there."""
    snapshot, problems = check(
        "\n  tell: manager of department\n  each: department\n  period: month\n  sections:\n"
        "    - {measure: [done], per: customer}\n    - {where: [not paid], list: [order, placed_at, department]}\n"
    )
    assert problems == []
    first, second = snapshot.rules["r"].sections
    assert [measure.name for measure in first.measures] == ["sent", "placed"]
    assert (second.section.title, [str(condition) for condition in second.rule.where]) == ("orders", ["not paid"])
    snapshot, problems = check("{tell: owner, sections: [{watch: cases, where: [open, late], list: [rule, due]}]}")
    assert problems == []
    assert snapshot.rules["r"].sections[0].noun.name == "cases"


@pytest.mark.parametrize(
    ("roundup", "problem"),
    [
        ("{tell: owner, list: [ordr]}", "6:31 R005 “orders” has no field “ordr”; did you mean “order”?"),
        (
            "{tell: owner, measure: [plced]}",
            "6:34 R005 “orders” has no measure “plced”; did you mean “placed”?",
        ),
        (
            "{tell: owner, measure: [placed], per: custmer}",
            "6:48 R005 “orders” has no field “custmer”; did you mean “customer”?",
        ),
        (
            "{tell: manager of department, list: [order]}",
            "6:17 R032 “manager of department” is not the same for every record; add “each: department”",
        ),
        (
            "{tell: in charge, list: [order]}",
            "6:17 R032 “in charge” is not the same for every record; write “TEAM” or “ROLE of TEAM”",
        ),
        (
            "{tell: owner, each: departmen, list: [order]}",
            "6:30 R005 “orders” has no “departmen” to split by; did you mean “department”?",
        ),
        ("{tell: boss of sales, list: [order]}", "6:17 R005 unknown role “boss”; known: leader, manager, supervisor"),
        ("{tell: owner, by: emial, list: [order]}", "6:28 R005 unknown channel “emial”; did you mean “email”?"),
        (
            "{tell: owner, text: odd, list: [order]}",
            (
                "1:17 T002 the template names “order”, which a report does not have; known: as_of, count, empty, "
                "group, lang, name, report, rows, rule, sections, since, summary, until"
            ),
        ),
        (
            "{tell: owner, text: odder, list: [order]}",
            "6:30 R005 unknown template “odder”; did you mean “odd”?",
        ),
        (
            "{tell: owner, sections: [{watch: ordrs, list: [order]}]}",
            "6:43 R005 unknown noun “ordrs”; did you mean “orders”?",
        ),
        (
            "{tell: owner, sections: [{clock: paid, list: [order]}]}",
            "6:43 R005 “orders” has no time “paid”; did you mean “paid_at”?",
        ),
        (
            "{tell: owner, period: day, sections: [{watch: orders, where: [piad], list: [order]}]}",
            "6:72 R005 unknown fact “piad”; did you mean “paid”?",
        ),
    ],
)
def test_what_a_roundup_names_must_be_there(check, roundup, problem):
    """Each word is held against the vocabulary, the directory, the channels and the templates."""
    snapshot, problems = check(roundup)
    assert "r" not in snapshot.rules
    assert problem in problems


def test_a_list_without_a_clock_holds_all_there_is(check):
    """Where the noun has several times and none is named, what is listed is what matches at the slot."""
    head = HEAD.replace("clock: placed_at\n", "")
    snapshot, problems = check("{tell: owner, period: day, list: [order]}", head)
    assert problems == []
    assert snapshot.rules["r"].sections[0].plan.clock is None
    snapshot, problems = check("{tell: owner, period: day, sections: [{clock: paid_at, list: [order]}]}", head)
    assert snapshot.rules["r"].sections[0].plan.clock.name == "paid_at"
