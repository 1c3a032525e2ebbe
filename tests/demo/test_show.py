from __future__ import annotations

import io
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from duly.demo.show import Line, RuleRow, Show

NOW = datetime(2026, 9, 30, 2, 0, 5, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")
SHIPPING = RuleRow("Paid orders ship within 72 hours", 1412, 64, 390, 12, "10:10")


def shown(*lines, terminal, width=100, height=24, rules=(SHIPPING,), progress=None, reading=""):
    """Update a view once and give what it has written, without styles."""
    file = io.StringIO()
    console = Console(file=file, force_terminal=terminal, color_system=None, width=width, height=height)
    with Show(console, SHANGHAI, reading=reading) as show:
        show.update(NOW, {"opened": 2891, "failed": 0}, rules, lines, progress=progress)
    return file.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_it_shows_the_simulated_time_the_totals_and_each_rule(terminal):
    """Weekday and time stand in the shop's zone, totals and rules beside them, on a terminal and in a file."""
    text = shown(terminal=terminal, reading="/somewhere/messages")
    assert "Wed 30 Sep 2026  10:00" in text
    assert "2,891 opened" in text
    assert "Paid orders ship within 72 hours" in text
    assert "1,412" in text
    assert "10:10" in text
    assert "Read the messages in /somewhere/messages" in text


def test_without_a_terminal_each_happening_is_one_plain_line():
    """In a file or a pipe every happening is a line of its own, with its date, uncut and without control codes."""
    words = "王芳 by chat: " + "您好 " * 60
    text = shown(Line(NOW, "sent", words + "\nsecond line"), terminal=False)
    assert text.splitlines()[0] == f"2026-09-30 10:00:05 ➤ {words.strip()}"
    assert "second line" not in text
    assert "\x1b" not in text


def test_words_are_shown_as_they_are():
    """Brackets in a name are no markup, and a control code in it moves no cursor."""
    text = shown(Line(NOW, "sent", "[bold]Li\x1b[2J\x07 by sms"), terminal=False)
    assert "➤ [bold]Li [2J  by sms" in text


def test_what_the_shop_does_does_not_crowd_out_what_duly_does():
    """However much happens in the shop, Duly's own lines stay on the screen."""
    busy = [Line(NOW, "paid", f"order {number} paid") for number in range(500)]
    text = shown(Line(NOW, "sent", "王芳 by chat: 您好"), *busy, terminal=True)
    assert "王芳 by chat: 您好" in text
    assert "order 499 paid" in text
    assert "order 0 paid" not in text


def test_the_view_fits_the_screen():
    """With more to tell than there is room, the view is no taller than the terminal and no wider."""
    many = [Line(NOW, kind, "很长的话" * 60) for kind in ("sent", "paid") * 40]
    console = Console(file=io.StringIO(), force_terminal=True, color_system=None, width=80, height=24)
    show = Show(console, SHANGHAI, reading="/somewhere/messages")
    show.update(NOW, {"opened": 1}, [SHIPPING] * 4, many, progress=0.5)
    lines = console.render_lines(show._frame(), pad=False)
    assert len(lines) < 24
    assert max(sum(segment.cell_length for segment in line) for line in lines) <= 80


@pytest.mark.parametrize(("progress", "bars"), [(None, 0), (0.5, 1), (1.7, 1)])
def test_a_demo_with_an_end_shows_how_far_it_is(progress, bars):
    """There is a bar only when the demo has an end, also when it has run past it."""
    assert min(1, shown(terminal=True, progress=progress).count("━━━")) == bars


def test_a_view_that_heard_nothing_says_nothing_wrong():
    """Before the first update there is no time to show: the view says that the shop opens, a file stays empty."""
    for terminal, words in ((True, "The shop opens"), (False, "")):
        file = io.StringIO()
        with Show(Console(file=file, force_terminal=terminal), SHANGHAI):
            pass
        assert words in file.getvalue()
        assert terminal or not file.getvalue()
