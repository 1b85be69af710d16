"""docs/errors.md says what the program says: every kind of error, word for word.

Where a row is missing or old, the failure prints the rows to paste.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import pytest

from bot.cdn.faults import KIND_BY_CODE, KIND_BY_FAMILY, KIND_BY_STATUS
from bot.core import cdn_errors
from bot.core.errors import ErrorKind

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "errors.md").read_text()
# What bot.cdn.faults says by rules, not by tables.
BY_RULE = {
    cdn_errors.THROTTLED.code: ["any code with `Throttling`"],
    cdn_errors.DAILY_QUOTA.code: ["`QuotaExceeded.Refresh` that says “daily”"],
    cdn_errors.UNKNOWN_ERROR.code: ["any code not on this page, with HTTP 4xx"],
    cdn_errors.TURNED_DOWN.code: ["other HTTP 4xx"],
    cdn_errors.SERVER_ERROR.code: ["other HTTP 5xx"],
    cdn_errors.UNREADABLE_ANSWER.code: ["any other HTTP status"],
}


def every_kind() -> dict[str, ErrorKind]:
    """All kinds in a `KINDS` of ours, by code."""
    found = {}
    for path in sorted((ROOT / "bot").rglob("*.py")):
        if re.search(r"^KINDS\b", path.read_text(), re.MULTILINE):
            kinds = import_module(".".join(path.relative_to(ROOT).with_suffix("").parts)).KINDS
            for kind in kinds.values() if isinstance(kinds, Mapping) else kinds:
                if isinstance(kind, ErrorKind):
                    found[kind.code] = kind
    return found


def row(kind: ErrorKind) -> str:
    """The kind's line in its table; only those of the CDN have a column of the vendor's codes."""
    cells = [
        f"`{kind.code}`",
        kind.message,
        kind.hint,
        "yes" if kind.retryable else "no",
        "yes" if kind.in_doubt else "no",
    ]
    if kind.code.startswith("cdn-"):
        cells.append(vendor_codes(kind))
    return "| " + " | ".join(" ".join(cell.split()).replace("|", r"\|") for cell in cells) + " |"


def vendor_codes(kind: ErrorKind) -> str:
    codes = [f"`{code}`" for code, meant in KIND_BY_CODE.items() if meant is kind]
    codes += [f"other `{start}…`" for start, meant in KIND_BY_FAMILY.items() if meant is kind]
    codes += BY_RULE.get(kind.code, [])
    codes += [f"HTTP {status}" for status, meant in KIND_BY_STATUS.items() if meant is kind]
    return ", ".join(codes) or "–"


def test_every_kind_of_error_is_documented_as_it_is() -> None:
    missing = [row(kind) for kind in every_kind().values() if row(kind) not in PAGE.splitlines()]
    if missing:
        pytest.fail("paste into docs/errors.md:\n" + "\n".join(missing), pytrace=False)


def test_every_documented_error_exists() -> None:
    documented = re.findall(r"^\| `([a-z-]+)` \|", PAGE, re.MULTILINE)
    assert [code for code in documented if code not in every_kind()] == []
    assert len(documented) == len(set(documented))
