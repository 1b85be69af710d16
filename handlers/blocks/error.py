"""Errors: what happened, then what to do, then the code."""

from __future__ import annotations

import re
from dataclasses import replace

from bot.core import error_registry
from bot.core.command import query_errors as question_errors
from bot.core.errors import STORE_SLOW, UNEXPECTED, Audience, ErrorInfo, kinds_in
from bot.core.message import Notice
from bot.core.purge.purge import Failure
from bot.core.text import errors as text_errors
from bot.slack.message import Block, Message
from handlers.blocks import kit
from handlers.blocks.kit import code, speak

_LONGEST_CORRECTION = 1000
_TYPED = (*kinds_in(text_errors), *kinds_in(question_errors))
"""What a person typed is wrong, so the help helps."""
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
    helps = f" · {code('/purge help')} says what you can type" if info.kind in _TYPED else ""
    blocks.append(kit.context(f"{sure}{code(info.code)}{helps}"))
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
