"""Whose the files are: the database is its user's alone, and what others may change is told."""

from __future__ import annotations

import os
import stat
from contextlib import closing
from pathlib import Path

import pytest

from bot.config.settings import DatabaseSettings
from bot.demo.town import SAMPLE_POLICY, Town
from bot.store.database.engine import Database
from bot.store.database.sqlite import lock_database
from tests.support.purgebot import purgebot, running


def mode(file: Path) -> str:
    return oct(stat.S_IMODE(file.stat().st_mode))


@pytest.fixture(autouse=True)
def _usual_umask() -> object:
    """Create files as most systems do, readable by everybody; at the end, as before."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def opened(file: Path) -> dict[str, str]:
    """Lock and use a database as a bot does; give the rights of all that then lies beside it."""
    url = f"sqlite:///{file}"
    lock = lock_database(DatabaseSettings(PURGEBOT_DATABASE_URL=url))
    assert lock is not None
    with closing(Database(url)) as database, lock:
        database.write(lambda connection: connection.exec_driver_sql("CREATE TABLE t (x)"))
        return {each.name: mode(each) for each in file.parent.iterdir()}


ALL = {f"bot.sqlite3{end}": "0o600" for end in ("", "-wal", "-shm", ".lock")}


def test_a_new_database_and_its_folder_are_its_users_alone(tmp_path: Path) -> None:
    file = tmp_path / "data" / "bot.sqlite3"
    assert opened(file) == ALL
    assert mode(file.parent) == "0o700"


def test_a_database_that_everybody_may_read_is_made_its_users_alone(tmp_path: Path) -> None:
    file = tmp_path / "bot.sqlite3"
    file.touch(0o644)
    Path(f"{file}.lock").touch(0o644)
    assert opened(file) == ALL
    assert mode(tmp_path) != "0o600"


def test_what_somebody_has_let_a_group_read_stays_so(tmp_path: Path) -> None:
    file = tmp_path / "bot.sqlite3"
    file.touch()
    file.chmod(0o640)
    assert opened(file)["bot.sqlite3"] == "0o640"


def test_a_file_that_is_not_to_be_made_is_not(tmp_path: Path) -> None:
    url = f"sqlite:///file:{tmp_path}/bot.sqlite3?mode=rw&uri=true"
    lock = lock_database(DatabaseSettings(PURGEBOT_DATABASE_URL=url))
    assert lock is not None
    with lock:
        assert not (tmp_path / "bot.sqlite3").exists()


# The policy and .env


@pytest.fixture
def own(site: Town, tmp_path: Path) -> dict[str, str]:
    """Give the variables of a bot with a policy and an `.env` of its own, as most systems make them."""
    policy = tmp_path / "policy.yaml"
    policy.write_text(SAMPLE_POLICY.read_text())
    (tmp_path / ".env").write_text("PURGEBOT_CANARY_MINUTES=0\n")
    return site.variables() | {"PURGEBOT_POLICY": str(policy)}


@pytest.mark.parametrize("name", ["policy.yaml", ".env"])
@pytest.mark.parametrize("rights", [0o664, 0o646, 0o666], ids=oct)
def test_check_warns_of_a_file_that_others_may_change(
    own: dict[str, str], tmp_path: Path, name: str, rights: int
) -> None:
    (tmp_path / name).chmod(rights)
    ended = purgebot("check", folder=tmp_path, **own)
    assert ended.code == 0
    (line,) = [line for line in ended.out.splitlines() if line[6:].startswith("files")]
    assert line.startswith("warn")
    assert name in line
    assert f"chmod go-w {'' if name == '.env' else tmp_path}" in ended.out


@pytest.mark.parametrize("rights", [0o600, 0o644, 0o444], ids=oct)
def test_check_is_content_with_files_that_others_may_read(
    own: dict[str, str], tmp_path: Path, rights: int
) -> None:
    """A mounted ConfigMap or secret is often 0644."""
    for name in ("policy.yaml", ".env"):
        (tmp_path / name).chmod(rights)
    assert "ok    files" in purgebot("check", folder=tmp_path, **own).out


def test_a_bot_says_at_its_start_which_file_others_may_change(
    own: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "policy.yaml").chmod(0o666)
    with running(tmp_path, own) as bot:
        told = bot.until("file-writable-by-others")
        assert told["level"] == "warning"
        assert told["file"] == str(tmp_path / "policy.yaml")
        bot.until("started")  # it is no reason to refuse
        bot.end()
    assert sum("file-writable-by-others" in line for line in bot.said) == 1
