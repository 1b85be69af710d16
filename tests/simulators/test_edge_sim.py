"""The pretend edge: what it keeps, what a purge does to it, and its controls."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.simulators.edge import Purged
from tests.simulators.cdn_sim import NOON
from tests.simulators.edge_sim import SHOP, WWW, Edge, running_edge

HOUR = 3600
HEADERS = ("Last-Modified", "ETag", "Age", "X-Cache")


@pytest.fixture
def edge() -> Iterator[Edge]:
    with running_edge() as found:
        yield found


# Copies


def test_a_copy_has_been_there_for_an_hour_and_ages(edge: Edge) -> None:
    assert edge.shows() == ("v1", HOUR, "HIT")
    edge.now += 10
    assert edge.shows() == ("v1", HOUR + 10, "HIT")


def test_no_copy_is_younger_than_now_when_the_time_is_set_back(edge: Edge) -> None:
    edge.now -= 2 * HOUR
    assert edge.shows() == ("v1", 0, "HIT")


def test_a_new_version_is_not_seen_before_a_purge(edge: Edge) -> None:
    edge.publish()
    assert edge.shows() == ("v1", HOUR, "HIT")


def test_a_plain_purge_fetches_what_has_changed(edge: Edge) -> None:
    old = edge.ask().headers["Last-Modified"]
    edge.now += 60
    edge.publish()
    edge.purged()
    assert edge.shows() == ("v2", 0, "MISS")
    edge.now += 5
    assert edge.shows() == ("v2", 5, "HIT")
    assert (old, edge.ask().headers["Last-Modified"]) == (
        "Tue, 03 Mar 2026 12:00:00 GMT",
        "Wed, 04 Mar 2026 12:01:00 GMT",
    )


def test_a_plain_purge_keeps_what_has_not(edge: Edge) -> None:
    edge.purged()
    assert edge.shows() == ("v1", HOUR, "HIT")


def test_a_new_version_within_the_second_of_the_last_one_is_not_told_from_it(edge: Edge) -> None:
    edge.publish()
    edge.purged(force=True)
    assert edge.shows() == ("v2", 0, "MISS")
    edge.now += 0.5
    edge.publish()
    edge.purged()
    assert edge.shows() == ("v2", 0, "HIT")


def test_a_forced_purge_fetches_all(edge: Edge) -> None:
    edge.purged(force=True)
    assert edge.shows() == ("v1", 0, "MISS")
    edge.now += 5
    assert edge.shows() == ("v1", 5, "HIT")


def test_a_purge_counts_once_for_each_page(edge: Edge) -> None:
    edge.purged(force=True)
    assert [edge.shows(target)[2] for target in ("/a", "/a", "/b?c=d", "/b?c=d")] == [
        *["MISS", "HIT", "MISS", "HIT"]
    ]


def test_a_new_version_after_the_purge_is_not_fetched_by_it(edge: Edge) -> None:
    edge.purged()
    edge.now += 1
    edge.ask()
    edge.publish()
    assert edge.shows()[0] == "v1"


def test_a_purge_of_another_domain_changes_nothing(edge: Edge) -> None:
    edge.purged(SHOP, force=True)
    assert edge.shows() == ("v1", HOUR, "HIT")
    assert edge.shows(host=SHOP) == ("v1", 0, "MISS")


def test_a_purge_that_is_not_complete_yet_changes_nothing(edge: Edge) -> None:
    edge.purges.append(Purged(WWW, force=True, at=NOON + 20))
    assert edge.shows() == ("v1", HOUR, "HIT")
    edge.now += 20
    assert edge.shows() == ("v1", 0, "MISS")


def test_pages_differ_by_host_path_and_query(edge: Edge) -> None:
    edge.publish("/a?b=c")
    edge.purged()
    edge.purged(SHOP)
    shown = [edge.shows("/a?b=c"), edge.shows("/a"), edge.shows("/a?b=c", SHOP)]
    assert [version for version, *_ in shown] == ["v2", "v1", "v1"]


def test_a_visitor_is_given_the_page_itself(edge: Edge) -> None:
    assert edge.ask("/a?b=c", method="GET").text == f"{WWW}/a?b=c, version 1\n"
    assert edge.ask(method="HEAD").text == ""
    assert edge.ask(method="POST").status_code == 405


def test_a_domain_of_nobody_is_not_served(edge: Edge) -> None:
    assert edge.ask(host="evil.example").status_code == 404
    assert edge.ask(host=WWW.upper()).status_code == 200


# Troubles and orders


def test_an_edge_may_fail_redirect_or_tell_nothing(edge: Edge) -> None:
    for kind in ("error", "redirect", "bare"):
        edge.control("POST", "faults", {"kind": kind})
    failed, redirected, bare, well = (edge.ask() for _ in range(4))
    assert [each.status_code for each in (failed, redirected, bare, well)] == [500, 302, 200, 200]
    assert redirected.headers["location"] == "http://127.0.0.1:9/"
    for answer in (failed, redirected, bare):
        assert not [name for name in HEADERS if name in answer.headers]
    assert [name for name in HEADERS if name in well.headers] == [*HEADERS]


def test_a_slow_edge_answers_in_the_end(edge: Edge) -> None:
    edge.control("POST", "faults", {"kind": "slow", "seconds": 0.01})
    assert edge.shows() == ("v1", HOUR, "HIT")


def test_a_trouble_may_be_one_pages_and_lasts_as_long_as_it_was_told_to(edge: Edge) -> None:
    edge.control("POST", "faults", {"kind": "error", "host": SHOP, "target": "/a", "times": None})
    for host, target, status in ((WWW, "/a", 200), (SHOP, "/", 200), (SHOP, "/a", 500)):
        assert edge.ask(target, host).status_code == status
    assert edge.ask("/a", SHOP).status_code == 500
    edge.control("DELETE", "faults")
    assert edge.ask("/a", SHOP).status_code == 200


def test_the_state_tells_of_pages_troubles_and_requests(edge: Edge) -> None:
    edge.ask("/a?b=c")
    edge.publish("/a?b=c")
    edge.publish("/new", SHOP)
    edge.control("POST", "faults", {"kind": "bare"})
    state = edge.control("GET", "state")
    assert state["pages"] == [
        {"host": WWW, "target": "/a?b=c", "origin_version": 2, "edge_version": 1},
        {"host": SHOP, "target": "/new", "origin_version": 2, "edge_version": None},
    ]
    assert [fault["kind"] for fault in state["faults"]] == ["bare"]
    assert state["requests"] == [{"method": "HEAD", "host": WWW, "target": "/a?b=c"}]
    edge.control("POST", "reset")
    assert edge.control("GET", "state") == {"pages": [], "faults": [], "requests": []}


@pytest.mark.parametrize(
    ("path", "body", "word"),
    [
        ("publish", {}, "url"),
        ("publish", {"url": "/a"}, "https://"),
        ("publish", {"url": "http://["}, "https://"),
        ("faults", {"kind": "storm"}, "kind"),
        ("faults", {"kind": "error", "status": 200}, "status"),
    ],
    ids=str,
)
def test_a_senseless_order_is_explained(edge: Edge, path: str, body: object, word: str) -> None:
    answer = edge.session.post(f"{edge.controls}/{path}", json=body, timeout=60)
    assert answer.status_code == 400
    assert word in answer.json()["error"]
    assert edge.control("GET", "state")["pages"] == []
