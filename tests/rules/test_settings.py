"""Reading config/duly.yaml."""

import datetime as dt
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duly.rules.model import HOLD_DEFAULT, Rate
from duly.rules.problem import Problems
from duly.rules.settings import read_settings

PATH = "config/duly.yaml"
HOME = Path("/srv/shop")
SETTINGS = """\
sources:
  shop: {url: sqlite:///shop.db, zone: Asia/Shanghai}
channels:
  sms: {kind: acme-sms, api_key: {env: ACME_KEY}, connections: 4, sender: Shop, hosts: [a.example, b.example]}
  chat: {kind: file, address: chat, folder: outbox, headers: {accept: text/plain}}
ledger: {url: "postgresql+psycopg://duly:hunter2@db.shop.example/duly"}
operator: wang
rest: 20:30-09:00
by: [chat, sms else email]
lang: zh
limits: {hold: above 200 an hour}
reach: 30d
"""


def read(text, home=HOME, **environ):
    """Read settings; give them with their problems as people see them."""
    problems = Problems()
    settings = read_settings(text, PATH, home, environ, problems)
    assert (settings is None) == any(problem.code != "C010" for problem in problems.errors)
    return settings, [f"{p.mark.line}:{p.mark.column} {p.code} {p.sentence}" for p in problems.all]


def test_settings_are_read():
    """Every setting arrives."""
    settings, problems = read(SETTINGS, ACME_KEY="k3y")
    assert problems == []
    shop = settings.sources["shop"]
    assert (shop.name, shop.url.reveal(), shop.zone.key) == ("shop", "sqlite:////srv/shop/shop.db", "Asia/Shanghai")
    sms, chat = settings.channels["sms"], settings.channels["chat"]
    assert (sms.kind, sms.address, sms.connections) == ("acme-sms", "", 4)
    assert sms.config == {"api_key": "k3y", "sender": "Shop", "hosts": ["a.example", "b.example"]}
    assert (chat.address, chat.connections) == ("chat", 1)
    assert chat.config == {"folder": "outbox", "headers": {"accept": "text/plain"}}
    assert settings.ledger.reveal() == "postgresql+psycopg://duly:hunter2@db.shop.example/duly"
    assert (settings.operator, settings.lang, settings.rest.written) == ("wang", "zh", "20:30-09:00")
    assert settings.by == (("chat",), ("sms", "email"))
    assert settings.hold == Rate(200, 3600)
    assert settings.reach == dt.timedelta(days=30)


def test_defaults_where_nothing_is_written():
    """The ledger is a file in the workspace, a rule holds above 500 an hour, a check looks back 90 days."""
    settings, problems = read("sources: {}\n")
    assert problems == []
    assert settings.ledger.reveal() == "sqlite:////srv/shop/ledger.db"
    assert settings.hold == HOLD_DEFAULT
    assert settings.reach == dt.timedelta(days=90)
    assert (settings.rest, settings.by, settings.lang, settings.operator) == (None, (), "", "")


def test_hold_never_lifts_the_hold():
    """``hold: never`` is no limit at all."""
    settings, _ = read("sources: {}\nlimits: {hold: never}\n")
    assert settings.hold is None


def test_plugin_settings_keep_their_places():
    """A plugin's complaint about a value can be shown at that value."""
    settings, _ = read(SETTINGS, ACME_KEY="k")
    sms, chat = settings.channels["sms"], settings.channels["chat"]
    assert str(sms.marks["sender"]) == f"{PATH}:4:75"
    assert str(sms.marks["hosts.1"]) == f"{PATH}:4:100"
    assert str(chat.marks["headers.accept"]) == f"{PATH}:5:71"
    assert str(sms.mark) == f"{PATH}:4:8"
    assert str(settings.marks["operator"]) == f"{PATH}:7:11"


def test_secrets_do_not_show():
    """Neither the settings nor any part of them show a secret when printed."""
    settings, _ = read(SETTINGS.replace("sqlite:///shop.db", "mysql://u:pa55@h/d"), ACME_KEY="k3y")
    for shown in (repr(settings), str(settings), repr(settings.channels["sms"]), str(settings.sources["shop"])):
        assert not any(secret in shown for secret in ("k3y", "hunter2", "pa55"))


def test_secrets_come_from_files_of_the_workspace(tmp_path):
    """A secret's file is looked for in the workspace; its last line end does not belong to it."""
    (tmp_path / "key").write_text("s3cret \r\n")
    (tmp_path / "url").write_text("sqlite:///data/shop.db\n")
    text = "sources: {shop: {url: {file: url}, zone: UTC}}\nchannels: {sms: {kind: a, keys: [{file: key}]}}\n"
    settings, problems = read(text, tmp_path)
    assert problems == []
    assert settings.channels["sms"].config == {"keys": ["s3cret "]}
    assert settings.sources["shop"].url.reveal() == f"sqlite:///{tmp_path}/data/shop.db"


@pytest.mark.parametrize(
    ("url", "read_as"),
    [
        ("sqlite:///shop.db", "sqlite:////srv/shop/shop.db"),
        ("sqlite:////var/shop.db", "sqlite:////var/shop.db"),
        ("sqlite+pysqlite:///a/b.db?timeout=5", "sqlite+pysqlite:////srv/shop/a/b.db?timeout=5"),
        ("sqlite://", "sqlite://"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("sqlite:///file:shop.db?mode=ro&uri=true", "sqlite:///file:shop.db?mode=ro&uri=true"),
        ("postgresql://u:p%40ss@h:5432/d", "postgresql://u:p%40ss@h:5432/d"),
    ],
)
def test_relative_sqlite_files_lie_in_the_workspace(url, read_as):
    """A relative SQLite path is relative to the workspace; every other address stays as it is."""
    settings, _ = read(f'sources: {{shop: {{url: "{url}", zone: UTC}}}}\n')
    assert settings.sources["shop"].url.reveal() == read_as


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("url: sqlite:///shop.db, ", "", "2:9 C002 “url” is missing; add “url: …”"),
        (
            "sqlite:///shop.db",
            "shop.db",
            (
                "2:15 C004 this is no URL of a database; "
                "write it like sqlite:///shop.db or postgresql+psycopg://reader@db.shop.example/shop"
            ),
        ),
        ("sqlite:///shop.db", "[a]", "2:15 C003 “url” must be a text, not a list"),
        ("sqlite:///shop.db", "{a: b}", "2:15 C003 “url” must be a text, {env: NAME} or {file: PATH}"),
        ("sqlite:///shop.db", "{env: ''}", "2:21 C003 “env” must be a text, not nothing"),
        ("sqlite:///shop.db", "{env: [a]}", "2:21 C003 “env” must be a text, not a list"),
        ("zone: Asia/Shanghai", "zone: Shanghai", "2:40 C004 unknown zone “Shanghai”: did you mean “Asia/Shanghai”?"),
        (
            "zone: Asia/Shanghai",
            "zone: UTC, write: {}",
            "2:52 C002 “url” is missing; add “url: …”",
        ),
        ("operator: wang", "web: {port: 80}", "7:1 C011 this version does not have “web” yet; delete it"),
        ("operator: wang", "operators: wang", "7:1 C001 unknown key “operators”; did you mean “operator”?"),
        ("kind: file, ", "", "5:9 C002 “kind” is missing; add “kind: …”"),
        ("address: chat", "address: fax", "5:31 C004 “address” cannot be “fax”; write phone or email or chat"),
        ("connections: 4", "connections: 0", "4:64 C004 “connections” must be a whole number from 1, not “0”"),
        ("  chat:", "  else:", "5:3 C004 “else” is no name for rules to use; use letters, digits, “-” and “_”"),
        ("rest: 20:30-09:00", "rest: at night", "8:7 C004 “at night” is no span of time: write it as “09:00-18:00”"),
        ("sms else email", "sms else", "9:12 C004 “sms else” lacks a channel beside “else”; write “sms else email”"),
        ("lang: zh", "lang: 中文", "10:7 C004 “中文” is no language: write its code, such as zh, ko or en"),
        (
            "above 200 an hour",
            "200",
            "11:16 C004 “200” is not a limit to hold at; write it like “above 200 an hour”, or “never”",
        ),
        ("{hold:", "{pace:", "11:10 C001 unknown key “pace”; known: hold"),
        ("reach: 30d", "reach: 30h", "12:8 C004 “30h” is no reach: write days, such as 90d"),
    ],
)
def test_slip_is_shown_where_it_stands(old, new, problem):
    """Each slip becomes a problem at the word itself, with its cure."""
    settings, problems = read(SETTINGS.replace(old, new, 1), ACME_KEY="k")
    assert settings is None
    assert problems == [problem]


def test_bad_url_is_not_quoted():
    """What cannot be read as an address may hold a password, so no problem repeats it."""
    problems = Problems()
    read_settings('sources: {s: {url: "hunter2@db", zone: UTC}}', PATH, HOME, {}, problems)
    assert "hunter2" not in problems.all[0].sentence


def test_unset_secrets_are_all_shown_at_once():
    """Every secret that is missing is named, so that one round is enough."""
    _, problems = read("sources: {}\nchannels: {a: {kind: x, b: {env: B}}, c: {kind: x, d: {e: [{env: D}]}}}\n")
    assert problems == [
        "2:34 C010 the environment variable B is not set; set it before Duly starts",
        "2:66 C010 the environment variable D is not set; set it before Duly starts",
    ]


def test_a_secret_that_is_missing_stops_only_its_channel_or_source():
    """The rest of the settings is read; what lacks the secret says so."""
    settings, problems = read(SETTINGS.replace("sqlite:///shop.db", "{env: SHOP_URL}", 1))
    assert problems == [
        "2:21 C010 the environment variable SHOP_URL is not set; set it before Duly starts",
        "4:40 C010 the environment variable ACME_KEY is not set; set it before Duly starts",
    ]
    assert settings.sources["shop"].lacks == "the environment variable SHOP_URL is not set"
    assert {name: channel.lacks for name, channel in settings.channels.items()} == {
        "sms": "the environment variable ACME_KEY is not set",
        "chat": "",
    }


def test_a_secret_of_the_ledger_that_is_missing_stops_everything():
    """Without its ledger Duly cannot work at all."""
    problems = Problems()
    text = "sources: {}\nledger: {url: {env: LEDGER}}\n"
    assert read_settings(text, PATH, HOME, {}, problems) is None
    assert [problem.code for problem in problems.all] == ["C010"]


def test_a_slip_beside_a_missing_secret_still_stops_everything():
    """What cannot be read is not spared because a secret is missing as well."""
    problems = Problems()
    assert read_settings("sources: {}\nchannels: {a: {kin: x, b: {env: B}}}\n", PATH, HOME, {}, problems) is None
    assert [problem.code for problem in problems.all] == ["C002", "C010"]


SCRAPS = [
    *("{", "}", "[", "]", ": ", "- ", "#", "'", '"', "\t", "\n", "  ", ",", "&a", "*a", "!!str ", "：", "，", "//"),
    *("null", "0123", "\x00", "|", "{env: X}", "{file: /}", "{file: ''}", "sqlite://", ":99999999/", "@", "%"),
]


@given(st.data())
def test_spoilt_settings_give_places_and_never_break(data):
    """Whatever happens to the file, reading it ends in settings or in problems with a place, never in a traceback."""
    lines = SETTINGS.splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(lines) - 1))
        column = data.draw(st.integers(0, len(lines[place])))
        until = data.draw(st.integers(column, min(column + 12, len(lines[place]))))
        lines[place] = lines[place][:column] + data.draw(st.sampled_from(SCRAPS)) + lines[place][until:]
    problems = Problems()
    settings = read_settings("\n".join(lines), PATH, HOME, {"ACME_KEY": "k"}, problems)
    assert (settings is None) == any(problem.code != "C010" for problem in problems.errors)
    for problem in problems.all:
        assert problem.mark.path == PATH
        assert problem.render()


@given(st.text(max_size=60))
def test_any_url_is_read_or_refused(url):
    """Any text where an address belongs is answered."""
    problems = Problems()
    text = json.dumps({"sources": {"s": {"url": url, "zone": "UTC"}}})
    settings = read_settings(text, PATH, HOME, {}, problems)
    assert (settings is None) == any(problem.code != "C010" for problem in problems.errors)
