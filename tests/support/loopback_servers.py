"""Small servers on loopback for the tests of the CDN client.

listening(deed)      does one deed to every connection
gateway(*answers)    hears requests, and gives the answers in turn
"""

from __future__ import annotations

import json
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import takewhile
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

REQUEST_ID = "2E5AD83F-BD7B-462E-8319-2E30E305519A"
OK = {"RequestId": REQUEST_ID, "RefreshTaskId": "17772470184"}

Deed = Callable[[socket.socket, threading.Event], None]

# --- what a server may do to a connection ---


def hang_up(connection: socket.socket, over: threading.Event) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def reset(connection: socket.socket, over: threading.Event) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def reset_after_hello(connection: socket.socket, over: threading.Event) -> None:
    """Not at once: ssl (3.11) forgets its socket, unclosed, if it is reset before the first byte."""
    connection.recv(1)
    reset(connection, over)


def say_nothing(connection: socket.socket, over: threading.Event) -> None:
    over.wait()


def say(words: bytes) -> Deed:
    def deed(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(words)
        hang_up(connection, over)

    return deed


def drip(words: bytes, again: bytes, every_s: float = 0.01) -> Deed:
    """Say a little again and again, for as long as the other end listens."""

    def deed(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(words)
        while not over.wait(every_s):
            connection.sendall(again)

    return deed


START = b"HTTP/1.1 200 OK\r\n"
DRIPS: dict[str, Deed] = {
    "status": drip(b"HTTP/1.1 200 ", b"O"),
    "interim answers": drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "headers": drip(START + b"X-Slow: ", b"."),
    "body": drip(START + b"Content-Length: 9999999\r\n\r\n", b" "),
    "body without end": drip(START + b"\r\n", b" "),
    "chunks": drip(START + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "error": drip(b"HTTP/1.1 503 Busy\r\nContent-Length: 9999999\r\n\r\n", b" "),
}
"""Answers that never end, although no two bytes are far apart."""


def hear_then(deed: Deed) -> Deed:
    """Take the whole request first."""

    def then(connection: socket.socket, over: threading.Event) -> None:
        with connection.makefile("rb") as lines:
            while lines.readline() not in {b"\r\n", b""}:
                pass
        deed(connection, over)

    return then


def letter_by_letter(words: bytes) -> Deed:
    def deed(connection: socket.socket, over: threading.Event) -> None:
        for place in range(len(words)):
            connection.sendall(words[place : place + 1])
            over.wait(0.001)

    return deed


TLS_RECORD = b"\x16\x03\x03\x40\x00"
"""How a record of TLS begins that is 16 KiB long."""


def announced(length: int) -> Deed:
    return hear_then(drip(START + b"Content-Length: %d\r\n\r\n" % length, b" " * 1_000_000, 0))


HUGE = {
    "announced": announced(150_000_000),
    "announced beyond all memory": announced(10**17),
    "without end": hear_then(drip(START + b"\r\n", b" " * 1_000_000, 0)),
    "one chunk": hear_then(
        drip(START + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFF\r\n", b" " * 1_000_000, 0)
    ),
    "interim answers": hear_then(drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 50_000, 0)),
}
"""Answers that are larger than anybody has use for."""


def answer_all(connection: socket.socket, over: threading.Event) -> None:
    with connection.makefile("rb") as lines:
        for line in lines:
            if line == b"\r\n":
                connection.sendall(answer())


def shake_hands_then(deed: Deed, context: ssl.SSLContext) -> Deed:
    def then(connection: socket.socket, over: threading.Event) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            deed(secure, over)

    return then


def with_tls(certificate: Path, deed: Deed) -> Deed:
    """Do something after a handshake as the server that has this certificate, key included."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return shake_hands_then(deed, context)


class Listener:
    def __init__(self, port: int) -> None:
        self.port = port
        self.connections = 0


@contextmanager
def listening(deed: Deed) -> Iterator[Listener]:
    """A server on loopback that does the same to every connection."""
    over = threading.Event()

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            deed(connection, over)

    def accept() -> None:
        while True:
            connection, _ = server.accept()
            if over.is_set():
                return connection.close()
            listener.connections += 1
            opened.append(connection)
            threads.append(threading.Thread(target=serve, args=[connection]))
            threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        listener = Listener(server.getsockname()[1])
        opened: list[socket.socket] = []
        threads = [threading.Thread(target=accept)]
        threads[0].start()
        try:
            yield listener
        finally:
            over.set()
            socket.create_connection(server.getsockname()).close()
            for connection in opened:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()


# --- a server that speaks HTTP ---


def answer(status: int = 200, body: object = OK, *headers: str) -> bytes:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(data)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + data


class Gateway:
    """Notes each request, and gives the answers in turn; the last one again and again."""

    def __init__(self, answers: tuple[bytes, ...]) -> None:
        self._answers = answers
        self.requests: list[str] = []
        self.listener: Listener
        self.url: str

    def serve(self, connection: socket.socket, over: threading.Event) -> None:
        with connection.makefile("rb") as lines:
            while head := b"".join(takewhile(b"\r\n".__ne__, lines)).decode():
                length = re.search(r"(?im)^content-length: *(\d+)", head)
                lines.read(int(length[1]) if length else 0)
                self.requests.append(head)
                connection.sendall(self._answers[min(len(self.requests), len(self._answers)) - 1])

    @property
    def params(self) -> list[dict[str, str]]:
        targets = (urlsplit(request.split(" ")[1]) for request in self.requests)
        return [dict(parse_qsl(target.query, keep_blank_values=True)) for target in targets]


@contextmanager
def gateway(*answers: bytes) -> Iterator[Gateway]:
    place = Gateway(answers)
    with listening(place.serve) as listener:
        place.listener, place.url = listener, f"http://127.0.0.1:{listener.port}"
        yield place
