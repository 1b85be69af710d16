"""A bot that was set up as the docs say, from its start to a purge and to its end."""

from __future__ import annotations

import signal
from pathlib import Path

from bot.demo.town import Town
from tests.support.messages import cards, words
from tests.support.purgebot import listening
from tests.support.waiting import until


def purges_and_stops(
    place: Town, start: list[str], folder: Path, variables: dict[str, str]
) -> None:
    """Start the bot, let it purge, and stop it by Ctrl-C."""
    with listening(start, folder, variables) as bot:
        bot.until("started")
        place.says("U0ANA", "/purge www.example.com hero")
        until(place, lambda: any(_task_of(place) in words(card) for card in cards(place)))
        assert bot.end(signal.SIGINT) == 0


def _task_of(place: Town) -> str:
    """Give the ID of the one task that the CDN has made."""
    made = [sent["task_id"] for sent in place.purges_sent() if sent["task_id"]]
    assert len(made) < 2
    return made[0] if made else "not yet"
