"""The documentation is true: its files load, its commands run, and its reference names every key there is."""

from __future__ import annotations

import datetime as dt
import importlib.util
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from docs.pages import PAGES, REPOSITORY, Block, blocks
from duly.cli import main
from duly.demo.world import World
from duly.engine.assembly import assemble
from duly.engine.examples import run_examples
from duly.engine.plugins import load_plugins
from duly.ledger.ledger import Ledger
from duly.rules import (
    calendar_file,
    directory_file,
    example_file,
    noun_file,
    roundup_file,
    rule_file,
    settings,
    step_file,
)
from duly.rules.explanation import explanations
from duly.rules.model import AudienceKind, When
from duly.rules.problem import Problems
from duly.rules.snapshot import load_workspace
from duly.time.clock import SystemClock
from duly.time.duration import Duration
from duly.time.slot import Schedule

PATH = re.compile(r"# ((?:rules|config)/\S+\.yaml)")
BASE = (REPOSITORY / "rules/orders/ship-within-72h.yaml").read_text(encoding="utf-8").partition("examples:")[0]
STARTER = ("rules", "config", "notifications")


def starter(home: Path) -> Path:
    """Make a workspace of the starter pack."""
    for folder in STARTER:
        shutil.copytree(REPOSITORY / folder, home / folder)
    return home


@pytest.fixture(scope="module")
def tables():
    """Give what fills the reference."""
    spec = importlib.util.spec_from_file_location("tables", REPOSITORY / "docs/tables.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def reference(tables):
    """Give the reference as people read it."""
    return tables.on_page_markdown((REPOSITORY / "docs/reference.md").read_text(encoding="utf-8"))


def parts(text: str) -> dict[str, str]:
    """Take a rule apart into its keys."""
    found = re.split(r"^(?=\w)", text, flags=re.MULTILINE)
    return {part.partition(":")[0]: part for part in found if part and not part.startswith("#")}


def errors(home: Path, ids: list[str]) -> list[str]:
    """Load a workspace, and run the examples of some rules; return all that is wrong."""
    plugins = load_plugins()
    snapshot, problems = load_workspace(home, plugins.actions, plugins.channels)
    found = [problem.render() for problem in problems.errors]
    if snapshot is None:
        return found
    chosen = {id: bound for id, bound in snapshot.rules.items() if id in ids}
    assert chosen or not ids
    results = [one for bound in chosen.values() for one in run_examples(bound, snapshot, plugins)]
    return found + [one.problem.render() for one in results if one.problem]


@pytest.mark.parametrize("block", [b for b in blocks("yaml") if "vocabulary" not in b.page], ids=str)
def test_every_yaml_block_loads_and_its_examples_hold(block: Block, tmp_path):
    """A whole file is put where its first line says; some keys of a rule take the place of those of the first rule."""
    home = starter(tmp_path)
    named = PATH.match(block.text)
    if named is None:
        text = "".join({**parts(BASE), **parts(block.text)}.values())
        path = "rules/docs/block.yaml"
    else:
        text, path = block.text, named[1]
    (home / path).parent.mkdir(parents=True, exist_ok=True)
    (home / path).write_text(text, encoding="utf-8")
    is_rule = path.startswith("rules/")
    assert errors(home, [path.removeprefix("rules/").removesuffix(".yaml")] if is_rule else []) == []


def test_the_vocabulary_guide_makes_a_workspace_that_works(tmp_path, capsys):
    """Its settings, people, tables, noun, rule and words are one workspace, also for the database."""
    for block in blocks("yaml"):
        if "vocabulary" in block.page:
            file = tmp_path / PATH.match(block.text)[1]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
    shutil.copytree(REPOSITORY / "notifications/duly", tmp_path / "notifications/duly")
    words = tmp_path / "notifications/requests/late.en.j2"
    words.parent.mkdir(parents=True)
    (text,) = [block.text for block in blocks("text") if "vocabulary" in block.page]
    words.write_text(text, encoding="utf-8")
    (tables,) = [block.text for block in blocks("sql")]
    with closing(sqlite3.connect(tmp_path / "hotel.db")) as connection:
        connection.executescript(tables)
    assert main.run(["check", "--live", "--home", str(tmp_path)]) == 0, capsys.readouterr().out


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """Give a workspace with the demo's shop for a database, the rule that the guide writes, and an order for it.

    A daemon has looked once.
    """
    home = starter(tmp_path_factory.mktemp("desk") / "mydesk")
    now = SystemClock().now().replace(microsecond=0)
    shop = sa.create_engine(f"sqlite:///{home}/shop.db")
    World(shop, start=now, scale=0.02).create()
    paid = f"{now - dt.timedelta(hours=50) + dt.timedelta(hours=8):%Y-%m-%d %H:%M:%S}"
    with shop.begin() as connection:
        order = "insert into orders (id, customer_id, origin, kind, amount, currency, placed_at, paid_at) values "
        connection.execute(sa.text(order + "(1007, 1, 'web', 'stock', 1500, 'CNY', :paid, :paid)"), {"paid": paid})
    shop.dispose()
    (guide,) = [block.text for block in blocks("yaml") if PATH.match(block.text) and "ship-within-48h" in block.text]
    (home / PATH.match(guide)[1]).write_text(guide, encoding="utf-8")
    plugins = load_plugins()
    snapshot, _ = load_workspace(home, plugins.actions, plugins.channels)
    ledger = Ledger(f"sqlite:///{home}/duly.db")
    ledger.migrate()
    engine = assemble(snapshot, plugins, ledger, Problems())
    engine.load(snapshot, now)
    engine.tick(now)
    ledger.close()
    return home


def commands() -> list[str]:
    """List the commands of Duly that the pages show, each once."""
    lines = [line.partition("  #")[0].strip() for block in blocks("sh") for line in block.text.splitlines()]
    return sorted({line.removeprefix(".venv/bin/") for line in lines if re.match(r"(\.venv/bin/)?duly ", line)})


@pytest.mark.parametrize("line", commands())
def test_every_command_runs(line, desk, capsys, monkeypatch, tmp_path):
    """It is understood and comes to an end of its own; what goes on until it is stopped is only asked for its help."""
    words = line.split()[1:]
    if words[0] == "run":
        words = ["run", "--help"]
    monkeypatch.chdir(tmp_path if words[0] == "init" else desk)
    if "--home" in words:
        monkeypatch.chdir(desk.parent)
    code = main.run(words)
    assert code in {0, 1}, capsys.readouterr().err
    if code == 1:
        assert words[0] in {"status", "doctor"}, capsys.readouterr().err


def test_every_goal_of_make_that_the_pages_name_is_there():
    """No page sends anybody to a goal that the Makefile does not have."""
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    goals = {word for page in PAGES for word in re.findall(r"\bmake ([a-z-]+)\b(?= |`|$)", page.read_text("utf-8"))}
    named = {goal for block in blocks("sh") for goal in re.findall(r"^make ([a-z-]+)", block.text, re.MULTILINE)}
    assert named
    assert {goal for goal in named if f"\n{goal}:" not in makefile} == set()
    assert "demo" in goals


def test_every_key_of_a_rule_and_of_a_step_is_in_the_reference(tables, reference):
    """What the loader takes the reference names, and says what it is for."""
    plugins = load_plugins()
    wanted = [*rule_file._KEYS, *step_file._KEYS, "tell", *plugins.actions, *example_file._KEYS]
    wanted += [*roundup_file._KEYS, *roundup_file._SECTION_KEYS]
    assert [key for key in wanted if not re.search(rf"\b{key}[`:]", reference)] == []
    of_rule = [row for name in ("rule", "moments", "doings", "step", "roundup") for row in tables.TABLES[name]()]
    assert [row for row in of_rule if row.endswith("|  |")] == []


@pytest.mark.parametrize("file", [noun_file, directory_file, settings, calendar_file], ids=lambda file: file.__name__)
def test_every_key_of_the_other_files_is_in_the_reference(file, reference):
    """The vocabulary, the directory, the settings and the calendars have their tables, too."""
    wanted = [*file._KEYS, *getattr(file, "_PERSON_KEYS", ()), *getattr(file, "_TEAM_KEYS", ())]
    assert [key for key in wanted if f"{key}`" not in reference] == []


def test_every_way_to_say_when_and_who_is_in_the_reference(reference):
    """Each kind of moment and of audience has its line."""
    assert [when.value for when in When if f"`{when.value}`" not in reference] == []
    samples = {AudienceKind.NAME: "customer", AudienceKind.ROLE: "supervisor of"}
    assert [kind for kind in AudienceKind if f"{samples.get(kind, kind.value)}" not in reference] == []


def test_every_problem_code_is_in_the_reference(reference):
    """Each code has its own heading."""
    assert [code for code in explanations() if f"### {code}: " not in reference] == []


@pytest.mark.parametrize(("heading", "parse"), [("### Durations", Duration.parse), ("### Schedules", Schedule.parse)])
def test_every_duration_and_schedule_of_the_reference_can_be_read(heading, parse, reference):
    """The first column holds real spellings."""
    section = reference.partition(heading)[2].partition("\n#")[0]
    spelled = [one for row in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE) for one in re.findall("`(.*?)`", row)]
    assert len(spelled) >= 6
    for one in spelled:
        parse(one)


def test_the_pages_build_without_a_warning(tmp_path):
    """``make docs`` finds every link and every anchor."""
    pytest.importorskip("mkdocs", reason="the extra “docs” is not installed: make docs")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "R005" in (tmp_path / "reference.html").read_text("utf-8")
