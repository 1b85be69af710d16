"""The one place where an error becomes an answer: every listener runs inside `answering`.

Bolt forgets an acknowledgement when the listener raises right after it, and a middleware cannot
catch what a listener raises.  So a listener here never calls `ack` itself: it returns what to
say, and is acknowledged once, at the end, whatever happened.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import structlog
from slack_bolt import Ack, BoltContext, BoltResponse
from slack_sdk.webhook import WebhookClient

from bot.core.errors import UNEXPECTED, BotError, Problem
from bot.workflow import Workflow
from handlers.blocks.error import error
from handlers.blocks.kit import Message
from handlers.people import SlackDirectory

log = structlog.get_logger("purgebot.listener")

Body = dict[str, Any]
REPLY_TIMEOUT_S = 5


@dataclass(frozen=True, slots=True)
class Desk:
    """What listeners work with."""

    workflow: Workflow
    directory: SlackDirectory
    replies: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(2, thread_name_prefix="reply")
    )


Listen = Callable[[Desk, Body], Message | None]


def answering(listen: Listen, desk: Desk) -> Callable[[Ack, Body], BoltResponse]:
    """Give the Bolt listener that runs `listen` and shows what it returns to the person alone."""

    def listener(ack: Ack, body: Body) -> BoltResponse:
        try:
            answer = listen(desk, body)
        except BotError as known:
            log.info("answered-with-error", error=known.problem.code, user=_user(body))
            answer = error(known.problem, known.problem.facts.get("corrected"))
        except Exception:
            reference = secrets.token_hex(4)
            log.exception("listener-failed", reference=reference)
            answer = error(Problem(UNEXPECTED, {"reference": reference}))
        return _acknowledge(ack, body, answer, desk)

    return listener


def _acknowledge(ack: Ack, body: Body, answer: Message | None, desk: Desk) -> BoltResponse:
    if answer is None:
        return ack()
    if "command" in body:  # only a command's acknowledgement can carry an answer
        return ack(text=answer.text, blocks=list(answer.blocks), response_type="ephemeral")
    desk.replies.submit(_reply, str(body.get("response_url", "")), answer)
    return ack()


def _reply(response_url: str, answer: Message) -> None:
    try:
        hook = WebhookClient(response_url, timeout=REPLY_TIMEOUT_S, retry_handlers=[])
        hook.send(
            text=answer.text,
            blocks=list(answer.blocks),
            response_type="ephemeral",
            replace_original=False,
        )
    except Exception:
        log.exception("reply-not-sent")


def only_our_workspace(
    context: BoltContext, ack: Ack, next: Callable[[], BoltResponse]
) -> BoltResponse:
    """Let requests of the workspace (or the organisation) pass that the bot's token belongs to.

    Bolt itself takes a request that claims any workspace.
    """
    home = context.authorize_result
    ours = home is not None and (
        context.team_id == home.team_id
        or (home.enterprise_id is not None and context.enterprise_id == home.enterprise_id)
    )
    if ours:
        return next()
    log.warning("other-workspace", team=context.team_id, enterprise=context.enterprise_id)
    return ack("Purgebot is not set up for this workspace.")


def _user(body: Body) -> str | None:
    user = body.get("user")
    return user.get("id") if isinstance(user, dict) else body.get("user_id")
