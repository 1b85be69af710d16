"""`purgebot migrate --from-sqlite FILE`: an installation moves to PostgreSQL, audit and all."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import DBAPIError

from bot.demo.town import Town
from bot.store.schema import tables
from bot.store.store import Store
from tests.support.audit_trail import open_store, tampering, write_trail
from tests.support.databases import Postgresql
from tests.support.processes import store_of
from tests.support.purgebot import Command, Ended, purgebot, running
from tests.support.schema_revisions import make_newer, make_older
from tests.support.work_in_progress import check_all_goes_on, keep_busy


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give a file that nobody works with, with a small trail in it."""
    path = tmp_path / "old.sqlite3"
    with closing(open_store(f"sqlite:///{path}")) as store:
        write_trail(store)
    return path


@pytest.fixture
def empty(postgresql: Postgresql) -> Iterator[str]:
    with postgresql.empty() as url:
        yield url


def moving(file: Path) -> tuple[str, ...]:
    return ("migrate", "--from-sqlite", str(file))


def rows_at(url: str) -> int:
    """Give how many rows there are in all the tables that are moved."""
    with closing(Store(url)) as store:
        return sum(
            store.read(select(func.count()).select_from(table)).scalar_one()
            for table in tables.metadata.sorted_tables
            if table is not tables.schema_floor
        )


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_was_going_on_goes_on_after_the_move(
    place: Town, empty: str, purgebot_here: Command
) -> None:
    keep_busy(place)
    checkpoint = store_of(place).audit.seal(place.now())
    assert checkpoint is not None
    place.stop_bot()
    file = Path(place.database_url.removeprefix("sqlite:///"))
    before = hashlib.sha256(file.read_bytes()).hexdigest()

    ended = purgebot_here(empty, *moving(file))
    assert (ended.code, ended.err) == (0, "")
    assert "moved         6 purges" in ended.out
    assert hashlib.sha256(file.read_bytes()).hexdigest() == before

    kept = ("audit", "verify", "--checkpoint", checkpoint.hash)
    assert purgebot_here(empty, *kept).code == 0
    place.database_url = empty
    place.start_bot()
    check_all_goes_on(place)
    assert store_of(place).audit.seal(place.now()) is not None
    assert purgebot_here(empty, *kept).code == 0


def test_after_the_move_nobody_holds_a_lease_and_the_audit_takes_no_change(
    file: Path, empty: str, purgebot_here: Command
) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as raw:
        raw.execute("UPDATE purges SET lease_holder = 'me', lease_until = '2999-01-01'")
    assert purgebot_here(empty, *moving(file)).code == 0
    with closing(Store(empty)) as store:
        held = select(func.count()).where(tables.purges.c.lease_holder.is_not(None))
        assert store.read(held).scalar_one() == 0
        for change in ("UPDATE audit SET user_id = 'U0EVE'", "DELETE FROM checkpoints"):
            with pytest.raises(DBAPIError, match="append-only"), store.engine.begin() as connection:
                connection.execute(text(change))


def test_a_hundred_thousand_entries_are_moved_whole(
    file: Path, empty: str, purgebot_here: Command
) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    row = {
        "user_id": "U0ANA",
        "response_url": "",
        "response_url_at": at,
        "kind": "note",
        "channel_id": "C0WEB",
        "response_uses": 0,
        "wanted_version": 0,
        "shown_version": 0,
        "attempts": 0,
    }
    with closing(Store(f"sqlite:///{file}")) as store:
        writing = store.engine.execution_options(writing=True)
        with writing.begin() as connection:
            connection.execute(insert(tables.posts), [row] * 100_000)
    ended = purgebot_here(empty, *moving(file))
    assert "moved    100000 posts" in ended.out


def test_what_a_killed_bot_left_in_its_journal_is_moved_too(
    tmp_path: Path, empty: str, purgebot_here: Command
) -> None:
    killed = tmp_path / "killed"
    killed.mkdir()
    with closing(open_store(f"sqlite:///{tmp_path}/purgebot.sqlite3")) as store:
        write_trail(store)
        for file in tmp_path.glob("purgebot.sqlite3*"):
            shutil.copy(file, killed)
    assert (killed / "purgebot.sqlite3-wal").stat().st_size > 0
    before = (killed / "purgebot.sqlite3").read_bytes()
    ended = purgebot_here(empty, *moving(killed / "purgebot.sqlite3"))
    assert "moved         9 audit" in ended.out
    assert (killed / "purgebot.sqlite3").read_bytes() == before


# What is refused, with nothing moved


def refused(ended: Ended, empty: str, why: str, *, rows: int = 0) -> None:
    assert ended.code == 2
    assert why in ended.err
    assert "Traceback" not in ended.err
    assert rows_at(empty) == rows


def test_a_database_that_has_been_used_takes_nothing_over(
    file: Path, empty: str, purgebot_here: Command
) -> None:
    assert purgebot_here(empty, *moving(file)).code == 0
    rows = rows_at(empty)
    refused(purgebot_here(empty, *moving(file)), empty, "rows in", rows=rows)


def test_what_a_bot_writes_before_anybody_asked_for_anything_is_no_hindrance(
    file: Path, empty: str, purgebot_here: Command
) -> None:
    purgebot_here(empty, "migrate")
    with closing(Store(empty)) as store:
        store.shared_state.put(store.shared_state.get("quota"), {"a": 1}, datetime.now(UTC))
    assert purgebot_here(empty, *moving(file)).code == 0


def test_a_file_that_a_bot_works_with_is_not_moved(site: Town, empty: str, tmp_path: Path) -> None:
    file = Path(site.database_url.removeprefix("sqlite:///"))
    with running(tmp_path, site.variables()) as bot:
        bot.until("started")
        ended = purgebot(*moving(file), folder=tmp_path, PURGEBOT_DATABASE_URL=empty)
        refused(ended, empty, "Another Purgebot works with the database file")
        assert bot.end() == 0
    ended = purgebot(*moving(file), folder=tmp_path, PURGEBOT_DATABASE_URL=empty)
    assert ended.code == 0, ended.err


def test_a_file_that_is_not_there_is_not_moved(
    tmp_path: Path, empty: str, purgebot_here: Command
) -> None:
    refused(purgebot_here(empty, *moving(tmp_path / "no.sqlite3")), empty, "there is no such file")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"what is this? " * 1000], ids=["empty", "no database"])
def test_a_file_of_something_else_is_not_moved(
    tmp_path: Path, empty: str, purgebot_here: Command, content: bytes
) -> None:
    file = tmp_path / "other.sqlite3"
    file.write_bytes(content)
    refused(purgebot_here(empty, *moving(file)), empty, "other.sqlite3 cannot be moved")
    assert file.read_bytes() == content


def test_a_database_of_another_program_is_not_moved(
    tmp_path: Path, empty: str, purgebot_here: Command
) -> None:
    file = tmp_path / "other.sqlite3"
    with closing(sqlite3.connect(file, isolation_level=None)) as raw:
        raw.execute("CREATE TABLE alembic_version AS SELECT 'ae1027a6acf2' AS version_num")
    refused(purgebot_here(empty, *moving(file)), empty, "no tables of Purgebot's")


def test_a_file_of_an_older_version_is_moved_after_it_was_migrated(
    tmp_path: Path, file: Path, empty: str, later: Path
) -> None:
    def run(url: str, *words: str) -> Ended:
        own = {"PURGEBOT_DATABASE_URL": url, "PYTHONPATH": str(later)}
        return purgebot(*words, folder=tmp_path, **own)

    ended = run(empty, *moving(file))
    refused(ended, empty, f"PURGEBOT_DATABASE_URL=sqlite:///{file} purgebot migrate")
    assert run(f"sqlite:///{file}", "migrate").code == 0
    assert run(empty, *moving(file)).code == 0


def test_a_file_from_before_the_first_release_is_not_moved(
    file: Path, empty: str, purgebot_here: Command
) -> None:
    make_older(f"sqlite:///{file}", "0008")
    refused(purgebot_here(empty, *moving(file)), empty, "before the first release")


@pytest.mark.parametrize("floor", ["0003", "9999"])
def test_a_file_of_a_newer_version_is_not_moved_by_this_one(
    file: Path, empty: str, purgebot_here: Command, floor: str
) -> None:
    make_newer(f"sqlite:///{file}", floor=floor)
    refused(purgebot_here(empty, *moving(file)), empty, "same command of the newer version")


def test_a_trail_that_was_tampered_with_is_not_moved(
    file: Path, empty: str, purgebot_here: Command
) -> None:
    with closing(Store(f"sqlite:///{file}")) as store, tampering(store) as connection:
        connection.exec_driver_sql("UPDATE audit SET user_id = 'U0EVE' WHERE id = 2")
    refused(purgebot_here(empty, *moving(file)), empty, "purge PA, entry 2 was altered")


def test_a_purge_that_is_not_as_its_trail_says_is_not_moved(
    file: Path, empty: str, purgebot_here: Command
) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as raw:
        raw.execute("UPDATE purges SET state = 'ready' WHERE id = 'PA'")
    differs = "purge PA its row differs from its last step, entry 3, in state"
    refused(purgebot_here(empty, *moving(file)), empty, differs)


def test_a_move_goes_to_postgresql_only(file: Path, tmp_path: Path, purgebot_here: Command) -> None:
    copy = tmp_path / "copy.sqlite3"
    shutil.copy(file, copy)
    for target in (copy, file):
        ended = purgebot_here(f"sqlite:///{target}", *moving(file))
        assert (ended.code, ended.out) == (2, "")
        assert "no PostgreSQL database to move to" in ended.err
