"""Posts in lanes: Slack limits edits, new messages and whispers each apart.

An older replica writes into lane 0 whatever it is, where it is looked after as before.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade():
    op.add_column("posts", sa.Column("lane", sa.Integer, nullable=False, server_default="0"))
    op.execute("UPDATE posts SET lane = 1 WHERE kind = 'whisper' AND due_at IS NOT NULL")
    op.drop_index("ix_posts_due", "posts")
    due = sa.text("due_at IS NOT NULL")
    op.create_index(
        "ix_posts_due", "posts", ["lane", "due_at"], sqlite_where=due, postgresql_where=due
    )
