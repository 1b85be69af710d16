"""The environment's proxies, which a test on loopback must not meet."""

from __future__ import annotations

import pytest

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


def forget_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take them out of the environment, however they are spelt."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
