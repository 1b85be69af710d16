"""`/purge …`: parse it, save it, and leave the rest to the worker."""

from __future__ import annotations

from bot.core.command.parser import PurgeCommand, parse
from bot.core.command.queries import HelpCommand, VersionCommand
from bot.core.interaction import InteractionKind, Origin
from bot.core.policy.approvers import Roster
from bot.core.purge.purge import State
from bot.core.suggestions.confirmation import format_doubt
from bot.slack.message import Message
from handlers.blocks.help import help_message, version_message
from handlers.blocks.kit import message, section
from handlers.blocks.purge import told_in_private
from handlers.blocks.refusal import refusal
from handlers.boundary import ListenerContext
from handlers.listeners.queries import answer_question
from handlers.payloads import Command


def purge(context: ListenerContext, command: Command) -> Message | None:
    """Take a purge, or explain.  Neither a result nor an error means that anything was purged."""
    origin = Origin(
        trigger_id=command.trigger_id,
        team_id=context.installation.id,
        user_team_id=command.team_id or "",
        user_id=command.user_id,
        channel_id=command.channel_id,
        response_url=command.response_url,
    )
    match parse(command.text):
        case HelpCommand(topic):
            return _help(context, origin, topic)
        case VersionCommand():
            return version_message()
        case PurgeCommand() as wish:
            takes_approval = context.requests.takes_approval(wish)
            if (doubt := context.doubts.about(wish)) is not None:
                context.write_down(origin, InteractionKind.DOUBT, format_doubt(doubt))
                return None
            # A purge that needs approval is decided by facts looked up after this moment.
            actor = None if takes_approval else context.cached(origin)
            known = context.cached(origin, wish.domain) if actor is None else None
            taken = context.requests.request(
                wish, origin, actor, Roster(context.directory.members()), known=known
            )
            if taken is not None and taken.state is State.REFUSED:
                return refusal(taken)
            is_shared = origin.channel_id in context.requests.rules().shared_channels
            return told_in_private() if taken is not None and is_shared else None
        case question:
            return answer_question(context, origin, question)


def unknown(context: ListenerContext, command: Command) -> Message | None:  # noqa: ARG001  (every listener has this shape)
    """Answer a command that this version does not have.  Socket Mode would leave it unanswered."""
    return message("I only know /purge.", section("I only know `/purge`. Try `/purge help`."))


def _help(context: ListenerContext, origin: Origin, topic: str | None) -> Message | None:
    actor = context.cached(origin)
    if actor is not None:
        return help_message(context.interactions.help_notice(actor, topic).facts)
    context.write_down(origin, InteractionKind.HELP, topic)
    return None
