"""The way of a payload to Bolt, over HTTP and through a socket: what was read goes on, nothing else.

Bolt takes any shape for granted, and fails on what has another.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from slack_bolt import App, BoltRequest, BoltResponse
from slack_bolt.request.internals import build_context

from bot.core.errors import PAYLOAD_UNREADABLE, ErrorInfo
from handlers import payloads
from handlers.blocks.error import error

log = structlog.get_logger("purgebot.listener")

_SIGNED = ("x-slack-request-timestamp", "x-slack-signature")
"""What Bolt looks at to verify a request.  No signature covers its own headers, so it sees none."""
READ = "payload"
"""Under this name Bolt's context has what was read."""


def dispatch(
    app: App, payload: Any, *, raw: str | None = None, headers: Mapping[str, str] | None = None
) -> BoltResponse:
    """Let Bolt answer a payload; without the `raw` body it came through a socket.

    400: it is none of Slack's.  404: this app asks Slack for nothing of the kind.
    """
    try:
        read = payloads.read(payload, app.client.base_url)
    except payloads.NotOurs:
        return BoltResponse(status=HTTPStatus.NOT_FOUND)
    except payloads.Unreadable as unreadable:
        log.warning("payload-unreadable", kind=unreadable.kind, where=unreadable.where)
        return _explained() if unreadable.kind == "command" else BoltResponse(status=400)
    mode = "socket_mode" if raw is None else "http"
    signed = {name: each for name, each in (headers or {}).items() if name in _SIGNED}
    request = BoltRequest(body="", headers=dict(signed), mode=mode)
    request.raw_body = raw or ""
    request.body = read.model_dump(exclude_none=True)
    request.context = build_context(request.context, request.body)
    request.context[READ] = read
    return app.dispatch(request)


def _explained() -> BoltResponse:
    """Say so to whoever typed it: a command is the one thing whose answer is shown as it is."""
    answer = error(ErrorInfo(PAYLOAD_UNREADABLE)).body | {"response_type": "ephemeral"}
    return BoltResponse(
        status=HTTPStatus.OK,
        body=json.dumps(answer),
        headers={"content-type": "application/json;charset=utf-8"},
    )
