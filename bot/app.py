"""The composition root: `build(settings)` returns a Bot with all parts connected, not started.

Slack ──socket or HTTP──► Bolt ──► handlers ──► workflow ──► store ◄── worker ──► CDN, Slack
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import structlog
from slack_bolt import App
from slack_bolt.error import BoltError
from slack_sdk.errors import SlackApiError

from bot.cdn.client import CdnClient
from bot.cdn.credentials import from_settings
from bot.cdn.edge_probe import EdgeProbe
from bot.config import trust
from bot.config.policy_file import PolicySource
from bot.config.settings import Mode, Settings
from bot.core.decisions.rulings import Rules
from bot.core.errors import BotError
from bot.core.policy.decision import operators_of
from bot.core.setup_errors import APP_TOKEN_REFUSED, SLACK_AWAY, SLACK_REFUSED
from bot.health.checks import HealthChecks
from bot.health.collector import registry_of
from bot.health.endpoint import HealthEndpoint
from bot.health.ingress import TELL_EVERY_S, Ingress, Refusal
from bot.slack.client import SlackClient
from bot.slack.delivery import TIMEOUT_S
from bot.slack.directory import SlackDirectory
from bot.slack.errors import NO_ANSWER, read_no, why_no_answer
from bot.slack.installation import Installation
from bot.slack.message import Message
from bot.store.clock import ASK_EVERY_S
from bot.store.database.sqlite import lock_database
from bot.store.database.writers import GROUP_SIZE
from bot.store.migrations import migrate, schema_error
from bot.store.queue.owner import LeaseOwner
from bot.store.store import Store
from bot.telemetry import tracing
from bot.telemetry.troubles import Troubles
from bot.worker.cdn_monitor import WAKE_S, Canary
from bot.worker.domain_list import Account
from bot.worker.executor import Executor
from bot.worker.loop import THREADS, UPKEEP_S, Chore, Worker
from bot.worker.sending import Sending
from bot.worker.tracking import Watch
from bot.workflow.confirmations import Doubts
from bot.workflow.interactions import Interactions
from bot.workflow.queries import Answers
from bot.workflow.refusals import RefusalLimit
from bot.workflow.requests import PurgeRequests
from handlers import register
from handlers.announcer import SlackAnnouncer
from handlers.blocks.operators import naming_operators
from handlers.boundary import ListenerContext
from handlers.payloads import parse
from handlers.replies import Replies
from handlers.transport import dispatch

if TYPE_CHECKING:
    from bot.slack.socket_mode import SlackSocket

log = structlog.get_logger("purgebot.app")

POLICY_S = 2.0
"""How often it is looked whether the policy file has changed, in seconds."""
LOOK_S = 5.0
"""How often it is looked whether a database that failed is back, in seconds; no step waits for it."""
ASK_AGAIN_S = 20.0
"""How often refused methods are tried again, in seconds; Slack allows 20 such calls per minute."""
ENVELOPES_AT_ONCE = GROUP_SIZE
"""As many as one commit takes.  Each may wait 2 s for a slow database, and Slack gives 3 s in all:
an envelope that waits behind others is shown as failed, although it is carried out.
"""
MAX_BODY_BYTES = 1_000_000
"""More than Slack ever sends: a longer body is not Slack's."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to Slack over HTTP."""

    status: int
    headers: dict[str, str]
    body: str


@dataclass(eq=False, kw_only=True)
class Bot:
    """The running bot.  `receive` is the HTTP ingress; `start` opens the socket, if any."""

    app: App
    store: Store
    worker: Worker
    canary: Canary
    account: Account
    policy: PolicySource
    socket: SlackSocket | None
    context: ListenerContext
    ingress: Ingress | None
    status: HealthEndpoint
    slack: SlackClient
    resources: ExitStack = field(default_factory=ExitStack)
    """What is closed last: the store, the lock of its file, and the traces."""

    def connect(self) -> None:
        """Open the socket, if the mode has one.  From now on commands arrive.

        Raises: BotError if Slack cannot be reached, or refuses the app-level token.
        """
        if self.socket is None:
            return
        try:
            self.socket.connect()
        except SlackApiError as error:
            raise BotError(APP_TOKEN_REFUSED, error=read_no(error).code) from None
        except NO_ANSWER as error:
            raise _slack_away(error, self.app.client.base_url) from None

    def start(self) -> None:
        """Start the status listener, the worker and the socket.  Raises: BotError."""
        self.status.listen()
        self.worker.start()
        self.connect()
        log.info("started", mode="http" if self.socket is None else "socket")

    def stop(self, within_s: float = 8.0) -> None:
        """Take no new work, finish acknowledgements and running steps, and close.

        It takes longer than `within_s` only if a listener, or an answer to Slack, has to wait.
        """
        deadline = time.monotonic() + within_s
        self.worker.take_no_more()
        if self.socket is not None:
            self.socket.close()
        self.worker.stop(max(0.0, deadline - time.monotonic()))
        self.context.replies.close()
        self.status.close()
        if self.ingress is not None:
            self.ingress.tell(last=True)
        self.resources.close()
        log.info("stopped")

    def receive(self, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Answer one HTTP request.  Hostile input gets a 4xx, never a traceback."""
        assert self.ingress is not None, "only HTTP mode has a door"
        if len(body) > MAX_BODY_BYTES:
            return self._refusal(413)
        try:
            text = body.decode("utf-8")
            # Bolt parses before it verifies, and fails on what it cannot parse.
            if why := self.ingress.verify(text, headers):
                return self._refusal(401, why)
            payload = parse(text)
        except (ValueError, RecursionError):
            return self._refusal(400)  # not UTF-8, or neither JSON nor a form
        response = dispatch(self.app, payload, raw=text, headers=headers)
        if response.status in {400, 404}:
            self.ingress.refused(response.status)
        return Reply(
            response.status,
            {name: values[0] for name, values in response.headers.items()},
            response.body or "",
        )

    def _refusal(self, status: int, why: Refusal | None = None) -> Reply:
        assert self.ingress is not None, "only HTTP mode has a door"
        self.ingress.refused(why or status)
        return Reply(status, {}, "")


def build(settings: Settings, now: Callable[[], datetime] | None = None) -> Bot:
    """Build a Bot with the clock `now`, or with the clock that its replicas share.

    Raises: BotError if the policy, the database, the token or the credentials cannot be used, or
    if traces are asked for that cannot be made.
    """
    policy = PolicySource(settings.policy)
    # If a later part cannot be created, the earlier ones are closed.
    with ExitStack() as undo:
        tracing.start()
        undo.callback(tracing.stop)
        lock = lock_database(settings)
        if lock is not None:
            undo.callback(lock.release)
        store = Store(settings.database_url.get_secret_value(), settings.sends_per_second)
        undo.callback(store.close)
        if store.is_sqlite:
            migrate(store.engine)
            store.jobs.free_all_leases()  # the lock proves that no other process works
        elif info := schema_error(store.engine):
            raise BotError(info.kind, **info.facts)
        bot = _wire(settings, policy, store, now)
        bot.resources = undo.pop_all()
    return bot


def _wire(
    settings: Settings, policy: PolicySource, store: Store, now: Callable[[], datetime] | None
) -> Bot:
    shared = store.clock() if now is None and not store.is_sqlite else None
    now = now or (shared.now if shared else lambda: datetime.now(UTC))
    client = web_client(settings)
    app = _bolt_app(settings, client)
    installation = Installation.of(client.identity)  # Bolt has just called auth.test
    rules = _rules_of(settings, policy)
    directory = SlackDirectory(client, policy, now, installation)
    cdn = CdnClient(
        settings.cdn_endpoint,
        from_settings(settings),
        pool_size=THREADS + 1,
        trust=trust.for_cdn(settings),
        clock=now,
    )
    account = Account(cdn, store.shared_state, policy, now)
    refusals = RefusalLimit(rules, now)
    requests = PurgeRequests(store, rules, now, account.domains, refusals)
    interactions = Interactions(store, rules, now, refusals)
    canary = Canary(
        cdn,
        store.shared_state,
        now,
        every=timedelta(minutes=settings.canary_minutes),
        channel_id=settings.operators_channel,
        low_share=settings.low_quota_share,
    )

    def finish(message: Message) -> Message:
        people = partial(operators_of, policy.current()[0])
        return naming_operators(message, settings.operators_channel, people)

    announcer = SlackAnnouncer(client, now, finish, settings.shared_channels)
    client.troubles = troubles = Troubles(now)
    owner = LeaseOwner()
    probe = EdgeProbe(settings.edge_address, now, trust=trust.for_edge(settings))
    watch = Watch(store, rules, cdn, probe, now, owner.name, troubles)
    answers = Answers(store, policy, cdn, now, settings.shared_channels)
    doubts = Doubts(store, requests)
    sending = Sending(
        store, requests, watch, cdn, account, directory, canary.low_quota, owner, troubles
    )
    steps = Executor(
        store, requests, interactions, watch, answers, doubts, sending, directory, announcer, owner
    )
    secret = settings.slack_signing_secret if settings.mode is Mode.HTTP else None
    ingress = Ingress(secret.get_secret_value()) if secret else None
    replies = Replies(client.ssl)
    worker = Worker(
        store,
        steps,
        owner,
        now,
        chores=(
            Chore("policy", POLICY_S, policy.reload),
            Chore(
                "upkeep", UPKEEP_S, lambda: store.audit.keep(now(), settings.audit_retention_days)
            ),
            Chore(
                "retention", UPKEEP_S, lambda: store.retention.keep(now(), settings.retention_days)
            ),
            Chore("outage", LOOK_S, lambda: store.look_whether_back(now())),
            Chore("canary", WAKE_S, canary.check),
            Chore("refusals", ASK_AGAIN_S, client.retry_refused),
            # Without a canary, the CDN must get no requests that nobody asked for.
            *([Chore("domains", WAKE_S, account.refresh)] if settings.canary_minutes else []),
            *([Chore("clock", ASK_EVERY_S, shared.refresh)] if shared else []),
            *([Chore("door", TELL_EVERY_S, ingress.tell)] if ingress else []),
        ),
    )
    store.jobs.handover = worker
    context = ListenerContext(
        requests, interactions, directory, answers, doubts, installation, finish, replies
    )
    register(app, context)
    socket = None
    if settings.mode is Mode.SOCKET and settings.slack_app_token:
        from bot.slack.socket_mode import SlackSocket

        app_token = settings.slack_app_token.get_secret_value()
        socket = SlackSocket(client, app_token, partial(dispatch, app), ENVELOPES_AT_ONCE)
    connected = socket.is_connected if socket else None
    health_checks = HealthChecks(store, worker, owner, now, connected, client, ingress, troubles)
    status = HealthEndpoint(
        health_checks, registry_of(store, health_checks, now), settings.status_address
    )
    return Bot(
        app=app,
        store=store,
        worker=worker,
        canary=canary,
        account=account,
        policy=policy,
        socket=socket,
        context=context,
        ingress=ingress,
        status=status,
        slack=client,
    )


def _rules_of(settings: Settings, source: PolicySource) -> Callable[[], Rules]:
    """Return what returns the rules for requests and presses at this moment."""
    rules = Rules(
        *source.current(),
        settings.limits,
        timedelta(seconds=settings.join_window_s),
        settings.approval_keys,
        settings.shared_channels,
    )

    def current() -> Rules:
        nonlocal rules
        policy, policy_hash = source.current()
        found = rules
        if policy is not found.policy:
            rules = found = replace(found, policy=policy, policy_hash=policy_hash)
        return found

    return current


def web_client(settings: Settings) -> SlackClient:
    """Return the client for Slack's Web API."""
    return SlackClient(
        token=settings.slack_bot_token.get_secret_value(),
        base_url=settings.slack_api_url,
        timeout=TIMEOUT_S,
        ssl=trust.for_slack(settings),
    )


def _bolt_app(settings: Settings, client: SlackClient) -> App:
    secret = settings.slack_signing_secret
    try:
        return App(
            client=client,
            signing_secret=secret.get_secret_value() if secret else None,
            # Answers leave when the listener returns.  The default mode polls for them every 10 ms:
            # https://github.com/slackapi/bolt-python/blob/main/slack_bolt/listener/thread_runner.py
            process_before_response=True,
        )
    except BoltError as error:
        answer = error.__context__  # Bolt wraps Slack's answer in its own error
        code = read_no(answer).code if isinstance(answer, SlackApiError) else "unknown"
        raise BotError(SLACK_REFUSED, error=code) from None
    except NO_ANSWER as error:
        raise _slack_away(error, client.base_url) from None


def _slack_away(error: BaseException, url: str) -> BotError:
    why = why_no_answer(error, url)
    return BotError(SLACK_AWAY, why=why, remedy=why.remedy)
