import pytest

from duly.rules.snapshot import load_workspace

RULE = "rules/orders/ship-within-72h.yaml"
SHIP = "orders/ship-within-72h"


def load(workspace):
    """Load a workspace with the plugins of a usual installation."""
    return load_workspace(workspace, channel_kinds={"console", "email", "file", "sms"})


def edit(workspace, path, old, new):
    """Replace a part of one file."""
    file = workspace / path
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_starter_workspace_is_sound(workspace):
    """What `duly init` hands out has no problem, not even a warning."""
    snapshot, problems = load(workspace)
    assert [problem.render() for problem in problems.all] == []
    assert sorted(snapshot.rules) == [
        "care/holiday-notice",
        "complaints/callback-3d",
        "orders/ship-within-72h",
        "orders/unpaid-reminder",
    ]
    assert not snapshot.broken
    assert sorted(snapshot.nouns) == ["complaints", "customers", "orders"]


def test_problems_of_all_files_show_at_once_and_stop_only_what_needs_them(workspace):
    """One bad rule, template or noun leaves everything else at work."""
    edit(workspace, RULE, "where: [paid]", "where: [payd]")
    edit(workspace, "config/vocabulary/complaints.yaml", "key: m.id", "kee: m.id")
    (workspace / "notifications/odd.j2").write_text("{% if %}", encoding="utf-8")
    (workspace / "rules/new.yaml").write_bytes(b"rule: \xff")
    snapshot, problems = load(workspace)
    assert {problem.mark.path for problem in problems.errors} == {
        RULE,
        "config/vocabulary/complaints.yaml",
        "notifications/odd.j2",
        "rules/complaints/callback-3d.yaml",
        "rules/new.yaml",
    }
    assert sorted(snapshot.rules) == ["care/holiday-notice", "orders/unpaid-reminder"]
    assert [problem.sentence for problem in snapshot.broken[SHIP]] == ["unknown fact “payd”; did you mean “paid”?"]
    assert [str(problem.mark) for problem in snapshot.broken["new"]] == ["rules/new.yaml:1:1"]


def test_a_rule_shows_problems_of_its_text_and_of_its_names_together(workspace):
    """A rule is not mended in two rounds, first the grammar and then the words."""
    edit(workspace, RULE, "where: [paid]", "where: [payd]")
    edit(workspace, RULE, "due: 72h", "due: 72 h")
    snapshot, _ = load(workspace)
    assert [(p.mark.line, p.code) for p in snapshot.broken[SHIP]] == [(5, "R005"), (9, "R004")]


@pytest.mark.parametrize("path", ["config/duly.yaml", "config/directory.yaml"])
def test_without_settings_or_directory_there_is_no_snapshot_but_every_problem(workspace, path):
    """Nothing can run without them, yet `duly check` still shows what is wrong elsewhere."""
    (workspace / path).write_text("zone: [", encoding="utf-8")
    edit(workspace, RULE, "due: 72h", "due: 72 h")
    snapshot, problems = load(workspace)
    assert snapshot is None
    assert {problem.mark.path for problem in problems.errors} == {path, RULE}


def test_an_empty_folder_says_what_is_missing(tmp_path):
    """A folder that is no workspace gives problems, not a traceback."""
    snapshot, problems = load(tmp_path / "nowhere")
    assert snapshot is None
    assert [(str(p.mark), p.code) for p in problems.all] == [
        ("config/directory.yaml:1:1", "Y001"),
        ("config/duly.yaml:1:1", "Y001"),
    ]


def test_hidden_files_and_what_editors_leave_behind_are_no_rules(workspace):
    """A backup of a rule does not run beside it."""
    for name in (".hidden.yaml", "old.yaml~", "notes.txt", ".git/x.yaml"):
        file = workspace / "rules" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("broken: [", encoding="utf-8")
    snapshot, problems = load(workspace)
    assert (len(snapshot.rules), problems.all) == (4, [])


def test_a_link_that_leads_nowhere_is_broken_not_missing(workspace):
    """A file that is there and cannot be read keeps the rule's last good version instead of pausing it."""
    (workspace / "rules/linked.yaml").symlink_to(workspace / "gone.yaml")
    snapshot, _ = load(workspace)
    assert [str(problem.mark) for problem in snapshot.broken["linked"]] == ["rules/linked.yaml:1:1"]


def test_two_files_cannot_be_one_rule(workspace):
    """`a.yaml` and `a.yml` would share one history."""
    (workspace / "rules/orders/ship-within-72h.yml").write_text((workspace / RULE).read_text("utf-8"), "utf-8")
    snapshot, _ = load(workspace)
    assert [problem.sentence for problem in snapshot.broken[SHIP]] == [
        f"another file is the rule “{SHIP}” already; rename one of the two"
    ]


def test_a_rule_cannot_take_over_the_history_of_one_that_is_still_there(workspace):
    """`was:` names a rule that has been renamed, not a neighbour, and not one with another heir."""
    edit(workspace, RULE, "owner:", "was: orders/unpaid-reminder\nowner:")
    snapshot, _ = load(workspace)
    assert [(p.code, p.mark.column, p.sentence) for p in snapshot.broken[SHIP]] == [
        ("R006", 6, "the rule “orders/unpaid-reminder” is still there; delete its file, or this line")
    ]
    edit(workspace, RULE, "was: orders/unpaid-reminder", "was: orders/old")
    edit(workspace, "rules/orders/unpaid-reminder.yaml", "owner:", "was: orders/old\nowner:")
    snapshot, _ = load(workspace)
    assert list(snapshot.broken) == ["orders/unpaid-reminder"]


def test_two_files_of_the_vocabulary_cannot_define_one_noun(workspace):
    """The second of two files with the same noun is told of the first."""
    text = (workspace / "config/vocabulary/orders.yaml").read_text("utf-8")
    (workspace / "config/vocabulary/zz.yaml").write_text(text, "utf-8")
    _, problems = load(workspace)
    assert [(p.mark.path, p.sentence) for p in problems.all] == [
        (
            "config/vocabulary/zz.yaml",
            "config/vocabulary/orders.yaml defines “orders” already; rename one of the two",
        )
    ]


def test_names_that_settings_directory_and_vocabulary_borrow_from_each_other(workspace):
    """An unknown source, operator or channel is found, wherever it is named."""
    edit(workspace, "config/vocabulary/orders.yaml", "source: shop", "source: shopp")
    edit(workspace, "config/duly.yaml", "operator: wang", "operator: wong")
    edit(workspace, "config/duly.yaml", "by: chat else sms else email", "by: chat else smss")
    edit(workspace, "config/directory.yaml", "by: sms else email", "by: emial else sms")
    _, problems = load(workspace)
    shown = {(p.code, p.sentence) for p in problems.all if p.code[0] in "CDV"}
    assert shown == {
        ("V005", "unknown source “shopp”; did you mean “shop”?"),
        ("C005", "unknown operator “wong”; did you mean “wang”?"),
        ("C005", "unknown channel “smss”; did you mean “sms”?"),
        ("D005", "unknown channel “emial”; did you mean “email”?"),
    }


def test_an_old_version_of_a_rule_is_bound_to_todays_vocabulary(workspace):
    """A case finishes on the ladder it started on; conditions and words are today's."""
    old = (workspace / RULE).read_text("utf-8").replace("due: 72h", "due: 48h")
    edit(workspace, "config/vocabulary/orders.yaml", "o.paid_at is not null", "o.paid_at is not null and o.total > 0")
    snapshot, _ = load(workspace)
    bound = snapshot.bind_text(SHIP, old)
    assert bound.rule.due.duration.written == "48h"
    assert bound.rule.id == SHIP
    assert bound.noun.facts["paid"].sql == "o.paid_at is not null and o.total > 0"


def test_an_old_version_goes_on_without_people_words_and_channels_that_are_gone(workspace):
    """An audience that is gone finds the owner, so the case is not dropped in silence."""
    old = (workspace / RULE).read_text("utf-8")
    gone = old.replace("supervisor of logistics", "supervisor of gone").replace("orders/late", "orders/gone")
    snapshot, _ = load(workspace)
    assert len(snapshot.bind_text(SHIP, gone.replace("[chat, sms]", "[pigeon]")).rule.steps) == 3


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("where: [paid]", "where: [gone]"),
        ("clock: shippable_since", "clock: gone"),
        ("due: 72h", "due: gone"),
        ("watch: orders", "watch: gone"),
        ("rule: Paid", "rule: ["),
    ],
)
def test_an_old_version_that_cannot_be_asked_for_is_not_bound(workspace, old, new):
    """Without its fact, its clock or its noun there is no question to ask the source."""
    text = (workspace / RULE).read_text("utf-8")
    assert old in text
    snapshot, _ = load(workspace)
    assert snapshot.bind_text(SHIP, text.replace(old, new)) is None


def test_another_word_of_the_vocabulary_is_another_digest(workspace):
    """Whoever watches for changes sees that a noun has changed, and only that one."""
    before, _ = load(workspace)
    edit(workspace, "config/vocabulary/orders.yaml", "o.paid_at is not null", "o.paid_at > 0")
    after, _ = load(workspace)
    same = {name for name, noun in after.nouns.items() if noun.digest == before.nouns[name].digest}
    assert same == {"complaints", "customers"}
