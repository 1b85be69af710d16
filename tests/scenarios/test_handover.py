"""A purge is worth four commits: asked, to be sent, sent and its card to be posted, posted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import OpenTown
from tests.support.conversation import Person
from tests.support.messages import words
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
    assert "submitted" in words(card)
    assert statements.count("COMMIT") == 4


def test_a_press_goes_the_same_way(open_town: OpenTown) -> None:
    place = open_town(time_passes=False)
    bot_of(place).worker.takes_over = True
    Person(place, "U0SAM", "C0OPS").purges("www.example.com hero --force")
    Person(place, "U0KIM", "C0OPS").approves()
    assert [sent["params"]["CacheTag"] for sent in place.purges_sent()] == ["hero"]
