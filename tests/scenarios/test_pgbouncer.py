"""Behind PgBouncer all works as without it, in session and in transaction mode, untold."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from sqlalchemy import func, select

from bot.demo.town import Town, town
from bot.store.database.writers import StoreUnavailable
from bot.store.store import Store
from tests.support.database_outage import away
from tests.support.databases import Postgresql
from tests.support.messages import APPROVE, cards, only_card, whispers, words
from tests.support.postgres_servers import pgbouncer
from tests.support.prometheus_scrape import bot_of
from tests.support.purgebot import Command, purgebot
from tests.support.readiness import GOOD, comes_to_say
from tests.support.waiting import until

pytestmark = pytest.mark.deadlines

REFUSES, IGNORES = "extra_float_digits", "extra_float_digits, options"
"""What PgBouncer ignores: without `options` it refuses who has some, with it they get lost."""


@pytest.fixture(params=["session", "transaction"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[REFUSES, IGNORES], ids=["refuses options", "ignores options"])
def pooled(request: pytest.FixtureRequest, mode: str, postgresql: Postgresql) -> Iterator[str]:
    """Give the URL of a database with our tables, through PgBouncer."""
    with (
        postgresql.copy() as url,
        pgbouncer(url, pool_mode=mode, ignore_startup_parameters=request.param) as through,
    ):
        yield through


@pytest.fixture
def behind(pooled: str) -> Iterator[Town]:
    with town(database_url=pooled) as place:
        yield place


def test_a_new_installation_is_migrated_checked_and_works(
    postgresql: Postgresql, mode: str, purgebot_here: Command, tmp_path: Path
) -> None:
    with postgresql.empty() as url, pgbouncer(url, pool_mode=mode) as through:
        migrated = purgebot_here(through, "migrate")
        assert (migrated.code, migrated.err) == (0, "")
        with town(database_url=through, with_bot=False) as place:
            checked = purgebot("check", folder=tmp_path, **place.variables())
            assert checked.code == 0, checked.out
            assert "through a connection pooler" in checked.out
            place.start_bot()
            place.says("U0ANA", "/purge www.example.com hero --force")
            place.settle()
            place.presses("U0SAM", APPROVE, only_card(place))
            place.settle()
            assert "sent: the CDN has taken it" in words(only_card(place))
        assert purgebot_here(through, "audit", "verify").code == 0


def test_an_installation_can_be_moved_through_it(
    postgresql: Postgresql, mode: str, purgebot_here: Command, tmp_path: Path
) -> None:
    file = tmp_path / "purgebot.sqlite3"
    with town(database_url=f"sqlite:///{file}") as place:
        place.says("U0ANA", "/purge www.example.com hero")
        place.settle()
    with postgresql.empty() as url, pgbouncer(url, pool_mode=mode) as through:
        moved = purgebot_here(through, "migrate", "--from-sqlite", str(file))
        assert (moved.code, moved.err) == (0, "")
        assert purgebot_here(through, "audit", "verify").code == 0
        assert "hero" in purgebot_here(through, "audit", "export").out


def test_many_who_ask_at_once_are_served_by_a_few_sessions(behind: Town) -> None:
    """Often enough for statements to be prepared, were they."""
    bot_of(behind).worker.start()
    people, tags = ("U0ANA", "U0SAM"), [f"page-{number}" for number in range(12)]

    def ask(person: str) -> None:
        for tag in tags:
            behind.says(person, f"/purge www.example.com {person.lower()}-{tag}")

    with ThreadPoolExecutor(len(people)) as at_once:
        list(at_once.map(ask, people))
    until(behind, lambda: len(behind.purges_sent()) == len(people) * len(tags))
    assert whispers(behind) == []


def test_what_limits_a_session_holds_all_the_same_and_for_nobody_else(
    pooled: str,
) -> None:
    names = ("statement_timeout", "idle_in_transaction_session_timeout")
    limits = select(*(func.current_setting(name) for name in names))
    with closing(Store(pooled)) as store:
        for _ in range(2):  # the first one does not know yet where it is
            assert tuple(store.read(limits).one()) == ("1500ms", "5s")
            with store.engine.begin() as connection:
                assert tuple(connection.execute(limits).one()) == ("1500ms", "5s")
        with psycopg.connect(pooled, autocommit=True) as other:
            assert other.execute("SHOW statement_timeout").fetchone() == ("0",)


def test_a_command_is_refused_at_once_without_a_server_and_the_next_one_works_with_it(
    behind: Town,
) -> None:
    behind.says("U0ANA", "/purge www.example.com before")
    behind.settle()
    with away(behind.database_url):
        assert behind.says("U0ANA", "/purge www.example.com hero")["outcome"] == "acked"
        assert "store-away" in whispers(behind)[-1]
    comes_to_say(behind, GOOD)
    behind.says("U0ANA", "/purge www.example.com after")
    behind.settle()
    assert behind.purges_sent()[-1]["params"]["CacheTag"] == "after"


def test_a_question_that_waits_for_a_lock_ends_in_time(behind: Town) -> None:
    with locked(behind.database_url):
        assert behind.says("U0ANA", "/purge www.example.com hero")["outcome"] == "acked"
        assert "store-away" in whispers(behind)[-1]
        with pytest.raises(StoreUnavailable):
            bot_of(behind).store.purge("P1")


@contextmanager
def locked(url: str) -> Iterator[None]:
    with psycopg.connect(url) as other:
        other.execute("LOCK TABLE purges IN ACCESS EXCLUSIVE MODE")
        yield


def test_the_options_of_the_url_hold_in_each_transaction(
    mode: str, postgresql: Postgresql, purgebot_here: Command
) -> None:
    with postgresql.empty() as url, pgbouncer(url, pool_mode=mode) as through:
        with psycopg.connect(url) as owner:
            owner.execute("CREATE SCHEMA purge")
        named = f"{through}?options={quote('-c search_path=purge --statement-timeout=1200')}"
        assert purgebot_here(named, "migrate").code == 0
        with town(database_url=named) as place:
            place.says("U0ANA", "/purge www.example.com hero")
            place.settle()
            assert "sent: the CDN has taken it" in words(cards(place)[0])
            limit = select(func.current_setting("statement_timeout"))
            assert bot_of(place).store.read(limit).scalar_one() == "1200ms"
        with psycopg.connect(url) as owner:
            assert owner.execute("SELECT count(*) FROM purge.purges").fetchone() == (1,)


def test_an_option_that_is_no_setting_is_refused_by_name(
    postgresql: Postgresql, purgebot_here: Command
) -> None:
    with postgresql.copy() as url, pgbouncer(url, pool_mode="transaction") as through:
        refused = purgebot_here(f"{through}?options={quote('-B 64')}", "migrate")
        assert (refused.code, refused.out) == (2, "")
        assert "has -B, which the connection pooler does not take" in refused.err
        assert "ALTER ROLE" in refused.err


def test_without_a_pooler_a_question_costs_no_transaction(postgresql: Postgresql) -> None:
    """It is its own: nothing was said to the server before."""
    alone = select(func.now() == func.statement_timestamp())
    with postgresql.copy() as url:
        with closing(Store(url)) as store:
            store.purge("P1")  # the first one does not know yet where it is
            assert store.read(alone).scalar_one()
        with pgbouncer(url, pool_mode="session") as through, closing(Store(through)) as store:
            store.purge("P1")
            assert not store.read(alone).scalar_one()
