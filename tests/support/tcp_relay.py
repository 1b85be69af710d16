"""A wire to a database that can go dead, as if a network were cut: nothing comes through it, and
neither end is told.  It can also break once a commit is done, before whoever asked for it is told;
and it can lead elsewhere from now on, as the address of a cluster does after a failover.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from sqlalchemy import make_url


def connected(
    listener: socket.socket, target: Callable[[], Any]
) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Yield each connection to the listener with one to `target`, until the listener is closed."""
    while True:
        try:
            near, _ = listener.accept()
        except OSError:
            return
        try:
            far = socket.create_connection(target())
        except OSError:
            near.close()
            continue
        yield near, far


class Relay:
    """Passes connections on; `url` is that of the database through it."""

    def __init__(self, url: str) -> None:
        target = make_url(url)
        self._target = (target.host, target.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open = threading.Event()
        self._frozen: list[threading.Event] = []
        self._ends: list[socket.socket] = []
        self._sought: bytes | None = None
        self.lost = 0
        """How many commits were done and not told."""
        port = self._listener.getsockname()[1]
        self.url = target.set(port=port).render_as_string(hide_password=False)
        self.mend()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self._open.clear()

    def mend(self) -> None:
        self._open.set()

    def freeze(self) -> None:
        """Let nothing come any more through what connections there are; new ones are whole."""
        self._open.clear()
        self._frozen.append(self._open)
        self._open = threading.Event()
        self.mend()

    def lead_to(self, url: str) -> None:
        """Let new connections go to the database of this URL; those that there are stay."""
        target = make_url(url)
        self._target = (target.host, target.port)

    def hang_up(self) -> None:
        """Break every connection that there is."""
        for end in list(self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def lose_word_of(self, words: bytes) -> None:
        """Break the next connection that carries these words, when their commit is done."""
        self._sought = words

    def close(self) -> None:
        for each in (self._open, *self._frozen):
            each.set()
        for end in [self._listener, *self._ends]:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self) -> None:
        for near, far in connected(self._listener, lambda: self._target):
            self._ends += [near, far]
            silent = threading.Event()
            there, back = self._hear(silent), partial(_is_set, silent)
            for ends in ((near, far, there, self._open), (far, near, back, self._open)):
                threading.Thread(target=self._pass_on, args=ends, daemon=True).start()

    def _hear(self, silent: threading.Event) -> Callable[[bytes], bool]:
        """Give what listens for the words, and then for the commit, after which all is `silent`."""
        found = False

        def hear(data: bytes) -> bool:
            nonlocal found
            if self._sought is not None and self._sought in data:
                found, self._sought = True, None
            if found and b"COMMIT" in data:
                silent.set()
                self.lost += 1
            return False

        return hear

    def _pass_on(
        self,
        taker: socket.socket,
        giver: socket.socket,
        ends_at: Callable[[bytes], bool],
        is_open: threading.Event,
    ) -> None:
        with suppress(OSError):
            while data := taker.recv(65536):
                is_open.wait()
                if ends_at(data):
                    break
                giver.sendall(data)
        is_open.wait()
        for end in (taker, giver):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def _is_set(event: threading.Event, _: bytes) -> bool:
    return event.is_set()


@contextmanager
def relay_to(url: str) -> Iterator[Relay]:
    relay = Relay(url)
    try:
        yield relay
    finally:
        relay.close()
