"""What YAML does to plain words behind people's backs, and does not here (failure 36), each through a real reader."""

import datetime as dt

from duly.rules.directory_file import read_directory
from duly.rules.noun_file import read_noun
from duly.rules.problem import Problems
from duly.rules.rule_file import draft_rule

NOUN = "noun: orders\none: order\nsource: shop\nfrom: orders o\nkey: o.id\n"
RULE = """\
rule: R
owner: sales
watch: orders
where: [paid]
check: {check}
steps:
  - {{after: 2d, tell: sales, text: x}}
"""
DIRECTORY = "zone: UTC\ncalendar: CN\nhours: daily 09:00-18:00\nlevels: []\npeople:\n  lin: {{{lin}}}\nteams: {{}}\n"


def fine(read, text):
    """Read a file that has nothing wrong."""
    problems = Problems()
    found = read(text, problems)
    assert [problem.render() for problem in problems.all] == []
    return found


def rule(text, problems):
    """Read a rule file."""
    return draft_rule(text, "r", "rules/r.yaml", problems)


def noun(text, problems):
    """Read a file of the vocabulary."""
    return read_noun(text, "config/vocabulary/orders.yaml", problems)


def directory(text, problems):
    """Read the directory."""
    return read_directory(text, "config/directory.yaml", {}, problems)


def test_half_past_five_is_not_1050():
    """``17:30`` is a time of day, and no number in base sixty."""
    found = fine(rule, RULE.format(check="daily 17:30") + "due: 17:30\n")
    assert found.check[0].times == found.due.times == (dt.time(17, 30),)


def test_norway_is_not_false():
    """``NO`` is a text like any other value of a field; so are yes, off and null."""
    found = fine(noun, NOUN + "fields: {country: {sql: o.country, one of: [SE, NO, off, y, null, ~]}}\n")
    assert found.fields["country"].one_of == ("SE", "NO", "off", "y", "null", "~")


def test_the_key_on_is_not_true():
    """``on`` is a key of many people, and a word that may stand as the name of a fact."""
    people = "people: {residents: {many: residents z, on: z.order_id = o.id, key: z.id}}\n"
    found = fine(noun, NOUN + people + "facts: {on: o.is_on = 1, yes: o.yes = 1}\n")
    assert found.people["residents"].on == "z.order_id = o.id"
    assert list(found.facts) == ["on", "yes"]


def test_a_number_with_a_leading_zero_is_not_octal():
    """``0123456`` stays the phone that it is, and ``1e3`` the id that it is."""
    found = fine(directory, DIRECTORY.format(lin="name: Lin, phone: 0123456, ids: {shop: [1e3, 0x1F, 1_000]}"))
    assert found.person("lin").addresses["phone"] == "0123456"
    assert found.by_source_id("shop", "1e3") == "lin"
    assert found.by_source_id("shop", "0x1F") == "lin"


def test_a_duplicate_key_does_not_win_in_silence():
    """The second of two is pointed at; whoever wrote it learns that only one counts."""
    problems = Problems()
    assert rule(RULE.format(check="every 10m") + "owner: care\n", problems).owner == "sales"
    assert [f"{problem.mark} {problem.code}" for problem in problems.all] == ["rules/r.yaml:8:1 Y007"]


def test_a_date_is_not_a_date_before_it_is_read_as_one():
    """``2024-02-29`` is a text until a reader that wants a date takes it; as an id it stays as written."""
    found = fine(directory, DIRECTORY.format(lin="name: Lin, ids: {shop: 2024-02-29}"))
    assert found.by_source_id("shop", "2024-02-29") == "lin"
