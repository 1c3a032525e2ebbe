"""The worked examples of roundups."""

import pytest

from duly.engine.examples import run_examples
from duly.engine.plugins import load_plugins
from duly.rules.snapshot import load_workspace
from engine.desk import DIRECTORY, ORDERS, SETTINGS, SpokenPlugin

MEASURES = """\
measures:
  placed: {count: yes, on: placed_at}
  sent: {count: shipped, on: placed_at}
  done: {share: sent / placed, places: 2}
"""
HEAD = "rule: The month\nowner: sales\nwatch: orders\nexcept: [cancelled]\nclock: placed_at\n"


@pytest.fixture
def said(tmp_path):
    """Give what runs the examples of a roundup and tells what is wrong with them."""

    def run(roundup, example, check="last workday of month 17:00"):
        rule = f"{HEAD}check: {check}\nroundup: {roundup}\nexamples:\n  - name: it\n{example}"
        files = {
            "config/duly.yaml": SETTINGS,
            "config/directory.yaml": DIRECTORY,
            "config/vocabulary/orders.yaml": ORDERS + MEASURES,
            "notifications/duly/report.j2": "{{ report }}",
            "rules/r.yaml": rule,
        }
        for path, text in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text, encoding="utf-8")
        plugins = load_plugins([SpokenPlugin()])
        snapshot, problems = load_workspace(tmp_path, plugins.actions, plugins.channels)
        if problems.errors:
            return [problem.sentence for problem in problems.errors]
        results = run_examples(snapshot.rules["r"], snapshot, plugins)
        return [result.problem.message if result.problem else "passed" for result in results]

    return run


def test_a_month_that_ends_on_a_sunday(said):
    """The slots of a schedule are proved with dates: June 2024 is reported on Friday the 28th, to each audience."""
    assert said(
        "{tell: [manager of sales, wang], by: email, period: since last, measure: [placed]}",
        "    from: 2024-06-01\n    until: 2024-07-01\n"
        "    expect: [2024-06-28 17:00 manager of sales, 2024-06-28 17:00 wang by email]\n",
    ) == ["passed"]


def test_the_figures_of_given_records(said):
    """An example gives records of its own and pins what comes of them; what lies outside the period does not count."""
    example = (
        "    orders:\n"
        "      - {placed_at: Mon 08:00, shipped: yes}\n"
        "      - {placed_at: Mon 09:00}\n"
        "      - {placed_at: Mon 09:30, cancelled: yes}\n"
        "      - {placed_at: Tue 09:00, shipped: yes}\n"
        "    until: 2035-05-15\n"
    )
    roundup = "{tell: owner, period: day, list: [order], measure: [placed, sent, done]}"
    whole = example.replace("    until: 2035-05-15\n", "")
    assert said(roundup, whole + "    expect:\n"
        "      - Mon 18:00 owner with 2 records and placed 2 and sent 1 and done 50.00 %\n"
        "      - Tue 18:00 owner with done 100.00 %\n", check="daily 18:00") == ["passed"]  # fmt: skip
    assert said(roundup, whole + "    expect:\n      - Mon 18:00 owner with sent 2\n", check="daily 18:00") == [
        (
            "“it”: expected “Mon 18:00 owner with sent 2”, but "
            "“Mon 18:00 owner with 2 records and placed 2 and sent 1 and done 50.00 %” happened"
        )
    ]


def test_nothing_to_tell_is_skipped(said):
    """With `empty: skip` and no record nobody hears; with one somebody does."""
    roundup = "{tell: owner, list: [order], period: day, empty: skip}"
    assert said(roundup, "    expect: []\n", check="daily 18:00") == ["passed"]
    assert said(roundup, "    order: {placed_at: Mon 09:00}\n    expect: [Mon 18:00 owner]\n", check="daily 18:00") == [
        "passed"
    ]
    assert said(roundup, "    expect: [Mon 18:00 owner]\n", check="daily 18:00") == [
        "“it”: expected “Mon 18:00 owner”, but nobody heard (there was nothing to report, so nobody was told)"
    ]


def test_slips_in_the_example_of_a_roundup(said):
    """An audience or a record that the roundup does not have is refused by name."""
    roundup = "{tell: owner, list: [order], period: day}"
    assert said(roundup, "    expect: [Mon 18:00 manager of sales]\n") == [
        "the roundup of this rule never tells “manager of sales”; known: owner"
    ]
    assert said(roundup, "    parcels: [{sent: yes}]\n    expect: []\n") == [
        "unknown “parcels” in an example; write “orders: […]”"
    ]
    assert said(roundup, "    orders: [{sent: yes}]\n    expect: []\n")[0].startswith(
        "unknown “sent” of order in an example"
    )
