"""The small parts of every message: words of others, mentions, limits.

What a person wrote is shown as what a person wrote: without bold, emoji, links or calls in it.

    quoted     a block of its own, below a label     a reason
    code       a code span                           a tag, a domain; a reason where there are no blocks
    prose      a sentence of ours with such words    an error that repeats a part of a command

`escape` alone leaves `*bold*` and `:emoji:` to Slack: it is for what nobody outside can choose.
Limits: docs.slack.dev, "Block Kit reference".
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import accumulate

from bot.core.interaction import Interaction
from bot.slack.message import Block, Message

SECTION_LIMIT = 3000
FALLBACK_LIMIT = 3000
FACT_LIMIT = 600
TAG_LIMIT = 200
LABEL_LIMIT = 75
NAMES_LIMIT = 10

_SAFE = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "`": "ˋ"}
"""A code span cannot hold its own mark; a look-alike can."""
_MARKUP = re.compile(r"[*~`]|(?<!\w)_|_(?!\w)|:[^\s:]+:|://|^[>•◦▪‣]")
"""What Slack would read something into.  mrkdwn has no escape for it; a code span is left alone."""
_BEFORE, _AFTER = "“‘(", "”’).,;!?…"
_NO_QUOTES = dict.fromkeys(map(ord, "“‘”’"))
_ALONE = {"*", "_", "~"}
_LEAST_ROOM = 8


def metadata_of(interaction: Interaction) -> str:
    """Give what a form carries: the press that opened it, under whose ID it is looked up again.

    The rest is what the version before reads, which may get the form back during an upgrade.
    """
    rest = {
        "purge_id": interaction.purge_id,
        "channel_id": interaction.channel_id,
        "response_url": interaction.response_url,
    }
    return json.dumps({"press": interaction.trigger_id, **rest})


def escape(text: str, most: int = SECTION_LIMIT) -> str:
    """Give the text so that Slack reads no call, link or entity into it, cut to `most` characters."""
    safe = [_SAFE.get(character, character) for character in text]
    ends = list(accumulate(map(len, safe)))
    if not ends or ends[-1] <= most:
        return "".join(safe)
    return "".join(safe[: bisect_right(ends, most - 1)]) + "…"


def code(text: str, most: int = SECTION_LIMIT) -> str:
    """Give the text in a code span; on one line, for a span ends with its line."""
    return f"`{escape(' '.join(text.splitlines()), most)}`"


def prose(text: str, most: int = SECTION_LIMIT) -> str:
    """Give a sentence that holds words of others, cut to about `most` characters.

    Each word that Slack would read something into becomes a code span, in place of its quotation
    marks.  A mark that stands alone neither begins nor ends anything.
    """
    shown = ""
    for piece in re.split(r"(\s+)", text):
        word = piece.lstrip(_BEFORE)
        before, word = piece[: len(piece) - len(word)], word.rstrip(_AFTER)
        after = piece[len(before) + len(word) :]
        is_markup = _MARKUP.search(word) and (before or word not in _ALONE)
        room = most - len(shown)
        if is_markup:
            before, after = before.translate(_NO_QUOTES), after.translate(_NO_QUOTES)
            whole, cut = f"{before}{code(word)}{after}", f"{before}{code(word, room)}"
        else:
            whole, cut = escape(piece), escape(piece, room)
        if len(whole) > room:
            return f"{shown}{cut if room >= _LEAST_ROOM else '…'}"
        shown += whole
    return shown


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
    """Give a fact of an error as it may stand in a message.

    The IDs of `holders` become names; a word that Slack would format becomes code.
    """
    if name == "holders":
        return listing(filter(None, fact.split(",")))
    return prose(fact, FACT_LIMIT)


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
    shown, left = fitting([code(word, min(limit, TAG_LIMIT)) for word in words], limit)
    return ", ".join(shown) + (f" and {left} more" if left else "")


def fitting(texts: Sequence[str], most: int, *, at_least: int = 1) -> tuple[list[str], int]:
    """Give the first texts that fit into `most` characters together, and how many are left."""
    shown: list[str] = []
    used = 0
    for text in texts:
        if len(shown) >= at_least and used + len(text) > most:
            break
        shown.append(text)
        used += len(text) + 2
    return shown, len(texts) - len(shown)


def cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def section(text: str) -> Block:
    return {"type": "section", "text": mrkdwn(cut(text, SECTION_LIMIT))}


def context(*texts: str) -> Block:
    return {"type": "context", "elements": [mrkdwn(text) for text in texts]}


def mrkdwn(text: str) -> Block:
    """Give formatted text in which plain words stay plain: `@here` in a reason pings nobody."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def plain(text: str) -> Block:
    """Give plain text: nothing in it is markup, so nothing in it is escaped."""
    return {"type": "plain_text", "text": text, "emoji": False}


def button(action_id: str, label: str, value: str, **more: object) -> Block:
    """Give a button; `more` is its style or its confirm dialog."""
    text = plain(label[:LABEL_LIMIT])
    return {"type": "button", "action_id": action_id, "text": text, "value": value, **more}


def actions(block_id: str, *buttons: Block) -> list[Block]:
    """Give a row of buttons, if there are any."""
    return [{"type": "actions", "block_id": block_id, "elements": list(buttons)}] if buttons else []


def quoted(label: str, text: str) -> Block:
    """Give what a person wrote, as a quotation below a label.

    In rich text markup is elements of its own, so words are nothing but words.
    """
    return rich(
        line(words(label, bold=True)), {"type": "rich_text_quote", "elements": [words(text)]}
    )


def rich(*elements: Block) -> Block:
    return {"type": "rich_text", "elements": list(elements)}


def line(*pieces: Block) -> Block:
    """Give a line of rich text; beside other lines it is a paragraph."""
    return {"type": "rich_text_section", "elements": list(pieces)}


def words(text: str, **style: bool) -> Block:
    """Give a piece of a line of rich text; `style` is bold or code."""
    return {"type": "text", "text": text, **({"style": style} if style else {})}


def message(text: str, *blocks: Block) -> Message:
    return Message(text[:FALLBACK_LIMIT], blocks)
