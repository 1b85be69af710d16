"""What several of these tests share: a simulator a module, new for each test, and npm's packages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulators.cdn_sim import Cdn, running_cdn
from tests.simulators.npm_packages import installed
from tests.simulators.slack_sim import Slack, running_slack


@pytest.fixture(scope="session")
def npm() -> Iterator[Path]:
    with installed() as place:
        yield place


@pytest.fixture(scope="module")
def running() -> Iterator[Slack]:
    with running_slack() as slack:
        yield slack


@pytest.fixture
def slack(running: Slack) -> Slack:
    return running.as_new()


@pytest.fixture(scope="module", name="server")
def _server() -> Iterator[Cdn]:
    with running_cdn() as cdn:
        yield cdn


@pytest.fixture(name="cdn")
def _cdn(server: Cdn) -> Cdn:
    return server.as_new()
