"""The command itself: help, versions, workspaces, and how it ends."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import click
import pytest

import duly as package
from acceptance.command import duly
from duly.cli import main, starter

UNKNOWN_LEDGER = (
    "the ledger’s kind of database cannot be used here: install its driver, or correct ledger.url in config/duly.yaml\n"
)


def test_help_names_every_command_and_what_it_does():
    """``duly --help`` lists the commands, each with a line."""
    said = duly("--help").out
    for name, does in main.COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(does)}$", said, re.MULTILINE)


@pytest.mark.parametrize("name", main.COMMANDS)
def test_each_command_explains_itself(name, capsys):
    """The help of each command says how it is called, and what its options do."""
    assert main.run([name, "--help"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"Usage: duly {name}")
    command = getattr(import_module(f"duly.cli.{name}"), name)
    assert all(option.help for option in command.params if isinstance(option, click.Option))


def test_help_does_not_import_the_engine():
    """``duly --help`` comes at once, since nothing is imported that it does not need."""
    assert not {"duly.engine.engine", "apscheduler", "jinja2"} & set(imported_by("--help"))


def imported_by(argument: str) -> list[str]:
    """List the modules that a command has imported when it ends."""
    lines = duly(argument, PYTHONPROFILEIMPORTTIME="1").err.splitlines()
    return [line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")]


def test_the_version_is_the_packages():
    """``duly --version`` says what is installed."""
    assert duly("--version").out == f"duly {package.__version__}\n"


def test_an_unknown_command_is_a_slip_of_whoever_typed_it():
    """A misspelt command ends with 2, names it, and says where help is."""
    done = duly("chek")
    assert done.code == 2
    assert "No such command 'chek'" in done.err
    assert "duly --help" in done.err


@pytest.mark.parametrize(
    "arguments", [["check"], ["status"], ["preview", "r"], ["why", "r", "1"], ["release", "r"], ["run"]]
)
def test_a_folder_that_is_no_workspace_is_said_in_one_sentence(arguments, tmp_path, capsys):
    """Every command that needs a workspace names the folder and the cure."""
    assert main.run([*arguments, "--home", str(tmp_path)]) == 1
    assert capsys.readouterr().err == (
        f"{tmp_path} is no workspace, for it has no config/duly.yaml: "
        "make one with “duly init DIR”, or name yours with --home\n"
    )


def test_the_workspace_is_named_after_or_before_the_command_or_by_the_environment(tmp_path):
    """``--home`` counts on either side; after the command it wins; else DULY_HOME does; else the current folder."""
    for name in "abcd":
        (tmp_path / name).mkdir()
    a, b, c, d = (tmp_path / name for name in "abcd")
    named = [
        (duly("--home", a, "status", "--home", b, cwd=d, DULY_HOME=str(c)), b),
        (duly("--home", a, "status", cwd=d, DULY_HOME=str(c)), a),
        (duly("status", cwd=d, DULY_HOME=str(c)), c),
        (duly("status", cwd=d), d),
    ]
    for done, home in named:
        assert done.err.startswith(f"{home} is no workspace")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite:///notes.txt", "the ledger is no sound SQLite file: see ledger.url in config/duly.yaml\n"),
        (
            "postgresql+psycopg://127.0.0.1:1/none",
            "the ledger cannot be reached: see ledger.url in config/duly.yaml\n",
        ),
        (
            "mysql+nodriver://db.example/none",
            UNKNOWN_LEDGER,
        ),
    ],
)
@pytest.mark.parametrize("command", [["status"], ["why", "orders/unpaid-reminder", "1"], ["run"]])
def test_a_ledger_that_cannot_be_used_is_said_in_one_sentence(command, url, said, workspace, capsys):
    """Whatever is wrong with Duly's own database is told with its place in the settings, never as our bug."""
    (workspace / "notes.txt").write_text("This is no database, and long enough to be told from one.", encoding="utf-8")
    settings = workspace / "config/duly.yaml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("sqlite:///duly.db", url), encoding="utf-8")
    assert main.run([*command, "--home", str(workspace)]) == 1
    assert capsys.readouterr().err == said


def test_a_bug_of_ours_ends_with_3_and_a_file_with_what_happened(monkeypatch, tmp_path, capsys):
    """An exception nobody expected is one sentence on the screen; the traceback lies in the file that it names."""
    monkeypatch.setattr(starter, "_starter", lambda: 1 / 0)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert main.run(["init", str(tmp_path / "desk")]) == 3
    said = capsys.readouterr().err
    log = re.search(r"please report it with (\S+),", said)
    assert said.startswith("Duly broke with ZeroDivisionError, which is our bug")
    assert said.count("\n") == 1
    assert "ZeroDivisionError: division by zero" in Path(log[1]).read_text(encoding="utf-8")


def test_an_interrupted_command_ends_with_130(monkeypatch, tmp_path):
    """Ctrl-C ends a command as shells expect it."""

    def interrupt() -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(starter, "_starter", interrupt)
    assert main.run(["init", str(tmp_path / "desk")]) == 130
