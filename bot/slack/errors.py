"""How Slack says no, in one shape: the SDK keeps it in two, and raises a third for broken lines."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

from slack_sdk.errors import SlackApiError

from bot.core.network.connection_errors import Unreached, is_proxied, why_unreached

SAID_NO = (SlackApiError,)
"""Slack heard the call, and said no; `read_no` reads it."""
NO_ANSWER = (OSError, HTTPException)
"""A broken connection or a time-out: nobody knows whether Slack heard the call."""

LONGEST_WAIT_S = 3600.0
"""What asks for more is not believed: all that is to be said would wait as long."""
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A method that Slack refuses until somebody changes what the app may do.

    `needed` names the scopes of which it wants one, if that is why.  `blocks`: without the method no
    command can be carried out.
    """

    method: str
    error: str
    needed: str
    blocks: bool

    def __str__(self) -> str:
        needs = f": it needs {self.needed}" if self.needed else ""
        return f"{self.method} ({self.error}{needs})"


def why_no_answer(error: BaseException, url: str) -> Unreached:
    """Say why a call at this address had no answer; `error` is one of NO_ANSWER."""
    # urllib, with which the SDK connects, wraps what fails as it does so: these come later.
    late = isinstance(error, TimeoutError | ConnectionError | HTTPException)
    if late and not isinstance(error, ConnectionRefusedError):
        return Unreached.SILENT
    return why_unreached(error, to_proxy=is_proxied(url))


# Slack may have carried these out, or may do so on another try.  Every other code is a no for good,
# also one that is not known here: what passes, Slack tells by these, by 429, or by a status of 5xx.
_PASSING = frozenset(
    {
        *("internal_error", "fatal_error", "service_unavailable", "request_timeout"),
        *("ratelimited", "rate_limited", "team_added_to_org"),
    }
)
TOKEN_REFUSED = frozenset(
    {"account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked"}
)
"""Slack does not take the token at all."""
# It takes the token, and not for this method, whoever or whatever the call is about.
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
"""With the token of an organisation: the app was not given this workspace, or wants to be told one."""
PEOPLE, GROUPS = "users.info", "usergroups.users.list"
LOOKUPS = frozenset({PEOPLE, GROUPS})
"""The methods without which nobody's rights are known."""
_ANSWERS = {PEOPLE: frozenset({NO_SUCH_PERSON, NOT_VISIBLE}), GROUPS: NO_GROUP}


@dataclass(frozen=True, slots=True)
class SlackNo:
    """Slack's answer to a call that it did not carry out.

    `passing`: another try may do; `retry_after_s` is how long Slack asked us to wait before it.
    `needed` and `provided` are the scopes that Slack names where one is missing.
    """

    code: str
    passing: bool
    retry_after_s: float | None
    needed: str = ""
    provided: str = ""

    @property
    def is_limit(self) -> bool:
        """Whether it came too often."""
        return self.code in {"ratelimited", "rate_limited", "http_429"}


def lasts(method: str, no: SlackNo, *, is_org: bool) -> bool:
    """Whether a method is refused until somebody changes what the app may do.

    A no to a lookup that says nothing of the person or the group is one, whatever its code.
    """
    if no.passing or (is_org and method == GROUPS and no.code in NOT_IN_TEAM):
        return False
    if no.code in TOKEN_REFUSED or no.code in _NOT_OURS:
        return True
    return method in LOOKUPS and no.code not in _ANSWERS[method]


def read_no(error: SlackApiError) -> SlackNo:
    """Read an error of the SDK, whose `response` is a dict where Slack's answer was no JSON."""
    answer: Any = error.response
    if isinstance(answer, dict):
        status, headers = answer.get("status", 0), answer.get("headers")
        code = needed = provided = ""
    else:
        status, headers = answer.status_code, answer.headers
        code, needed, provided = (
            str(answer.get(name) or "")[:500] for name in ("error", "needed", "provided")
        )
    passing = _passes(status) or code in _PASSING or not code
    return SlackNo(code or f"http_{status}", passing, retry_after_s(headers), needed, provided)


def read_reply(status: int, headers: Any, body: str) -> SlackNo | None:
    """Read how a response URL answered; None where it took the message.

    Slack documents the status for it.  A body that says no all the same is believed: whoever
    waits for the message has no other sign that it did not come.
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
    """Read `Retry-After`, in seconds, at most LONGEST_WAIT_S; None where it states no time to wait.

    Slack documents whole seconds.  A date, which HTTP allows as well, is not read: the caller's own
    patience serves.
    """
    for name, value in dict(headers or {}).items():
        if name.lower() == "retry-after":
            first = str(value[0] if isinstance(value, list) and value else value).strip()
            if not _SECONDS.fullmatch(first):
                return None
            return min(float(first), LONGEST_WAIT_S) or None
    return None
