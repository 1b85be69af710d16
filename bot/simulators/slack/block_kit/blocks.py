"""Block Kit's rules: what Slack would refuse in blocks, in a view, in a text.

    violations(blocks, surface="message" | "modal" | "home")   → sentences, none when all is well
    view_violations(view, surface="modal" | "home")
    text_violations(text)

    surface    blocks   which
    message    50       all below
    modal      100      actions alert context divider header image input rich_text section video
    home       100      the same without alert

Source: Slack's Block Kit reference.  Where it names no limit for the newest blocks, the length is
the one that client libraries keep to: text that is shorter than need be is safe either way.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Literal

from bot.simulators.slack.block_kit.checks import (
    Check,
    anything,
    array,
    boolean,
    both,
    integer,
    one_of,
    string,
    thing,
    typed,
    wrong,
)
from bot.simulators.slack.block_kit.elements import (
    BUTTON,
    ELEMENTS,
    ID,
    IMAGE,
    IN_ACTIONS,
    IN_CONTEXT_ACTIONS,
    IN_INPUT,
    IN_SECTION,
    URL,
    any_text,
    plain,
)
from bot.simulators.slack.block_kit.rich_text import RICH_TEXT

Surface = Literal["message", "modal", "home"]

BLOCKS_MOST = {"message": 50, "modal": 100, "home": 100}
MARKDOWN_MOST = 12_000
VIEW_MOST_BYTES = 250_000
# Above it chat.update refuses; Slack advises the same for postMessage, which cuts at 40,000.
TEXT_MOST = 4_000


def _block(required: dict[str, Check], optional: dict[str, Check] | None = None) -> Check:
    return thing({"type": anything, **required}, {"block_id": ID, **(optional or {})})


def _needs_one_of(*keys: str) -> Check:
    def check(value: Any, pointer: str, found: list[str]) -> None:
        if not any(key in value for key in keys):
            wrong(found, pointer, f"must provide one of {', '.join(keys)}")

    return check


def _collapses_or_divides(value: Any, pointer: str, found: list[str]) -> None:
    if value.get("is_collapsible") and value.get("has_header_divider"):
        wrong(found, pointer, "has_header_divider cannot be set when is_collapsible is true")


_CONTEXT_ELEMENT = typed(
    {
        "image": ELEMENTS["image"],
        "plain_text": any_text(None),
        "mrkdwn": any_text(None),
    }
)
_CELL = typed(
    {
        "raw_text": thing({"type": anything, "text": string()}),
        "raw_number": thing({"type": anything, "value": anything}, {"text": string()}),
        "rich_text": RICH_TEXT,
    }
)
_CARD = both(
    _block(
        {},
        {
            "hero_image": IMAGE,
            "icon": IMAGE,
            "title": any_text(150),
            "subtitle": any_text(150),
            "body": any_text(200),
            "actions": array(BUTTON),
        },
    ),
    _needs_one_of("hero_image", "title", "actions", "body"),
)
_TASK_CARD = _block(
    {
        "task_id": string(),
        "title": string(),
        "status": one_of("pending", "in_progress", "complete", "error"),
    },
    {
        "details": RICH_TEXT,
        "output": RICH_TEXT,
        "sources": array(thing({"type": one_of("url"), "url": URL, "text": string()})),
    },
)
_COLUMN = thing({}, {"align": one_of("left", "center", "right"), "is_wrapped": boolean})


def _column(value: Any, pointer: str, found: list[str]) -> None:
    if value is not None:  # null leaves a column as it is
        _COLUMN(value, pointer, found)


_EVERYWHERE: dict[str, Check] = {
    "actions": _block({"elements": array(IN_ACTIONS, 25)}),
    "context": _block({"elements": array(_CONTEXT_ELEMENT, 10)}),
    "divider": _block({}),
    "header": _block({"text": plain(150)}),
    "image": both(
        _block(
            {"alt_text": string(2000)},
            {"image_url": URL, "slack_file": anything, "title": plain(2000)},
        ),
        _needs_one_of("image_url", "slack_file"),
    ),
    "input": _block(
        {"label": plain(2000), "element": IN_INPUT},
        {"hint": plain(2000), "optional": boolean, "dispatch_action": boolean},
    ),
    "rich_text": RICH_TEXT,
    "section": both(
        _block(
            {},
            {
                "text": any_text(3000),
                "fields": array(any_text(2000), 10),
                "accessory": IN_SECTION,
                "expand": boolean,
            },
        ),
        _needs_one_of("text", "fields"),
    ),
    "video": _block(
        {
            "alt_text": string(),
            "title": plain(199),
            "video_url": URL,
            "thumbnail_url": URL,
        },
        {
            "title_url": URL,
            "description": plain(None),
            "provider_icon_url": URL,
            "provider_name": string(),
            "author_name": string(49),
        },
    ),
}

# Where else the newest of these may stand is not documented well enough to count on it.
_IN_MESSAGES: dict[str, Check] = {
    **_EVERYWHERE,
    "card": _CARD,
    "carousel": _block({"elements": array(typed({"card": _CARD}), 10)}),
    "context_actions": _block({"elements": array(IN_CONTEXT_ACTIONS, 5)}),
    "data_table": _block(
        {"caption": string(), "rows": array(array(_CELL, 20), 101, least=2)},
        {"page_size": integer(1, 100), "row_header_column_index": integer(0)},
    ),
    "file": _block({"external_id": string(), "source": one_of("remote")}),
    "markdown": _block({"text": string(MARKDOWN_MOST)}),
    "plan": _block({"title": string()}, {"tasks": array(typed({"task_card": _TASK_CARD}))}),
    "table": _block(
        {"rows": array(array(_CELL, 20), 100)}, {"column_settings": array(_column, 20)}
    ),
    "task_card": _TASK_CARD,
}
_IN_MESSAGES["container"] = both(
    _block(
        {"child_blocks": array(typed(dict(_IN_MESSAGES)), 10)},
        {
            "title": plain(150),
            "rich_text_title": RICH_TEXT,
            "subtitle": any_text(150),
            "width": one_of("narrow", "standard", "wide", "full"),
            "icon": IMAGE,
            "is_collapsible": boolean,
            "default_collapsed": boolean,
            "has_header_divider": boolean,
        },
    ),
    _needs_one_of("title", "rich_text_title"),
    _collapses_or_divides,
)
_IN_MODALS: dict[str, Check] = {
    **_EVERYWHERE,
    # Nowhere else: slackapi/node-slack-sdk#2567, slackapi/java-slack-sdk#1610.
    "alert": _block(
        {"text": any_text(200)},
        {"level": one_of("default", "info", "warning", "error", "success")},
    ),
}
_TABLES = {"message": _IN_MESSAGES, "modal": _IN_MODALS, "home": _EVERYWHERE}


def violations(blocks: object, *, surface: Surface, pointer: str = "/blocks") -> list[str]:
    """What Slack would refuse in these blocks, each with its JSON pointer."""
    found: list[str] = []
    least = 0 if surface == "message" else 1
    array(typed(_TABLES[surface]), BLOCKS_MOST[surface], least=least)(blocks, pointer, found)
    if isinstance(blocks, list):
        rows = [(f"{pointer}/{n}", b) for n, b in enumerate(blocks) if isinstance(b, dict)]
        _check_ids(rows, found)
        _check_totals([block for _, block in rows], pointer, found)
    return found


def view_violations(view: object, *, surface: Surface) -> list[str]:
    """What Slack would refuse in a view; one that is too big says so first."""
    found: list[str] = []
    size = len(json.dumps(view).encode())
    if size > VIEW_MOST_BYTES:
        wrong(found, "/view", f"view_too_large: {size} bytes")
    common = {"private_metadata": string(3000, least=0), "callback_id": string(255, least=0)}
    common["external_id"] = string(255, least=0)
    if surface == "home":
        check = thing({"type": one_of("home"), "blocks": anything}, common)
    else:
        flags = dict.fromkeys(("clear_on_close", "notify_on_close", "submit_disabled"), boolean)
        check = thing(
            {"type": one_of("modal"), "title": plain(24), "blocks": anything},
            {**common, **flags, "submit": plain(24), "close": plain(24)},
        )
    check(view, "/view", found)
    if isinstance(view, dict):
        blocks = view.get("blocks")
        found += violations(blocks, surface=surface, pointer="/view/blocks")
        has_input = any(block.get("type") == "input" for block in _objects(blocks))
        if has_input and surface == "modal" and "submit" not in view:
            wrong(found, "/view", "missing required field: submit, as there are input blocks")
    return found


def text_violations(text: object, *, most: int = TEXT_MOST) -> list[str]:
    """What is wrong with a message's text."""
    found: list[str] = []
    string(most)(text, "/text", found)
    return found


def _check_ids(rows: list[tuple[str, dict[str, Any]]], found: list[str]) -> None:
    for block_id in _repeated([block for _, block in rows], "block_id"):
        wrong(found, rows[0][0].rpartition("/")[0], f"block_id {block_id} already exists")
    for pointer, block in rows:
        if block.get("type") == "actions":
            for action_id in _repeated(_objects(block.get("elements")), "action_id"):
                wrong(found, f"{pointer}/elements", f"action_id {action_id} already exists")


def _repeated(rows: list[dict[str, Any]], key: str) -> list[str]:
    names = Counter(row[key] for row in rows if isinstance(row.get(key), str))
    return [name for name, times in names.items() if times > 1]


def _check_totals(blocks: list[dict[str, Any]], pointer: str, found: list[str]) -> None:
    everything = [*blocks, *(c for b in blocks for c in _objects(b.get("child_blocks")))]
    if sum(block.get("type") == "table" for block in everything) > 1:
        wrong(found, pointer, "only_one_table_allowed")
    texts = [str(b.get("text", "")) for b in everything if b.get("type") == "markdown"]
    if len(texts) > 1 and sum(map(len, texts)) > MARKDOWN_MOST:
        wrong(found, pointer, f"markdown must be less than {MARKDOWN_MOST + 1} characters together")


def _objects(value: object) -> list[dict[str, Any]]:
    rows = value if isinstance(value, list) else []
    return [entry for entry in rows if isinstance(entry, dict)]
