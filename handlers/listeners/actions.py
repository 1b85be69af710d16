"""Presses on buttons, and forms: saved before Slack gets its answer, then decided by the workflow.

Slack accepts answers to an ephemeral question (`doubt`) only from its reader.  The bot does not
rely on that.
"""

from __future__ import annotations

from bot.core.command.parser import clean_reason
from bot.core.decisions.presses import FORM_UNKNOWN, PRESS_UNKNOWN
from bot.core.errors import BotError, ErrorInfo
from bot.core.interaction import Interaction, InteractionKind, Origin
from bot.core.suggestions.confirmation import DOUBT_NOT_YOURS, read_answer
from bot.slack.message import Message
from handlers.blocks.denial import REASON
from handlers.blocks.error import error
from handlers.blocks.tags_form import text_of
from handlers.boundary import Listen, ListenerContext
from handlers.payloads import Form, Press, View


def pressed(kind: InteractionKind) -> Listen:
    """Return the listener for presses of a kind on a button that carries a purge's ID."""

    def listen(context: ListenerContext, press: Press) -> None:
        if press.purge_id is None or not press.channel_id:
            raise BotError(PRESS_UNKNOWN)
        origin = origin_of(context, press, press.channel_id, press.response_url)
        context.write_down(origin, kind, purge_id=press.purge_id, aside=press.is_aside)

    return listen


def denial(context: ListenerContext, form: Form) -> None:
    """Take a denial with its reason.  An invalid reason is reported in the form itself."""
    press = opened_by(context, form, form.view, InteractionKind.DENY_FORM)
    origin = origin_of(context, form, press.channel_id, press.response_url)
    reason = clean_reason(form.written(REASON))
    kind = InteractionKind.DENY
    context.write_down(origin, kind, reason, purge_id=press.purge_id, aside=press.aside)


def turn_tags(context: ListenerContext, press: Press) -> None:
    """Show another page of a purge's tags, in the form with the button."""
    if press.view is None:
        raise BotError(FORM_UNKNOWN)
    # A form has no response URL, so errors are shown where the form was opened.
    before = opened_by(context, press, press.view, InteractionKind.TAGS)
    origin = origin_of(context, press, before.channel_id, before.response_url)
    text = text_of(press.view.id, press.value)
    context.write_down(origin, InteractionKind.TAGS, text, purge_id=before.purge_id)


def doubt(kind: InteractionKind) -> Listen:
    """Return the listener for the answers to the question about a command: MEANT or TYPED."""

    def listen(context: ListenerContext, press: Press) -> None:
        answer = read_answer(press.value)
        question = context.doubts.question(answer.trigger_id) if answer else None
        if question is None or not press.channel_id:
            raise BotError(PRESS_UNKNOWN)
        if question.user_id != press.user.id and context.installation.enterprise_id is None:
            raise BotError(DOUBT_NOT_YOURS)
        origin = origin_of(context, press, press.channel_id, press.response_url)
        context.write_down(origin, kind, press.value)

    return listen


def unknown_button(context: ListenerContext, press: Press) -> Message:  # noqa: ARG001  (every listener has this shape)
    """Answer a button of another version of the bot, so that no press stays without an answer."""
    return error(ErrorInfo(PRESS_UNKNOWN))


def unknown_form(context: ListenerContext, form: Form) -> None:  # noqa: ARG001  (every listener has this shape)
    """Answer a form of another version of the bot.  It stays open and keeps its content."""
    raise BotError(PRESS_UNKNOWN)


def origin_of(
    context: ListenerContext, click: Press | Form, channel_id: str, response_url: str
) -> Origin:
    """Return the origin of a press or a form.

    Its `team` is ignored: it may be another workspace of the organisation, or none.
    """
    return Origin(
        trigger_id=click.trigger_id,
        team_id=context.installation.id,
        # In a shared channel, the presser may be from another organisation than the app.
        user_team_id=click.user.team_id or "",
        user_id=click.user.id,
        channel_id=channel_id,
        response_url=response_url,
    )


def opened_by(
    context: ListenerContext, click: Press | Form, view: View, kind: InteractionKind
) -> Interaction:
    """Return the saved press that opened a form.  The form itself proves nothing.

    In an organisation, a person may press and submit with two IDs; their rights are checked again.
    Raises: BotError `form-unknown`.
    """
    press = context.answers.press(view.press_id) if view.press_id else None
    if press is None or press.kind is not kind:
        raise BotError(FORM_UNKNOWN)
    if press.user_id != click.user.id and context.installation.enterprise_id is None:
        raise BotError(FORM_UNKNOWN)
    return press
