"""The ``file`` channel."""

import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import duly
import duly_file

MESSAGE = duly.Message(id="17-2", to="lin", text="您好\n订单 1007", subject="延误\r\nTo: x", name="林", lang="zh")


@pytest.fixture
def channel(tmp_path, http):
    """Make the channel in an empty workspace."""
    return duly_file.File(duly_file.File.Config(folder="out/chat"), http, tmp_path)


def test_a_message_can_be_opened_and_read(channel, tmp_path):
    """The file says whom it is to, then the words, in UTF-8; no field spills into the next."""
    assert channel.send(MESSAGE) == duly.Accepted("17-2.txt")
    written = (tmp_path / "out/chat/17-2.txt").read_text(encoding="utf-8")
    assert written == "To: lin\nName: 林\nSubject: 延误 To: x\nLang: zh\n\n您好\n订单 1007\n"


def test_the_same_message_is_the_same_file(channel, tmp_path):
    """A message sent twice, also from several threads at once, is there once, and nothing else is."""
    threads = [threading.Thread(target=channel.send, args=(MESSAGE,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert channel.idempotent
    assert [path.name for path in (tmp_path / "out/chat").iterdir()] == ["17-2.txt"]


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.text(st.characters(exclude_categories=["Cs"])))
def test_no_id_leaves_the_folder(one, other):
    """Whatever the id, its file is a visible name in the folder, and different ids are different files."""
    name = duly_file._file_name(one)
    assert Path(name).name == name
    assert name.isascii()
    assert len(name) <= 255
    assert (duly_file._file_name(other) == name) == (one == other)


def test_a_folder_that_cannot_be_written_takes_the_channel_down(channel, tmp_path):
    """A person has to make room; nothing half-written stays."""
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(duly.ChannelDown, match="the folder out/chat cannot be written: "):
        channel.send(MESSAGE)


def test_a_file_that_cannot_be_finished_leaves_nothing(channel, tmp_path, monkeypatch):
    """When the last step fails there is no message and no remains."""

    def full(*_) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(duly.ChannelDown, match="No space left on device"):
        channel.send(MESSAGE)
    assert list((tmp_path / "out/chat").iterdir()) == []
