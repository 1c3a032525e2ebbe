"""The measures of a noun, read and held against it."""

import pytest

from duly.rules.measure import Measure, Reckoning
from duly.rules.noun_file import read_noun
from duly.rules.problem import Problems

PATH = "config/vocabulary/repairs.yaml"
REPAIRS = """\
noun: repairs
one: repair
source: shop
from: repairs f
key: f.id
times: {reported_at: f.reported_at}
facts: {repaired: f.done_at is not null}
fields:
  category: f.category
  cost: {sql: f.cost, kind: number}
  price: {sql: f.price, kind: money, currency: f.currency}
measures:
  reported: {count: yes, on: reported_at}
"""


def read(line):
    """Read the noun with one more measure; give it and its problems as text."""
    problems = Problems()
    noun = read_noun(f"{REPAIRS}  {line}\n", PATH, problems)
    return noun, [f"{p.mark.line}:{p.mark.column} {p.code} {p.sentence}" for p in problems.all]


@pytest.mark.parametrize(
    ("line", "measure"),
    [
        (
            "done: {count: repaired, on: reported_at}",
            Measure("done", Reckoning.COUNT, of="repaired", on="reported_at"),
        ),
        ("spent: {sum: cost, on: reported_at}", Measure("spent", Reckoning.SUM, of="cost", on="reported_at")),
        (
            "usual: {average: cost, on: reported_at}",
            Measure("usual", Reckoning.AVERAGE, of="cost", on="reported_at", places=1),
        ),
        (
            "all: {share: reported  /  reported, places: 2}",
            Measure("all", Reckoning.SHARE, part="reported", whole="reported", places=2),
        ),
        (
            "all: {share: reported/reported}",
            Measure("all", Reckoning.SHARE, part="reported", whole="reported", places=1),
        ),
    ],
)
def test_measures_are_read(line, measure):
    """Counts, sums, averages and shares are read, with one digit after the point unless the file says otherwise."""
    noun, problems = read(line)
    assert problems == []
    assert noun.measures[measure.name] == measure


def test_a_count_of_all_counts_no_fact():
    """`count: yes` counts every record."""
    noun, _ = read("")
    assert noun.measures["reported"] == Measure("reported", Reckoning.COUNT, on="reported_at")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (
            "x: f.id",
            ("14:6 V003 the measure “x” must be a mapping, not “f.id”; "
            "write {count: yes, on: TIME}, {count: FACT, on: TIME} or {share: this / that}"),
        ),
        (
            "x: {on: reported_at}",
            ("14:6 V002 the measure “x” says nothing; "
            "write {count: yes, on: TIME}, {count: FACT, on: TIME} or {share: this / that}"),
        ),
        (
            "x: {count: yes, sum: cost, on: reported_at}",
            "14:19 V006 “sum” beside “count”; a measure has one of them",
        ),
        ("x: {count: yes, on: reported_at, places: 2}", "14:36 V006 a count has no places; delete it"),
        ("x: {share: reported / reported, on: y}", "14:35 V006 “on” beside “share”; its two measures have theirs"),
        (
            "x: {share: reported}",
            "14:14 V004 “reported” is not a share of two measures; write it like “done / reported”",
        ),
        ("x: {share: reportd / reported}", "14:14 V005 unknown measure “reportd”; did you mean “reported”?"),
        ("x: {share: y / reported}\n  y: {average: cost, on: reported_at}",
         "14:14 V006 “y” is itself an average; divide counts or sums"),
        ("x: {count: repared, on: reported_at}", "14:14 V005 unknown fact “repared”; did you mean “repaired”?"),
        ("x: {sum: costs, on: reported_at}", "14:12 V005 unknown field “costs”; did you mean “cost”?"),
        (
            "x: {sum: category, on: reported_at}",
            "14:12 V006 “category” is not a number, so it has no sum; give the field “kind: number”",
        ),
        (
            "x: {average: price, on: reported_at}",
            ("14:16 V006 “price” may be in several currencies, which do not add up; "
            "take a field without “currency”, in the shop’s own"),
        ),
        (
            "x: {count: yes}",
            ("14:6 V002 the measure “x” does not say which time puts a record into a period; "
            "add “on: …” with a time of the noun"),
        ),
        ("x: {count: yes, on: reportd_at}", "14:23 V005 unknown time “reportd_at”; did you mean “reported_at”?"),
        ("x: {cuont: yes}", "14:7 V001 unknown key “cuont”; did you mean “count”?"),
    ],
)  # fmt: skip
def test_slips_are_shown_at_their_word(line, problem):
    """What a measure gets wrong is told at the word itself, with the cure."""
    noun, problems = read(line)
    assert noun is None
    assert problem in problems
