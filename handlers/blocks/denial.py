"""The form that asks for the reason of a denial.  The requester reads the answer."""

from __future__ import annotations

from bot.core.command.parser import MAX_REASON_CHARACTERS
from bot.core.interaction import Interaction
from bot.core.purge.purge import PurgeRequest
from bot.slack.message import Block
from handlers.blocks import kit
from handlers.blocks.kit import code, mention, metadata_of
from handlers.blocks.naming import kind_of
from handlers.blocks.tags import shown_tags

DENIAL = "purge:denial"
REASON = "reason"
"""The ID of the field and of its block."""


def denial_form(interaction: Interaction, purge: PurgeRequest) -> Block:
    """Return the form for a press on Deny.  It carries the ID of the press."""
    tags = shown_tags(purge)
    lines = [f"{code(purge.domain)} · {tags.head}", *tags.lines]
    if not tags.is_whole:
        lines.append("The card has a button that shows all of them.")
    blocks = [kit.section("\n".join([*lines, f"Asked by {mention(purge.user_id)}"]))]
    if purge.reason:
        blocks.append(kit.quoted("Their reason:", purge.reason))
    blocks.append(
        {
            "type": "input",
            "block_id": REASON,
            "label": kit.plain("Why not?"),
            "hint": kit.plain("Its requester reads it, and whoever sees the card."),
            "element": {
                "type": "plain_text_input",
                "action_id": REASON,
                "multiline": True,
                "focus_on_load": True,
                "max_length": MAX_REASON_CHARACTERS,
            },
        }
    )
    return {
        "type": "modal",
        "callback_id": DENIAL,
        "private_metadata": metadata_of(interaction),
        "title": kit.plain(f"Deny this {kind_of(purge)}"),
        "submit": kit.plain("Deny"),
        "close": kit.plain("Go back"),
        "blocks": blocks,
    }
