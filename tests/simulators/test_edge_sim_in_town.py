"""The real looks and the real client meet the pretend edge and CDN: what a purge can be shown to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest

from bot.cdn.client import CdnClient
from bot.cdn.credentials import static
from bot.cdn.edge_probe import EdgeProbe
from bot.core.edge_check import EdgeFinding, EdgeSnapshot, Why, compare
from bot.demo.town import Town, town
from tests.simulators.edge_sim import WWW
from tests.support.permits import permit


@dataclass
class Site:
    """A town without a bot, whose pages somebody looks at and purges."""

    town: Town

    def look(self, path: str = "/") -> EdgeSnapshot:
        address = self.town.variables()["PURGEBOT_EDGE_ADDRESS"]
        return EdgeProbe(address, self.town.now).probe(f"https://{WWW}{path}")

    def purge(self, *, force: bool = False) -> None:
        keys = static(self.town.cdn.access_key_id, self.town.cdn.access_key_secret)
        with closing(CdnClient(self.town.urls["cdn"], keys, clock=self.town.now)) as client:
            client.refresh_by_tag(permit(WWW, ["hero"], force=force))

    def looks_around(self, *, force: bool = False, seconds: float = 30) -> EdgeFinding:
        """What looks before a purge and some seconds after it prove."""
        before = self.look()
        self.town.waits(seconds=2)
        sent_at = self.town.now()
        self.purge(force=force)
        self.town.waits(seconds=seconds)
        return compare(before, self.look(), sent_at).finding


@pytest.fixture
def site() -> Iterator[Site]:
    with town(with_bot=False) as place:
        yield Site(place)


def test_a_purge_of_a_changed_page_is_verified(site: Site) -> None:
    site.town.publishes(f"https://{WWW}/")
    assert site.looks_around() is EdgeFinding.VERIFIED


def test_a_plain_purge_of_an_unchanged_page_leaves_the_copy(site: Site) -> None:
    assert site.looks_around() is EdgeFinding.UNCHANGED


def test_a_forced_purge_of_an_unchanged_page_is_verified(site: Site) -> None:
    assert site.looks_around(force=True) is EdgeFinding.VERIFIED


def test_a_purge_that_takes_longer_than_one_waits_is_not_verified(site: Site) -> None:
    site.town.publishes(f"https://{WWW}/")
    site.town.post("cdn/settings", {"task_seconds": 60})
    assert site.looks_around(force=True) is EdgeFinding.UNCHANGED


def test_a_purge_that_fails_is_not_verified(site: Site) -> None:
    site.town.publishes(f"https://{WWW}/")
    site.town.post("cdn/settings", {"task_end": "Failed"})
    assert site.looks_around(force=True) is EdgeFinding.UNCHANGED


def test_a_purge_that_somebody_completes_by_hand_counts(site: Site) -> None:
    site.look()
    site.town.waits(seconds=2)
    site.purge(force=True)
    (task,) = site.town.get("cdn/state")["tasks"]
    site.town.post(f"cdn/tasks/{task['id']}", {"status": "Complete"})
    assert site.look().age == 0


@pytest.mark.parametrize(
    ("fault", "status", "why"),
    [({"kind": "redirect"}, 302, Why.REDIRECT), ({"kind": "error"}, 500, None)],
    ids=str,
)
def test_an_edge_in_trouble_proves_nothing(
    site: Site, fault: dict[str, Any], status: int, why: Why | None
) -> None:
    site.town.post("edge/faults", fault | {"target": "/a"})
    found = site.look("/a")
    assert (found.status, found.why) == (status, why)
    site.town.publishes(f"https://{WWW}/")
    site.town.post("edge/faults", fault)
    assert site.looks_around() is EdgeFinding.COULD_NOT_TELL


def test_an_edge_that_tells_nothing_proves_nothing(site: Site) -> None:
    site.town.post("edge/faults", {"kind": "bare", "times": 2})
    assert site.looks_around(force=True) is EdgeFinding.COULD_NOT_TELL


def test_a_name_that_the_edge_does_not_serve_is_not_found(site: Site) -> None:
    address = site.town.variables()["PURGEBOT_EDGE_ADDRESS"]
    assert EdgeProbe(address, site.town.now).probe("https://evil.example/").status == 404
