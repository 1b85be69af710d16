"""Presses on buttons: written down before Slack hears "received", decided by the workflow."""

from __future__ import annotations

from bot import tracing
from bot.core.ask import Ask, AskKind, Origin
from bot.core.errors import Problem
from bot.core.policy import Actor
from bot.core.presses import PRESS_UNKNOWN
from handlers.blocks.error import error
from handlers.blocks.kit import Message
from handlers.boundary import Body, Desk


def approve(desk: Desk, body: Body) -> Message | None:
    return _press(desk, body, AskKind.APPROVE)


def deny(desk: Desk, body: Body) -> Message | None:
    """Have the form opened that asks for the reason; only that denies."""
    return _press(desk, body, AskKind.DENY_FORM)


def cancel(desk: Desk, body: Body) -> Message | None:
    return _press(desk, body, AskKind.CANCEL)


def postpone(desk: Desk, body: Body) -> Message | None:
    return _press(desk, body, AskKind.POSTPONE)


def again(desk: Desk, body: Body) -> Message | None:
    return _press(desk, body, AskKind.AGAIN)


def leave(desk: Desk, body: Body) -> Message | None:
    return _press(desk, body, AskKind.LEAVE)


def escalate(desk: Desk, body: Body) -> Message | None:
    return _press(desk, body, AskKind.ESCALATE)


def unknown(desk: Desk, body: Body) -> Message | None:  # noqa: ARG001  (every listener has this shape)
    """Answer a button of another version of the bot, so that no press stays without an answer."""
    return error(Problem(PRESS_UNKNOWN))


def _press(desk: Desk, body: Body, kind: AskKind) -> Message | None:
    channel_id = (body.get("channel") or {}).get("id") or body["container"]["channel_id"]
    origin = origin_of(body, channel_id, body["response_url"])
    ask = Ask.of(origin, kind, desk.workflow.now(), body["actions"][0].get("value"))
    with tracing.step(f"press {kind.value}", [ask.purge_id]):
        if kind in _WORKERS:
            desk.workflow.write_down(ask)
        else:
            desk.workflow.press(ask, at_hand(desk, ask))
    return None


_WORKERS = frozenset({AskKind.DENY_FORM, AskKind.AGAIN, AskKind.ESCALATE})
"""To open a form, or to make a request of its own, is the worker's work."""


def origin_of(body: Body, channel_id: str, response_url: str) -> Origin:
    """Give where a press or a form came from."""
    user = body["user"]
    return Origin(
        trigger_id=body["trigger_id"],
        team_id=(body.get("team") or {}).get("id") or user["team_id"],
        # In a shared channel the presser may be of another workspace than the app.
        user_team_id=user.get("team_id") or "",
        user_id=user["id"],
        channel_id=channel_id,
        response_url=response_url,
    )


def at_hand(desk: Desk, ask: Ask) -> Actor | None:
    """Give the facts about whoever asks, if they are in memory and of our workspace."""
    if ask.user_team_id != ask.team_id:
        return None  # never from memory: the worker compares the two workspaces
    return desk.directory.at_hand(ask.user_team_id, ask.user_id, ask.channel_id)
