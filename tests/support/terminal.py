"""A program at a terminal of its own, typed at as a person would.

with terminal(["purgebot", "init"], folder, variables) as screen:
    screen.answers("Bot token", "xoxb-…")      once it asks for it
    screen.ends()                               its exit code
screen.text                                     all that was to be read, what was typed as well
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.purgebot import PATIENCE_S

AT_TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
"""Runs a program at a new terminal, and passes on what is typed and shown."""


@dataclass
class Screen:
    process: subprocess.Popen[bytes]
    text: str = ""
    _seen: int = 0
    _shown: queue.SimpleQueue[bytes] = field(default_factory=queue.SimpleQueue)

    def listen(self) -> None:
        assert self.process.stdout is not None
        while shown := os.read(self.process.stdout.fileno(), 65536):
            self._shown.put(shown)
        self._shown.put(b"")

    def answers(self, question: str, answer: str) -> None:
        """Wait for a question that was not there yet, and type an answer."""
        while question not in self.text[self._seen :]:
            assert self._read(), f"“{question}” was not asked:\n{self.text}"
        self._seen = len(self.text)
        assert self.process.stdin is not None
        self.process.stdin.write(f"{answer}\n".encode())
        self.process.stdin.flush()

    def ends(self) -> int:
        """Read to the end, and give the exit code."""
        while self._read():
            pass
        return self.process.wait(timeout=PATIENCE_S)

    def _read(self) -> bool:
        shown = self._shown.get(timeout=PATIENCE_S)
        self.text += shown.decode(errors="replace").replace("\r\n", "\n")
        return bool(shown)


@contextmanager
def terminal(words: list[str], folder: Path, variables: Mapping[str, str]) -> Iterator[Screen]:
    """Start a program at a terminal; it is killed if it outlives the block."""
    with subprocess.Popen(
        [sys.executable, "-c", AT_TERMINAL, *words],
        cwd=folder,
        env=dict(variables),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        screen = Screen(process)
        listener = threading.Thread(target=screen.listen)
        listener.start()
        try:
            yield screen
        finally:
            if process.poll() is None:
                process.kill()
            listener.join()
