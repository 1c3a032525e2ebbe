"""A check-up of everything that Duly is connected to: a finding each, with its cure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from duly.api.channel import Channel
from duly.api.verdict import ChannelDown
from duly.engine.plugins import Plugins
from duly.engine.source import Source, SourceDown
from duly.engine.sql_source import SqlSource
from duly.rules.bind import BoundRule
from duly.rules.noun import Noun
from duly.rules.problem import Problem
from duly.time.calendar import Calendar

State = Literal["ok", "warning", "problem"]
SOON = dt.timedelta(days=60)
"""How long before a calendar's end somebody is told."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about one thing.

    Parameters
    ----------
    about: the thing: ``source shop``, ``channel sms``, ``ledger``.
    says: what is so, without a full stop.
    cure: what to do about it; empty where nothing need be done.
    """

    about: str
    state: State
    says: str
    cure: str = ""

    @property
    def sentence(self) -> str:
        """What is so and its cure, as one sentence."""
        return f"{self.says}; {self.cure}" if self.cure else self.says


def look_at_files(problems: Iterable[Problem]) -> Iterator[Finding]:
    """Say how many problems the files of the workspace have."""
    found = list(problems)
    errors = sum(problem.severity == "error" for problem in found)
    counted = f"{errors or 'no'} problem{'' if errors == 1 else 's'}, {len(found) - errors or 'no'} warnings"
    cure = "“duly check” shows them" if found else ""
    yield Finding("files", "problem" if errors else "warning" if found else "ok", counted, cure)


def look_at_plugins(plugins: Plugins) -> Iterator[Finding]:
    """Name the plugins that were left out."""
    offered = ", ".join(sorted({*plugins.channels, *plugins.actions}))
    yield Finding("plugins", "ok", f"offer {offered}")
    for plugin in plugins.quarantined:
        named = f"plugin {plugin.name} {plugin.version}".rstrip()
        yield Finding(named, "warning", f"was left out: {plugin.cause}", "mend or remove it")


def look_at_sources(
    sources: Mapping[str, Source], nouns: Iterable[Noun], rules: Iterable[BoundRule], now: dt.datetime
) -> Iterator[Finding]:
    """Say of each source whether it answers, whether it could be written to, and whether checks find an index."""
    known, bound = list(nouns), list(rules)
    for name, source in sorted(sources.items()):
        noun = next((noun for noun in known if noun.source == name), None)
        if noun is None or not isinstance(source, SqlSource):
            yield Finding(f"source {name}", "warning", "no noun uses it", "add one to config/vocabulary/, or delete it")
            continue
        try:
            yield from _look_at(name, source, noun, [rule for rule in bound if rule.noun.source == name], now)
        except SourceDown as down:
            says, _, cure = str(down).partition(": ")
            yield Finding(f"source {name}", "problem", says.removeprefix(f"the source “{name}” "), cure)


def _look_at(
    name: str, source: SqlSource, noun: Noun, rules: Iterable[BoundRule], now: dt.datetime
) -> Iterator[Finding]:
    may_write, knows_zones = source.may_write(noun), source.knows_zones(noun)
    if may_write:
        cure = "give Duly a login that can do no more than read"
        yield Finding(f"source {name}", "warning", "answers, but its login may write", cure)
    else:
        yield Finding(f"source {name}", "ok", "answers, and is only read")
    if not knows_zones:
        cure = "load them: mariadb-tzinfo-to-sql /usr/share/zoneinfo | mariadb mysql"
        yield Finding(f"source {name}", "warning", "has no time zone tables", cure)
    for rule in rules:
        try:
            scans = source.large_scans(rule.plan, now)
        except SourceDown as down:
            yield Finding(f"rule {rule.rule.id}", "problem", str(down), f"“duly check {rule.rule.id} --live” says more")
            continue
        for table in scans:
            says = f"each check reads all of the large table {table}"
            cure = f"index what {rule.plan.clock.name} is made of" if rule.plan.clock else ""
            yield Finding(f"rule {rule.rule.id}", "warning", says, cure)


def look_at_channels(channels: Mapping[str, Channel], wanted: Iterable[str]) -> Iterator[Finding]:
    """Open each channel and close it again; nothing is sent."""
    for name in sorted({*channels, *wanted}):
        channel = channels.get(name)
        if channel is None:
            yield Finding(f"channel {name}", "problem", "cannot be made", "“duly check” says why")
            continue
        try:
            channel.open()
            channel.close()
        except ChannelDown as down:
            yield Finding(f"channel {name}", "problem", str(down), f"see channels.{name} in config/duly.yaml")
        except Exception as error:  # noqa: BLE001 - whatever a plugin does is a finding
            reason = getattr(error, "strerror", None) or type(error).__name__
            cure = f"see channels.{name} in config/duly.yaml"
            yield Finding(f"channel {name}", "problem", f"cannot be opened: {reason}", cure)
        else:
            yield Finding(f"channel {name}", "ok", "opens")


def look_at_calendars(calendars: Iterable[Calendar], today: dt.date) -> Iterator[Finding]:
    """Say how far ahead each calendar knows its holidays."""
    for calendar in sorted({each.name: each for each in calendars}.values(), key=lambda each: each.name):
        end = calendar.known_until
        if end is None:
            yield Finding(f"calendar {calendar.name}", "ok", "has no end")
            continue
        says = f"knows its days until {end}"
        cure = "update the package “holidays”, or write the days to come into config/calendars/"
        state: State = "problem" if end < today else "warning" if end < today + SOON else "ok"
        yield Finding(f"calendar {calendar.name}", state, says, "" if state == "ok" else cure)
