"""A database that answers and takes no writes: a bot says so, and works again by itself after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event, make_url

from bot.demo.town import SAMPLE_POLICY, Town, town
from bot.store.database import kept
from tests.conftest import OpenTown
from tests.support.database_outage import altered
from tests.support.messages import cards, only_card, whispers, words
from tests.support.postgres_servers import Server, pgbouncer, server_of_its_own
from tests.support.prometheus_scrape import bot_of, scrape
from tests.support.purgebot import Command, purgebot
from tests.support.readiness import GOOD, NOT_WRITABLE, comes_to_say
from tests.support.tcp_relay import Relay, relay_to

POSTGRES = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with server_of_its_own() as server:
        yield server


@pytest.fixture
def primary(server: Server) -> Server:
    """Each town has a CDN of its own, which gives the same task IDs: none may know another's."""
    server.empty()
    return server


@pytest.fixture
def standby(primary: Server) -> Iterator[Server]:
    with primary.standby() as server:
        yield server


def refuses(place: Town) -> None:
    """Let somebody ask for a purge, and be told at once that nothing was taken."""
    told, shown = len(whispers(place)), len(cards(place))
    assert place.says("U0ANA", "/purge www.example.com hero")["outcome"] == "acked"
    (refused,) = whispers(place)[told:]
    assert "store-away" in refused
    assert len(cards(place)) == shown


def takes(place: Town, tag: str) -> None:
    """Let somebody ask for a purge, and have it sent and told."""
    assert place.says("U0ANA", f"/purge www.example.com {tag}")["outcome"] == "acked"
    place.settle()
    sent = place.purges_sent()[-1]
    assert sent["params"]["CacheTag"] == tag
    (told,) = [words(card) for card in cards(place) if sent["task_id"] in words(card)]
    assert f"`{tag}`" in told


@contextmanager
def bot_behind(relay: Relay) -> Iterator[Town]:
    with town(database_url=relay.url, policy=SAMPLE_POLICY) as place:
        yield place


# A standby instead of the primary


def test_a_bot_that_was_led_to_a_standby_works_again_when_it_is_led_back(
    primary: Server, standby: Server
) -> None:
    """Nobody breaks the connections that were made meanwhile."""
    with relay_to(primary.url) as relay, bot_behind(relay) as place:
        takes(place, "before")
        standby.catches_up_with(primary)
        relay.lead_to(standby.url)
        relay.hang_up()
        refuses(place)
        comes_to_say(place, NOT_WRITABLE)
        assert scrape(bot_of(place)).value("purgebot_database_up") == 0
        assert scrape(bot_of(place)).value("purgebot_ready") == 0
        relay.lead_to(primary.url)
        takes(place, "after")
        comes_to_say(place, GOOD)


def test_a_bot_works_on_with_the_standby_as_soon_as_that_is_the_primary(
    primary: Server, standby: Server
) -> None:
    with relay_to(primary.url) as relay, bot_behind(relay) as place:
        takes(place, "earlier")
        standby.catches_up_with(primary)
        relay.lead_to(standby.url)
        relay.hang_up()
        refuses(place)
        standby.promote()
        takes(place, "later")


@pytest.mark.deadlines
@POSTGRES
def test_connections_of_which_nothing_comes_any_more_keep_nobody_waiting(
    open_town: OpenTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it is when an address moves to another machine, and nobody tells those who were there."""
    monkeypatch.setattr(kept, "LOOK_EVERY_S", 0.0)  # as if nothing was asked for in that time
    place = open_town(with_bot=False)
    with relay_to(place.database_url) as relay:
        place.database_url, direct = relay.url, place.database_url
        place.start_bot()
        takes(place, "before")
        relay.freeze()
        takes(place, "after")
        place.stop_bot()
        place.database_url = direct


@pytest.mark.parametrize("first", ["standby", "primary"])
def test_of_several_servers_the_one_that_takes_writes_is_found(
    primary: Server, standby: Server, first: str
) -> None:
    standby.catches_up_with(primary)
    with relay_to(primary.url) as to_primary:
        pair = [to_primary.url, standby.url]
        places = [f"{each.host}:{each.port}" for each in map(make_url, pair)]
        if first == "standby":
            places.reverse()
        hosts = "&".join(f"host={each}" for each in places)
        with town(database_url=f"postgresql://postgres@/postgres?{hosts}") as place:
            takes(place, f"one-{first}")
            standby.catches_up_with(primary)
            to_primary.lead_to("postgresql://127.0.0.1:9/nobody")
            to_primary.hang_up()
            refuses(place)
            standby.promote()
            takes(place, f"two-{first}")


def test_sessions_that_the_url_lets_be_of_any_server_are_thrown_away_when_they_cannot_write(
    primary: Server, standby: Server
) -> None:
    with relay_to(primary.url) as relay:
        url = make_url(relay.url).update_query_dict({"target_session_attrs": "any"})
        with town(database_url=url.render_as_string(hide_password=False)) as place:
            takes(place, "still")
            standby.catches_up_with(primary)
            relay.lead_to(standby.url)
            relay.hang_up()
            refuses(place)
            relay.lead_to(primary.url)
            takes(place, "again")


def test_behind_pgbouncer_it_is_the_same_as_soon_as_that_has_left_the_standby(
    primary: Server, standby: Server
) -> None:
    """It keeps the sessions that it has made, and what it was told when it made the first."""
    with (
        relay_to(standby.url) as relay,
        pgbouncer(relay.url, pool_mode="transaction", admin_users="postgres") as through,
    ):
        with psycopg.connect(through) as other:
            other.execute("SELECT 1")
        relay.lead_to(primary.url)
        relay.hang_up()
        with town(database_url=through) as place:
            takes(place, "through")
            standby.catches_up_with(primary)
            relay.lead_to(standby.url)
            relay.hang_up()
            refuses(place)
            comes_to_say(place, NOT_WRITABLE)
            relay.lead_to(primary.url)
            console = make_url(through).set(database="pgbouncer")
            with psycopg.connect(
                console.render_as_string(hide_password=False), autocommit=True
            ) as admin:
                admin.execute("RECONNECT")
            takes(place, "beyond")


def test_commands_that_write_refuse_a_standby_and_say_why(
    standby: Server, purgebot_here: Command, tmp_path: Path
) -> None:
    migrated = purgebot_here(standby.url, "migrate")
    assert (migrated.code, migrated.out) == (75, "")
    assert "it is a standby" in migrated.err
    with town(database_url=standby.url, with_bot=False) as place:
        ran = purgebot("run", folder=tmp_path, **place.variables())
        assert (ran.code, ran.out) == (75, "")
        assert "it is a standby" in ran.err
        checked = purgebot("check", folder=tmp_path, **place.variables())
        assert checked.code == 1
        assert "it is a standby" in checked.out


def test_the_audit_may_be_read_from_a_standby(
    primary: Server, standby: Server, purgebot_here: Command
) -> None:
    with town(database_url=primary.url) as place:
        takes(place, "kept")
    standby.catches_up_with(primary)
    assert purgebot_here(standby.url, "audit", "verify").code == 0
    assert "kept" in purgebot_here(standby.url, "audit", "export").out


# The server itself takes no writes


@POSTGRES
def test_a_database_that_is_made_read_only_is_told_and_used_again_when_it_is_not(
    place: Town,
) -> None:
    with read_only(place.database_url):
        comes_to_say(place, NOT_WRITABLE)
        refuses(place)
    takes(place, "banner")
    comes_to_say(place, GOOD)


@contextmanager
def read_only(url: str) -> Iterator[None]:
    """Do what providers do to a database whose disk is nearly full: sessions cannot write."""
    setting = "default_transaction_read_only"
    with altered(url, f"SET {setting} = on", f"RESET {setting}"):
        yield


@POSTGRES
def test_postgresql_that_has_no_room_left_is_told_until_it_has(place: Town) -> None:
    with psycopg.connect(place.database_url, autocommit=True) as server:
        server.execute(
            """
            CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'disk_full'; END $$;
            CREATE TRIGGER no_room BEFORE INSERT ON purges
            FOR EACH ROW EXECUTE FUNCTION no_room();
            CREATE TRIGGER no_room BEFORE INSERT ON known
            FOR EACH ROW WHEN (pg_column_size(NEW.value) > 8192) EXECUTE FUNCTION no_room();
            """
        )
        comes_to_say(place, GOOD)  # what is small still finds room
        refuses(place)
        comes_to_say(place, NOT_WRITABLE)
        server.execute("DROP TRIGGER no_room ON purges; DROP TRIGGER no_room ON known")
    comes_to_say(place, GOOD)
    takes(place, "banner")


@SQLITE
def test_a_file_that_has_no_room_left_is_told_until_it_has(open_town: OpenTown) -> None:
    place = open_town(with_bot=False)
    place.start_bot(PURGEBOT_REQUESTS_PER_MINUTE="0")
    with every_writer(place, "PRAGMA max_page_count = 1"):  # as many as there are, then
        for number in range(50):
            place.says("U0ANA", f"/purge www.example.com page-{number}")
            if told := whispers(place):
                assert "store-away" in told[0]
                break
        comes_to_say(place, NOT_WRITABLE)
    comes_to_say(place, GOOD)
    takes(place, "after")


@SQLITE
def test_a_file_that_cannot_be_written_to_is_told_until_it_can(place: Town) -> None:
    with every_writer(place, "PRAGMA query_only = ON"):
        refuses(place)
        comes_to_say(place, NOT_WRITABLE)
    takes(place, "banner")
    comes_to_say(place, GOOD)


@contextmanager
def every_writer(place: Town, pragma: str) -> Iterator[None]:
    """Have each connection run a PRAGMA: new ones, and the one that writes now."""
    store = bot_of(place).store

    def run(connection: Any, *_: object) -> None:
        connection.execute(pragma)

    event.listen(store.engine, "connect", run)
    store._database.write(lambda used: used.exec_driver_sql(pragma))
    yield
    event.remove(store.engine, "connect", run)


# And all is well


def test_a_database_that_takes_writes_is_told_to_do_so_and_nothing_is_left_in_it(
    open_town: OpenTown,
) -> None:
    place = open_town()
    store = bot_of(place).store
    with store.engine.connect() as connection:
        before = connection.exec_driver_sql("SELECT count(*) FROM known").scalar_one()
    for _ in range(3):
        comes_to_say(place, GOOD)
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM known").scalar_one() == before
    takes(place, "hero")
    assert "hero" in words(only_card(place))
