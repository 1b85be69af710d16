"""All tags of a purge in a modal, each in full, on pages that fit a phone.

    Tags 1 to 40 of 83                       or, of a long one: Tag 3 of 83, characters 1 to 4,000
     1. *  may mean every tag
     2. hero
    [Previous] [Next]                        above and below; they carry the page they lead to

Tags are rich text, in which nothing is formatted, escaped or replaced: they read as they are sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from bot.core.interaction import Interaction
from bot.core.purge.purge import PurgeRequest
from bot.core.text.domain_name import display_domain
from bot.slack.message import Block
from handlers.blocks import kit
from handlers.blocks.kit import code, line, mention, metadata_of, prose, rich, words
from handlers.blocks.naming import kind_of
from handlers.blocks.tag_marks import look_over
from handlers.blocks.tags import how_many

TAGS = "purge:all-tags"
NEXT = "tags:next"
PREVIOUS = "tags:previous"

PAGE_TAGS = 40
PAGE_CHARACTERS = 4000
PIECE = 1000
"""A longer tag is split over blocks: Slack accepts 3,000 characters, and counts some twice."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A tag, or a part of a long one.  `number` counts from 1, `start` from 0."""

    number: int
    text: str
    start: int
    length: int
    says: str

    @property
    def is_whole(self) -> bool:
        return len(self.text) == self.length


def text_of(view_id: str, page: object) -> str:
    """Return the text of an interaction that turns a page.  `turn_of` reads it back."""
    return f"{view_id} {page}"


def turn_of(interaction: Interaction) -> tuple[str | None, int]:
    """Return the view's ID (None for a press on a card's button) and the page of an interaction."""
    view_id, _, page = (interaction.text or "").partition(" ")
    return view_id or None, int(page) if page.isdecimal() and len(page) < 9 else 0


def tags_form(interaction: Interaction, purge: PurgeRequest, page: int) -> Block:
    """Return one page of all tags.  A page number out of range gives the first or last page."""
    pages = _pages(purge.tags)
    page = max(0, min(page, len(pages) - 1))
    return {
        "type": "modal",
        "callback_id": TAGS,
        "private_metadata": metadata_of(interaction),
        "title": kit.plain(how_many(purge.tags).capitalize()),
        "close": kit.plain("Close"),
        "blocks": [
            kit.section(_head(purge, pages[page])),
            *_turns("turn-above", page, len(pages)),
            *_listed(pages[page]),
            *_end(purge, pages, page),
        ],
    }


@lru_cache(maxsize=16)
def _pages(tags: tuple[str, ...]) -> tuple[tuple[_Piece, ...], ...]:
    pages: list[tuple[_Piece, ...]] = []
    page: list[_Piece] = []
    characters = 0
    for piece in _pieces(tags):
        if page and (len(page) == PAGE_TAGS or characters + len(piece.text) > PAGE_CHARACTERS):
            pages.append(tuple(page))
            page, characters = [], 0
        page.append(piece)
        characters += len(piece.text)
    return (*pages, tuple(page))


def _pieces(tags: tuple[str, ...]) -> Iterator[_Piece]:
    seen = look_over(tags)
    says = {each.tag: each.says for each in seen.marked}
    for number, tag in enumerate(seen.tags, 1):
        for start in range(0, len(tag), PIECE):
            text = tag[start : start + PIECE]
            yield _Piece(number, text, start, len(tag), says.get(tag, ""))


def _head(purge: PurgeRequest, page: tuple[_Piece, ...]) -> str:
    domain = display_domain(purge.domain)
    shown = code(purge.domain) + (f" ({prose(domain)})" if domain != purge.domain else "")
    kind = kind_of(purge).capitalize()
    lines = [f"{kind} of {shown}, asked by {mention(purge.user_id)}", f"*{_place(purge, page)}*"]
    if marked := len(look_over(purge.tags).marked):
        deserve = "1 deserves" if marked == 1 else f"{marked:,} deserve"
        lines.append(f":warning: {deserve} a second look: first in the list")
    return "\n".join(lines)


def _place(purge: PurgeRequest, page: tuple[_Piece, ...]) -> str:
    """Return which tags are on this page: `Tags 1 to 40 of 83`."""
    first, last, total = page[0], page[-1], len(purge.tags)
    if first.number == last.number:
        place = f"Tag {first.number:,} of {total:,}"
        end = last.start + len(last.text)
        if first.is_whole:
            return place
        return f"{place}, characters {first.start + 1:,} to {end:,} of {first.length:,}"
    return f"Tags {first.number:,} to {last.number:,} of {total:,}"


def _listed(page: tuple[_Piece, ...]) -> list[Block]:
    """Return the tags as numbered lists, and every part of a long tag as a separate block."""
    blocks: list[Block] = []
    for is_whole, some in groupby(page, lambda piece: piece.is_whole):
        pieces = list(some)
        if is_whole:
            items = [line(words(each.text, code=True), *_mark(each)) for each in pieces]
            style = {"style": "ordered", "offset": pieces[0].number - 1}
            blocks.append(rich({"type": "rich_text_list", "elements": items, **style}))
            continue
        for each in pieces:
            end = each.start + len(each.text)
            where = f"Tag {each.number:,}, characters {each.start + 1:,} to {end:,}"
            blocks.append(rich(line(words(f"{where} of {each.length:,}"), *_mark(each))))
            blocks.append(rich({"type": "rich_text_preformatted", "elements": [words(each.text)]}))
    return blocks


def _mark(piece: _Piece) -> list[Block]:
    if not piece.says:
        return []
    mark = {"type": "emoji", "name": "warning"}
    return [words(" "), mark, words(f" {piece.says}", bold=True)]


def _end(purge: PurgeRequest, pages: tuple[tuple[_Piece, ...], ...], page: int) -> list[Block]:
    """Return the end of a page.  It repeats the position, as Slack may keep the scroll position."""
    if len(pages) == 1:
        return []
    place = f"{_place(purge, pages[page])} · page {page + 1:,} of {len(pages):,}"
    return [kit.context(place), *_turns("turn", page, len(pages))]


def _turns(block_id: str, page: int, pages: int) -> list[Block]:
    ways = ((PREVIOUS, "Previous", page - 1), (NEXT, "Next", page + 1))
    buttons = (kit.button(name, label, str(to)) for name, label, to in ways if 0 <= to < pages)
    return kit.actions(block_id, *buttons)
