"""The status pages of a process over HTTP, for operators.

    /healthz   200 while its own loops run, else 503: restart it
    /readyz    200 if it can take commands and carry them out, else 503; with reasons
    /metrics   for Prometheus

They have their own address (PURGEBOT_STATUS_BIND) and use the standard library's server, so that
they work whatever the state of the bot's ingress, and cost almost nothing in Socket Mode.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from bot.core.errors import BotError
from bot.core.setup_errors import ADDRESS_TAKEN
from bot.health.checks import HealthChecks

log = structlog.get_logger("purgebot.status")

HEALTH_PATHS = ("/healthz", "/readyz")
IDLE_S = 5
"""How long a client may be silent in the middle of a request, in seconds."""
MOST_CONNECTIONS = 16
"""Each has a thread.  If there are more, the oldest is closed."""


@dataclass(frozen=True, slots=True)
class Page:
    """An HTTP answer."""

    status: int
    media_type: str
    body: bytes


@dataclass(eq=False)
class HealthEndpoint:
    """The pages of one bot, and the listener that serves them, if there is one."""

    health_checks: HealthChecks
    _registry: CollectorRegistry
    _address: tuple[str, int] | None
    _server: _Server | None = None

    def page(self, path: str, accept: str = "") -> Page | None:
        """Return the page of a path, or None if there is none."""
        match path:
            case "/healthz":
                alive, reason = self.health_checks.alive()
                return _json(alive, {"status": "alive" if alive else "stuck", "reason": reason})
            case "/readyz":
                ready, checks = self.health_checks.ready()
                status = (
                    "ready" if ready else "stopping" if self.health_checks.stopping else "not ready"
                )
                told = {each.name: {"good": each.good, "reason": each.reason} for each in checks}
                return _json(ready, {"status": status, "checks": told})
            case "/metrics":
                encode, media_type = choose_encoder(accept)
                return Page(200, media_type, encode(self._registry))
            case _:
                return None

    def listen(self) -> None:
        """Serve the pages from now on, in separate threads.

        Raises: BotError if the address cannot be listened on.
        """
        if self._address is None:
            return
        listener = listener_at(*self._address)
        self._server = _server(self, listener)
        threading.Thread(target=self._server.serve_forever, name="status", daemon=True).start()
        log.info("status-listening", address=f"{self._address[0]}:{listener.getsockname()[1]}")

    def close(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


def listener_at(host: str, port: int) -> socket.socket:
    """Return a listening socket.  Raises: BotError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise BotError(ADDRESS_TAKEN, address=f"{host}:{port}", cause=str(error.strerror)) from None


class _Server(ThreadingHTTPServer):
    """A server whose callers keep nobody out, however many they are and whatever they do."""

    daemon_threads = True

    def __init__(self, listener: socket.socket, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(listener.getsockname()[:2], handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self._free = threading.Semaphore(MOST_CONNECTIONS)
        self._callers: dict[socket.socket, None] = {}
        """Oldest first."""

    def process_request(self, request: Any, client_address: Any) -> None:
        wait_s = 0.0
        while not self._free.acquire(timeout=wait_s):
            for oldest in list(self._callers)[:1]:
                self._callers.pop(oldest, None)
                with suppress(OSError):  # it is closed by now
                    oldest.shutdown(socket.SHUT_RDWR)
            wait_s = 0.1  # for its thread, or one of the next, if that is not reading but at work
        self._callers[request] = None
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._callers.pop(request, None)
        super().shutdown_request(request)
        self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Log what went wrong, in one line; that callers leave is nothing that did."""
        if not isinstance(sys.exception(), OSError):
            log.exception("status-request-failed")  # noqa: LOG004  (it is called in a handler)


def _server(status: HealthEndpoint, listener: socket.socket) -> _Server:
    class Handler(BaseHTTPRequestHandler):
        timeout = IDLE_S

        def do_GET(self) -> None:
            page = status.page(self.path.partition("?")[0], self.headers.get("Accept", ""))
            page = page or Page(404, "text/plain", b"there are /healthz, /readyz and /metrics\n")
            self.send_response(page.status)
            self.send_header("Content-Type", page.media_type)
            self.send_header("Content-Length", str(len(page.body)))
            self.end_headers()
            self.wfile.write(page.body)

        def version_string(self) -> str:
            return "purgebot"

        def log_message(self, *_: object) -> None:
            """Log nothing: probes come every few seconds."""

    return _Server(listener, Handler)


def _json(good: bool, body: dict[str, Any]) -> Page:
    return Page(200 if good else 503, "application/json", json.dumps(body).encode() + b"\n")
