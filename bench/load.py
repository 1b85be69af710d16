"""Commands over signed HTTP, as quickly as one process can send them: a program of its own.

    python -m bench.load '{"address": …, "secret": …, "clients": 10, "seconds": 2}'

What it does must cost little beside what is measured: everything is signed before the clock starts,
and one thread waits for all the answers.  With `per_s` commands leave at that rate, whatever
becomes of the ones before; with `count` it ends after so many.  It prints JSON: `sent_at` (UTC
epoch seconds), `took_ms`, `refused` (an answer that is not an empty 200), by command in turn.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import selectors
import socket
import sys
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

PREPARED_PER_S = 4_000
"""More than any of those measured can take."""


@dataclass
class Line:
    """One kept connection, and the command that is under way on it."""

    socket: socket.socket
    number: int = 0
    began: float = 0.0
    read: bytes = b""


@dataclass
class Load:
    """What to send, to whom, and what became of it."""

    address: tuple[str, int]
    commands: list[bytes]
    lines: list[Line]
    sent_at: list[float] = field(default_factory=list)
    took_ms: list[float] = field(default_factory=list)
    refused: int = 0

    def closed(self, seconds: float) -> None:
        """Each client sends its next command when the one before is answered."""
        until = time.perf_counter() + seconds
        for line in self.lines:
            self._send(line)
        with selectors.DefaultSelector() as waiting:
            for line in self.lines:
                waiting.register(line.socket, selectors.EVENT_READ, line)
            while waiting.get_map():
                for key, _ in waiting.select(10):
                    line = key.data
                    if not self._answered(line):
                        continue
                    if time.perf_counter() < until and self.commands:
                        self._send(line)
                    else:
                        waiting.unregister(line.socket)

    def paced(self, seconds: float, per_s: float) -> None:
        """Commands leave at a rate; how long each took counts from when it was to leave."""
        began = time.perf_counter()
        count = min(int(seconds * per_s), len(self.commands))
        due = [began + number / per_s for number in range(count)]
        free = list(self.lines)
        with selectors.DefaultSelector() as waiting:
            for line in self.lines:
                waiting.register(line.socket, selectors.EVENT_READ, line)
            while due or len(free) < len(self.lines):
                while due and free and due[0] <= time.perf_counter():
                    line = free.pop()
                    at = due.pop(0)
                    self._send(line)
                    line.began = at
                patience = max(0.0, due[0] - time.perf_counter()) if due and free else 10
                free += [
                    key.data for key, _ in waiting.select(patience) if self._answered(key.data)
                ]

    def _send(self, line: Line) -> None:
        self.sent_at.append(time.time())
        line.began = time.perf_counter()
        line.socket.sendall(self.commands.pop())

    def _answered(self, line: Line) -> bool:
        """Read on; whether the answer is whole.  An acknowledgement has no body."""
        more = line.socket.recv(65_536)
        assert more, "the connection was closed"
        line.read += more
        head, end, body = line.read.partition(b"\r\n\r\n")
        if not end:
            return False
        length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
        if len(body) < int(length or 0):
            return False
        self.took_ms.append(1000 * (time.perf_counter() - line.began))
        self.refused += not head.startswith(b"HTTP/1.1 200 ") or bool(body)
        line.read = b""
        return True


def command(secret: str, run: str, number: int, response_url: str) -> bytes:
    """Give a signed `/purge` of a tag of its own, as it goes over the wire."""
    body = urlencode(
        {
            "token": "unused",
            "team_id": "T0TOWN",
            "team_domain": "town",
            "channel_id": "C0WEB",
            "channel_name": "web",
            "user_id": "U0ANA",
            "user_name": "ana",
            "command": "/purge",
            "text": f"www.example.com {run}-{number}",
            "api_app_id": "A0PURGEBOT",
            "is_enterprise_install": "false",
            "response_url": response_url,
            "trigger_id": f"{run}.{number}",
        }
    )
    now = int(time.time())
    digest = hmac.new(secret.encode(), f"v0:{now}:{body}".encode(), hashlib.sha256).hexdigest()
    return (
        "POST /slack/events HTTP/1.1\r\nHost: bot\r\nUser-Agent: Slackbot 1.0\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"X-Slack-Request-Timestamp: {now}\r\nX-Slack-Signature: v0={digest}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def main() -> None:
    wish: dict[str, Any] = json.loads(sys.argv[1])
    run, seconds = wish.get("run") or secrets.token_hex(4), wish["seconds"]
    host, _, port = wish["address"].rpartition(":")
    address = (host, int(port))
    urls = wish.get("response_urls") or ["http://127.0.0.1:9/"]
    count = wish.get("count") or int(seconds * (wish.get("per_s") or PREPARED_PER_S))
    commands = [
        command(wish["secret"], run, number, urls[number % len(urls)])
        for number in reversed(range(count))
    ]
    lines = [Line(socket.create_connection(address)) for _ in range(wish["clients"])]
    for line in lines:
        line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    load = Load(address, commands, lines)
    if "per_s" in wish:
        load.paced(seconds, wish["per_s"])
    else:
        load.closed(seconds)
    json.dump(
        {"run": run, "sent_at": load.sent_at, "took_ms": load.took_ms, "refused": load.refused},
        sys.stdout,
    )


if __name__ == "__main__":
    main()
