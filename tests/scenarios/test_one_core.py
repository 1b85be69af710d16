"""`purgebot run` takes one core of the machine at a time, or what the kernel gives to each thread."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot.demo.town import Town
from tests.support.purgebot import running
from tests.support.waiting import poll

ALL = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
pytestmark = pytest.mark.skipif(len(ALL) < 2, reason="there is one core, or none can be chosen")


def cores_of_threads(pid: int) -> list[set[int]]:
    """Give the cores that each thread may run on, those that may run on fewest first."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sorted((os.sched_getaffinity(int(each.name)) for each in tasks), key=len)


def test_all_threads_follow_one_that_may_run_anywhere(site: Town, tmp_path: Path) -> None:
    with running(tmp_path, site.variables()) as bot:
        bot.until("started")

        def share_one() -> bool:
            *others, leader = cores_of_threads(bot.process.pid)
            return leader == ALL and all(each == others[0] for each in others)

        poll(share_one)
        *others, _ = cores_of_threads(bot.process.pid)
        assert len(others) > 5
        assert len(others[0]) == 1


def test_operators_can_leave_the_cores_to_the_kernel(site: Town, tmp_path: Path) -> None:
    with running(tmp_path, site.variables() | {"PURGEBOT_ONE_CORE": "false"}) as bot:
        bot.until("started")
        assert all(each == ALL for each in cores_of_threads(bot.process.pid))
