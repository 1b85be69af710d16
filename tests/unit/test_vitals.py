"""A database that hangs holds up nobody who asks how the bot is."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from bot.core.errors import STORE_AWAY
from bot.health.checks import CachedProbe
from bot.store.database.writers import StoreUnavailable


class Oracle:
    """Answers when it is let, with how often it was asked."""

    def __init__(self) -> None:
        self.may_answer = threading.Event()
        self.answered = threading.Event()
        self.asked = 0
        self.fails = False

    def __call__(self) -> int:
        self.asked += 1
        self.may_answer.wait()
        self.answered.set()
        if self.fails:
            raise StoreUnavailable(STORE_AWAY)
        return self.asked


@pytest.fixture
def oracle() -> Iterator[Oracle]:
    oracle = Oracle()
    yield oracle
    oracle.may_answer.set()


def test_whoever_asks_goes_on_without_an_answer_that_does_not_come(oracle: Oracle) -> None:
    asked = CachedProbe(oracle)
    assert [asked.get() for _ in range(2)] == [None, None]
    assert oracle.asked == 1, "one question is enough, however many want its answer"
    oracle.may_answer.set()
    oracle.answered.wait()
    assert asked.get() is not None


def test_an_answer_is_kept_for_a_while(oracle: Oracle) -> None:
    oracle.may_answer.set()
    asked = CachedProbe(oracle, keep_s=60)
    assert [asked.get() for _ in range(3)] == [1, 1, 1]


def test_an_answer_that_is_not_to_be_kept_is_asked_for_anew(oracle: Oracle) -> None:
    oracle.may_answer.set()
    asked = CachedProbe(oracle, keep_s=0)
    asked.get()
    asked.get()
    assert oracle.asked == 2


def test_a_failure_is_no_answer_and_is_not_kept(oracle: Oracle) -> None:
    oracle.may_answer.set()
    oracle.fails = True
    asked = CachedProbe(oracle, keep_s=60)
    assert asked.get() is None
    oracle.fails = False
    assert asked.get() == 2
