"""What somebody without rights does is answered each time, and does not fill the database."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from bot.demo.town import Town
from bot.store.schema.tables import audit, posts, purges
from tests.conftest import OpenTown
from tests.support.conversation import Person
from tests.support.messages import APPROVE, only_card, whispers
from tests.support.prometheus_scrape import bot_of, scrape
from tests.support.waiting import until

MOST = 5
GUEST = "U0LEO"
ESCALATE = "purge:escalate"


def opened(open_town: OpenTown, **settings: str) -> Town:
    place = open_town()
    place.stop_bot()
    place.start_bot(PURGEBOT_REFUSALS_PER_HOUR=str(MOST), **settings)
    return place


def rows(place: Town) -> dict[str, int]:
    store = bot_of(place).store
    return {
        table.name: store.read(select(func.count()).select_from(table)).scalar_one()
        for table in (purges, posts, audit)
    }


def storm(place: Town, words: str, times: int = MOST) -> None:
    for number in range(times):
        place.says(GUEST, f"/purge www.example.com t{number} {words}")
        place.settle()


def test_a_storm_of_refused_commands_is_answered_and_not_stored(open_town: OpenTown) -> None:
    place = opened(open_town)
    storm(place, "")
    stored = rows(place)
    before = scrape(bot_of(place))
    said = len(whispers(place, GUEST))
    assert (stored["purges"], said) == (MOST, MOST)
    storm(place, "", 20)
    assert rows(place) == stored
    told = whispers(place, GUEST)[said:]
    assert len(told) == 20
    assert "refused-too-often" in told[-1]
    assert "Nothing was purged" in told[-1]
    grown = scrape(bot_of(place)).grown(
        before, "purgebot_received_total", kind="command", result="refused-too-often"
    )
    assert grown == 20
    assert place.purges_sent() == []


def test_a_storm_of_forced_ones_is_not_stored_either(open_town: OpenTown) -> None:
    place = opened(open_town)
    storm(place, "--force")
    stored = rows(place)
    storm(place, "--force", 10)
    assert rows(place) == stored


def test_those_who_may_are_served_however_often_they_were_refused(open_town: OpenTown) -> None:
    place = opened(open_town)
    ana = Person(place, "U0ANA")
    for _ in range(MOST + 2):
        ana.types("/purge unknown.example.org hero")
    ana.types("/purge www.example.com hero")
    assert "Purge sent" in str(only_card(place))
    ana.types("/purge www.example.com logo --force")
    assert rows(place)["purges"] == MOST + 2


def test_others_are_not_counted_and_an_hour_later_it_is_stored_again(open_town: OpenTown) -> None:
    place = opened(open_town)
    storm(place, "", MOST + 1)
    Person(place, "U0ANA").types("/purge unknown.example.org hero")
    assert rows(place)["purges"] == MOST + 1
    place.waits(minutes=61)
    storm(place, "", 1)
    assert rows(place)["purges"] == MOST + 2


def test_presses_that_do_not_count_are_answered_and_not_kept_in_the_trail(
    open_town: OpenTown,
) -> None:
    place = opened(open_town)
    card = Person(place, "U0ANA").purges("www.example.com hero --force")
    for _ in range(MOST):
        Person(place, GUEST).presses(APPROVE, card)
    stored = rows(place)["audit"]
    said = len(whispers(place, GUEST))
    Person(place, GUEST).presses(APPROVE, card)
    assert len(whispers(place, GUEST)) == said + 1
    assert rows(place)["audit"] == stored
    assert place.purges_sent() == []


def test_presses_that_ask_for_a_purge_in_vain_are_answered_and_not_stored(
    open_town: OpenTown,
) -> None:
    place = opened(open_town)
    card = Person(place, "U0ANA").purges("www.example.com hero")
    place.waits(minutes=10)
    stored = rows(place)
    for _ in range(MOST):
        Person(place, GUEST).presses(ESCALATE, card)
    assert rows(place)["purges"] == stored["purges"] + MOST
    stored, said = rows(place), len(whispers(place, GUEST))
    for _ in range(3):
        Person(place, GUEST).presses(ESCALATE, card)
    assert rows(place) | {"posts": 0} == stored | {"posts": 0}
    told = whispers(place, GUEST)[said:]
    assert len(told) == 3
    assert "refused-too-often" in told[-1]
    Person(place, "U0ANA").presses(ESCALATE, card)
    assert rows(place)["purges"] == stored["purges"] + 1


@pytest.mark.parametrize("words", ["", "--force"])
def test_a_storm_of_refused_commands_that_look_mistyped_is_not_stored_either(
    open_town: OpenTown, words: str
) -> None:
    place = opened(open_town)
    Person(place, "U0ANA").purges("www.example.com hero")
    guest = Person(place, GUEST)
    for number in range(MOST + 1):
        guest.types(f"/purge www.example.com heroo {words}")
        assert len(whispers(place, GUEST)) == number + 1
    stored = rows(place)
    assert stored["purges"] == 1 + MOST
    guest.types(f"/purge www.example.com heroo {words}")
    assert rows(place) | {"posts": 0} == stored | {"posts": 0}
    assert "refused-too-often" in whispers(place, GUEST)[-1]


def test_what_nobody_can_look_up_is_stored_no_faster_than_its_limit(open_town: OpenTown) -> None:
    """While Slack does not say who people are, each request is stored until it does."""
    place = opened(open_town, PURGEBOT_REQUESTS_PER_MINUTE="3")
    for number in range(6):
        place.says(GUEST, f"/purge www.example.com t{number}")
    assert rows(place)["purges"] == 3
    assert "too-many-requests" in whispers(place, GUEST)[-1]
    place.settle()
    assert place.purges_sent() == []


def test_a_running_bot_removes_what_is_older_than_its_setting_says(live_place: Town) -> None:
    live_place.says("U0ANA", "/purge unknown.example.org hero")
    live_place.settle()
    assert rows(live_place)["purges"] == 1
    live_place.stop_bot()
    live_place.waits(days=3, settle=False)
    live_place.start_bot(PURGEBOT_RETENTION_DAYS="1").worker.start()
    until(live_place, lambda: rows(live_place)["purges"] == 0)
