from __future__ import annotations

import io
import json
import logging
import re
import sys
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from daemon.eventually import eventually
from duly.daemon import log

PHONE = "+8613912345678"
MAIL = "li@home.example"


class Terminal(io.StringIO):
    """Standard error that somebody watches."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.fixture(params=["file", "terminal"])
def written(request, monkeypatch):
    """Give what the log writes, once for programs and once for people."""
    return listen(monkeypatch, Terminal() if request.param == "terminal" else io.StringIO())


@pytest.fixture
def lines(monkeypatch):
    """Give what the log writes for programs, a mapping a line."""
    read = listen(monkeypatch, io.StringIO())
    return lambda: [json.loads(line) for line in read().splitlines()]


def listen(monkeypatch, stream):
    """Have the log written to a stream; return what reads it."""
    monkeypatch.setattr(log, "sys", SimpleNamespace(stderr=stream, exc_info=sys.exc_info))
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    log.configure()
    return stream.getvalue


def broken_by(record):
    """Break in the middle of a record, with its address among the variables and in the message."""
    phone = record["phone"]
    raise ValueError(f"{phone} cannot be called")


def test_the_log_is_json_when_nobody_watches(lines):
    """A program reads one mapping a line: the level, the instant in UTC, the event, ids."""
    structlog.get_logger().info("checked", rule="orders/late", opened=3)
    (line,) = lines()
    assert (line["event"], line["level"], line["rule"], line["opened"]) == ("checked", "info", "orders/late", 3)
    assert line["timestamp"].endswith("Z")


def test_the_log_is_for_people_on_a_terminal(monkeypatch):
    """Whoever watches reads words, not JSON."""
    read = listen(monkeypatch, Terminal())
    structlog.get_logger().info("checked", rule="orders/late")
    assert "checked" in read()
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(read())


def test_a_quiet_log_says_only_what_is_wrong(monkeypatch):
    """A command that shows things itself is not talked over."""
    read = listen(monkeypatch, io.StringIO())
    log.configure(quiet=True)
    structlog.get_logger().info("checked")
    structlog.get_logger().warning("held_after_outage")
    assert [json.loads(line)["event"] for line in read().splitlines()] == ["held_after_outage"]


def test_an_exception_shows_where_and_what_but_no_record(written):
    """The type and the lines are enough to find a bug; neither message nor variables leave the process."""
    record = {"phone": PHONE, "email": MAIL}
    try:
        try:
            broken_by(record)
        except ValueError as error:
            raise KeyError(record["email"]) from error
    except KeyError:
        structlog.get_logger().exception("work_failed", work="ladder")
    said = written()
    assert PHONE not in said
    assert MAIL not in said
    assert "ValueError" in said
    assert "KeyError" in said
    assert "in broken_by" in said
    assert "work_failed" in said


def test_an_sqlalchemy_error_leaks_no_parameters(written):
    """A statement that fails holds what it was given; the log has its type, and where it was run."""
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection, pytest.raises(sa.exc.OperationalError, match=re.escape(PHONE)) as raised:
        connection.execute(sa.text("select * from customers where phone = :phone"), {"phone": PHONE})
    engine.dispose()
    structlog.get_logger().error("work_failed", exc_info=raised.value)
    said = written()
    assert PHONE not in said
    assert "OperationalError" in said
    assert "test_log.py" in said


def test_what_libraries_log_is_ours_without_its_values(written):
    """A library's warning keeps its pattern and its name, and loses what was put into it."""
    logging.getLogger("connections").warning("Retrying %s after %r", f"/send?to={PHONE}", OSError(MAIL))
    logging.getLogger("somebody").warning(f"to {MAIL}")  # noqa: G004 - as libraries do
    said = written()
    assert PHONE not in said
    assert MAIL not in said
    assert "Retrying %s after %r" in said
    assert "connections" in said
    assert "somebody" in said


def test_a_job_that_breaks_is_logged_like_everything_else(lines):
    """APScheduler's complaint of a job is a line of the log, without the words of the exception."""
    scheduler = BackgroundScheduler()
    scheduler.add_job(broken_by, args=[{"phone": PHONE}])
    scheduler.start()
    (line,) = eventually(lines)
    scheduler.shutdown()
    assert line["level"] == "error"
    assert line["exception"].endswith("ValueError")
    assert PHONE not in json.dumps(lines())


def test_configuring_twice_logs_once(lines):
    """A command within a command does not double the log."""
    log.configure()
    logging.getLogger("somebody").warning("once %s", "only")
    assert len(lines()) == 1
