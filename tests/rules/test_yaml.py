import pytest
import yaml as pyyaml
from hypothesis import given
from hypothesis import strategies as st

from duly.rules import yaml
from duly.rules.problem import Problems, split_lines
from duly.rules.yaml import Scalar, Sequence, load, read_text


def read(text):
    """Load a text, and give its problems too."""
    problems = Problems()
    return load(text, "f.yaml", problems), problems


def plain(node):
    """Give a node as plain data."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return [plain(item) for item in node]
    return {key.value: plain(value) for key, value in node.entries}


@pytest.mark.parametrize(
    "text",
    ["17:30", "NO", "on", "0123", "0123456", "1e3", "null", "~", "2024-02-29", "1_000", "0x1F", ".inf", "y", "="],
)
def test_text_stays_text(text):
    """No value turns into a number, a boolean, a date or nothing behind anybody's back."""
    node, problems = read(f"key: {text}\n{text}: key")
    assert plain(node) == {"key": text, text: "key"}
    assert not problems.all


def test_every_node_knows_where_it_stands():
    """Positions are counted from 1, in characters, also after Chinese."""
    node, _ = read("规则: 发货\nsteps:\n  - {after: 1h, tell: [甲, b]}\n")
    (name, title), (_, steps) = node.entries
    step = steps.items[0]
    tell = step.get("tell")
    marks = [name.mark, title.mark, steps.mark, step.mark, tell.mark, *(item.mark for item in tell)]
    places = [(mark.line, mark.column) for mark in marks]
    assert places == [(1, 1), (1, 5), (3, 3), (3, 5), (3, 23), (3, 24), (3, 27)]


def test_quoted_text_is_told_from_plain_text():
    """An empty text in quotes is a text; an empty value is a gap."""
    node, _ = read("a: ''\nb:\nc: |\n  x\n")
    assert [node.get(key).quoted for key in "abc"] == [True, False, True]


def test_duplicate_keys_are_all_reported_and_the_first_counts():
    """A duplicate key is reported at the second, and the rest of the file is read on."""
    node, problems = read("a: 1\nb: 2\na: 3\nb: 4\nc: 5")
    assert [str(problem.mark) for problem in problems.all] == ["f.yaml:3:1", "f.yaml:4:1"]
    assert plain(node) == {"a": "1", "b": "2", "c": "5"}


SLIPS = {
    "a tab": ("a:\n  - b\n\tc: d", "3:1", "Y005 the line begins with a tab; use spaces"),
    "a tab in an empty line": ("a: b\n\t\nc: d", "2:1", "Y005 the line begins with a tab; use spaces"),
    "a duplicate": (
        "rule: x\nrule: y",
        "2:1",
        "Y007 the key “rule” stands here again; line 1 has it already; delete one",
    ),
    "an anchor": ("a: &x b", "1:4", "Y008 the anchor “&x” is refused; delete it, or put the text in quotes"),
    "an alias": ("a: *x", "1:4", "Y008 the alias “*x” is refused; write the value out, or put it in quotes"),
    "a tag": ("a: !env X", "1:4", "Y008 the tag “!env” is refused; delete it, or put the text in quotes"),
    "a merge": ("a: {<<: *x}", "1:9", "Y008 the alias “*x” is refused; write the value out, or put it in quotes"),
    "a directive": ("%YAML 1.2\n---\na: b", "1:1", "Y008 directives are refused; delete the line"),
    "two documents": ("a: b\n---\nc: d", "2:1", "Y009 a second document begins here; put it into a file of its own"),
    "an empty file": ("", "1:1", "Y006 the file is empty; write something or delete the file"),
    "only comments": ("# a\n# b\n", "1:1", "Y006 the file is empty; write something or delete the file"),
    "a control character": (
        "a: b\nc: d\x00e",
        "2:5",
        "Y004 the character U+0000 does not belong into a text file; delete it",
    ),
    "deep nesting": (
        "[" * 5000,
        "1:21",
        "Y010 this is nested over 20 levels deep; make it flatter",
    ),
    "a title that begins with a quotation mark": (
        'rule: "Paid" orders ship\nowner: x',
        "1:7",
        (
            "Y011 the text goes on after its closing quotation mark; "
            "put the whole text in quotes, in the other kind of quotation marks"
        ),
    ),
    "a quotation mark never closed": (
        "rule: 'tis the season\nowner: x",
        "1:7",
        "Y012 this quotation mark is never closed; close it, or put the whole text in quotes",
    ),
    "a quotation mark closed by the next one": (
        'rule: "Paid orders\nowner: x\nwhy: "so" they say\n',
        "1:7",
        "Y012 this quotation mark is closed only in line 3; close it, or put the whole text in quotes",
    ),
    "a second colon": ("why: a: b", "1:7", "Y013 a second “: ” cannot stand in one line; put the text in quotes"),
    "a missing comma": (
        "- {after: 1h tell: customer}",
        "1:18",
        "Y013 a second “: ” cannot stand in one entry; add the comma before it, or put the text in quotes",
    ),
    "a text cut off": (
        "text: a #3",
        "1:9",
        (
            "Y014 the text is cut off here, because “ #” begins a comment; "
            "put the text in quotes, or a space after “#” if a comment is meant"
        ),
    ),
    "a full-width comma in a list": (
        "where: [已付款，未发货]",
        "1:12",
        "Y015 the full-width comma “，” does not separate; write “, ” or put the text in quotes",
    ),
    "a full-width comma in a step": (
        "steps:\n  - {late: at once，tell: x}",
        "2:19",
        "Y015 the full-width comma “，” does not separate; write “, ” or put the text in quotes",
    ),
    "a full-width colon, first line": (
        "rule：Paid orders\nowner: x",
        "1:5",
        "Y015 the full-width colon “：” does not separate; write “: ” or put the text in quotes",
    ),
    "a full-width colon, later line": (
        "owner: x\nrule：Paid orders\nwatch: orders",
        "2:5",
        "Y015 the full-width colon “：” does not separate; write “: ” or put the text in quotes",
    ),
    "a full-width colon in a list": (
        "steps:\n  - after：1h",
        "2:10",
        "Y015 the full-width colon “：” does not separate; write “: ” or put the text in quotes",
    ),
    "a list for a key": ("[a]: b", "1:1", "Y016 a key must be a word, not a list or a mapping; write a word"),
    "an open bracket": (
        "where: [a, b\ndone: c",
        "1:8",
        "Y017 this bracket is never closed, or an entry in it lacks its comma; add the comma or the bracket",
    ),
    "a text that begins with @": (
        "rule: @all",
        "1:7",
        "Y018 a text cannot begin with “@”; put the text in quotes",
    ),
    "a text that begins with *": (
        "rule: * b",
        "1:7",
        "Y018 a text cannot begin with “*”; put the text in quotes",
    ),
    "a line without a colon": (
        "owner: x\nwatch\ndue: 3d",
        "2:1",
        "Y018 this line has no “key: value”; add the colon and a space, or indent the line",
    ),
    "an indented line": (
        "rule: x\n  owner: y",
        "2:3",
        "Y018 this line is indented, but the text above it is complete; take the indentation back",
    ),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_each_slip_has_a_sentence_of_its_own_at_its_word(slip):
    """What people do wrong in YAML is told in their words, at the word itself, and once."""
    text, place, sentence = SLIPS[slip]
    _, problems = read(text)
    (problem,) = problems.all
    assert (str(problem.mark), f"{problem.code} {problem.sentence}") == (f"f.yaml:{place}", sentence)


@pytest.mark.parametrize(
    "text",
    [
        "rule: 客户说：已付款，未发货",  # full-width punctuation within a text is fine
        'where: ["已付款，未发货"]',
        "text: a # 3 comments",
        "text: a#3",
        "why: it's 17:30 o'clock",
        "#text: a #3\na: b",
        "text: 'a #3'",
        "rule: |\n  a: b #3\n  [，",
        "{}",
        "---\na: b\n...\n",
    ],
)
def test_what_is_fine_is_not_reported(text):
    """A sentence of our own never fires on sound YAML."""
    node, problems = read(text)
    assert node is not None
    assert not problems.all


def test_a_spoilt_text_says_so():
    """Whoever reads on knows that a text has a problem already, and adds none."""
    node, _ = read("where: [a，b, c]\ntext: x #3\n")
    assert [item.spoilt for item in node.get("where")] == [True, False]
    assert node.get("text").spoilt


def test_a_file_over_one_megabyte_is_refused_at_its_first_character():
    """A file that cannot be read at all points at 1:1."""
    _, problems = read("a: " + "字" * 333_400)
    assert [(str(problem.mark), problem.sentence) for problem in problems.all] == [
        ("f.yaml:1:1", "the file is over 1 MB; split it")
    ]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"rule: \xff\xfe", "the file is not UTF-8; save it with the encoding UTF-8"),
        ("规则".encode("gb18030"), "the file is not UTF-8; save it with the encoding UTF-8"),
        (b"a" * 1_000_001, "the file is over 1 MB; split it"),
        (None, "the file cannot be read (No such file or directory)"),
    ],
)
def test_a_file_that_cannot_be_read_points_at_its_first_character(tmp_path, data, sentence):
    """Wrong encodings, monsters and missing files are problems, not tracebacks."""
    file = tmp_path / "a.yaml"
    if data is not None:
        file.write_bytes(data)
    problems = Problems()
    assert read_text(file, "a.yaml", problems) is None
    assert [(str(problem.mark), problem.sentence) for problem in problems.all] == [("a.yaml:1:1", sentence)]


def test_a_byte_order_mark_is_tolerated(tmp_path):
    """Windows editors put one in front of a file; positions do not count it."""
    file = tmp_path / "a.yaml"
    file.write_bytes(b"\xef\xbb\xbfrule: x\n")
    problems = Problems()
    node = load(read_text(file, "a.yaml", problems), "a.yaml", problems)
    assert (plain(node), node.entries[0][0].mark.column) == ({"rule": "x"}, 1)
    node, problems = read("\ufeffrule: x")
    assert (plain(node), node.get("rule").mark.column, problems.all) == ({"rule": "x"}, 7, [])


def test_without_the_c_library_the_sentences_are_the_same(monkeypatch):
    """Where libyaml is missing, the slower parser of PyYAML finds the same problems at the same places."""
    with_c = {slip: [problem.render() for problem in read(text)[1].all] for slip, (text, _, _) in SLIPS.items()}
    monkeypatch.setattr(yaml, "_Loader", pyyaml.SafeLoader)
    assert {slip: [p.render() for p in read(text)[1].all] for slip, (text, _, _) in SLIPS.items()} == with_c


YAML_LIKE = st.text(
    st.sampled_from(list("ab: -{}[],#\"'|>&*!%@`?\n\t\r~0。，：\u3000客é\u0301\U0001f600\x85\u2028\ufeff\x00=<")),
    max_size=80,
)
TEXT = st.one_of(
    YAML_LIKE,
    st.text(max_size=80),
    st.lists(
        st.sampled_from(
            [
                "rule",
                ": ",
                "\n",
                "  ",
                "- ",
                "{",
                "}",
                "[",
                "]",
                ", ",
                '"',
                "'",
                "text",
                " #",
                "1",
                "，",
                "：",
                "---",
                "|",
                "*a",
                "&a",
                "!t",
            ]
        ),
        max_size=30,
    ).map("".join),
)


@given(TEXT)
def test_any_text_gives_a_node_or_a_problem_with_a_place_in_the_file(text):
    """Whatever stands in a file, nothing is raised, and a problem lies within the file."""
    node, problems = read(text)
    assert node is not None or problems.errors
    lines = split_lines(text.removeprefix("\ufeff"))
    for problem in problems.all:
        assert 1 <= problem.mark.line <= len(lines)
        assert 1 <= problem.mark.column <= len(lines[problem.mark.line - 1]) + 1
        assert problem.render()


@given(st.dictionaries(st.text("abc客 ", min_size=1), st.text("ab客:，# '\"-\n", max_size=20), max_size=5))
def test_whatever_yaml_writes_is_read_back_as_it_was(content):
    """Texts survive a round trip through YAML, keys and values, with a position that shows their first character."""
    text = pyyaml.safe_dump(content, allow_unicode=True, default_style='"')
    node, problems = read(text)
    assert not problems.all
    assert plain(node) == content
    lines = split_lines(text)
    for key, value in node.entries:
        for scalar in (key, value):
            assert lines[scalar.mark.line - 1][scalar.mark.column - 1] == '"'


@given(st.integers(min_value=21, max_value=3000), st.sampled_from(["[", "{a: ", "- "]))
def test_nesting_is_bounded(depth, opening):
    """A file of brackets is a problem, never a stack that overflows."""
    _, problems = read(opening * depth)
    assert [problem.code for problem in problems.errors] == ["Y010"]


def test_a_mapping_is_read_by_its_keys():
    """A mapping gives its values by key and its keys in order."""
    node, _ = read("b: 1\na: 2")
    assert (list(node), node.get("a").value, node.get("c")) == (["b", "a"], "2", None)
