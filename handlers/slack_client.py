"""The clients for Slack: each call is timed, and it is remembered when Slack refuses the token.

The SDK's own retries are off: on a broken connection they post a message a second time.
"""

from __future__ import annotations

from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse
from slack_sdk.webhook import WebhookClient, WebhookResponse

from bot import metrics
from handlers.slack_answers import NO_ANSWER, read_no

_TOKEN_REFUSED = frozenset(
    {"account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked"}
)
_APP_LEVEL = "apps.connections.open"
"""The one method that takes another token."""


class SlackClient(WebClient):
    """Slack's Web API with the bot's token.

    `token_refused` is Slack's word for it if the last call was refused because of the token.
    """

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **{**more, "retry_handlers": []})
        self.token_refused: str | None = None

    def api_call(self, api_method: str, **more: Any) -> SlackResponse:
        with metrics.calling(metrics.SLACK_S, "slack", api_method) as timed:
            try:
                answer = super().api_call(api_method, **more)
            except SlackApiError as error:
                no = read_no(error)
                timed.outcome = "refused"
                if no.passing:
                    timed.outcome = "limited" if no.code == "ratelimited" else "failed"
                if api_method != _APP_LEVEL and no.code in _TOKEN_REFUSED:
                    self.token_refused = no.code
                raise
            except NO_ANSWER:
                timed.outcome = "no-answer"
                raise
            if api_method != _APP_LEVEL:
                self.token_refused = None
            return answer


def respond(url: str, timeout_s: int, **message: Any) -> WebhookResponse:
    """Send a message to a response URL.  Raises: NO_ANSWER, where nobody knows whether it came."""
    with metrics.calling(metrics.SLACK_S, "slack", "response_url") as timed:
        try:
            answer = WebhookClient(url, timeout=timeout_s, retry_handlers=[]).send(**message)
        except NO_ANSWER:
            timed.outcome = "no-answer"
            raise
        if answer.status_code != 200:
            timed.outcome = {429: "limited"}.get(
                answer.status_code, "failed" if answer.status_code >= 500 else "refused"
            )
        return answer
