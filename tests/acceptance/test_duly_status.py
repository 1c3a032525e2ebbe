"""``duly status``: how everything stands, and what needs a person."""

from __future__ import annotations

import datetime as dt
import json

import pytest
import sqlalchemy as sa

from acceptance.command import duly
from acceptance.shop import FILES, NOON, RULE, shop
from duly.cli import main
from duly.ledger import nodes
from duly.ledger.schema import delivery

MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def desk(tmp_path):
    """Give a shop whose daemon has worked from noon to half past one, with an order on its way and a late one held."""
    desk = shop(tmp_path)
    desk.order(1, paid_at="2024-03-04 09:00:00")
    desk.start(NOON)
    desk.run(NOON, NOON)
    desk.order(2, paid_at="2024-03-04 12:01:00")
    desk.run(NOON + MINUTE, NOON + 90 * MINUTE)
    return desk


def ask(desk, capsys) -> dict:
    """Ask for the status as a program does, in this process."""
    code = main.run(["status", "--json", "--home", str(desk.home)])
    answer = json.loads(capsys.readouterr().out)
    assert code == (1 if answer["needs"] else 0)
    return answer


def runs(desk, *troubles: str) -> None:
    """Have a daemon show that it is alive."""
    now = dt.datetime.now(dt.UTC)
    with desk.ledger.write() as connection:
        nodes.start(connection, "here:1", now)
        nodes.beat(connection, "here:1", now, troubles)


def test_status_counts_cases_and_says_when_rules_were_checked(desk, capsys):
    """Each rule has its state, its last check with what came of it, and its open, held and late cases."""
    answer = ask(desk, capsys)
    (rule,) = answer["rules"]
    assert (rule["rule"], rule["state"]) == ("late", "live")
    assert rule["cases"] == {"open": 2, "held": 1, "late": 2, "done": 0, "gone": 0}
    assert rule["last_check"]["at"] == "2024-03-04T13:30:00+08:00"
    assert rule["last_check"]["state"] == "done"
    assert rule["next_check"] == "2024-03-04T13:40:00+08:00"
    assert answer["deliveries"] == {"accepted": 2}


def test_status_for_people_has_the_same(desk):
    """The table shows the figures, and below it what needs a person."""
    done = duly("status", "--home", desk.home)
    assert done.code == 1
    assert "late  live   04 Mar 2024 13:30  2 found  now      2     1     2" in done.out
    assert "  late holds 1 case: decide with “duly release late”\n" in done.out
    assert "  Duly has not run here yet: start it with “duly run”\n" in done.out


def test_status_reads_a_ledger_on_postgresql(tmp_path, postgresql_url, capsys):
    """The same questions have the same answers there; before the first run there are no tables, and that is said."""
    settings = FILES["config/duly.yaml"] + f"ledger: {{url: {postgresql_url}}}\n"
    desk = shop(tmp_path, **{"config/duly.yaml": settings})
    assert "Duly has not run here yet: start it with “duly run”" in ask(desk, capsys)["needs"]
    desk.ledger_url = postgresql_url
    desk.order(1, paid_at="2024-03-04 09:00:00")
    desk.start(NOON)
    desk.run(NOON, NOON)
    assert ask(desk, capsys)["rules"][0]["cases"] == {"open": 1, "held": 1, "late": 1, "done": 0, "gone": 0}
    assert main.run(["release", "late", "--send", "--home", str(tmp_path)]) == 0
    assert main.run(["why", "late", "1", "--home", str(tmp_path)]) == 0
    assert "released: a person let it go on" in capsys.readouterr().out
    desk.ledger.close()


def test_all_is_well_ends_with_0(tmp_path, capsys):
    """With a daemon at work and nothing held, failed or broken, nobody is needed."""
    desk = shop(tmp_path)
    desk.start(NOON)
    desk.run(NOON, NOON)
    runs(desk)
    assert ask(desk, capsys)["needs"] == []


def test_a_workspace_in_which_nothing_has_run_says_so(tmp_path):
    """Before the first run the rules are new, there is no ledger, and none is made."""
    shop(tmp_path)
    done = duly("status", "--home", tmp_path)
    assert done.code == 1
    assert "late  new" in done.out
    assert "Duly has not run here yet: start it with “duly run”" in done.out
    assert not (tmp_path / "ledger.db").exists()


def test_a_daemon_that_was_killed_is_told_from_one_that_was_stopped(desk, capsys):
    """Without a sign of life for a minute no daemon runs; whether it was stopped, people can see."""
    with desk.ledger.write() as connection:
        nodes.start(connection, "here:1", NOON)
    assert "no daemon is running: start one with “duly run”" in ask(desk, capsys)["needs"]
    main.run(["status", "--home", str(desk.home)])
    assert "last seen Mon 04 Mar 2024 12:00 and never stopped" in capsys.readouterr().out.replace("\n", " ")
    with desk.ledger.write() as connection:
        nodes.stop(connection, "here:1", NOON + MINUTE)
    main.run(["status", "--home", str(desk.home)])
    assert "stopped Mon 04 Mar 2024 12:01." in capsys.readouterr().out


def test_what_troubles_a_daemon_at_work_needs_a_person(desk, capsys):
    """A channel that is down on a node shows, in the node's own words."""
    runs(desk, "the channel “sms” is down: the gateway refuses the key")
    assert "the channel “sms” is down: the gateway refuses the key" in ask(desk, capsys)["needs"]


def test_a_broken_rule_is_shown_with_its_problem_once(desk, capsys):
    """A rule with a broken file says where, once, though its last good version goes on and the daemon says so, too."""
    desk.write("rules/late.yaml", RULE.replace("[paid]", "[payd]"))
    runs(desk, "rules/late.yaml:4: unknown fact “payd”")
    answer = ask(desk, capsys)
    assert answer["rules"][0]["state"] == "broken"
    assert answer["rules"][0]["problems"][0]["code"] == "R005"
    assert answer["rules"][0]["next_check"]
    assert answer["needs"].count("rules/late.yaml:4: unknown fact “payd”") == 1


def test_a_rule_whose_file_is_gone_is_missing(desk, capsys):
    """A rule that the ledger knows, but no file, pauses, and says so."""
    (desk.home / "rules/late.yaml").unlink()
    answer = ask(desk, capsys)
    assert answer["rules"][0]["state"] == "missing"
    assert "rules/late.yaml is gone, so the rule pauses: put it back, or “duly retire late”" in answer["needs"]


def test_a_check_that_failed_says_why(desk, capsys):
    """A source that is down shows with the rule whose check it broke."""
    desk.sql("alter table orders rename to sold")
    desk.run(NOON + 91 * MINUTE, NOON + 100 * MINUTE)
    answer = ask(desk, capsys)
    assert answer["rules"][0]["last_check"]["state"] == "failed"
    assert any(
        need.startswith("the last check of late failed: the source “shop” has no table") for need in answer["needs"]
    )


def test_deliveries_that_nobody_knows_the_fate_of_and_those_that_fail_are_listed(desk, capsys):
    """An unsure delivery, and one without words that work, are counted and named with their reasons."""
    desk.write("notifications/hello.j2", "{{ nobody_knows }}")
    desk.reload(NOON + 91 * MINUTE)
    desk.order(3, paid_at="2024-03-04 13:01:00")
    desk.run(NOON + 91 * MINUTE, NOON + 110 * MINUTE)
    with desk.ledger.write() as connection:
        connection.execute(sa.update(delivery).where(delivery.c.id == 1).values(state="unsure", reason="cut off"))
    answer = ask(desk, capsys)
    assert answer["unsure"]["count"] == 1
    assert answer["unsure"]["latest"][0]["reason"] == "cut off"
    assert answer["failing"]["count"] >= 1
    assert "nobody_knows" in answer["failing"]["latest"][0]["reason"]
    main.run(["status", "--home", str(desk.home)])
    said = capsys.readouterr().out
    assert "May or may not have arrived:" in said
    assert "Could not leave yet:" in said
    assert "1 delivery may or may not have arrived: ask the recipients" in said
