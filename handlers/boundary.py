"""The only place where errors become answers: every listener runs inside `answering`.

Bolt loses an acknowledgement if the listener raises right after it, and a middleware cannot catch
what a listener raises.  So a listener never calls `ack` itself: it returns its answer, and the
request is acknowledged once, at the end, in every case.
https://github.com/slackapi/bolt-python/blob/main/slack_bolt/listener/thread_runner.py
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import structlog
from slack_bolt import Ack, BoltContext, BoltRequest, BoltResponse
from slack_bolt.middleware import Middleware

from bot.core.errors import UNEXPECTED, BotError, ErrorInfo
from bot.core.interaction import Interaction, InteractionKind, Origin
from bot.core.policy.decision import Actor
from bot.slack.directory import SlackDirectory
from bot.slack.installation import Installation
from bot.slack.message import Message
from bot.telemetry import metrics, tracing
from bot.workflow.confirmations import Doubts
from bot.workflow.interactions import Interactions
from bot.workflow.queries import Answers
from bot.workflow.requests import PurgeRequests
from handlers.blocks.error import error
from handlers.payloads import Command, Form, Payload, Press
from handlers.replies import Replies
from handlers.transport import READ

log = structlog.get_logger("purgebot.listener")

ERROR_LIMIT = 1000
"""The maximum length of an error in a form: less than Slack may refuse."""


@dataclass(frozen=True, slots=True)
class ListenerContext:
    """What listeners use."""

    requests: PurgeRequests
    interactions: Interactions
    directory: SlackDirectory
    answers: Answers
    doubts: Doubts
    installation: Installation
    finish: Callable[[Message], Message]
    """Puts the last touch to each message."""
    replies: Replies

    def cached(self, origin: Origin, domain: str | None = None) -> Actor | None:
        """Return the person if all facts, or those for a domain, are cached and fresh, else None."""
        return self.directory.cached(
            origin.team_id, origin.user_id, origin.channel_id, origin.user_team_id, domain
        )

    def write_down(
        self,
        origin: Origin,
        kind: InteractionKind,
        content: str | None = None,
        *,
        purge_id: str | None = None,
        aside: bool | None = None,
    ) -> None:
        """Save a press or a question, which the worker answers.  Raises: StoreUnavailable."""
        now, where = self.requests.now(), asdict(origin)
        interaction = Interaction(
            **where, kind=kind, at=now, purge_id=purge_id, text=content, aside=aside
        )
        with tracing.step(f"press {kind.value}", [purge_id]):
            self.interactions.press(interaction)


Listen = Callable[[ListenerContext, Any], Message | None]
"""Takes the payload of its kind: Command, Press or Form."""


def answering(
    listen: Listen, shared: ListenerContext, kind: str
) -> Callable[[Ack, BoltContext], BoltResponse]:
    """Return the Bolt listener that runs `listen` and shows its result to the person only.

    `kind` is Slack's name of it: command, action or view.
    """

    def listener(ack: Ack, context: BoltContext) -> BoltResponse:
        payload: Payload = context[READ]
        with metrics.receiving(kind) as received:
            try:
                answer = listen(shared, payload)
            except BotError as known:
                received.result = known.info.code
                log.info("answered-with-error", error=known.info.code, user=payload.sender)
                answer = error(known.info, known.info.facts.get("corrected"))
            except Exception:
                received.result = UNEXPECTED.code
                reference = secrets.token_hex(4)
                log.exception("listener-failed", reference=reference)
                answer = error(ErrorInfo(UNEXPECTED, {"reference": reference}))
            received.answers = answer is not None and kind == "command"
            return _acknowledge(ack, payload, answer, shared)

    return listener


def _acknowledge(
    ack: Ack, payload: Payload, answer: Message | None, context: ListenerContext
) -> BoltResponse:
    if answer is None:
        return ack()
    answer = context.finish(answer)
    match payload:
        case Command():  # only a command's acknowledgement can carry an answer
            return ack(**answer.body, response_type="ephemeral")
        case Form(field=str(field)):
            # The form stays open with its content, and shows the error below the field.
            return ack(
                response_action="errors",
                errors={field: (answer.plain or answer.text)[:ERROR_LIMIT]},
            )
        case Press(response_url=str(url)) if url:
            context.replies.send(url, answer)
    return ack()


class OnlyOurWorkspace(Middleware):
    """Accepts only requests for the app's own installation.

    Bolt accepts a request that claims any workspace.  A click in another workspace of the same
    organisation names that one; rights are not checked here.

    It is a class, because Bolt looks up a hundred arguments that a function could ask for.
    """

    def __init__(self, ours: Installation) -> None:
        self._ours = ours

    def process(
        self,
        *,
        req: BoltRequest,
        resp: BoltResponse,  # noqa: ARG002  (as Bolt calls it)
        next: Callable[[], BoltResponse],
    ) -> BoltResponse:
        named = req.context
        if self._ours.is_named_by(named.team_id, named.enterprise_id):
            return next()
        log.warning("other-workspace", team=named.team_id, enterprise=named.enterprise_id)
        return named.ack("Purgebot is not set up for this workspace.")
