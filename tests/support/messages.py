"""What people see, in words: for tests that ask whether a message says something."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.demo.town import Town

APPROVE = "purge:approve"
DENY = "purge:deny"


def words(message: dict[str, Any]) -> str:
    """Give all the text of a message's blocks, a block a line."""
    return "\n".join(_texts(message.get("blocks") or [])) or str(message["text"])


def buttons(message: dict[str, Any]) -> list[str]:
    return [
        element["text"]["text"]
        for block in message.get("blocks") or []
        if block["type"] == "actions"
        for element in block["elements"]
    ]


def cards(place: Town, person: str = "U0ANA", channel: str = "C0WEB") -> list[dict[str, Any]]:
    """Give the bot's messages that everybody in the channel sees, without the notes below them."""
    return [
        seen
        for seen in _from_bot(place, person, channel)
        if not seen["ephemeral"] and not seen["thread_ts"]
    ]


def notes(place: Town, person: str = "U0ANA", channel: str = "C0WEB") -> list[str]:
    """Give what the bot said below its cards."""
    return [words(seen) for seen in _from_bot(place, person, channel) if seen["thread_ts"]]


def notes_below(
    place: Town, person: str = "U0ANA", channel: str = "C0WEB"
) -> dict[str, list[dict[str, Any]]]:
    """Give the bot's messages below each card, by the `ts` of the card, oldest first."""
    below: dict[str, list[dict[str, Any]]] = {}
    for seen in _from_bot(place, person, channel):
        if seen["thread_ts"]:
            below.setdefault(seen["thread_ts"], []).append(seen)
    return below


def whispers(place: Town, person: str = "U0ANA", channel: str = "C0WEB") -> list[str]:
    """Give what this person alone was told."""
    return [words(seen) for seen in _from_bot(place, person, channel) if seen["ephemeral"]]


def only_card(place: Town, person: str = "U0ANA", channel: str = "C0WEB") -> dict[str, Any]:
    (card,) = cards(place, person, channel)
    return card


def _from_bot(place: Town, person: str, channel: str) -> list[dict[str, Any]]:
    return [seen for seen in place.sees(person, channel) if seen["user"] == "U0BOT"]


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("text"), str):
            yield node["text"]
        for name, value in node.items():
            if name != "confirm":
                yield from _texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from _texts(value)
