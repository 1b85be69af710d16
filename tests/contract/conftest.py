"""What several of these tests share: the packages from npm, installed once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.npm_packages import installed


@pytest.fixture(scope="session")
def npm() -> Iterator[Path]:
    with installed() as place:
        yield place
