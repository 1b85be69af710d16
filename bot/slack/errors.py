"""Read Slack's refusals in one form.  The SDK has two forms, and another for broken connections."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

from slack_sdk.errors import SlackApiError

from bot.core.network.connection_errors import Unreached, is_proxied, why_unreached

SAID_NO = (SlackApiError,)
"""Slack received the call and refused it; `read_no` reads the error."""
NO_ANSWER = (OSError, HTTPException)
"""A broken connection or a timeout: it is unknown whether Slack received the call."""

LONGEST_WAIT_S = 3600.0
"""The upper limit for `Retry-After`: a greater value would delay all messages for as long."""
_CODE = re.compile(r"[\w.:-]*")
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A method that Slack refuses until somebody changes the app's permissions.

    `needed` names the scopes of which one is missing, if that is the reason.  `blocks`: without the
    method no command can be carried out.
    """

    method: str
    error: str
    needed: str
    blocks: bool

    def __str__(self) -> str:
        needs = f": it needs {self.needed}" if self.needed else ""
        return f"{self.method} ({self.error}{needs})"


def why_no_answer(error: BaseException, url: str) -> Unreached:
    """Return why a call to this URL had no answer.  `error` is one of NO_ANSWER."""
    # urllib, which the SDK uses, wraps errors of connecting.  Unwrapped errors occurred later.
    late = isinstance(error, TimeoutError | ConnectionError | HTTPException)
    if late and not isinstance(error, ConnectionRefusedError):
        return Unreached.SILENT
    return why_unreached(error, to_proxy=is_proxied(url))


# Slack may have carried these out, or may do so on a retry.  Every other code is permanent, even an
# unknown one, because Slack signals temporary errors with these codes, 429 or a 5xx status.
_PASSING = frozenset(
    {
        *("internal_error", "fatal_error", "service_unavailable", "request_timeout"),
        *("ratelimited", "rate_limited", "team_added_to_org"),
    }
)
TOKEN_REFUSED = frozenset(
    {"account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked"}
)
"""Slack refuses the token itself."""
# Slack accepts the token, but refuses this method with it, whatever the arguments are.
_NOT_OURS = frozenset(
    {
        *("missing_scope", "not_allowed_token_type", "permission_denied", "missing_argument"),
        *("paid_teams_only", "plan_upgrade_required", "team_access_not_granted"),
        *("org_login_required", "enterprise_is_restricted", "ekm_access_denied"),
        *("accesslimited", "two_factor_setup_required"),
        *("method_deprecated", "deprecated_endpoint", "unknown_method"),
    }
)
NO_SUCH_PERSON, NOT_VISIBLE = "user_not_found", "user_not_visible"
NO_GROUP = frozenset({"no_such_subteam", "subteam_not_found"})
NOT_IN_TEAM = frozenset({"missing_argument", "team_access_not_granted", "team_not_found"})
"""With an organisation's token: the app is not in this workspace, or must name a workspace."""
PEOPLE, GROUPS = "users.info", "usergroups.users.list"
LOOKUPS = frozenset({PEOPLE, GROUPS})
"""The methods without which nobody's rights are known."""
_ANSWERS = {PEOPLE: frozenset({NO_SUCH_PERSON, NOT_VISIBLE}), GROUPS: NO_GROUP}


@dataclass(frozen=True, slots=True)
class SlackNo:
    """Slack's answer to a call that it refused.

    `passing`: a retry may succeed.  `retry_after_s`: the wait that Slack asked for.  `needed` and
    `provided`: the scopes that Slack names if one is missing.
    """

    code: str
    passing: bool
    retry_after_s: float | None
    needed: str = ""
    provided: str = ""

    @property
    def is_limit(self) -> bool:
        """Whether it is a rate limit."""
        return self.code in {"ratelimited", "rate_limited", "http_429"}


def lasts(method: str, no: SlackNo, *, is_org: bool) -> bool:
    """Return whether a method is refused until somebody changes the app's permissions.

    A refused lookup is such a case with any code that is not about the person or group.
    """
    if no.passing or (is_org and method == GROUPS and no.code in NOT_IN_TEAM):
        return False
    if no.code in TOKEN_REFUSED or no.code in _NOT_OURS:
        return True
    return method in LOOKUPS and no.code not in _ANSWERS[method]


def read_no(error: SlackApiError) -> SlackNo:
    """Read an error of the SDK.  Its `response` is a dict if Slack's answer was not JSON:
    https://github.com/slackapi/python-slack-sdk/issues/1421

    An answer without a code is `passing`: nobody knows whether Slack carried the call out.
    """
    answer: Any = error.response
    if isinstance(answer, dict):
        status, headers = answer.get("status", 0), answer.get("headers")
        code = needed = provided = ""
    else:
        status, headers = answer.status_code, answer.headers
        code, needed, provided = (
            str(answer.get(name) or "")[:500] for name in ("error", "needed", "provided")
        )
    if not _CODE.fullmatch(code):  # the SDK writes there what it could not read
        code = ""
    passing = _passes(status) or code in _PASSING or not code
    return SlackNo(code or f"http_{status}", passing, retry_after_s(headers), needed, provided)


def read_reply(status: int, headers: Any, body: str) -> SlackNo | None:
    """Read the answer of a response URL.  None if Slack accepted the message.

    Slack documents only the HTTP status.  A body with an error is read as well, because nothing
    else would show that the message did not arrive.
    """
    code = ""
    try:
        reply = json.loads(body)
    except (ValueError, RecursionError):
        reply = None
    if isinstance(reply, dict) and reply.get("ok") is False:
        code = str(reply.get("error") or "no-reason")
    if status == 200 and not code:
        return None
    passing = _passes(status) or code in _PASSING
    return SlackNo(code or f"http_{status}", passing, retry_after_s(headers))


def _passes(status: int) -> bool:
    """A redirect is a proxy's or a captive portal's word: Slack's methods have none."""
    return status == 429 or status >= 500 or status // 100 == 3


def retry_after_s(headers: Any) -> float | None:
    """Return `Retry-After` in seconds, at most LONGEST_WAIT_S; None if it has no positive number.

    Slack documents whole seconds (https://docs.slack.dev/apis/web-api/rate-limits).  A date, which
    HTTP also allows, is ignored: the caller has its own backoff.
    """
    for name, value in dict(headers or {}).items():
        if name.lower() == "retry-after":
            first = str(value[0] if isinstance(value, list) and value else value).strip()
            if not _SECONDS.fullmatch(first):
                return None
            return min(float(first), LONGEST_WAIT_S) or None
    return None
