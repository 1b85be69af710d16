"""Presses on buttons: written down before Slack hears "received", decided by the workflow."""

from __future__ import annotations

from bot.core.decisions.presses import FORM_UNKNOWN, PRESS_UNKNOWN
from bot.core.errors import BotError, Problem
from bot.core.interaction import Interaction, InteractionKind, Origin
from bot.core.policy.decision import Actor
from bot.slack.message import Message
from bot.telemetry import tracing
from handlers.blocks.error import error
from handlers.blocks.tags_form import said_of
from handlers.boundary import ListenerContext
from handlers.payloads import Form, Press, View


def approve(context: ListenerContext, press: Press) -> Message | None:
    return _press(context, press, InteractionKind.APPROVE)


def deny(context: ListenerContext, press: Press) -> Message | None:
    """Have the form opened that asks for the reason; only that denies."""
    return _press(context, press, InteractionKind.DENY_FORM)


def cancel(context: ListenerContext, press: Press) -> Message | None:
    return _press(context, press, InteractionKind.CANCEL)


def postpone(context: ListenerContext, press: Press) -> Message | None:
    return _press(context, press, InteractionKind.POSTPONE)


def again(context: ListenerContext, press: Press) -> Message | None:
    return _press(context, press, InteractionKind.AGAIN)


def leave(context: ListenerContext, press: Press) -> Message | None:
    return _press(context, press, InteractionKind.LEAVE)


def escalate(context: ListenerContext, press: Press) -> Message | None:
    return _press(context, press, InteractionKind.ESCALATE)


def show_tags(context: ListenerContext, press: Press) -> Message | None:
    """Have all tags shown, where a card does not show them all."""
    return _press(context, press, InteractionKind.TAGS)


def turn_tags(context: ListenerContext, press: Press) -> Message | None:
    """Have another page of them shown, in the form where it was asked for."""
    if press.view is None:
        raise BotError(FORM_UNKNOWN)
    # Slack gives a form no way back: what goes wrong is told where the form was opened.
    before = opened_by(context, press, press.view, InteractionKind.TAGS)
    origin = origin_of(context, press, before.channel_id, before.response_url)
    said = said_of(press.view.id, press.value)
    ask = Interaction.of(
        origin, InteractionKind.TAGS, context.requests.now(), before.purge_id, said
    )
    with tracing.step(f"press {ask.kind.value}", [ask.purge_id]):
        context.interactions.write_down(ask)
    return None


def unknown(context: ListenerContext, press: Press) -> Message | None:  # noqa: ARG001  (every listener has this shape)
    """Answer a button of another version of the bot, so that no press stays without an answer."""
    return error(Problem(PRESS_UNKNOWN))


def _press(context: ListenerContext, press: Press, kind: InteractionKind) -> Message | None:
    if press.purge_id is None or not press.channel_id:
        raise BotError(PRESS_UNKNOWN)
    origin = origin_of(context, press, press.channel_id, press.response_url)
    now = context.requests.now()
    ask = Interaction.of(origin, kind, now, press.purge_id, aside=press.is_aside)
    with tracing.step(f"press {kind.value}", [ask.purge_id]):
        context.interactions.press(ask)
    return None


def origin_of(
    context: ListenerContext, click: Press | Form, channel_id: str, response_url: str
) -> Origin:
    """Give where a press or a form came from.

    Its `team` is no matter: it may be another workspace of the organisation, or none.
    """
    return Origin(
        trigger_id=click.trigger_id,
        team_id=context.installation.id,
        # In a shared channel the presser may be of another organisation than the app.
        user_team_id=click.user.team_id or "",
        user_id=click.user.id,
        channel_id=channel_id,
        response_url=response_url,
    )


def opened_by(
    context: ListenerContext, click: Press | Form, view: View, kind: InteractionKind
) -> Interaction:
    """Give the press that opened a form, as it was written down: the form itself proves nothing.

    In an organisation the same person may press and send by two IDs; their rights are looked at anew.
    Raises: BotError `form-unknown`.
    """
    press = context.answers.press(view.press_id) if view.press_id else None
    if press is None or press.kind is not kind:
        raise BotError(FORM_UNKNOWN)
    if press.user_id != click.user.id and context.installation.enterprise_id is None:
        raise BotError(FORM_UNKNOWN)
    return press


def cached(context: ListenerContext, origin: Origin) -> Actor | None:
    """Give the facts about whoever asks, if all of them are in memory and fresh."""
    return context.directory.cached(
        origin.team_id, origin.user_id, origin.channel_id, origin.user_team_id
    )
