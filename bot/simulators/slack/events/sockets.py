"""Socket Mode: websockets of the app, envelopes to exactly one of them, acks from any.

    app                                     Slack
     │ ── GET /socket/<ticket> ──────────────▶│   the ticket of apps.connections.open, used once
     │ ◀───────────────────────────── hello ──│
     │ ◀── {envelope_id, type, payload} ──────│   to one connection, in turn
     │ ── {envelope_id, payload?} ───────────▶│   the ack, on whichever connection
     │ ◀── {type: disconnect, reason} ────────│   go and open another one

Pings in both directions are the web server's business (serving.py).
"""

from __future__ import annotations

import asyncio
import json
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from bot.simulators.slack.workspace.model import Json
from bot.simulators.slack.workspace.state import Workspace

MOST_SOCKETS = 10
_HOST = "applink-playground"


@dataclass(eq=False, slots=True)
class Socket:
    websocket: WebSocket
    id: str = field(default_factory=lambda: secrets.token_hex(4))
    is_leaving: bool = False  # was told to open another connection
    is_frozen: bool = False  # nothing gets through any more, in neither direction

    async def send(self, message: Json) -> bool:
        """Whether it could still be handed to the network."""
        if self.is_frozen:
            return True
        try:
            await self.websocket.send_text(json.dumps(message))
        except (RuntimeError, WebSocketDisconnect):
            return False
        return True

    async def close(self) -> None:
        try:
            await self.websocket.close()
        except (RuntimeError, WebSocketDisconnect):
            return

    def freeze(self) -> None:
        self.is_frozen = True
        self.websocket.scope["extensions"]["playground.freeze"]()

    def cut(self) -> None:
        self.websocket.scope["extensions"]["playground.reset"]()


class Sockets:
    """The open connections of the app and the envelopes that wait for an ack."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._open: list[Socket] = []
        self._waiting: dict[str, asyncio.Future[Any]] = {}

    @property
    def count(self) -> int:
        return len(self._open)

    async def endpoint(self, websocket: WebSocket) -> None:
        workspace = self._workspace
        ticket = websocket.path_params["ticket"]
        if ticket not in workspace.tickets:
            await websocket.close()
            return
        workspace.tickets.remove(ticket)
        await websocket.accept()
        socket = Socket(websocket)
        if self.count >= MOST_SOCKETS:
            await socket.send(_disconnect("too_many_websockets"))
            await socket.close()
            return
        self._open.append(socket)
        workspace.changed()
        await socket.send(self._hello())
        try:
            # RuntimeError: it was lost while this end was sending.
            with suppress(RuntimeError):
                async for text in websocket.iter_text():
                    self._take_ack(text)
        finally:
            self._open.remove(socket)
            workspace.changed()

    async def send_to_one(self, envelope: Json) -> None:
        """Hand an envelope to the connection whose turn it is.

        One that was told to leave, or broke just now, has its turn only after all others.
        """
        for socket in sorted(self._open, key=lambda socket: socket.is_leaving):
            self._open.remove(socket)
            self._open.append(socket)
            if await socket.send(envelope):
                return

    def expect_ack(self, envelope_id: str) -> asyncio.Future[Any]:
        """A future for the payload of the first ack; `forget` it when it is no longer wanted."""
        return self._waiting.setdefault(envelope_id, asyncio.get_running_loop().create_future())

    def forget(self, envelope_id: str) -> None:
        self._waiting.pop(envelope_id, None)

    async def disconnect(self, reason: str, *, drop: bool) -> None:
        """Tell every connection to leave; `link_disabled` and `drop` also close it."""
        for socket in list(self._open):
            socket.is_leaving = True
            await socket.send(_disconnect(reason))
            if drop or reason == "link_disabled":
                await socket.close()

    def break_off(self, action: str, most: int) -> None:
        """Cut or freeze up to so many connections, the one first whose turn it is."""
        for socket in self._open[:most]:
            if action == "cut":
                socket.cut()
            else:
                socket.freeze()

    def _take_ack(self, text: str) -> None:
        try:
            ack = json.loads(text)
            envelope_id = ack["envelope_id"]
        except (ValueError, TypeError, KeyError):
            return  # Slack ignores what it does not understand.
        waiting = self._waiting.get(envelope_id)
        if waiting is not None and not waiting.done():
            waiting.set_result(ack.get("payload"))

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": self.count,
            "debug_info": {
                "host": _HOST,
                "started": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "build_number": 1,
                "approximate_connection_time": 18_060,
            },
            "connection_info": {"app_id": self._workspace.app["id"]},
        }


def _disconnect(reason: str) -> Json:
    return {"type": "disconnect", "reason": reason, "debug_info": {"host": _HOST}}
