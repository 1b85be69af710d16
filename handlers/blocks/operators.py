"""Who the operators are: errors speak of them, and whoever reads one must be able to find them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from bot.slack.message import Message
from handlers.blocks.kit import SECTION_LIMIT, cut, listing

OPERATORS = "the operators of Purgebot"
"""The words that error kinds use for them."""


def naming_operators(
    message: Message, channel_id: str | None, people: Callable[[], Sequence[str]]
) -> Message:
    """Return the message with the operators named: by their channel, or else by `people`."""
    if OPERATORS not in f"{message.text} {message.blocks}":
        return message
    held = () if channel_id else people()
    who = f"<#{channel_id}>" if channel_id else listing(held)
    if not (channel_id or held):
        return message
    named = f"{OPERATORS} ({who})"
    blocks = tuple(_named(block, named) for block in message.blocks)
    return replace(message, text=message.text.replace(OPERATORS, named), blocks=blocks)


def _named(node: Any, named: str) -> Any:
    """Return a block with the words replaced in its mrkdwn, the only text that can mention."""
    if isinstance(node, list):
        return [_named(each, named) for each in node]
    if not isinstance(node, dict):
        return node
    if node.get("type") == "mrkdwn" and OPERATORS in node["text"]:
        return node | {"text": cut(node["text"].replace(OPERATORS, named), SECTION_LIMIT)}
    return {name: _named(each, named) for name, each in node.items()}
