"""Reading one file of the vocabulary."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duly.rules.count import Count
from duly.rules.noun import Fact, Field, RecordPerson, Time
from duly.rules.noun_file import read_noun
from duly.rules.problem import Problems

PATH = "config/vocabulary/orders.yaml"
ORDERS = """\
noun: orders
one: order
source: shop
from: orders o left join customers c on c.id = o.customer_id
key: o.id
zone: c.tz
times:
  paid_at: o.paid_at
  answered_at: o.buyer_answered_at
  hold_until: {sql: o.hold_until, kind: date, matter: o.id}
  shippable_since: {later of: [paid_at, answered_at]}   # the clock stands still while the buyer thinks
  touched_at: {earlier of: [shippable_since, answered_at]}
facts:
  shipped: {sql: o.shipped_at is not null, at: o.shipped_at}
  out of stock: o.out_of_stock_at is not null
fields:
  order: o.id
  amount: {sql: o.amount, kind: money, currency: o.currency}
  stars: {sql: o.stars, kind: number}
  stage: {sql: o.stage, one of: [new, carried out], since: paid_at}
  agent: {staff: o.agent_id}
people:
  customer: {name: c.name, phone: c.phone, no_sms: c.no_sms}
  assignee: {staff: o.agent_id}
teams: {department: o.department}
"""


def problems_of(text):
    """Read a noun that must be refused, and give its problems as people see them."""
    problems = Problems()
    assert read_noun(text, PATH, problems) is None
    assert problems.errors
    return [f"{p.mark.line}:{p.mark.column} {p.code} {p.sentence}" for p in problems.all]


def with_(old, new):
    """Give the good file with one piece replaced."""
    assert old in ORDERS
    return ORDERS.replace(old, new)


def test_noun_is_read():
    """Every section of a file arrives in the noun, with its digest and its places."""
    problems = Problems()
    noun = read_noun(ORDERS, PATH, problems)
    assert problems.all == []
    assert (noun.name, noun.one, noun.source, noun.key, noun.zone) == ("orders", "order", "shop", ("o.id",), "c.tz")
    assert noun.from_ == "orders o left join customers c on c.id = o.customer_id"
    assert noun.times["paid_at"] == Time("paid_at", "o.paid_at")
    assert noun.times["hold_until"] == Time("hold_until", "o.hold_until", is_date=True, matter="o.id")
    assert noun.times["shippable_since"] == Time("shippable_since", later_of=("paid_at", "answered_at"))
    assert noun.times["touched_at"] == Time("touched_at", earlier_of=("shippable_since", "answered_at"))
    assert noun.facts["shipped"] == Fact("shipped", "o.shipped_at is not null", "o.shipped_at")
    assert noun.facts["out of stock"] == Fact("out of stock", "o.out_of_stock_at is not null")
    assert noun.fields["amount"] == Field("amount", "o.amount", "money", currency="o.currency")
    assert noun.fields["stars"].kind == "number"
    assert noun.fields["stage"] == Field("stage", "o.stage", one_of=("new", "carried out"), since="paid_at")
    assert noun.fields["agent"] == Field("agent", "o.agent_id", kind="staff")
    columns = {"name": "c.name", "phone": "c.phone", "no_sms": "c.no_sms"}
    assert noun.people["customer"] == RecordPerson("customer", columns)
    assert noun.people["assignee"] == RecordPerson("assignee", staff="o.agent_id")
    assert noun.teams == {"department": "o.department"}
    assert noun.digest == hashlib.sha256(ORDERS.encode()).hexdigest()
    assert noun.path == PATH


def test_noun_keeps_places():
    """Problems found later, when files meet, can point at each piece of SQL."""
    marks = read_noun(ORDERS, PATH, Problems()).marks
    assert str(marks["from"]) == f"{PATH}:4:7"
    assert str(marks["times.paid_at"]) == f"{PATH}:8:12"
    assert str(marks["facts.shipped.at"]) == f"{PATH}:14:48"
    assert str(marks["people.customer.phone"]) == f"{PATH}:23:35"


def test_composite_key_is_read():
    """A key may take several columns."""
    noun = read_noun(with_("key: o.id", "key: [o.shop_id, o.id]"), PATH, Problems())
    assert noun.key == ("o.shop_id", "o.id")


def test_smallest_noun_is_read():
    """A noun needs no times, facts or people."""
    problems = Problems()
    noun = read_noun("noun: parts\none: spare part\nsource: shop\nfrom: parts g\nkey: g.id\n", PATH, problems)
    assert problems.all == []
    assert noun.times == noun.facts == noun.fields == noun.people == noun.teams == noun.measures == {}


def test_date_digits_stay_text():
    """A name is text, whatever YAML usually makes of it."""
    noun = read_noun(with_("  order: o.id", "  no: o.id"), PATH, Problems())
    assert noun.fields["no"].sql == "o.id"


def test_a_count_has_its_own_tables_and_says_which_of_their_rows_are_the_records():
    """`counts` names another table, what ties its rows to the record, and when each came to be."""
    text = ORDERS + "counts:\n  contacts: {from: contacts k, on: k.order_id = o.id, at: k.at}\n"
    noun = read_noun(text, PATH, Problems())
    assert noun.counts == {"contacts": Count("contacts", "contacts k", "k.order_id = o.id", "k.at")}


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        (
            "contacts: ¦k",
            "V003 the count “contacts” must be a mapping, not “k”; write {from: TABLE, on: CONDITION, at: TIME}",
        ),
        ("contacts: ¦{from: contacts k}", "V002 “on” is missing; add “on: …”"),
        (
            "contacts: {from: ¦contacts k where 1, on: k.a}",
            "V010 “where” after the tables: “from” takes tables and joins, conditions are facts",
        ),
        (
            "contacts: {from: contacts k, on: ¦k.a; drop, at: k.b}",
            "V010 “;” ends a statement: put one SQL expression here, without “;”",
        ),
        ("¦shipped: {from: contacts k, on: k.a}", "V006 “shipped” stands under “facts” already; rename one of the two"),
    ],
)
def test_each_slip_of_a_count_is_told_at_its_word(written, sentence):
    """A count without its parts, with more than SQL's one expression, or under a word that means something else."""
    before = written.partition("¦")[0]
    assert problems_of(ORDERS + f"counts:\n  {written.replace('¦', '')}\n") == [f"27:{len(before) + 3} {sentence}"]


def test_many_people_have_tables_a_condition_and_a_key_of_their_own():
    """A building has residents: who they are, which of them belong to it, what tells them apart."""
    text = with_(
        "assignee: {staff: o.agent_id}",
        "residents: {many: residents z, on: z.block = o.block, key: [z.block, z.id], name: z.name, no_sms: z.no_sms}",
    )
    noun = read_noun(text, PATH, Problems())
    assert noun.people["residents"] == RecordPerson(
        "residents",
        {"name": "z.name", "no_sms": "z.no_sms"},
        many="residents z",
        on="z.block = o.block",
        key=("z.block", "z.id"),
    )


@pytest.mark.parametrize(
    ("residents", "problem"),
    [
        ("many: z, key: z.id", "24:14 V002 “on” is missing; add “on: …”"),
        ("many: z, on: z.b = o.b", "24:14 V002 “key” is missing; add “key: …”"),
        ("many: z, on: z.b = o.b, key: []", "24:44 V003 “key” is an empty list; write what tells two people apart"),
        (
            "many: z where 1, on: z.b = o.b, key: z.id",
            "24:21 V010 “where” after the tables: “from” takes tables and joins, conditions are facts",
        ),
        (
            "many: z, on: z.b = o.b; x, key: z.id",
            "24:28 V010 “;” ends a statement: put one SQL expression here, without “;”",
        ),
        ("many: z, on: 1, key: z.id, phon: z.p", "24:42 V001 unknown key “phon”; did you mean “phone”?"),
    ],
)
def test_many_people_that_lack_something_are_refused(residents, problem):
    """Each slip is pointed at, with its cure."""
    assert problems_of(with_("assignee: {staff: o.agent_id}", f"residents: {{{residents}}}")) == [problem]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("one: order\n", "", "1:1 V002 “one” is missing; add “one: …”"),
        ("key: o.id", "keys: o.id", "5:1 V001 unknown key “keys”; did you mean “key”?"),
        ("key: o.id", "key: []", "5:6 V003 “key” is an empty list; write what tells two records apart"),
        ("source: shop", "source: [a]", "3:9 V003 “source” must be a text, not a list"),
        (
            "key: o.id",
            "key: o.id; drop table orders",
            "5:6 V010 “;” ends a statement: put one SQL expression here, without “;”",
        ),
        (
            "at: o.shipped_at}",
            'at: "(o.shipped_at"}',
            "14:48 V010 “)” is missing: every bracket in SQL needs its partner",
        ),
        (
            "from: orders o",
            "from: orders o where o.x = 1 --",
            "4:7 V010 “where” after the tables: “from” takes tables and joins, conditions are facts",
        ),
        ("zone: c.tz", "zone: ':key'", "6:7 V010 “:key” is not given here: a fragment knows :now and :today"),
        (
            "department: o.department",
            "department: {sql: o.d}",
            "25:21 V003 the team “department” must be SQL, not a mapping; write a column",
        ),
        (
            "paid_at: o.paid_at",
            "paid_at: [o.paid_at]",
            "8:12 V003 “paid_at” must be SQL or a mapping, not a list",
        ),
        ("paid_at: o.paid_at", "paid_at:", "8:3 V003 “paid_at” has no value; fill it or delete the line"),
        (
            "paid_at: o.paid_at",
            "paid_at: {kind: date}",
            "8:12 V002 the time “paid_at” says nothing; add “sql: …” or “later of: […]”",
        ),
        (
            "{later of: [paid_at, answered_at]}",
            "{sql: o.x, later of: [paid_at, answered_at]}",
            "11:31 V006 “later of” beside “sql”; a time has one of them",
        ),
        (
            "{later of: [paid_at, answered_at]}",
            "{later of: [paid_at, answered_at], kind: date}",
            "11:55 V006 “kind” beside “later of”; only “sql” has a kind",
        ),
        (
            "later of: [paid_at, answered_at]",
            "later of: paid_at",
            "11:31 V003 “later of” compares two times or more; write [this, that]",
        ),
        (
            "later of: [paid_at, answered_at]",
            "later of: [paid_at, answerd_at]",
            "11:31 V005 unknown time “answerd_at”; did you mean “answered_at”?",
        ),
        ("kind: date", "kind: day", "10:41 V004 “kind” cannot be “day”; write date"),
        ("kind: money", "kind: cash", "18:33 V004 “kind” cannot be “cash”; write money or number"),
        (
            "kind: number",
            "currency: o.currency",
            "19:25 V006 “currency” without “kind: money”; add “kind: money”",
        ),
        ("since: paid_at", "since: payed_at", "20:60 V005 unknown time “payed_at”; did you mean “paid_at”?"),
        ("phone: c.phone", "phon: c.phone", "23:28 V001 unknown key “phon”; did you mean “phone”?"),
        (
            "assignee: {staff: o.agent_id}",
            "assignee: {staff: o.agent_id, name: c.name}",
            "24:33 V001 unknown key “name”; known: staff",
        ),
        (
            "assignee: {staff: o.agent_id}",
            "assignee: o.agent_id",
            (
                "24:13 V003 the person “assignee” must be a mapping, not “o.agent_id”; "
                "write {name: SQL, phone: SQL} or {staff: SQL}"
            ),
        ),
        (
            "assignee: {staff",
            "owner: {staff",
            "24:3 V011 “owner” means somebody else in every rule; choose another word",
        ),
        (
            "out of stock: o",
            "not shipped: o",
            "15:3 V011 “not shipped” begins with “not”; say what is, such as “shipped”: rules can deny it",
        ),
        (
            "out of stock: o",
            "buyer is angry: o",
            "15:3 V011 “buyer is angry” holds “is”, a word of conditions; reword it",
        ),
        (
            "out of stock: o",
            "stock <= 0: o",
            (
                "15:3 V011 “stock <= 0” is no name for a rule to use; "
                "use letters, digits, single spaces, “_” and “-”, and begin with a letter"
            ),
        ),
        ("  order: o.id", "  shipped: o.id", "17:3 V006 “shipped” stands under “facts” already; rename one of the two"),
        (
            "teams: {department",
            "teams: {customer",
            "25:9 V006 “customer” stands under “people” already; rename one of the two",
        ),
    ],
)
def test_slip_is_shown_where_it_stands(old, new, problem):
    """Each slip becomes one problem at the word itself, with its cure."""
    assert problem in problems_of(with_(old, new))


def test_all_slips_are_shown_at_once():
    """A file with several slips is corrected in one go."""
    text = with_("key: o.id", "key: (o.id").replace("zone: c.tz", "zone: c.tz;").replace("one: order\n", "")
    assert [problem.split()[1] for problem in problems_of(text)] == ["V002", "V010", "V010"]


def test_circle_of_times_is_refused_once():
    """Times that lean on each other in a circle are shown once, with the way round."""
    text = with_("paid_at: o.paid_at", "paid_at: {later of: [touched_at, answered_at]}")
    assert problems_of(text) == [
        "8:12 V012 “paid_at” leans on itself: paid_at → touched_at → shippable_since → paid_at; break the circle"
    ]


def test_time_that_leans_on_itself_is_refused():
    """The shortest circle has one member."""
    text = with_("earlier of: [shippable_since, answered_at]", "earlier of: [touched_at, answered_at]")
    assert problems_of(text) == ["12:15 V012 “touched_at” leans on itself: touched_at → touched_at; break the circle"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "1:1 Y006 the file is empty; write something or delete the file"),
        ("orders", "1:1 V003 a noun must be a mapping, not “orders”; begin with “noun: …”"),
        ("- a\n", "1:1 V003 a noun must be a mapping, not a list; begin with “noun: …”"),
    ],
)
def test_file_that_is_no_noun_is_refused(text, problem):
    """A file of another shape says how a noun begins."""
    assert problems_of(text) == [problem]


LINES = ORDERS.splitlines()
SCRAPS = [
    *("{", "}", "[", "]", ": ", "- ", "#", "'", '"', ";", "--", "\t", "not ", "later of", "\n", "  ", ",", "&a", "*a"),
    *("!!str ", "：", "，", "{sql: ", "null", "0123", "\x00", "\ud7ff", "|", ">", "? ", "staff", "many: x"),
]


@given(st.data())
def test_spoilt_vocabulary_gives_places_and_never_breaks(data):
    """Whatever happens to a file, reading it ends in a noun or in problems with a place, never in a traceback."""
    lines = list(LINES)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(lines) - 1))
        column = data.draw(st.integers(0, len(lines[place])))
        until = data.draw(st.integers(column, len(lines[place])))
        lines[place] = lines[place][:column] + data.draw(st.sampled_from(SCRAPS)) + lines[place][until:]
    text = "\n".join(lines)
    problems = Problems()
    noun = read_noun(text, PATH, problems)
    assert (noun is None) == bool(problems.errors)
    for problem in problems.all:
        assert problem.mark.path == PATH
        assert 1 <= problem.mark.line <= text.count("\n") + 2
        assert problem.mark.column >= 1
        assert problem.render()


KEYS_AND_WORDS = [
    *("sql", "at", "kind", "matter", "later of", "earlier of", "staff", "many", "one of", "since", "currency"),
    *("a", "b", "paid_at", "name", "phone", "no_sms", "not a", ""),
]


@given(
    st.recursive(
        st.sampled_from(["o.id", "", "a", "paid_at", "shop", "(", "not x"]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS_AND_WORDS), inner, max_size=4),
        max_leaves=25,
    )
)
def test_any_structure_is_read_or_refused(value):
    """Values of any shape under any key are answered with a noun or with problems."""
    problems = Problems()
    noun = read_noun(json.dumps({"noun": "x", "times": value, "people": value, "facts": value}), PATH, problems)
    assert noun is None
    assert problems.errors
