"""Presses on buttons: written down before Slack hears "received", decided by the workflow."""

from __future__ import annotations

from bot.core.ask import Ask, AskKind, Origin
from bot.core.errors import Problem
from bot.core.presses import PRESS_UNKNOWN
from handlers.blocks.error import error
from handlers.blocks.kit import Message
from handlers.boundary import Body, Desk


def approve(desk: Desk, body: Body) -> Message | None:
    return _press(desk, body, AskKind.APPROVE)


def deny(desk: Desk, body: Body) -> Message | None:
    return _press(desk, body, AskKind.DENY)


def cancel(desk: Desk, body: Body) -> Message | None:
    return _press(desk, body, AskKind.CANCEL)


def unknown(desk: Desk, body: Body) -> Message | None:  # noqa: ARG001  (every listener has this shape)
    """Answer a button of another version of the bot, so that no press stays without an answer."""
    return error(Problem(PRESS_UNKNOWN))


def _press(desk: Desk, body: Body, kind: AskKind) -> Message | None:
    user = body["user"]
    team_id = (body.get("team") or {}).get("id") or user["team_id"]
    origin = Origin(
        trigger_id=body["trigger_id"],
        team_id=team_id,
        # In a shared channel the presser may be of another workspace than the app.
        user_team_id=user.get("team_id") or "",
        user_id=user["id"],
        channel_id=(body.get("channel") or {}).get("id") or body["container"]["channel_id"],
        response_url=body["response_url"],
    )
    ask = Ask.of(origin, kind, desk.workflow.now(), body["actions"][0].get("value"))
    actor = desk.directory.at_hand(ask.user_team_id, ask.user_id, ask.channel_id)
    if actor is not None and ask.user_team_id != team_id:
        actor = None  # never from memory: the worker compares the two workspaces
    desk.workflow.press(ask, actor)
    return None
