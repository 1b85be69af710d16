"""What a bot says of its database to those who ask whether it is ready."""

from __future__ import annotations

import json

from bot.demo.town import Town
from tests.support.prometheus_scrape import bot_of
from tests.support.waiting import poll

GOOD = "it answers, and takes writes"
NOT_WRITABLE = "it cannot be used (database-not-writable)"


def said_of_database(place: Town) -> str:
    page = bot_of(place).status.page("/readyz")
    assert page is not None
    return str(json.loads(page.body)["checks"]["database"]["reason"])


def comes_to_say(place: Town, reason: str) -> None:
    """Wait until it says so: an answer of the database is kept for a moment."""
    poll(lambda: said_of_database(place) == reason)
