"""What Slack's answers say.

How it says no, in one shape: the SDK keeps it in two, and raises a third for broken lines.  And
which message of a channel's history is the one that is looked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

from slack_sdk.errors import SlackApiError

NO_ANSWER = (OSError, HTTPException)
"""A broken connection or a time-out: nobody knows whether Slack heard the call."""

# Slack may have carried these out, or may do so on another try.
_PASSING = frozenset(
    {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "ratelimited"}
)


@dataclass(frozen=True, slots=True)
class SlackNo:
    """Slack's answer to a call that it did not carry out.

    `passing`: another try may do; `retry_after_s` is how long Slack asked us to wait before it.
    """

    code: str
    passing: bool
    retry_after_s: float | None


def read_no(error: SlackApiError) -> SlackNo:
    """Read an error of the SDK, whose `response` is a dict where Slack's answer was no JSON."""
    answer: Any = error.response
    if isinstance(answer, dict):
        status, code, headers = answer.get("status", 0), "", answer.get("headers")
    else:
        status, code, headers = answer.status_code, str(answer.get("error", "")), answer.headers
    passing = status == 429 or status >= 500 or code in _PASSING or not code
    return SlackNo(code or f"http_{status}", passing, retry_after_s(headers))


def retry_after_s(headers: Any) -> float | None:
    """Read `Retry-After`, in seconds, whatever its case and shape."""
    for name, value in dict(headers or {}).items():
        if name.lower() == "retry-after":
            first = value[0] if isinstance(value, list) else value
            return float(first) if str(first).isdigit() else None
    return None


def find_marked(page: Callable[[str | None], Any], marks: dict[str, str]) -> str | None:
    """Give the `ts` of the newest message whose metadata holds `marks`, within five pages.

    `page` gives one page of a channel's history, with what leads to the next one.
    """
    cursor = None
    for _ in range(5):
        found = page(cursor)
        for message in found["messages"]:
            payload = (message.get("metadata") or {}).get("event_payload") or {}
            if marks.items() <= payload.items():
                return str(message["ts"])
        cursor = (found.get("response_metadata") or {}).get("next_cursor")
        if not cursor:
            break
    return None
