"""Errors and refusals: what happened, then what to do, then the code."""

from __future__ import annotations

import re
from dataclasses import replace

from bot.core import error_registry
from bot.core.command import query_errors as question_errors
from bot.core.command.parser import format_command
from bot.core.decisions.rulings import suggested_command
from bot.core.errors import STORE_SLOW, UNEXPECTED, Audience, ErrorInfo, kinds_in
from bot.core.message import Notice
from bot.core.purge.purge import Failure, Purge, Refusal
from bot.slack.message import Block, Message
from handlers.blocks import kit
from handlers.blocks.kit import FACT_LIMIT, TAG_LIMIT, code, either, listing, prose, speak
from handlers.blocks.naming import STATES, kind_of, title_of
from handlers.blocks.tags import show_all, shown_tags

_LONGEST_CORRECTION = 1000
_NOT_SURE = (STORE_SLOW, UNEXPECTED, *kinds_in(question_errors))
"""The request may have been accepted, or it was not about a purge."""


def error_text(info: ErrorInfo, reader: Audience = Audience.REQUESTER) -> str:
    """Return the message and the hint of an error, with its facts made safe to show."""
    shown = ErrorInfo(info.kind, {name: speak(name, fact) for name, fact in info.facts.items()})
    # A code span needs no quotation marks, and next to them Slack might not recognise it.
    return re.sub("“(`[^`\n]*`)”", r"\1", f"{shown.message}\n{shown.hint_for(reader)}")


def explained(notice: Notice | Failure, reader: Audience = Audience.REQUESTER) -> str:
    """Return the text of an error that was stored by its code."""
    return error_text(ErrorInfo(error_registry.kind(notice.code), notice.facts), reader)


def error(info: ErrorInfo, corrected: str | None = None) -> Message:
    """Return an error message.  `corrected` is the command that was probably meant."""
    shown = error_text(info)
    blocks = [kit.section(f":warning: {shown}"), *did_you_mean(corrected)]
    sure = "" if info.kind in _NOT_SURE else "Nothing was purged · "
    blocks.append(kit.context(f"{sure}{code(info.code)}"))
    return replace(kit.message(shown, *blocks), plain=_plain(info))


def _plain(info: ErrorInfo) -> str:
    """Return the message and the hint for places where Slack does not replace IDs by names."""
    told = info.facts | {"holders": "those who can decide"}
    shown = ErrorInfo(info.kind, told)
    return f"{shown.message}\n{shown.hint}"


def did_you_mean(corrected: str | None) -> list[Block]:
    """Return the command that was probably meant, for copying."""
    # So it must be complete and contain no look-alikes.
    meant = code(corrected or "")
    if not corrected or len(meant) >= _LONGEST_CORRECTION or "`" in corrected:
        return []
    return [kit.section(f"Did you mean: {meant}")]


def suggestion(facts: dict[str, str]) -> Message:
    """Return the suggestion of another domain in place of one that the CDN does not know."""
    unknown = f"The CDN account has no {code(facts['unknown'])}."
    blocks = did_you_mean(facts["command"])
    if not blocks:  # the command is too long to be copied
        unknown += f" Did you mean {code(facts['domain'])}?"
    return kit.message(unknown, kit.section(unknown), *blocks)


def notice_message(notice: Notice) -> Message:
    """Return an ephemeral message: the answer to a press that did not count."""
    info = ErrorInfo(error_registry.kind(notice.code), notice.facts)
    shown = error_text(info)
    return kit.message(shown, kit.section(f":warning: {shown}"), kit.context(code(info.code)))


def refusal(purge: Purge, link: str | None = None) -> Message:
    """Return the refusal for the requester: why, which role is needed, and who holds it.

    `link` leads to the card of the purge that makes this one unnecessary.
    """
    refused = purge.refusal
    assert refused is not None, "only a refused purge is drawn as a refusal"
    kind = kind_of(purge).capitalize()
    tags = shown_tags(purge)
    title = f":{STATES[purge.state].emoji}: *{title_of(purge)}*"
    if refused.other is not None:
        title = f":raised_hand: *{kind} not asked for twice*"
    lines = [
        title,
        f"{code(purge.domain)} · {tags.head}",
        *tags.lines,
        prose(refused.sentence, FACT_LIMIT),
    ]
    if refused.code in error_registry.KINDS:
        lines.append(ErrorInfo(error_registry.kind(refused.code)).hint)
    # For a mistyped domain the suggestion helps most, so it comes first.
    meant = suggested_command(purge)
    suggested = did_you_mean(format_command(meant) if meant else None)
    helpers = _helpers(refused, link)
    if suggested and helpers:
        if_right = f"If {code(purge.domain)} is right:"
        suggested.append(kit.section("\n".join([if_right, *helpers])))
        helpers = []
    return kit.message(
        f"{kind} refused: {prose(refused.sentence, FACT_LIMIT)}",
        kit.section("\n".join([*lines, *helpers])),
        *suggested,
        *show_all(purge),
        kit.context(f"Purge {code(purge.id)} · {code(refused.code)}"),
    )


def _helpers(refused: Refusal, link: str | None) -> list[str]:
    """Return the lines about who, or what, could help."""
    lines = []
    if refused.roles:
        roles = [code(role, TAG_LIMIT) for role in refused.roles]
        lines.append(f"It takes the role {either(roles)}.")
    if refused.other is not None:
        card = f"<{link}|its card>" if link else "its card"
        lines.append(f"See {card}: purge {code(refused.other)}.")
    if refused.holders:
        lines.append(f"Ask {listing(refused.holders)}.")
    return lines
