"""The JSON Schemas of our files: what the loader takes passes, what it refuses by name does not, and neither drifts."""

from __future__ import annotations

import shutil
from pathlib import Path

import jsonschema
import pytest

from duly.cli.desk import open_desk
from duly.cli.schema import KINDS
from duly.rules import calendar_file, noun_file, reader, rule_file, settings, step_file
from duly.rules.problem import Problems
from duly.rules.rule_schema import audiences
from duly.rules.snapshot import load_workspace
from duly.rules.yaml import Mapping, Scalar, load
from duly.time.clock import SystemClock
from repository import REPOSITORY

PLACES = {
    "rule": "rules/**/*.yaml",
    "noun": "config/vocabulary/*.yaml",
    "directory": "config/directory.yaml",
    "settings": "config/duly.yaml",
    "calendar": "config/calendars/*.yaml",
}
RULE = """\
rule: Everything a rule can say
why: To try it
owner: logistics
was: orders/everything-once
watch: orders
where: [paid, amount >= 500, origin is app or web]
except: [not finished]
done: shipped
clock: paid_at
pause: backorder awaiting reply
due: {per: origin, app: 24h, web: {in: 48h, who: presales on duty}, otherwise: 72h}
check: [every 10m, daily 17:30]
rest: 21:00-09:00
cover: 95% of paid
limits: {each order: 3 messages, each customer: 1 a day, pace: 500 every 1m, hold: never}
steps:
  - {before: [4h, 1h], tell: customer, by: [chat, sms else email], text: orders/unpaid, expires: 2h}
  - {late: at once, escalate: supervisor of logistics, text: orders/late, urgent: yes, if: [not virtual]}
  - {unanswered: 4 working hours, tell: in charge, between: 09:00-18:00, text: orders/late}
  - {late: 1h, repeat: daily up to 3 times, group: yes, tell: logistics on duty, text: lines, attach: xlsx}
  - {changed: [ready_at], tell: told, text: orders/late}
  - {closed: done, tell: customer, text: orders/unpaid}
examples:
  - name: shipped at once
    order: {paid_at: Mon 09:00, origin: app, amount: 600}
    customer: {zone: Asia/Seoul}
    then: [Mon 09:05 shipped]
    expect: []
"""
ROUNDUP = """\
rule: The week at the desk
owner: logistics
watch: orders
where: [paid]
clock: paid_at
check: Fri 15:30
roundup:
  tell: [manager of logistics, wang]
  by: [chat, sms else email]
  period: since last
  attach: xlsx
  empty: skip
  sections:
    - {title: Late, watch: orders, except: [shipped], clock: paid_at, list: [order, customer], sort: order}
    - {title: Parcels, watch: parcels, clock: sent_at, measure: [sent, kept], per: state, chart: bars}
"""
NOUN = """\
noun: parcels
one: parcel
source: shop
from: parcels p
key: [p.id, p.part]
zone: p.tz
times:
  sent_at: p.sent_at
  told_on: {sql: p.told_on, kind: date, matter: p.told_on}
  last: {later of: [sent_at, told_on]}
facts: {sent: {sql: p.sent_at is not null, at: p.sent_at}}
fields:
  weight: {sql: p.weight, kind: number}
  price: {sql: p.price, kind: money, currency: p.currency}
  state: {sql: p.state, one of: [new, sent], since: sent_at}
  agent: {staff: p.agent_id}
counts: {scans: {from: scans s, on: s.parcel_id = p.id, at: s.at}}
people:
  holders: {many: holders h, on: h.parcel_id = p.id, key: h.id, name: h.name, phone: h.phone}
  customer: {name: c.name, phone: c.phone, no_sms: c.no_sms}
  assignee: {staff: p.agent_id}
teams: {department: p.department}
measures:
  sent: {count: sent, on: sent_at}
  all: {count: yes, on: sent_at}
  kept: {share: sent / all, places: 2}
  weight sent: {sum: weight, on: sent_at}
  mean weight: {average: weight, on: sent_at}
"""
CALENDAR = """\
calendar: town
like: CN
off: [2026-11-11]
working: [2026-11-14]
hours: {2026-12-24: 09:00-13:00}
"""
NOT_YET = {
    key
    for module in (rule_file, step_file, noun_file, settings, calendar_file)
    for name in ("_LATER", "_LATER_KEYS")
    for key in getattr(module, name, ())
}
"""Keys that some loader knows only to refuse them."""


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """Give the starter pack with files beside it that use every key."""
    home = tmp_path_factory.mktemp("workspace")
    for folder in ("config", "rules", "notifications"):
        shutil.copytree(REPOSITORY / folder, home / folder)
    everything = {
        "rules/everything.yaml": RULE,
        "rules/week.yaml": ROUNDUP,
        "config/vocabulary/parcels.yaml": NOUN,
        "config/calendars/town.yaml": CALENDAR,
        "notifications/lines.j2": "{% for line in lines %}{{ line.order }}{% endfor %}",
    }
    for path, text in everything.items():
        (home / path).write_text(text, encoding="utf-8")
    file = home / "config/duly.yaml"
    more = "limits: {hold: above 200 an hour}\nreach: 30d\n"
    file.write_text(file.read_text(encoding="utf-8") + more, encoding="utf-8")
    return home


@pytest.fixture(scope="module")
def schemas(home):
    """Give every schema of that workspace."""
    desk = open_desk(home, SystemClock().now())
    return {kind: make(desk) for kind, make in KINDS.items()}


def plain(node):
    """Take a document as a validator does."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Mapping):
        return {key.value: plain(value) for key, value in node.entries}
    return [plain(item) for item in node.items]


def complaints(schema, text) -> list[str]:
    """Return what a validator says against a text."""
    return [
        error.message for error in jsonschema.Draft7Validator(schema).iter_errors(plain(load(text, "", Problems())))
    ]


def test_the_workspace_of_this_test_is_sound(home):
    """What the schema is held against is what the loader takes."""
    _, problems = load_workspace(home)
    assert problems.errors == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_file_passes(kind, home, schemas):
    """The schema is one, and whatever the loader takes passes it."""
    jsonschema.Draft7Validator.check_schema(schemas[kind])
    files = list(home.glob(PLACES[kind]))
    assert files
    for file in files:
        assert complaints(schemas[kind], file.read_text(encoding="utf-8")) == [], file


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        ("rule", "where: [paid", "whree: [paid"),
        ("rule", "watch: orders", "watch: oders"),
        ("rule", "owner: logistics", "owner: logistic"),
        ("rule", "where: [paid", "where: [payd"),
        ("rule", "not finished", "not finnished"),
        ("rule", "amount >= 500", "amuont >= 500"),
        ("rule", "clock: paid_at", "clock: payd_at"),
        ("rule", "tell: customer", "tell: custmer"),
        ("rule", "supervisor of logistics", "supervisor of logistic"),
        ("rule", "supervisor of logistics", "boss of logistics"),
        ("rule", "text: orders/unpaid", "text: orders/unpayed"),
        ("rule", "sms else email", "sms else fax"),
        ("rule", "between: 09:00", "betwen: 09:00"),
        ("rule", "urgent: yes", "urgent: maybe"),
        ("rule", "not virtual", "not virtuous"),
        ("rule", "pace: 500", "pase: 500"),
        ("rule", "each customer", "each costumer"),
        ("rule", "in: 48h", "within: 48h"),
        ("rule", "then: [Mon", "than: [Mon"),
        ("rule", "closed: done", "close: done"),
        ("rule", "pause: backorder awaiting reply", "pause: backorder"),
        ("roundup", "tell: [", "told: ["),
        ("roundup", "sections:", "section:"),
        ("roundup", "title: Late", "name: Late"),
        ("roundup", "empty: skip", "empty: maybe"),
        ("rule", "{paid_at: Mon", "{payd_at: Mon"),
        ("noun", "source: shop", "source: shopp"),
        ("noun", "key: [", "kee: ["),
        ("noun", "kind: number", "kind: cash"),
        ("noun", "later of", "latest of"),
        ("noun", "phone: c.phone", "telephone: c.phone"),
        ("noun", "places: 2", "digits: 2"),
        ("directory", "members: [mei]", "member: [mei]"),
        ("directory", "reports to: wang", "reports: wang"),
        ("directory", "by: chat else sms", "by: chat else fax"),
        ("directory", "levels: [", "ranks: ["),
        ("settings", "operator: wang", "operator: wamg"),
        ("settings", "folder: outbox/sms", "directory: outbox/sms"),
        ("settings", "kind: file, folder: outbox/chat", "kind: fiel, folder: outbox/chat"),
        ("settings", "zone: Asia/Shanghai", "zoen: Asia/Shanghai"),
        ("settings", "address: phone", "address: fax"),
        ("calendar", "working:", "workdays:"),
        ("calendar", "calendar: town", "name: town"),
    ],
)
def test_a_slip_is_underlined(kind, right, wrong, home, schemas):
    """A word that the loader refuses by name, the schema refuses too."""
    texts = {
        "rule": RULE,
        "roundup": ROUNDUP,
        "noun": NOUN,
        "calendar": CALENDAR,
        "directory": (home / "config/directory.yaml").read_text(encoding="utf-8"),
        "settings": (home / "config/duly.yaml").read_text(encoding="utf-8"),
    }
    assert right in texts[kind]
    schema = schemas["rule" if kind == "roundup" else kind]
    assert complaints(schema, texts[kind]) == []
    assert complaints(schema, texts[kind].replace(right, wrong, 1)) != []


def at(schema, path):
    """Give every part of a schema that speaks of what stands at ``path``."""
    if isinstance(schema, dict):
        for key in ("anyOf", "allOf"):
            for part in schema.get(key, ()):
                yield from at(part, path)
        if "then" in schema:
            yield from at(schema["then"], path)
        if not path:
            yield schema
        elif isinstance(path[0], int):
            yield from at(schema.get("items"), path[1:])
        elif path[0] in schema.get("properties", {}):
            yield from at(schema["properties"][path[0]], path[1:])
        else:
            yield from at(schema.get("additionalProperties"), path[1:])


def places(node, path=()):
    """Give the path of every mapping of a document, by where it stands."""
    if isinstance(node, Mapping):
        yield (node.mark.line, node.mark.column), path
        for key, value in node.entries:
            yield from places(value, (*path, key.value))
    elif not isinstance(node, Scalar):
        for number, item in enumerate(node.items):
            yield from places(item, (*path, number))


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_that_the_loader_knows_is_in_the_schema(kind, home, schemas, monkeypatch):
    """Whoever adds a key to a loader finds here that an editor would underline it."""
    known: dict[tuple[str, int, int], set[str]] = {}
    real = reader.Reader.__init__

    def noted(self, mapping, problems, family, keys):
        real(self, mapping, problems, family, keys)
        mark = mapping.mark
        known.setdefault((mark.path, mark.line, mark.column), set()).update(self.keys)

    monkeypatch.setattr(reader.Reader, "__init__", noted)
    load_workspace(home)
    seen = 0
    for file in home.glob(PLACES[kind]):
        name = file.relative_to(home).as_posix()
        for (line, column), path in places(load(file.read_text(encoding="utf-8"), name, Problems())):
            keys = known.get((name, line, column), set()) - NOT_YET - {"each RECORD"}
            parts = list(at(schemas[kind], path))
            named = {key for part in parts for key in part.get("properties", {})}
            is_open = not named or any(isinstance(part.get("additionalProperties"), dict) for part in parts)
            missing = {key for key in keys - named if not key.startswith(("each ", "no_"))}
            seen += len(keys & named)
            assert is_open or missing == set(), (name, path)
    assert seen > 0


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_says_what_it_is_for(kind, schemas):
    """An editor shows a word about each key; a key that came in without one is found here."""
    silent = {key for key, shape in schemas[kind]["properties"].items() if not shape}
    steps = schemas[kind]["properties"].get("steps", {}).get("items", {}).get("properties", {})
    assert silent | {key for key, shape in steps.items() if not shape} == set()


def test_everybody_whom_the_schema_offers_can_be_told(home):
    """An audience that an editor completes is one that the loader takes."""
    snapshot, _ = load_workspace(home)
    noun = snapshot.nouns["orders"]
    file = home / "rules/offered.yaml"
    steps = [
        f"  - {{after: {n + 1}h, tell: {who}, text: orders/late}}"
        for n, who in enumerate(audiences(noun, snapshot.around))
    ]
    head = RULE.partition("steps:")[0].replace("was: orders/everything-once\n", "")
    file.write_text("\n".join([head + "steps:", *steps, ""]), encoding="utf-8")
    _, problems = load_workspace(home)
    file.unlink()
    assert problems.errors == []
