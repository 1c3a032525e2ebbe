"""SQL fragments: one balanced expression, and only its own binds."""

import re

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from duly.rules import fragment

STACKED = "“;” ends a statement: put one SQL expression here, without “;”"
ESCAPED = "a backslash before a quotation mark means different things to different databases: double it"


@pytest.mark.parametrize(
    "sql",
    [
        "o.paid_at is not null",
        "coalesce(m.summed_up_at, m.opened_at)",
        "b.answer <> 'happy'",
        "c.name = 'O''Brien; drop -- /* #'",
        'o."order;no" = 1',
        "o.`key -- 1` = 1",
        "q.last_said_at >= :today and q.last_said_at < :now",
        "o.amount::numeric > 3",
        "data ->> 'a' = array['x', 'y'][1]",
        "note = ''",
        "note like '%\\d%'",
        "exists (select 1 from complaints m where m.customer_id = c.id)",
        "已付款 = 1",
    ],
)
def test_expression_is_taken(sql):
    """What an honest vocabulary holds passes as it stands, whatever its quoted texts contain."""
    assert fragment.expression(f"  {sql} ") == sql


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        ("", "no SQL here: write an expression such as o.paid_at"),
        (" \n ", "no SQL here: write an expression such as o.paid_at"),
        ("1; drop table orders", STACKED),
        ("o.x = 'a';", STACKED),
        (
            "o.x -- all of them",
            "“--” begins a comment in SQL: write the remark as a YAML comment, after a space and #",
        ),
        ("o.x /* = 1 */", "“/*” begins a comment in SQL: write the remark as a YAML comment, after a space and #"),
        ("o.x # 1", "“#” begins a comment in SQL: write the remark as a YAML comment, after a space and #"),
        ("(o.x", "“)” is missing: every bracket in SQL needs its partner"),
        ("o.x)", "“)” closes nothing: every bracket in SQL needs its partner"),
        ("o.x) or (1", "“)” closes nothing: every bracket in SQL needs its partner"),
        ("a[(1])", "“]” closes nothing: every bracket in SQL needs its partner"),
        ("o.x = 'open", "a quotation mark ' that is never closed: close it, or double it inside a text"),
        ('o."x', 'a quotation mark " that is never closed: close it, or double it inside a text'),
        (r"o.x = 'a\' or 1 = 1", ESCAPED),
        (r"o.x = 'a\\\'' or '", ESCAPED),
        ("o.id = :key", "“:key” is not given here: a fragment knows :now and :today"),
        ("o.at = :clock", "“:clock” is not given here: a fragment knows :now and :today"),
        ("o.id = ?", "“?” is a placeholder in SQL: a fragment knows :now and :today"),
        ("o.id = $1", "“$” is a placeholder in SQL: a fragment knows :now and :today"),
        ("$$; drop table orders$$", "“$” is a placeholder in SQL: a fragment knows :now and :today"),
        ("o.id = @name", "“@name” is a placeholder in SQL: a fragment knows :now and :today"),
        (
            "o.id, o.name",
            "more than one SQL expression: put one expression here, without a comma outside brackets",
        ),
    ],
)
def test_expression_is_refused(sql, sentence):
    """What is no single expression, or asks for a value nobody gives, is refused in one sentence."""
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        fragment.expression(sql)


def test_tables_take_joins_and_subqueries():
    """A noun may stand on joins, lists of tables and a subquery with a union in brackets."""
    sql = "(select id from a union select id from b where x = 1) s, t left join u on u.id = s.id"
    assert fragment.tables(sql) == sql


@pytest.mark.parametrize("clause", ["where o.x = 1", "GROUP by o.x", "order by 1", "limit 5", "union select 1"])
def test_tables_take_no_conditions(clause):
    """A clause after the tables would clash with the one Duly writes, so it is refused by name."""
    with pytest.raises(ValueError, match="after the tables: “from” takes tables and joins, conditions are facts") as no:
        fragment.tables(f"orders o {clause}")
    assert f"“{clause.split()[0]}”" in str(no.value)


@pytest.mark.parametrize(
    ("sql", "value"),
    [("'at :now'", "at :now"), ("' :x:y ::z '", " :x:y ::z "), ("'12:30'", "12:30"), ("'a' || :now", "a!")],
)
def test_only_binds_are_bound(sql, value):
    """A colon inside a quoted text stays a colon when SQLAlchemy reads the fragment."""
    clause = sa.text(f"select {fragment.for_text(fragment.expression(sql))}")
    given = {"now": "!"} if "|| :now" in sql else {}
    with sa.create_engine("sqlite://", poolclass=sa.NullPool).connect() as connection:
        assert connection.execute(clause, given).scalar() == value


def test_casts_stay_casts():
    """PostgreSQL's ``::`` is not taken for a bind, not even right after one."""
    compiled = sa.text(fragment.for_text("o.x::date = :now::date")).compile()
    assert str(compiled) == "o.x::date = :now::date"
    assert set(compiled.params) == {"now"}


@given(st.text(alphabet="ab'\"`()[];-/*#:\\, 1?$@\n", max_size=40))
def test_any_text_is_taken_or_refused(sql):
    """Whatever stands in the file, the check answers; what passes has no bare “;” and no comment."""
    try:
        taken = fragment.expression(sql)
    except ValueError:
        return
    bare = "".join(piece[0] for piece in fragment._PIECE.finditer(taken) if not piece["quoted"])
    assert not any(mark in bare for mark in (";", "--", "/*", "#"))
    assert bare.count("(") == bare.count(")")
