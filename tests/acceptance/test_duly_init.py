"""``duly init``: a workspace that works, and never over somebody's files."""

from __future__ import annotations

from acceptance.command import REPOSITORY, duly

PARTS = ("config", "notifications", "rules")


def files_below(folder, *parts):
    """Name the files of the given folders, with their contents."""
    paths = (path for part in parts for path in (folder / part).rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_init_makes_the_starter_pack_and_says_what_comes_next(tmp_path):
    """The new workspace has the starter pack's very files, and the next steps begin in it."""
    desk = tmp_path / "new desk"
    done = duly("init", desk)
    assert done.code == 0
    assert files_below(desk, *PARTS) == files_below(REPOSITORY, *PARTS)
    assert sorted(path.name for path in desk.iterdir()) == sorted(PARTS)
    assert f"  cd '{desk}'\n" in done.out
    for command in ("duly check", "duly preview orders/ship-within-72h", "duly run"):
        assert f"  {command} " in done.out


def test_init_takes_an_empty_folder_that_is_there(tmp_path):
    """An empty folder, such as the current one, becomes the workspace."""
    assert duly("init", ".", cwd=tmp_path).code == 0
    assert (tmp_path / "config" / "duly.yaml").is_file()


def test_init_leaves_a_folder_with_files_alone(tmp_path):
    """A folder that is not empty is refused in one sentence, and nothing in it changes."""
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    done = duly("init", tmp_path)
    assert (done.code, done.out) == (2, "")
    assert done.err == f"{tmp_path} is not empty: name a new folder for the workspace, or empty this one\n"
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_init_refuses_a_file(tmp_path):
    """A file is no folder."""
    (tmp_path / "desk").write_text("", encoding="utf-8")
    done = duly("init", tmp_path / "desk")
    assert (done.code, done.err) == (2, f"{tmp_path}/desk is a file: name a folder for the workspace\n")


def test_init_says_why_a_folder_cannot_be_made(tmp_path):
    """What the system refuses is said in one sentence."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    done = duly("init", tmp_path / "file" / "desk")
    assert done.code == 1
    assert done.err == f"{tmp_path}/file/desk cannot be made: Not a directory; name another folder\n"
