"""Processes of the command `purgebot` that need not import anything: nearly all of a short command's time.

Python's "forkserver" imports once, and forks each process after that, with the environment, the
folder and the pipes that it is given:
https://docs.python.org/3/library/multiprocessing.html#contexts-and-start-methods
What happens before the imports' end cannot be seen in such a process; see `needs_a_cold_start`.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["tests.support.warm_imports"])
_BEFORE_IMPORTS = ("PYTHON", "LD_")


def needs_a_cold_start(variables: Mapping[str, str]) -> bool:
    """Return whether any of these variables acts on the interpreter or its loader."""
    return any(name.startswith(_BEFORE_IMPORTS) for name in variables)


class WarmProcess:
    """A process of `purgebot WORDS`, with what tests use of `subprocess.Popen[str]`."""

    def __init__(self, words: tuple[str, ...], folder: Path, variables: dict[str, str]) -> None:
        reads, types = Pipe(duplex=False)
        output, writes = Pipe(duplex=False)
        errors, complains = Pipe(duplex=False)
        pipes = (reads, writes, complains)
        self._process = _SERVER.Process(target=_run, args=(words, str(folder), variables, pipes))
        self._process.start()
        for theirs in pipes:
            theirs.close()
        self.stdin = _text(types, "w")
        self.stdout = _text(output, "r")
        self.stderr = _text(errors, "r")
        assert self._process.pid is not None, "it was started"
        self.pid: int = self._process.pid

    def poll(self) -> int | None:
        """Return the exit code, or the signal that ended it below zero, or None."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code.  Raises: subprocess.TimeoutExpired."""
        self._process.join(timeout)
        if (code := self.poll()) is None:
            raise subprocess.TimeoutExpired("purgebot", timeout or 0.0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self._process.kill()

    def communicate(self, typed: str | None, timeout: float) -> tuple[str, str]:
        """Type, and return all that it writes.  It is killed after `timeout` seconds."""
        heard: list[str] = []
        listener = threading.Thread(target=lambda: heard.append(self.stderr.read()))
        end = threading.Timer(timeout, self.kill)
        listener.start()
        end.start()
        try:
            with self.stdin:
                self.stdin.write(typed or "")
        except BrokenPipeError:
            pass  # it has ended without reading
        written = self.stdout.read()
        listener.join()
        end.cancel()
        self.close()
        return written, heard[0]

    def close(self) -> None:
        """Close the pipes.  It must have ended."""
        self._process.join()
        for pipe in (self.stdin, self.stdout, self.stderr):
            pipe.close()


def _text(pipe: Connection, mode: str) -> IO[str]:
    file: IO[str] = os.fdopen(os.dup(pipe.fileno()), mode, encoding="utf-8")
    pipe.close()
    return file


def _run(
    words: tuple[str, ...],
    folder: str,
    variables: dict[str, str],
    pipes: tuple[Connection, Connection, Connection],
) -> None:
    """Become the command; in the forked process."""
    for number, pipe in enumerate(pipes):
        os.dup2(pipe.fileno(), number)
        pipe.close()
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
    sys.stderr = open(  # noqa: SIM115
        2, "w", encoding="utf-8", errors="backslashreplace", closefd=False, buffering=1
    )
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(folder)
    sys.argv = ["purgebot", *words]
    from bot.__main__ import main

    try:
        main()
    finally:
        # As the interpreter does at its end, and multiprocessing does not.
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
