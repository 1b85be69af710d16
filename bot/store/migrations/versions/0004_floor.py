"""The oldest revision whose program may still use the tables: from now on a program can tell
whether it may work beside a newer one.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade():
    floor = op.create_table("schema_floor", sa.Column("revision", sa.String(4), primary_key=True))
    op.bulk_insert(floor, [{"revision": "0003"}])
