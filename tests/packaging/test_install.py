"""Duly as others get it: the wheel, the source archive, and an editable install of a checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

import duly

REPOSITORY = Path(__file__).resolve().parents[2]
STARTER = ("config", "notifications", "rules")
UNTRACKED = shutil.ignore_patterns(".git", ".venv*", ".*_cache", ".hypothesis", "__pycache__", "build", "dist")

pytestmark = [pytest.mark.packaging, pytest.mark.timeout(600)]


def run(*command: object, home: Path) -> str:
    """Run a program in `home`, out of reach of this checkout; return what it printed, fail with it otherwise."""
    kept = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "DULY_HOME"}}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=home,
        env=kept,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def environment(folder: Path) -> Path:
    """Make an empty virtual environment in `folder`; return its folder of programs."""
    venv.create(folder, with_pip=True)
    return folder / "bin"


def install(programs: Path, *what: object, home: Path) -> None:
    """Install with the versions that are pinned."""
    pinned = ("-c", REPOSITORY / "constraints.txt")
    run(programs / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check", *pinned, *what, home=home)


def files_below(folder: Path, *parts: str) -> set[str]:
    """Name the files of the given folders, relative to `folder`."""
    return {
        path.relative_to(folder).as_posix()
        for part in parts
        for path in (folder / part).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """Copy this checkout, so that nothing is built or installed in it."""
    copy = tmp_path_factory.mktemp("checkout") / "duly"
    shutil.copytree(REPOSITORY, copy, ignore=UNTRACKED)
    return copy


@pytest.fixture(scope="module")
def built(checkout, tmp_path_factory):
    """Build the source archive, and the wheel from it; return both."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, checkout, home=folder)
    (archive,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return archive, wheel


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    """Install the wheel into a clean environment; return its folder of programs."""
    folder = tmp_path_factory.mktemp("installed")
    programs = environment(folder / "venv")
    install(programs, built[1], home=folder)
    return programs


def test_the_wheel_holds_the_package_the_plugins_and_the_starter_pack(built):
    """The wheel has each file of the source roots at its importable place, the starter pack under duly, no more."""
    with zipfile.ZipFile(built[1]) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    importable = files_below(REPOSITORY / "scheduler", ".") | files_below(REPOSITORY / "plugins", ".")
    assert names == importable | {f"duly/_starter/{name}" for name in files_below(REPOSITORY, *STARTER)}


def test_the_source_archive_holds_what_a_maintainer_needs(built):
    """The source archive can be tested and built: sources, tests, starter pack, pins and licence are in it."""
    with tarfile.open(built[0]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    needed = files_below(REPOSITORY, "scheduler", "plugins", "tests", *STARTER)
    needed |= {"pyproject.toml", "constraints.txt", "Makefile", "README.md", "CHANGELOG.md", "LICENSE"}
    assert needed - names == set()
    assert not {name for name in names if name.startswith((".venv", ".git/")) or "__pycache__" in name}


def test_the_wheel_starts_a_workspace_that_passes_its_check(installed, tmp_path):
    """`duly init` and `duly check` of an installed wheel make a workspace without problems."""
    run(installed / "duly", "init", tmp_path / "desk", home=tmp_path)
    assert files_below(tmp_path / "desk", *STARTER) == files_below(REPOSITORY, *STARTER)
    run(installed / "duly", "check", "--home", tmp_path / "desk", home=tmp_path)


def test_the_wheel_carries_the_version_of_the_package(installed, tmp_path):
    """The distribution and the imported package agree on the version."""
    ask = "import duly, importlib.metadata as m; print(m.version('duly'), duly.__version__)"
    assert run(installed / "python", "-c", ask, home=tmp_path).split() == [duly.__version__, duly.__version__]


def test_the_wheel_offers_its_plugins(installed, tmp_path):
    """Each shipped plugin is found through its entry point and can be imported."""
    ask = "import importlib.metadata as m; print(*sorted(e.load().__name__ for e in m.entry_points(group='duly')))"
    plugins = sorted(folder.name for folder in (REPOSITORY / "plugins").iterdir() if (folder / "__init__.py").exists())
    assert run(installed / "python", "-c", ask, home=tmp_path).split() == plugins


def test_an_editable_install_starts_a_workspace_from_the_checkout(checkout, tmp_path):
    """Installed editable, `duly` runs the checkout's code, and `duly init` copies the checkout's folders."""
    programs = environment(tmp_path / "venv")
    install(programs, "hatchling", "editables", home=tmp_path)
    install(programs, "--no-build-isolation", "-e", checkout, home=tmp_path)
    where = run(
        programs / "python", "-c", "import duly, duly_file; print(duly.__file__, duly_file.__file__)", home=tmp_path
    )
    assert where.split() == [f"{checkout}/scheduler/duly/__init__.py", f"{checkout}/plugins/duly_file/__init__.py"]
    run(programs / "duly", "init", tmp_path / "desk", home=tmp_path)
    run(programs / "duly", "check", "--home", tmp_path / "desk", home=tmp_path)
    assert files_below(tmp_path / "desk", *STARTER) == files_below(REPOSITORY, *STARTER)
