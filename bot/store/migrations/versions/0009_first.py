"""The first schema: all tables.

It came about in nine steps, of which none was released.  It keeps the number of the last one: a
database that took them all has these very tables and stands at 0009, so it needs nothing.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
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
        sa.Column("reminded_at", utc),
        sa.Column("decided_by", sa.String(32)),
        sa.Column("decided_at", utc),
        sa.Column("refusal", sa.JSON),
        sa.Column("approvers", sa.JSON, nullable=False),
        sa.Column("yeses", sa.JSON, nullable=False),
        sa.Column("needs", sa.Text),
        sa.Column("counted", sa.Integer, nullable=False),
        sa.Column("quorum", sa.Integer, nullable=False),
        sa.Column("sent_at", utc),
        sa.Column("task_id", sa.Text),
        sa.Column("request_id", sa.String(64)),
        sa.Column("failure", sa.JSON),
        sa.Column("settled_at", utc),
        sa.Column("policy_hash", sa.String(64)),
        *job_columns(),
        sa.Column("break_glass", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("denial", sa.Text),
        sa.Column("send_at", utc),
        sa.Column("briefing", sa.JSON),
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
        sa.Column("aliases", sa.JSON),
        sa.Column("signature", sa.Text),
        sa.Column("unreachable", sa.JSON),
        sa.Column("new_tags", sa.JSON),
        sa.Column("suggestion", sa.Text),
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
        sa.Column("said", sa.Text),
        sa.Column("signature", sa.Text),
        sa.Column("aside", sa.Boolean),
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
        sa.Column("next_edit_at", utc),
        sa.Column("lane", sa.Integer, nullable=False, server_default="0"),
        sa.Column("told", sa.String(16)),
    )
    op.create_table(
        "audit",
        sa.Column("id", big_id, primary_key=True),
        sa.Column("purge_id", sa.String(255), nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("at", utc, nullable=False),
        sa.Column("event", sa.String(32), nullable=False),
        sa.Column("team_id", sa.String(32)),
        sa.Column("user_id", sa.String(32)),
        sa.Column("channel_id", sa.String(32)),
        sa.Column("policy_hash", sa.String(64)),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "checkpoints",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", utc, nullable=False),
        sa.Column("upto_id", sa.BigInteger, nullable=False),
        sa.Column("entries", sa.Integer, nullable=False),
        sa.Column("previous", sa.String(64), nullable=False, unique=True),
        sa.Column("hash", sa.String(64), nullable=False),
    )
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
    op.create_table(
        "known_tags",
        sa.Column("domain", sa.String(255), primary_key=True),
        sa.Column("tag", sa.String(200), primary_key=True),
        sa.Column("digits", sa.String(200), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
    )
    floor = op.create_table("schema_floor", sa.Column("revision", sa.String(4), primary_key=True))
    op.bulk_insert(floor, [{"revision": revision}])
    create_indexes()
    make_append_only()


def create_indexes():
    op.create_index("ux_audit_chain", "audit", ["purge_id", "seq"], unique=True)
    create_partial_index("ix_audit_at", "audit", ["at"], "event <> 'pruned'")
    create_partial_index("ix_purges_due", "purges", ["lane", "due_at"], "due_at IS NOT NULL")
    create_partial_index("ix_asks_due", "asks", ["due_at"], "due_at IS NOT NULL")
    create_partial_index("ix_posts_due", "posts", ["lane", "due_at"], "due_at IS NOT NULL")
    create_partial_index("ux_posts_card", "posts", ["purge_id"], "kind = 'card'", unique=True)
    op.create_index("ix_posts_purge", "posts", ["purge_id"])
    op.create_index("ix_purges_domain_sent", "purges", ["domain", "sent_at"])
    op.create_index("ix_purges_target", "purges", ["target", "sent_at"])
    create_partial_index("ix_purges_joined", "purges", ["joined_to"], "joined_to IS NOT NULL")
    op.create_index("ix_purges_sent", "purges", ["sent_at"])
    op.create_index("ix_purges_requested", "purges", ["requested_at"])
    op.create_index("ix_purges_domain_requested", "purges", ["domain", "requested_at"])
    op.create_index("ix_purges_user_requested", "purges", ["user_id", "requested_at"])
    op.create_index(
        "ix_purges_user_domain_requested", "purges", ["user_id", "domain", "requested_at"]
    )
    op.create_index("ix_purges_task", "purges", ["task_id"])
    op.create_index("ix_known_tags_like", "known_tags", ["domain", "digits", "size"])


def create_partial_index(name, table, columns, where, unique=False):
    condition = sa.text(where)
    op.create_index(
        name,
        table,
        columns,
        unique=unique,
        sqlite_where=condition,
        postgresql_where=condition,
    )


# The one change that an entry of the audit takes: to be emptied, in its place.
EMPTIED = """
    OLD.event <> 'pruned' AND NEW.event = 'pruned'
    AND NEW.id = OLD.id AND NEW.purge_id = OLD.purge_id AND NEW.seq = OLD.seq
    AND NEW.previous = OLD.previous AND NEW.hash = OLD.hash
    AND NEW.team_id IS NULL AND NEW.user_id IS NULL AND NEW.channel_id IS NULL
    AND NEW.policy_hash IS NULL AND CAST(NEW.detail AS TEXT) = '{}'
"""


def make_append_only():
    if op.get_bind().dialect.name == "sqlite":
        refuse = "BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END"
        op.execute(
            f"CREATE TRIGGER audit_update BEFORE UPDATE ON audit WHEN NOT ({EMPTIED}) {refuse}"
        )
        op.execute(f"CREATE TRIGGER audit_delete BEFORE DELETE ON audit {refuse}")
        op.execute(f"CREATE TRIGGER checkpoints_update BEFORE UPDATE ON checkpoints {refuse}")
        op.execute(f"CREATE TRIGGER checkpoints_delete BEFORE DELETE ON checkpoints {refuse}")
        # INSERT OR REPLACE deletes the old row without asking the triggers above.
        op.execute(
            "CREATE TRIGGER audit_replace BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit"
            f" WHERE id = NEW.id OR (purge_id = NEW.purge_id AND seq = NEW.seq)) {refuse}"
        )
        op.execute(
            "CREATE TRIGGER checkpoints_replace BEFORE INSERT ON checkpoints WHEN EXISTS"
            f" (SELECT 1 FROM checkpoints WHERE id = NEW.id OR previous = NEW.previous) {refuse}"
        )
        return
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'the audit is append-only'; END $$"
    )
    refuse = "EXECUTE FUNCTION refuse_change()"
    op.execute(
        f"CREATE TRIGGER audit_update BEFORE UPDATE ON audit"
        f" FOR EACH ROW WHEN (NOT ({EMPTIED})) {refuse}"
    )
    op.execute(f"CREATE TRIGGER audit_delete BEFORE DELETE OR TRUNCATE ON audit {refuse}")
    op.execute(
        "CREATE TRIGGER checkpoints_change BEFORE UPDATE OR DELETE OR TRUNCATE ON checkpoints"
        f" {refuse}"
    )
