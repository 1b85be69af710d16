"""Towns of other kinds: without a bot, or with more in its policy."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.cli import main
from bot.demo.town import SAMPLE_POLICY, Town, town
from tests.conftest import OpenTown
from tests.support.conversation import Person
from tests.support.databases import Postgresql
from tests.support.policies import WithPolicy, write_policy
from tests.support.purgebot import Command, Ended


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the URL of a database without any table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/purgebot.sqlite3"
        return
    postgresql: Postgresql = request.getfixturevalue("postgresql")
    with postgresql.empty() as url:
        yield url


@pytest.fixture
def purgebot_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Give a function that runs a command on a database, in this process."""
    monkeypatch.chdir(tmp_path)

    def run(url: str, *words: str) -> Ended:
        monkeypatch.setenv("PURGEBOT_DATABASE_URL", url)
        monkeypatch.setattr("sys.argv", ["purgebot", *words])
        capsys.readouterr()  # what was said before is not the command's
        with pytest.raises(SystemExit) as ended:
            main()
        return Ended(int(ended.value.code or 0), *capsys.readouterr())

    return run


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Town]:
    """Give a town without a bot, for `purgebot` itself to meet, with a policy to write in."""
    policy = tmp_path / "policy.yaml"
    shutil.copy(SAMPLE_POLICY, policy)
    policy.chmod(0o644)  # whatever rights the sample was checked out with
    url = f"sqlite:///{tmp_path}/data/purgebot.sqlite3"
    with town(database_url=url, policy=policy, with_bot=False) as place:
        yield place


def _person(user_id: str) -> Any:
    @pytest.fixture
    def person(place: Town) -> Person:
        return Person(place, user_id)

    return person


ana, sam, kim, ada, leo = map(_person, ("U0ANA", "U0SAM", "U0KIM", "U0ADA", "U0LEO"))


@pytest.fixture
def with_policy(open_town: OpenTown, tmp_path: Path) -> WithPolicy:
    """Give a function that builds a town whose policy also says this."""

    def build(approvals: str = "", **more: str) -> Town:
        return open_town(policy=write_policy(tmp_path, approvals, **more))

    return build
