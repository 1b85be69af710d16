"""The tags of a purge for those who decide: those that deserve a second look come first.

    `www.example.com` · 83 tags
    :warning: `*` may mean every tag             the marked ones (handlers.blocks.tag_marks), a line each
    :warning: `hеro` has the Cyrillic letter е (U+0435)
    `tag-01`, `tag-02` and 60 more               as many as fit

Tags that are not shown in full are counted, and a button shows all: `handlers.blocks.tags_form`.
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
_CONFIRM_TAGS_LEAST = 60
"""What is kept for “not all shown on the card” and the number of marked tags."""
_UNCUT = 100_000


@dataclass(frozen=True, slots=True)
class Shown:
    """Tags as a message shows them: the text after the domain, the lines below, and whether every
    tag is shown in full.
    """

    head: str
    lines: tuple[str, ...]
    is_whole: bool


def shown_tags(purge: PurgeRequest) -> Shown:
    """Return the tags of a purge as a card shows them."""
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
    """Return the row with the button that shows all tags, or [] if the card shows all."""
    if shown_tags(purge).is_whole:
        return []
    label = "Show the whole tag" if len(purge.tags) == 1 else f"Show all {how_many(purge.tags)}"
    return kit.actions("tags", kit.button(SHOW_ALL, label, purge.id))


def aloud(purge: PurgeRequest) -> str:
    """Return the tags for a message's text, which is all that screen readers read."""
    seen = look_over(purge.tags)
    marks, left = fitting(
        [f"{prose(each.tag, 60)} {prose(each.says, 200)}" for each in seen.marked], _ALOUD_MOST
    )
    text = f"{how_many(purge.tags)}: {prose(', '.join(seen.tags), 300)}"
    if marks:
        more = f"; and {left:,} more" if left else ""
        text += f". Look twice: {'; '.join(marks)}{more}"
    return text


def asked(purge: PurgeRequest, *means: str) -> str:
    """Return the text of a confirmation dialog: domain, tags, and what the press `means`.

    Without room, the first sentences of `means` are left out.

    Slack shows it as plain text of at most 300 characters, so nothing is formatted or escaped:
    https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object/
    """
    seen = look_over(purge.tags)
    text = f"{_middle_left_out(purge.domain)}: {how_many(purge.tags)}"
    end, most = "", _CONFIRM_MOST - len(text) - _CONFIRM_TAGS_LEAST
    for sentence in filter(None, reversed(means)):
        if len(end) + len(sentence) + 1 <= most:
            end = f"\n{sentence}{end}"
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
    """Return a domain; a very long one without its middle, because its end shows the owner."""
    if len(domain) <= _CONFIRM_DOMAIN_MOST:
        return domain
    return f"{domain[:40]}…{domain[40 - _CONFIRM_DOMAIN_MOST + 1 :]}"


def _span(tag: str, most: int) -> str:
    """Return a tag in a code span, with its length if it is cut."""
    span = code(tag, most)
    is_cut = len(escape(tag, _UNCUT)) > most
    return f"{span} ({len(tag):,} characters)" if is_cut else span
