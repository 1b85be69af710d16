"""The history of a person and a domain together, by an index of its own.

Of a million purges PostgreSQL makes it within a few seconds, in which commands wait.
"""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade():
    op.create_index(
        "ix_purges_user_domain_requested", "purges", ["user_id", "domain", "requested_at"]
    )
