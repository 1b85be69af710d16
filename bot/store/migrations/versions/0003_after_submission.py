"""What happens after a purge was submitted: how far it is, who was told, who waits with it.

Every new column may be missing from what an older replica writes: a rolling upgrade goes on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

utc = sa.DateTime(timezone=True)


def upgrade():
    for column in (
        sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),
        sa.Column("held_since", utc),
        sa.Column("held_until", utc),
        sa.Column("doubt", sa.JSON),
        sa.Column("percent", sa.Integer),
        sa.Column("seen_at", utc),
        sa.Column("found_at", utc),
        sa.Column("told_at", utc),
        sa.Column("joined_to", sa.String(32)),
        sa.Column("follows", sa.String(32)),
        sa.Column("choice", sa.JSON),
        sa.Column("evidence", sa.JSON),
        sa.Column("low_quota", sa.JSON),
        sa.Column("target", sa.String(64)),
        sa.Column("lane", sa.Integer, nullable=False, server_default="0"),
    ):
        op.add_column("purges", column)
    op.add_column("posts", sa.Column("next_edit_at", utc))
    op.create_table(
        "rates",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("tokens", sa.Float, nullable=False),
        sa.Column("at", utc, nullable=False),
    )
    op.create_table(
        "known",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.JSON, nullable=False),
        sa.Column("at", utc, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.drop_index("ix_purges_due", "purges")
    due = sa.text("due_at IS NOT NULL")
    op.create_index(
        "ix_purges_due", "purges", ["lane", "due_at"], sqlite_where=due, postgresql_where=due
    )
    op.create_index("ix_posts_purge", "posts", ["purge_id"])
    op.create_index("ix_purges_target", "purges", ["target", "sent_at"])
    joined = sa.text("joined_to IS NOT NULL")
    op.create_index(
        "ix_purges_joined", "purges", ["joined_to"], sqlite_where=joined, postgresql_where=joined
    )
    op.create_index("ix_purges_sent", "purges", ["sent_at"])
    op.create_index("ix_purges_requested", "purges", ["requested_at"])
    op.create_index("ix_purges_domain_requested", "purges", ["domain", "requested_at"])
    op.create_index("ix_purges_user_requested", "purges", ["user_id", "requested_at"])
    op.create_index("ix_purges_task", "purges", ["task_id"])
