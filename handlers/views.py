"""Forms that come back filled in: the reason of a denial."""

from __future__ import annotations

import json

from bot import tracing
from bot.core.ask import Ask, AskKind
from bot.core.command import clean_reason
from bot.core.errors import BotError
from bot.core.presses import PRESS_UNKNOWN
from handlers.actions import at_hand, origin_of
from handlers.blocks.denial import reason_in
from handlers.blocks.kit import Message
from handlers.boundary import Body, Desk


def denial(desk: Desk, body: Body) -> Message | None:
    """Take a denial with its reason; a reason that cannot be kept is told in the form itself."""
    about = json.loads(body["view"]["private_metadata"])
    origin = origin_of(body, about["channel_id"], about["response_url"])
    said = clean_reason(reason_in(body["view"]))
    ask = Ask.of(origin, AskKind.DENY, desk.workflow.now(), about["purge_id"], said)
    with tracing.step(f"press {ask.kind.value}", [ask.purge_id]):
        desk.workflow.press(ask, at_hand(desk, ask))
    return None


def unknown(desk: Desk, body: Body) -> Message | None:  # noqa: ARG001  (every listener has this shape)
    """Answer a form of another version of the bot; it stays open, and what was written is kept."""
    raise BotError(PRESS_UNKNOWN)
