"""What one reader alone is told, by the code of the notice: an answer, or what went wrong."""

from __future__ import annotations

from collections.abc import Callable

from bot.core.post import Notice
from bot.core.purge import Purge
from bot.core.questions import HISTORY, QUOTA, STATUS
from bot.core.rulings import HELP
from handlers.blocks.error import notice
from handlers.blocks.help import help_message
from handlers.blocks.history import history, status
from handlers.blocks.kit import Message
from handlers.blocks.quota import quota


def whisper(said: Notice, purge: Purge | None) -> Message:
    """Give the words of a notice; `purge` is the one that it is about, as it is now."""
    if said.code == STATUS and purge is not None:
        return status(purge)
    answer = _ANSWERS.get(said.code)
    return notice(said) if answer is None else answer(said.facts)


_ANSWERS: dict[str, Callable[[dict[str, str]], Message]] = {
    HELP: help_message,
    HISTORY: history,
    QUOTA: quota,
}
