"""What comes from outside is taken or refused, whatever it is: a sample, the same each time.

`make fuzz` goes on for as long as it is told.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.fuzz.engine import ROOT, corpus_of, fuzz
from tests.fuzz.targets import FEW, TARGETS


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_crashes(target: str, record_property: Callable[[str, object], None]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", target],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{FEW[target]} inputs, 0 crashes" in done.stdout
    record_property("counts", f"fuzz: {done.stdout.splitlines()[2]}")


def test_a_crash_is_found_by_the_lines_that_lead_to_it() -> None:
    def attempt(data: bytes) -> bool:
        if b"--force" in data:
            raise KeyError(data)
        return False

    counts = fuzz("command", attempt, 1, lambda number: number < len(corpus_of("command")))
    (crash,) = counts.crashes  # once, however often it comes
    assert b"--force" in crash[0]
    assert "KeyError" in crash[1]
