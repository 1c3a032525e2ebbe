"""Every problem code is explained, and what its explanation shows is true."""

from __future__ import annotations

import re
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import sqlalchemy as sa

from duly.demo.schema import metadata
from duly.engine import sql_explain
from duly.engine.assembly import assemble
from duly.engine.closer_look import look_closer
from duly.engine.examples import run_examples
from duly.engine.plugins import load_plugins
from duly.engine.source import SourceDown
from duly.ledger.ledger import Ledger
from duly.rules.explanation import Explanation, explanations
from duly.rules.problem import CODES, Mark, Problem
from duly.rules.snapshot import load_workspace
from duly.time.clock import SystemClock
from repository import REPOSITORY

KEPT = re.compile(r"config/(duly|directory|vocabulary/orders|calendars/.*)\.yaml|(rules|notifications)/orders/.*")
"""What of the starter pack the explanations speak of."""
_KEY = re.compile(r"^(?! )[^#\n]+?:(?= |\n|$)", re.MULTILINE)


def unreadable(home: Path, each: Explanation, words: str) -> None:
    """Y001 is a file that cannot be opened: a link to nothing."""
    file = home / each.path
    if words == each.wrong:
        file.unlink()
        file.symlink_to(home / "nowhere")


def large(home: Path, each: Explanation, words: str) -> None:
    """Y002 is a file of more than 1 MB."""
    if words == each.wrong:
        (home / each.path).write_text("# long\n" * 160_000, encoding="utf-8")


def encoded(home: Path, each: Explanation, words: str) -> None:
    """Y003 is a file in another encoding."""
    text, _, name = words.removesuffix(")").partition(" (saved as ")
    lines = (home / each.path).read_text(encoding="utf-8").splitlines()
    (home / each.path).write_text("\n".join([text, *lines[1:]]), encoding=name)


def named(home: Path, _: Explanation, words: str) -> None:
    """T004 is about the name of a file."""
    (home / words).write_text("Order {{ order }} is late.", encoding="utf-8")


SPECIAL = {"Y001": unreadable, "Y002": large, "Y003": encoded, "T004": named}


def overlay(file: Path, words: str) -> None:
    """Put the keys of ``words`` into a file, in place of those that it has."""
    keys = {key.group().rstrip(":") for key in _KEY.finditer(words)}
    kept, skips = [], False
    for line in file.read_text(encoding="utf-8").splitlines():
        found = _KEY.match(line)
        if found:
            skips = found.group().rstrip(":") in keys
        if not skips and not line.startswith("#"):
            kept.append(line)
    file.write_text("\n".join([*kept, words, ""]), encoding="utf-8")


def write(home: Path, each: Explanation, words: str) -> None:
    """Bring an example into the workspace."""
    for path, text in each.beside.items():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text(text, encoding="utf-8")
    if each.code in SPECIAL:
        SPECIAL[each.code](home, each, words)
    elif each.path == "config/directory.yaml":
        people = "" if "people:" in words else "people: {wang: {name: Grace Wang}}\n"
        head = "zone: Asia/Shanghai\ncalendar: CN\nlevels: [supervisor]\n"
        (home / each.path).write_text(head + people + words, encoding="utf-8")
    elif each.whole or each.path.endswith(".j2"):
        (home / each.path).parent.mkdir(parents=True, exist_ok=True)
        (home / each.path).write_text(words, encoding="utf-8")
    else:
        overlay(home / each.path, words)


def look(home: Path, code: str) -> set[tuple[str, str]]:
    """Return path and code of every problem: of the files, of examples for X010, of the source for its own codes."""
    plugins = load_plugins()
    snapshot, problems = load_workspace(home, plugins.actions, plugins.channels)
    for bound in snapshot.rules.values() if snapshot and code == "X010" else ():
        problems.extend(result.problem for result in run_examples(bound, snapshot, plugins) if result.problem)
    if snapshot and code.startswith("S"):
        sources = assemble(snapshot, plugins, Ledger("sqlite://"), problems).house.sources
        for bound in snapshot.rules.values():
            problems.extend(probe(sources[bound.noun.source], bound))
            if not problems.errors:
                problems.extend(look_closer(sources[bound.noun.source], bound, SystemClock().now()))
    return {(problem.mark.path, problem.code) for problem in problems.all}


def probe(source, bound) -> list[Problem]:
    """Ask a source for the words of a rule."""
    try:
        return source.probe(bound.plan, SystemClock().now())
    except SourceDown as down:
        return [Problem(Mark("config/duly.yaml"), "S001", str(down))]


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """Give what the explanations speak of, without examples."""
    for folder in ("config", "rules", "notifications"):
        for file in (REPOSITORY / folder).rglob("*"):
            path = file.relative_to(REPOSITORY)
            if file.is_file() and KEPT.fullmatch(path.as_posix()):
                (tmp_path / path.parent).mkdir(parents=True, exist_ok=True)
                text = file.read_text(encoding="utf-8")
                text = text if folder != "rules" else text.partition("\nexamples:")[0] + "\n"
                (tmp_path / path).write_text(text, encoding="utf-8")
    return tmp_path


def open_shop(home: Path) -> None:
    """Make the shop's database, with two customers and an order."""
    shop = sa.create_engine(f"sqlite:///{home}/shop.db")
    metadata.create_all(shop, [metadata.tables["customers"], metadata.tables["orders"]])
    with shop.begin() as connection:
        connection.execute(sa.text("insert into customers (id, name) values (1, 'Li'), (2, 'Kim')"))
        columns = "id, customer_id, kind, placed_at, paid_at, cancelled_at, buyer_asked_at"
        order = sa.text(f"insert into orders ({columns}) values (:id, 1, :kind, :at, :at, :cancelled, :asked)")
        day = "2024-03-04 09:00:00"
        for id, (kind, cancelled, asked) in enumerate(
            [("plain", None, None), ("presale", None, None), ("virtual", day, None), ("plain", None, day)]
        ):
            connection.execute(order, {"id": id, "kind": kind, "at": day, "cancelled": cancelled, "asked": asked})
    shop.dispose()


def test_every_code_is_explained():
    """Whoever sees a code can ask for it; and nothing is explained that does not happen."""
    assert list(explanations()) == list(CODES)


# P010 needs a plugin that is installed, K013 hangs on the day on which one asks.
CASES = [(code, kind) for code in CODES if code not in {"P010", "K013"} for kind in ("wrong", "right")]


@pytest.mark.parametrize(("code", "kind"), CASES)
def test_a_wrong_example_raises_its_code_and_a_right_one_raises_nothing(code, kind, desk, monkeypatch):
    """What people are told to write works, and what they are told not to write is refused under this very code."""
    each = explanations()[code]
    if code.startswith("S"):
        open_shop(desk)
        monkeypatch.setattr(sql_explain, "LARGE", 1)
    write(desk, each, getattr(each, kind))
    found = look(desk, code)
    if kind == "wrong":
        assert code in {code for _, code in found}
    else:
        assert {(path, said) for path, said in found if path == each.path or said == code} == set()


def test_the_plugin_of_the_example_is_left_out_and_mended(tmp_path, monkeypatch):
    """A plugin that imports what is not there is left out; one with a hook is taken."""
    each = explanations()["P010"]
    monkeypatch.syspath_prepend(tmp_path)
    for name, words, left_out in (("acme_wrong", each.wrong, 1), ("acme_right", each.right, 0)):
        (tmp_path / f"{name}.py").write_text(words, encoding="utf-8")
        entries = [EntryPoint(name, name, "duly")]
        monkeypatch.setattr("duly.engine.plugins.entry_points", lambda group, entries=entries: entries)
        assert len(load_plugins().quarantined) == left_out
