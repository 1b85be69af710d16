"""Cursors: long lists in pages, as every list method of the Web API cuts them."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from bot.simulators.slack.web_api.calls import Call, Refusal
from bot.simulators.slack.workspace.model import Json


def page_of(call: Call, name: str, rows: list[Any], *, default: int) -> Json:
    """The asked page of `rows` under `name`, with the cursor of the next one or ""."""
    size = call.count("limit", default, 1000)
    start = _start(call.text("cursor"))
    end = start + size
    following = base64.b64encode(f"next:{end}".encode()).decode() if end < len(rows) else ""
    return {name: rows[start:end], "response_metadata": {"next_cursor": following}}


def _start(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.b64decode(cursor, validate=True).decode().removeprefix("next:"))
    except (ValueError, binascii.Error):
        raise Refusal("invalid_cursor") from None
