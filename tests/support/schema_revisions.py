"""Databases as other versions leave them, and the release that comes after this one.

It is this one with one more migration, made anew for each run, so that there is always a schema to
upgrade from, however few there are.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, text

from bot.store import migrations
from bot.store.migrations import HEAD
from bot.store.store import Store
from tests.support.purgebot import ROOT

LATER = f"{int(HEAD) + 1:04}"
"""The revision of the release after this one."""
_FOLDER = Path(migrations.__file__).parent.relative_to(ROOT)
_NOVELTIES = (
    *(
        f"ALTER TABLE {table} ADD COLUMN novelty INTEGER DEFAULT 5 NOT NULL"
        for table in ("purges", "asks", "posts")
    ),
    "CREATE TABLE novelties (id INTEGER PRIMARY KEY)",
    "CREATE INDEX ix_novelty ON purges (novelty)",
)
_MIGRATION = f"""
from alembic import op

revision = "{LATER}"
down_revision = "{HEAD}"


def upgrade():
    for statement in {_NOVELTIES}:
        op.execute(statement)
"""


def make_later_release(folder: Path) -> None:
    """Write the release after this one into a folder, for PYTHONPATH."""
    for package in ("bot", "handlers"):
        shutil.copytree(ROOT / package, folder / package)
    front = folder / _FOLDER / "__init__.py"
    written = front.read_text()
    newer = written.replace(f'\nHEAD = "{HEAD}"', f'\nHEAD = "{LATER}"')
    assert newer != written, "it names its newest revision in a line of its own"
    front.write_text(newer)
    (folder / _FOLDER / "versions" / f"{LATER}_novelties.py").write_text(_MIGRATION)


def migrations_of(release: Path) -> Config:
    """Give Alembic's view of the migrations of a release, which its folder holds."""
    config = Config()
    config.set_main_option("script_location", str(release / _FOLDER))
    return config


def migrate_to(engine: Engine, revision: str, release: Path = ROOT) -> None:
    """Run the migrations of a release as far as a revision."""
    config = migrations_of(release)
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
        for statement in _NOVELTIES:
            connection.execute(text(statement))
        connection.execute(text("UPDATE schema_floor SET revision = :floor"), {"floor": floor})
        _call_it(connection, revision)
    store.close()


def make_older(url: str, revision: str) -> None:
    """Let a database of ours say that it was made before there was a first release."""
    store = Store(url)
    with store.engine.execution_options(writing=True).begin() as connection:
        _call_it(connection, revision)
    store.close()


def _call_it(connection: Connection, revision: str) -> None:
    connection.execute(text("UPDATE alembic_version SET version_num = :it"), {"it": revision})
