"""The HTTP door as a process of its own: what callers may do to a connection, and what they may not."""

from __future__ import annotations

import resource
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from prometheus_client import REGISTRY

from bot.app import MAX_BODY_BYTES
from bot.config.settings import Mode
from bot.demo.town import Town, town
from bot.health.ingress import Ingress
from bot.web import server
from bot.web.limits import MAX_HEAD_BYTES, protocol_of
from bot.web.server import SLACK_PATH, web_app
from tests.support.purgebot import Running, running

POST = f"POST {SLACK_PATH} HTTP/1.1\r\nHost: bot\r\n"


@dataclass
class Call:
    """One connection; what was read of it and not yet used."""

    line: socket.socket
    read: bytes = b""

    def send(self, text: str | bytes) -> None:
        self.line.sendall(text.encode() if isinstance(text, str) else text)

    def status(self) -> int:
        return int(self.head().split()[1])

    def head(self) -> str:
        """Read one answer, and give its head; its body is taken off the line."""
        while b"\r\n\r\n" not in self.read:
            more = self.line.recv(65_536)
            assert more, f"the line was closed after {self.read!r}"
            self.read += more
        head, _, self.read = self.read.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().lower().split("\r\n")[1:])
        length = int(fields.get("content-length", 0))
        while len(self.read) < length:
            self.read += self.line.recv(65_536)
        self.read = self.read[length:]
        return head.decode().lower()

    def is_closed(self) -> bool:
        """Wait until the other end hangs up; not, if it sends something instead."""
        try:
            return self.line.recv(1) == b""
        except ConnectionResetError:  # what it did not read was thrown away
            return True


@contextmanager
def call(address: str) -> Iterator[Call]:
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=60) as line:
        yield Call(line)


@dataclass
class Door:
    bot: Running
    address: str


@contextmanager
def open_door(place: Town, folder: Path) -> Iterator[Door]:
    own = {
        "PURGEBOT_HTTP_BIND": "127.0.0.1:0",
        "PURGEBOT_DATABASE_URL": f"sqlite:///{folder}/purgebot.sqlite3",
    }
    variables = place.variables() | own
    with running(folder, variables) as bot:
        yield Door(bot, bot.until("listening")["address"])


@pytest.fixture(scope="module")
def town_over_http() -> Iterator[Town]:
    with town(mode=Mode.HTTP, with_bot=False) as place:
        yield place


@pytest.fixture(scope="module")
def address(town_over_http: Town, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a bot whose door stays shut: nothing here is signed."""
    with open_door(town_over_http, tmp_path_factory.mktemp("bot")) as door:
        yield door.address


def answer(address: str, *pieces: str | bytes) -> str:
    with call(address) as caller:
        for piece in pieces:
            caller.send(piece)
        return caller.head()


# Sizes


def test_more_headers_than_anybody_needs_are_refused_before_they_end(address: str) -> None:
    with call(address) as caller:
        caller.send(POST)
        for _ in range(20):  # one read of the server's may hold a quarter of a megabyte
            try:
                caller.send("X-Filler: " + "a" * MAX_HEAD_BYTES + "\r\n")
            except OSError:
                break
        assert caller.status() == 431
        assert caller.is_closed()


def test_headers_as_long_as_a_load_balancer_makes_them_are_read(address: str) -> None:
    filler = "X-Amzn-Trace-Id: " + "a" * 16_000 + "\r\n"
    assert " 401 " in answer(address, POST, filler, "Content-Length: 0\r\n\r\n")


@pytest.mark.parametrize("expects", ["", "Expect: 100-continue\r\n"], ids=["", "asks first"])
def test_a_body_that_is_announced_too_large_is_refused_unread(address: str, expects: str) -> None:
    length = f"Content-Length: {MAX_BODY_BYTES + 1}\r\n"
    assert " 413 " in answer(address, POST, length, expects, "\r\n")


def test_a_body_in_pieces_is_refused_once_it_is_too_large(address: str) -> None:
    piece = f"{50_000:x}\r\n".encode() + b"a" * 50_000 + b"\r\n"
    with call(address) as caller:
        caller.send(POST + "Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(MAX_BODY_BYTES // 50_000 + 1):
            caller.send(piece)
        assert caller.status() == 413
        assert caller.is_closed()


def test_a_body_in_pieces_that_is_not_too_large_is_read(address: str) -> None:
    body = "4\r\ntext\r\n0\r\n\r\n"
    assert " 401 " in answer(address, POST, "Transfer-Encoding: chunked\r\n\r\n", body)


def test_whoever_asks_first_is_told_to_go_on(address: str) -> None:
    with call(address) as caller:
        caller.send(POST + "Content-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        assert caller.status() == 100
        caller.send("text")
        assert caller.status() == 401


# Verbs, paths, and lines that are used again


def test_a_wrong_verb_is_told_which_is_right(address: str) -> None:
    refused = answer(address, f"GET {SLACK_PATH} HTTP/1.1\r\nHost: bot\r\n\r\n")
    assert " 405 " in refused
    assert "\nallow: post" in refused


def test_a_path_that_leads_nowhere_is_not_found(address: str) -> None:
    assert " 404 " in answer(address, "POST /slack HTTP/1.1\r\nHost: bot\r\n\r\n")


def test_a_watcher_may_ask_for_the_head_alone(address: str) -> None:
    with call(address) as caller:
        caller.send("HEAD /healthz HTTP/1.1\r\nHost: bot\r\nConnection: close\r\n\r\n")
        assert caller.line.recv(65_536).startswith(b"HTTP/1.1 200 ")
        assert caller.is_closed()


def test_one_line_carries_many_requests(address: str) -> None:
    with call(address) as caller:
        for _ in range(3):
            caller.send(POST + "Content-Length: 4\r\n\r\ntext")
            assert caller.status() == 401
        caller.send((POST + "Content-Length: 4\r\n\r\ntext") * 2)
        assert [caller.status(), caller.status()] == [401, 401]


def test_what_is_no_http_is_a_bad_request(address: str) -> None:
    assert " 400 " in answer(address, "this is not HTTP\r\n\r\n")


# Time


@contextmanager
def limited(**limits: float) -> Iterator[str]:
    """Give the address of a door with limits of its own."""
    with town(mode=Mode.HTTP) as place, socket.create_server(("127.0.0.1", 0)) as listener:
        assert place.bot is not None, "it was not told to stay away"
        assert place.bot.ingress is not None, "it is in HTTP mode"
        protocol = protocol_of(place.bot.ingress)
        for name, limit in limits.items():
            setattr(protocol, name, limit)
        config = uvicorn.Config(
            web_app(place.bot), http=protocol, ws="none", log_config=None, lifespan="off"
        )
        serving = uvicorn.Server(config)
        thread = threading.Thread(target=serving.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            serving.should_exit = serving.force_exit = True
            thread.join()


@pytest.fixture
def impatient() -> Iterator[str]:
    """Give the address of a door whose patience is a moment."""
    with limited(head_within_s=0.1) as address:
        yield address


@pytest.fixture
def crowded() -> Iterator[str]:
    """Give the address of a door that keeps three connections."""
    with limited(most_connections=3) as address:
        yield address


def test_a_request_that_was_begun_and_is_not_ended_is_given_up(impatient: str) -> None:
    with call(impatient) as slow:
        slow.send(POST)
        assert slow.status() == 408
        assert slow.is_closed()


def test_a_body_that_was_begun_and_is_not_ended_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "BODY_WITHIN_S", 0.1)
    with limited() as address, call(address) as slow:
        slow.send(POST + "Content-Length: 10\r\n\r\nhalf")
        assert slow.status() == 408
        assert slow.is_closed()


def test_a_request_that_ends_in_time_is_answered_and_its_line_stays(impatient: str) -> None:
    with call(impatient) as caller:
        caller.send(POST)
        caller.send("Content-Length: 0\r\n\r\n")
        assert caller.status() == 401
        caller.send(POST + "Content-Length: 0\r\n\r\n")
        assert caller.status() == 401


def test_a_connection_without_a_request_is_closed(impatient: str) -> None:
    with call(impatient) as silent:
        assert silent.is_closed()


# How many


def test_the_connection_that_has_been_silent_for_longest_makes_room(crowded: str) -> None:
    before = refused("crowded")
    empty = POST + "Content-Length: 0\r\n\r\n"
    with call(crowded) as used, call(crowded) as silent, call(crowded) as another:
        for line in (another, used):  # the last first: then all are there
            line.send(empty)
            assert line.status() == 401
        with call(crowded) as newcomer:
            newcomer.send(empty)
            assert newcomer.status() == 401
            assert silent.is_closed()
            for line in (used, another):
                line.send(empty)
                assert line.status() == 401
    assert refused("crowded") == before + 1


def test_many_silent_connections_keep_nobody_out(crowded: str) -> None:
    before = refused("crowded")
    with ExitStack() as lines:
        for _ in range(50):
            lines.enter_context(call(crowded))
            assert " 401 " in answer(crowded, POST, "Content-Length: 0\r\n\r\n")
    assert refused("crowded") > before


def test_connections_within_the_bound_stay(crowded: str) -> None:
    with call(crowded) as first, call(crowded) as second, call(crowded) as third:
        for line in (first, second, third):
            line.send(POST + "Content-Length: 0\r\n\r\n")
        assert [line.status() for line in (first, second, third)] == [401] * 3


def test_the_bound_leaves_half_of_the_files_to_others() -> None:
    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, most))
    try:
        assert protocol_of(Ingress("secret")).most_connections == 512
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))


def refused(reason: str) -> float:
    return REGISTRY.get_sample_value("purgebot_http_refused_total", {"reason": reason}) or 0.0


@pytest.mark.parametrize(
    ("sent", "status", "reason"),
    [
        ("this is not HTTP\r\n\r\n", 400, "malformed"),
        (POST, 408, "too-slow"),
        (POST + "X-Filler: " + "a" * 4 * MAX_HEAD_BYTES, 431, "too-large"),
    ],
    ids=["no HTTP", "slow headers", "endless headers"],
)
def test_what_is_refused_before_it_is_a_request_is_counted(
    impatient: str, sent: str, status: int, reason: str
) -> None:
    before = refused(reason)
    with call(impatient) as caller:
        caller.send(sent)
        assert caller.status() == status
        assert caller.is_closed()
    assert refused(reason) == before + 1


def test_neither_idle_lines_nor_half_a_request_keep_the_bot_from_stopping(
    town_over_http: Town, tmp_path: Path
) -> None:
    with (
        open_door(town_over_http, tmp_path) as door,
        call(door.address) as idle,
        call(door.address) as half,
        call(door.address) as waiting,
    ):
        idle.send(POST + "Content-Length: 0\r\n\r\n")
        assert idle.status() == 401
        half.send(POST)
        waiting.send(POST + "Content-Length: 4\r\n\r\n")
        assert door.bot.end() == 0
        assert [line for line in door.bot.said if '"stopped"' in line]
