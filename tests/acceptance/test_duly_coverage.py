"""``duly coverage``: what was done in time, proved on the service database."""

from __future__ import annotations

import pytest

from acceptance.command import duly
from acceptance.shop import shop

RULE = """\
rule: Paid orders ship within 72 hours
owner: sales
watch: orders
where: [paid]
except: [cancelled]
done: [shipped]
clock: paid_at
due: 72h
check: every 10m
steps:
  - {late: at once, tell: manager of sales, text: hello}
cover: 60%
"""
AROUND = ("--since", "2024-03-04", "--until", "2024-03-08")


@pytest.fixture
def desk(tmp_path):
    """Give a shop whose orders were shipped in time, late, never, and nobody knows when."""
    made = shop(tmp_path, **{"rules/cover.yaml": RULE})
    made.order(1, paid_at="2024-03-04 00:00", shipped_at="2024-03-07 00:00")
    made.order(2, paid_at="2024-03-04 09:00", shipped_at="2024-03-07 09:01")
    made.order(3, paid_at="2024-03-05 09:00")
    made.order(4, paid_at="2024-03-05 09:00", shipped_at="sent")
    made.order(5, paid_at="2024-03-07 23:59", shipped_at="2024-03-08 09:00")
    made.order(6, paid_at="2024-03-08 00:00")
    made.order(7, paid_at="2024-03-03 23:59")
    made.order(8, paid_at="2024-03-05 09:00", cancelled=1)
    return made


def test_each_number_has_its_keys(desk):
    """Every record in the period counts once, the due instant itself is in time, and each number names its records."""
    done = duly("coverage", "cover", *AROUND, "--home", desk.home, "--json")
    counted = {
        name: done.json[name]["keys"] for name in ("in_time", "late", "undated", "open", "unreadable")
    }  # fmt: skip
    assert counted == {"in_time": [1, 5], "late": [2, 3], "undated": [], "open": [], "unreadable": [4]}
    assert (done.json["matched"], done.json["share"], done.json["met"]) == (5, 40.0, False)


def test_a_share_under_cover_ends_with_1(desk):
    """The rule's own `cover` decides about the exit code."""
    done = duly("coverage", "cover", *AROUND, "--home", desk.home)
    assert done.code == 1
    assert "40.00 % in time" in done.out
    assert "wanted: 60 %; not met" in done.out
    desk.write("rules/cover.yaml", RULE.replace("60%", "40%"))
    assert duly("coverage", "cover", *AROUND, "--home", desk.home).code == 0


def test_cover_of_a_fact_counts_only_those(desk):
    """`cover: 100% of FACT` is measured on the records that have the fact."""
    facts = "  big: o.amount > 50\n"
    vocabulary = desk.home / "config/vocabulary/orders.yaml"
    vocabulary.write_text(vocabulary.read_text(encoding="utf-8").replace("facts:\n", f"facts:\n{facts}"))
    desk.sql("update orders set amount = 100 where id in (1, 5)")
    desk.write("rules/cover.yaml", RULE.replace("60%", "100% of big"))
    done = duly("coverage", "cover", *AROUND, "--home", desk.home, "--json")
    assert (done.code, done.json["matched"], done.json["share"]) == (0, 2, 100.0)


def test_what_is_not_due_yet_counts_neither_way(desk):
    """An order that is not shipped and has time left is neither in time nor late."""
    desk.sql("update orders set paid_at = '2199-01-01 09:00' where id = 3")
    done = duly("coverage", "cover", "--since", "2198-01-01", "--until", "2199-12-31", "--home", desk.home, "--json")
    assert done.json["open"]["keys"] == [3]
    assert (done.code, done.json["share"]) == (0, None)


def test_done_without_a_time_proves_nothing(desk):
    """Where the vocabulary does not say when a fact became so, and the due time has passed, it is not proved."""
    vocabulary = desk.home / "config/vocabulary/orders.yaml"
    text = vocabulary.read_text(encoding="utf-8")
    vocabulary.write_text(
        text.replace("shipped: {sql: o.shipped_at is not null, at: o.shipped_at}", "shipped: o.shipped_at is not null")
    )
    done = duly("coverage", "cover", *AROUND, "--home", desk.home, "--json")
    assert (done.json["undated"]["keys"], done.json["share"]) == ([1, 2, 4, 5], 0.0)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("done: [shipped]\n", "", "cover has no “done”, so nobody can tell what was done: add “done: [FACT]”"),
        (
            "clock: paid_at",
            "clock: next day of CN",
            "cover counts from “next day of CN”, which is no time of the record: nothing to measure",
        ),
    ],
)
def test_a_rule_that_cannot_be_measured_says_why(desk, old, new, said):
    """Without `done`, or without a clock of the record's own, there is nothing to measure."""
    desk.write("rules/cover.yaml", RULE.replace(old, new))
    done = duly("coverage", "cover", *AROUND, "--home", desk.home)
    assert (done.code, done.err.strip()) == (1, said)


def test_times_are_checked(desk):
    """What is no time, and a period that ends before it begins, are refused."""
    done = duly("coverage", "cover", "--since", "Monday", "--home", desk.home)
    assert done.code == 2
    assert "“Monday” is no time: write it like “2026-11-23” or “2026-11-23 09:00”" in done.err.replace("\n", " ")
    assert duly("coverage", "cover", "--since", "2024-03-08", "--until", "2024-03-04", "--home", desk.home).code == 2
