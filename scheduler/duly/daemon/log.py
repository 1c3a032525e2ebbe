"""The log: JSON when nobody watches, readable on a terminal; ids only, never addresses or secrets."""

from __future__ import annotations

import logging
import sys

import structlog


def configure(*, quiet: bool = False) -> None:
    """Send Duly's log to standard error.

    Parameters
    ----------
    quiet: only warnings and errors, for a command that shows things itself.
    """
    if sys.stderr.isatty():
        # Not rich's tracebacks, and no variables in the others: they would show records.
        shown: list[structlog.typing.Processor] = [
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        ]
    else:
        traces = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        shown = [
            structlog.processors.ExceptionRenderer(traces),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *shown,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING if quiet else logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    # APScheduler speaks through the standard library; only its errors concern anybody.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
