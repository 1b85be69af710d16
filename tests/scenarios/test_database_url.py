"""What PURGEBOT_DATABASE_URL says beside the address counts, and so does how text is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from sqlalchemy import make_url, text

from bot.demo.town import Town, town
from bot.store.store import Store
from tests.support.databases import Postgresql
from tests.support.messages import APPROVE, only_card, words
from tests.support.prometheus_scrape import bot_of
from tests.support.purgebot import Command, purgebot, running

pytestmark = pytest.mark.deadlines


@pytest.fixture
def url(postgresql: Postgresql) -> Iterator[str]:
    with postgresql.copy() as url:
        yield url


def shown(url: str, *names: str) -> list[str]:
    """Give settings as they hold while a bot's store writes."""
    with closing(Store(url)) as store, store.engine.begin() as connection:
        return [connection.execute(text(f"SHOW {name}")).scalar_one() for name in names]


# Options


def test_the_tables_may_be_in_a_schema_that_the_url_names(
    postgresql: Postgresql, purgebot_here: Command
) -> None:
    with postgresql.empty() as url:
        with psycopg.connect(url) as owner:
            owner.execute("CREATE SCHEMA purge")
        named = f"{url}?options={quote('-csearch_path=purge')}"
        assert purgebot_here(named, "migrate").code == 0
        with town(database_url=named) as place:
            place.says("U0ANA", "/purge www.example.com hero")
            place.settle()
            assert "sent: the CDN has taken it" in words(only_card(place))
        with psycopg.connect(url) as owner:
            assert owner.execute("SELECT count(*) FROM purge.purges").fetchone() == (1,)
            tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
            assert owner.execute(tables).fetchone() == (0,)


@pytest.mark.parametrize(
    ("options", "timeout", "idle"),
    [
        ("", "1500ms", "5s"),
        ("-c statement_timeout=900", "900ms", "5s"),
        (
            "-c statement_timeout=900&options=-cidle_in_transaction_session_timeout=6s",
            "900ms",
            "6s",
        ),
        ("--idle-in-transaction-session-timeout=7s -c work_mem=8MB", "1500ms", "7s"),
    ],
    ids=["none", "one", "twice", "two"],
)
def test_the_options_of_the_url_go_before_ours_and_ours_stay_where_it_says_nothing(
    url: str, options: str, timeout: str, idle: str
) -> None:
    names = ("statement_timeout", "idle_in_transaction_session_timeout")
    assert shown(f"{url}?options={quote(options, safe='&=')}", *names) == [timeout, idle]


def test_the_options_of_the_environment_hold_where_the_url_has_none(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGOPTIONS", "-c statement_timeout=800")
    assert shown(url, "statement_timeout") == ["800ms"]
    assert shown(f"{url}?options=-cstatement_timeout%3D700", "statement_timeout") == ["700ms"]


def test_the_parameters_of_the_connection_in_the_url_count(url: str) -> None:
    given = "connect_timeout=7&keepalives_idle=11&application_name=purge"
    with closing(Store(f"{url}?{given}")) as store, store.engine.connect() as connection:
        session = connection.connection.driver_connection
        assert session is not None
        told = session.info.get_parameters()
    assert (told["keepalives_idle"], told["application_name"]) == ("11", "purge")
    assert told["connect_timeout"] == "7"
    assert told["tcp_user_timeout"] == "10000"  # of which the URL says nothing


@pytest.mark.parametrize(
    "wrong",
    [
        *("sslmod=require", "connect_timeout=soon"),
        # The driver's own, which are no strings.
        *("prepare_threshold=5", "row_factory=x", "cursor_factory=x", "autocommit=true"),
    ],
)
def test_a_parameter_that_there_is_not_is_named_and_will_not_pass_by_itself(
    url: str, wrong: str, purgebot_here: Command
) -> None:
    migrated = purgebot_here(f"{url}?{wrong}", "migrate")
    assert (migrated.code, migrated.out) == (2, "")
    assert f"has {wrong.partition('=')[0]}, which libpq does not take" in migrated.err


def test_of_several_hosts_the_next_is_taken_where_one_does_not_answer(url: str) -> None:
    named = make_url(url)
    hosts = [("host", "127.0.0.1:9"), ("host", f"{named.host}:{named.port or 5432}")]
    several = named.set(host=None, port=None).update_query_pairs(hosts)
    assert shown(several.render_as_string(hide_password=False), "TimeZone") == ["UTC"]


def test_the_timeout_in_the_url_of_a_file_counts(tmp_path: Path) -> None:
    for query, told in (("", 1500), ("?timeout=0.2", 200)):
        with (
            closing(Store(f"sqlite:///{tmp_path}/a.sqlite3{query}")) as store,
            store.engine.connect() as connection,
        ):
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one() == told


def test_a_file_may_be_named_as_sqlite_itself_does_it(
    site: Town, tmp_path: Path, purgebot_here: Command
) -> None:
    """It is made and locked where it is, and nothing is left where it is not."""
    file = tmp_path / "of mine" / "a.sqlite3"
    site.database_url = f"sqlite:///file:{quote(str(file))}?mode=rwc&uri=true"
    with running(tmp_path, site.variables()) as bot:
        bot.until("started")
        other = purgebot_here(site.database_url, "migrate")
        assert other.code == 2
        assert f"works with the database file {file}" in other.err
        same = purgebot_here(f"sqlite:///{file}", "migrate")
        assert same.code == 2
        assert bot.end() == 0
    assert purgebot_here(site.database_url, "audit", "verify").code == 0
    assert not list(tmp_path.glob("file:*"))


# How values are written


ODD = {
    "DateStyle": "German, DMY",
    "TimeZone": "Asia/Kolkata",
    "standard_conforming_strings": "off",
    "client_encoding": "LATIN1",
    "default_transaction_isolation": "serializable",
}


def test_a_database_with_odd_defaults_is_used_as_any_other(
    postgresql: Postgresql, url: str
) -> None:
    name = url.rpartition("/")[2]
    for setting, value in ODD.items():
        postgresql.server.execute(f"ALTER DATABASE \"{name}\" SET {setting} = '{value}'")
    held = shown(url, "TimeZone", "standard_conforming_strings", "client_encoding")
    assert held == ["UTC", "on", "UTF8"]
    assert shown(url, "DateStyle")[0].startswith("ISO")
    assert shown(url, "transaction_isolation") == ["read committed"]
    said = "Größe \\ 価格 🚀"
    with town(database_url=url) as place:
        began = datetime.now(UTC).replace(microsecond=0)
        place.says("U0ANA", f'/purge www.example.com hero --force --reason "{said}"')
        place.settle()
        assert said in words(only_card(place))
        place.presses("U0SAM", APPROVE, only_card(place))
        place.settle()
        assert "sent: the CDN has taken it" in words(only_card(place))
        clock = bot_of(place).store.clock()
        assert abs((clock.now() - began).total_seconds()) < 60


# Encodings


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_cannot_hold_what_people_write_is_refused(
    postgresql: Postgresql, purgebot_here: Command, tmp_path: Path, encoding: str
) -> None:
    with in_encoding(postgresql, encoding) as url:
        migrated = purgebot_here(url, "migrate")
        assert (migrated.code, migrated.out) == (2, "")
        assert encoding in migrated.err
        assert "--encoding=UTF8" in migrated.err
        with town(database_url=url, with_bot=False) as place:
            ran = purgebot("run", folder=tmp_path, **place.variables())
            assert (ran.code, ran.out) == (2, "")
            assert encoding in ran.err
            checked = purgebot("check", folder=tmp_path, **place.variables())
            assert checked.code == 1
            assert encoding in checked.out
            assert "--encoding=UTF8" in checked.out


@contextmanager
def in_encoding(postgresql: Postgresql, encoding: str) -> Iterator[str]:
    """Give the URL of an empty database in an encoding."""
    with postgresql.empty() as url:
        name = url.rpartition("/")[2]
        postgresql.server.execute(f'DROP DATABASE "{name}"')
        postgresql.server.execute(
            f"CREATE DATABASE \"{name}\" ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'"
            " TEMPLATE template0"
        )
        yield url


def test_a_database_in_utf8_is_not(url: str, purgebot_here: Command) -> None:
    assert purgebot_here(url, "migrate").code == 0


def test_any_file_is_not(tmp_path: Path, purgebot_here: Command, place: Town) -> None:
    assert place.database_url
    assert purgebot_here(f"sqlite:///{tmp_path}/new.sqlite3", "migrate").code == 0
