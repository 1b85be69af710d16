"""Databases as other versions leave them: of an earlier revision, or of one that is still to come."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, text

from bot.store import migrations
from bot.store.store import Store


def migrate_to(engine: Engine, revision: str) -> None:
    """Run the migrations as far as a revision."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with engine.execution_options(writing=True).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def revision_at(url: str) -> str | None:
    store = Store(url)
    try:
        with store.engine.connect() as connection:
            return migrations.revision_of(connection)
    finally:
        store.close()


def make_newer(url: str, *, floor: str, revision: str = "9999") -> None:
    """Do to a database of ours what a later version's migration may do."""
    store = Store(url)
    with store.engine.execution_options(writing=True).begin() as connection:
        _later_migration(connection)
        connection.execute(text("UPDATE schema_floor SET revision = :floor"), {"floor": floor})
        connection.execute(
            text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision}
        )
    store.close()


def _later_migration(connection: Connection) -> None:
    for table in ("purges", "asks", "posts"):
        connection.execute(
            text(f"ALTER TABLE {table} ADD COLUMN novelty INTEGER DEFAULT 5 NOT NULL")
        )
    connection.execute(text("CREATE TABLE novelties (id INTEGER PRIMARY KEY)"))
    connection.execute(text("CREATE INDEX ix_novelty ON purges (novelty)"))
