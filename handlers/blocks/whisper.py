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
from handlers.blocks.error import notice, suggestion
from handlers.blocks.help import help_message
from handlers.blocks.history import history, pending, status
from handlers.blocks.quota import quota


def whisper(said: Notice, purge: Purge | None) -> Message:
    """Give the words of a notice; `purge` is the one that it is about, as it is now."""
    if said.code == STATUS and purge is not None:
        return status(purge, said.facts.get("votes", "").split(","))
    answer = _ANSWERS.get(said.code)
    return notice(said) if answer is None else answer(said.facts)


_ANSWERS: dict[str, Callable[[dict[str, str]], Message]] = {
    CHOSEN: chosen,
    DOUBT: doubt,
    HELP: help_message,
    HISTORY: history,
    PENDING: pending,
    QUOTA: quota,
    SUGGESTED: suggestion,
}
