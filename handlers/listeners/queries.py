"""Questions after `/purge`, and the buttons that turn a page of their answer.

status         at once, if it is at hand who asks: it takes a look at the database and no more
history        by the worker: whether Slack takes a table shows only where it answers, which it does
               to a response URL and not to an acknowledgement
pending        by the worker, as the history
quota          by the worker, for the CDN has to be asked
Newer, Older   by the worker, in place of the page on which they were pressed
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
    """Turn the page.  What the button carries says where to look; who may see what is asked anew.

    Slack shows the page to its asker alone; that is not relied on.
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
