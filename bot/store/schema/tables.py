"""The tables.  Rows that have work to do are their own jobs: they know when they are due.

    purges       one row a purge: its state, and the lease of whoever works on it
    asks         clicks and questions, kept until each has been answered
    posts        what Slack shows or will show: one card a purge, notes, whispers for one reader
    audit        what happened, appended in the transaction that made it happen
    checkpoints  seals over the audit (bot/core/audit.py)
    rates        how much may be done in a span of time, by all replicas together
                 (bot/store/queue/throttle.py)
    known        what all replicas know of the world outside, each under a name: that the quota is
                 used up, say
    known_tags   which tags each domain was purged of (bot/store/reads/known_tags.py)
    schema_floor which programs may use these tables (bot/store/migrations)

`due_at` is null when nothing is left to do; `lease_until` and `lease_holder` are set while a
worker is at it (docs/design.md, "The engine").
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    DateTime,
    Dialect,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    false,
    literal_column,
    or_,
)
from sqlalchemy.types import TypeDecorator

from bot.core.audit import PRUNED
from bot.core.purge.states import State


class Utc(TypeDecorator[datetime]):
    """A moment in UTC.  SQLite keeps no time zone, so it goes in and comes out as UTC there."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002  (the base class names it)
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


metadata = MetaData()


NO_LEASE: dict[str, None] = {"lease_until": None, "lease_holder": None}


def _job_columns() -> tuple[Column[Any], ...]:
    return (
        Column("due_at", Utc),
        Column("lease_until", Utc),
        Column("lease_holder", String(64)),
        Column("attempts", Integer, nullable=False, default=0),
    )


purges = Table(
    "purges",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("trigger_id", String(255), nullable=False, unique=True),
    Column("team_id", String(32), nullable=False),
    Column("channel_id", String(32), nullable=False),
    Column("user_id", String(32), nullable=False),
    Column("domain", String(255), nullable=False),
    Column("tags", JSON, nullable=False),
    Column("force", Boolean, nullable=False),
    Column("reason", Text),
    Column("break_glass", Boolean, nullable=False, server_default=false()),
    Column("requested_at", Utc, nullable=False),
    Column("state", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("expires_at", Utc),
    Column("reminded_at", Utc),
    Column("decided_by", String(32)),
    Column("decided_at", Utc),
    Column("denial", Text),
    Column("send_at", Utc),
    Column("briefing", JSON(none_as_null=True)),
    Column("refusal", JSON(none_as_null=True)),
    Column("approvers", JSON, nullable=False),
    Column("yeses", JSON, nullable=False),
    Column("needs", Text),
    Column("counted", Integer, nullable=False),
    Column("quorum", Integer, nullable=False),
    Column("sent_at", Utc),
    Column("task_id", Text),
    Column("request_id", String(64)),
    Column("failure", JSON(none_as_null=True)),
    Column("settled_at", Utc),
    Column("policy_hash", String(64)),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("held_since", Utc),
    Column("held_until", Utc),
    Column("doubt", JSON(none_as_null=True)),
    Column("percent", Integer),
    Column("seen_at", Utc),
    Column("found_at", Utc),
    Column("told_at", Utc),
    Column("joined_to", String(32)),
    Column("follows", String(32)),
    Column("choice", JSON(none_as_null=True)),
    Column("evidence", JSON(none_as_null=True)),
    Column("low_quota", JSON(none_as_null=True)),
    Column("aliases", JSON(none_as_null=True)),
    Column("signature", Text),
    Column("unreachable", JSON(none_as_null=True)),
    Column("new_tags", JSON(none_as_null=True)),
    Column("suggestion", Text),
    # What is the same for two purges of the same tags, in whatever order; and who looks after it.
    Column("target", String(64)),
    Column("lane", Integer, nullable=False, server_default="0"),
    *_job_columns(),
)

asks = Table(
    "asks",
    metadata,
    Column("trigger_id", String(255), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("team_id", String(32), nullable=False),
    Column("user_team_id", String(32), nullable=False),
    Column("user_id", String(32), nullable=False),
    Column("channel_id", String(32), nullable=False),
    Column("response_url", Text, nullable=False),
    Column("at", Utc, nullable=False),
    Column("purge_id", String(64)),
    Column("said", Text),
    Column("signature", Text),
    Column("aside", Boolean),
    *_job_columns(),
)

posts = Table(
    "posts",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("purge_id", String(64)),
    Column("kind", String(16), nullable=False),
    Column("channel_id", String(32), nullable=False),
    Column("user_id", String(32), nullable=False),
    Column("body", JSON(none_as_null=True)),
    Column("response_url", Text, nullable=False),
    Column("response_url_at", Utc, nullable=False),
    Column("response_uses", Integer, nullable=False, default=0),
    Column("route", String(16)),
    Column("place", String(32)),
    Column("ts", String(32)),
    Column("trying_since", Utc),
    Column("wanted_version", Integer, nullable=False, default=0),
    Column("shown_version", Integer, nullable=False, default=0),
    Column("next_edit_at", Utc),
    Column("told", String(16)),
    # Who looks after it (bot/store/queue/due.py).
    Column("lane", Integer, nullable=False, server_default="0"),
    *_job_columns(),
)

audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("purge_id", String(255), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("at", Utc, nullable=False),
    Column("event", String(32), nullable=False),
    Column("team_id", String(32)),
    Column("user_id", String(32)),
    Column("channel_id", String(32)),
    Column("policy_hash", String(64)),
    Column("detail", JSON, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    # A row ID is never given twice: the checkpoints go by it.
    sqlite_autoincrement=True,
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Utc, nullable=False),
    Column("upto_id", BigInteger, nullable=False),
    Column("entries", Integer, nullable=False),
    # Of two replicas that seal at the same moment one is first.
    Column("previous", String(64), nullable=False, unique=True),
    Column("hash", String(64), nullable=False),
)

rates = Table(
    "rates",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("tokens", Float, nullable=False),
    Column("at", Utc, nullable=False),
)

known = Table(
    "known",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", JSON, nullable=False),
    Column("at", Utc, nullable=False),
    Column("version", Integer, nullable=False),
)

# Which tags each domain was purged of: tags of the same digits and of about the same length may be
# slips of one another (bot/core/suggestions/similarity.py).
known_tags = Table(
    "known_tags",
    metadata,
    Column("domain", String(255), primary_key=True),
    Column("tag", String(200), primary_key=True),
    Column("digits", String(200), nullable=False),
    Column("size", Integer, nullable=False),
)
Index("ix_known_tags_like", known_tags.c.domain, known_tags.c.digits, known_tags.c.size)

# The oldest revision whose program may still use the tables; one row (bot/store/migrations).
schema_floor = Table("schema_floor", metadata, Column("revision", String(4), primary_key=True))

MAY_BE_THERE = (State.SENDING.value, State.UNKNOWN.value)
"""Sent, and nobody knows whether it arrived."""


def may_have_reached_cdn() -> ColumnElement[bool]:
    """Whether a purge that was sent got a task, or may have: not what the CDN refused or put off."""
    # Written out, not bound: a list cannot be compiled once (bot/store/database/statements.py).
    states: list[ColumnElement[str]] = [literal_column(f"'{state}'") for state in MAY_BE_THERE]
    return or_(purges.c.task_id.is_not(None), purges.c.state.in_(states))


JOBS: dict[str, Table] = {"purges": purges, "asks": asks, "posts": posts}


def _partial(
    name: str, *columns: Column[Any], where: ColumnElement[bool], unique: bool = False
) -> None:
    Index(name, *columns, unique=unique, sqlite_where=where, postgresql_where=where)


# Only rows that still have something to do are in these indexes, so that a million finished
# purges do not slow the search for the next step.
for _name, _table in JOBS.items():
    _lane = (_table.c.lane,) if "lane" in _table.c else ()
    _due_at = _table.c.due_at
    _partial(f"ix_{_name}_due", *_lane, _due_at, where=_due_at.is_not(None))
# One card a purge: the second try to make one must fail, not be seen.
_partial("ux_posts_card", posts.c.purge_id, where=posts.c.kind == "card", unique=True)
Index("ix_posts_purge", posts.c.purge_id)
# What the origin of a domain had to do of late.
Index("ix_purges_domain_sent", purges.c.domain, purges.c.sent_at)
# Whether the same is being purged already; who waits for its end; what was asked, newest first.
Index("ix_purges_target", purges.c.target, purges.c.sent_at)
_partial("ix_purges_joined", purges.c.joined_to, where=purges.c.joined_to.is_not(None))
Index("ix_purges_sent", purges.c.sent_at)
Index("ix_purges_requested", purges.c.requested_at)
Index("ix_purges_domain_requested", purges.c.domain, purges.c.requested_at)
Index("ix_purges_user_requested", purges.c.user_id, purges.c.requested_at)
Index("ix_purges_user_domain_requested", purges.c.user_id, purges.c.domain, purges.c.requested_at)
Index("ix_purges_task", purges.c.task_id)
# One chain a purge, whoever writes to it; pruning looks for what it has not emptied yet.
Index("ux_audit_chain", audit.c.purge_id, audit.c.seq, unique=True)
_partial("ix_audit_at", audit.c.at, where=audit.c.event != PRUNED)
