"""HTTP mode: deliveries as signed POSTs to the app's request URL.

slash_commands   a form
interactive      a form with one field, `payload`, that holds JSON
events_api       JSON; repeats carry X-Slack-Retry-Num and X-Slack-Retry-Reason
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode

from bot.simulators.slack.events.signing import signed_headers
from bot.simulators.slack.workspace.model import Json

Outcome = Literal["acked", "operation_timeout", "dispatch_failed"]
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Answer:
    outcome: Outcome
    payload: Any = None
    reason: str = ""  # why an event is sent again, in Slack's words; "no_retry" forbids that


def post(
    url: str, secret: str, kind: str, payload: Json, retry: tuple[int, str], limit_s: float
) -> Answer:
    """Deliver and wait; blocks, so it is called in a worker thread."""
    import requests

    body, content_type = http_body(kind, payload)
    headers = {
        "Content-Type": content_type,
        "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        # The app compares this with the real time, however far the workspace's clock was moved.
        **signed_headers(secret, body, time.time()),
    }
    if retry[0]:
        headers |= {"X-Slack-Retry-Num": str(retry[0]), "X-Slack-Retry-Reason": retry[1]}
    try:
        with requests.Session() as session:
            # Deliveries stay on this machine: no proxy, and no redirect to somewhere else.
            session.trust_env = False
            response = session.post(
                url, data=body.encode(), headers=headers, timeout=limit_s, allow_redirects=False
            )
    except requests.Timeout:
        return Answer("operation_timeout", reason="http_timeout")
    except requests.RequestException:
        return Answer("dispatch_failed", reason="connection_failed")
    if response.status_code != 200:
        wants_none = response.headers.get("x-slack-no-retry") == "1"
        return Answer("dispatch_failed", reason="no_retry" if wants_none else "http_error")
    return Answer("acked", payload=_payload_of(response.text))


def http_body(kind: str, payload: Json) -> tuple[str, str]:
    """The body and its content type."""
    if kind == "slash_commands":
        return urlencode(payload), FORM
    if kind == "interactive":
        return urlencode({"payload": json.dumps(payload)}), FORM
    return json.dumps(payload), "application/json"


def _payload_of(text: str) -> Any:
    """A JSON answer, or plain text as the text of an answer; nothing when the body is empty."""
    if not text.strip():
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return {"text": text}
    return found if isinstance(found, dict) else {"text": text}
