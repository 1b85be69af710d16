"""The small parts of every message: escaping, mentions, limits.

Everything that a person typed goes through `escape` or `code`, so that a tag named
`<!channel>` shows as it is and pings nobody.  Limits: docs.slack.dev, "Block Kit reference".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Block = dict[str, Any]

SECTION_LIMIT = 3000
FALLBACK_LIMIT = 3000


@dataclass(frozen=True, slots=True)
class Message:
    """Blocks, and the text that screen readers and notifications read instead of them."""

    text: str
    blocks: tuple[Block, ...]


def escape(text: str) -> str:
    """Give the text so that Slack reads nothing into it but the text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def code(text: str) -> str:
    """Give the text in a code span.  A code span cannot hold its own mark; a look-alike can."""
    return f"`{escape(text).replace('`', 'ˋ')}`"


def mention(slack_id: str) -> str:
    """Give what Slack shows as the name of a person, group or channel."""
    match slack_id[:1]:
        case "*":
            return "every full member"
        case "S":
            return f"<!subteam^{slack_id}>"
        case "C" | "G" | "D":
            return f"whoever speaks in <#{slack_id}>"
        case _:
            return f"<@{slack_id}>"


def listing(ids: Iterable[str]) -> str:
    """Give the names of people and groups as a sentence's part: `@sam, @kim or @sre`."""
    names = [mention(slack_id) for slack_id in ids]
    if not names:
        return "nobody yet"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def speak(name: str, fact: str) -> str:
    """Give a fact of an error as it may stand in a message: the IDs of `holders` as names."""
    return listing(filter(None, fact.split(","))) if name == "holders" else escape(fact)


def moment(at: datetime, form: str = "{time}") -> str:
    """Give a moment that each reader sees in their own time; UTC where that cannot be done."""
    return f"<!date^{int(at.timestamp())}^{form}|{at:%H:%M} UTC>"


def codes(words: Sequence[str], limit: int = 600) -> str:
    """Give words as code spans, as many as fit into `limit` characters, and how many are left."""
    shown: list[str] = []
    used = 0
    for word in words:
        span = code(word if len(word) <= 200 else word[:199] + "…")
        if shown and used + len(span) > limit:
            break
        shown.append(span)
        used += len(span) + 2
    left = len(words) - len(shown)
    return ", ".join(shown) + (f" and {left} more" if left else "")


def section(text: str) -> Block:
    if len(text) > SECTION_LIMIT:
        text = text[: SECTION_LIMIT - 1] + "…"
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def context(*texts: str) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text} for text in texts]}


def plain(text: str) -> Block:
    return {"type": "plain_text", "text": text, "emoji": True}


def message(text: str, *blocks: Block) -> Message:
    return Message(text[:FALLBACK_LIMIT], blocks)
