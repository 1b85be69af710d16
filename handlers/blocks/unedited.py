"""What a card adds where the bot is no member: that it stays as it is, and where more will be told."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bot.core.message import Route
from bot.core.purge.milestones import waits_for_people
from bot.core.purge.purge import Purge
from bot.slack.message import Message
from handlers.blocks import kit
from handlers.blocks.kit import mention, moment


def unedited(message: Message, purge: Purge, route: Route, until: datetime) -> Message:
    """Give the card with that sentence; one that tells an end needs none.

    `until`: from then on Slack lets nobody in by this way.
    """
    if purge.settled and not waits_for_people(purge):
        return message
    stays = "shows no progress" if route is Route.REPLACE else "stays as it is"
    told = (
        f":information_source: I am no member here, so this message {stays}. I post the outcome here "
        f"until {moment(until)}; after that I send it to {mention(purge.user_id)}."
    )
    return replace(message, blocks=(*message.blocks, kit.context(told)))
