"""The browser to see with, or the reason why there is none.

Importing this skips a test module where a browser is missing; under CI=true it fails instead,
because a net with an unseen hole is worse than a red build.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def _do_without(what: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}, and CI must not do without the browser tests", pytrace=False)
    pytest.skip(what, allow_module_level=True)


try:
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it comes without types
    from playwright.sync_api import (
        Browser,
        BrowserContext,
        ConsoleMessage,
        Locator,
        Page,
        expect,
        sync_playwright,
    )
except ImportError as error:
    _do_without(f"{error.name} is not installed")
if not CHROMIUM.exists():
    _do_without(f"there is no Chromium at {CHROMIUM}")

expect.set_options(timeout=60_000)

Open = Callable[..., Page]
"""Opens the town as somebody, somewhere: see the fixture `open_page`."""

__all__ = [
    "ARGUMENTS",
    "CHROMIUM",
    "Axe",
    "Browser",
    "BrowserContext",
    "ConsoleMessage",
    "Locator",
    "Open",
    "Page",
    "expect",
    "sync_playwright",
]
