"""Proof at the edge: sample URLs are looked at before and after, and the card says what changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.demo.town import SAMPLE_POLICY, Town
from tests.conftest import OpenTown
from tests.support.messages import APPROVE, buttons, only_card, words

FRONT = "https://www.example.com/"
PROOFS = f"""
proofs:
  - proof: The front page
    domains: [www.example.com]
    tags: [front]
    urls: ["{FRONT}", "https://www.example.com/prices?for=all"]
"""


@pytest.fixture
def proving(open_town: OpenTown, tmp_path: Path) -> Town:
    policy = tmp_path / "policy.yaml"
    policy.write_text(SAMPLE_POLICY.read_text().partition("\nproofs:")[0] + PROOFS)
    return open_town(policy=policy)


def asked(place: Town) -> list[str]:
    """Give what the edge was asked for."""
    return [f"{row['method']} {row['target']}" for row in place.get("edge/state")["requests"]]


def purges(place: Town, command: str = "www.example.com front") -> str:
    """Give the words of the card when all is over."""
    place.says("U0ANA", f"/purge {command}")
    place.settle()
    if "--force" in command:
        place.presses("U0SAM", APPROVE, only_card(place))
        place.settle()
    place.waits(minutes=2)
    place.waits(seconds=3)
    return words(only_card(place))


def test_a_page_that_was_published_anew_is_verified(proving: Town) -> None:
    proving.publishes(FRONT)
    card = purges(proving)
    assert "`/` :white_check_mark: verified at the edge" in card
    assert 'ETag `"v1"` → `"v2"`' in card


def test_an_unchanged_page_is_said_to_be_unchanged(proving: Town) -> None:
    purges(proving)
    assert "unchanged: the edge keeps the same copy" in words(only_card(proving))


def test_a_forced_purge_of_an_unchanged_page_is_verified_by_its_age(proving: Town) -> None:
    assert "verified at the edge" in purges(proving, "www.example.com front --force")


def test_each_url_is_asked_twice_by_head_alone(proving: Town) -> None:
    purges(proving)
    assert sorted(asked(proving)) == ["HEAD /", "HEAD /", *["HEAD /prices?for=all"] * 2]


def test_an_edge_that_does_not_answer_leaves_it_open_and_stops_nothing(proving: Town) -> None:
    proving.post("edge/faults", {"kind": "error", "status": 500})
    card = purges(proving)
    assert "could not tell: it answered HTTP 500" in card
    assert "Purge complete" in card


def test_tags_that_the_policy_names_no_url_for_are_not_looked_at(proving: Town) -> None:
    card = purges(proving, "www.example.com hero")
    assert asked(proving) == []
    assert "verified" not in card


# Where the CDN does not tell how it ended, the edge may.


def test_where_the_cdn_reports_nothing_the_edge_tells(proving: Town) -> None:
    proving.post("cdn/settings", {"knows_tag_tasks": False})
    proving.publishes(FRONT)
    purges(proving)
    assert len(asked(proving)) == 2
    proving.waits(minutes=11)
    card = words(only_card(proving))
    assert "The CDN does not report its progress" in card
    assert "`/` :white_check_mark: verified at the edge" in card
    assert len(asked(proving)) == 4


def test_where_an_answer_was_lost_the_edge_helps_to_decide(proving: Town) -> None:
    proving.post("cdn/settings", {"knows_tag_tasks": False})
    proving.publishes(FRONT)
    proving.breaks(kind="lose_answer", times=1)
    proving.says("U0ANA", "/purge www.example.com front")
    proving.settle()
    assert "verified" not in words(only_card(proving))
    proving.waits(minutes=3)
    proving.waits(seconds=3)
    card = only_card(proving)
    assert "outcome unknown" in words(card)
    assert "`/` :white_check_mark: verified at the edge" in words(card)
    assert "Purge again" in buttons(card)


def test_a_purge_that_never_arrived_is_not_verified_at_the_edge(proving: Town) -> None:
    proving.publishes(FRONT)
    proving.breaks(kind="http", executed=False, times=1)
    proving.says("U0ANA", "/purge www.example.com front")
    proving.settle()
    proving.waits(minutes=3)
    proving.waits(seconds=3)
    card = words(only_card(proving))
    assert "unchanged" in card
    assert "verified" not in card
