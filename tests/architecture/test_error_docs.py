"""No kind of error is forgotten: all are in the catalogue, and docs/errors.md says them word for word.

Where a row is missing or old, the failure prints the rows to paste.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cdn.error_codes import KIND_BY_CODE, KIND_BY_FAMILY, KIND_BY_STATUS
from bot.core import error_registry
from bot.core.cdn import errors as cdn_errors
from bot.core.errors import Audience, ErrorKind

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "errors.md").read_text()
# What bot.cdn.error_codes says by rules, not by tables.
BY_RULE = {
    cdn_errors.THROTTLED.code: ["any code with `Throttling`"],
    cdn_errors.DAILY_QUOTA.code: ["`QuotaExceeded.Refresh` that says “daily”"],
    cdn_errors.UNKNOWN_ERROR.code: ["any code not on this page, with HTTP 4xx"],
    cdn_errors.TURNED_DOWN.code: ["other HTTP 4xx"],
    cdn_errors.SERVER_ERROR.code: ["other HTTP 5xx"],
    cdn_errors.UNREADABLE_ANSWER.code: ["any other HTTP status"],
}


def codes_in_source() -> Iterator[str]:
    """Give the code of each `ErrorKind(…)` that is written anywhere in the product."""
    for path in [*(ROOT / "bot").rglob("*.py"), *(ROOT / "handlers").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("ErrorKind"):
                named = {each.arg: each.value for each in node.keywords}
                yield ast.literal_eval(node.args[0] if node.args else named["code"])


def row(kind: ErrorKind) -> str:
    """The kind's line in its table; only those of the CDN have a column of the vendor's codes."""
    cells = [
        f"`{kind.code}`",
        kind.message,
        kind.hint_for(Audience.REQUESTER),
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


def test_whoever_imports_the_catalogue_has_every_kind_of_error() -> None:
    """Asked of a new process: here, other tests have imported what the catalogue may lack."""
    program = "from bot.core import error_registry as catalogue; print(*catalogue.KINDS)"
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    )
    written = sorted(codes_in_source())
    assert len(written) > 100
    assert sorted(run.stdout.split()) == written


def test_two_kinds_of_error_cannot_have_one_code() -> None:
    code = cdn_errors.QUOTA.code
    with pytest.raises(ValueError, match=code):
        ErrorKind(code, "Another sentence.", "Another hint.")
    assert error_registry.kind(code) is cdn_errors.QUOTA


def test_every_kind_of_error_is_documented_as_it_is() -> None:
    missing = [
        row(each) for each in error_registry.KINDS.values() if row(each) not in PAGE.splitlines()
    ]
    if missing:
        pytest.fail("paste into docs/errors.md:\n" + "\n".join(missing), pytrace=False)


def test_every_documented_error_exists() -> None:
    documented = re.findall(r"^\| `([a-z-]+)` \|", PAGE, re.MULTILINE)
    assert [code for code in documented if code not in error_registry.KINDS] == []
    assert len(documented) == len(set(documented))
