"""The clients for Slack: each call is timed, and it is remembered when Slack refuses the token.

The SDK's own retries are off: on a broken connection they post a message a second time.
"""

from __future__ import annotations

import contextlib
import re
import ssl
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

_IDENTITY = "auth.test"
_APP_LEVEL = "apps.connections.open"
"""The one method that takes another token."""
_WITH_OPTIONAL_SCOPES = frozenset({"conversations.history", "conversations.replies"})
"""An admin may leave their scopes out (OPTIONAL_SCOPES)."""

# What the listeners and the announcer call, and the scope that each needs; manifest.yml asks for
# exactly these, and `commands` for /purge.
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
# Only used to find a post again after a crash in the moment of posting it.
OPTIONAL_SCOPES = frozenset({"channels:history", "groups:history", "im:history"})

log = structlog.get_logger("purgebot.slack")


class SlackClient(WebClient):
    """Slack's Web API with the bot's token.

    `token_refused` is Slack's word for it if the last call was refused because of the token.
    `identity` is the last answer of `auth.test`: whose token it is.  `refusals` are the methods that
    Slack refuses for good, by their names: each is logged once, and forgotten when Slack takes it.
    """

    _perform_urllib_http_request_internal = send

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **{**more, "retry_handlers": []})
        self.token_refused: str | None = None
        self.identity: dict[str, Any] = {}
        self.refusals: dict[str, Refusal] = {}
        self._refused: dict[str, dict[str, Any]] = {}

    def api_call(self, api_method: str, **more: Any) -> SlackResponse:
        with metrics.calling(metrics.SLACK_S, "slack", api_method) as timed:
            try:
                answer = super().api_call(api_method, **more)
            except SlackApiError as error:
                no = read_no(error)
                timed.outcome = _outcome(no)
                self._record_refusal(api_method, no, more)
                raise
            except NO_ANSWER:
                timed.outcome = "no-answer"
                raise
            if api_method != _APP_LEVEL:
                self.token_refused = None
            self._forget(api_method)
            if api_method == _IDENTITY and isinstance(answer.data, dict):
                self.identity = answer.data
            return answer

    def retry_refused(self) -> None:
        """Find out whether Slack takes by now what it refused; without that, nothing is asked.

        Nothing is posted for it: where a scope was missing, Slack tells which are granted.
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
        """Remember what is refused for good; any other no shows that the method is taken."""
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
    """Give the scopes that the token has, as Slack tells beside an answer."""
    told = {name.lower(): value for name, value in dict(headers).items()}
    return frozenset(scope.strip() for scope in str(told.get("x-oauth-scopes", "")).split(","))


_SLACKS = ("slack.com", "slack-gov.com")
_URL = re.compile("https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[!-~]*)?")
MAX_URL_CHARACTERS = 1000


def leads_to_slack(url: str, api_url: str) -> bool:
    """Whether a response URL is one of Slack's, or of the simulator that `api_url` leads to."""
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
    """Send a message to a response URL; `trust` as in `SlackClient.ssl`.

    Raises: NO_ANSWER, where nobody knows whether it came.
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
    """Give what a metric calls it."""
    if not no.passing:
        return "refused"
    return "limited" if no.is_limit else "failed"
