"""Where Bolt falls short on the way in: reading a form."""

from __future__ import annotations

from urllib.parse import parse_qsl

from slack_bolt import BoltRequest
from slack_bolt.request.internals import build_context


def bolt_request(body: str, headers: dict[str, str]) -> BoltRequest:
    """Read a request as Bolt does, but for a form in which the word "payload" merely occurs.

    Bolt takes such a form for an interaction and drops it: a domain or a tag may hold the word.
    Raises: whatever Bolt does where the body is none of Slack's.
    """
    request = BoltRequest(body=body, headers=dict(headers))
    if not request.body and body:
        request.body = dict(parse_qsl(body, keep_blank_values=True))
        request.context = build_context(request.context, request.body)
    return request
