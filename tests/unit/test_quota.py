"""Quotas: when one is low, what a card says of it, and when the CDN's day begins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.core.cdn.quota import LowQuota, day_began_at, lowest, resets_at
from handlers.blocks.quota import low_quota_line

PLENTY = [900, 1000]


def test_the_quota_with_the_smallest_share_left_is_the_lowest() -> None:
    reported = {"url": [500, 10_000], "dir": [1, 100], "regex": [1, 20]}
    assert lowest(reported, 0.1) == LowQuota("dir", 1, 100)


def test_a_quota_is_low_below_the_share_and_not_at_it() -> None:
    assert lowest({"url": [100, 1000]}, 0.1) is None
    assert lowest({"url": [99, 1000]}, 0.1) == LowQuota("url", 99, 1000)


def test_where_all_have_plenty_nothing_is_low() -> None:
    assert lowest({"url": PLENTY, "dir": PLENTY}, 0.1) is None


def test_a_quota_that_is_used_up_is_low() -> None:
    assert lowest({"url": PLENTY, "dir": [0, 100]}, 0.1) == LowQuota("dir", 0, 100)


def test_a_share_of_0_turns_it_off() -> None:
    assert lowest({"url": [0, 1000]}, 0) is None


@pytest.mark.parametrize("reported", [{}, {"regex": [0, 0]}], ids=["unreported", "none at all"])
def test_of_nothing_nothing_is_low(reported: dict[str, list[int]]) -> None:
    assert lowest(reported, 1) is None


def test_the_line_names_the_numbers_and_says_that_they_are_not_of_tags() -> None:
    line = low_quota_line(LowQuota("url", 42, 10_000)).replace("\u00a0", " ")
    assert "42 of 10 000 URL refreshes left today" in line
    assert "for tags it reports no quota" in line


@pytest.mark.parametrize(
    ("name", "words"), [("dir", "directory refreshes"), ("regex", "regex refreshes")]
)
def test_each_quota_has_its_name(name: str, words: str) -> None:
    assert f"1 of 20 {words}" in low_quota_line(LowQuota(name, 1, 20)).replace("\u00a0", " ")


def test_the_cdns_day_begins_at_16_00_utc() -> None:
    new_day = datetime(2024, 11, 2, 16, tzinfo=UTC)
    assert day_began_at(new_day) == new_day
    assert day_began_at(new_day - timedelta(seconds=1)) == new_day - timedelta(days=1)
    assert resets_at(new_day) == new_day + timedelta(days=1)
