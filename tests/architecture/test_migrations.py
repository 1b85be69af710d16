"""Every migration leaves the version before it at work, or says that it does not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, Table, UniqueConstraint, text

from bot.store.store import Store
from tests.support.schema_revisions import migrate_to, migrations_of


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(f"sqlite:///{tmp_path}/purgebot.sqlite3")) as opened:
        yield opened


def look(connection: Connection) -> MetaData:
    found = MetaData()
    found.reflect(connection)
    return found


def hindrances(before: MetaData, after: MetaData) -> list[str]:
    """Give what would stop a program that knows only the tables of before."""
    found = [f"{name} is gone" for name in before.tables.keys() - after.tables.keys()]
    for name in before.tables.keys() & after.tables.keys():
        old, new = before.tables[name], after.tables[name]
        found += [f"{name}.{each} is gone" for each in set(old.c.keys()) - set(new.c.keys())]
        for column in new.c:
            was = old.c.get(column.name)
            needed = not column.nullable and column.server_default is None
            if was is None:
                found += [f"{column} must be given"] * needed
            else:
                found += [f"{column} must be given"] * (needed and was.nullable is True)
                found += [f"{column} is another type"] * (str(was.type) != str(column.type))
        found += [f"{name} takes fewer rows"] * bool(unique_in(new) - unique_in(old))
    return found


def unique_in(table: Table) -> set[tuple[str, ...]]:
    indexes = [list(index.columns) for index in table.indexes if index.unique]
    constraints = [
        list(each.columns) for each in table.constraints if isinstance(each, UniqueConstraint)
    ]
    return {tuple(sorted(column.name for column in some)) for some in indexes + constraints}


def floor_in(connection: Connection) -> str:
    return str(connection.execute(text("SELECT revision FROM schema_floor")).scalar_one())


def test_the_version_before_can_work_on_the_tables_of_each(store: Store, later: Path) -> None:
    scripts = ScriptDirectory.from_config(migrations_of(later))
    revisions = sorted(script.revision for script in scripts.walk_revisions())
    assert len(revisions) > 1, "there is the one of the release to come"
    for older, newer in pairwise(revisions):
        migrate_to(store.engine, older, later)
        with store.engine.connect() as connection:
            before = look(connection)
        migrate_to(store.engine, newer, later)
        with store.engine.connect() as connection:
            found = hindrances(before, look(connection))
            assert found == [] or floor_in(connection) >= newer


def hindrances_of(store: Store, change: str) -> list[str]:
    """Give what a change of today's tables would stop."""
    migrate_to(store.engine, "head")
    with store.engine.connect() as connection:
        before = look(connection)
        connection.execute(text(change))
        return hindrances(before, look(connection))


@pytest.mark.parametrize(
    "change",
    [
        "DROP TABLE known",
        "ALTER TABLE purges DROP COLUMN evidence",
        "ALTER TABLE purges RENAME COLUMN evidence TO proof",
        "CREATE UNIQUE INDEX ux ON purges (task_id)",
    ],
)
def test_what_would_stop_the_version_before_is_seen(store: Store, change: str) -> None:
    assert hindrances_of(store, change) != []


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TABLE more (id INTEGER)",
        "ALTER TABLE purges ADD COLUMN more INTEGER",
        "ALTER TABLE purges ADD COLUMN more INTEGER NOT NULL DEFAULT 0",
        "CREATE INDEX ix ON purges (task_id, domain)",
    ],
)
def test_what_it_need_not_know_does_not_stop_it(store: Store, change: str) -> None:
    assert hindrances_of(store, change) == []
