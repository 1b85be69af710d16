"""The first tables: purges, asks, posts, audit."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

utc = sa.DateTime(timezone=True)
big_id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def job_columns():
    return (
        sa.Column("due_at", utc),
        sa.Column("lease_until", utc),
        sa.Column("lease_holder", sa.String(64)),
        sa.Column("attempts", sa.Integer, nullable=False),
    )


def upgrade():
    op.create_table(
        "purges",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("trigger_id", sa.String(255), nullable=False, unique=True),
        sa.Column("team_id", sa.String(32), nullable=False),
        sa.Column("channel_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("domain", sa.String(255), nullable=False),
        sa.Column("tags", sa.JSON, nullable=False),
        sa.Column("force", sa.Boolean, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("requested_at", utc, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("expires_at", utc),
        sa.Column("decided_by", sa.String(32)),
        sa.Column("decided_at", utc),
        sa.Column("refusal", sa.JSON),
        sa.Column("approvers", sa.JSON, nullable=False),
        sa.Column("sent_at", utc),
        sa.Column("task_id", sa.Text),
        sa.Column("request_id", sa.String(64)),
        sa.Column("failure", sa.JSON),
        sa.Column("settled_at", utc),
        sa.Column("policy_hash", sa.String(64)),
        *job_columns(),
    )
    op.create_table(
        "asks",
        sa.Column("trigger_id", sa.String(255), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("team_id", sa.String(32), nullable=False),
        sa.Column("user_team_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("channel_id", sa.String(32), nullable=False),
        sa.Column("response_url", sa.Text, nullable=False),
        sa.Column("at", utc, nullable=False),
        sa.Column("purge_id", sa.String(64)),
        *job_columns(),
    )
    op.create_table(
        "posts",
        sa.Column("id", big_id, primary_key=True),
        sa.Column("purge_id", sa.String(64)),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("channel_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("body", sa.JSON),
        sa.Column("response_url", sa.Text, nullable=False),
        sa.Column("response_url_at", utc, nullable=False),
        sa.Column("response_uses", sa.Integer, nullable=False),
        sa.Column("route", sa.String(16)),
        sa.Column("place", sa.String(32)),
        sa.Column("ts", sa.String(32)),
        sa.Column("trying_since", utc),
        sa.Column("wanted_version", sa.Integer, nullable=False),
        sa.Column("shown_version", sa.Integer, nullable=False),
        *job_columns(),
    )
    op.create_table(
        "audit",
        sa.Column("id", big_id, primary_key=True),
        sa.Column("purge_id", sa.String(255), nullable=False),
        sa.Column("at", utc, nullable=False),
        sa.Column("event", sa.String(32), nullable=False),
        sa.Column("team_id", sa.String(32)),
        sa.Column("user_id", sa.String(32)),
        sa.Column("channel_id", sa.String(32)),
        sa.Column("policy_hash", sa.String(64)),
        sa.Column("detail", sa.JSON, nullable=False),
    )
    op.create_index("ix_audit_purge_id", "audit", ["purge_id"])
    for table in ("purges", "asks", "posts"):
        op.create_index(
            f"ix_{table}_due",
            table,
            ["due_at"],
            sqlite_where=sa.text("due_at IS NOT NULL"),
            postgresql_where=sa.text("due_at IS NOT NULL"),
        )
    op.create_index(
        "ux_posts_card",
        "posts",
        ["purge_id"],
        unique=True,
        sqlite_where=sa.text("kind = 'card'"),
        postgresql_where=sa.text("kind = 'card'"),
    )
