"""The composition root: `build(settings)` gives a Bot with everything wired, not yet started.

Slack ──socket or HTTP──► Bolt ──► handlers ──► workflow ──► store ◄── worker ──► CDN, Slack
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog
from filelock import FileLock, Timeout
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_bolt.error import BoltError
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from bot.cdn.client import CdnClient
from bot.cdn.credentials import Credentials, from_default_chain, static
from bot.core.errors import BotError
from bot.core.setup_errors import (
    APP_TOKEN_REFUSED,
    DATABASE_AWAY,
    DATABASE_IN_USE,
    SLACK_AWAY,
    SLACK_REFUSED,
)
from bot.policy_file import PolicySource
from bot.settings import Mode, Settings
from bot.steps import Steps
from bot.store.jobs import Holder
from bot.store.migrations import migrate
from bot.store.store import Store
from bot.worker import THREADS, Worker
from bot.workflow import Workflow
from handlers import register
from handlers.announcer import TIMEOUT_S, SlackAnnouncer
from handlers.boundary import Desk
from handlers.people import SlackDirectory
from handlers.slack_answers import NO_ANSWER, read_no
from handlers.transport import bolt_request, close_socket

log = structlog.get_logger("purgebot.app")

MAX_BODY_BYTES = 1_000_000
"""More than Slack ever sends; what is larger is not Slack's."""
ENVELOPES_AT_ONCE = 64
"""As many as one commit takes.  Each may wait 2 s for a slow database, and Slack gives 3 s in all:
what waits for its turn behind others is told to have failed, and is carried out all the same."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back to Slack over HTTP."""

    status: int
    headers: dict[str, str]
    body: str


class Bot:
    """The running bot: `receive` is the HTTP door, `start` opens the socket if there is one."""

    def __init__(
        self,
        app: App,
        store: Store,
        worker: Worker,
        policy: PolicySource,
        socket: SocketModeHandler | None,
        lock: FileLock | None,
        desk: Desk,
        signatures: SignatureVerifier | None,
    ) -> None:
        self.store = store
        self.worker = worker
        self.policy = policy
        self._app = app
        self._socket = socket
        self._lock = lock
        self._desk = desk
        self._signatures = signatures

    def connect(self) -> None:
        """Open the socket, where the mode has one: from now on commands come in.

        Raises: BotError (Slack cannot be reached, or does not take the app-level token).
        """
        if self._socket is None:
            return
        try:
            self._socket.connect()
        except SlackApiError as error:
            raise BotError(APP_TOKEN_REFUSED, error=read_no(error).code) from None
        except NO_ANSWER:
            raise BotError(SLACK_AWAY) from None

    @property
    def connected(self) -> bool:
        """Whether Slack can reach the bot through its socket; in HTTP mode always."""
        return self._socket is None or self._socket.client.is_connected()

    def start(self) -> None:
        self.worker.start()
        self.connect()
        log.info("started", mode="http" if self._socket is None else "socket")

    def stop(self) -> None:
        """Take no new work, let running steps end, and close."""
        if self._socket is not None:
            close_socket(self._socket.client)
        self.worker.stop()
        self._desk.replies.shutdown()
        self.store.close()
        if self._lock is not None:
            self._lock.release()
        log.info("stopped")

    def receive(self, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Answer one HTTP request of Slack's; hostile input gets a 4xx, never a traceback."""
        if len(body) > MAX_BODY_BYTES:
            return Reply(413, {}, "")
        try:
            text = body.decode("utf-8")
            # Bolt verifies what it has parsed, and fails on what it cannot parse: so it gets to
            # see nothing that is not Slack's.
            if not self._is_signed(text, headers):
                return Reply(401, {}, "")
            request = bolt_request(text, dict(headers))
        except (ValueError, TypeError, AttributeError, RecursionError):
            return Reply(400, {}, "")  # not UTF-8, not JSON, or not in the shape of a request
        response = self._app.dispatch(request)
        return Reply(
            response.status,
            {name: values[0] for name, values in response.headers.items()},
            response.body or "",
        )

    def _is_signed(self, text: str, headers: Mapping[str, str]) -> bool:
        timestamp = headers.get("x-slack-request-timestamp", "")
        signature = headers.get("x-slack-signature", "")
        # The verifier raises on a timestamp that is no number and on a signature beyond ASCII.
        readable = timestamp.isdecimal() and len(timestamp) < 20 and signature.isascii()
        return (
            readable
            and self._signatures is not None
            and self._signatures.is_valid(text, timestamp, signature)
        )


def build(settings: Settings, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Bot:
    """Wire a Bot.  Raises: BotError (policy, database, token or credentials cannot be used)."""
    policy = PolicySource(settings.policy)
    # What is open is closed again if a later part cannot be had.
    with ExitStack() as undo:
        lock = _lock_database(settings)
        if lock is not None:
            undo.callback(lock.release)
        store = Store(settings.database_url.get_secret_value())
        undo.callback(store.close)
        try:
            migrate(store.engine)
        except DBAPIError as error:
            raise BotError(DATABASE_AWAY, cause=str(error.orig).partition("\n")[0]) from None
        if store.is_sqlite:
            store.jobs.free_all_leases()  # the lock says that nobody else is at work
        bot = _wire(settings, policy, store, lock, now)
        undo.pop_all()
    return bot


def _wire(
    settings: Settings,
    policy: PolicySource,
    store: Store,
    lock: FileLock | None,
    now: Callable[[], datetime],
) -> Bot:
    client = web_client(settings)
    app = _bolt_app(settings, client)
    workflow = Workflow(store, policy, now)
    directory = SlackDirectory(client, policy, now)
    cdn = CdnClient(settings.cdn_endpoint, credentials(settings), pool_size=THREADS, clock=now)
    announcer = SlackAnnouncer(client, now)
    holder = Holder()
    steps = Steps(store, workflow, cdn, directory, announcer, now, holder)
    worker = Worker(
        store,
        steps,
        holder,
        now,
        tick=policy.reload,
        upkeep=lambda: store.audit.keep(now(), settings.audit_retention_days),
    )
    workflow.wake = worker.wake
    desk = Desk(workflow, directory)
    register(app, desk)
    socket = None
    if settings.mode is Mode.SOCKET:
        assert settings.slack_app_token is not None, "the settings check it"
        socket = SocketModeHandler(
            app, settings.slack_app_token.get_secret_value(), concurrency=ENVELOPES_AT_ONCE
        )
    secret = settings.slack_signing_secret
    signatures = SignatureVerifier(secret.get_secret_value()) if secret else None
    return Bot(app, store, worker, policy, socket, lock, desk, signatures)


def web_client(settings: Settings) -> WebClient:
    """Give the client for Slack's Web API.

    The SDK's own retries are off: on a broken connection they post a message a second time.
    """
    return WebClient(
        token=settings.slack_bot_token.get_secret_value(),
        base_url=settings.slack_api_url,
        timeout=TIMEOUT_S,
        retry_handlers=[],
    )


def credentials(settings: Settings) -> Callable[[], Credentials]:
    """Give where the CDN's credentials come from: the settings, or the default chain."""
    if settings.access_key_id and settings.access_key_secret:
        token = settings.security_token
        return static(
            settings.access_key_id,
            settings.access_key_secret.get_secret_value(),
            token.get_secret_value() if token else None,
        )
    return from_default_chain()


def _bolt_app(settings: Settings, client: WebClient) -> App:
    secret = settings.slack_signing_secret
    try:
        return App(
            client=client,
            signing_secret=secret.get_secret_value() if secret else None,
            # Answers leave when the listener returns: the default mode looks for them every 10 ms.
            process_before_response=True,
        )
    except BoltError as error:
        answer = error.__context__  # Bolt wraps Slack's answer in words of its own
        code = read_no(answer).code if isinstance(answer, SlackApiError) else "unknown"
        raise BotError(SLACK_REFUSED, error=code) from None
    except NO_ANSWER:
        raise BotError(SLACK_AWAY) from None


def database_file(settings: Settings) -> Path | None:
    """Give the SQLite file, its folder made; None for PostgreSQL.  Raises: BotError."""
    url = make_url(settings.database_url.get_secret_value())
    if url.get_backend_name() != "sqlite" or not url.database:
        return None
    file = Path(url.database)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BotError(DATABASE_AWAY, cause=f"{file.parent}: {error.strerror}") from None
    return file


def _lock_database(settings: Settings) -> FileLock | None:
    """Make sure that a SQLite file has one Purgebot; PostgreSQL may have many."""
    file = database_file(settings)
    if file is None:
        return None
    lock = FileLock(f"{file}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise BotError(DATABASE_IN_USE, file=str(file)) from None
    except OSError as error:
        raise BotError(DATABASE_AWAY, cause=f"{file}.lock: {error.strerror}") from None
    return lock
