"""Without its database the bot takes nothing, says so at once, and goes on when it is back."""

from __future__ import annotations

import gc
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from traceback import format_exception

import psycopg
import pytest
from sqlalchemy import Connection, func, literal_column, select
from sqlalchemy.exc import DBAPIError

from bot.core.command.parser import PurgeCommand
from bot.core.interaction import Origin
from bot.core.policy.approvers import Roster
from bot.demo.town import Town
from bot.store.audit.log import snapshot
from bot.store.database import postgresql
from bot.store.database.statements import Prepared
from bot.store.database.writers import StoreUnavailable
from bot.store.queue.due import JobKind
from bot.store.store import Store
from tests.conftest import OpenTown
from tests.support.database_outage import away
from tests.support.logged_failures import Expect
from tests.support.messages import APPROVE, buttons, cards, only_card, whispers, words
from tests.support.tcp_relay import relay_to
from tests.support.waiting import until

pytestmark = pytest.mark.deadlines

POSTGRES = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def test_a_command_is_refused_at_once_and_the_next_one_works_when_the_database_is_back(
    place: Town,
) -> None:
    with away(place.database_url):
        assert place.says("U0ANA", "/purge www.example.com hero")["outcome"] == "acked"
        (told,) = whispers(place)
        assert "store-away" in told
        assert "nothing was purged" in told
    place.settle()
    assert place.purges_sent() == cards(place) == []
    place.says("U0ANA", "/purge www.example.com banner")
    place.settle()
    (sent,) = place.purges_sent()
    assert sent["params"]["CacheTag"] == "banner"
    assert sent["task_id"] in words(only_card(place))


@pytest.mark.parametrize("at_hand", [False, True], ids=["first press", "facts at hand"])
def test_a_press_is_answered_and_can_be_made_again_when_the_database_is_back(
    place: Town, at_hand: bool
) -> None:
    place.says("U0ANA", "/purge www.example.com hero --force")
    if at_hand:
        place.says("U0SAM", "/purge help")
    place.settle()
    card = only_card(place)
    with away(place.database_url):
        assert place.presses("U0SAM", APPROVE, card)["outcome"] == "acked"
    place.settle()
    assert place.purges_sent() == []
    assert "Approve" in buttons(only_card(place))
    place.presses("U0SAM", APPROVE, card)
    place.settle()
    assert len(place.purges_sent()) == 1
    place.stop_bot()
    assert "store-away" in "".join(whispers(place, "U0SAM"))


def test_help_that_needs_the_database_is_answered_too(place: Town) -> None:
    with away(place.database_url):
        assert place.says("U0ANA", "/purge help")["outcome"] == "acked"
        assert "store-away" in whispers(place)[-1]


def test_a_running_bot_survives_and_goes_on_by_itself(
    live_place: Town, tolerated_failures: Expect
) -> None:
    tolerated_failures("store-away")
    assert live_place.bot is not None
    live_place.bot.worker.start()
    with away(live_place.database_url):
        live_place.says("U0ANA", "/purge www.example.com hero")
    live_place.says("U0ANA", "/purge www.example.com banner")
    until(
        live_place,
        lambda: (
            ["sent: the CDN has taken it" in words(card) for card in cards(live_place)] == [True]
        ),
    )
    assert [sent["params"]["CacheTag"] for sent in live_place.purges_sent()] == ["banner"]


def test_an_outcome_that_could_not_be_saved_is_unknown_and_never_sent_again(place: Town) -> None:
    place.breaks(kind="slow_answer", seconds=4)
    place.says("U0ANA", "/purge www.example.com hero")
    with ThreadPoolExecutor(1) as worker:
        settling = worker.submit(place.settle)
        while not place.purges_sent():
            assert not settling.done()
        with away(place.database_url), suppress(StoreUnavailable):
            settling.result()
    place.waits(minutes=2)
    assert "outcome unknown" in words(only_card(place))
    assert len(place.purges_sent()) == 1


def test_a_step_whose_end_could_not_be_saved_is_left_to_others(place: Town) -> None:
    """Its lease runs out, while those of the steps that its process has in hand are renewed."""
    assert place.bot is not None
    jobs = place.bot.store.jobs
    place.says("U0ANA", "/purge www.example.com hero")
    (step,) = jobs.claim(JobKind.PURGE, place.now(), "one", 1)

    def found_by_others() -> bool:
        place.waits(seconds=20, settle=False)
        jobs.beat("one", place.now())
        place.waits(seconds=20, settle=False)
        return bool(jobs.claim(JobKind.PURGE, place.now(), "another", 1))

    assert not found_by_others()
    jobs.release(step.value)
    assert found_by_others()


def test_a_fault_of_the_database_does_not_repeat_what_people_wrote(place: Town) -> None:
    """Its text goes to the log."""
    assert place.bot is not None
    with place.bot.store.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE posts")
    command = PurgeCommand("www.example.com", ("sesame",), reason="open sesame")
    origin = Origin("1.2.3", "T0TOWN", "T0TOWN", "U0ANA", "C0WEB", "https://hooks.example/sesame")
    with pytest.raises(StoreUnavailable) as caught:
        place.bot.context.requests.request(command, origin, None, Roster())
    told = "".join(format_exception(caught.value))
    assert "INSERT INTO posts" in told
    assert "sesame" not in told


# PostgreSQL can also hang, and can break off in the middle of a commit.


@POSTGRES
def test_what_was_written_down_to_be_sent_is_sent_though_nobody_was_told(
    open_town: OpenTown,
) -> None:
    place = open_town(with_bot=False)
    with relay_to(place.database_url) as relay:
        place.database_url, direct = relay.url, place.database_url
        place.start_bot()
        relay.lose_word_of(b"\0\0\0\4send")  # the intent, as PostgreSQL's protocol puts it
        place.says("U0ANA", "/purge www.example.com hero")
        place.settle()
        assert relay.lost == 1
        assert len(place.purges_sent()) == 1
        assert "sent: the CDN has taken it" in words(only_card(place))
        place.stop_bot()
        place.database_url = direct


@POSTGRES
def test_a_database_that_hangs_is_told_before_slack_loses_its_patience(place: Town) -> None:
    with psycopg.connect(place.database_url) as other:
        other.execute("LOCK TABLE purges IN ACCESS EXCLUSIVE MODE")
        assert place.says("U0ANA", "/purge www.example.com hero")["outcome"] == "acked"
        assert "store-away" in whispers(place)[-1]
    place.settle()
    assert place.purges_sent() == []


@POSTGRES
def test_a_commit_that_breaks_off_is_in_doubt_and_not_called_undone(place: Town) -> None:
    with psycopg.connect(place.database_url, autocommit=True) as other:
        other.execute(
            """
            CREATE FUNCTION break_off() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
            CREATE CONSTRAINT TRIGGER break_off AFTER INSERT ON purges
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION break_off();
            """
        )
        place.says("U0ANA", "/purge www.example.com hero")
        (told,) = whispers(place)
        assert "store-slow" in told
        assert "nothing was purged" not in told
        other.execute("DROP TRIGGER break_off ON purges")
    place.says("U0ANA", "/purge www.example.com banner")
    place.settle()
    assert [sent["params"]["CacheTag"] for sent in place.purges_sent()] == ["banner"]


# An answer may also get stuck on its way, while the lines are alive.


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> float:
    """Give for how long sessions that are opened from now on wait for an answer, in seconds."""
    monkeypatch.setattr(postgresql, "LONGEST_ANSWER_S", 0.3)
    return 0.3


def by_sqlalchemy(connection: Connection) -> int:
    found: int = connection.execute(select(1)).scalar_one()
    return found


_ONE = Prepared(select(literal_column("1").label("one")))


def by_itself(connection: Connection) -> int:
    """Run a prepared statement, as those of every purge are run."""
    found: int = _ONE.rows(connection, {})[0].one
    return found


@pytest.mark.parametrize("asks", [by_sqlalchemy, by_itself])
@POSTGRES
def test_an_answer_that_gets_stuck_on_its_way_is_not_waited_for_for_ever(
    database_url: str, hurried: float, asks: Callable[[Connection], int]
) -> None:
    with relay_to(database_url) as relay, closing(Store(relay.url)) as store:
        with store.engine.connect() as connection:
            assert asks(connection) == 1
            relay.cut()
            with pytest.raises(DBAPIError, match="does not answer in time") as stuck:
                asks(connection)
            assert stuck.value.connection_invalidated
        relay.mend()
        assert store.read(select(1)).scalar_one() == 1


def test_an_attempt_that_took_too_long_leaves_no_connection_behind() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://postgres@127.0.0.1:{silent.getsockname()[1]}/purgebot"
        gc.disable()  # it may come long afterwards
        try:
            with closing(Store(url)) as store, pytest.raises(StoreUnavailable):
                store.read(select(1))
            line, _ = silent.accept()
            with line:
                line.settimeout(10)
                while line.recv(1024):
                    pass
        finally:
            gc.enable()


@POSTGRES
def test_who_lets_the_server_take_its_time_waits_for_it(database_url: str, hurried: float) -> None:
    slow = select(func.pg_sleep(2 * hurried), 1)
    with closing(Store(database_url)) as store:
        with pytest.raises(StoreUnavailable):
            store.read(slow)
        with snapshot(store.engine) as connection:
            assert connection.execute(slow).one()[1] == 1
        with pytest.raises(StoreUnavailable):  # that was for one transaction
            store.read(slow)
    with closing(Store(f"{database_url}?options=-cstatement_timeout%3D60s")) as store:
        assert store.read(slow).one()[1] == 1
