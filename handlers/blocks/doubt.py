"""The question about a tag that may be mistyped, and the note about tags that are new."""

from __future__ import annotations

from bot.core.command.answers import TagDoubt
from bot.core.purge.purge import Purge, State
from bot.slack.message import Message
from handlers.blocks import kit
from handlers.blocks.kit import TAG_LIMIT, code, codes, escape

MEANT = "doubt:meant"
TYPED = "doubt:typed"

_LABEL_TAG = 40
_NOTED = frozenset({State.SUBMITTED, State.RUNNING, State.COMPLETE, State.UNREPORTED})


def doubt(asked: TagDoubt) -> Message:
    """Return the question, with a button for each answer."""
    domain, slips = code(asked.domain), asked.slips
    so_far = f"The purge of {domain} was not sent yet."
    if asked.force:
        so_far = f"The forced purge of {domain} was not asked for yet."
    told, left = kit.fitting([_line(*slip) for slip in slips], 2000)
    if left:
        told.append(f"And {left} more.")
    if asked.others:
        told.append("The other tags stay as they are.")
    instead, as_typed = "Purge with these put right", "Purge all as typed"
    if len(slips) == 1:
        written, meant = map(_named, slips[0])
        instead, as_typed = f"Purge {meant} instead", f"Purge {written} as typed"
    row = [kit.button(MEANT, instead, asked.meant)]
    if asked.typed:
        row.append(kit.button(TYPED, as_typed, asked.typed))
    text = "\n".join([f":thinking_face: *Is that what you meant?* {so_far}", *told])
    return kit.message(
        text,
        kit.section(text),
        *kit.actions("doubt", *row),
        kit.context("The CDN answers success to a tag that nothing carries."),
    )


def chosen(facts: dict[str, str]) -> Message:
    """Return what replaces the question after the answer."""
    text = f":point_right: You chose {code(facts['command'], 2000)}"
    return kit.message(text, kit.section(text))


def new_tags_lines(purge: Purge) -> list[str]:
    """Return the note about tags that were never purged there: possibly no page has them."""
    if not purge.new_tags or purge.state not in _NOTED:
        return []
    one = len(purge.new_tags) == 1
    was, it = ("was", "it") if one else ("were", "them")
    never = f"{codes(purge.new_tags, 400)} {was} never purged here before."
    return [f"{never} The CDN does not say whether anything carries {it}."]


def _line(written: str, meant: str) -> str:
    return (
        f"{code(written, TAG_LIMIT)} was never purged there. Did you mean {code(meant, TAG_LIMIT)}?"
    )


def _named(tag: str) -> str:
    """Return a tag for a button, which is plain text and has no escaping."""
    return "it" if escape(tag) != tag else kit.cut(tag, _LABEL_TAG)
