"""Where Bolt and its SDK fall short on the way in and out: reading a form, closing the socket."""

from __future__ import annotations

import contextlib
from urllib.parse import parse_qsl

from slack_bolt import BoltRequest
from slack_bolt.request.internals import build_context
from slack_sdk.socket_mode import SocketModeClient


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


def close_socket(client: SocketModeClient) -> None:
    """Close Slack's socket: no new envelopes, then the acknowledgements under way, then the rest.

    The SDK's own `close` waits up to 3 s for data and 1 s for a message; the answer to a ping is
    data, and an empty message is one.
    """
    client.auto_reconnect_enabled = False
    client.closed = True
    client.message_queue.put(None)
    client.current_session_state.terminated = True
    if client.current_session is not None and client.is_connected():
        with contextlib.suppress(OSError):
            client.current_session.ping()
    client.message_workers.shutdown()
    client.close()
