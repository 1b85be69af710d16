"""Several web apps served on loopback by one thread, for as long as a `with` block lasts.

    with serving({"slack": sim.api, "page": front}, ports={"page": 8080}) as urls:
        urls["slack"]  →  "http://127.0.0.1:41001"

One asyncio loop runs all of them, so apps that share state touch it from one thread only.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK = "127.0.0.1"
IDLE_FOR_S = 24 * 60 * 60
"""How long a caller may be silent.  A server that hangs up on who is idle may do so just as they speak
again, and what they say is lost; on loopback nothing is won by it."""


@contextmanager
def serving(
    apps: Mapping[str, ASGIApp],
    *,
    ports: Mapping[str, int] | None = None,
    ping_interval_s: float = 0.25,
) -> Iterator[dict[str, str]]:
    """Give the URL of each app, without a trailing slash, and serve them until the block ends.

    An app without an entry in `ports` gets a free port.  The block's end closes what is still
    open (websockets, event streams, requests under way) instead of waiting for it.  An app may
    break off a connection with `scope["extensions"]["playground.abort"]()`.
    Lifespan handlers of the apps are not run.

    Websockets are pinged often, because Slack's own client notices only at the next frame, or after
    three seconds, that it was asked to close.
    Raises: OSError when a port is taken.
    """
    with ExitStack() as opened:
        sockets = {name: opened.enter_context(_listen((ports or {}).get(name, 0))) for name in apps}
        thread = _Thread(
            [(_Server(app, ping_interval_s), sockets[name]) for name, app in apps.items()]
        )
        thread.start()
        try:
            thread.wait_until_started()
            yield {
                name: f"http://{LOOPBACK}:{sock.getsockname()[1]}" for name, sock in sockets.items()
            }
        finally:
            thread.stop()


def _listen(port: int) -> socket.socket:
    """A socket that takes connections from now on, so that nobody can race for its port."""
    # Named as TCP, or asyncio leaves small answers waiting for the caller's ACK, 40 ms each.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


class _Abortable:
    """Lets an app break a connection, by what it finds in `scope["extensions"]`:

    playground.abort    ends it without an answer
    playground.reset    ends a websocket at once, and whatever was on its way is lost
    playground.freeze   reads no more from a websocket, as if its other end were out of reach

    ASGI has no word for a broken network, and a pretend service needs one.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport = getattr(getattr(send, "__self__", None), "transport", None)
        if scope["type"] in {"http", "websocket"} and transport is not None:
            scope["extensions"] = (scope.get("extensions") or {}) | {
                "playground.abort": transport.abort,
                "playground.reset": partial(_reset, transport),
                "playground.freeze": transport.pause_reading,
            }
        await self._app(scope, receive, send)


def _reset(transport: asyncio.Transport) -> None:
    opened = transport.get_extra_info("socket")
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class _Server(uvicorn.Server):
    """A uvicorn server that stops when told, not at its next tick."""

    def __init__(self, app: ASGIApp, ping_interval_s: float) -> None:
        super().__init__(
            uvicorn.Config(
                _Abortable(app),
                # The older "websockets" flavour stands on a deprecated interface and warns.
                ws="websockets-sansio",
                ws_per_message_deflate=False,
                ws_ping_interval=ping_interval_s,
                ws_ping_timeout=20.0,
                log_config=None,
                log_level="error",
                access_log=False,
                server_header=False,
                date_header=False,
                lifespan="off",
                timeout_keep_alive=IDLE_FOR_S,
                timeout_graceful_shutdown=0,
            )
        )
        self.running = asyncio.Event()
        self.stopping = asyncio.Event()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        self.running.set()
        await self.stopping.wait()
        await self._let_nobody_in()
        # What is cut off at the end is nobody's error.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)

    async def _let_nobody_in(self) -> None:
        """Stop accepting, and wait until everybody who was accepted has a connection.

        asyncio makes it in a task of its own, which fails where the server was closed meanwhile, and
        then nothing closes the socket: https://github.com/python/cpython/issues/109564
        """
        loop = asyncio.get_running_loop()
        for server in self.servers:
            for listener in server.sockets:
                loop.remove_reader(listener.fileno())
        for _ in range(2):  # the task begins; it hands the connection over
            await asyncio.sleep(0)


class _Thread(threading.Thread):
    """The thread whose loop runs every server."""

    def __init__(self, bindings: list[tuple[_Server, socket.socket]]) -> None:
        super().__init__(name="playground", daemon=True)
        self._bindings = bindings
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._failure: BaseException | None = None

    def run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as failure:  # noqa: BLE001  # raised again in the caller's thread
            self._failure = failure
        finally:
            self._ready.set()

    def wait_until_started(self) -> None:
        self._ready.wait()
        if self._failure is not None:
            raise RuntimeError("the servers did not start") from self._failure

    def stop(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop_servers)
        self.join(timeout=5)

    def _stop_servers(self) -> None:
        for server, _ in self._bindings:
            server.stopping.set()

    async def _serve(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for server, listener in self._bindings:
                    group.create_task(server.serve(sockets=[listener]))
                for server, _ in self._bindings:
                    await server.running.wait()
                self._loop = asyncio.get_running_loop()
                self._ready.set()
        finally:
            # uvicorn leaves open who does not take its answer, and, where one server fails to stop,
            # whoever the others were talking to.
            for server, _ in self._bindings:
                for connection in list(server.server_state.connections):
                    connection.transport.abort()
            await asyncio.sleep(0)
