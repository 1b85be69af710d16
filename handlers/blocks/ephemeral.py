"""The texts of ephemeral messages, by the code of the notice: an answer, or an error."""

from __future__ import annotations

from collections.abc import Callable

from bot.core.command.answers import HistoryAnswer, PendingAnswer, QuotaAnswer, TagDoubt
from bot.core.command.queries import STATUS
from bot.core.decisions.rulings import HELP, SUGGESTED
from bot.core.message import Notice
from bot.core.purge.purge import Purge
from bot.core.suggestions.confirmation import CHOSEN
from bot.slack.message import Message
from handlers.blocks.doubt import chosen, doubt
from handlers.blocks.error import notice_message, suggestion
from handlers.blocks.help import help_message
from handlers.blocks.history import history, pending, status
from handlers.blocks.quota import quota


def ephemeral_message(notice: Notice, purge: Purge | None) -> Message:
    """Return the message of a notice.  `purge` is its purge, in the current state."""
    if notice.code == STATUS and purge is not None:
        return status(purge, notice.facts.get("votes", "").split(","))
    match notice.answer:
        case HistoryAnswer() as answer:
            return history(answer)
        case PendingAnswer() as answer:
            return pending(answer)
        case QuotaAnswer() as answer:
            return quota(answer)
        case TagDoubt() as answer:
            return doubt(answer)
    sentence = _SENTENCES.get(notice.code)
    return notice_message(notice) if sentence is None else sentence(notice.facts)


_SENTENCES: dict[str, Callable[[dict[str, str]], Message]] = {
    CHOSEN: chosen,
    HELP: help_message,
    SUGGESTED: suggestion,
}
