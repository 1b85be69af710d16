"""What durable costs at the least: bare Bolt with three writes to plain sqlite3 for each command.

    python -m bench.floor '{"mode": "http", "full": true}'

The command is on disk before it is acknowledged.  `full`: sixteen threads then take it from memory,
ask the CDN, and post to the response URL; that the CDN took it, and that it was posted, is written
without waiting for it.  There are no people, policy, approvals, audit trail, cards or second tries: what
lies between this and Purgebot is what those cost.
"""

from __future__ import annotations

import json
import os
import queue
import sqlite3
import sys
import tempfile
import threading
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from slack_bolt import App

from bench.bare import new_app, serve

WORKERS = 16
Write = tuple[str, tuple[str, ...], threading.Event | None]


class Writer(threading.Thread):
    """The one thread that writes; it commits for all who wait at that moment."""

    def __init__(self, file: Path) -> None:
        super().__init__(daemon=True)
        self._file = file
        self._waiting: queue.SimpleQueue[Write] = queue.SimpleQueue()

    def write(self, sql: str, *values: str, wait: bool = False) -> None:
        """Have it written, and `wait` until it is on disk."""
        done = threading.Event() if wait else None
        self._waiting.put((sql, values, done))
        if done is not None:
            done.wait()

    def run(self) -> None:
        database = sqlite3.connect(self._file, isolation_level=None)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE jobs (id TEXT PRIMARY KEY, text, url, task, posted)")
        while True:
            batch = [self._waiting.get()]
            while not self._waiting.empty():
                batch.append(self._waiting.get())
            database.execute("BEGIN IMMEDIATE")
            for sql, values, _ in batch:
                database.execute(sql, values)
            database.execute("COMMIT")
            for _, _, done in batch:
                if done is not None:
                    done.set()


class Caller:
    """One kept connection to each server, for one thread."""

    def __init__(self) -> None:
        self._kept: dict[str, HTTPConnection] = {}

    def post(self, url: str, body: str) -> bytes:
        host, path = urlsplit(url).netloc, urlsplit(url).path
        line = self._kept.setdefault(host, HTTPConnection(host))
        line.request("POST", path, body.encode(), {"Content-Type": "application/json"})
        return line.getresponse().read()


def floor_app(writer: Writer, *, full: bool) -> App:
    # Bolt's default way waits for the handler in steps of ten milliseconds.
    app = new_app(before_response=True)
    jobs: queue.SimpleQueue[dict[str, str]] = queue.SimpleQueue()

    def purge(ack: Callable[[], None], command: dict[str, str]) -> None:
        job = command["trigger_id"], command["text"], command["response_url"]
        writer.write("INSERT INTO jobs (id, text, url) VALUES (?, ?, ?)", *job, wait=True)
        ack()
        if full:
            jobs.put(command)

    def work() -> None:
        caller = Caller()
        while True:
            job = jobs.get()
            task = json.loads(caller.post(os.environ["BARE_CDN"], job["text"]))["task"]
            writer.write("UPDATE jobs SET task = ? WHERE id = ?", task, job["trigger_id"])
            told = {"text": f"{job['text']}: task {task}", "response_type": "in_channel"}
            caller.post(job["response_url"], json.dumps(told))
            writer.write("UPDATE jobs SET posted = 1 WHERE id = ?", job["trigger_id"])

    for _ in range(WORKERS if full else 0):
        threading.Thread(target=work, daemon=True).start()
    app.command("/purge")(purge)
    return app


if __name__ == "__main__":
    wish = json.loads(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="floor-", dir=Path.cwd()) as folder:
        writer = Writer(Path(folder) / "jobs")
        writer.start()
        serve(floor_app(writer, full=wish["full"]), wish["mode"])
