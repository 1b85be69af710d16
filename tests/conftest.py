"""What every test may use: the town, on SQLite and, where there is one, on PostgreSQL.

PostgreSQL is looked for at TEST_DATABASE_URL, else on this machine.  Where it is missing its
tests are skipped and say so; in CI (CI=true) that is a failure.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from bot.playground.town import SAMPLE_POLICY, Town, town
from bot.settings import Mode
from bot.store.migrations import migrate
from bot.store.store import Store

os.environ["ALIBABA_CLOUD_ECS_METADATA_DISABLED"] = "true"
for _name in [name for name in os.environ if name.startswith(("SLACK_", "PURGEBOT_"))]:
    del os.environ[_name]  # an operator's own settings must not reach a test

_POSTGRES = os.environ.get("TEST_DATABASE_URL", "postgresql://postgres@127.0.0.1:5432/postgres")

OpenTown = Callable[..., Town]


def missing(what: str, why: str) -> None:
    """Skip, saying why; in CI nothing may be missing."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing, and in CI it must be there: {why}")
    pytest.skip(f"{what} is missing: {why}")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the URL of an empty database, one of each kind in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/purgebot.sqlite3"
        return
    postgresql: Postgresql = request.getfixturevalue("postgresql")
    with postgresql.copy() as url:
        yield url


@dataclass(frozen=True, slots=True)
class Postgresql:
    """A server, and a database on it with our tables: a copy is quicker than a migration."""

    server: psycopg.Connection
    template: str

    def copy(self) -> AbstractContextManager[str]:
        return self._new(self.template)

    def empty(self) -> AbstractContextManager[str]:
        return self._new("template0")

    @contextmanager
    def _new(self, template: str) -> Iterator[str]:
        name = f"purgebot_{secrets.token_hex(6)}"
        self.server.execute(
            SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(name), Identifier(template))
        )
        try:
            yield _beside(name)
        finally:
            self.server.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgresql]:
    try:
        server = psycopg.connect(_POSTGRES, autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as error:
        missing("PostgreSQL", str(error).splitlines()[0])
        return
    template = f"purgebot_{secrets.token_hex(6)}"
    with server:
        server.execute(SQL("CREATE DATABASE {}").format(Identifier(template)))
        store = Store(_beside(template))
        migrate(store.engine)
        store.close()
        yield Postgresql(server, template)
        server.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(template)))


def _beside(name: str) -> str:
    """Give the URL of another database on the same server."""
    return f"{_POSTGRES.rpartition('/')[0]}/{name}"


@pytest.fixture
def open_town(database_url: str) -> Iterator[OpenTown]:
    """Give a function that builds the town to the test's wishes.

    At the end, Slack may not have refused a message or a view for what was in it.
    """
    built: list[Town] = []
    with ExitStack() as stack:

        def build(policy: Path = SAMPLE_POLICY, mode: Mode = Mode.SOCKET, **more: bool) -> Town:
            place = stack.enter_context(
                town(database_url=database_url, policy=policy, mode=mode, **more)
            )
            built.append(place)
            return place

        yield build
        refused = [row for place in built for row in place.get("slack/violations")["violations"]]
        assert refused == []


@pytest.fixture
def place(open_town: OpenTown) -> Town:
    """Give the town as a newcomer finds it, with the bot in it."""
    return open_town()
