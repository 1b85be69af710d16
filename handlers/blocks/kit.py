"""The small parts of every message: text of people, mentions, limits.

Text of a person is shown without any formatting, emoji, links or mentions from it:

    quoted     a separate block, below a label       a reason
    code       a code span                           a tag, a domain; a reason without blocks
    prose      a sentence with such text in it       an error that repeats part of a command

`escape` alone lets Slack format `*bold*` and `:emoji:`, so it is only for text
that outsiders cannot choose.
Limits: https://docs.slack.dev/reference/block-kit/blocks/
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

_SAFE = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "`": "ˋ"})
"""A code span cannot contain a backtick, so a similar character replaces it."""
_MARKUP = re.compile(r"[*~`]|(?<!\w)_|_(?!\w)|:[^\s:]+:|://|^[>•◦▪‣]")
"""What Slack would format. mrkdwn has no escape for it, but does not format code spans."""
_BEFORE, _AFTER = "“‘(", "”’).,;!?…"
_NO_QUOTES = dict.fromkeys(map(ord, "“‘”’"))
_ALONE = {"*", "_", "~"}
_LEAST_ROOM = 8


def metadata_of(interaction: Interaction) -> str:
    """Return the metadata of a form: the ID of the press that opened it, for a lookup.

    The other fields are for the previous version, which may get the form during an upgrade.
    """
    rest = {
        "purge_id": interaction.purge_id,
        "channel_id": interaction.channel_id,
        "response_url": interaction.response_url,
    }
    return json.dumps({"press": interaction.trigger_id, **rest})


def escape(text: str, most: int = SECTION_LIMIT) -> str:
    """Return the text without mentions, links and entities, cut to `most` characters."""
    if len(whole := text.translate(_SAFE)) <= most:
        return whole
    safe = [character.translate(_SAFE) for character in text]
    ends = list(accumulate(map(len, safe)))
    return "".join(safe[: bisect_right(ends, most - 1)]) + "…"


def code(text: str, most: int = SECTION_LIMIT) -> str:
    """Return the text in a code span, on one line, because a code span ends with its line."""
    return f"`{escape(' '.join(text.splitlines()), most)}`"


def prose(text: str, most: int = SECTION_LIMIT) -> str:
    """Return a sentence that contains text of people, cut to about `most` characters.

    Each word that Slack would format becomes a code span, in place of its quotation marks.  A sign
    of formatting that stands alone has no effect and is left.
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
    """Return a mention, which Slack shows as the name of a person, group or channel."""
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
    """Return `a, b or c`, with at most NAMES_LIMIT words and the number of the others."""
    shown = list(words[:NAMES_LIMIT])
    if left := len(words) - len(shown):
        shown.append(f"{left} other{'s' if left > 1 else ''}")
    return " or ".join(filter(None, (", ".join(shown[:-1]), *shown[-1:])))


def listing(ids: Iterable[str]) -> str:
    """Return the names of people and groups: `@sam, @kim or @sre`."""
    return either([mention(slack_id) for slack_id in ids]) or "nobody yet"


def speak(name: str, fact: str) -> str:
    """Return a fact of an error in a form that is safe in a message.

    The IDs of `holders` become names; a word that Slack would format becomes code.
    """
    if name == "holders":
        return listing(filter(None, fact.split(",")))
    return prose(fact, FACT_LIMIT)


def moment(at: datetime, form: str = "{time}") -> str:
    """Return a time that each reader sees in their own time zone, with UTC as fallback."""
    return f"<!date^{int(at.timestamp())}^{form}|{at:%H:%M} UTC>"


def day(at: datetime) -> str:
    """Return a time with its date, as `moment` does."""
    return (
        f"<!date^{int(at.timestamp())}^{{date_short_pretty}} at {{time}}|{at:%Y-%m-%d %H:%M} UTC>"
    )


def codes(words: Sequence[str], limit: int = 600) -> str:
    """Return code spans, as many as fit into `limit` characters, and the number of the others."""
    shown, left = fitting([code(word, min(limit, TAG_LIMIT)) for word in words], limit)
    return ", ".join(shown) + (f" and {left} more" if left else "")


def fitting(texts: Sequence[str], most: int, *, at_least: int = 1) -> tuple[list[str], int]:
    """Return the first texts that together fit into `most` characters, and how many are left."""
    shown: list[str] = []
    used = 0
    for text in texts:
        if len(shown) >= at_least and used + len(text) > most:
            break
        shown.append(text)
        used += len(text) + 2
    return shown, len(texts) - len(shown)


def cut(text: str, most: int) -> str:
    """Return a text cut to `most` characters, with an ellipsis in place of the rest."""
    return text if len(text) <= most else text[: most - 1] + "…"


def section(text: str) -> Block:
    """Return a section of mrkdwn, cut to SECTION_LIMIT characters."""
    return {"type": "section", "text": mrkdwn(cut(text, SECTION_LIMIT))}


def context(*texts: str) -> Block:
    return {"type": "context", "elements": [mrkdwn(text) for text in texts]}


def mrkdwn(text: str) -> Block:
    """Return mrkdwn in which plain words stay plain: `@here` in a reason notifies nobody."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def plain(text: str) -> Block:
    """Return plain text.  It has no markup, so nothing is escaped."""
    return {"type": "plain_text", "text": text, "emoji": False}


def button(action_id: str, label: str, value: str, **more: object) -> Block:
    """Return a button.  `more` is its style or its confirmation dialog."""
    text = plain(label[:LABEL_LIMIT])
    return {"type": "button", "action_id": action_id, "text": text, "value": value, **more}


def actions(block_id: str, *buttons: Block) -> list[Block]:
    """Return a row of buttons, or [] without buttons."""
    return [{"type": "actions", "block_id": block_id, "elements": list(buttons)}] if buttons else []


def quoted(label: str, text: str) -> Block:
    """Return text of a person as a quotation below a label.

    In rich text, formatting is separate from the text, so the text cannot contain any.
    """
    return rich(
        line(words(label, bold=True)), {"type": "rich_text_quote", "elements": [words(text)]}
    )


def rich(*elements: Block) -> Block:
    return {"type": "rich_text", "elements": list(elements)}


def line(*pieces: Block) -> Block:
    """Return a line of rich text.  Several lines are paragraphs."""
    return {"type": "rich_text_section", "elements": list(pieces)}


def words(text: str, **style: bool) -> Block:
    """Return a part of a line of rich text.  `style` is bold or code."""
    return {"type": "text", "text": text, **({"style": style} if style else {})}


def message(text: str, *blocks: Block) -> Message:
    """Return a message, its plain text cut to FALLBACK_LIMIT characters."""
    return Message(text[:FALLBACK_LIMIT], blocks)
