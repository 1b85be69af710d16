"""Upgrades, with real code: what an earlier release wrote is served, while that one still runs.

old starts ──► people ask ──► `purgebot migrate` ──► new starts ──► both serve ──► old stops

The one before this one is kept in tests/data/previous; the one after it is this one with one more
migration (tests/support/schema_revisions.py).
"""

from __future__ import annotations

import tarfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.demo.town import SAMPLE_POLICY, Town, town
from bot.store.migrations import HEAD
from tests.support.databases import Postgresql
from tests.support.messages import APPROVE, cards, whispers, words
from tests.support.processes import all_purges, check_one_card_each, check_trail, lift_limits
from tests.support.purgebot import ROOT, Running, purgebot, running
from tests.support.schema_revisions import LATER, revision_at
from tests.support.waiting import until

PREVIOUS = "0009"
FAULTS = {"step-failed", "listener-failed", "worker-round-failed", "chore-failed"}


@dataclass(frozen=True)
class Release:
    """The folder of a release, for PYTHONPATH, and the revision of its schema."""

    folder: Path
    revision: str


@dataclass(frozen=True)
class Upgrade:
    old: Release
    new: Release

    @property
    def said(self) -> str:
        """What `purgebot migrate` says of it."""
        if self.old.revision == self.new.revision:
            return f"schema {self.new.revision}: nothing to do\n"
        return f"schema {self.old.revision} → {self.new.revision}\n"


@pytest.fixture(scope="session")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Release:
    folder = tmp_path_factory.mktemp("releases")
    with tarfile.open(ROOT / "tests/data/previous/releases.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return Release(folder / PREVIOUS, PREVIOUS)


@pytest.fixture(params=["to this release", "from this release"])
def upgrade(request: pytest.FixtureRequest, previous: Release, later: Path) -> Upgrade:
    this = Release(ROOT, HEAD)
    if request.param == "to this release":
        return Upgrade(previous, this)
    return Upgrade(this, Release(later, LATER))


def variables_of(place: Town, release: Release) -> dict[str, str]:
    return place.variables() | {"PYTHONPATH": str(release.folder)}


def migrates(place: Town, release: Release, folder: Path) -> str:
    """Bring the tables up with a release, and give what it says."""
    ended = purgebot("migrate", folder=folder, **variables_of(place, release))
    assert (ended.code, ended.err) == (0, "")
    assert revision_at(place.database_url) == release.revision
    return ended.out


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
    del place.settings["PURGEBOT_REFUSALS_PER_HOUR"]  # the release before does not know it
    place.post("cdn/settings", {"task_seconds": 1})


def check_all(place: Town, sent: Counter[str]) -> None:
    """Each was sent as often as this, its card is there once, and the trail is whole."""
    place.start_bot()
    place.settle()
    assert Counter(each["params"]["CacheTag"] for each in place.purges_sent()) == sent
    check_one_card_each(place, all_purges(place))
    check_trail(place)


def test_two_releases_serve_side_by_side(
    postgresql: Postgresql, upgrade: Upgrade, policy: Path, tmp_path: Path
) -> None:
    tags = [f"tag-{number}" for number in range(6)]
    with postgresql.empty() as url, open_town(url, policy) as place:
        settings(place)
        migrates(place, upgrade.old, tmp_path)
        with running(tmp_path, variables_of(place, upgrade.old)) as old:
            old.until("started")
            waiting = asks(place, "waiting")
            assert migrates(place, upgrade.new, tmp_path) == upgrade.said
            with running(tmp_path, variables_of(place, upgrade.new)) as new:
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


def test_what_an_earlier_release_left_is_served(
    empty_url: str, upgrade: Upgrade, policy: Path, tmp_path: Path
) -> None:
    with open_town(empty_url, policy) as place:
        settings(place)
        migrates(place, upgrade.old, tmp_path)
        with running(tmp_path, variables_of(place, upgrade.old)) as old:
            old.until("started")
            for tag in ("approved", "denied"):
                asks(place, tag)
            place.says("U0ANA", "/purge www.example.com plain")
            wait_for(place, "plain", "the CDN has taken it")
            assert old.end() == 0
        assert migrates(place, upgrade.new, tmp_path) == upgrade.said
        with running(tmp_path, variables_of(place, upgrade.new)) as new:
            new.until("started")
            place.presses("U0SAM", APPROVE, wait_for(place, "approved", "waits for approval"))
            wait_for(place, "approved", "Forced purge complete")
            place.presses("U0SAM", "purge:deny", wait_for(place, "denied", "waits for approval"))
            until(place, lambda: bool(place.forms("U0SAM")))
            place.sends_form("U0SAM", "not now")
            wait_for(place, "denied", "denied: nothing was purged")
            place.says("U0ANA", "/purge www.example.com plian")
            until(place, lambda: "Did you mean `plain`?" in str(whispers(place)))
            assert new.end() == 0
        assert not FAULTS & set(events(new))
        check_all(place, Counter(["approved", "plain"]))
