import unicodedata

import pytest

from duly.rules.problem import CODES, Mark, Problem, Problems, suggest

LINE = "  - {after: 1h, tell: custmer}"


def cells(text: str) -> int:
    """Tell how many cells of a terminal a text takes."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def test_a_problem_shows_place_code_sentence_line_caret_and_cure():
    """A problem is shown with everything a desk lead needs to mend it."""
    mark = Mark("rules/a.yaml", 3, 23)
    problem = Problem(mark, "R005", "unknown audience “custmer”", "did you mean “customer”?", source_line=LINE)
    assert problem.render() == (
        "rules/a.yaml:3:23: R005 unknown audience “custmer”; did you mean “customer”?\n"
        "    - {after: 1h, tell: custmer}\n"
        "                        ^"
    )


def test_a_warning_says_that_it_is_one():
    """A warning is not mistaken for an error."""
    assert Problem(Mark("a", 1, 1), "R013", "odd", severity="warning").render() == "a:1:1: R013 warning: odd"


@pytest.mark.parametrize("before", ["规则：", "규칙 ", "ＡＢ，", "e\u0301", "plain "])
def test_the_caret_stands_under_the_word_also_behind_wide_characters(before):
    """Chinese and Korean take two cells a character, combining accents none."""
    line = f"{before}wrong"
    shown = Problem(Mark("a", 1, len(before) + 1), "R004", "m", source_line=line).render().splitlines()
    width = cells(before) - sum(bool(unicodedata.combining(character)) for character in before)
    assert shown[2] == " " * (2 + width) + "^"


def test_a_long_line_is_cut_around_the_word():
    """A line of a thousand characters does not fill the terminal, and the caret still points at the word."""
    line = "x" * 700 + "wrong" + "y" * 700
    _, shown, caret = Problem(Mark("a", 1, 701), "R004", "m", source_line=line).render().splitlines()
    assert len(shown) < 130
    assert shown[caret.index("^") :].startswith("wrong")


def test_control_characters_of_a_file_do_not_reach_the_terminal():
    """A line with an escape sequence cannot repaint the screen of whoever checks the rules."""
    assert "\x1b" not in Problem(Mark("a", 1, 1), "Y004", "m", source_line="\x1b[2Jboo").render()


def test_problems_come_sorted_by_place_and_once_each():
    """The same problem found twice is shown once, and files are read from top to bottom."""
    problems = Problems()
    problems.lines("b", "one\ntwo")
    problems.add("R004", Mark("b", 2, 1), "later")
    problems.add("R004", Mark("b", 1, 2), "sooner")
    problems.add("R004", Mark("b", 2, 1), "later")
    problems.add("R013", Mark("a", 1, 1), "odd", warning=True)
    assert [(str(problem.mark), problem.source_line) for problem in problems.all] == [
        ("a:1:1", ""),
        ("b:1:2", "one"),
        ("b:2:1", "two"),
    ]
    assert [problem.message for problem in problems.errors] == ["sooner", "later"]
    assert problems.broken("b")
    assert not problems.broken("a")


def test_a_code_that_is_not_registered_is_our_own_mistake():
    """Every code is documented, so one that is not cannot be used."""
    with pytest.raises(KeyError, match="Z999"):
        Problems().add("Z999", Mark("a"), "m")


def test_codes_have_a_family_and_a_meaning():
    """The registry of codes reads as documentation."""
    assert all(code[0] in "YRVDCKTXPS" and len(code) == 4 and meaning for code, meaning in CODES.items())


def test_json_holds_what_a_program_needs():
    """Programs get the same facts as people, under plain names."""
    problem = Problem(Mark("a", 2, 3), "R004", "m", "c", source_line="l")
    assert problem.as_json() == {
        "path": "a",
        "line": 2,
        "column": 3,
        "code": "R004",
        "severity": "error",
        "message": "m",
        "cure": "c",
        "source": "l",
    }


@pytest.mark.parametrize(
    ("word", "cure"),
    [
        ("shiped", "did you mean “shipped”?"),
        ("Shipped", "did you mean “shipped”?"),
        ("out_of_stock", "did you mean “out of stock”?"),
        ("发货了", "did you mean “发货”?"),
        ("zebra", ""),
        ("", ""),
        ("x" * 5000, ""),
    ],
)
def test_a_misspelt_word_is_answered_with_the_nearest_known_one(word, cure):
    """Close words are offered, far ones are not, and a monster costs nothing."""
    assert suggest(word, ["shipped", "paid", "out of stock", "发货"]) == cure
