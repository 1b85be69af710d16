"""Many people at the same moment: Bolt has five threads, and what waits for one for more than 3 s
is told to have failed, and is carried out all the same.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import create_engine

from bot.config.settings import Mode
from bot.store.database import engine, postgresql, writers
from tests.conftest import OpenTown
from tests.support.http_door import in_mode
from tests.support.messages import cards, whispers, words
from tests.support.waiting import until

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
MODES = pytest.mark.parametrize("mode", list(Mode))


@SQLITE
@MODES
def test_twenty_commands_at_once_on_a_slow_cdn_are_all_taken_and_sent_once(
    open_town: OpenTown, mode: Mode
) -> None:
    with in_mode(open_town, mode) as place:
        assert place.bot is not None
        place.breaks(kind="slow_answer", seconds=0.4, times=None)
        place.bot.worker.start()
        with ThreadPoolExecutor(20) as people:
            told = list(
                people.map(lambda n: place.says("U0SAM", f"/purge www.example.com t{n}"), range(20))
            )
        assert [answer["outcome"] for answer in told] == ["acked"] * 20
        until(
            place,
            lambda: (
                len([c for c in cards(place) if "sent: the CDN has taken it" in words(c)]) == 20
            ),
        )
        sent = sorted(sent["params"]["CacheTag"] for sent in place.purges_sent())
        assert sent == sorted(f"t{n}" for n in range(20))


@SQLITE
@MODES
@pytest.mark.deadlines
def test_twenty_commands_at_once_on_a_locked_database_are_all_answered_in_time(
    open_town: OpenTown, mode: Mode
) -> None:
    with in_mode(open_town, mode) as place:
        locked = create_engine(place.database_url).connect()
        locked.exec_driver_sql("BEGIN IMMEDIATE")
        with locked, ThreadPoolExecutor(20) as people:
            told = list(
                people.map(lambda n: place.says("U0ANA", f"/purge www.example.com t{n}"), range(20))
            )
        locked.engine.dispose()
        assert [answer["outcome"] for answer in told] == ["acked"] * 20
        assert ["store-away" in said for said in whispers(place)] == [True] * 20
        place.settle()
        assert place.purges_sent() == []


@pytest.mark.deadlines
def test_what_a_listener_waits_for_a_database_leaves_room_in_slacks_three_seconds() -> None:
    assert engine.BUSY_TIMEOUT_S < writers.WRITE_TIMEOUT_S <= 2.0
    assert postgresql.ANSWER_WITHIN_S + engine.BUSY_TIMEOUT_S <= 2.5
