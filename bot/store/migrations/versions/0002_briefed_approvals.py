"""Why somebody denied, who broke the glass, what those who decide were told, when it is sent.

Every new column may be missing from what an older replica writes: a rolling upgrade goes on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

utc = sa.DateTime(timezone=True)


def upgrade():
    op.add_column(
        "purges",
        sa.Column("break_glass", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    op.add_column("purges", sa.Column("denial", sa.Text))
    op.add_column("purges", sa.Column("send_at", utc))
    op.add_column("purges", sa.Column("briefing", sa.JSON))
    op.add_column("asks", sa.Column("said", sa.Text))
    op.create_index("ix_purges_domain_sent", "purges", ["domain", "sent_at"])
