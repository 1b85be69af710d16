"""A channel as plain text, 80 columns wide: what people typed, what Slack showed, what happened.

    #web-publishing                            where, when that changes

    14:02  Ana       /purge www.example.com hero
    14:02  Purgebot  📤 Purge sent: the CDN has taken it
                     `www.example.com` · tags `hero`
    14:03  Purgebot  (only Leo sees this)      nobody else was shown it
                     ⛔ Purge refused: nothing was purged

    — 31 minutes later —                       the clock, the bot and the CDN

    14:34  Purgebot  (edited)                  the new text of an earlier message
                     ⏰ Forced purge expired

Times are UTC, on the clock of the town.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]

# One column is left for an emoji, which is two columns wide and one character long.
_WIDTH = 79
_NAME_WIDTH = 8
_INDENT = len("14:02  ") + _NAME_WIDTH + 2
_EMOJI = {
    "alarm_clock": "⏰",
    "arrows_counterclockwise": "🔄",
    "broom": "🧹",
    "double_vertical_bar": "⏸️",
    "grey_question": "❔",
    "hourglass": "⌛",
    "hourglass_flowing_sand": "⏳",
    "information_source": "ℹ️",
    "link": "🔗",
    "no_entry": "⛔",
    "no_entry_sign": "🚫",
    "outbox_tray": "📤",
    "point_right": "👉",
    "raised_hand": "✋",
    "rotating_light": "🚨",
    "thinking_face": "🤔",
    "warning": "⚠️",
    "wastebasket": "🗑️",
    "white_circle": "⚪",
    "white_check_mark": "✅",
    "x": "❌",
}
_SHORTCODE = re.compile(r":([a-z0-9_+-]+):")
_CODE_SPAN = re.compile(r"(`[^`\n]+`)")
_BOLD = re.compile(r"(?<![\w*])\*(\S|\S[^*\n]*\S)\*(?![\w*])")
_REFERENCE = re.compile(r"<(@|#|!subteam\^|!date\^|!)?([^|<>]*)(?:\|([^<>]*))?>")


@dataclass(frozen=True, slots=True)
class Names:
    """The names of IDs: people by first name, groups by handle, channels by name."""

    people: Mapping[str, str]
    groups: Mapping[str, str]
    channels: Mapping[str, str]

    @classmethod
    def read(cls, states: Iterable[Json]) -> Names:
        """Return the names in the states of all people: only members see a private channel."""
        people: dict[str, str] = {}
        groups: dict[str, str] = {}
        channels: dict[str, str] = {}
        for state in states:
            people |= {row["id"]: row["real_name"].split()[0] for row in state["people"]}
            groups |= {row["id"]: row["handle"] for row in state["groups"]}
            for row in state["channels"]:
                members = " and ".join(people[member] for member in row["members"])
                channels[row["id"]] = (
                    f"#{row['name']}" if row["name"] else f"direct message of {members}"
                )
        return cls(people, groups, channels)


def lines_of(message: Json, names: Names) -> list[str]:
    """Return the lines of a message as its readers see it, not wrapped."""
    text = "\n".join(_blocks(message["blocks"], names)) or _plain(message["text"], names)
    return text.split("\n")


def buttons_of(message: Json) -> list[tuple[str, str]]:
    """Return the label and the action ID of every button, in order."""
    return [
        (element["text"]["text"], element["action_id"])
        for block in message["blocks"]
        for element in _elements(block)
        if element["type"] == "button"
    ]


class Transcript:
    """Prints a conversation step by step.  `show` skips what was printed already."""

    def __init__(self, write: Callable[[str], object], names: Names) -> None:
        self._write = write
        self._names = names
        self._channel = ""
        self._paragraph = ""
        self._shown: dict[tuple[str, str], Json | None] = {}

    def happen(self, what: str) -> None:
        self._begin("happening")
        self._write(f"— {what} —\n")

    def act(self, at: datetime, person: str, channel: str, deed: str) -> None:
        """Print what a person typed or pressed."""
        self._print(at.timestamp(), person, channel, [deed])

    def skip(self, channel: str, ts: str) -> None:
        """Mark a message as printed, because its words were printed when they were typed."""
        self._shown[channel, ts] = None

    def show(self, states: Mapping[str, Json]) -> None:
        """Print what is new or edited in the `states`, by viewer."""
        fresh: dict[tuple[str, str], tuple[float, str, Json]] = {}
        for viewer, state in states.items():
            for channel, messages in state["messages"].items():
                for message in messages:
                    key = channel, message["ts"]
                    if key in self._shown and self._shown[key] == message["edited"]:
                        continue
                    at = float((message["edited"] or message)["ts"])
                    fresh[key] = at, viewer, message
        for key, (at, viewer, message) in sorted(fresh.items(), key=lambda item: item[1][0]):
            reader = f"only {self._names.people[viewer]} sees this" if message["ephemeral"] else ""
            edited = "edited" if key in self._shown else ""
            notes = [f"({note})" for note in (reader, edited) if note]
            self._shown[key] = message["edited"]
            lines = [*notes, *lines_of(message, self._names)]
            self._print(at, message["user"], key[0], lines)

    def _print(self, at: float, person: str, channel: str, lines: Iterable[str]) -> None:
        if channel != self._channel:
            self._channel = channel
            self._begin("channel")
            # A direct message may have been opened after the names were read.
            self._write(f"{self._names.channels.get(channel, 'direct message')}\n")
        self._begin("talk")
        head = f"{_clock(at)}  {self._names.people[person]:<{_NAME_WIDTH}}  "
        for row in (row for line in lines for row in _wrap(line)):
            self._write(f"{head}{row}".rstrip() + "\n")
            head = " " * _INDENT

    def _begin(self, paragraph: str) -> None:
        """Write an empty line if another kind of paragraph begins."""
        if paragraph != self._paragraph:
            self._paragraph = paragraph
            self._write("\n")


def _wrap(line: str) -> list[str]:
    return textwrap.wrap(
        line,
        _WIDTH - _INDENT,
        break_on_hyphens=False,
        expand_tabs=False,
        replace_whitespace=False,
    ) or [""]


def _clock(epoch_s: float) -> str:
    return f"{datetime.fromtimestamp(epoch_s, UTC):%H:%M}"


# Block Kit


def _blocks(blocks: Iterable[Json], names: Names) -> Iterator[str]:
    for block in blocks:
        match block["type"]:
            case "section" | "header":
                texts = [block["text"]] if block.get("text") else []
                yield from (_text(part, names) for part in [*texts, *block.get("fields", [])])
            case "context":
                yield " · ".join(_text(part, names) for part in block["elements"])
            case "table":
                yield from (" | ".join(_cell(cell, names) for cell in row) for row in block["rows"])
            case "rich_text":
                yield from _rich_text(block["elements"], names)
            case "divider":
                yield "———"
        labels = [f"[{_label(element)}]" for element in _elements(block)]
        if labels:
            yield " ".join(labels)


def _rich_text(elements: Iterable[Json], names: Names) -> Iterator[str]:
    """Yield the lines of rich text: lists with their marks, quotations and code indented."""
    for element in elements:
        parts = element["elements"]
        if element["type"] == "rich_text_list":
            first = element.get("offset", 0) + 1
            ordered = element.get("style") == "ordered"
            for number, part in enumerate(parts, first):
                mark = f"{number}." if ordered else "•"
                yield f"{mark} {_pieces(part['elements'], names)}"
        else:
            indent = "" if element["type"] == "rich_text_section" else "  "
            yield from (f"{indent}{line}" for line in _pieces(parts, names).split("\n"))


def _pieces(pieces: Iterable[Json], names: Names) -> str:
    return "".join(_piece(piece, names) for piece in pieces)


def _cell(cell: Json, names: Names) -> str:
    """Return a cell of a table in one line."""
    if cell["type"] != "rich_text":
        return str(cell.get("text") or cell.get("value", ""))
    lines = (part["elements"] for part in cell["elements"])
    return " ".join(_pieces(line, names) for line in lines)


def _piece(piece: Json, names: Names) -> str:
    match piece["type"]:
        case "user":
            return f"@{names.people.get(piece['user_id'], piece['user_id'])}"
        case "usergroup":
            return f"@{names.groups.get(piece['usergroup_id'], piece['usergroup_id'])}"
        case "channel":
            return names.channels.get(piece["channel_id"], f"#{piece['channel_id']}")
        case "broadcast":
            return f"@{piece['range']}"
        case "link":
            return str(piece.get("text") or piece["url"])
        case "emoji":
            return _with_emoji(f":{piece['name']}:")
        case "date":
            return f"{_clock(piece['timestamp'])} UTC"
        case _:
            text = str(piece.get("text", ""))
            return f"`{text}`" if piece.get("style", {}).get("code") else text


def _elements(block: Json) -> list[Json]:
    """Return the interactive elements of a block."""
    if block["type"] == "actions":
        elements: list[Json] = block["elements"]
        return elements
    return [block["accessory"]] if "accessory" in block else []


def _label(element: Json) -> str:
    text = element.get("text") or element.get("placeholder") or {"text": "…"}
    return str(text["text"])


def _text(part: Json, names: Names) -> str:
    if part["type"] == "mrkdwn":
        return _plain(part["text"], names)
    text = str(part.get("text") or part.get("alt_text", ""))
    return _with_emoji(text) if part.get("emoji", True) else text


# mrkdwn


def _plain(mrkdwn: str, names: Names) -> str:
    """Return mrkdwn as displayed: names for IDs, characters for codes, code spans unchanged."""
    parts = _CODE_SPAN.split(mrkdwn)
    parts[::2] = [_prose(part, names) for part in parts[::2]]
    # Last, so that text that a person typed cannot become a mention.
    return "".join(parts).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _prose(mrkdwn: str, names: Names) -> str:
    named = _REFERENCE.sub(lambda found: _named(found, names), mrkdwn)
    return _with_emoji(_BOLD.sub(r"\1", named))


def _named(reference: re.Match[str], names: Names) -> str:
    kind, what, label = reference.groups()
    match kind:
        case "@":
            return f"@{names.people.get(what, what)}"
        case "!subteam^":
            return f"@{names.groups.get(what, what)}"
        case "#":
            return names.channels.get(what, f"#{what}")
        case "!date^":
            return f"{_clock(float(what.partition('^')[0]))} UTC"
        case "!":
            return f"@{what}"
        case _:
            return str(label or what)


def _with_emoji(text: str) -> str:
    return _SHORTCODE.sub(lambda found: _EMOJI.get(found[1], found[0]), text)
