"""docs/security.md promises nothing without a test: each line names some, and they are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()
LINES = [line for line in PAGE.splitlines() if re.match(r"\| (?!asset|threat)(.*?\|){3}$", line)]
"""All lines of the tables with three columns, but for their heads."""
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def test_the_table_is_found() -> None:
    assert LINES


@pytest.mark.parametrize("line", LINES)
def test_each_counter_measure_has_its_tests(line: str) -> None:
    threat, counter_measure, tests = (cell.strip() for cell in line.strip("|").split("|"))
    assert threat
    assert counter_measure
    named = NAMED.findall(tests)
    assert named, "no test is named"
    for path, name in named:
        tree = ast.parse((ROOT / path).read_text())
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
