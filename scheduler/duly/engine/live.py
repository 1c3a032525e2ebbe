"""The rules that are live: published to the ledger, bound to today's vocabulary, each version with its own ladder."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from duly.engine.timing import Timing
from duly.engine.versions import Versions
from duly.ledger import journal, versions
from duly.ledger.journal import Entry
from duly.ledger.ledger import Ledger
from duly.ledger.versions import RuleRow
from duly.rules.bind import BoundRule
from duly.rules.plan import Plan
from duly.rules.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class LiveRule:
    """One rule at work.

    Parameters
    ----------
    row: the rule in the ledger, with its live version.
    bound: the live version, bound to its noun.
    plan: what it asks its source.
    timing: when its steps come.
    digest: of everything that decides which records it concerns and when: another one means a change (law 8).
    loaded_at: since when it has been so.
    """

    row: RuleRow
    bound: BoundRule
    plan: Plan
    timing: Timing
    digest: str
    loaded_at: dt.datetime

    @property
    def source(self) -> str:
        """The name of the source it watches."""
        return self.bound.noun.source


class LiveRules:
    """All rules at work on one node.

    Parameters
    ----------
    ledger: where versions are kept.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._versions: Versions | None = None
        self._rules: dict[int, LiveRule] = {}

    def __getitem__(self, rule_id: int) -> LiveRule:
        return self._rules[rule_id]

    def get(self, rule_id: int) -> LiveRule | None:
        """Return a rule at work, or ``None``."""
        return self._rules.get(rule_id)

    @property
    def all(self) -> Mapping[int, LiveRule]:
        """Every rule at work, by its number in the ledger."""
        return self._rules

    @property
    def snapshot(self) -> Snapshot:
        """The workspace as last loaded."""
        return self._loaded.snapshot

    @property
    def _loaded(self) -> Versions:
        if self._versions is None:
            raise RuntimeError("the rules were used before they were loaded: call load() first")
        return self._versions

    def load(self, snapshot: Snapshot, now: dt.datetime) -> None:
        """Take over a workspace: publish what is new, keep the last good version of what is broken (law 12).

        Parameters
        ----------
        snapshot: the workspace as it stands in its files.
        now: the instant at which changed versions go live.
        """
        self._versions = Versions(self._ledger, snapshot)
        with self._ledger.write() as connection:
            for rule_id, bound in snapshot.rules.items():
                rule = bound.rule
                if rule.was and versions.rename(connection, rule.was, rule_id):
                    row = versions.by_path(connection, rule_id)
                    self._note(connection, row, "renamed", f"it was rules/{rule.was}.yaml", now)
                if versions.publish(connection, rule_id, rule.title, rule.owner, rule.digest, rule.text, now):
                    row = versions.by_path(connection, rule_id)
                    self._note(connection, row, "live", "a new version of the rule is live", now)
            for rule_id, problems in snapshot.broken.items():
                problem = (
                    f"{problems[0].mark.path}:{problems[0].mark.line}: {problems[0].message}" if problems else "broken"
                )
                if versions.set_state(connection, rule_id, "broken", problem):
                    row = versions.by_path(connection, rule_id)
                    self._note(connection, row, "broken", f"{problem}; the last good version goes on", now)
            rows = versions.all_rules(connection)
            for row in rows:
                if row.path not in snapshot.rules and row.path not in snapshot.broken:
                    detail = f"rules/{row.path}.yaml is gone; the rule pauses"
                    if versions.set_state(connection, row.path, "missing", detail):
                        self._note(connection, row, "missing", detail, now)
            rows = versions.all_rules(connection)
        before = self._rules
        lives = {row.id: self._bind(row, before.get(row.id), now) for row in rows if row.state != "missing"}
        self._rules = {rule_id: live for rule_id, live in lives.items() if live is not None}

    def version(self, version_id: int) -> tuple[BoundRule, Timing] | None:
        """Bind the version on which a case started to today's vocabulary (law 7); ``None`` when it no longer binds."""
        return self._loaded.get(version_id)

    def _bind(self, row: RuleRow, before: LiveRule | None, now: dt.datetime) -> LiveRule | None:
        bound = self.snapshot.rules.get(row.path) or self.snapshot.bind_text(row.path, row.text)
        if bound is None:
            return None
        timing = Timing(bound)
        self._loaded.keep(row.version_id, bound, timing)
        source = self.snapshot.settings.sources.get(bound.noun.source)
        digest = _digest(bound, self.snapshot.settings.reach, source.zone if source else None)
        loaded_at = before.loaded_at if before and before.digest == digest else now
        return LiveRule(row, bound, bound.plan, timing, digest, loaded_at)

    @staticmethod
    def _note(connection: sa.Connection, row: RuleRow | None, event: str, detail: str, now: dt.datetime) -> None:
        journal.write(connection, [Entry(now, event, detail, rule_id=row.id if row else None)])


def _digest(bound: BoundRule, reach: dt.timedelta, zone: ZoneInfo | None) -> str:
    """Condense what decides which records a rule concerns, and when; its words and its limits do not."""
    rule = bound.rule
    conditions = [[str(c) for c in several] for several in (rule.where, rule.except_, rule.done, rule.pause)]
    steps = [[step.identity, [str(c) for c in step.if_]] for step in rule.steps]
    leap_day = [rule.clock.leap_day] if rule.clock and rule.clock.is_yearly else []
    times = [
        str(rule.clock),
        *leap_day,
        repr(rule.due),
        repr(bound.working),
        repr(bound.calendar),
        str(reach),
        str(zone),
    ]
    said = [rule.watch, conditions, steps, times, bound.noun.digest]
    return hashlib.sha256(repr(said).encode()).hexdigest()
