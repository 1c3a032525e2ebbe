"""``duly facts``: the vocabulary, for people who read no SQL."""

from __future__ import annotations

import pytest

from acceptance.command import duly
from acceptance.shop import shop
from duly.cli import main
from engine.desk import ORDERS

REMARKED = "# What we know of an order.\n" + ORDERS.replace(
    "  cancelled: o.cancelled = 1\n", "  # by the buyer or by us\n  cancelled: o.cancelled = 1\n"
).replace("at: o.paid_at}\n", "at: o.paid_at}   # the money has come\n")


@pytest.fixture
def home(tmp_path):
    """Give a shop with three orders, two of them paid."""
    desk = shop(tmp_path, **{"config/vocabulary/orders.yaml": REMARKED})
    for id, paid_at in ((7, "2024-03-04 09:30:00"), (8, "2024-03-04 11:45:00"), (9, None)):
        desk.order(id, paid_at=paid_at)
    return tmp_path


def words(home, *arguments):
    """Return the words of orders by section and name."""
    answer = duly("facts", "orders", *arguments, "--home", home, "--json").json
    return answer, {(word["kind"], word["name"]): word for word in answer["words"]}


def test_every_noun_is_listed(home):
    """Without a noun, each has a line with the remark at the head of its file and its figures."""
    done = duly("facts", "--home", home)
    assert (done.code, done.err) == (0, "")
    assert [line.split() for line in done.out.splitlines()] == [
        ["noun", "what", "it", "is", "facts", "times", "fields", "rules"],
        ["orders", "What", "we", "know", "of", "an", "order.", "3", "2", "3", "1"],
    ]


def test_a_word_has_its_remark_and_its_rules(home):
    """What a fact means is the remark beside it, else its SQL; a rule that uses it is named."""
    said = [" ".join(line.split()) for line in duly("facts", "order", "--home", home).out.splitlines()]
    assert said[:2] == ["orders", "What we know of an order."]
    assert "paid the money has come late" in said
    assert "cancelled by the buyer or by us late" in said
    assert "shipped o.shipped_at is not null late" in said
    assert "placed_at o.placed_at" in said
    assert "customer somebody outside: name, phone, email, chat, zone" in said


def test_every_way_to_use_a_word_counts(home):
    """Conditions, the clock, audiences, limits and the words of templates are all uses."""
    rule = home / "rules/late.yaml"
    text = rule.read_text(encoding="utf-8").replace("tell: manager of sales", "tell: customer")
    rule.write_text(text.replace("where: [paid]", "where: [amount >= 5]"), encoding="utf-8")
    _, found = words(home)
    used = {key for key, word in found.items() if word["used_by"] == ["late"]}
    assert used == {
        ("facts", "cancelled"),
        ("facts", "shipped"),
        ("times", "paid_at"),
        ("fields", "amount"),
        ("fields", "order"),
        ("people", "customer"),
    }


def test_live_counts_facts_and_shows_examples(home):
    """The source says for how many records a fact holds, and what a field looks like."""
    answer, found = words(home, "--live")
    assert answer["records"] == 3
    assert [found["facts", fact]["now"] for fact in ("paid", "shipped", "cancelled")] == [2, 0, 0]
    assert found["times", "paid_at"]["now"].startswith("2024-03-04 ")
    assert found["fields", "customer"]["now"] == "Li"
    assert found["people", "customer"]["now"] is None
    said = [" ".join(line.split()) for line in duly("facts", "orders", "--live", "--home", home).out.splitlines()]
    assert said[0] == "orders: 3 orders"
    assert "paid 2 the money has come late" in said


def test_a_source_that_is_down_is_one_sentence(home, capsys):
    """Without its database a noun has no figures, and the command says why."""
    (home / "shop.db").unlink()
    assert main.run(["facts", "orders", "--live", "--home", str(home)]) == 1
    assert capsys.readouterr().err == (
        "the source “shop” cannot be reached: see sources.shop.url in config/duly.yaml\n"
    )


def test_an_unknown_noun_is_met_with_the_one_that_was_meant(home, capsys):
    """A misspelt noun is a slip of whoever typed it; a broken one is not unknown."""
    assert main.run(["facts", "oders", "--home", str(home)]) == 2
    assert capsys.readouterr().err == "there is no noun “oders”: did you mean “orders”?\n"
    (home / "config/vocabulary/orders.yaml").write_text("noun: orders\n", encoding="utf-8")
    assert main.run(["facts", "orders", "--home", str(home)]) == 1
    assert capsys.readouterr().err == "the vocabulary of “orders” has errors: “duly check” shows them\n"
