"""The answers to what is asked back about a command: what was perhaps meant, or as it was typed.

Slack shows the question to its asker alone; that is not relied on.
"""

from __future__ import annotations

from bot.core.decisions.presses import PRESS_UNKNOWN
from bot.core.errors import BotError
from bot.core.interaction import Interaction, InteractionKind
from bot.core.suggestions.confirmation import DOUBT_NOT_YOURS, read_answer
from bot.slack.message import Message
from handlers.boundary import ListenerContext
from handlers.listeners.actions import origin_of
from handlers.payloads import Press


def meant(context: ListenerContext, press: Press) -> Message | None:
    return _answer(context, press, InteractionKind.MEANT)


def typed(context: ListenerContext, press: Press) -> Message | None:
    return _answer(context, press, InteractionKind.TYPED)


def _answer(context: ListenerContext, press: Press, kind: InteractionKind) -> Message | None:
    answer = read_answer(press.value)
    question = context.doubts.question(answer.trigger_id) if answer else None
    if question is None or not press.channel_id:
        raise BotError(PRESS_UNKNOWN)
    if question.user_id != press.user.id and context.installation.enterprise_id is None:
        raise BotError(DOUBT_NOT_YOURS)
    origin = origin_of(context, press, press.channel_id, press.response_url)
    context.interactions.write_down(
        Interaction.of(origin, kind, context.requests.now(), said=press.value)
    )
    return None
