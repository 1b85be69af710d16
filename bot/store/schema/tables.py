"""The tables.  There is no separate job queue: the row of a purge, an ask or a post is its own job.

    purges       one row per purge: its state, and the lease of the worker that processes it
    asks         presses and questions
    posts        the messages in Slack: one card per purge, thread replies, ephemeral messages
    audit        the audit entries, each appended in the transaction of the change it records
    checkpoints  checkpoints of the audit trail (bot/core/audit.py)
    rates        token buckets that all replicas share (bot/store/queue/throttle.py)
    known        facts about the outside world that all replicas share, by name, such as that the
                 CDN's quota is used up (bot/store/reads/shared_state.py)
    known_tags   the tags that each domain was purged of (bot/store/reads/known_tags.py)
    schema_floor the oldest version that may use these tables (bot/store/migrations)

`due_at` is null if nothing is left to do.  `lease_until` and `lease_holder` are set while a worker
processes the row (docs/design.md, "The engine").
"""

from __future__ import annotations

from collections.abc import Callable
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
    and_,
    false,
    literal_column,
    or_,
)
from sqlalchemy.types import TypeDecorator

from bot.core.audit import PRUNED
from bot.core.purge.states import State


class Utc(TypeDecorator[datetime]):
    """A timestamp in UTC.  SQLite stores no time zone, so there it is stored and read as UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    # Not process_bind_param and process_result_value: called by SQLAlchemy's own processors, they
    # took a tenth of the time of a purge.  The text for SQLite is the same as SQLAlchemy's.

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        return _to_text if dialect.name == "sqlite" else _to_utc

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:  # noqa: ARG002  (the base class names it)
        return _from_text if dialect.name == "sqlite" else _to_utc


def _to_utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)


def _to_text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat(" ", "microseconds")[:26]


def _from_text(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC)


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
    # `target` is equal for purges of the same tags in any order (Purge.target).
    # `lane`: see bot/store/queue/due.py.
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
    # See bot/store/queue/due.py.
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
    # The checkpoints refer to row IDs, so an ID must not be used twice.
    sqlite_autoincrement=True,
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Utc, nullable=False),
    Column("upto_id", BigInteger, nullable=False),
    Column("entries", Integer, nullable=False),
    # If two replicas seal at the same moment, only one of them can insert.
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

# The tags that each domain was purged of.  `digits` and `size` serve the search for similar tags:
# two tags with the same digits and about the same length may differ by a typo
# (bot/core/suggestions/similarity.py).
known_tags = Table(
    "known_tags",
    metadata,
    Column("domain", String(255), primary_key=True),
    Column("tag", String(200), primary_key=True),
    Column("digits", String(200), nullable=False),
    Column("size", Integer, nullable=False),
)
Index("ix_known_tags_like", known_tags.c.domain, known_tags.c.digits, known_tags.c.size)

# The oldest revision whose program may use the tables.  It has one row (bot/store/migrations).
schema_floor = Table("schema_floor", metadata, Column("revision", String(4), primary_key=True))

MAY_BE_THERE = (State.SENDING.value, State.UNKNOWN.value)
"""The states of a purge that was sent and that the CDN may or may not have received."""


def may_have_reached_cdn() -> ColumnElement[bool]:
    """Return the condition that a sent purge got a task or may have got one.

    It excludes purges that the CDN refused or deferred, and those that the call for another covers.
    """
    # Literals, not bind parameters: see bot/store/database/statements.py, one_of.
    states: list[ColumnElement[str]] = [literal_column(f"'{state}'") for state in MAY_BE_THERE]
    reached = or_(purges.c.task_id.is_not(None), purges.c.state.in_(states))
    return and_(reached, purges.c.joined_to.is_(None))


JOBS: dict[str, Table] = {"purges": purges, "asks": asks, "posts": posts}


def _partial(
    name: str, *columns: Column[Any], where: ColumnElement[bool], unique: bool = False
) -> None:
    Index(name, *columns, unique=unique, sqlite_where=where, postgresql_where=where)


# These partial indexes contain only rows that are due at some time, so finished purges do not slow
# the search for the next step.
for _name, _table in JOBS.items():
    _lane = (_table.c.lane,) if "lane" in _table.c else ()
    _due_at = _table.c.due_at
    _partial(f"ix_{_name}_due", *_lane, _due_at, where=_due_at.is_not(None))
# One card per purge: a second insert fails, so the channel never sees two cards.
_partial("ux_posts_card", posts.c.purge_id, where=posts.c.kind == "card", unique=True)
Index("ix_posts_purge", posts.c.purge_id)
# For the recent load of a domain's origin.
Index("ix_purges_domain_sent", purges.c.domain, purges.c.sent_at)
# For the search for an equal purge in progress, for the purges that are joined to a purge, and for
# the history, newest first.
Index("ix_purges_target", purges.c.target, purges.c.sent_at)
_partial("ix_purges_joined", purges.c.joined_to, where=purges.c.joined_to.is_not(None))
Index("ix_purges_sent", purges.c.sent_at)
Index("ix_purges_requested", purges.c.requested_at)
Index("ix_purges_domain_requested", purges.c.domain, purges.c.requested_at)
Index("ix_purges_user_requested", purges.c.user_id, purges.c.requested_at)
Index("ix_purges_user_domain_requested", purges.c.user_id, purges.c.domain, purges.c.requested_at)
Index("ix_purges_task", purges.c.task_id)
# One chain per purge, so a sequence number occurs once.  The second index is for the pruning, which
# searches for entries that are not yet pruned.
Index("ux_audit_chain", audit.c.purge_id, audit.c.seq, unique=True)
_partial("ix_audit_at", audit.c.at, where=audit.c.event != PRUNED)
