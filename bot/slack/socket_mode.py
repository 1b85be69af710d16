"""Slack's Socket Mode: keep a link open, and acknowledge envelopes.

    connect ──► apps.connections.open ──► link ──► "hello" … envelopes ──► Bolt ──► ack
                        ▲                   │
                        └── at once ◄───────┤ "disconnect": the old link is read until it ends
                        └── ever later ◄────┘ lost, or not to be had

The SDK's own client is not used, because a reconnect can lose a command with it.  It stops for 3 s,
Slack's whole limit, to close an old link with acknowledgements under way; it does not notice a link
that ended without a close frame or was dead from the start; it notices a dead link only after 40 s;
and its sleep cannot be interrupted while Slack limits it.
https://github.com/slackapi/python-slack-sdk/issues/1701
"""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from http import HTTPStatus
from typing import Any

import structlog
from slack_bolt import BoltResponse
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from websockets.exceptions import InvalidProxyStatus, WebSocketException
from websockets.protocol import State
from websockets.sync.client import ClientConnection, connect

from bot.core.network.connection_errors import TUNNEL_FAILED
from bot.slack.errors import NO_ANSWER, read_no, why_no_answer
from bot.telemetry.metrics import SOCKET_SESSIONS

log = structlog.get_logger("purgebot.socket")

PING_EVERY_S = 5.0
PONG_WITHIN_S = 5.0
OPEN_WITHIN_S = 5.0
READ_ON_S = 15.0
"""How long a link is still read after Slack asked to leave it, which it does some seconds ahead."""
LATEST_RETRY_S = 15.0
SETTLED_S = 10.0
"""If another link is needed sooner than this, the wait before each next one grows."""
MAX_ENVELOPE_BYTES = 4_000_000

_libraries_log = logging.getLogger("websockets.client")
_libraries_log.setLevel(logging.CRITICAL)  # it logs a traceback; here it is one line


class SlackSocket:
    """The connection of an app to Slack.  `connect` opens it; it stays open until `close`.

    `dispatch` answers the payload of an envelope.  It is called from `at_once` threads.
    """

    def __init__(
        self,
        client: WebClient,
        app_token: str,
        dispatch: Callable[[Any], BoltResponse],
        at_once: int,
    ) -> None:
        self._slack = client
        self._app_token = app_token
        self._dispatch = dispatch
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="envelope")
        self._links: list[ClientConnection] = []
        """Open or just lost, the newest first: that one gets the acknowledgements."""
        self._renew = threading.Event()
        self._closing = threading.Event()
        self._under_way = 0
        self._answered = threading.Condition()

    def connect(self) -> None:
        """Open the first link.  If Slack limits that now, it is opened later.

        Raises: SlackApiError, or one of NO_ANSWER.
        """
        wait_s = 0.0
        try:
            self._open()
        except SlackApiError as error:
            no = read_no(error)
            if not no.passing:
                raise
            wait_s = no.retry_after_s or 1.0
            self._renew.set()
        threading.Thread(target=self._keep_open, args=[wait_s], name="socket", daemon=True).start()

    def is_connected(self) -> bool:
        """Return whether a link is open.  A dead one counts for PING_EVERY_S + PONG_WITHIN_S."""
        return any(link.state is State.OPEN for link in self._links)

    def close(self, within_s: float = 3.0) -> None:
        """Wait up to `within_s` for acknowledgements under way, then close all links."""
        self._closing.set()
        self._renew.set()
        with self._answered:
            self._answered.wait_for(lambda: self._under_way == 0, within_s)
        for link in list(self._links):
            link.close()
        self._pool.shutdown(wait=False)

    # Links

    def _keep_open(self, wait_s: float) -> None:
        """Open another link whenever one is needed, as soon as Slack allows it."""
        in_a_row, opened_at = 0, time.monotonic()
        while not self._closing.wait(wait_s):
            self._renew.wait()
            self._renew.clear()
            if self._closing.is_set():
                return
            in_a_row = in_a_row + 1 if time.monotonic() - opened_at < SETTLED_S else 0
            opened_at = time.monotonic()
            wait_s = min(float(in_a_row), LATEST_RETRY_S)
            try:
                self._open()
            except Exception as error:  # noqa: BLE001  (without a link the bot gets nothing)
                asked_s = read_no(error).retry_after_s if isinstance(error, SlackApiError) else None
                wait_s = asked_s or max(1.0, wait_s) * random.uniform(0.5, 1.0)  # noqa: S311  (spreads the replicas)
                log.warning("socket-not-opened", why=self._why(error), again_in_s=round(wait_s, 1))
                self._renew.set()

    def _open(self) -> None:
        """Open a link and read it from now on.  Earlier links end when Slack ends them."""
        opened = self._slack.apps_connections_open(app_token=self._app_token)
        url = str(opened["url"])
        end = ExitStack()
        try:
            link = end.enter_context(
                connect(
                    url,
                    ssl=self._slack.ssl if url.startswith("wss:") else None,
                    open_timeout=OPEN_WITHIN_S,
                    ping_interval=PING_EVERY_S,
                    ping_timeout=PONG_WITHIN_S,
                    close_timeout=1.0,
                    max_size=MAX_ENVELOPE_BYTES,
                )
            )
        except InvalidProxyStatus as error:
            raise OSError(f"{TUNNEL_FAILED}: {error.response.status_code}") from error
        except WebSocketException as error:
            raise ConnectionError(type(error).__name__) from error
        self._links.insert(0, link)
        SOCKET_SESSIONS.inc()
        log.info("socket-opened", links=len(self._links))
        threading.Thread(target=self._read, args=[link, end], name="link", daemon=True).start()
        if self._closing.is_set():
            link.close()

    def _why(self, error: Exception) -> str:
        if isinstance(error, SlackApiError):
            return read_no(error).code
        if isinstance(error, NO_ANSWER):
            return why_no_answer(error, self._slack.base_url)
        return type(error).__name__

    def _read(self, link: ClientConnection, end: ExitStack) -> None:
        """Read a link until it ends."""
        leave_at: float | None = None
        why = "it was told to"
        try:
            with end:
                while True:
                    left_s = None if leave_at is None else max(0.0, leave_at - time.monotonic())
                    message = json.loads(link.recv(left_s))
                    if message.get("type") == "disconnect":
                        leave_at = leave_at or time.monotonic() + READ_ON_S
                        log.info("socket-to-be-left", why=message.get("reason"))
                        self._renew.set()
                    elif "envelope_id" in message:
                        self._take(message)
        except TimeoutError:
            pass  # it was left long enough ago
        except WebSocketException as error:
            why = str(error)
        except (ValueError, AttributeError, RecursionError):
            why = "what came over it was no envelope"
        finally:
            self._links.remove(link)
            if leave_at is None and not self._closing.is_set():
                log.warning("socket-lost", why=why)
                self._renew.set()

    # Envelopes

    def _take(self, envelope: dict[str, Any]) -> None:
        with self._answered:
            self._under_way += 1
        with suppress(RuntimeError):  # everything is being closed
            self._pool.submit(self._answer, envelope)

    def _answer(self, envelope: dict[str, Any]) -> None:
        try:
            ack = acknowledgement(envelope, self._dispatch(envelope.get("payload")))
            if ack is not None:
                self._send(json.dumps(ack))
        except Exception:
            log.exception("envelope-failed")
        finally:
            with self._answered:
                self._under_way -= 1
                self._answered.notify_all()

    def _send(self, text: str) -> None:
        """Send an acknowledgement.  Slack accepts it over any link."""
        for link in list(self._links):
            try:
                link.send(text)
            except WebSocketException:
                continue
            return
        log.warning("not-acknowledged")  # the request itself was saved anyway


def acknowledgement(envelope: dict[str, Any], response: BoltResponse) -> dict[str, Any] | None:
    """Return the acknowledgement of an envelope with Bolt's response.  None if it gets none."""
    if response.status != HTTPStatus.OK:
        return None
    ack: dict[str, Any] = {"envelope_id": envelope["envelope_id"]}
    if response.body:
        kind = (response.headers.get("content-type") or [""])[0]
        is_json = kind.startswith("application/json")
        ack["payload"] = json.loads(response.body) if is_json else {"text": response.body}
    return ack
