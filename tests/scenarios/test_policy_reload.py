"""The policy file is read beside the work: whatever becomes of it, purges go on."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.demo.town import SAMPLE_POLICY, Town
from tests.conftest import OpenTown
from tests.support.messages import cards, words
from tests.support.prometheus_scrape import bot_of
from tests.support.waiting import poll


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(SAMPLE_POLICY.read_text())
    return path


@pytest.fixture
def at_work(open_town: OpenTown, policy: Path) -> Town:
    """Give a town whose bot works by itself, under a policy that can be changed."""
    place = open_town(policy=policy, time_passes=True)
    bot_of(place).worker.start()
    return place


def submits(place: Town) -> Callable[[], bool]:
    return lambda: ["sent: the CDN has taken it" in words(card) for card in cards(place)] == [True]


def test_a_file_that_is_read_for_ever_holds_no_purge_up(at_work: Town) -> None:
    with bot_of(at_work).policy._lock:  # as somebody holds it who reads
        at_work.says("U0ANA", "/purge www.example.com hero")
        poll(submits(at_work))


def test_a_fifo_in_its_place_is_told_and_leaves_the_policy_in_force(
    at_work: Town, policy: Path
) -> None:
    source = bot_of(at_work).policy
    in_force = source.current().hash
    policy.unlink()
    os.mkfifo(policy)
    poll(lambda: source.error is not None)
    at_work.says("U0ANA", "/purge www.example.com hero")
    poll(submits(at_work))
    assert source.current().hash == in_force


def test_a_change_is_taken_by_itself(at_work: Town, policy: Path) -> None:
    source = bot_of(at_work).policy
    in_force = source.current().hash
    policy.write_text(policy.read_text() + "\n# changed\n")
    poll(lambda: source.current().hash != in_force)
