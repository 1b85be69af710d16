"""A database that a test has used is to the next as if it were new, whatever was done to it."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.support.databases import Postgresql

ENTRY = """INSERT INTO rates (name, tokens, at) VALUES ('left', 1, now());
SELECT setval(pg_get_serial_sequence('audit', 'id'), 77)"""
SETTING = """DO $$ BEGIN
EXECUTE format('ALTER DATABASE %I SET statement_timeout = 7', current_database()); END $$"""
NUMBERS = "SELECT nextval(pg_get_serial_sequence('audit', 'id'))"
COLUMNS = "SELECT column_name FROM information_schema.columns WHERE table_name = 'rates' ORDER BY 1"


def looked_at(url: str) -> list[Any]:
    """Give what is in a database: rows, the next number of an entry, columns, triggers, settings."""
    with psycopg.connect(url) as session:
        return [
            session.execute(question).fetchall()
            for question in (
                "SELECT revision FROM schema_floor",
                "SELECT version_num FROM alembic_version",
                "SELECT name, value::text FROM known",
                "SELECT name FROM rates",
                NUMBERS,
                COLUMNS,
                "SELECT tgname, tgenabled FROM pg_trigger ORDER BY 1",
                "SHOW statement_timeout",
            )
        ]


@pytest.mark.parametrize(
    "deed",
    [
        ENTRY,
        "DELETE FROM known; UPDATE schema_floor SET revision = '9999'",
        "ALTER TABLE audit DISABLE TRIGGER USER",
        "ALTER TABLE rates ADD COLUMN more integer",
        "DROP TABLE rates CASCADE",
        SETTING,
    ],
)
def test_the_next_finds_nothing_of_it(postgresql: Postgresql, deed: str) -> None:
    with postgresql.copy() as url:
        new = looked_at(url)
    with postgresql.copy() as url, psycopg.connect(url, autocommit=True) as session:
        session.execute(deed)
    with postgresql.copy() as url:
        assert looked_at(url) == new


def test_whoever_outlives_a_test_is_cut_off_and_does_not_come_back(postgresql: Postgresql) -> None:
    with postgresql.copy() as url:
        session = psycopg.connect(url)
        session.execute("LOCK TABLE audit")
    with postgresql.copy() as other:
        assert other != url
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(url)
    session.close()
