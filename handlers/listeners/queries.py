"""Questions after `/purge`, and the buttons that turn a page of the answer.

status         at once, if the asker's facts are cached: it needs only one query
history        by the worker: only Slack's answer to a response URL shows whether it accepts
               a table; an acknowledgement has no answer
pending        by the worker, like the history
quota          by the worker, because it needs a request to the CDN
Newer, Older   by the worker; the new page replaces the one with the button
"""

from __future__ import annotations

from dataclasses import replace

from bot.core.command.queries import (
    ME,
    HistoryQuestion,
    PendingQuestion,
    Question,
    QuotaQuestion,
    StatusQuestion,
    format_question,
    read_asked,
)
from bot.core.command.query_errors import NOT_YOUR_PAGE
from bot.core.errors import BotError
from bot.core.interaction import InteractionKind, Origin
from bot.slack.message import Message
from handlers.blocks.ephemeral import ephemeral_message
from handlers.boundary import ListenerContext
from handlers.listeners.actions import origin_of
from handlers.payloads import Press


def answer_question(context: ListenerContext, origin: Origin, question: Question) -> Message | None:
    """Answer a question, or leave it to the worker."""
    if isinstance(question, StatusQuestion) and (actor := context.cached(origin)) is not None:
        return ephemeral_message(*context.answers.status(question, actor))
    if isinstance(question, HistoryQuestion) and question.user_id == ME:
        question = replace(question, user_id=origin.user_id)
    context.write_down(origin, _KINDS[type(question)], format_question(question))
    return None


def page(context: ListenerContext, press: Press) -> None:
    """Turn the page.  The button's value is a position; the asker's rights are checked again.

    Slack shows the page only to its asker.  The bot does not rely on that.
    """
    asker, _, words = press.value.partition(" ")
    question = read_asked(words)
    here = bool(press.channel_id)
    if asker != press.user.id or not here or not isinstance(question, HistoryQuestion):
        raise BotError(NOT_YOUR_PAGE)
    origin = origin_of(context, press, press.channel_id, press.response_url)
    context.write_down(origin, InteractionKind.HISTORY, format_question(question))


_KINDS: dict[type[Question], InteractionKind] = {
    StatusQuestion: InteractionKind.STATUS,
    HistoryQuestion: InteractionKind.HISTORY,
    PendingQuestion: InteractionKind.PENDING,
    QuotaQuestion: InteractionKind.QUOTA,
}
