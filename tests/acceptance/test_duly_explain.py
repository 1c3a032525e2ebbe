"""``duly explain``: from a code to its meaning and its cure."""

from __future__ import annotations

import pytest

from acceptance.command import duly
from duly.cli import main
from duly.rules.problem import CODES


def test_a_code_is_explained_with_both_examples_and_the_cure():
    """Whoever sees Y007 learns what it is, what is wrong, and what to write instead; small letters do."""
    done = duly("explain", "y007")
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        "Y007  a duplicate key\n"
        "\n"
        "The same key stands twice, so one of its two values would be lost without a word.\n"
        "\n"
        "Wrong, in rules/orders/ship-within-72h.yaml:\n"
        "  where: [paid]\n"
        "  where: [shipped]\n"
        "\n"
        "Right, in rules/orders/ship-within-72h.yaml:\n"
        "  where: [paid, shipped]\n"
        "\n"
        "Delete one of the two, or join their values in one list.\n"
    )


def test_a_tab_can_be_seen():
    """The wrong example for a tab would else look like the right one."""
    assert "\n  →   hold: above 200 an hour\n" in duly("explain", "Y005").out


def test_an_unknown_code_is_met_with_the_one_that_was_meant(capsys):
    """A misspelt code is a slip of whoever typed it."""
    assert main.run(["explain", "P10"]) == 2
    assert capsys.readouterr().err == "there is no problem code “P10”: did you mean “P010”?\n"
    assert main.run(["explain", "shipping"]) == 2
    assert capsys.readouterr().err == "there is no problem code “shipping”: “duly explain” lists all\n"


@pytest.mark.parametrize("code", ["R005", "S001"])
def test_a_program_gets_the_same(code):
    """JSON holds what people read."""
    answer = duly("explain", code, "--json").json
    assert answer["code"] == code
    assert answer["title"] == CODES[code]
    assert set(answer) == {"code", "title", "means", "file", "wrong", "right", "cure"}


def test_without_a_code_all_are_listed():
    """Every code has its line, for people and for programs."""
    assert [line.split()[0] for line in duly("explain").out.splitlines()[1:] if line[0] != " "] == list(CODES)
    assert [each["code"] for each in duly("explain", "--json").json] == list(CODES)
