"""A pretend internet for the tests of looks, put where Python meets the real one."""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.cdn.edge_probe import EdgeProbe
from bot.core.edge_check import EdgeSnapshot
from bot.exchange import _bounds

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
WWW = "www.example.com"
PUBLIC, OTHER = "93.184.215.14", "93.184.215.15"
START = b"HTTP/1.1 200 OK\r\n"
END = b"Content-Length: 0\r\n\r\n"


@dataclass
class Network:
    """A pretend internet: its names, and for each public address a port here.

    A name gives its answers in turn, the last one again and again.
    """

    names: dict[str, list[list[str]]] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    met: list[tuple[str, int]] = field(default_factory=list)
    silence: threading.Event | None = None

    def resolve(self, host: str) -> list[str]:
        self.asked.append(host)
        if self.silence:
            self.silence.wait()
        if host not in self.names:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        answers = self.names[host]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def lead(self, port: int, *addresses: str) -> None:
        """Let the name lead to these addresses, and each of them to a port here."""
        self.names[WWW] = [[*(addresses or (PUBLIC,))]]
        self.ports = dict.fromkeys(addresses or (PUBLIC,), port)


def pretend_internet(monkeypatch: pytest.MonkeyPatch) -> Network:
    """Put the pretend internet where Python meets the real one."""
    found = Network()
    real_names, real_connect = socket.getaddrinfo, socket.socket.connect

    def getaddrinfo(host: str, port: int, *rest: Any, **more: Any) -> list[Any]:
        if not host.endswith(".com"):
            return list(real_names(host, port, *rest, **more))
        kind = (socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        return [
            (socket.AF_INET6, *kind, (address, port, 0, 0))
            if ":" in address
            else (socket.AF_INET, *kind, (address, port))
            for address in found.resolve(host)
        ]

    def connect(self: socket.socket, place: Any) -> None:
        if _bounds.get(None) is not None:  # the tests' own servers are met outside of any
            found.met.append(place[:2])
        port = found.ports.get(place[0])
        real_connect(self, ("127.0.0.1", port) if port else place)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket.socket, "connect", connect)
    return found


def looking() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "name-lookup"]


def probe(address: str | None = None, **more: Any) -> EdgeProbe:
    return EdgeProbe(address, lambda: NOON, **more)


def look(path: str = "/", scheme: str = "http", **more: Any) -> EdgeSnapshot:
    return probe(**more).probe(f"{scheme}://{WWW}{path}")
