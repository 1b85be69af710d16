"""The clients for Slack: they time each call and record refusals.

The SDK's retries are off: on a broken connection they can post a message a second time
(https://github.com/slackapi/python-slack-sdk/blob/main/slack_sdk/http_retry/builtin_handlers.py).
"""

from __future__ import annotations

import contextlib
import re
import ssl
from datetime import UTC, datetime
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request

import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse
from slack_sdk.webhook import WebhookClient, WebhookResponse

from bot.slack.errors import (
    LOOKUPS,
    NO_ANSWER,
    TOKEN_REFUSED,
    Refusal,
    SlackNo,
    lasts,
    read_no,
    read_reply,
)
from bot.slack.wire import send
from bot.telemetry import metrics
from bot.telemetry.troubles import REPEAT, SLACK_AWAY, SLACK_LIMITS, Troubles

_IDENTITY = "auth.test"
_APP_LEVEL = "apps.connections.open"
"""The only method here that takes the app-level token."""
_WITH_OPTIONAL_SCOPES = frozenset({"conversations.history", "conversations.replies"})
"""Methods whose scopes an admin may leave out (OPTIONAL_SCOPES)."""

# The methods that the bot calls, and the scope that each needs. manifest.yml requests exactly
# these, and `commands` for /purge.
SCOPES: dict[str, str] = {
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "chat.postEphemeral": "chat:write",
    "users.info": "users:read",
    "usergroups.users.list": "usergroups:read",
    "conversations.history (public)": "channels:history",
    "conversations.history (private)": "groups:history",
    "conversations.history (direct)": "im:history",
    "conversations.replies (public)": "channels:history",
    "conversations.replies (private)": "groups:history",
    "conversations.replies (direct)": "im:history",
    "slash command": "commands",
}
# Only used to find a post again after a crash during posting.
OPTIONAL_SCOPES = frozenset({"channels:history", "groups:history", "im:history"})

log = structlog.get_logger("purgebot.slack")


class SlackClient(WebClient):
    """Slack's Web API with the bot's token.

    `token_refused` is Slack's error code if the token was refused in the last call, else None.
    `identity` is the last answer of `auth.test`.  `refusals` are the methods that Slack refuses
    permanently, by name: each is logged once, and removed when Slack accepts it again.
    """

    _perform_urllib_http_request_internal = send

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **{**more, "retry_handlers": []})
        self.token_refused: str | None = None
        self.identity: dict[str, Any] = {}
        self.refusals: dict[str, Refusal] = {}
        self._refused: dict[str, dict[str, Any]] = {}
        self.troubles = Troubles(lambda: datetime.now(UTC))

    def api_call(self, api_method: str, **more: Any) -> SlackResponse:
        """Call a method, and record a refusal.  Raises: SlackApiError, or one of NO_ANSWER."""
        with metrics.calling(metrics.SLACK_S, "slack", api_method) as timed:
            try:
                answer = super().api_call(api_method, **more)
            except SlackApiError as error:
                no = read_no(error)
                timed.outcome = _outcome(no)
                if no.is_limit:
                    wait_s = no.retry_after_s
                    self.troubles.met(SLACK_LIMITS, "ratelimited", api_method, retry_after_s=wait_s)
                elif no.passing:
                    self.troubles.met(SLACK_AWAY, no.code, api_method)
                self._record_refusal(api_method, no, more)
                raise
            except (*NO_ANSWER, RecursionError) as error:
                timed.outcome = "no-answer"
                self.troubles.met(SLACK_AWAY, "no-answer", api_method)
                if isinstance(error, RecursionError):  # of the JSON parser: no answer of Slack's
                    raise HTTPException("nested too deeply") from None
                raise
            if api_method != _APP_LEVEL:
                self.token_refused = None
            self.troubles.over(SLACK_LIMITS, unless_within=REPEAT)
            self.troubles.over(SLACK_AWAY, unless_within=REPEAT)
            self._forget(api_method)
            if api_method == _IDENTITY and isinstance(answer.data, dict):
                self.identity = answer.data
            return answer

    def retry_refused(self) -> None:
        """Check whether Slack now accepts what it refused before.  Does nothing without refusals.

        Nothing is posted for the check: after a missing scope, the granted scopes are read.
        """
        if not self.refusals and self.token_refused is None:
            return
        try:
            granted = granted_scopes(self.auth_test().headers)
        except (SlackApiError, *NO_ANSWER):
            return
        for method, refusal in list(self.refusals.items()):
            if method in LOOKUPS:
                with contextlib.suppress(SlackApiError, *NO_ANSWER):
                    self.api_call(method, **self._refused[method])
            elif refusal.needed and not granted.isdisjoint(refusal.needed.split(",")):
                self._forget(method)

    def _record_refusal(self, method: str, no: SlackNo, arguments: dict[str, Any]) -> None:
        """Record a permanent refusal.  Another refusal shows that the method is accepted."""
        if not lasts(method, no, is_org=bool(self.identity.get("is_enterprise_install"))):
            if not no.passing:
                self._forget(method)
            return
        if no.code == "missing_scope" and method in _WITH_OPTIONAL_SCOPES:
            return
        known = self.refusals.get(method)
        is_news = known is None or known.error != no.code
        if method != _APP_LEVEL and no.code in TOKEN_REFUSED:
            is_news = self.token_refused != no.code
            self.token_refused = no.code
        else:
            self.refusals[method] = Refusal(method, no.code, no.needed, method in LOOKUPS)
            self._refused[method] = arguments
        if is_news:
            log.error(
                "slack-refuses",
                method=method,
                error=no.code,
                needed=no.needed or None,
                provided=no.provided or None,
            )

    def _forget(self, method: str) -> None:
        if self.refusals.pop(method, None) is not None:
            log.info("slack-takes-again", method=method)


def granted_scopes(headers: Any) -> frozenset[str]:
    """Return the scopes of the token, from the header `x-oauth-scopes` of an answer."""
    told = {name.lower(): value for name, value in dict(headers).items()}
    return frozenset(scope.strip() for scope in str(told.get("x-oauth-scopes", "")).split(","))


_SLACKS = ("slack.com", "slack-gov.com")
_URL = re.compile("https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[!-~]*)?")
MAX_URL_CHARACTERS = 1000


def leads_to_slack(url: str, api_url: str) -> bool:
    """Return whether a response URL belongs to Slack, or to the simulator at `api_url`."""
    if len(url) > MAX_URL_CHARACTERS or not _URL.fullmatch(url) or "\\" in url:
        return False
    there, api = urlsplit(url), urlsplit(api_url)
    if (there.scheme, there.hostname) == (api.scheme, api.hostname):
        return True
    host = there.hostname or ""
    slacks = any(host == known or host.endswith("." + known) for known in _SLACKS)
    return there.scheme == "https" and there.netloc == host and slacks


class _WebhookClient(WebhookClient):
    def _perform_http_request_internal(self, url: str, req: Request) -> WebhookResponse:
        answer = send(self, url, req)
        return WebhookResponse(
            url=url,
            status_code=answer["status"],
            body=answer["body"],
            headers=dict(answer["headers"]),
        )


def respond(
    url: str, timeout_s: int, trust: ssl.SSLContext | None, **message: Any
) -> WebhookResponse:
    """Send a message to a response URL.  `trust` is as in `SlackClient.ssl`.

    Raises: one of NO_ANSWER, if it is unknown whether Slack received the message.
    """
    with metrics.calling(metrics.SLACK_S, "slack", "response_url") as timed:
        try:
            webhook = _WebhookClient(url, timeout=timeout_s, ssl=trust, retry_handlers=[])
            answer = webhook.send(**message)
        except NO_ANSWER:
            timed.outcome = "no-answer"
            raise
        if no := read_reply(answer.status_code, answer.headers, answer.body):
            timed.outcome = _outcome(no)
        return answer


def _outcome(no: SlackNo) -> str:
    """Return the outcome label for metrics."""
    if not no.passing:
        return "refused"
    return "limited" if no.is_limit else "failed"
