"""Writes in the vocabulary: one guarded statement each, which names its record."""

from __future__ import annotations

import pytest

from duly.rules.noun_file import read_noun
from duly.rules.problem import Problems

NOUN = """\
noun: parcels
one: parcel
source: shop
from: parcels p
key: p.id
fields: {made to order: p.made}
writes:
  extend receipt: "{}"
"""


END_IT = "end it like “where id = :key and …”, with the old value of what it changes"


def read(sql: str, noun: str = NOUN):
    """Read a noun with one write; gives the noun and its problems."""
    problems = Problems()
    return read_noun(noun.replace("{}", sql), "config/vocabulary/parcels.yaml", problems), problems


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("update parcels set by = :now where id = :key and by = :clock", {"now", "key", "clock"}),
        ("update parcels set m = 1 where id = :key and m = :made_to_order", {"key", "made_to_order"}),
        ("insert into notes select :key, ':x' where not exists (select 1 from notes where p = :key)", {"key"}),
    ],
)
def test_a_guarded_statement_is_read(sql, names):
    """An update or an insert that names the key is taken, with the values it binds."""
    noun, problems = read(sql)
    assert problems.all == []
    write = noun.writes["extend receipt"]
    assert (write.sql, write.names) == (sql, names)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("delete from parcels where id = :key", "a write is an update or an insert: nothing else may change a record"),
        (
            "update parcels set a = 1",
            "an update without “where” changes every record: add “where id = :key and …”",
        ),
        (
            "update parcels set a = 1 where b = :clock",
            f"the write “extend receipt” does not say which record: “:key” is missing; {END_IT}",
        ),
        (
            "update parcels set a = :person where id = :key",
            "“:person” is not given here: a write knows :clock, :key, :made_to_order, :now, :today",
        ),
        (
            "update parcels set a = 1 where id = :key; drop table parcels",
            "“;” ends a statement: put one SQL expression here, without “;”",
        ),
    ],
)
def test_what_is_no_guarded_statement_is_refused(sql, said):
    """Deleting, changing everything, several statements, and values that nobody gives are refused in a sentence."""
    _, problems = read(sql)
    assert [(str(p.mark), p.code, p.sentence) for p in problems.all] == [
        ("config/vocabulary/parcels.yaml:8:19", "V014", said)
    ]


def test_the_parts_of_a_composite_key_have_numbers():
    """A key of two parts is bound part by part."""
    noun = NOUN.replace("key: p.id", "key: [p.shop, p.id]")
    found, problems = read("update parcels set a = 1 where shop = :key_1 and id = :key_2", noun)
    assert problems.all == []
    assert found.writes["extend receipt"].names == {"key_1", "key_2"}
    _, problems = read("update parcels set a = 1 where id = :key", noun)
    assert [p.code for p in problems.all] == ["V014"]
