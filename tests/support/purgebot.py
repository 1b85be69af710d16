"""The command `purgebot` as a process of its own, with an environment that holds what it is given.

purgebot("check", **place.variables())          ended: code, out, err
with running(place.variables()) as bot:         `purgebot run`, until the block ends
    bot.until("started")                        its log, as far as that event

These begin after the imports (warm_start.py), unless they are given a variable that acts on Python
itself.  `listening(command("run"), …)` starts as an operator does.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.canaries import found_in
from tests.support.warm_start import WarmProcess, needs_a_cold_start

ROOT = Path(__file__).parents[2]
PATIENCE_S = 90
STOPS_WITHIN_S = 10
"""What a bot promises.  Whoever waits for it is patient with the machine, up to ENDS_AFTER_S: what
hangs in these tests hangs for a minute or without end, so a bot that sits it out is still found."""
ENDS_AFTER_S = 40

Line = dict[str, Any]


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


Command = Callable[..., Ended]
"""Runs a command on the database of a URL, its first argument, in this process."""


def purgebot(*words: str, folder: Path, typed: str | None = None, **variables: str) -> Ended:
    """Run a command to its end.  `typed` is what it reads."""
    given = environment(folder, variables)
    if not needs_a_cold_start(variables):
        process = WarmProcess(words, folder, given)
        out, err = process.communicate(typed, PATIENCE_S)
        return Ended(process.wait(), out, err)
    done = subprocess.run(
        command(*words),
        cwd=folder,
        env=given,
        input=typed,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "bot", *words]


def environment(folder: Path, variables: Mapping[str, str]) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
        "COLUMNS": "200",
        **variables,
    }


@dataclass
class Running:
    """A process that was started, and what it has said so far."""

    process: subprocess.Popen[str] | WarmProcess
    said: list[str] = field(default_factory=list)
    _lines: queue.SimpleQueue[str | None] = field(default_factory=queue.SimpleQueue)

    def listen(self) -> None:
        assert self.process.stderr is not None, "its errors are what we listen to"
        for line in self.process.stderr:
            self._lines.put(line)
        self._lines.put(None)

    def until(self, event: str) -> Line:
        """Give the next line of the log with this event."""
        while (line := self._lines.get(timeout=PATIENCE_S)) is not None:
            self.said.append(line)
            if line.startswith("{") and (found := json.loads(line))["event"] == event:
                return dict(found)
        raise AssertionError(f"no event {event} in:\n{''.join(self.said)}")

    def search(self) -> None:
        """Look for secrets in what it has said.  Raises: AssertionError."""
        said = list(self.said)
        while not self._lines.empty():
            said.append(self._lines.get() or "")
        assert found_in("".join(said)) == []

    def end(self, how: signal.Signals = signal.SIGTERM, *, times: int = 1) -> int:
        """Tell it to stop, hear it out, and give its exit code."""
        for _ in range(times):
            self.process.send_signal(how)
        code = self.process.wait(timeout=ENDS_AFTER_S)
        while (line := self._lines.get(timeout=PATIENCE_S)) is not None:
            self.said.append(line)
        return code


@contextmanager
def running(folder: Path, variables: Mapping[str, str], *words: str) -> Iterator[Running]:
    """Start a command, `run` unless told otherwise; it is killed if it outlives the block."""
    words, given = words or ("run",), environment(folder, variables)
    if needs_a_cold_start(variables):
        with listening(command(*words), folder, given) as bot:
            yield bot
        return
    process = WarmProcess(words, folder, given)
    process.stdin.close()
    with _heard(Running(process)) as bot:
        yield bot
    process.close()


@contextmanager
def listening(arguments: list[str], folder: Path, variables: dict[str, str]) -> Iterator[Running]:
    """Start a program that logs as Purgebot does; it is killed if it outlives the block."""
    with (
        subprocess.Popen(
            arguments,
            cwd=folder,
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
        _heard(Running(process)) as bot,
    ):
        yield bot


@contextmanager
def _heard(bot: Running) -> Iterator[Running]:
    listener = threading.Thread(target=bot.listen)
    listener.start()
    try:
        yield bot
    finally:
        if bot.process.poll() is None:
            bot.process.kill()
        listener.join()
        bot.search()
