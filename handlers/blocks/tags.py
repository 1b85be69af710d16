"""The tags of a purge where somebody decides on it: what deserves a second look first, and counted.

    `www.example.com` · 83 tags
    :warning: `*` may mean every tag             the marked ones (handlers.blocks.tag_marks), a line each
    :warning: `hеro` has the Cyrillic letter е (U+0435)
    `tag-01`, `tag-02` and 60 more               as many as fit

What is not shown whole is counted, and a button shows all of it: `handlers.blocks.tags_form`.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.purge.purge import Purge, PurgeRequest
from bot.slack.message import Block
from handlers.blocks import kit
from handlers.blocks.kit import code, escape, fitting, prose
from handlers.blocks.tag_marks import Overview, look_over

SHOW_ALL = "purge:tags"

_TAG_MOST = 200
_MARKED_TAG_MOST = 120
_MARKS_MOST = 900
_PLAIN_MOST = 600
_ALOUD_MOST = 900
_CONFIRM_MOST = 300
_CONFIRM_DOMAIN_MOST = 120
_UNCUT = 100_000


@dataclass(frozen=True, slots=True)
class Shown:
    """Tags as a message shows them: what follows the domain, the lines below, and whether that is
    all of every tag.
    """

    head: str
    lines: tuple[str, ...]
    is_whole: bool


def shown_tags(purge: PurgeRequest) -> Shown:
    """Give the tags of a purge as a card shows them."""
    seen = look_over(purge.tags)
    plain, plain_left = fitting([_span(tag, _TAG_MOST) for tag in seen.plain], _PLAIN_MOST)
    cut = any(len(escape(tag, _UNCUT)) > _TAG_MOST for tag in seen.plain)
    if not seen.marked and not plain_left and not cut:
        return Shown(f"tags {', '.join(plain)}", (), is_whole=True)
    lines = [
        f":warning: {_span(each.tag, _MARKED_TAG_MOST)} {prose(each.says, 250)}"
        for each in seen.marked
    ]
    marks, marks_left = fitting(lines, _MARKS_MOST)
    cut = cut or any(len(escape(m.tag, _UNCUT)) > _MARKED_TAG_MOST for m in seen.marked)
    if marks_left:
        marks.append(f":warning: and {marks_left:,} more that deserve a second look")
    rest = ", ".join(plain) + (f" and {plain_left:,} more" if plain_left else "")
    return Shown(
        how_many(purge.tags),
        tuple(filter(None, (*marks, rest))),
        is_whole=not (cut or marks_left or plain_left),
    )


def how_many(tags: tuple[str, ...]) -> str:
    return f"{len(tags):,} {'tag' if len(tags) == 1 else 'tags'}"


def show_all(purge: Purge) -> list[Block]:
    """Give the row with the button that shows all tags, if the card does not."""
    if shown_tags(purge).is_whole:
        return []
    label = "Show the whole tag" if len(purge.tags) == 1 else f"Show all {how_many(purge.tags)}"
    return kit.actions("tags", kit.button(SHOW_ALL, label, purge.id))


def aloud(purge: PurgeRequest) -> str:
    """Give the tags for a message's text, which is all that screen readers read."""
    seen = look_over(purge.tags)
    marks, left = fitting(
        [f"{prose(each.tag, 60)} {prose(each.says, 200)}" for each in seen.marked], _ALOUD_MOST
    )
    text = f"{how_many(purge.tags)}: {prose(', '.join(seen.tags), 300)}"
    if marks:
        more = f"; and {left:,} more" if left else ""
        text += f". Look twice: {'; '.join(marks)}{more}"
    return text


def asked(purge: PurgeRequest, means: str = "") -> str:
    """Give what a confirm dialog says of the domain and the tags, and what the press `means`.

    Slack shows it as plain text of 300 characters at most, so nothing is formatted or escaped.
    """
    seen = look_over(purge.tags)
    text = f"{_middle_left_out(purge.domain)}: {how_many(purge.tags)}"
    end = f"\n{means}" if means else ""
    room = _CONFIRM_MOST - len(text) - len(end)
    if not shown_tags(purge).is_whole:
        text += ", not all shown on the card."
    elif seen.marked or (names := _named(seen.plain, room)) is None:
        text += "."
    else:
        text += names
    if seen.marked:
        text += _marks_named(seen, _CONFIRM_MOST - len(text) - len(end))
    return text + end


def _named(tags: tuple[str, ...], room: int) -> str | None:
    named = f": {', '.join(f'“{tag}”' for tag in tags)}."
    return named if len(named) <= room else None


def _marks_named(seen: Overview, room: int) -> str:
    begin, more = "\nLook twice: ", "; and {:,} more marked."
    marks = [f"“{kit.cut(each.tag, 40)}” {each.says}" for each in seen.marked]
    named, left = fitting(marks, room - len(begin) - len(more) - 4, at_least=0)
    if not named:
        return f"{begin}{left:,} marked."
    return begin + "; ".join(named) + (more.format(left) if left else ".")


def _middle_left_out(domain: str) -> str:
    """Give a domain; of a very long one the beginning and the end, for the end says whose it is."""
    if len(domain) <= _CONFIRM_DOMAIN_MOST:
        return domain
    return f"{domain[:40]}…{domain[40 - _CONFIRM_DOMAIN_MOST + 1 :]}"


def _span(tag: str, most: int) -> str:
    """Give a tag in a code span; one that is cut says how long it is."""
    span = code(tag, most)
    is_cut = len(escape(tag, _UNCUT)) > most
    return f"{span} ({len(tag):,} characters)" if is_cut else span
