"""The bench runs, and its tables have a place to be shown.  No figure is judged here."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import PARTS
from bench.report import DOCUMENT, Table, keep

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("part", PARTS)
def test_each_part_is_there_and_has_a_place_in_the_docs(part: str, tmp_path: Path) -> None:
    pytest.importorskip("playwright") if part == "demo" else None
    assert importlib.import_module(f"bench.{part}").measure
    shown = tmp_path / "performance.md"
    shown.write_text(DOCUMENT.read_text())
    keep(part, "a day and a machine", [Table(["figure"], [["42"]])], shown)
    assert "a day and a machine:\n\n| figure |\n| --- |\n| 42 |\n<!-- /bench" in shown.read_text()


def test_a_second_run_takes_the_place_of_the_first(tmp_path: Path) -> None:
    shown = tmp_path / "performance.md"
    shown.write_text("before\n<!-- bench ack -->\n<!-- /bench ack -->\nafter\n")
    for figure in ("1", "2"):
        keep("ack", "now", [Table(["figure"], [[figure]])], shown)
    assert shown.read_text() == (
        "before\n<!-- bench ack -->\nnow:\n\n| figure |\n| --- |\n| 2 |\n<!-- /bench ack -->\nafter\n"
    )


@pytest.mark.parametrize("part", ["answer", "policy"])
def test_a_quick_run_prints_its_tables_and_keeps_nothing(part: str) -> None:
    before = DOCUMENT.read_text()
    # A process of its own: it sets up logs as it likes them.
    quick = [sys.executable, "-m", "bench", "--quick", part]
    ran = subprocess.run(quick, cwd=ROOT, capture_output=True, text=True, check=True, timeout=110)
    assert ran.stdout.count("| --- |") >= 1
    assert DOCUMENT.read_text() == before
