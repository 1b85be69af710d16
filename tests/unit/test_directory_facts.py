"""Facts about people are kept while they are of use, and their number has an end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.core.retry import DirectoryUnavailable
from bot.slack.directory import FEW_FACTS, STALE, Facts

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> datetime:
        return self.at


def filled(clock: Clock) -> Facts[str, str]:
    facts: Facts[str, str] = Facts(clock)
    for number in range(FEW_FACTS):
        facts.get(f"U{number}", lambda: "member", None)
    return facts


def away() -> str:
    raise DirectoryUnavailable


def test_what_is_too_old_to_be_used_is_forgotten_when_somebody_new_comes() -> None:
    clock = Clock()
    facts = filled(clock)
    clock.at += STALE + timedelta(seconds=1)
    facts.get("U-new", lambda: "member", None)
    assert len(facts._facts) == 1
    assert facts.held("U-new") == "member"


def test_what_may_still_be_used_is_kept() -> None:
    clock = Clock()
    facts = filled(clock)
    clock.at += STALE
    facts.get("U-new", lambda: "member", None)
    assert facts.get("U0", away, None) == "member"


def test_a_few_are_kept_without_a_look_at_their_age() -> None:
    clock = Clock()
    facts: Facts[str, str] = Facts(clock)
    facts.get("U0", lambda: "member", None)
    clock.at += 2 * STALE
    facts.get("U1", lambda: "guest", None)
    assert len(facts._facts) == 2


def test_a_person_who_is_forgotten_and_cannot_be_asked_about_is_unknown() -> None:
    clock = Clock()
    facts = filled(clock)
    clock.at += 2 * STALE
    facts.get("U-new", lambda: "member", None)
    with pytest.raises(DirectoryUnavailable):
        facts.get("U0", away, None)
