"""Take each counter-measure of docs/security.md away, and see whether its tests fail: `make guards`.

guards.toml names for each threat of the page what meets it in the code, what would stand there
without it, and the tests that fail then.  Each is tried in a copy of the tree, in a process of its own.

    noticed     each of its tests failed: how is printed
    SURVIVED    a test did not fail, or did not run
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PAGE = "docs/security.md"
ENDLESS_S = 30
"""When a test that waits for ever without the counter-measure is stopped."""
LIMIT_S = 900.0
"""What has not ended by then is stopped, and counts as survived."""
MEMORY_BYTES = 8 * 1024**3
"""Without a bound on what is received, a test must not take the machine's memory."""
_NOT_THE_TREE = (".*cache", ".git", ".venv*", "crashes", "dist")
_ROW = re.compile(r"\| (?!asset \||threat \|)([^|]+?) \|[^|]+\|([^|]+)\|$", re.MULTILINE)
_PYTEST = """
import os, sys, pytest
code = pytest.main(sys.argv[1:])
sys.stdout.flush()
os._exit(code)  # whatever threads are left, which may wait for ever
"""
_NAMED = re.compile(r"`(tests/[\w/]+\.py::\w+)`")


@dataclass(frozen=True, slots=True)
class Change:
    """What stands in a file, once, and what would stand there without the counter-measure."""

    file: str
    was: str
    becomes: str

    def applied(self, root: Path = ROOT) -> str:
        """Give the file's text with the change.  Raises: ValueError, if it cannot be made."""
        text = (root / self.file).read_text()
        if (times := text.count(self.was)) != 1:
            raise ValueError(f"{self.file} has this {times} times: {self.was}")
        changed = text.replace(self.was, self.becomes)
        if self.file.endswith(".py"):
            compile(changed, self.file, "exec")
        return changed


@dataclass(frozen=True, slots=True)
class Guard:
    """A counter-measure: the threat that it meets, where, without what, and the tests that show it."""

    threat: str
    where: str
    changes: tuple[Change, ...]
    tests: tuple[str, ...]
    endless: bool = False
    """Whether its tests wait for ever without it, so that they fail by being stopped."""

    def __str__(self) -> str:
        return f"{self.threat} ({self.where})"


def guards() -> list[Guard]:
    rows = tomllib.loads((HERE / "guards.toml").read_text())["guard"]
    return [
        Guard(
            row["threat"],
            row["where"],
            tuple(Change(**each) for each in row["change"]),
            tuple(row["tests"]),
            row.get("endless", False),
        )
        for row in rows
    ]


def threats() -> dict[str, set[str]]:
    """Give the threats of the page, and the tests that each row names."""
    found = _ROW.findall((ROOT / PAGE).read_text())
    return {threat: set(_NAMED.findall(tests)) for threat, tests in found}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of each test of a guard: how it failed, or why it did not, by its name."""

    failed: dict[str, str]
    survived: dict[str, str]


def attempt(guard: Guard) -> Verdict:
    """Run the tests of a guard without what it stands for."""
    with tempfile.TemporaryDirectory(prefix="guard-") as place:
        root = Path(place) / "tree"
        shutil.copytree(ROOT, root, symlinks=True, ignore=shutil.ignore_patterns(*_NOT_THE_TREE))
        for change in guard.changes:
            (root / change.file).write_text(change.applied(root))
        report = Path(place) / "report.xml"
        limit = [f"--timeout={ENDLESS_S}"] if guard.endless else []
        said = _run(root, guard.tests, f"--junitxml={report}", *limit)
        found = dict(_outcomes(report)) if report.exists() else {}
    failed, survived = {}, {}
    for test in guard.tests:
        ends = [end for name, end in found.items() if name == test or name.startswith(f"{test}[")]
        hits = [end for end in ends if end.failed and (guard.endless or not end.was_stopped)]
        if hits:
            failed[test] = hits[0].how
        else:
            survived[test] = "; ".join({end.how for end in ends}) or f"it did not run\n{said}"
    return Verdict(failed, survived)


def _run(root: Path, tests: Sequence[str], *options: str) -> str:
    """Run tests of a tree; give the end of what was said."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-c", _PYTEST, "-q", "-p", "no:cacheprovider", "-o", "addopts="),
            *("--import-mode=importlib", "-o", "junit_family=xunit1", *options, *tests),
        ],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    resource.prlimit(process.pid, resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    try:
        said, _ = process.communicate(timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        said, _ = process.communicate()
    return said[-2000:]


@dataclass(frozen=True, slots=True)
class _End:
    """How a test ended: that it failed, or else that it passed, was skipped or was not set up."""

    failed: bool
    how: str

    @property
    def was_stopped(self) -> bool:
        return self.how.startswith("Failed: Timeout")


def _outcomes(report: Path) -> Iterator[tuple[str, _End]]:
    for case in ET.parse(report).iter("testcase"):  # noqa: S314  (pytest wrote it)
        test = f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name')}"
        told = {
            each.tag: " ".join((each.get("message") or "failed").split())
            for each in case
            if each.tag in {"failure", "error", "skipped"}
        }
        how = told.get("failure") or told.get("error") or told.get("skipped") or "it passed"
        is_failure = not told.keys().isdisjoint({"failure", "error"})
        yield test, _End(is_failure and not how.startswith("failed on setup"), how)


def whole(tests: Sequence[str], jobs: int) -> bool:
    """Whether all tests succeed without any change."""
    said = _run(ROOT, tests, f"--numprocesses={jobs}", "--dist=worksteal")
    passed = re.search(r"^\d+ passed(, \d+ warnings?)? in", said.splitlines()[-1]) is not None
    print("" if passed else said)
    return passed


def main() -> int:
    parser = argparse.ArgumentParser(description="Take counter-measures away; see what fails")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at a time")
    parser.add_argument("--only", default="", metavar="WORDS", help="of threats with these words")
    given = parser.parse_args()

    tried = [each for each in guards() if given.only in str(each)]
    if not whole(sorted({test for each in tried for test in each.tests}), given.jobs):
        return 1
    survived = 0
    with ThreadPoolExecutor(given.jobs) as pool:
        for guard, verdict in zip(tried, pool.map(attempt, tried), strict=True):
            survived += bool(verdict.survived)
            print("SURVIVED" if verdict.survived else "noticed ", guard)
            for test, how in (verdict.failed | verdict.survived).items():
                print(f"    {test}\n        {how[:300]}", flush=True)
    print(f"{len(tried)} counter-measures: {len(tried) - survived} noticed, {survived} survived")
    return min(survived, 1)


if __name__ == "__main__":
    sys.exit(main())
