"""What the command line meets: a town without a bot."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.playground.town import SAMPLE_POLICY, Town, town


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Town]:
    """Give a town without a bot, for `purgebot` itself to meet, with a policy to write in."""
    policy = tmp_path / "policy.yaml"
    shutil.copy(SAMPLE_POLICY, policy)
    url = f"sqlite:///{tmp_path}/data/purgebot.sqlite3"
    with town(database_url=url, policy=policy, with_bot=False) as place:
        yield place
