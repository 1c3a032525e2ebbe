"""Composing: templates may be broken, endless or hostile, and stop nobody but themselves (law 12)."""

from __future__ import annotations

import datetime as dt
import time
import weakref
from zoneinfo import ZoneInfo

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

import duly
from duly.engine.assembly import assemble
from duly.engine.composer import LONGEST, ComposeError, Composer
from duly.engine.plugins import load_plugins
from duly.ledger.ledger import Ledger
from duly.rules.problem import Problems
from duly.rules.snapshot import load_workspace
from duly.rules.words import read_words
from engine.desk import ORDERS, SETTINGS, Desk, SpokenPlugin
from engine.telling import HOUR, MINUTE, MONDAY, open_desk, outcome, paid, reasons, rule

TEN = MONDAY + HOUR
SHANGHAI = ZoneInfo("Asia/Shanghai")
BY_SMS = "after: 1h, tell: customer, text: {}, by: sms"
TURNS = "its loops turn more than 20,000 times: make it simpler"
CHARACTERS = "it makes more than 1,000,000 characters on its way: make it simpler"


def compose(text: str, lang: str = "en", **values: object):
    """Write one message from one template."""
    problems = Problems()
    words = read_words({"notifications/late.j2": text}, problems)
    assert not problems.all
    return Composer(words, "en").compose("late", "sms", lang, values, SHANGHAI)


def refusal(text: str, **values: object) -> str:
    """Say why a template gives no words."""
    with pytest.raises(ComposeError) as caught:
        compose(text, **values)
    return str(caught.value)


def doubling(first: str, step: str, times: int = 40) -> str:
    """Write a template that makes each value from the one before."""
    lines = [f"{{% set x0 = {first} %}}"]
    return "".join(lines + [step.format(old=f"x{n}", new=f"x{n + 1}") for n in range(times)])


TURN = "{% for a in range(1000) %}"
LOOPS = TURN * 3 + "{% endfor %}" * 3


@pytest.mark.parametrize(
    ("text", "because"),
    [
        (LOOPS, TURNS),
        ("{% for a in range(1000) %}{% for b in names if a == -1 %}{% endfor %}{% endfor %}", TURNS),
        ("{% for a in range(999) %}{% if range(1000)|map('upper')|list %}{% endif %}{% endfor %}", TURNS),
        ("{% for a in range(999) %}{% if range(1000)|sum %}{% endif %}{% endfor %}{{ nothing }}", TURNS),
        ("{% for a in range(999) %}{% for b in range(20) %}{% set c = names|sort %}{% endfor %}{% endfor %}", TURNS),
        ("{% macro f(n) %}{% if n %}{% set a = f(n - 1) ~ f(n - 1) %}{% endif %}{% endmacro %}{{ f(30) }}", TURNS),
        ("{% for a in names recursive %}{{ loop(names[:1]) if loop.depth < 300 }}{% endfor %}", None),
        (
            TURN + "{% block b scoped %}{% for c in range(999) %}{% endfor %}{% endblock %}{% endfor %}",
            TURNS,
        ),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "RecursionError"),
        (doubling("'ab'", "{{% set {new} = {old} ~ {old} %}}"), CHARACTERS),
        (doubling("'ab'", "{{% set {new} = {old} + {old} %}}"), CHARACTERS),
        (doubling("['ab']", "{{% set {new} = {old} + {old} %}}"), CHARACTERS),
        (doubling("'ab'", "{{% set {new} %}}{{{{ {old} }}}}{{{{ {old} }}}}{{% endset %}}"), CHARACTERS),
        (doubling("'aa'", "{{% set {new} = {old}|replace('a', {old}) %}}"), CHARACTERS),
        (doubling("['ab', 'cd']", "{{% set {new} = [{old}|join, {old}|join] %}}"), CHARACTERS),
        (doubling("'\"'", "{{% set {new} = {old}|tojson %}}"), CHARACTERS),
        (doubling("9", "{{% set {new} = {old} * {old} %}}"), "it multiplies to a number that is too long"),
        ("{% set x %}{% for a in range(1000) %}" + "words " * 500 + "{% endfor %}{% endset %}", CHARACTERS),
        ("{% for a in range(1000) %}" + "words " * 500 + "{% endfor %}", "renders more than 65,536 characters"),
    ],
)
def test_no_template_takes_long_or_grows_large(text, because):
    """Loops without output, loops with output, recursion and doubling end within a second, with a sentence (29)."""
    begun = time.process_time()
    said = refusal(text, names=["a"] * 1000)
    assert time.process_time() - begun < 3
    assert said.startswith("notifications/late.j2 ")
    assert because is None or because in said


@pytest.mark.parametrize(
    "text",
    [
        "{% for a in names %}{{ loop.index }}/{{ loop.length }}{{ ', ' if not loop.last }}{% endfor %}",
        "{% for a in names if a == 'x' %}{{ a }}{% else %}none{% endfor %}",
        "{{ names|join(', ') }} {{ names|map('upper')|join }} {{ nothing|default('-') }} {{ names|length }}",
        "{% for group in names|groupby('0') %}{{ group.grouper }}{% endfor %}",
        "{% macro line(a) %}- {{ a }}{% endmacro %}{% for a in names %}{{ line(a) }}{% endfor %}",
        "{% for a in range(900) %}{% for b in range(20) %}{% endfor %}{% endfor %}done",
        "{% filter upper %}a{% for b in names %}b{% endfor %}{% endfilter %}",
        "{{ 199.90 * 3 }} {{ 2 + 3 }} {{ 'a' + 'b' }} {{ 'a' ~ 1 ~ none }}",
    ],
)
def test_ordinary_templates_do_not_feel_the_budget(text):
    """Lists, groups, macros and sums that people write come out as Jinja makes them."""
    plain = jinja2.Environment(trim_blocks=True, lstrip_blocks=True, autoescape=False)
    names = ["ann", "bob", "cid"]
    assert compose(text, names=names).body == plain.from_string(text).render(names=names)


@given(st.integers(0, 70_000))
def test_output_is_bounded_to_the_character(length):
    """A message of the greatest length comes out whole; one character more is refused."""
    name = "x" * length
    if length <= LONGEST:
        assert compose("{{ name }}", name=name).body == name
    else:
        assert "renders more than 65,536 characters" in refusal("{{ name }}", name=name)


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("{{ amuont }}", "notifications/late.j2: 'amuont' is undefined: name a field of the noun"),
        ("{{ amount|upper|round }}", "notifications/late.j2 cannot be rendered: TypeError"),
        ("{{ 1 // 0 }}", "notifications/late.j2 cannot be rendered: ZeroDivisionError"),
        ("{{ phone|time }}", "notifications/late.j2 cannot be rendered: AttributeError"),
        ("{{ phone|date }}", "notifications/late.j2 cannot be rendered: AttributeError"),
        (
            "{{ {'a': 1}[phone] }}",
            "notifications/late.j2: 'dict object' has no attribute '…': name a field of the noun",
        ),
        ("{{ [][amount] }}", "notifications/late.j2: list object has no element …: name a field of the noun"),
    ],
)
def test_what_goes_wrong_is_said_without_values(text, because):
    """The sentence names the file and the cause; what the record holds stays out of it (32)."""
    assert refusal(text, phone="+8613900000001", amount=4711) == because


@pytest.mark.parametrize("name", ["zero\0byte", "half \ud800 pair", "\x00\x00"])
def test_characters_that_no_database_takes_are_left_out(name):
    """A name from a careless import neither stops its message nor the batch it is in."""
    words = compose("Subject: {{ name }}\n\nDear {{ name }}", name=name)
    for text in (words.subject, words.body):
        assert "\0" not in text.encode("utf-8").decode()


def test_times_are_the_recipients():
    """An instant is shown in the recipient's zone, in the recipient's language."""
    at = dt.datetime(2024, 3, 4, 16, 30, tzinfo=dt.UTC)
    assert compose("{{ due|time }}", due=at).body == "5 Mar 00:30"
    assert compose("{{ due|time }}", lang="zh", due=at).body == "3月5日 00:30"


def test_a_template_that_is_missing_says_which(tmp_path):
    """A name without words is named, with the file that would be its own."""
    with pytest.raises(ComposeError, match=r"add notifications/later\.j2"):
        Composer(read_words({}, Problems()), "en").compose("later", "sms", "en", {}, SHANGHAI)


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ("{{ name }} {% if order > 1 %}{{ name.nickname }}{% endif %}", "has no attribute 'nickname'"),
        (LOOPS, TURNS),
        ("{% for i in range(1000) %}{{ '0123456789' ~ '0123456789' }}" + "x" * 100 + "{% endfor %}", "65,536"),
        ("{{ order // 0 }}", "ZeroDivisionError"),
    ],
)
def test_a_broken_template_stops_only_its_own_messages(tmp_path, broken, says):
    """What cannot be written waits, with the reason in its journal; everything else of the same rule leaves."""
    desk = open_desk(
        tmp_path,
        BY_SMS.format("fine"),
        BY_SMS.format("broken").replace("1h", "61m"),
        BY_SMS.format("fine").replace("1h", "62m"),
        **{"notifications/fine.j2": "fine {{ order }}", "notifications/broken.j2": broken},
    )
    for id in (2, 3):
        paid(desk, id)
    desk.run(MONDAY, TEN + 3 * MINUTE)
    assert sorted(desk.sent["sms"]) == ["fine 2", "fine 2", "fine 3", "fine 3"]
    assert [state for _, state in outcome(desk, 2)] == ["accepted", "waiting", "accepted"]
    [reason] = reasons(desk, 2, "failed")
    assert says in reason
    assert reason.startswith("notifications/broken.j2")


def test_words_with_an_unknown_name_wait_until_they_are_mended(tmp_path):
    """Words edited to name what no order has are an error at once; until they are mended, messages wait for them."""
    desk = open_desk(tmp_path, BY_SMS.format("hello"))
    paid(desk, 1)
    desk.run(MONDAY, TEN - MINUTE)
    desk.write("notifications/hello.j2", "{{ oder }}")
    desk.reload(TEN - MINUTE)
    assert "oder" in desk.problems.errors[0].message
    desk.run(TEN, TEN + MINUTE)
    assert outcome(desk, 1) == [("sms", "waiting")]
    assert "'oder' is undefined" in reasons(desk, 1, "failed")[0]
    desk.write("notifications/hello.j2", "order {{ order }}")
    desk.reload(TEN + MINUTE)
    desk.run(TEN + MINUTE, TEN + 6 * MINUTE)
    assert desk.sent["sms"] == ["order 1"]


def test_a_mended_template_sends_what_waited(tmp_path):
    """Five minutes after the words are mended at the latest, what waited for them leaves."""
    desk = open_desk(tmp_path, BY_SMS.format("broken"), **{"notifications/broken.j2": "{{ order // 0 }}"})
    paid(desk, 1)
    desk.run(MONDAY, TEN + 7 * MINUTE)
    assert reasons(desk, 1, "failed") == ["notifications/broken.j2 cannot be rendered: ZeroDivisionError"]
    desk.write("notifications/broken.j2", "mended {{ order }}")
    desk.reload(TEN + 7 * MINUTE)
    desk.run(TEN + 7 * MINUTE, TEN + 12 * MINUTE)
    assert desk.sent["sms"] == ["mended 1"]


def test_one_bad_record_stops_only_itself(tmp_path):
    """A record that a template cannot make words of waits; the others of its batch leave."""
    desk = open_desk(tmp_path, BY_SMS.format("share"), **{"notifications/share.j2": "{{ 100 // amount }}"})
    for id, amount in enumerate((10, 0, 20), 1):
        paid(desk, id, amount=amount)
    desk.run(MONDAY, TEN)
    assert desk.sent["sms"] == ["10", "5"]
    assert [outcome(desk, id)[0][1] for id in (1, 2, 3)] == ["accepted", "waiting", "accepted"]


def test_a_record_with_strange_characters_is_told_like_any_other(tmp_path):
    """A zero byte and line breaks in a customer's name reach the ledger and the channel without harm."""
    desk = open_desk(tmp_path, BY_SMS.format("hello"))
    paid(desk, 1, name="Li\0Lei\r\n小")
    paid(desk, 2)
    desk.run(MONDAY, TEN)
    assert [outcome(desk, id) for id in (1, 2)] == [[("sms", "accepted")]] * 2
    assert all("\0" not in text for text in desk.sent["sms"])


RULE_FILE = "rules/r.yaml"


def test_a_broken_rule_file_keeps_its_last_good_version(tmp_path):
    """While its file is broken the rule goes on as it was, also after a restart, and the journal says where."""
    desk = open_desk(tmp_path, BY_SMS.format("hello"))
    good = (tmp_path / RULE_FILE).read_text(encoding="utf-8")
    desk.write(RULE_FILE, good.replace("tell:", "tel:").replace("paid_at", "payed_at"))
    desk.reload(MONDAY + MINUTE)
    desk.start(MONDAY + 2 * MINUTE)
    paid(desk, 1)
    desk.run(MONDAY + 2 * MINUTE, TEN)
    assert desk.sent["sms"] == ["Li: order 1"]
    [entry] = [entry for entry in desk.rule_journal() if entry.event == "broken"]
    assert entry.detail.startswith("rules/r.yaml:")
    assert entry.detail.endswith("the last good version goes on")
    desk.write(RULE_FILE, good)
    desk.reload(TEN + MINUTE)
    assert [entry.event for entry in desk.rule_journal()][-1] == "live"


def test_a_missing_rule_file_pauses_its_rule(tmp_path):
    """Without its file a rule sends nothing, also after a restart; when the file is back, what waited leaves once."""
    desk = open_desk(tmp_path, f"{BY_SMS.format('hello')}, between: 10:05-19:00")
    paid(desk, 1)
    desk.run(MONDAY, TEN)
    good = (tmp_path / RULE_FILE).read_text(encoding="utf-8")
    (tmp_path / RULE_FILE).unlink()
    desk.reload(TEN)
    desk.start(TEN + MINUTE)
    desk.run(TEN + MINUTE, TEN + HOUR)
    assert desk.sent["sms"] == []
    assert [entry.detail for entry in desk.rule_journal() if entry.event == "missing"] == [
        "rules/r.yaml is gone; the rule pauses"
    ]
    desk.write(RULE_FILE, good)
    desk.reload(TEN + HOUR)
    desk.run(TEN + HOUR, TEN + 2 * HOUR)
    assert desk.sent["sms"] == ["Li: order 1"]


def test_a_rule_that_pauses_under_way_keeps_its_messages(tmp_path):
    """A file that vanishes between the claim and the look leaves the message waiting, and others leave."""
    desk = open_desk(tmp_path, BY_SMS.format("hello"))
    paid(desk, 1)
    desk.run(MONDAY, TEN - MINUTE)
    desk.engine.ladder.fire(TEN)
    doorman = desk.engine.sender._doorman
    look = doorman.look

    def vanish(batch, now):
        (tmp_path / RULE_FILE).rename(tmp_path / "away")
        desk.reload(now)
        return look(batch, now)

    doorman.look = vanish
    desk.engine.sender.send("sms", TEN)
    doorman.look = look
    assert outcome(desk, 1) == [("sms", "waiting")]
    (tmp_path / "away").rename(tmp_path / RULE_FILE)
    desk.reload(TEN + MINUTE)
    desk.run(TEN + MINUTE, TEN + 2 * MINUTE)
    assert outcome(desk, 1) == [("sms", "accepted")]


@pytest.mark.parametrize(
    "url", ["sqlite:////nowhere/at/all.db", "oracle://shop", "postgresql+psycopg://127.0.0.1:1/shop"]
)
def test_a_source_that_cannot_be_used_stops_only_its_rules(tmp_path, url):
    """A source whose URL leads nowhere makes the checks of its rules fail with a sentence; the others go on."""
    depot = f'sources:\n  depot: {{url: "{url}", zone: Asia/Shanghai}}\n'
    files = {
        "config/vocabulary/returns.yaml": ORDERS.replace("noun: orders", "noun: returns").replace(": shop", ": depot"),
        "config/duly.yaml": SETTINGS.replace("sources:\n", depot),
        "rules/back.yaml": rule(BY_SMS.format("hello"), check="every 1h").replace("watch: orders", "watch: returns"),
    }
    desk = Desk(tmp_path, {"r": rule(BY_SMS.format("hello"))}, files=files)
    plugins = load_plugins([SpokenPlugin()])
    snapshot, _ = load_workspace(tmp_path, plugins.actions, plugins.channels)
    desk.ledger = Ledger(desk.ledger_url)
    weakref.finalize(desk, desk.ledger.close)
    desk.ledger.migrate()
    desk.engine = assemble(snapshot, plugins, desk.ledger, Problems())
    desk.engine.load(snapshot, MONDAY)
    desk.run(MONDAY, MONDAY)
    paid(desk, 1)
    desk.run(MONDAY, TEN)
    assert "Li: order 1" in desk.sent["sms"]
    assert {entry.event for entry in desk.rule_journal("back")} >= {"check failed"}


class Broken(duly.Action):
    """Breaks as it is made."""

    name = "break"

    def __init__(self, config: duly.Config) -> None:
        raise RuntimeError("t0p-s3cret")


class BrokenPlugin:
    """Registers `Broken`."""

    @duly.hookimpl
    def register_actions(self, register) -> None:
        """Register it."""
        register(Broken)


def test_an_action_that_cannot_be_made_stops_only_itself(tmp_path):
    """A plugin that breaks as its action is made is named as a problem, and the other actions are there."""
    desk = open_desk(tmp_path, BY_SMS.format("hello"))
    plugins = load_plugins([SpokenPlugin(), BrokenPlugin()])
    problems = Problems()
    engine = assemble(desk.engine.house.rules.snapshot, plugins, desk.ledger, problems)
    assert "break" not in engine.house.actions
    assert "escalate" in engine.house.actions
    assert [problem.message for problem in problems.errors] == [
        "the action “break” cannot be made: its plugin broke with RuntimeError"
    ]
