"""`purgebot migrate`: the tables are brought up once, forward, and never under somebody's feet."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.demo.town import SAMPLE_POLICY, Town, town
from bot.store.migrations import HEAD
from bot.store.store import Store
from tests.support.databases import Postgresql
from tests.support.messages import cards, words
from tests.support.purgebot import Command, Ended, environment, purgebot, running
from tests.support.schema_revisions import LATER, make_newer, make_older, migrate_to, revision_at
from tests.support.waiting import until

Migrate = Callable[[str], Ended]
NOTHING = f"schema {HEAD}: nothing to do\n"


@pytest.fixture
def migrate(purgebot_here: Command) -> Migrate:
    return lambda url: purgebot_here(url, "migrate")


@pytest.fixture
def migrate_later(tmp_path: Path, later: Path) -> Migrate:
    """Give `purgebot migrate` of the release after this one."""
    return lambda url: purgebot(
        "migrate", folder=tmp_path, PURGEBOT_DATABASE_URL=url, PYTHONPATH=str(later)
    )


def at_head(url: str) -> None:
    with closing(Store(url)) as store:
        migrate_to(store.engine, HEAD)


def execute(url: str, statement: str) -> None:
    with closing(Store(url)) as store:
        writing = store.engine.execution_options(writing=True)
        with writing.begin() as connection:
            connection.execute(text(statement))


# What it does


def test_it_brings_an_empty_database_up_and_then_finds_nothing_to_do(
    empty_url: str, migrate: Migrate, tmp_path: Path
) -> None:
    assert migrate(empty_url) == Ended(0, f"schema none → {HEAD}\n", "")
    assert migrate(empty_url) == Ended(0, NOTHING, "")
    assert revision_at(empty_url) == HEAD


def test_it_says_from_where_it_brought_the_tables(
    empty_url: str, migrate_later: Migrate, tmp_path: Path
) -> None:
    at_head(empty_url)
    assert migrate_later(empty_url) == Ended(0, f"schema {HEAD} → {LATER}\n", "")
    assert migrate_later(empty_url) == Ended(0, f"schema {LATER}: nothing to do\n", "")


@pytest.mark.parametrize("found", [None, HEAD], ids=["empty", "the tables of before"])
def test_of_several_at_once_exactly_one_migrates(
    postgresql: Postgresql, tmp_path: Path, later: Path, found: str | None
) -> None:
    with postgresql.empty() as url:
        if found is not None:
            at_head(url)
        variables = {"PURGEBOT_DATABASE_URL": url, "PYTHONPATH": str(later)}
        at_once = [
            subprocess.Popen(
                [sys.executable, "-m", "bot", "migrate"],
                cwd=tmp_path,
                env=environment(tmp_path, variables),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(5)
        ]
        said = [process.communicate(timeout=60) for process in at_once]
        assert [process.returncode for process in at_once] == [0] * 5, said
        migrated = f"schema {found or 'none'} → {LATER}\n"
        nothing = f"schema {LATER}: nothing to do\n"
        assert sorted(out for out, _ in said) == sorted([migrated, *[nothing] * 4])
        assert revision_at(url) == LATER


# What it leaves alone


def test_it_does_not_touch_a_file_that_a_bot_works_with(site: Town, tmp_path: Path) -> None:
    with running(tmp_path, site.variables()) as bot:
        bot.until("started")
        ended = purgebot("migrate", folder=tmp_path, PURGEBOT_DATABASE_URL=site.database_url)
        assert (ended.code, ended.out) == (2, "")
        assert "Another Purgebot works with the database file" in ended.err
        assert bot.end() == 0


def test_it_gives_up_rather_than_make_everybody_wait_for_somebody_who_reads(
    postgresql: Postgresql, migrate_later: Migrate
) -> None:
    with postgresql.copy() as url:
        with closing(Store(url)) as store, store.engine.begin() as reader:
            reader.execute(text("SELECT * FROM purges"))
            ended = migrate_later(url)
        assert (ended.code, ended.out) == (75, "")
        assert "lock timeout" in ended.err
        assert "Traceback" not in ended.err
        assert revision_at(url) == HEAD
        assert migrate_later(url).out == f"schema {HEAD} → {LATER}\n"


@pytest.mark.parametrize("revision", ["0001", "0008"])
def test_it_leaves_tables_from_before_the_first_release_alone(
    empty_url: str, migrate: Migrate, revision: str
) -> None:
    at_head(empty_url)
    make_older(empty_url, revision)
    ended = migrate(empty_url)
    assert (ended.code, ended.out) == (2, "")
    assert f"before the first release (schema {revision})" in ended.err
    assert revision_at(empty_url) == revision


@pytest.mark.parametrize("version", ["ae1027a6acf2", "9999"])
def test_it_leaves_the_tables_of_another_program_alone(
    empty_url: str, migrate: Migrate, tmp_path: Path, version: str
) -> None:
    execute(empty_url, "CREATE TABLE alembic_version (version_num VARCHAR(32))")
    execute(empty_url, f"INSERT INTO alembic_version SELECT '{version}'")
    ended = migrate(empty_url)
    assert (ended.code, ended.out) == (2, "")
    assert "tables of another program" in ended.err
    assert revision_at(empty_url) == version


def test_it_says_that_the_tables_of_a_newer_version_serve_this_one(
    database_url: str, migrate: Migrate
) -> None:
    migrate(database_url)
    make_newer(database_url, floor=HEAD)
    said = "schema 9999 of a newer version, which this one can use: nothing to do\n"
    assert migrate(database_url) == Ended(0, said, "")


def test_it_says_that_the_tables_of_a_newer_version_do_not_serve_this_one(
    database_url: str, migrate: Migrate
) -> None:
    migrate(database_url)
    make_newer(database_url, floor="9999")
    ended = migrate(database_url)
    assert (ended.code, ended.out) == (2, "")
    assert "for versions that know 9999" in ended.err
    assert "Traceback" not in ended.err


def test_it_needs_a_database_that_answers(migrate: Migrate) -> None:
    ended = migrate("postgresql://me:sesame@127.0.0.1:9/x")
    assert (ended.code, ended.out) == (75, "")
    assert "Check PURGEBOT_DATABASE_URL" in ended.err
    assert "sesame" not in ended.err


# What `run` and `check` say of the tables


@pytest.mark.parametrize("found", [None, HEAD], ids=["empty", "the tables of before"])
def test_on_postgresql_a_bot_starts_when_the_tables_are_there_and_not_before(
    postgresql: Postgresql, migrate_later: Migrate, tmp_path: Path, later: Path, found: str | None
) -> None:
    with (
        postgresql.empty() as url,
        town(database_url=url, policy=SAMPLE_POLICY, with_bot=False) as place,
    ):
        if found is not None:
            at_head(url)
        variables = place.variables() | {"PYTHONPATH": str(later)}
        for command in ("run", "check"):
            ended = purgebot(command, folder=tmp_path, **variables)
            assert ended.code == {"run": 2, "check": 1}[command]
            assert "Run `purgebot migrate`" in ended.out + ended.err
            assert "Traceback" not in ended.err
        assert revision_at(url) == found
        assert migrate_later(url).code == 0
        assert purgebot("check", folder=tmp_path, **variables).code == 0
        with running(tmp_path, variables) as bot:
            bot.until("started")
            assert bot.end() == 0


def test_on_sqlite_a_bot_brings_the_tables_up_by_itself(
    site: Town, tmp_path: Path, later: Path
) -> None:
    (tmp_path / "data").mkdir()
    at_head(site.database_url)
    variables = site.variables() | {"PYTHONPATH": str(later)}
    assert purgebot("check", folder=tmp_path, **variables).code == 0
    with running(tmp_path, variables) as bot:
        bot.until("started")
        assert bot.end() == 0
    assert revision_at(site.database_url) == LATER


def test_a_bot_starts_and_serves_on_the_tables_of_the_version_after_it(
    database_url: str, migrate: Migrate, tmp_path: Path
) -> None:
    migrate(database_url)
    make_newer(database_url, floor=HEAD)
    with town(database_url=database_url, policy=SAMPLE_POLICY, with_bot=False) as place:
        assert purgebot("check", folder=tmp_path, **place.variables()).code == 0
        with running(tmp_path, place.variables()) as bot:
            bot.until("started")
            place.says("U0ANA", "/purge www.example.com hero")
            until(
                place,
                lambda: any("sent: the CDN has taken it" in words(card) for card in cards(place)),
            )
            assert bot.end() == 0
        events = [json.loads(line)["event"] for line in bot.said if line.startswith("{")]
        assert "step-failed" not in events
    assert revision_at(database_url) == "9999"


def test_a_bot_does_not_start_on_tables_that_it_cannot_work_with(
    database_url: str, migrate: Migrate, tmp_path: Path
) -> None:
    migrate(database_url)
    make_newer(database_url, floor="9999")
    with town(database_url=database_url, policy=SAMPLE_POLICY, with_bot=False) as place:
        ended = purgebot("run", folder=tmp_path, **place.variables())
        assert (ended.code, ended.out) == (2, "")
        assert "Install the newer version" in ended.err
        assert purgebot("check", folder=tmp_path, **place.variables()).code == 1
