"""Commands over signed HTTP, as quickly as one process can send them: a program of its own.

    python -m bench.load [FD] <<< '{"address": …, "secret": …, "clients": 10, "seconds": 2}'

What it does must cost little beside what is measured: everything is signed before the clock starts,
and one thread waits for all that comes.  A client sends its next command when its last one was
acknowledged; or, where the file FD tells of answers (a line for each, `run-number`), when that was
answered.  With `per_s` commands leave at that rate, whatever becomes of the ones before; with `count`
it ends after so many.

It prints JSON: `took_ms` to the acknowledgement and `answered_ms` to the answer, `refused` (not
acknowledged by an empty 200), and `lasted_s` from the first command to the last answer.
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
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

PREPARED_PER_S = 4_000
"""More than any of those measured can take."""
PATIENCE_S = 30.0


@dataclass
class Line:
    """One kept connection, the command that is under way on it, and what it waits for."""

    socket: socket.socket
    number: int = 0
    waits_for: set[str] = field(default_factory=set)
    read: bytes = b""


@dataclass
class Load:
    """What to send on which lines, and what became of it, by the number of the command."""

    commands: list[bytes]
    lines: list[Line]
    answers: socket.socket | None
    line_waits_for: frozenset[str]
    run_id: str
    began: list[float] = field(default_factory=list)
    on: list[Line] = field(default_factory=list)
    took_ms: dict[int, float] = field(default_factory=dict)
    answered_ms: dict[int, float] = field(default_factory=dict)
    refused: int = 0
    _free: list[Line] = field(default_factory=list)
    _read: bytes = b""

    def run(self, moments: Iterator[float]) -> None:
        """Send a command at each of these moments, or as soon after as a line is free."""
        self._free = list(self.lines)
        due = next(moments, None)
        with selectors.DefaultSelector() as waiting:
            for line in self.lines:
                waiting.register(line.socket, selectors.EVENT_READ, line)
            if self.answers is not None:
                waiting.register(self.answers, selectors.EVENT_READ)
            while due is not None or self._is_waiting():
                while self._free and due is not None and due <= time.perf_counter():
                    self._send(self._free.pop(), due)
                    due = next(moments, None)
                can_send = self._free and due is not None
                patience = max(0.0, due - time.perf_counter()) if due and can_send else PATIENCE_S
                found = waiting.select(patience)
                assert found or can_send, f"nothing came for {PATIENCE_S} s"
                for key, _ in found:
                    self._hear_line(key.data) if key.data else self._hear_answers()

    def _is_waiting(self) -> bool:
        fewest = min(len(self.took_ms), len(self.answered_ms) if self.answers else sys.maxsize)
        return fewest < len(self.began)

    def _send(self, line: Line, due: float) -> None:
        line.number, line.waits_for = len(self.began), set(self.line_waits_for)
        self.began.append(due or time.perf_counter())
        self.on.append(line)
        line.socket.sendall(self.commands[line.number])

    def _got(self, what: str, number: int, took_ms: dict[int, float]) -> None:
        if number in took_ms:
            return  # a card that was edited tells its task once more
        took_ms[number] = 1000 * (time.perf_counter() - self.began[number])
        line = self.on[number]
        if line.number == number and what in line.waits_for:
            line.waits_for.remove(what)
            if not line.waits_for:
                self._free.append(line)

    def _hear_line(self, line: Line) -> None:
        """Read on; an acknowledgement has no body."""
        more = line.socket.recv(65_536)
        assert more, "the connection was closed"
        line.read += more
        head, end, body = line.read.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
        if end and len(body) >= int(length or 0):
            self.refused += not head.startswith(b"HTTP/1.1 200 ") or bool(body)
            line.read = b""
            self._got("acknowledgement", line.number, self.took_ms)

    def _hear_answers(self) -> None:
        assert self.answers is not None, "it is read because it is there"
        *whole, self._read = (self._read + self.answers.recv(65_536)).split(b"\n")
        for answer in whole:
            run, _, number = answer.decode().rpartition("-")
            if run == self.run_id:  # cards of an earlier run may be edited meanwhile
                self._got("answer", int(number), self.answered_ms)


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


def fire(wish: dict[str, Any], answers: socket.socket | None = None) -> dict[str, Any]:
    """Do what was wished for; give what it prints."""
    run, seconds, per_s = (
        wish.get("run") or secrets.token_hex(4),
        wish["seconds"],
        wish.get("per_s"),
    )
    host, _, port = wish["address"].rpartition(":")
    urls = wish.get("response_urls") or ["http://127.0.0.1:9/"]
    count = wish.get("count") or int(seconds * (per_s or PREPARED_PER_S))
    commands = [command(wish["secret"], run, n, urls[n % len(urls)]) for n in range(count)]
    lines = [Line(socket.create_connection((host, int(port)))) for _ in range(wish["clients"])]
    for line in lines:
        line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    held = {"acknowledgement", "answer"} if answers and not per_s else {"acknowledgement"}
    load = Load(commands, lines, answers, frozenset(held), run)
    began = time.perf_counter()

    def moments() -> Iterator[float]:
        for number in range(count):
            if not per_s and not wish.get("count") and time.perf_counter() > began + seconds:
                return
            yield began + number / per_s if per_s else 0.0

    load.run(moments())
    lasted_s = time.perf_counter() - began
    for line in lines:
        line.socket.close()
    return {
        "took_ms": [load.took_ms[n] for n in sorted(load.took_ms)],
        "answered_ms": [load.answered_ms[n] for n in sorted(load.answered_ms)],
        "refused": load.refused,
        "lasted_s": lasted_s,
    }


if __name__ == "__main__":
    told = socket.socket(fileno=int(sys.argv[1])) if len(sys.argv) > 1 else None
    json.dump(fire(json.load(sys.stdin), told), sys.stdout)
