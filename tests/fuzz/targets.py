"""The doors: each opens, and then takes one input after the other.

A target gives True for what it takes and False for what it refuses as it should.  Anything raised
beyond that is a crash, and so is an answer that is not what was promised.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests

from bot.cdn.client import CdnClient
from bot.cdn.credentials import static
from bot.cdn.edge_probe import EdgeProbe
from bot.cdn.error_codes import CdnInDoubt, CdnRefused
from bot.config.policy_file import PolicyFileInvalid, PolicySource, load_policy
from bot.config.settings import Mode
from bot.core.command.parser import PurgeCommand, format_command, parse
from bot.core.decisions.clock import REMINDER
from bot.core.decisions.presses import PRESS_UNKNOWN
from bot.core.decisions.transition import card_of, thread_reply_of
from bot.core.errors import BotError
from bot.core.interaction import InteractionKind
from bot.core.message import Notice, Post, PostKind, Route
from bot.core.purge.purge import State
from bot.core.retry import DeliveryDeferred, DirectoryUnavailable
from bot.demo.town import SAMPLE_POLICY, town
from bot.simulators.slack.events.signing import signed_headers
from bot.slack.client import SlackClient
from bot.slack.directory import SlackDirectory
from bot.slack.installation import Installation
from handlers import payloads
from handlers.announcer import SlackAnnouncer
from handlers.payloads import NotOurs, Unreadable
from tests.fuzz.engine import Try
from tests.support.builders import a_purge, an_interaction
from tests.support.permits import permit

LONGEST_KEPT = 32
"""Characters of Slack's that a row has room for."""

Target = Callable[[], AbstractContextManager[Try]]


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


@contextmanager
def command() -> Iterator[Try]:
    def attempt(data: bytes) -> bool:
        try:
            found = parse(_text(data))
        except BotError:
            return False
        if isinstance(found, PurgeCommand):
            assert parse(format_command(found).removeprefix("/purge ")) == found
        return True

    yield attempt


@contextmanager
def payload() -> Iterator[Try]:
    def attempt(data: bytes) -> bool:
        try:
            payloads.read(payloads.parse(_text(data)), "https://slack.com/api/")
        except (ValueError, RecursionError, Unreadable, NotOurs):
            return False
        return True

    yield attempt


@contextmanager
def policy() -> Iterator[Try]:
    def attempt(data: bytes) -> bool:
        try:
            load_policy(data.decode(errors="replace"), "policy.yaml")
        except PolicyFileInvalid:
            return False
        return True

    yield attempt


@contextmanager
def http() -> Iterator[Try]:
    """A signed request, to the whole bot."""
    with town(mode=Mode.HTTP) as place:
        bot = place.bot
        assert bot is not None
        secret = place.slack.signing_secret

        def attempt(data: bytes) -> bool:
            body = data.decode(errors="replace")
            headers = {
                name.lower(): value
                for name, value in signed_headers(secret, body, time.time()).items()
            }
            reply = bot.receive(body.encode(), headers)
            assert reply.status < 500, f"HTTP {reply.status}"
            return reply.status == 200

        yield attempt


class _Answering:
    """A server on loopback that gives each connection the same bytes, and hangs up."""

    def __init__(self) -> None:
        self.words = b""
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):  # it was closed
            while True:
                connection, _ = self._server.accept()
                with connection, suppress(OSError):
                    self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        with connection.makefile("rb") as lines:
            length = 0
            while (line := lines.readline()) not in {b"\r\n", b""}:
                if line.lower().startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            lines.read(length)
        connection.sendall(self.words)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)

    def says(self, data: bytes) -> None:
        """Say this, as the body of an answer unless it looks like one itself."""
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(data)}\r\n\r\n".encode()
        self.words = data if data.startswith(b"HTTP/") else head + data


@contextmanager
def _answering() -> Iterator[_Answering]:
    server = _Answering()
    try:
        yield server
    finally:
        with suppress(OSError):
            server._server.shutdown(socket.SHUT_RDWR)
        server._server.close()


@contextmanager
def cdn() -> Iterator[Try]:
    leave = permit("www.example.com", ["hero"])
    with _answering() as server:
        client = CdnClient(f"http://127.0.0.1:{server.port}", static("id", "secret"))

        def attempt(data: bytes) -> bool:
            server.says(data)
            taken = False
            with suppress(CdnRefused, CdnInDoubt):
                assert client.refresh_by_tag(leave).task_id
                taken = True
            for question in (
                lambda: client.describe_tasks_by_id(["17772470184"]),
                client.describe_recent_tasks,
                client.describe_quota,
                client.describe_domains,
            ):
                with suppress(CdnRefused):
                    question()
                    taken = True
            return taken

        yield attempt
        client.close()


@contextmanager
def slack() -> Iterator[Try]:
    """An answer to whatever the bot asks Slack or tells it: who people are, cards, notes, forms."""

    def now() -> datetime:
        return datetime.now(UTC)

    with _answering() as server:
        url = f"http://127.0.0.1:{server.port}/api/"
        client = SlackClient(token="xoxb-1", base_url=url, timeout=10)
        source = PolicySource(SAMPLE_POLICY)
        directory = SlackDirectory(client, source, now, Installation("T0TOWN"))
        announcer = SlackAnnouncer(client, now, lambda message: message)
        purge = a_purge(State.WAITING, expires_at=now() + timedelta(hours=1))
        denial = an_interaction(InteractionKind.DENY_FORM, "U0SAM")

        def said(post: Post, card: Post | None = None) -> bool:
            try:
                shown = announcer.announce(post, purge, card, lambda _: True)
            except DeliveryDeferred:
                return False
            assert shown.ts is None or len(shown.ts) <= LONGEST_KEPT
            assert shown.place is None or len(shown.place) <= LONGEST_KEPT
            return True

        def attempt(data: bytes) -> bool:
            server.says(data)
            card = replace(card_of(purge, f"{url}response", now()), id=1)
            there = replace(card, route=Route.CHANNEL, place="C0WEB", ts="1.1")
            note = replace(thread_reply_of(purge, REMINDER, now()), id=2)
            whisper = replace(card, kind=PostKind.EPHEMERAL, notice=Notice(PRESS_UNKNOWN.code))
            taken = [
                said(card),
                said(replace(card, trying_since=now())),
                said(there),
                said(replace(note, trying_since=now()), there),
                said(whisper),
                announcer.open_denial(denial, purge),
            ]
            with suppress(DirectoryUnavailable):
                directory.fetch(
                    *("T0TOWN", "U0ANA", "C0WEB", "T0TOWN"), since=now(), domain="www.example.com"
                )
                taken.append(True)
            return any(taken)

        yield attempt


@contextmanager
def edge() -> Iterator[Try]:
    with _answering() as server:
        probe = EdgeProbe(f"127.0.0.1:{server.port}", lambda: datetime.now(UTC))

        def attempt(data: bytes) -> bool:
            server.says(data)
            return probe.probe("http://www.example.com/").why is None

        yield attempt


@contextmanager
def simulators() -> Iterator[Try]:
    """A request to any door of the town: `POST page /slack/say` in the first line, then the body."""
    with town(with_bot=False) as place, requests.Session() as session:

        def attempt(data: bytes) -> bool:
            line, _, body = data.partition(b"\n")
            verb, door, path = [*line.decode(errors="replace").split(" ", 2), "", ""][:3]
            url = place.urls.get(door, place.urls["page"])
            kind = (
                "application/json" if body.startswith(b"{") else "application/x-www-form-urlencoded"
            )
            headers = {"Content-Type": kind, "Authorization": f"Bearer {place.slack.bot_token}"}
            if verb not in {"GET", "POST", "DELETE", "HEAD", "PUT"} or path.endswith("events"):
                return False  # a stream has no end
            try:
                answer = session.request(
                    verb, url + "/" + path.lstrip("/"), data=body, headers=headers, timeout=60
                )
            except (requests.exceptions.InvalidURL, UnicodeError):
                return False
            assert answer.status_code < 500, f"HTTP {answer.status_code}"
            return answer.status_code < 400

        yield attempt


TARGETS: dict[str, Target] = {
    target.__name__: target
    for target in (command, payload, http, policy, cdn, slack, edge, simulators)
}
FEW = {
    "command": 3_000,
    "payload": 4_000,
    "http": 1_500,
    "policy": 400,
    "cdn": 600,
    "slack": 1_000,
    "edge": 2_000,
    "simulators": 800,
}
"""How many inputs each gets in `make test`."""
CRASHES = Path(__file__).parent / "crashes"
