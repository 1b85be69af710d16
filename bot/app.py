"""The composition root: `build(settings)` gives a Bot with everything wired, not yet started.

Slack ──socket or HTTP──► Bolt ──► handlers ──► workflow ──► store ◄── worker ──► CDN, Slack
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from filelock import FileLock
from slack_bolt import App
from slack_bolt.error import BoltError
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier

from bot import tracing
from bot.answers import Answers
from bot.canary import WAKE_S, Canary
from bot.cdn.client import CdnClient
from bot.cdn.credentials import from_settings
from bot.core.errors import BotError
from bot.core.setup_errors import (
    APP_TOKEN_REFUSED,
    SLACK_AWAY,
    SLACK_REFUSED,
)
from bot.decisions import Decisions
from bot.edge import EdgeProbe
from bot.gauges import registry_of
from bot.policy_file import PolicySource
from bot.settings import Mode, Settings
from bot.status import Status
from bot.steps import Steps
from bot.store.clock import ASK_EVERY_S
from bot.store.file import lock_database
from bot.store.holder import Holder
from bot.store.migrations import migrate, schema_problem
from bot.store.store import Store
from bot.submission import Submission
from bot.vitals import Vitals
from bot.watch import Watch
from bot.worker import THREADS, UPKEEP_S, Chore, Worker
from bot.workflow import Workflow
from handlers import register
from handlers.announcer import SlackAnnouncer
from handlers.boundary import Desk
from handlers.people import SlackDirectory
from handlers.slack_answers import NO_ANSWER, read_no
from handlers.slack_client import SlackClient
from handlers.transport import bolt_request
from handlers.ways import TIMEOUT_S

if TYPE_CHECKING:
    from handlers.socket_mode import SlackSocket

log = structlog.get_logger("purgebot.app")

MAX_BODY_BYTES = 1_000_000
"""More than Slack ever sends; what is larger is not Slack's."""


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
        canary: Canary,
        policy: PolicySource,
        socket: SlackSocket | None,
        lock: FileLock | None,
        desk: Desk,
        signatures: SignatureVerifier | None,
        status: Status,
    ) -> None:
        self.store = store
        self.worker = worker
        self.canary = canary
        self.policy = policy
        self.status = status
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
        return self.status.vitals.is_connected

    def start(self) -> None:
        tracing.start()
        self.status.listen()
        self.worker.start()
        self.connect()
        log.info("started", mode="http" if self._socket is None else "socket")

    def stop(self, within_s: float = 8.0) -> None:
        """Take no new work, let acknowledgements go out and running steps end, and close.

        It takes longer only where a listener is kept waiting, or an answer of its own to Slack.
        """
        deadline = time.monotonic() + within_s
        self.worker.take_no_more()
        if self._socket is not None:
            self._socket.close()
        self.worker.stop(max(0.0, deadline - time.monotonic()))
        self._desk.replies.shutdown()
        self.status.close()
        tracing.stop()
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


def build(settings: Settings, now: Callable[[], datetime] | None = None) -> Bot:
    """Wire a Bot that goes by `now`, or else by the clock that its replicas share.

    Raises: BotError (policy, database, token or credentials cannot be used).
    """
    policy = PolicySource(settings.policy)
    # What is open is closed again if a later part cannot be had.
    with ExitStack() as undo:
        lock = lock_database(settings)
        if lock is not None:
            undo.callback(lock.release)
        store = Store(settings.database_url.get_secret_value(), settings.sends_per_second)
        undo.callback(store.close)
        if store.is_sqlite:
            migrate(store.engine)
            store.jobs.free_all_leases()  # the lock says that nobody else is at work
        elif problem := schema_problem(store.engine):
            raise BotError(problem.kind, **problem.facts)
        bot = _wire(settings, policy, store, lock, now)
        undo.pop_all()
    return bot


def _wire(
    settings: Settings,
    policy: PolicySource,
    store: Store,
    lock: FileLock | None,
    now: Callable[[], datetime] | None,
) -> Bot:
    shared = store.clock() if now is None and not store.is_sqlite else None
    now = now or (shared.now if shared else lambda: datetime.now(UTC))
    client = web_client(settings)
    app = _bolt_app(settings, client)
    decisions = Decisions(store, policy, now)
    join_window = timedelta(seconds=settings.join_window_s)
    workflow = Workflow(decisions, join_window)
    directory = SlackDirectory(client, policy, now)
    cdn = CdnClient(
        settings.cdn_endpoint, from_settings(settings), pool_size=THREADS + 1, clock=now
    )
    canary = Canary(
        cdn,
        store.known,
        now,
        every=timedelta(minutes=settings.canary_minutes),
        channel_id=settings.operators_channel,
        low_share=settings.low_quota_share,
    )
    submission = Submission(decisions, join_window, canary.low_quota)
    announcer = SlackAnnouncer(client, now)
    holder = Holder()
    probe = EdgeProbe(settings.edge_address, now)
    watch = Watch(store, submission, cdn, probe, now, holder.name)
    answers = Answers(store, policy, cdn, now)
    steps = Steps(
        store, workflow, submission, watch, answers, cdn, directory, announcer, now, holder
    )
    worker = Worker(
        store,
        steps,
        holder,
        now,
        tick=policy.reload,
        chores=(
            Chore(
                "upkeep", UPKEEP_S, lambda: store.audit.keep(now(), settings.audit_retention_days)
            ),
            Chore("canary", WAKE_S, canary.look),
            *([Chore("clock", ASK_EVERY_S, shared.ask)] if shared else []),
        ),
    )
    decisions.wake = worker.wake
    desk = Desk(workflow, directory, answers)
    register(app, desk)
    socket = None
    if settings.mode is Mode.SOCKET:
        assert settings.slack_app_token is not None, "the settings check it"
        from handlers.socket_mode import SlackSocket

        socket = SlackSocket(app, settings.slack_app_token.get_secret_value())
    connected = socket.is_connected if socket else None
    vitals = Vitals(store, worker, holder, now, connected, lambda: client.token_refused)
    status = Status(vitals, registry_of(store, vitals, now), settings.status_address)
    secret = settings.slack_signing_secret
    signatures = SignatureVerifier(secret.get_secret_value()) if secret else None
    return Bot(app, store, worker, canary, policy, socket, lock, desk, signatures, status)


def web_client(settings: Settings) -> SlackClient:
    """Give the client for Slack's Web API."""
    return SlackClient(
        token=settings.slack_bot_token.get_secret_value(),
        base_url=settings.slack_api_url,
        timeout=TIMEOUT_S,
    )


def _bolt_app(settings: Settings, client: SlackClient) -> App:
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
