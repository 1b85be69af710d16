"""The form that asks why somebody denies a purge; its requester reads the answer."""

from __future__ import annotations

import json
from typing import Any

from bot.core.ask import Ask
from bot.core.command import MAX_REASON_CHARACTERS
from bot.core.purge import Purge
from handlers.blocks import kit
from handlers.blocks.kit import Block, code, codes, escape, mention

DENIAL = "purge:denial"
_FIELD = "reason"


def denial_form(ask: Ask, purge: Purge) -> Block:
    """Give the form for a press on Deny; it carries what the press carried, and where it was."""
    kind = "forced purge" if purge.force else "purge"
    about = {
        "purge_id": purge.id,
        "channel_id": ask.channel_id,
        "response_url": ask.response_url,
    }
    blocks = [
        kit.section(
            f"{code(purge.domain)} · tags {codes(purge.tags)}\nAsked by {mention(purge.user_id)}"
        )
    ]
    if purge.reason:
        blocks.append(kit.section(f"*Their reason:* {escape(purge.reason)}"))
    blocks.append(
        {
            "type": "input",
            "block_id": _FIELD,
            "label": kit.plain("Why not?"),
            "hint": kit.plain("Its requester and the channel read it."),
            "element": {
                "type": "plain_text_input",
                "action_id": _FIELD,
                "multiline": True,
                "focus_on_load": True,
                "max_length": MAX_REASON_CHARACTERS,
            },
        }
    )
    return {
        "type": "modal",
        "callback_id": DENIAL,
        "private_metadata": json.dumps(about),
        "title": kit.plain(f"Deny this {kind}"),
        "submit": kit.plain("Deny"),
        "close": kit.plain("Go back"),
        "blocks": blocks,
    }


def reason_in(view: dict[str, Any]) -> str:
    """Give what was written into the form."""
    return view["state"]["values"][_FIELD][_FIELD].get("value") or ""
