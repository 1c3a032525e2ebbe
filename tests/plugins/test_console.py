"""The ``console`` channel."""

import io
import sys

import pytest

import duly
import duly_console


@pytest.fixture
def channel(http):
    """Make the channel."""
    return duly_console.Console(duly_console.Console.Config(), http)


def test_a_message_is_one_line(channel, capsys):
    """Name, address, subject and words stand in one line."""
    message = duly.Message(id="1", to="lin", text="您好\n订单 1007\n", subject="延误", name="林")
    assert channel.send(message) == duly.Accepted()
    assert capsys.readouterr().out == "林 <lin> | 延误 | 您好 / 订单 1007\n"


def test_what_is_missing_leaves_no_gap(channel, capsys):
    """Without name and subject the line is address and words."""
    channel.send(duly.Message(id="1", to="lin", text="x"))
    assert capsys.readouterr().out == "lin | x\n"


@pytest.mark.parametrize("evil", ["\x1b[2J", "\r", "\n", "\x85", "\u2028", "\a"])
def test_no_message_moves_the_cursor(channel, capsys, evil):
    """A name with terminal codes in it forges no line and clears no screen."""
    channel.send(duly.Message(id="1", to="lin", text=f"a{evil}b", name=f"x{evil}y", subject=f"s{evil}t"))
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert out.endswith("\n")
    assert evil not in out[:-1]


def test_an_output_without_chinese_shows_codes(channel, monkeypatch):
    """Where the terminal's encoding lacks the letters, their codes are shown."""
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    assert channel.send(duly.Message(id="1", to="lin", text="您")) == duly.Accepted()
    assert raw.getvalue() == b"lin | \\u60a8\n"


class Gone(io.StringIO):
    """An output whose reader has left."""

    def write(self, _) -> int:
        """Break."""
        raise BrokenPipeError


closed = io.StringIO()
closed.close()


@pytest.mark.parametrize("stdout", [closed, None, Gone()])
def test_a_closed_output_keeps_the_message(channel, monkeypatch, stdout):
    """Nobody reads: nothing breaks, and the message is not taken for delivered."""
    monkeypatch.setattr(sys, "stdout", stdout)
    assert channel.send(duly.Message(id="1", to="lin", text="x")) == duly.Retry("standard output is closed")
