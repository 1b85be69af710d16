"""Tables of figures: printed as they come, and kept in docs/performance.md with date and machine.

Each part of the bench has its place there, between two markers; a run puts its own tables in.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles

import psycopg

DOCUMENT = Path(__file__).parent.parent / "docs" / "performance.md"
POSTGRES = os.environ.get("TEST_DATABASE_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
BUSY = 0.5
"""A load average beyond which something else is at work."""


@dataclass(slots=True)
class Table:
    """Rows of cells below a head; what there is to say about them."""

    head: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, *cells: object) -> None:
        self.rows.append([str(cell) for cell in cells])

    def __str__(self) -> str:
        lines = [self.head, ["---"] * len(self.head), *self.rows]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        notes = "\n".join(f"- {note}" for note in self.notes)
        return f"{table}\n\n{notes}" if notes else table


def against(value: float, limit: float, unit: str = "", *, at_least: bool = False) -> str:
    """Say a ratio or a figure, what it should be, and whether it is: `1.32 (≤ 1.20, missed)`."""
    met = value >= limit if at_least else value <= limit
    sign = "≥" if at_least else "≤"
    return f"{value:.2f}{unit} ({sign} {limit:g}{unit}: {'met' if met else 'missed'})"


def percentile(values: Sequence[float], percent: int) -> float:
    if len(values) < 2:
        return median(values)
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def machine(load: float) -> str:
    """Give date and machine in one line; `load` is its load average when nothing was measured yet."""
    busy = f"; **busy machine**, load {load:.1f} at the start" if load > BUSY else ""
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} × {_processor()}, "
        f"Python {platform.python_version()}, {postgresql() or 'no PostgreSQL'}{busy}"
    )


def postgresql() -> str | None:
    """Give the server's name and version, or None where there is none."""
    try:
        with psycopg.connect(POSTGRES, connect_timeout=3) as server:
            return f"PostgreSQL {server.info.server_version // 10_000}"
    except psycopg.OperationalError:
        return None


def _processor() -> str:
    try:
        found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found[1].strip() if found else platform.machine()


def keep(part: str, stamp: str, tables: Sequence[Table], document: Path = DOCUMENT) -> None:
    """Put the tables of a part where the document shows them."""
    text = document.read_text()
    begin, end = f"<!-- bench {part} -->", f"<!-- /bench {part} -->"
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    assert found, f"{document} has no place for {part}"
    assert closed, f"the place for {part} in {document} has no end"
    shown = "\n\n".join([stamp + ":", *map(str, tables)])
    document.write_text(f"{before}{begin}\n{shown}\n{end}{after}")
