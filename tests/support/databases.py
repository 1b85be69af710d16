"""Databases for tests, made once and used again: to make one takes longer than most tests do.

A file of SQLite is a copy of one that has our tables.  On PostgreSQL a database whose test is over
is emptied for another test, unless more than its rows was changed.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy import make_url

from bot.store.migrations import migrate
from bot.store.store import Store
from tests.support.canaries import DATABASE_PASSWORD

_SERVER = os.environ.get("TEST_DATABASE_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
_FILE = "purgebot.sqlite3"
_ROOM = 1024**3
_MOST_BYTES = 4 * 1024**2
"""A larger database is not used again: pages that were emptied make tables slow to read."""

_SHAPE = """
SELECT md5(string_agg(line, ',' ORDER BY line)) FROM (
    SELECT concat('class', oid, relname, relnamespace, reloptions, relacl) AS line FROM pg_class
    UNION ALL SELECT concat('column', attrelid, attname, atttypid, attnotnull, atthasdef)
        FROM pg_attribute WHERE attrelid >= 16384
    UNION ALL SELECT concat('trigger', oid, tgname, tgenabled) FROM pg_trigger
    UNION ALL SELECT concat('constraint', oid, conname, convalidated) FROM pg_constraint
    UNION ALL SELECT concat('function', oid, prosrc) FROM pg_proc WHERE oid >= 16384
    UNION ALL SELECT concat('statistics', starelid, staattnum) FROM pg_statistic
        WHERE starelid >= 16384
    UNION ALL SELECT concat('setting', setrole, setconfig) FROM pg_db_role_setting
        WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
) AS found"""
"""Tells two databases apart that differ by more than rows; what a server has from the beginning
has lower numbers."""
_SIZE = (
    "SELECT sum(pg_relation_size(oid)) FROM pg_class WHERE relkind IN ('r', 'i') AND oid >= 16384"
)
_NUMBER_ANEW = "SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'"
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"


class Postgresql:
    """A server, and databases on it.

    Raises: psycopg.OperationalError where there is no server.
    """

    def __init__(self) -> None:
        self.server = psycopg.connect(_SERVER, autocommit=True, connect_timeout=3)
        self._used: list[str] = []
        self._template = self._create("template1")
        with closing(Store(_url_of(self._template))) as store:
            migrate(store.engine)
        with _session(self._template) as session:
            self._new = _New.of(session)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for name in (*self._used, self._template):
            self._drop(name)
        self.server.close()

    @contextmanager
    def copy(self) -> Iterator[str]:
        """Give the URL of a database as it is after a migration."""
        name = self._take_used() or self._create(self._template)
        try:
            yield _url_of(name)
        finally:
            self._used.append(name)

    @contextmanager
    def empty(self) -> Iterator[str]:
        """Give the URL of a database without any table."""
        name = self._create("template0")
        try:
            yield _url_of(name)
        finally:
            self._drop(name)

    def _create(self, template: str) -> str:
        name = _new_name()
        self._execute("CREATE DATABASE {} TEMPLATE {}", name, template)
        self._execute("ALTER DATABASE {} SET synchronous_commit = off", name)
        return name

    def _drop(self, name: str) -> None:
        self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def _take_used(self) -> str | None:
        """Give a used database as if it were new; None if there is none."""
        while self._used:
            old, name = self._used.pop(), _new_name()
            self.server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [old]
            )
            try:
                # Whoever outlived its test may still call it by its old name.
                self._execute("ALTER DATABASE {} RENAME TO {}", old, name)
                with _session(name) as session:
                    if self._new.made_of(session):
                        return name
            except psycopg.Error:  # a test may have shut it, or taken its tables away
                self._drop(old)
            self._drop(name)
        return None

    def _execute(self, command: str, *names: str) -> None:
        self.server.execute(SQL(command).format(*map(Identifier, names)))


@dataclass(frozen=True, slots=True)
class _New:
    """What a new database is like: its shape, and the rows of each table as text."""

    shape: str
    rows: dict[str, bytes]

    @classmethod
    def of(cls, session: psycopg.Connection) -> Self:
        rows = {}
        for (table,) in session.execute(_TABLES).fetchall():
            with session.cursor().copy(f"COPY {table} TO STDOUT") as copy:
                rows[table] = b"".join(map(bytes, copy))
        return cls(_one(session, _SHAPE), rows)

    def made_of(self, session: psycopg.Connection) -> bool:
        """Make a database like new, if only its rows are different; give whether it is."""
        if _one(session, _SHAPE) != self.shape or _one(session, _SIZE) > _MOST_BYTES:
            return False
        with session.transaction():
            session.execute("SET LOCAL session_replication_role = replica")  # without triggers
            for table, rows in self.rows.items():
                session.execute(SQL("DELETE FROM {}").format(Identifier(table)))
                if rows:
                    with session.cursor().copy(f"COPY {table} FROM STDIN") as copy:
                        copy.write(rows)
            session.execute(_NUMBER_ANEW)
        return True


def _one(session: psycopg.Connection, question: str) -> Any:
    row = session.execute(question).fetchone()
    assert row is not None
    return row[0]


def _session(name: str) -> psycopg.Connection:
    return psycopg.connect(_url_of(name), autocommit=True)


def _new_name() -> str:
    return f"purgebot_{secrets.token_hex(6)}"


def _url_of(name: str) -> str:
    """Give the URL of a database on the server."""
    server = make_url(_SERVER)
    password = server.password or DATABASE_PASSWORD
    return server.set(database=name, password=password).render_as_string(hide_password=False)


class Sqlite:
    """A file with our tables, of which others are copies."""

    def __init__(self, folder: Path) -> None:
        self._template = folder / _FILE
        with closing(Store(f"sqlite:///{self._template}")) as store:
            migrate(store.engine)

    @contextmanager
    def copy(self) -> Iterator[str]:
        """Give the URL of a database as it is after a migration, in a folder of its own."""
        with TemporaryDirectory(prefix="purgebot-", dir=_memory()) as folder:
            file = shutil.copy(self._template, folder)
            yield f"sqlite:///{file}"


def _memory() -> Path | None:
    """Give a file system in memory, where there is one of some size: no test need wait for a disk."""
    memory = Path("/dev/shm")
    fits = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _ROOM
    return memory if fits else None
