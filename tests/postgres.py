"""A PostgreSQL server of a test's own, which it may restart as it likes."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.store.migrations import migrate
from bot.store.store import Store
from tests.conftest import missing

_INSTALLED = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
"""Where Debian has them; elsewhere they may be on the path."""


@dataclass(frozen=True, slots=True)
class Server:
    """`url` is that of an empty database with our tables."""

    url: str
    _home: Path
    _port: int

    def restart(self, mode: str) -> None:
        """Stop it, `fast` (connections are cut) or `immediate` (as in a crash), and start it."""
        self._control("stop", "-m", mode)
        self.start()

    def start(self) -> None:
        options = (
            f"-h 127.0.0.1 -p {self._port} -k {self._home} -c fsync=off -c max_connections=200"
        )
        self._control("start", "-l", f"{self._home}/log", "-o", options)

    def stop(self) -> None:
        self._control("stop", "-m", "immediate")

    def _control(self, *words: str) -> None:
        _run("pg_ctl", "-D", f"{self._home}/data", "-w", *words)


@contextmanager
def server_of_its_own() -> Iterator[Server]:
    """Give a running server; it is gone at the end."""
    if _program("pg_ctl") is None:
        missing("PostgreSQL", "there is no pg_ctl")
    home = Path(tempfile.mkdtemp(prefix="purgebot-postgres-"))
    if os.geteuid() == 0:
        shutil.chown(home, "postgres")
    try:
        _run("initdb", "-D", f"{home}/data", "-A", "trust", "-U", "postgres", "-E", "UTF8", "-N")
        port = _free_port()
        server = Server(f"postgresql://postgres@127.0.0.1:{port}/postgres", home, port)
        server.start()
        try:
            store = Store(server.url)
            migrate(store.engine)
            store.close()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(home)


def _run(program: str, *words: str) -> None:
    as_postgres = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    subprocess.run(
        [*as_postgres, str(_program(program)), *words],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd="/",
    )


def _program(name: str) -> str | None:
    return str(_INSTALLED[-1].with_name(name)) if _INSTALLED else shutil.which(name)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
