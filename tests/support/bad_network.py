"""A network that spoils connections, each in its own way, from when it is told until it is mended.

drip        what comes back arrives byte by byte
reset       both ends are reset, after some bytes
truncate    what comes back ends early, in good order
half-open   nothing comes through any more, and neither end is told
reorder     the near end is closed before what is on its way has arrived
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


@dataclass(eq=False)
class _Line:
    """One connection: its two ends, how it is spoilt, and after how many bytes."""

    near: socket.socket
    far: socket.socket
    way: str
    after: int
    began: float = field(default_factory=time.monotonic)
    passed: int = 0

    def spoils(self, count: int) -> bool:
        """Whether it is to be spoilt with these bytes."""
        self.passed += count
        return self.way != "good" and self.passed >= self.after

    def reset(self) -> None:
        for end in (self.near, self.far):
            with suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.shutdown(socket.SHUT_RDWR)
            end.close()


class BadNetwork:
    """A way to one address.  `counts` are the connections by how they were spoilt."""

    def __init__(self, host: str, port: int, dice: random.Random) -> None:
        self._target = (host, port)
        self._dice = dice
        self._mended = threading.Event()
        self._mended.set()
        self._lines: list[_Line] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.counts: Counter[str] = Counter()
        threading.Thread(target=self._accept, daemon=True).start()

    def spoil(self) -> None:
        """Break all connections that there are; those to come are spoilt by chance."""
        self._mended.clear()
        for line in list(self._lines):
            line.reset()

    def mend(self) -> None:
        """Spoil nothing any more, and end what is spoilt already."""
        self._mended.set()
        for line in [line for line in self._lines if line.way != "good"]:
            line.reset()

    def close(self) -> None:
        self.mend()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for line in self._lines:
            line.reset()

    def _accept(self) -> None:
        for near, far in connected(self._listener, lambda: self._target):
            way = "good" if self._mended.is_set() else self._dice.choices(WAYS, _WEIGHTS)[0]
            self.counts[way] += 1
            line = _Line(near, far, way, self._dice.choice((0, 1, 200, 700, 2_000, 20_000)))
            self._lines.append(line)
            for taker, giver in ((near, far), (far, near)):
                ends = (line, taker, giver)
                threading.Thread(target=self._pass_on, args=ends, daemon=True).start()

    def _pass_on(self, line: _Line, taker: socket.socket, giver: socket.socket) -> None:
        with suppress(OSError):
            while data := taker.recv(65_536):
                if not line.spoils(len(data)) or self._mended.is_set():
                    giver.sendall(data)
                    continue
                back = giver is line.near
                match line.way:
                    case "drip" if back:
                        self._drip(giver, data)
                    case "drip":
                        giver.sendall(data)
                    case "reset":
                        giver.sendall(data[: len(data) // 2])
                        line.reset()
                    case "truncate" if back:
                        giver.sendall(data[: len(data) // 2])
                        giver.shutdown(socket.SHUT_RDWR)
                    case "truncate":
                        giver.sendall(data)
                    case "half-open":
                        self._mended.wait()
                        return
                    case "reorder":
                        line.near.shutdown(socket.SHUT_RDWR)
                        line.far.sendall(b"" if back else data)
        with suppress(OSError):
            giver.shutdown(socket.SHUT_WR)

    def _drip(self, giver: socket.socket, data: bytes) -> None:
        for at in range(len(data)):
            if self._mended.is_set():
                giver.sendall(data[at:])
                return
            giver.sendall(data[at : at + 1])
            self._mended.wait(_FAR_APART_S)
