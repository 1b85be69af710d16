"""What docs/observe.md tells an operator to look for in the log is what the code writes there."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

from bot.telemetry.troubles import AFFECTS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "observe.md").read_text()
LEVELS = {"info", "warning", "error", "exception"}


def written() -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Give the fields and the levels of each event that the code logs."""
    fields: dict[str, set[str]] = defaultdict(set)
    levels: dict[str, set[str]] = defaultdict(set)
    for file in (*ROOT.glob("bot/**/*.py"), *ROOT.glob("handlers/**/*.py")):
        for call in ast.walk(ast.parse(file.read_text())):
            if not isinstance(call, ast.Call) or not call.args:
                continue
            names = {each.attr for each in ast.walk(call.func) if isinstance(each, ast.Attribute)}
            keywords = {each.arg for each in call.keywords if each.arg}
            event = call.args[0]
            if names & LEVELS and isinstance(event, ast.Constant) and isinstance(event.value, str):
                fields[event.value] |= keywords
                levels[event.value] |= names & LEVELS
            if "met" in names or (names & LEVELS and isinstance(event, ast.Name)):
                for each in AFFECTS:  # a trouble, whose name is passed on
                    fields[each] |= keywords
                    levels[each] |= names & LEVELS
    return fields, levels


def section(title: str) -> str:
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def codes(text: str) -> set[str]:
    return set(re.findall("`([^`]+)`", text))


def rows(text: str, columns: int) -> list[list[str]]:
    lines = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return [line for line in lines if len(line) == columns][1:]


def test_the_page_begins_with_where_to_look() -> None:
    assert PAGE.split("\n## ")[1].startswith("A purge hangs: where to look")


def test_every_field_of_the_log_that_it_names_is_written_at_that_level() -> None:
    fields, levels = written()
    told = rows(section("A purge hangs: where to look"), 3)
    assert len(told) >= 7
    for events, level, named in told:
        for event in codes(events):
            assert codes(named) - fields[event] == set(), event
            assert codes(level) & LEVELS <= levels[event], event


def test_every_event_of_the_log_and_part_of_readyz_that_it_names_is_there() -> None:
    fields, _ = written()
    checks = (ROOT / "bot" / "health" / "checks.py").read_text()
    looks = rows(section("A purge hangs: where to look"), 4)
    assert len(looks) >= 8
    for _, parts, log, _ in looks:
        for part in codes(parts) - {"cdn-held-back"}:
            assert f'"{part}"' in checks
        known = {name for event in codes(log) & fields.keys() for name in fields[event]}
        states = {"waiting", "joined", "queued"}
        assert codes(log) - fields.keys() - known - states == set()
