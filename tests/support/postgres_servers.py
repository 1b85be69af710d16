"""PostgreSQL as operators have it: a server of a test's own, which it may restart as it likes, a hot
standby of it, and PgBouncer in front of either.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from bot.store.migrations import migrate
from bot.store.store import Store
from tests.conftest import missing
from tests.support.waiting import poll

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
            " -c wal_receiver_status_interval=1s"
        )
        self._control("start", "-l", f"{self._home}/log", "-o", options)

    def empty(self) -> None:
        """Leave nothing in its database but our tables."""
        with psycopg.connect(self.url, autocommit=True) as session:
            session.execute("DROP SCHEMA public CASCADE")
            session.execute("CREATE SCHEMA public")
        with closing(Store(self.url)) as store:
            migrate(store.engine)

    def promote(self) -> None:
        """Make a primary of a standby."""
        self._control("promote")

    @contextmanager
    def standby(self) -> Iterator[Server]:
        """Give a hot standby of this server: it answers questions, and takes no writes."""
        with _home() as home:
            primary = f"host=127.0.0.1 port={self._port} user=postgres"
            words = ("-D", f"{home}/data", "-R", "-X", "stream", "-c", "fast", "--no-sync")
            _run("pg_basebackup", "-d", primary, *words)
            with _started(home) as server:
                yield server

    def catches_up_with(self, primary: Server) -> None:
        """Wait until a standby has all that its primary has written so far."""
        with psycopg.connect(primary.url) as asked:
            written = asked.execute("SELECT pg_current_wal_lsn()").fetchone()
        with psycopg.connect(self.url, autocommit=True) as asked:

            def has_it() -> bool:
                row = asked.execute("SELECT pg_last_wal_replay_lsn() >= %s", written).fetchone()
                return row == (True,)

            poll(has_it)

    def stop(self) -> None:
        self._control("stop", "-m", "immediate")

    def _control(self, *words: str) -> None:
        _run("pg_ctl", "-D", f"{self._home}/data", "-w", *words)


@contextmanager
def server_of_its_own() -> Iterator[Server]:
    """Give a running server; it is gone at the end."""
    if _program("pg_ctl") is None:
        missing("PostgreSQL", "there is no pg_ctl")
    with _home() as home:
        _run("initdb", "-D", f"{home}/data", "-A", "trust", "-U", "postgres", "-E", "UTF8", "-N")
        with _started(home) as server:
            server.empty()
            yield server


@contextmanager
def _started(home: Path) -> Iterator[Server]:
    port = _free_port()
    server = Server(f"postgresql://postgres@127.0.0.1:{port}/postgres", home, port)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def pgbouncer(url: str, **settings: str) -> Iterator[str]:
    """Give the URL of the database through a PgBouncer with these settings."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        missing("PgBouncer", "there is no pgbouncer; it is in Debian's package pgbouncer")
    target, port = make_url(url), _free_port()
    with _home() as home:
        (home / "users").write_text(f'"{target.username}" "{target.password or ""}"\n')
        told = {
            "listen_addr": "127.0.0.1",
            "listen_port": str(port),
            "unix_socket_dir": "",
            "auth_type": "trust",
            "auth_file": f"{home}/users",
            "logfile": f"{home}/log",
            # In session mode one is a session of a bot's, which may have 32.
            "default_pool_size": "4" if settings.get("pool_mode") == "transaction" else "32",
            "server_login_retry": "1",  # by itself it would wait for 15 s
            **settings,
        }
        (home / "ini").write_text(
            f"[databases]\n* = host={target.host} port={target.port or 5432}\n[pgbouncer]\n"
            + "".join(f"{name} = {value}\n" for name, value in told.items())
        )
        with subprocess.Popen(
            [*_as_postgres(), str(program), "-q", f"{home}/ini"], stderr=subprocess.DEVNULL, cwd="/"
        ) as process:
            try:
                poll(lambda: _listens(port))
                yield target.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)
            finally:
                process.terminate()


def _listens(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def _home() -> Iterator[Path]:
    """Give a folder that the servers' user may write to; it is gone at the end."""
    home = Path(tempfile.mkdtemp(prefix="purgebot-postgres-"))
    if os.geteuid() == 0:
        shutil.chown(home, "postgres")
    try:
        yield home
    finally:
        shutil.rmtree(home)


def _as_postgres() -> list[str]:
    """Give the words before a program that refuses to run as root."""
    return ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []


def _run(program: str, *words: str) -> None:
    subprocess.run(
        [*_as_postgres(), str(_program(program)), *words],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd="/",
    )


def _program(name: str) -> str | None:
    return str(_INSTALLED[-1].with_name(name)) if _INSTALLED else shutil.which(name)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
