"""``due`` as a table: a due time for each value of a field."""

import pytest

from duly.rules.model import AudienceKind
from duly.rules.problem import Problems
from duly.rules.rule_file import read_rule

HEAD = """\
rule: R
owner: care
watch: orders
where: [paid]
check: every 10m
steps: [{late: at once, tell: in charge, text: t}]
"""


def read(due):
    """Read a rule with this due time, and its problems."""
    problems = Problems()
    return read_rule(HEAD + due, "r", "rules/r.yaml", problems), problems


def test_a_table_gives_each_value_its_time_and_who_is_in_charge():
    """An entry is a duration, or a duration and who is in charge; “otherwise” is for the rest."""
    rule, problems = read(
        "due:\n  per: stage\n  new: 30 working minutes\n  judged: {in: 2d, who: manager of care}\n  otherwise: 1h\n"
    )
    assert problems.all == []
    table = rule.due.table
    assert table.per == "stage"
    assert {name: str(entry.duration) for name, entry in table.entries.items()} == {
        "new": "30 working minutes",
        "judged": "2d",
    }
    assert (table.entry("judged").who.written, table.entry("judged").who.kind) == (
        "manager of care",
        AudienceKind.ROLE,
    )
    assert str(table.entry("unheard of").duration) == "1h"


SLIPS = [
    (
        "due: ¦{new: 3d}",
        "R002",
        "“due” does not say which field its table goes by; add “per: …” with a field of the noun",
    ),
    ("due: ¦{per: stage}", "R003", "“due” has no entries; add a line such as “new: 30m”"),
    ("due: {per: stage, new: ¦50%}", "R004", "“new” cannot be a percentage; write a duration such as “72h”"),
    ("due: {per: stage, new: {in: ¦50%}}", "R004", "“in” cannot be a percentage; write a duration such as “72h”"),
    ("due: {per: stage, new: ¦{who: care}}", "R002", "“in” is missing; add “in: …”"),
    ("due: {per: stage, new: {in: 3d, ¦whom: care}}", "R001", "unknown key “whom”; did you mean “who”?"),
    (
        "due: {per: stage, new: ¦[3d, 4d]}",
        "R003",
        "“new” must be a duration, not a list; write a duration, or {in: DURATION, who: AUDIENCE}",
    ),
    (
        "due: {per: stage, new: {in: 3d, who: ¦in charge}}",
        "R004",
        "“in charge” is what steps say; name who it is: “TEAM on duty”, “ROLE of TEAM”",
    ),
]


@pytest.mark.parametrize(("written", "code", "sentence"), SLIPS)
def test_each_slip_is_told_in_one_sentence_at_its_word(written, code, sentence):
    """Whatever is wrong with a table is said where it stands, with its cure."""
    before, _, after = (HEAD + written).partition("¦")
    rule, problems = read(written.replace("¦", ""))
    assert rule is None
    assert [(str(p.mark), p.code, p.sentence) for p in problems.all] == [
        (f"rules/r.yaml:7:{len(before.rpartition(chr(10))[2]) + 1}", code, sentence)
    ], after
