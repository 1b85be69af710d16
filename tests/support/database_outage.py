"""A database that is away for a while: SQLite locked by another program, PostgreSQL shut."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import create_engine, make_url


@contextmanager
def away(url: str) -> Iterator[None]:
    """Keep the bot from its database."""
    with locked(url) if url.startswith("sqlite") else shut(url):
        yield


@contextmanager
def locked(url: str) -> Iterator[None]:
    engine = create_engine(url)
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield
    engine.dispose()


@contextmanager
def shut(url: str) -> Iterator[None]:
    """Let PostgreSQL refuse and cut every connection to one database."""
    with altered(url, "ALLOW_CONNECTIONS false", "ALLOW_CONNECTIONS true"):
        yield


@contextmanager
def altered(url: str, change: str, back: str) -> Iterator[None]:
    """Alter a database of PostgreSQL for a while, and cut every connection to it."""
    name = make_url(url).database
    with psycopg.connect(url.rpartition("/")[0] + "/postgres", autocommit=True) as server:
        server.execute(f'ALTER DATABASE "{name}" {change}')
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
        yield
        server.execute(f'ALTER DATABASE "{name}" {back}')
