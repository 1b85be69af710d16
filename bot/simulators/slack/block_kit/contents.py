"""What a message carries besides its text: blocks and attachments, checked and named."""

from __future__ import annotations

import secrets

from bot.simulators.slack.block_kit.blocks import violations
from bot.simulators.slack.block_kit.checks import anything, array, mapping
from bot.simulators.slack.workspace.model import Json


def attachment_violations(attachments: object) -> list[str]:
    """What is wrong with attachments and with the blocks inside them."""
    found: list[str] = []
    array(mapping(anything), 100, least=0)(attachments, "/attachments", found)
    if not found and isinstance(attachments, list):
        for number, entry in enumerate(attachments):
            pointer = f"/attachments/{number}/blocks"
            found += violations(entry.get("blocks") or [], surface="message", pointer=pointer)
    return found


def number_attachments(attachments: list[Json]) -> list[Json]:
    """Attachments with the ids that presses in them report."""
    return [
        {
            "fallback": "[no preview available]",
            **entry,
            "id": number,
            "blocks": with_ids(entry.get("blocks") or []),
        }
        for number, entry in enumerate(attachments, start=1)
    ]


def with_ids(blocks: list[Json]) -> list[Json]:
    """Blocks with the block_id and action_id that Slack makes up where the app gave none."""
    return [_with_ids({"block_id": secrets.token_hex(3), **block}) for block in blocks]


def _with_ids(block: Json) -> Json:
    named = dict(block)
    if block["type"] == "actions":
        named["elements"] = [
            {"action_id": f"{block['block_id']}-{number}", **element}
            for number, element in enumerate(block["elements"])
        ]
    if block["type"] == "container":
        named["child_blocks"] = with_ids(block["child_blocks"])
    for key in ("accessory", "element"):
        if isinstance(block.get(key), dict) and block[key]["type"] != "image":
            named[key] = {"action_id": f"{block['block_id']}-0", **block[key]}
    return named
