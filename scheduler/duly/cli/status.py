"""``duly status``: how rules, cases and deliveries stand, and what needs a person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from duly.cli.desk import Desk, open_desk
from duly.cli.options import home_option, json_option
from duly.cli.screen import clean, number, screen, show_json, table
from duly.cli.stop import FINE, PROBLEMS
from duly.engine.engine import checked_again
from duly.ledger import cases, nodes, outbox, overview, rule_pauses, versions
from duly.ledger.checks import LatestSlot
from duly.ledger.ledger import Ledger
from duly.ledger.nodes import Node
from duly.ledger.overview import CheckSeen, Stranded
from duly.ledger.rule_pauses import RulePause
from duly.ledger.versions import RuleRow
from duly.rules.calendar_end import endings
from duly.time.clock import SystemClock
from duly.time.zone import local

SILENCE = dt.timedelta(minutes=1)
"""After so long without a sign of life a daemon is not running; it gives one every five seconds."""
SHOWN = 10
"""How many of a kind are listed; their number is always given."""
_STYLES = {"live": "", "new": "yellow", "paused": "yellow", "retired": "dim"}
NO_DAEMON = "no daemon is running: start one with “duly run”"
NEVER_RUN = "Duly has not run here yet: start it with “duly run”"


@click.command(short_help="Show how rules, cases and deliveries stand.")
@home_option
@json_option
def status(home: Path, *, as_json: bool) -> int:
    """Show how rules, cases and deliveries stand, and what needs a person.

    Reads the files and the ledger, nothing else. Exits with 1 when something needs a person.
    """
    desk = open_desk(home, SystemClock().now())
    with desk.ledger() as ledger:
        seen = _read(desk, ledger)
    if as_json:
        show_json(_as_json(seen, desk))
    else:
        _show(seen, desk)
    return PROBLEMS if seen.needs else FINE


@dataclass
class _Rule:
    """How one rule stands. ``state`` is ``live``, ``new``, ``broken``, ``missing``, ``paused`` or ``retired``."""

    path: str
    title: str
    state: str
    check: CheckSeen | None
    next: dt.datetime | None
    open: int
    held: int
    late: int
    done: int
    gone: int
    pause: RulePause | None = None


@dataclass
class _Seen:
    """Everything that status shows; ``needs`` says what needs a person, a sentence each."""

    rules: list[_Rule] = field(default_factory=list)
    deliveries: Mapping[str, int] = field(default_factory=dict)
    unsure: tuple[int, Sequence[Stranded]] = (0, ())
    failing: tuple[int, Sequence[Stranded]] = (0, ())
    nodes: Sequence[Node] = ()
    needs: list[str] = field(default_factory=list)


def _read(desk: Desk, ledger: Ledger | None) -> _Seen:
    if ledger is None:
        files = {**desk.snapshot.rules, **desk.snapshot.broken}
        seen = _Seen([_rule(desk, path, None, None, {}, 0) for path in sorted(files)])
        seen.needs = list(dict.fromkeys([NEVER_RUN, *_wrong_in_files(desk)]))
        return seen
    with ledger.read() as connection:
        rows = {row.path: row for row in versions.all_rules(connection)}
        checks = overview.latest_checks(connection)
        counted, late = cases.counts(connection), overview.late(connection, desk.now)
        pauses = rule_pauses.everything(connection)
        seen = _Seen(
            deliveries=outbox.counts(connection),
            unsure=overview.unsure(connection, SHOWN),
            failing=overview.failing(connection, SHOWN),
            nodes=_shown(nodes.all_nodes(connection), desk.now),
        )
    for path in sorted({*rows, *desk.snapshot.rules, *desk.snapshot.broken}):
        row = rows.get(path)
        number_ = row.id if row else 0
        rule = _rule(desk, path, row, checks.get(number_), counted.get(number_, {}), late.get(number_, 0))
        seen.rules.append(_paused(rule, pauses.get(number_)))
    seen.needs = list(dict.fromkeys(_needs(desk, seen)))
    return seen


def _rule(
    desk: Desk, path: str, row: RuleRow | None, check: CheckSeen | None, counted: Mapping[str, int], late: int
) -> _Rule:
    snapshot = desk.snapshot
    bound = snapshot.rules.get(path) or (
        snapshot.bind_text(path, row.text) if row and path in snapshot.broken else None
    )
    state = "broken" if path in snapshot.broken else "missing" if bound is None else "live" if row else "new"
    latest = LatestSlot(check.slot, check.state, check.lease_until, check.finished_at) if check else None
    return _Rule(
        path=path,
        title=bound.rule.title if bound else row.title if row else path,
        state=state,
        check=check,
        next=checked_again(bound, latest) if bound and latest else None,
        open=counted.get("open", 0) + counted.get("acknowledged", 0),
        held=counted.get("held", 0),
        late=late,
        done=counted.get("done", 0),
        gone=counted.get("gone", 0),
    )


def _paused(rule: _Rule, pause: RulePause | None) -> _Rule:
    if pause is None:
        return rule
    state = "retired" if pause.retired else "paused" if rule.state == "live" else rule.state
    return replace(rule, pause=pause, state=state, next=None if pause.retired else rule.next)


def _shown(found: Sequence[Node], now: dt.datetime) -> list[Node]:
    """Of all daemons that ever were, take those at work, else the last one."""
    return [node for node in found if _runs(node, now)] or list(found[:1])


def _runs(node: Node, now: dt.datetime) -> bool:
    return node.stopped_at is None and now - node.seen_at <= SILENCE


def _wrong_in_files(desk: Desk) -> Iterator[str]:
    # In the words that daemons use for their troubles, so that each shows once.
    errors = desk.problems.errors
    for problem in errors[:SHOWN]:
        yield f"{problem.mark.path}:{problem.mark.line}: {problem.message}"
    if len(errors) > SHOWN:
        yield f"{len(errors) - SHOWN} more problems in the files: “duly check” shows all"
    for plugin in desk.plugins.quarantined:
        yield f"the plugin “{plugin.name}” {plugin.version} was left out: {plugin.cause}"


def _endings(desk: Desk) -> list[str]:
    """Say which calendars are about to end; that troubles nothing yet."""
    found = endings(desk.snapshot, local(desk.now, desk.snapshot.directory.zone).date())
    return [f"{problem.mark.path}:{problem.mark.line}: {problem.sentence}" for problem in found]


def _needs(desk: Desk, seen: _Seen) -> Iterator[str]:
    working = [node for node in seen.nodes if _runs(node, desk.now)]
    if not working:
        yield NO_DAEMON if seen.nodes else NEVER_RUN
    yield from _wrong_in_files(desk)
    for node in working:
        yield from node.troubles
    for rule in seen.rules:
        yield from _needs_of(desk, rule)
    if seen.unsure[0]:
        yield f"{number(seen.unsure[0], 'delivery', 'deliveries')} may or may not have arrived: ask the recipients"
    if seen.failing[0]:
        yield f"{number(seen.failing[0], 'delivery', 'deliveries')} could not leave and will be tried again"


def _needs_of(desk: Desk, rule: _Rule) -> Iterator[str]:
    if rule.state == "missing":
        yield f"rules/{rule.path}.yaml is gone, so the rule pauses: put it back, or “duly retire {rule.path}”"
    if rule.state == "retired" and rule.path in {*desk.snapshot.rules, *desk.snapshot.broken}:
        yield f"{rule.path} is retired, but its file is still there: delete it, or “duly retire {rule.path} --end”"
    if rule.check and rule.check.state == "failed":
        yield f"the last check of {rule.path} failed: {rule.check.reason}"
    if rule.check and rule.check.state == "refused":
        yield f"the last check of {rule.path} closed nothing: {rule.check.reason}"
    if rule.held:
        yield f"{rule.path} holds {number(rule.held, 'case')}: decide with “duly release {rule.path}”"


def _show(seen: _Seen, desk: Desk) -> None:
    console = screen()
    rows = table(
        *("rule", "state", "checked", "outcome", "next", "open", "held", "late"),
        right=("open", "held", "late"),
        wrap=("rule", "outcome"),
    )
    for rule in seen.rules:
        check = rule.check
        if rule.state == "retired" and rule.path not in desk.snapshot.rules:
            continue
        rows.add_row(
            clean(rule.path),
            clean(rule.state, _STYLES.get(rule.state, "bold red")),
            desk.brief(check.now) if check else "–",
            clean(_outcome(check), "bold red" if check and check.state in {"failed", "refused"} else ""),
            "–" if rule.next is None else desk.brief(rule.next) if rule.next > desk.now else "now",
            f"{rule.open:,}",
            clean(f"{rule.held:,}", "bold yellow" if rule.held else ""),
            clean(f"{rule.late:,}", "bold" if rule.late else ""),
        )
    console.print(rows if seen.rules else "There are no rules yet: add one to rules/.")
    for pause in filter(None, (_pause(rule, desk) for rule in seen.rules)):
        console.print(clean(pause), soft_wrap=not console.is_terminal)
    for ending in _endings(desk):
        console.print(clean(ending, "yellow"), soft_wrap=not console.is_terminal)
    if seen.nodes:
        console.print()
    for node in seen.nodes:
        console.print(clean(_node(node, desk)))
    figures = ", ".join(f"{count:,} {state}" for state, count in sorted(seen.deliveries.items()))
    if seen.nodes:
        console.print(clean(f"Deliveries: {figures or 'none yet'}."))
    _show_stranded("May or may not have arrived", seen.unsure, desk, console)
    _show_stranded("Could not leave yet", seen.failing, desk, console)
    if seen.needs:
        console.print("\nNeeds a person:", style="bold yellow")
        for need in seen.needs:
            console.print(clean(f"  {need}"), soft_wrap=not console.is_terminal)


def _pause(rule: _Rule, desk: Desk) -> str:
    pause = rule.pause
    if pause is None or pause.retired:
        return ""
    until = desk.wall(pause.until) if pause.until else f"“duly pause {rule.path} --end”"
    return f"{rule.path} is paused since {desk.wall(pause.since)} by {pause.who}, until {until}."


def _outcome(check: CheckSeen | None) -> str:
    if check is None:
        return "–"
    if check.state != "done":
        return check.state
    figures = {"opened": check.opened, "closed": check.closed, "held": check.held}
    return ", ".join([f"{check.found:,} found", *(f"{count:,} {what}" for what, count in figures.items() if count)])


def _node(node: Node, desk: Desk) -> str:
    began = f"Daemon {node.id}, since {desk.wall(node.started_at)}"
    if _runs(node, desk.now):
        return f"{began}, at work."
    if node.stopped_at:
        return f"{began}, stopped {desk.wall(node.stopped_at)}."
    return f"{began}, last seen {desk.wall(node.seen_at)} and never stopped: it was killed, or its machine is down."


def _show_stranded(title: str, found: tuple[int, Sequence[Stranded]], desk: Desk, console: Console) -> None:
    count, shown = found
    if not count:
        return
    which = f", the latest {len(shown)} of {count:,}" if len(shown) < count else ""
    console.print(f"\n{title}{which}:", style="bold")
    rows = table("since", "rule", "to", "by", "because", wrap=["because"])
    for one in shown:
        to = one.person.get("name") or one.person.get("id") or one.audience
        means = one.channel.removeprefix("action ")
        rows.add_row(desk.brief(one.created_at), clean(one.rule), clean(to), clean(means), clean(one.reason or ""))
    console.print(rows)


def _as_json(seen: _Seen, desk: Desk) -> dict[str, object]:
    return {
        "needs": seen.needs,
        "calendars": _endings(desk),
        "rules": [_rule_json(rule, desk) for rule in seen.rules],
        "deliveries": dict(seen.deliveries),
        "unsure": {"count": seen.unsure[0], "latest": [_stranded_json(one, desk) for one in seen.unsure[1]]},
        "failing": {"count": seen.failing[0], "latest": [_stranded_json(one, desk) for one in seen.failing[1]]},
        "daemons": [
            {
                "id": node.id,
                "at_work": _runs(node, desk.now),
                "started_at": desk.iso(node.started_at),
                "seen_at": desk.iso(node.seen_at),
                "stopped_at": desk.iso(node.stopped_at),
                "troubles": list(node.troubles),
            }
            for node in seen.nodes
        ],
        "plugins_left_out": [asdict(plugin) for plugin in desk.plugins.quarantined],
    }


def _rule_json(rule: _Rule, desk: Desk) -> dict[str, Any]:
    check = rule.check
    last = check and {
        "state": check.state,
        "at": desk.iso(check.now),
        "slot": desk.iso(check.slot),
        "found": check.found,
        "opened": check.opened,
        "closed": check.closed,
        "held": check.held,
        "reason": check.reason,
    }
    counts = {name: getattr(rule, name) for name in ("open", "held", "late", "done", "gone")}
    broken = [problem.as_json() for problem in desk.snapshot.broken.get(rule.path, ())]
    return {
        "rule": rule.path,
        "title": rule.title,
        "state": rule.state,
        "problems": broken,
        "last_check": last,
        "next_check": desk.iso(rule.next),
        "cases": counts,
        "paused": rule.pause
        and {
            "since": desk.iso(rule.pause.since),
            "until": desk.iso(rule.pause.until),
            "by": rule.pause.who,
            "retired": rule.pause.retired,
        },
    }


def _stranded_json(one: Stranded, desk: Desk) -> dict[str, Any]:
    return {
        "id": one.id,
        "rule": one.rule,
        "state": one.state,
        "channel": one.channel,
        "audience": one.audience,
        "recipient": one.person.get("name") or one.person.get("id"),
        "since": desk.iso(one.created_at),
        "not_before": desk.iso(one.not_before),
        "attempts": one.attempts,
        "reason": one.reason,
    }
