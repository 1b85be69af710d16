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

from bot import metrics
from bot.answers import Answers
from bot.core.errors import UNEXPECTED, BotError, Problem
from bot.workflow import Workflow
from handlers.blocks.error import error
from handlers.blocks.kit import Message
from handlers.people import SlackDirectory
from handlers.slack_client import respond

log = structlog.get_logger("purgebot.listener")

Body = dict[str, Any]
REPLY_TIMEOUT_S = 5
ERROR_LIMIT = 1000
"""Characters of an error in a form; more than a reader takes in, and less than Slack may refuse."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What listeners work with."""

    workflow: Workflow
    directory: SlackDirectory
    answers: Answers
    replies: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(2, thread_name_prefix="reply")
    )


Listen = Callable[[Desk, Body], Message | None]


def answering(listen: Listen, desk: Desk, kind: str) -> Callable[[Ack, Body], BoltResponse]:
    """Give the Bolt listener that runs `listen` and shows what it returns to the person alone.

    `kind` is what Slack calls it: command, action or view.
    """

    def listener(ack: Ack, body: Body) -> BoltResponse:
        with metrics.receiving(kind) as received:
            answer = _answer(listen, desk, body, received)
            received.answers = answer is not None and kind == "command"
            return _acknowledge(ack, body, answer, desk)

    return listener


def _answer(listen: Listen, desk: Desk, body: Body, received: metrics.Receiving) -> Message | None:
    try:
        return listen(desk, body)
    except BotError as known:
        received.result = known.problem.code
        log.info("answered-with-error", error=known.problem.code, user=_user(body))
        return error(known.problem, known.problem.facts.get("corrected"))
    except Exception:
        received.result = UNEXPECTED.code
        reference = secrets.token_hex(4)
        log.exception("listener-failed", reference=reference)
        return error(Problem(UNEXPECTED, {"reference": reference}))


def _acknowledge(ack: Ack, body: Body, answer: Message | None, desk: Desk) -> BoltResponse:
    if answer is None:
        return ack()
    if "view" in body and body["type"] == "view_submission":
        # The form stays open with what was written in it, and says what is wrong below the field.
        field = next(block["block_id"] for block in body["view"]["blocks"] if "element" in block)
        return ack(response_action="errors", errors={field: answer.text[:ERROR_LIMIT]})
    if "command" in body:  # only a command's acknowledgement can carry an answer
        return ack(text=answer.text, blocks=list(answer.blocks), response_type="ephemeral")
    desk.replies.submit(_reply, str(body.get("response_url", "")), answer)
    return ack()


def _reply(response_url: str, answer: Message) -> None:
    try:
        respond(
            response_url,
            REPLY_TIMEOUT_S,
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
