"""`/purge …`: read it, write it down, and let the worker do the rest."""

from __future__ import annotations

from bot.core.ask import Ask, AskKind, Origin
from bot.core.command import PurgeCommand, parse
from bot.core.purge import State
from bot.core.questions import HelpCommand, HistoryQuestion, QuotaQuestion, StatusQuestion
from handlers.blocks.error import refusal
from handlers.blocks.help import help_message
from handlers.blocks.kit import Message, message, section
from handlers.boundary import Body, Desk
from handlers.questions import ask


def purge(desk: Desk, body: Body) -> Message | None:
    """Take a purge, or explain.  Nothing that is returned or raised here has purged anything."""
    origin = Origin(
        trigger_id=body["trigger_id"],
        team_id=body["team_id"],
        user_team_id=body["team_id"],
        user_id=body["user_id"],
        channel_id=body["channel_id"],
        response_url=body["response_url"],
    )
    match parse(body.get("text", "")):
        case StatusQuestion() | HistoryQuestion() | QuotaQuestion() as question:
            return ask(desk, origin, question)
        case HelpCommand():
            return _help(desk, origin)
        case PurgeCommand() as command:
            actor = desk.directory.at_hand(origin.team_id, origin.user_id, origin.channel_id)
            taken = desk.workflow.request(command, origin, actor, desk.directory.members())
            if taken is not None and taken.state is State.REFUSED:
                return refusal(taken)
            return None


def unknown(desk: Desk, body: Body) -> Message | None:  # noqa: ARG001  (every listener has this shape)
    """Answer a command that this version does not have: Socket Mode would leave it unanswered."""
    return message("I only know /purge.", section("I only know `/purge`. Try `/purge help`."))


def _help(desk: Desk, origin: Origin) -> Message | None:
    actor = desk.directory.at_hand(origin.team_id, origin.user_id, origin.channel_id)
    if actor is not None:
        return help_message(desk.workflow.help_notice(actor).facts)
    desk.workflow.write_down(Ask.of(origin, AskKind.HELP, desk.workflow.now()))
    return None
