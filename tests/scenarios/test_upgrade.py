"""Upgrades, with real old code: what an earlier release wrote is served, while that one still runs.

old starts ──► people ask ──► `purgebot migrate` ──► new starts ──► both serve ──► old stops
"""

from __future__ import annotations

import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bot.playground.town import SAMPLE_POLICY, Town, town
from bot.store.migrations import HEAD
from tests.conftest import Postgresql
from tests.processes import all_purges, check_one_card_each, check_trail, lift_limits
from tests.purgebot import ROOT, Running, purgebot, running
from tests.schemas import revision_at
from tests.talk import APPROVE, cards, words
from tests.waiting import until

PREVIOUS = "0003"
FAULTS = {"step-failed", "listener-failed", "worker-round-failed", "chore-failed"}


@pytest.fixture(scope="session")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of the earlier releases, each named by its schema's revision."""
    folder = tmp_path_factory.mktemp("releases")
    with tarfile.open(ROOT / "tests/data/previous/releases.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder


def variables_of(place: Town, release: Path) -> dict[str, str]:
    return place.variables() | {"PYTHONPATH": str(release)}


def card_with(place: Town, tag: str, says: str) -> dict[str, Any] | None:
    found = [card for card in cards(place) if f"`{tag}`" in words(card) and says in words(card)]
    return found[0] if found else None


def wait_for(place: Town, tag: str, says: str) -> dict[str, Any]:
    until(place, lambda: card_with(place, tag, says) is not None)
    card = card_with(place, tag, says)
    assert card is not None
    return card


def asks(place: Town, tag: str, *options: str) -> dict[str, Any]:
    """Let somebody ask for a purge by force, and give its card when it waits for approval."""
    place.says("U0ANA", " ".join(["/purge www.example.com", tag, "--force", *options]))
    return wait_for(place, tag, "waits for approval")


def events(process: Running) -> list[str]:
    return [line.partition('"event": "')[2].partition('"')[0] for line in process.said]


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """Give a policy that every release can read: roles and rules."""
    file = tmp_path / "policy.yaml"
    file.write_text(SAMPLE_POLICY.read_text().partition("\napprovals:")[0])
    return file


def open_town(url: str, policy: Path) -> Any:
    return town(database_url=url, policy=policy, with_bot=False)


def settings(place: Town) -> None:
    lift_limits(place)
    place.post("cdn/settings", {"task_seconds": 1})


def check_all(place: Town, sent: Counter[str]) -> None:
    """Each was sent as often as this, its card is there once, and the trail is whole."""
    place.start_bot()
    place.settle()
    assert Counter(each["params"]["CacheTag"] for each in place.purges_sent()) == sent
    check_one_card_each(place, all_purges(place))
    check_trail(place)


def test_the_release_before_and_this_one_serve_side_by_side(
    postgresql: Postgresql, releases: Path, policy: Path, tmp_path: Path
) -> None:
    tags = [f"tag-{number}" for number in range(6)]
    with postgresql.empty() as url, open_town(url, policy) as place:
        settings(place)
        previous = variables_of(place, releases / PREVIOUS)
        with running(tmp_path, previous) as old:
            old.until("started")
            assert revision_at(url) == PREVIOUS
            waiting = asks(place, "waiting")
            ended = purgebot("migrate", folder=tmp_path, PURGEBOT_DATABASE_URL=url)
            assert (ended.code, ended.out) == (0, f"schema {PREVIOUS} → {HEAD}\n")
            with running(tmp_path, place.variables()) as new:
                new.until("started")
                # Slack gives each connection its turn: what one heard the other hears approved.
                for tag in tags:
                    place.presses("U0SAM", APPROVE, asks(place, tag))
                    place.says("U0SAM", "/purge help")
                place.presses("U0SAM", APPROVE, waiting)
                for tag in (*tags, "waiting"):
                    wait_for(place, tag, "Forced purge complete")
                asks(place, "later")
                assert old.end() == 0
                later = wait_for(place, "later", "waits for approval")
                place.presses("U0SAM", APPROVE, later)
                wait_for(place, "later", "Forced purge complete")
                assert new.end() == 0
        for process in (old, new):
            assert "purge" in events(process), "it had no part in it"
            assert not FAULTS & set(events(process))
        check_all(place, Counter([*tags, "waiting", "later"]))


@pytest.mark.parametrize("revision", ["0001", "0002", "0003"])
def test_what_an_earlier_release_left_is_served(
    empty_url: str, releases: Path, policy: Path, tmp_path: Path, revision: str
) -> None:
    with open_town(empty_url, policy) as place:
        settings(place)
        with running(tmp_path, variables_of(place, releases / revision)) as old:
            old.until("started")
            for tag in ("approved", "denied"):
                asks(place, tag)
            place.says("U0ANA", "/purge www.example.com plain")
            wait_for(place, "plain", "ubmitted")
            assert old.end() == 0
        assert revision_at(empty_url) == revision
        if empty_url.startswith("postgresql"):
            migrated = purgebot(
                "migrate", folder=tmp_path, PURGEBOT_DATABASE_URL=place.database_url
            )
            assert migrated.code == 0
        with running(tmp_path, place.variables()) as new:
            new.until("started")
            place.presses("U0SAM", APPROVE, wait_for(place, "approved", "waits for approval"))
            wait_for(place, "approved", "Forced purge complete")
            place.presses("U0SAM", "purge:deny", wait_for(place, "denied", "waits for approval"))
            until(place, lambda: bool(place.forms("U0SAM")))
            place.sends_form("U0SAM", "not now")
            wait_for(place, "denied", "denied: nothing was purged")
            assert new.end() == 0
        assert not FAULTS & set(events(new))
        check_all(place, Counter(["approved", "plain"]))


def test_the_release_before_cannot_be_started_again_once_the_tables_are_new(
    postgresql: Postgresql, releases: Path, policy: Path, tmp_path: Path
) -> None:
    with postgresql.copy() as url, open_town(url, policy) as place:
        previous = variables_of(place, releases / PREVIOUS)
        ended = purgebot("run", folder=tmp_path, **previous)
        assert ended.code == 3
        assert revision_at(url) == HEAD
