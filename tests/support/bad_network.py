"""A network that spoils connections, each in its own way, from when it is told until it is mended.

drip        what comes back arrives byte by byte
reset       both ends are reset, after some bytes
truncate    what comes back ends early, in good order
half-open   nothing comes through any more, and neither end is told
reorder     the near end is closed before what is on its way has arrived

It remembers of each line what the near end sent, and how long that waited for what was spoilt.
"""

from __future__ import annotations

import random
import socket
import struct
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

from tests.support.tcp_relay import connected

WAYS = ("good", "drip", "reset", "truncate", "half-open", "reorder")
_WEIGHTS = (12, 1, 2, 2, 1, 2)
_FAR_APART_S = 0.05
_KEPT_BYTES = 65_536


@dataclass(eq=False)
class Line:
    """One connection: its two ends, how it is spoilt, and after how many bytes.

    All times are seconds since 1970.
    """

    near: socket.socket
    far: socket.socket
    way: str
    after: int
    passed: int = 0
    heard: bytearray = field(default_factory=bytearray)
    """The last that the near end has sent."""
    asked_at: float = 0.0
    """When it sent the first of what it has had no answer to, or not yet the whole answer."""
    answered: bool = True
    """Whether something came back since it sent something."""
    spoilt_at: float | None = None
    is_dead: bool = False
    """Whether nothing comes through it any more, and its near end has not left yet."""
    waited_s: float = 0.0
    """How long the near end waited at most, for an answer that was spoilt, until it left."""

    @property
    def is_socket(self) -> bool:
        """Whether it is a link of Socket Mode, over which anything comes at any time."""
        return b"upgrade: websocket" in self.heard.lower()

    def hears(self, data: bytes) -> None:
        """Note what the near end sends."""
        if self.answered:
            self.asked_at, self.answered = time.time(), False
        self.heard += data
        del self.heard[:-_KEPT_BYTES]

    def spoils(self, count: int) -> bool:
        """Whether it is to be spoilt with these bytes."""
        self.passed += count
        return self.way != "good" and self.passed >= self.after

    def waits(self) -> None:
        """Note that the near end is still there, and has not got what it waits for.

        Over a link of Socket Mode it need not have asked for anything: it looks by itself.
        """
        since = self.spoilt_at if self.is_socket and self.spoilt_at else self.asked_at
        self.waited_s = max(self.waited_s, time.time() - since)

    def reset(self) -> None:
        for end in (self.near, self.far):
            with suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.shutdown(socket.SHUT_RDWR)
            end.close()


class BadNetwork:
    """A way to one address.  `counts` are the connections by how they were to be spoilt.

    A line is good as long as its ends like, or, where `good_for` says so, for so many bytes.
    """

    def __init__(
        self, host: str, port: int, dice: random.Random, good_for: int | None = None
    ) -> None:
        self._target = (host, port)
        self._good_for = good_for
        self._dice = dice
        self._mended = threading.Event()
        self._mended.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.lines: list[Line] = []
        self.counts: Counter[str] = Counter()
        threading.Thread(target=self._accept, daemon=True).start()

    def spoil(self) -> None:
        """Break all connections that there are; those to come are spoilt by chance."""
        self._mended.clear()
        for line in list(self.lines):
            self._reset(line)

    def mend(self) -> None:
        """Spoil nothing any more, and end what is spoilt already."""
        self._mended.set()
        for line in [line for line in self.lines if line.way != "good"]:
            if line.is_dead:
                line.waits()
            self._reset(line)

    def close(self) -> None:
        self.mend()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for line in self.lines:
            line.reset()

    def spoilt(self, since: float, until: float) -> list[Line]:
        """Give the lines that were spoilt until a moment, and over which was sent since another."""
        return [
            line
            for line in list(self.lines)
            if line.spoilt_at is not None and line.spoilt_at <= until and line.asked_at >= since
        ]

    def longest_wait_s(self) -> float:
        """Give how long somebody waited at most for an answer that was spoilt."""
        return max((line.waited_s for line in self.lines), default=0.0)

    def _accept(self) -> None:
        for near, far in connected(self._listener, lambda: self._target):
            way = "good" if self._mended.is_set() else self._dice.choices(WAYS, _WEIGHTS)[0]
            self.counts[way] += 1
            after = self._dice.choice((0, 1, 200, 700, 2_000, 20_000))
            if way == "good" and self._good_for is not None:
                way, after = "reset", self._good_for
            line = Line(near, far, way, after)
            self.lines.append(line)
            for taker, giver in ((near, far), (far, near)):
                ends = (line, taker, giver)
                threading.Thread(target=self._pass_on, args=ends, daemon=True).start()

    def _reset(self, line: Line) -> None:
        line.spoilt_at = line.spoilt_at or time.time()
        line.reset()

    def _pass_on(self, line: Line, taker: socket.socket, giver: socket.socket) -> None:
        back = giver is line.near
        with suppress(OSError):
            while data := taker.recv(65_536):
                if not back:
                    line.hears(data)
                if not line.spoils(len(data)) or self._mended.is_set():
                    line.answered |= back  # before the near end has it, and sends something new
                    giver.sendall(data)
                    continue
                line.spoilt_at = line.spoilt_at or time.time()
                self._spoil_with(line, data, giver)
        if line.is_dead:
            if not back and not self._mended.is_set():  # the near end has left
                line.waits()
                line.is_dead = False
                line.reset()
            return
        with suppress(OSError):
            giver.shutdown(socket.SHUT_WR)

    def _spoil_with(self, line: Line, data: bytes, giver: socket.socket) -> None:
        back = giver is line.near
        match line.way:
            case "drip" if back:
                self._drip(line, data)
            case "truncate" if back:
                giver.sendall(data[: len(data) // 2])
                giver.shutdown(socket.SHUT_RDWR)
            case "drip" | "truncate":
                giver.sendall(data)
            case "reset":
                giver.sendall(data[: len(data) // 2])
                self._reset(line)
            case "half-open":
                line.is_dead = True
            case "reorder":
                line.near.shutdown(socket.SHUT_RDWR)
                line.far.sendall(b"" if back else data)

    def _drip(self, line: Line, data: bytes) -> None:
        line.answered = False  # it may be the rest of an answer
        for at in range(len(data)):
            if self._mended.is_set():
                line.near.sendall(data[at:])
                return
            # Before the near end has the last byte, and sends something new.
            line.answered |= at == len(data) - 1
            line.near.sendall(data[at : at + 1])
            if not line.is_socket and not line.answered:
                line.waits()
            self._mended.wait(_FAR_APART_S)
