"""A purge is worth four commits: asked, to be sent, sent and its card to be posted, posted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bot.store.queue.due import JobKind
from tests.conftest import OpenTown
from tests.support.conversation import Person
from tests.support.messages import only_card, words
from tests.support.prometheus_scrape import bot_of


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_plain_purge_takes_four_commits(open_town: OpenTown) -> None:
    place = open_town(time_passes=False)
    bot_of(place).worker.takes_over = True
    ana = Person(place, "U0ANA")
    ana.purges("www.example.com first")  # from now on it is known who she is
    statements: list[str] = []
    writer: Any = bot_of(place).store._database._writer
    writer._connection.connection.driver_connection.set_trace_callback(statements.append)
    card = ana.purges("www.example.com hero")
    assert "sent: the CDN has taken it" in words(card)
    assert statements.count("COMMIT") == 4


def test_a_press_goes_the_same_way(open_town: OpenTown) -> None:
    place = open_town(time_passes=False)
    bot_of(place).worker.takes_over = True
    Person(place, "U0SAM", "C0OPS").purges("www.example.com hero --force")
    Person(place, "U0KIM", "C0OPS").approves()
    assert [sent["params"]["CacheTag"] for sent in place.purges_sent()] == ["hero"]


def test_a_step_that_goes_on_keeps_its_row(open_town: OpenTown) -> None:
    """While the CDN takes its time, the lease of what was decided by the step before is renewed."""
    place = open_town(time_passes=False)
    worker, jobs = bot_of(place).worker, bot_of(place).store.jobs
    worker.takes_over = True
    place.breaks(kind="slow_answer", seconds=4)
    place.says("U0ANA", "/purge www.example.com hero")  # nobody knows yet who she is
    with ThreadPoolExecutor(1) as other:
        settling = other.submit(place.settle)
        while not place.purges_sent():
            assert not settling.done()
        for _ in range(3):
            place.waits(settle=False, seconds=20)
            jobs.beat(worker._owner.name, place.now())
        assert jobs.claim(JobKind.PURGE, place.now(), "another", 1) == []
        settling.result()
    assert "sent: the CDN has taken it" in words(only_card(place))
