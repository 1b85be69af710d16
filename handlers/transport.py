"""Pass payloads to Bolt, from HTTP and from a socket: only validated fields.

Bolt does not check the form of a payload, and fails on an unexpected one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from slack_bolt import App, BoltRequest, BoltResponse

from bot.core.errors import PAYLOAD_UNREADABLE, ErrorInfo
from handlers import payloads
from handlers.blocks.error import error

log = structlog.get_logger("purgebot.listener")

_SIGNED = ("x-slack-request-timestamp", "x-slack-signature")
"""The headers that Bolt verifies.  Slack's signature does not cover others, so Bolt gets none."""
READ = "payload"
"""The key of the validated payload in Bolt's context."""


def dispatch(
    app: App, payload: Any, *, raw: str | None = None, headers: Mapping[str, str] | None = None
) -> BoltResponse:
    """Let Bolt answer a payload.  Without the `raw` body it came through a socket.

    400: it is not Slack's. 404: this app requested no payload of this kind.
    """
    try:
        read = payloads.read(payload, app.client.base_url)
    except payloads.NotOurs:
        return BoltResponse(status=HTTPStatus.NOT_FOUND)
    except payloads.Unreadable as unreadable:
        log.warning("payload-unreadable", kind=unreadable.kind, where=unreadable.where)
        return _explained() if unreadable.kind == "command" else BoltResponse(status=400)
    signed = {name: each for name, each in (headers or {}).items() if name in _SIGNED}
    # In this mode Bolt takes a body that is parsed.
    request = BoltRequest(
        body=read.model_dump(exclude_none=True),
        headers=dict(signed),
        context={READ: read},
        mode="socket_mode",
    )
    if raw is not None:
        request.mode, request.raw_body = "http", raw
    return app.dispatch(request)


def _explained() -> BoltResponse:
    """Return an answer to the person, which is possible only for a command."""
    answer = error(ErrorInfo(PAYLOAD_UNREADABLE)).body | {"response_type": "ephemeral"}
    return BoltResponse(
        status=HTTPStatus.OK,
        body=json.dumps(answer),
        headers={"content-type": "application/json;charset=utf-8"},
    )
