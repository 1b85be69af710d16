"""Forms that come back filled in: the reason of a denial."""

from __future__ import annotations

from bot.core.command.parser import clean_reason
from bot.core.decisions.presses import PRESS_UNKNOWN
from bot.core.errors import BotError
from bot.core.interaction import Interaction, InteractionKind
from bot.slack.message import Message
from bot.telemetry import tracing
from handlers.blocks.denial import REASON
from handlers.boundary import ListenerContext
from handlers.listeners.actions import opened_by, origin_of
from handlers.payloads import Form


def denial(context: ListenerContext, form: Form) -> Message | None:
    """Take a denial with its reason; a reason that cannot be kept is told in the form itself."""
    press = opened_by(context, form, form.view, InteractionKind.DENY_FORM)
    origin = origin_of(context, form, press.channel_id, press.response_url)
    said = clean_reason(form.written(REASON))
    now = context.requests.now()
    ask = Interaction.of(origin, InteractionKind.DENY, now, press.purge_id, said, aside=press.aside)
    with tracing.step(f"press {ask.kind.value}", [ask.purge_id]):
        context.interactions.press(ask)
    return None


def unknown(context: ListenerContext, form: Form) -> Message | None:  # noqa: ARG001  (every listener has this shape)
    """Answer a form of another version of the bot; it stays open, and what was written is kept."""
    raise BotError(PRESS_UNKNOWN)
