"""Slack and the database away at once, and back one after the other: nothing is lost or doubled."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import pytest

from bot.demo.town import Town
from bot.store.database.writers import StoreUnavailable
from tests.support.conversation import Person
from tests.support.database_outage import away
from tests.support.messages import buttons, cards, notes_below, whispers, words
from tests.support.processes import all_purges, check_one_card_each, check_sent, check_trail
from tests.support.prometheus_scrape import bot_of
from tests.support.waiting import poll

pytestmark = pytest.mark.deadlines
SITE = "/purge www.example.com"


FAILS = {"method": "response_url", "error": "internal_error", "times": None}
DROPS = {"method": "*", "error": "drop", "times": None}
AWAY = {
    "nothing arrives": {"web_api": [DROPS, FAILS]},
    "no reply arrives": {"web_api": [FAILS], "lose_reply_of": [{"method": "*", "times": None}]},
}
"""How Slack is away: what the bot tells it is lost, or told without the bot's knowing."""


@contextmanager
def slack_away(place: Town, how: dict[str, Any]) -> Iterator[None]:
    """Keep the bot from Slack; what people type and press arrives."""
    place.post("slack/faults", how)
    yield
    place.post("slack/faults", {"web_api": [], "lose_reply_of": []})


def goes_on(place: Town, seconds: int, every: int = 10) -> None:
    """Let time pass, and the bot do what it can meanwhile."""
    for _ in range(seconds // every):
        place.waits(settle=False, seconds=every)
        with suppress(StoreUnavailable):
            place.settle()
        bot_of(place).context.replies.retry()  # what a running bot does every few seconds


def tags_sent(place: Town) -> list[str]:
    return [sent["params"]["CacheTag"] for sent in place.purges_sent()]


def told(place: Town, tag: str) -> str:
    """Give what the one card of this tag says."""
    (card,) = [words(card) for card in cards(place) if f"`{tag}`" in words(card)]
    return card


@pytest.mark.parametrize("how", AWAY)
@pytest.mark.parametrize("first_back", ["Slack", "the database"])
def test_what_was_taken_goes_on_and_what_was_not_was_told(
    place: Town, ana: Person, sam: Person, first_back: str, how: str
) -> None:
    place.post("cdn/settings", {"task_seconds": 60})
    ana.types(f"{SITE} running")
    waiting = ana.purges("www.example.com waiting --force")
    place.breaks(kind="slow_answer", seconds=4)
    place.says("U0ANA", f"{SITE} flying")
    with ThreadPoolExecutor(1) as worker, ExitStack() as slack, ExitStack() as database:
        settling = worker.submit(place.settle)
        poll(lambda: "flying" in tags_sent(place))
        slack.enter_context(slack_away(place, AWAY[how]))
        database.enter_context(away(place.database_url))
        with suppress(StoreUnavailable):
            settling.result()
        assert place.says("U0ANA", f"{SITE} lost")["outcome"] == "acked"
        assert "store-away" in whispers(place)[-1]
        place.presses("U0SAM", "purge:approve", waiting)
        goes_on(place, 30)
        (slack if first_back == "Slack" else database).close()
        place.says("U0ANA", f"{SITE} between")
        goes_on(place, 30)
    goes_on(place, 300)
    poll(lambda: "store-away" in "".join(whispers(place, "U0SAM")))
    assert "Purge complete" in told(place, "running")
    assert "Purge complete" in told(place, "flying")
    if first_back == "Slack":
        assert "store-away" in whispers(place)[-1]
    else:
        assert "Purge complete" in told(place, "between")
    assert "Approve" in buttons(next(card for card in cards(place) if "waiting" in words(card)))
    sam.approves(next(card for card in cards(place) if "waiting" in words(card)))
    ana.types(f"{SITE} lost")
    goes_on(place, 300)
    assert "Forced purge complete" in told(place, "waiting")
    assert "Purge complete" in told(place, "lost")
    purges = all_purges(place)
    assert len(purges) == (4 if first_back == "Slack" else 5)
    check_sent(place, purges)
    check_one_card_each(place, purges)
    check_trail(place)
    for card in cards(place):
        ends = [
            note for note in notes_below(place).get(card["ts"], []) if "is complete" in words(note)
        ]
        assert len(ends) == 1, words(card)
