"""Duly's own cases, as roundups ask for them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from zoneinfo import ZoneInfo

from duly.engine.audience import Audiences
from duly.engine.house import House
from duly.engine.record_json import unpack
from duly.ledger import cases, versions
from duly.ledger.cases import Case
from duly.rules.census import Census, Counted
from duly.rules.model import Comparison, Condition, FactIs
from duly.rules.record import Record, encode_key, show_key
from duly.time.zone import DAY, local

_OF_OPEN = frozenset(
    {"open", "late", "acknowledged", "held", "ladder used up"}
    | {"due today", "due tomorrow", "due this week", "due next week"}
)
"""Facts that only an open case has: a census that asks for one of them needs no closed case read."""
_UNLIKE = ("!=", "is not")


class CaseSource:
    """The cases in the ledger, of every rule.

    Parameters
    ----------
    house: the ledger, and the people who have cases.
    zone: in which days and weeks begin.
    """

    def __init__(self, house: House, zone: ZoneInfo) -> None:
        self._house = house
        self._zone = zone

    def census(
        self, census: Census, now: dt.datetime, low: dt.datetime | None, high: dt.datetime | None
    ) -> Iterator[Sequence[Counted]]:
        """Stream the cases that match as `duly.engine.gathering.CensusTaker` says."""
        rule = census.rule
        only_open = any(isinstance(each, FactIs) and each.wanted and each.fact in _OF_OPEN for each in rule.where)
        with self._house.ledger.read() as connection:
            rules = {row.id: row for row in versions.all_rules(connection)}
            after = 0
            while batch := cases.page(connection, after, only_open=only_open):
                after = batch[-1].id
                pending = cases.on_their_way(connection, [case.id for case in batch])
                found = []
                for case in batch:
                    times = {"opened": case.opened_at, "due": case.due_at, "closed": case.closed_at}
                    if census.bounds and not _overlap(times, census.bounds, low, high):
                        continue
                    row = rules[case.rule_id]
                    facts = self._facts(case, now, is_waiting=case.id in pending)
                    fields = self._fields(case, row.title, row.owner, now)
                    one = _record(census, case, facts, fields, row.owner)
                    if one.matches and not one.done:
                        found.append(Counted(one, {name: at for name, at in times.items() if at is not None}))
                if found:
                    yield found

    def _facts(self, case: Case, now: dt.datetime, *, is_waiting: bool) -> dict[str, bool]:
        today = local(now, self._zone).date()
        day = local(case.due_at, self._zone).date() if case.due_at and case.active else None
        monday = today - today.weekday() * DAY
        is_done = case.state == "done"
        return {
            "open": case.active,
            "late": case.active and case.due_at is not None and case.due_at < now,
            "acknowledged": case.state == "acknowledged",
            "held": case.active and case.held is not None,
            "ladder used up": case.active and case.next_at is None and case.held is None and not is_waiting,
            "done": is_done,
            "done in time": is_done and (case.due_at is None or (case.closed_at or now) <= case.due_at),
            "gone": case.state == "gone",
            "due today": day == today,
            "due tomorrow": day == today + DAY,
            "due this week": day is not None and monday <= day < monday + 7 * DAY,
            "due next week": day is not None and monday + 7 * DAY <= day < monday + 14 * DAY,
        }

    def _fields(self, case: Case, title: str, owner: str, now: dt.datetime) -> dict[str, str]:
        live = self._house.rules.get(case.rule_id)
        audiences = Audiences(self._house.directory, live.source if live else "", self._house.settings.operator)
        holder = audiences.holder(unpack(case.record, case.key), case.in_charge, now)
        who = (holder.name or holder.id) if holder else ""
        state = "held" if case.held and case.active else case.state
        return {"rule": title, "record": show_key(case.key), "who": who, "state": state, "owner": owner}


def _record(census: Census, case: Case, facts: Mapping[str, bool], fields: Mapping[str, str], owner: str) -> Record:
    rule = census.rule
    holds = {str(condition): _holds(condition, facts, fields) for condition in census.conditions}
    return Record(
        None,
        encode_key(case.id),
        matches=all(holds[str(each)] for each in rule.where) and not any(holds[str(each)] for each in rule.except_),
        done=any(holds[str(each)] for each in rule.done),
        holds=holds,
        fields=fields,
        teams={"team": owner},
    )


def _holds(condition: Condition, facts: Mapping[str, bool], fields: Mapping[str, str]) -> bool:
    if isinstance(condition, FactIs):
        return facts[condition.fact] == condition.wanted
    return _is_among(condition, fields[condition.field])


def _is_among(condition: Comparison, value: str) -> bool:
    return (value in condition.values) != (condition.operator in _UNLIKE)


def _overlap(
    times: Mapping[str, dt.datetime | None],
    bounds: frozenset[str],
    low: dt.datetime | None,
    high: dt.datetime | None,
) -> bool:
    there = [at for name in bounds if (at := times[name]) is not None]
    return any((low is None or low <= at) and (high is None or at <= high) for at in there)
