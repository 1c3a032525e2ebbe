"""A secret that is not there stops one channel or one source, and nothing else."""

import pytest

from acceptance.command import duly
from duly.engine.assembly import assemble
from duly.engine.plugins import load_plugins
from duly.engine.source import SourceDown
from duly.ledger.ledger import Ledger
from duly.rules.problem import Problems
from duly.rules.snapshot import load_workspace
from engine.desk import SETTINGS, Desk, SpokenPlugin, at

RULE = """\
rule: R
owner: sales
watch: orders
where: [paid]
clock: paid_at
check: every 10m
steps:
  - {{after: 1h, tell: customer, by: {by}, text: hello}}
"""
KEYLESS = SETTINGS.replace("chat: {kind: spoken", "chat: {kind: spoken, key: {env: DULY_TEST_NO_KEY}")


def test_other_rules_and_channels_go_on(tmp_path):
    """Only the rule that names the channel is broken, and its problem says what is missing."""
    desk = Desk(
        tmp_path, {"a": RULE.format(by="sms"), "b": RULE.format(by="chat")}, files={"config/duly.yaml": KEYLESS}
    )
    desk.order(1, paid_at="2024-03-04 10:00:00")
    desk.start(at("2024-03-04 10:00"))
    desk.run(at("2024-03-04 10:00"), at("2024-03-04 11:30"))
    assert [message.text for message in desk.channel("sms").sent] == ["Li: order 1"]
    assert "chat" not in desk.engine.house.channels
    missing = "the environment variable DULY_TEST_NO_KEY is not set"
    assert [(str(problem.mark), problem.message) for problem in desk.problems.errors] == [
        ("config/duly.yaml:5:35", missing),
        ("rules/b.yaml:8:37", f"the channel “chat” cannot be used, for {missing}"),
    ]


def test_a_message_for_it_waits_until_the_secret_is_there(tmp_path, monkeypatch):
    """What a person prefers, and cannot be had now, waits in the outbox; nothing is lost."""
    desk = Desk(tmp_path, {"a": RULE.format(by="chat")}, files={"config/duly.yaml": KEYLESS})
    desk.order(1, paid_at="2024-03-04 10:00:00", chat="li")
    monkeypatch.setenv("DULY_TEST_NO_KEY", "k")
    with_key = SETTINGS
    desk.write("config/duly.yaml", with_key)
    desk.start(at("2024-03-04 10:00"))
    desk.run(at("2024-03-04 10:00"), at("2024-03-04 10:30"))
    monkeypatch.delenv("DULY_TEST_NO_KEY")
    desk.write("config/duly.yaml", KEYLESS)
    desk.start(at("2024-03-04 10:40"))
    desk.run(at("2024-03-04 10:40"), at("2024-03-04 12:00"))
    assert [one.state for one in desk.deliveries(1, "a")] == ["waiting"]
    desk.write("config/duly.yaml", with_key)
    desk.start(at("2024-03-04 12:00"))
    desk.run(at("2024-03-04 12:00"), at("2024-03-04 12:10"))
    assert desk.sent["chat"] == ["Li: order 1"]


def test_a_source_without_its_secret_is_down(tmp_path):
    """Its rules’ checks fail with the reason; the others’ do not."""
    settings = SETTINGS.replace("sources:\n", "sources:\n  depot: {url: {env: DULY_TEST_NO_URL}, zone: UTC}\n")
    desk = Desk(tmp_path, {"r": RULE.format(by="sms")}, files={"config/duly.yaml": settings})
    plugins = load_plugins([SpokenPlugin()])
    snapshot, problems = load_workspace(desk.home, plugins.actions, plugins.channels)
    assert [problem.code for problem in problems.errors] == ["C010"]
    found = Problems()
    house = assemble(snapshot, plugins, Ledger("sqlite://"), found).house
    assert found.all == []
    with pytest.raises(SourceDown, match="the environment variable DULY_TEST_NO_URL is not set"):
        house.sources["depot"].lookup(None, [], at("2024-03-04 10:00"))
    assert list(house.sources) == ["depot", "shop"]


def test_check_and_status_say_so(workspace):
    """Both commands name the variable, and both look at all the rest."""
    settings = workspace / "config" / "duly.yaml"
    settings.write_text(settings.read_text("utf-8").replace("channels:\n", "channels:\n" + KEY_CHANNEL), "utf-8")
    checked = duly("check", "--home", workspace)
    assert checked.code == 1
    assert "C010 the environment variable DULY_TEST_NO_KEY is not set; set it before Duly starts" in checked.out
    assert "(0 broken)" not in checked.out
    assert "1 problem" in checked.out.splitlines()[-1]
    said = duly("status", "--home", workspace)
    assert said.code == 1
    assert "the environment variable DULY_TEST_NO_KEY is not set" in " ".join(said.out.split())


KEY_CHANNEL = "  pager: {kind: sms, address: phone, url: {env: DULY_TEST_NO_KEY}}\n"
