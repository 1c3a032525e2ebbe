"""Times and dates in messages, as people say them in their own language."""

from __future__ import annotations

import datetime as dt

import jinja2

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@jinja2.pass_context
def date(context: jinja2.runtime.Context, day: dt.date | None) -> str:
    """Say a day without its year, in the language of the message: ``10月1日``, ``10월 1일``, ``1 Oct``."""
    if day is None:
        return ""
    lang = str(context.get("lang", ""))
    if lang.startswith("zh"):
        return f"{day.month}月{day.day}日"
    if lang.startswith("ko"):
        return f"{day.month}월 {day.day}일"
    return f"{day.day} {MONTHS[day.month - 1]}"


@jinja2.pass_context
def time(context: jinja2.runtime.Context, at: dt.datetime | None) -> str:
    """Say a day and the time of day: ``10月1日 14:00``, ``1 Oct 14:00``."""
    return f"{date(context, at)} {at:%H:%M}" if at else ""
