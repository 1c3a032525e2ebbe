"""The ledger's tables. Migrations bring a database to this shape; a test compares the two."""

from __future__ import annotations

import sqlalchemy as sa

from duly.ledger.types import Id, Instant, Json

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

rule = sa.Table(
    "rule",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("path", sa.String(255), nullable=False, unique=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("version_id", Id),
    # live | broken (its file has a problem; the last good version goes on) | missing (its file is gone; it pauses)
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("problem", sa.Text),
    # whether a person has confirmed the closings that the last check refused (law 9)
    sa.Column("closings_confirmed", sa.Boolean, nullable=False, default=False),
)

rule_version = sa.Table(
    "rule_version",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("rule_id", Id, sa.ForeignKey("rule.id"), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("since", Instant, nullable=False),
    sa.UniqueConstraint("rule_id", "digest"),
)

rule_pause = sa.Table(
    "rule_pause",
    metadata,
    sa.Column("rule_id", Id, sa.ForeignKey("rule.id"), primary_key=True),
    sa.Column("since", Instant, nullable=False),
    # when it ends by itself; null for when somebody ends it
    sa.Column("until", Instant),
    # who did it: a person of the directory, or the user of the machine
    sa.Column("who", sa.Text, nullable=False),
    # whether the rule is given up: it is not even checked
    sa.Column("retired", sa.Boolean, nullable=False, default=False),
)

check_run = sa.Table(
    "check_run",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("rule_id", Id, sa.ForeignKey("rule.id"), nullable=False),
    sa.Column("slot", Instant, nullable=False),
    # running | done | refused (closed nothing, law 9) | failed
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("token", sa.String(32), nullable=False),
    sa.Column("lease_until", Instant, nullable=False),
    sa.Column("now", Instant, nullable=False),
    sa.Column("finished_at", Instant),
    # what the rule and its vocabulary were: another digest at the next check means a change (law 8)
    sa.Column("plan_digest", sa.String(64), nullable=False),
    sa.Column("found", sa.Integer, nullable=False, default=0),
    sa.Column("opened", sa.Integer, nullable=False, default=0),
    sa.Column("closed", sa.Integer, nullable=False, default=0),
    sa.Column("held", sa.Integer, nullable=False, default=0),
    sa.Column("reason", sa.Text),
    sa.UniqueConstraint("rule_id", "slot"),
)

cases = sa.Table(
    "cases",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("rule_id", Id, sa.ForeignKey("rule.id"), nullable=False),
    sa.Column("version_id", Id, sa.ForeignKey("rule_version.id"), nullable=False),
    sa.Column("key", sa.LargeBinary(512), nullable=False),
    sa.Column("clock", sa.String(64), nullable=False),
    # open | acknowledged | done | gone
    sa.Column("state", sa.String(20), nullable=False),
    # why it is closed: a sentence; "used up" keeps it closed for good
    sa.Column("reason", sa.Text),
    sa.Column("used_up", sa.Boolean, nullable=False, default=False),
    # why nothing fires until a person releases it (law 8)
    sa.Column("held", sa.Text),
    sa.Column("clock_at", Instant, nullable=False),
    sa.Column("due_at", Instant),
    # when the ladder looks at it again; null when nothing is left, while it is held, and once nobody is left to be
    # told of its closing
    sa.Column("next_at", Instant),
    sa.Column("opened_at", Instant, nullable=False),
    sa.Column("closed_at", Instant),
    # when a check last saw it match, where that is what its clock hangs on
    sa.Column("seen_at", Instant),
    # when somebody last said that they have it: it stops "unanswered" steps for a while (law 14)
    sa.Column("acknowledged_at", Instant),
    # id of the person of the directory who has it
    sa.Column("in_charge", sa.String(128)),
    # id of the person to whom a step has assigned it: its "assignee", whoever is in charge now
    sa.Column("assignee", sa.String(128)),
    # the times whose change its steps tell of: by name, as last seen and as last told (texts, or null)
    sa.Column("watched", Json),
    # the record as last read, for words when the source is down
    sa.Column("record", Json, nullable=False),
    sa.UniqueConstraint("rule_id", "key", "clock"),
    sa.Index(None, "state", "next_at"),
    sa.Index(None, "rule_id", "state"),
)

firing = sa.Table(
    "firing",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("case_id", Id, sa.ForeignKey("cases.id"), nullable=False),
    sa.Column("step", sa.String(255), nullable=False),
    sa.Column("occurrence", sa.Integer, nullable=False, default=0),
    sa.Column("audience", sa.Text, nullable=False),
    # noticed (a check has seen what it waits for) | pending | fired | overtaken | expired | skipped
    # | cancelled (armed again when the case reopens)
    sa.Column("state", sa.String(20), nullable=False),
    # grows each time a cancelled firing is armed again, so that its deliveries are new ones
    sa.Column("round", sa.Integer, nullable=False, default=0),
    sa.Column("moment", Instant, nullable=False),
    sa.Column("settled_at", Instant),
    sa.Column("accepted_at", Instant),
    sa.UniqueConstraint("case_id", "step", "occurrence"),
)

pause = sa.Table(
    "pause",
    metadata,
    sa.Column("case_id", Id, sa.ForeignKey("cases.id"), primary_key=True),
    # what the clock waits for
    sa.Column("fact", sa.String(255), primary_key=True),
    sa.Column("began_at", Instant, primary_key=True),
    # null while it goes on
    sa.Column("ended_at", Instant),
    sa.Index(None, "ended_at"),
)

delivery = sa.Table(
    "delivery",
    metadata,
    sa.Column("id", Id, primary_key=True),
    # firing, round, recipient, place in the list of channels: one intent, one row
    sa.Column("intent_key", sa.String(64), nullable=False, unique=True),
    sa.Column("firing_id", Id, sa.ForeignKey("firing.id")),
    sa.Column("rule_id", Id, sa.ForeignKey("rule.id"), nullable=False),
    # message | action
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("channel", sa.String(64), nullable=False),
    # channels to fall back on, in order, after a rejection or for want of an address
    sa.Column("fallbacks", Json, nullable=False),
    sa.Column("audience", sa.Text, nullable=False),
    # who: what a Person holds, without the words
    sa.Column("person", Json, nullable=False),
    sa.Column("staff", sa.Boolean, nullable=False),
    sa.Column("template", sa.String(255), nullable=False),
    sa.Column("extra", Json, nullable=False),
    sa.Column("urgent", sa.Boolean, nullable=False),
    # waiting | claimed | sending | accepted | rejected | unsure | cancelled | expired | capped
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("not_before", Instant, nullable=False),
    sa.Column("expires_at", Instant),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    # since when tries have failed; a day of it is enough
    sa.Column("failing_since", Instant),
    sa.Column("token", sa.String(32)),
    sa.Column("lease_until", Instant),
    # the final words, frozen when it is marked sending
    sa.Column("to", sa.Text),
    sa.Column("subject", sa.Text),
    sa.Column("body", sa.Text),
    sa.Column("receipt", sa.Text),
    sa.Column("reason", sa.Text),
    sa.Column("settled_at", Instant),
    # what leaves at the same time with the same key and channel is one message; null for a message of its own
    sa.Column("group_key", sa.String(64)),
    # the delivery whose message tells of this one, too: while that is under way, this is "sending" without a lease
    sa.Column("carried_by", Id),
    sa.Index(None, "state", "channel", "not_before"),
    sa.Index(None, "group_key", "state"),
    sa.Index(None, "firing_id"),
    sa.Index(None, "rule_id", "created_at"),
)

delivery_case = sa.Table(
    "delivery_case",
    metadata,
    sa.Column("delivery_id", Id, sa.ForeignKey("delivery.id"), primary_key=True),
    sa.Column("case_id", Id, sa.ForeignKey("cases.id"), primary_key=True),
    sa.Index(None, "case_id"),
)

# a firing to many people whose deliveries are still being written
fan_out = sa.Table(
    "fan_out",
    metadata,
    sa.Column("firing_id", Id, sa.ForeignKey("firing.id"), primary_key=True, autoincrement=False),
    sa.Column("rule_id", Id, sa.ForeignKey("rule.id"), nullable=False),
    sa.Column("case_id", Id, sa.ForeignKey("cases.id"), nullable=False),
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("expires_at", Instant),
    # whether the source was down as it fired
    sa.Column("blind", sa.Boolean, nullable=False),
    sa.Column("token", sa.String(32)),
    # when anybody may go on with it: until then it is leased to the bearer of the token, or waits
    sa.Column("not_before", Instant, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Index(None, "not_before"),
    sa.Index(None, "case_id"),
)

report = sa.Table(
    "report",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("rule_id", Id, sa.ForeignKey("rule.id"), nullable=False),
    sa.Column("slot", Instant, nullable=False),
    # the part of the desk that it is for; empty for the whole
    sa.Column("part", sa.Text, nullable=False),
    # what was found: final, so that words, tables and attachments are made from it again at every try
    sa.Column("found", Json, nullable=False),
    sa.Index(None, "rule_id", "slot"),
)

task = sa.Table(
    "task",
    metadata,
    sa.Column("id", Id, primary_key=True),
    # of the delivery that asked for it: one delivery, one task
    sa.Column("intent_key", sa.String(64), nullable=False, unique=True),
    sa.Column("rule_id", Id, sa.ForeignKey("rule.id"), nullable=False),
    sa.Column("case_id", Id, sa.ForeignKey("cases.id"), nullable=False),
    # whom to call, and where
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("number", sa.Text, nullable=False),
    # id of the person of the directory who does it
    sa.Column("person", sa.String(128), nullable=False),
    # what to say
    sa.Column("script", sa.Text, nullable=False),
    # open | done
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    # later than created_at once the call is to be made again
    sa.Column("not_before", Instant, nullable=False),
    sa.Column("due_at", Instant),
    # reached | not reached | call again | not needed
    sa.Column("outcome", sa.String(20)),
    sa.Column("done_at", Instant),
    sa.Column("done_by", sa.Text),
    sa.Index(None, "case_id"),
    sa.Index(None, "state", "person"),
)

quota = sa.Table(
    "quota",
    metadata,
    sa.Column("scope", sa.String(255), primary_key=True),
    sa.Column("period", sa.String(32), primary_key=True),
    sa.Column("used", sa.Integer, nullable=False),
)

suppression = sa.Table(
    "suppression",
    metadata,
    sa.Column("channel", sa.String(64), primary_key=True),
    sa.Column("address_hash", sa.String(64), primary_key=True),
    sa.Column("since", Instant, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)

ack_token = sa.Table(
    "ack_token",
    metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    sa.Column("case_id", Id, sa.ForeignKey("cases.id"), nullable=False),
    sa.Column("person", sa.String(128), nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
    sa.Column("used_at", Instant),
)

node = sa.Table(
    "node",
    metadata,
    sa.Column("id", sa.String(255), primary_key=True),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("seen_at", Instant, nullable=False),
    # stopped_at tells an orderly stop from a crash
    sa.Column("stopped_at", Instant),
    # what is wrong on this node now: broken rules, channels down, sources down, plugins in quarantine
    sa.Column("troubles", Json, nullable=False),
)

journal = sa.Table(
    "journal",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("rule_id", Id),
    sa.Column("case_id", Id),
    sa.Column("delivery_id", Id),
    sa.Column("event", sa.String(32), nullable=False),
    # one sentence for people
    sa.Column("detail", sa.Text, nullable=False, default=""),
    sa.Column("data", Json),
    sa.Index(None, "case_id"),
    sa.Index(None, "rule_id", "at"),
)
