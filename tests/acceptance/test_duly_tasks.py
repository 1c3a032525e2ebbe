"""``duly tasks`` and ``duly task``: people see the calls that they have to make, and say what came of them."""

from __future__ import annotations

import pytest

from acceptance.command import duly
from acceptance.shop import NOON, shop

RULE = """\
rule: Buyers are called
owner: sales
watch: orders
where: [paid]
done: [shipped]
clock: paid_at
check: every 10m
steps:
  - {after: at once, call: customer, text: script}
"""


@pytest.fixture
def desk(tmp_path):
    """Give a shop in which Lin has one call to make."""
    desk = shop(tmp_path, RULE, **{"notifications/script.j2": "Ask {{ whom }} about order {{ order }}."})
    desk.start(NOON)
    desk.order(7, paid_at="2024-03-04 12:00:00")
    desk.run(NOON, NOON)
    return desk


def test_tasks_are_listed_and_done(desk):
    """The list names whom to call and what to say; a task that is done has gone from it."""
    listed = duly("tasks", "--home", desk.home)
    assert (listed.code, listed.err) == (0, "")
    assert "+8613900000007" in listed.out
    assert "1  Ask Li about order 7." in listed.out
    done = duly("task", "done", 1, "--outcome", "reached", "--by", "zhou", "--home", desk.home)
    assert (done.code, done.out) == (0, "Noted for task 1: reached.\n")
    assert duly("tasks", "--home", desk.home).out == "There is nothing to do.\n"
    assert [entry.detail for entry in desk.story(7, "late") if entry.event == "call"] == ["task 1, zhou: reached"]
    again = duly("task", "done", 1, "--outcome", "reached", "--home", desk.home)
    assert (again.code, again.err) == (1, "task 1 is done already\n")


def test_programs_read_the_tasks_of_one_person(desk):
    """With --json a person's tasks are a list of objects."""
    (task,) = duly("tasks", "lin", "--json", "--home", desk.home).json
    assert (task["task"], task["person"], task["name"], task["script"]) == (1, "lin", "Li", "Ask Li about order 7.")
    assert task["created_at"] == "2024-03-04T12:00:00+08:00"
    assert duly("tasks", "zhou", "--json", "--home", desk.home).json == []


@pytest.mark.parametrize(
    ("asked", "code", "said"),
    [
        (("tasks", "nobody"), 2, "there is no “nobody” in the directory; known: lin, op, wang, zhou\n"),
        (("task", "done", 9, "--outcome", "reached"), 1, "there is no task 9: “duly tasks” lists them\n"),
        (
            ("task", "done", 1, "--outcome", "fine"),
            2,
            "“fine” is no outcome; write reached, not reached or “call again at 16:00”\n",
        ),
    ],
)
def test_what_is_not_there_is_said(desk, asked, code, said):
    """A person, a task or an outcome that is none ends with a sentence."""
    done = duly(*asked, "--home", desk.home)
    assert (done.code, done.err) == (code, said)
