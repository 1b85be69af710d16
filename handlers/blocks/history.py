"""What was purged, as a table; and where a workspace takes no table, in lines.

title      what was asked
table      outcome and when, what, who, ID; newest first, and what counts most where a phone shows it
(notes)    what else there may be, and what the asker may see at all
(buttons)  Newer and Older: they carry the question, and where the page begins

The status of one purge is its card, without its buttons: it is decided on where it was asked for.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from bot.core.purge import Purge
from bot.core.questions import HistoryQuestion, read_asked
from handlers.blocks import kit
from handlers.blocks.kit import Block, Message, code, codes, day, escape, mention
from handlers.blocks.purge import card

NEWER = "history:newer"
OLDER = "history:older"

_OUTCOMES = {
    "requested": ("hourglass_flowing_sand", "being checked"),
    "refused": ("no_entry", "refused"),
    "waiting": ("raised_hand", "waits for approval"),
    "denied": ("no_entry", "denied"),
    "expired": ("alarm_clock", "expired"),
    "cancelled": ("wastebasket", "cancelled"),
    "ready": ("hourglass_flowing_sand", "about to be sent"),
    "sending": ("hourglass_flowing_sand", "being sent"),
    "held": ("double_vertical_bar", "held"),
    "offered": ("no_entry_sign", "quota used up"),
    "joined": ("link", "joined to another"),
    "submitted": ("white_check_mark", "submitted"),
    "running": ("arrows_counterclockwise", "running"),
    "complete": ("white_check_mark", "complete"),
    "unreported": ("grey_question", "no end reported"),
    "failed": ("x", "failed"),
    "unknown": ("warning", "unknown"),
}
"""The emoji and the words of each state; a state that is not here is called by its own name."""
_COLUMNS = ("Outcome", "What", "Who", "ID")
_TAG_LIMIT = 30

Row = dict[str, Any]


def history(facts: dict[str, str]) -> Message:
    """Give one page of the history from the facts of its notice."""
    rows: list[Row] = json.loads(facts["purges"])
    title = _title(facts, is_empty=not rows)
    notes = _notes(facts, is_empty=not rows)
    around = [kit.context(*notes)] if notes else []
    if buttons := _buttons(facts):
        around.append({"type": "actions", "block_id": "turn", "elements": buttons})
    lines = [_line(row) for row in rows]
    text = "\n".join([title, *lines])
    if not rows:
        return kit.message(text, kit.section(title), *around)
    table = {
        "type": "table",
        "column_settings": [{}, {"is_wrapped": True}],
        "rows": [[_plain(name) for name in _COLUMNS], *map(_cells, rows)],
    }
    return Message(
        _cut(text),
        (kit.section(title), table, *around),
        instead=(kit.section(title), *map(kit.section, lines), *around),
    )


def status(purge: Purge) -> Message:
    """Give what became of a purge, as its card says it, for somebody who asks."""
    shown = card(purge)
    asked = f"Asked {day(purge.requested_at)} in <#{purge.channel_id}>"
    blocks = [block for block in shown.blocks if block["type"] != "actions"]
    return kit.message(shown.text, *blocks, kit.context(asked))


def _title(facts: dict[str, str], *, is_empty: bool) -> str:
    question = read_asked(facts["question"])
    assert isinstance(question, HistoryQuestion), "only such a question has this answer"
    of = f" of {code(question.domain)}" if question.domain else ""
    by = f" by {mention(question.user_id)}" if question.user_id else ""
    since = ""
    if facts["since"]:
        since = f" since {day(datetime.fromisoformat(facts['since']))}"
    about = f"{of}{by}{since}"
    if is_empty:
        so_far = "found so far" if facts["cut_short"] == "true" else "that you may see"
        return f"*No purges*{about} {so_far}"
    order = "newest first" if facts["first"] == "true" else "continued"
    return f"*Purges*{about}, {order}"


def _notes(facts: dict[str, str], *, is_empty: bool) -> list[str]:
    notes = []
    if facts["cut_short"] == "true":
        way = "Older" if "older" in facts else "Newer"
        notes.append(
            f"There may be more: I looked at many others that you did not ask for. Press "
            f"{way} to go on looking."
        )
    patterns = facts["sees"].split(",") if facts["sees"] else []
    if not patterns:
        notes.append("You see your own purges only: no rule shows you those of others.")
    elif "*" not in patterns:
        notes.append(
            f"You see your own purges and, as the policy says, those of {codes(patterns)}."
        )
    if not is_empty:
        notes.append(f"{code('/purge status ID')} tells more of one.")
    return notes


def _buttons(facts: dict[str, str]) -> list[Block]:
    """Give the buttons that turn the page; who pressed is compared with whom they were made for."""
    return [
        {
            "type": "button",
            "action_id": action_id,
            "text": kit.plain(label),
            "value": f"{facts['asker']} {facts[way]}",
        }
        for way, action_id, label in (("newer", NEWER, "Newer"), ("older", OLDER, "Older"))
        if way in facts
    ]


def _outcome(row: Row) -> tuple[str | None, str]:
    return _OUTCOMES.get(row["state"], (None, str(row["state"]).replace("-", " ")))


# A table's cells


def _cells(row: Row) -> list[Block]:
    at = datetime.fromtimestamp(row["at"], UTC)
    emoji, words = _outcome(row)
    when = {
        "type": "date",
        "timestamp": row["at"],
        "format": "{date_short_pretty} {time}",
        "fallback": f"{at:%d %b %Y %H:%M} UTC",
    }
    mark = [{"type": "emoji", "name": emoji}, _text(" ")] if emoji else []
    return [
        _rich([*mark, _text(words)], [when]),
        _rich(*_what(row)),
        _rich([{"type": "user", "user_id": row["user_id"]}]),
        _rich([_text(row["id"], code=True)]),
    ]


def _what(row: Row) -> tuple[list[Block], list[Block]]:
    """Give the line of the domain and the line of the tags."""
    forced = [_text(" forced", bold=True)] if row["force"] else []
    tags = [_text(_short(tag), code=True) for tag in row["tags"]]
    listed = [piece for tag in tags for piece in (_text(", "), tag)][1:]
    more = [_text(f" and {row['more_tags']} more")] if row["more_tags"] else []
    return [_text(row["domain"]), *forced], [*listed, *more]


def _plain(text: str) -> Block:
    return {"type": "raw_text", "text": text}


def _rich(*lines: list[Block]) -> Block:
    sections = [{"type": "rich_text_section", "elements": line} for line in lines]
    return {"type": "rich_text", "elements": sections}


def _text(text: str, **style: bool) -> Block:
    return {"type": "text", "text": text, **({"style": style} if style else {})}


def _short(tag: str) -> str:
    return tag if len(tag) <= _TAG_LIMIT else tag[: _TAG_LIMIT - 1] + "…"


# The same in lines


def _line(row: Row) -> str:
    emoji, words = _outcome(row)
    mark = f":{emoji}: " if emoji else ""
    tags = codes([_short(tag) for tag in row["tags"]])
    more = f" and {row['more_tags']} more" if row["more_tags"] else ""
    forced = " *forced*" if row["force"] else ""
    at = datetime.fromtimestamp(row["at"], UTC)
    return (
        f"{code(row['domain'])} · {tags}{more}{forced}\n"
        f"{mark}{escape(words)} · {day(at)} · {mention(row['user_id'])} · {code(row['id'])}"
    )


def _cut(text: str) -> str:
    """Give as many whole lines as fit: in the middle of one might stand a mention."""
    while len(text) > kit.FALLBACK_LIMIT:
        text = text.rpartition("\n")[0]
    return text
