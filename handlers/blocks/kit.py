"""The small parts of every message: escaping, mentions, limits.

Everything that a person typed goes through `escape` or `code`, so that a tag named
`<!channel>` shows as it is and pings nobody.  Limits: docs.slack.dev, "Block Kit reference".
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Any

Block = dict[str, Any]

SECTION_LIMIT = 3000
FALLBACK_LIMIT = 3000
FACT_LIMIT = 600
TAG_LIMIT = 200
NAMES_LIMIT = 10

_SAFE = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "`": "ˋ"}
"""A code span cannot hold its own mark; a look-alike can."""


@dataclass(frozen=True, slots=True)
class Message:
    """Blocks, and the text that screen readers and notifications read instead of them.

    `instead` are plainer blocks, for a Slack that does not take the first ones.
    """

    text: str
    blocks: tuple[Block, ...]
    instead: tuple[Block, ...] = ()

    @property
    def forms(self) -> tuple[Message, ...]:
        """The message in the ways in which it can be said, the best first."""
        return (self, Message(self.text, self.instead)) if self.instead else (self,)


def escape(text: str, most: int = SECTION_LIMIT) -> str:
    """Give the text so that Slack reads nothing into it but the text, cut to `most` characters."""
    safe = [_SAFE.get(character, character) for character in text]
    ends = list(accumulate(map(len, safe)))
    if not ends or ends[-1] <= most:
        return "".join(safe)
    return "".join(safe[: bisect_right(ends, most - 1)]) + "…"


def code(text: str, most: int = SECTION_LIMIT) -> str:
    """Give the text in a code span."""
    return f"`{escape(text, most)}`"


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


def either(words: Sequence[str]) -> str:
    """Give words as a sentence's part: `a, b or c`; of many the first, and how many are left."""
    shown = list(words[:NAMES_LIMIT])
    if left := len(words) - len(shown):
        shown.append(f"{left} other{'s' if left > 1 else ''}")
    return " or ".join(filter(None, (", ".join(shown[:-1]), *shown[-1:])))


def listing(ids: Iterable[str]) -> str:
    """Give the names of people and groups: `@sam, @kim or @sre`."""
    return either([mention(slack_id) for slack_id in ids]) or "nobody yet"


def speak(name: str, fact: str) -> str:
    """Give a fact of an error as it may stand in a message: the IDs of `holders` as names."""
    if name == "holders":
        return listing(filter(None, fact.split(",")))
    return escape(fact, FACT_LIMIT)


def moment(at: datetime, form: str = "{time}") -> str:
    """Give a moment that each reader sees in their own time; UTC where that cannot be done."""
    return f"<!date^{int(at.timestamp())}^{form}|{at:%H:%M} UTC>"


def day(at: datetime) -> str:
    """Give a moment that may be some days off, as `moment` does."""
    return (
        f"<!date^{int(at.timestamp())}^{{date_short_pretty}} at {{time}}|{at:%Y-%m-%d %H:%M} UTC>"
    )


def codes(words: Sequence[str], limit: int = 600) -> str:
    """Give words as code spans, as many as fit into `limit` characters, and how many are left."""
    shown: list[str] = []
    used = 0
    for word in words:
        span = code(word, min(limit, TAG_LIMIT))
        if shown and used + len(span) > limit:
            break
        shown.append(span)
        used += len(span) + 2
    left = len(words) - len(shown)
    return ", ".join(shown) + (f" and {left} more" if left else "")


def section(text: str) -> Block:
    if len(text) > SECTION_LIMIT:
        text = text[: SECTION_LIMIT - 1] + "…"
    return {"type": "section", "text": mrkdwn(text)}


def context(*texts: str) -> Block:
    return {"type": "context", "elements": [mrkdwn(text) for text in texts]}


def mrkdwn(text: str) -> Block:
    """Give formatted text in which plain words stay plain: `@here` in a reason pings nobody."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def plain(text: str) -> Block:
    return {"type": "plain_text", "text": text, "emoji": True}


def message(text: str, *blocks: Block) -> Message:
    return Message(text[:FALLBACK_LIMIT], blocks)
