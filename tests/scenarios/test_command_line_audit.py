"""`purgebot audit`: the trail on the command line, with nothing but the database at hand."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.core.audit import AuditEntry, hash_of
from bot.store.store import Store
from tests.support.audit_trail import NOON, A, open_store, press, tampering, write_trail
from tests.support.purgebot import Command, Ended
from tests.support.schema_revisions import make_newer

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

Audit = Callable[..., Ended]


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    opened = open_store(database_url)
    yield opened
    opened.close()


@pytest.fixture
def audit(database_url: str, purgebot_here: Command) -> Audit:
    def run(*words: str, url: str = database_url) -> Ended:
        return purgebot_here(url, "audit", *words)

    return run


# export


def test_an_export_holds_all_that_it_takes_to_verify_it_elsewhere(
    store: Store, audit: Audit
) -> None:
    write_trail(store)
    ended = audit("export")
    assert (ended.code, ended.err) == (0, "")
    lines = [json.loads(line) for line in ended.out.splitlines()]
    assert [line["id"] for line in lines] == list(range(1, 10))
    for line in lines:
        said = {name: line[name] for name in AuditEntry.__slots__}
        entry = AuditEntry(**said | {"at": datetime.fromisoformat(line["at"])})
        assert hash_of(entry, line["seq"], line["previous"]) == line["hash"]


@SQLITE
def test_as_csv_an_export_holds_the_same(store: Store, audit: Audit) -> None:
    write_trail(store)
    lines = [json.loads(line) for line in audit("export").out.splitlines()]
    rows = list(csv.DictReader(io.StringIO(audit("export", "--format", "csv").out)))
    assert [row | {"detail": json.loads(row["detail"])} for row in rows] == [
        {name: "" if value is None else value for name, value in line.items()}
        | {"id": str(line["id"]), "seq": str(line["seq"])}
        for line in lines
    ]


@SQLITE
def test_no_cell_of_a_csv_begins_a_formula(store: Store, audit: Audit) -> None:
    for start in ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"):
        entry = AuditEntry(start, NOON, "press-late", user_id=start, detail={"reason": start})
        store.apply(entry)
    rows = csv.reader(io.StringIO(audit("export", "--format", "csv").out, newline=""))
    cells = [cell for row in rows for cell in row]
    assert "'=1+1" in cells
    assert [cell for cell in cells if cell.startswith(tuple("=+-@\t\r＝"))] == []


@SQLITE
@pytest.mark.parametrize(
    ("since", "told"),
    [
        ("2d", ["P1"]),
        ("60h", ["P1", "P2"]),
        ("4321m", ["P1", "P2", "P3"]),
        ("2024-11-01", ["P1", "P2", "P3", "noon"]),
        ("2024-11-02T13:00:01+01:00", ["P1", "P2", "P3"]),
        ("2024-11-02T13:00:00+01:00", ["P1", "P2", "P3", "noon"]),
    ],
)
def test_an_export_may_begin_at_a_moment_or_some_time_ago(
    store: Store, audit: Audit, since: str, told: list[str]
) -> None:
    now = datetime.now(UTC)
    for name, ago_h in (("P1", 47), ("P2", 59), ("P3", 72)):
        press(store, name, now - timedelta(hours=ago_h))
    press(store, "noon", NOON)
    lines = [json.loads(line) for line in audit("export", "--since", since).out.splitlines()]
    assert [line["purge_id"] for line in lines] == told


@SQLITE
@pytest.mark.parametrize("since", ["yesterday", "2", "2w", "-2d", "99999999999d", "2024-13-01"])
def test_what_is_no_moment_is_said_to_be_none(store: Store, audit: Audit, since: str) -> None:
    ended = audit("export", f"--since={since}")
    assert (ended.code, ended.out) == (2, "")
    assert "neither a moment" in ended.err


# verify


def test_a_trail_that_holds_is_told_with_its_newest_checkpoint(store: Store, audit: Audit) -> None:
    write_trail(store)
    newest = store.audit.newest_checkpoint()
    assert newest is not None
    ended = audit("verify")
    assert (ended.code, ended.err) == (0, "")
    assert "9 entries in 4 chains; 0 are pruned" in ended.out
    assert "2 purges are as their trail says" in ended.out
    assert newest.hash in ended.out


def test_what_a_newer_version_wrote_is_not_judged_by_this_one(
    store: Store, audit: Audit, database_url: str
) -> None:
    write_trail(store)
    make_newer(database_url, floor="0003")
    ended = audit("verify")
    assert (ended.code, ended.out) == (2, "")
    assert "same command of the newer version" in ended.err
    assert audit("export").code == 0


def test_the_first_entry_that_does_not_hold_is_named(store: Store, audit: Audit) -> None:
    write_trail(store)
    with tampering(store) as connection:
        connection.exec_driver_sql("UPDATE audit SET user_id = 'U0EVE' WHERE id = 2")
    ended = audit("verify")
    assert ended.code == 1
    assert f"purge {A}, entry 2: was altered" in ended.out


def test_a_purge_that_is_not_as_its_trail_says_is_named(store: Store, audit: Audit) -> None:
    write_trail(store)
    with store.engine.execution_options(writing=True).begin() as connection:
        connection.exec_driver_sql("UPDATE purges SET state = 'ready' WHERE id = 'PA'")
    ended = audit("verify")
    assert (ended.code, ended.err) == (1, "")
    differs = f"FAIL  purge {A}: its row differs from its last step, entry 3, in state\n"
    assert ended.out == differs


def test_checkpoints_that_are_gone_are_named(store: Store, audit: Audit) -> None:
    write_trail(store)
    with tampering(store) as connection:
        connection.exec_driver_sql("DELETE FROM checkpoints")
    assert store.audit.seal(NOON) is not None  # the bot goes on
    ended = audit("verify")
    assert (ended.code, ended.err) == (1, "")
    assert ended.out == "FAIL  the checkpoint up to entry 7: is missing, or was altered\n"


def test_a_trigger_that_is_gone_is_named(store: Store, audit: Audit) -> None:
    write_trail(store)
    on = "" if store.is_sqlite else " ON audit"
    with store.engine.execution_options(writing=True).begin() as connection:
        connection.exec_driver_sql(f"DROP TRIGGER audit_delete{on}")
    ended = audit("verify")
    assert (ended.code, ended.err) == (1, "")
    assert (
        ended.out == "FAIL  trigger audit_delete: is missing, so that the audit could be changed\n"
    )


@SQLITE
def test_a_checkpoint_that_was_kept_tells_a_trail_that_was_made_anew(
    store: Store, audit: Audit
) -> None:
    write_trail(store)
    kept = store.audit.newest_checkpoint()
    assert store.audit.seal(NOON) is not None
    assert kept is not None
    assert audit("verify", "--checkpoint", kept.hash).code == 0
    ended = audit("verify", "--checkpoint", kept.hash[::-1])
    assert ended.code == 1
    assert "made anew" in ended.out


@SQLITE
def test_an_unreadable_entry_ends_an_export_and_says_what_to_do(store: Store, audit: Audit) -> None:
    write_trail(store)
    with tampering(store) as connection:
        connection.exec_driver_sql("UPDATE audit SET at = 'noon' WHERE id = 2")
    ended = audit("export")
    assert (ended.code, len(ended.out.splitlines())) == (1, 1)
    assert "purgebot audit verify" in ended.err


@SQLITE
@pytest.mark.parametrize("command", ["verify", "export"])
@pytest.mark.parametrize(
    ("url", "code"),
    [("sqlite:///{}/none.sqlite3", 75), ("sqlite:///{}/empty.sqlite3", 75), ("oracle:", 2)],
)
def test_a_database_that_cannot_be_used_is_told_so_and_not_made(
    audit: Audit, tmp_path: Path, command: str, url: str, code: int
) -> None:
    (tmp_path / "empty.sqlite3").touch()
    ended = audit(command, url=url.format(tmp_path))
    assert (ended.code, ended.out) == (code, "")
    assert "PURGEBOT_DATABASE_URL" in ended.err
    assert "Traceback" not in ended.err
    assert not (tmp_path / "none.sqlite3").exists()
