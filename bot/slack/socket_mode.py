"""Slack's Socket Mode: a link that is always there, and envelopes that get their acknowledgements.

    connect ──► apps.connections.open ──► link ──► "hello" … envelopes ──► Bolt ──► ack
                        ▲                   │
                        └── at once ◄───────┤ "disconnect": the old link is read until it ends
                        └── ever later ◄────┘ lost, or not to be had

The SDK's own client is not used, because with it a command can get lost in a reconnect.  It stops
for 3 s, which is all that Slack waits, to close an old link whose acknowledgements are under way;
it does not see that a link has ended without a word, or was dead from the beginning; it notices a
link that has gone dead after 40 s; and it sleeps where it cannot be woken, when Slack limits it.
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
"""How long a link is read that Slack wants to be left: it says so some seconds ahead."""
LATEST_RETRY_S = 15.0
SETTLED_S = 10.0
"""Whoever has to open another link sooner than that waits longer from one to the next."""
MAX_ENVELOPE_BYTES = 4_000_000

_libraries_log = logging.getLogger("websockets.client")
_libraries_log.setLevel(logging.CRITICAL)  # it tells with a traceback what is told here in a line


class SlackSocket:
    """The connection of an app to Slack; `connect` opens it, and it stays open until `close`.

    `dispatch` answers the payload of an envelope; it is called from `at_once` threads.
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
        """Open or just lost, the newest first: it gets the acknowledgements."""
        self._renew = threading.Event()
        self._closing = threading.Event()
        self._under_way = 0
        self._answered = threading.Condition()

    def connect(self) -> None:
        """Open the first link; where Slack limits that, it is opened later.

        Raises: SlackApiError, and what `NO_ANSWER` names.
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
        """Whether Slack can reach us: a dead link counts for PING_EVERY_S + PONG_WITHIN_S."""
        return any(link.state is State.OPEN for link in self._links)

    def close(self, within_s: float = 3.0) -> None:
        """Let the acknowledgements under way go out, then close; what comes after is not ours."""
        self._closing.set()
        self._renew.set()
        with self._answered:
            self._answered.wait_for(lambda: self._under_way == 0, within_s)
        for link in list(self._links):
            link.close()
        self._pool.shutdown(wait=False)

    # Links

    def _keep_open(self, wait_s: float) -> None:
        """Open another link whenever one is wanted, as soon as Slack lets us."""
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
            except Exception as error:  # noqa: BLE001  (whatever it is, without a link the bot is deaf)
                asked_s = read_no(error).retry_after_s if isinstance(error, SlackApiError) else None
                wait_s = asked_s or max(1.0, wait_s) * random.uniform(0.5, 1.0)  # noqa: S311  (so that not all replicas come at once)
                log.warning("socket-not-opened", why=self._why(error), again_in_s=round(wait_s, 1))
                self._renew.set()

    def _open(self) -> None:
        """Open a link and read it from now on; those before it end when Slack ends them."""
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
        """Take in what comes over a link until it has ended."""
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
            pass  # it has been left for long enough
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
        with suppress(RuntimeError):  # it came as all was being closed
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
        """Send an acknowledgement; Slack takes it over any link."""
        for link in list(self._links):
            try:
                link.send(text)
            except WebSocketException:
                continue
            return
        log.warning("not-acknowledged")  # what it is for was written down all the same


def acknowledgement(envelope: dict[str, Any], response: BoltResponse) -> dict[str, Any] | None:
    """Give what acknowledges an envelope with Bolt's response; None: nothing does."""
    if response.status != HTTPStatus.OK:
        return None
    ack: dict[str, Any] = {"envelope_id": envelope["envelope_id"]}
    if response.body:
        kind = (response.headers.get("content-type") or [""])[0]
        is_json = kind.startswith("application/json")
        ack["payload"] = json.loads(response.body) if is_json else {"text": response.body}
    return ack
