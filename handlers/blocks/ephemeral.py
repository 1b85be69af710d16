"""What one reader alone is told, by the code of the notice: an answer, or what went wrong."""

from __future__ import annotations

from collections.abc import Callable

from bot.core.command.queries import HISTORY, PENDING, QUOTA, STATUS
from bot.core.decisions.rulings import HELP, SUGGESTED
from bot.core.message import Notice
from bot.core.purge.purge import Purge
from bot.core.suggestions.confirmation import CHOSEN, DOUBT
from bot.slack.message import Message
from handlers.blocks.doubt import chosen, doubt
from handlers.blocks.error import notice_message, suggestion
from handlers.blocks.help import help_message
from handlers.blocks.history import history, pending, status
from handlers.blocks.quota import quota


def ephemeral_message(notice: Notice, purge: Purge | None) -> Message:
    """Give the words of a notice; `purge` is the one that it is about, as it is now."""
    if notice.code == STATUS and purge is not None:
        return status(purge, notice.facts.get("votes", "").split(","))
    answer = _ANSWERS.get(notice.code)
    return notice_message(notice) if answer is None else answer(notice.facts)


_ANSWERS: dict[str, Callable[[dict[str, str]], Message]] = {
    CHOSEN: chosen,
    DOUBT: doubt,
    HELP: help_message,
    HISTORY: history,
    PENDING: pending,
    QUOTA: quota,
    SUGGESTED: suggestion,
}
