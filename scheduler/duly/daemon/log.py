"""The log: JSON when nobody watches, readable on a terminal; ids only, never addresses or secrets."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator

import structlog
from structlog.typing import EventDict, Processor


def configure(*, quiet: bool = False) -> None:
    """Send Duly's log to standard error, and with it what libraries complain of.

    Parameters
    ----------
    quiet: only warnings and errors, for a command that shows things itself.
    """
    watched = sys.stderr.isatty()
    shown: Processor = (
        structlog.dev.ConsoleRenderer() if watched else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _trace,
            shown,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING if quiet else logging.INFO),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
    logging.getLogger().handlers = [_Forward()]
    # That a check still runs when its next slot comes is no news.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)


def _trace(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Put an exception into words: its type and where it came from, never its message or variables.

    Both hold what a database, a template or a plugin was given, so they may hold records.
    """
    raised = event.pop("exc_info", None)
    error = sys.exc_info()[1] if raised is True else raised[1] if isinstance(raised, tuple) else raised
    if isinstance(error, BaseException):
        event["exception"] = "\n".join(_lines(error))
    return event


def _lines(error: BaseException) -> Iterator[str]:
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        yield from _lines(before)
        yield "and then"
    for frame in traceback.extract_tb(error.__traceback__):
        yield f"{frame.filename}:{frame.lineno} in {frame.name}"
    yield type(error).__name__


class _Forward(logging.Handler):
    """Takes what libraries log; of their sentences only the pattern, for what is put into it may be a record's."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log it as ours."""
        pattern = str(record.msg) if record.args else ""
        structlog.get_logger().log(record.levelno, record.name, says=pattern, exc_info=record.exc_info)
