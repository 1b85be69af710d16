"""Between the bot and all that it speaks with there is a network that spoils connections.

Slack, the CDN, the edge and PostgreSQL, each behind tests/support/bad_network.py, while people ask and
decide.  Then the network is mended, and days pass.  Nothing is lost, doubled, unapproved or untrue; and
nobody waited for a spoilt answer for longer than their own deadline allows.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from sqlalchemy import make_url

from bot.cdn.client import LONGEST_EXCHANGE_S
from bot.core.edge_check import LONGEST_LOOK
from bot.core.purge.purge import Purge
from bot.demo.town import Town, town
from bot.slack.delivery import TIMEOUT_S
from bot.slack.socket_mode import PING_EVERY_S, PONG_WITHIN_S
from bot.store.database.postgresql import LONGEST_ANSWER_S
from tests.stress.chaos import NOT_TAKEN
from tests.stress.consistency import CHECKS, CLOCKS_DIFFER_S, Key, Truth, key_of
from tests.stress.scale import Counted, scaled
from tests.support.bad_network import BadNetwork, Line
from tests.support.faults import APPROVALS, MOBILE, People
from tests.support.logged_failures import Expect
from tests.support.policies import write_policy
from tests.support.processes import bots_in, check_trail, lift_limits

STORM_S = scaled(sample=20, full=300)
TYPISTS = 3
PAUSE_S = scaled(sample=1, full=10) / 10
"""In the long form more would be posted than a bot looks through for a post whose answer was lost."""
DEADLINES_S = {
    "slack": max(TIMEOUT_S, PING_EVERY_S + PONG_WITHIN_S),
    "cdn": LONGEST_EXCHANGE_S,
    "edge": LONGEST_LOOK.total_seconds(),
    "database": LONGEST_ANSWER_S,
}
"""How long a bot waits by itself for an answer, or for a sign of life of Slack's socket."""
LOOKS = f"""
  - proof: Pages for phones are looked at before and after
    domains: [{MOBILE}]
    tags: ["own-*"]
    urls: ["https://{MOBILE}/"]
"""
SLACKS_PATIENCE_S = 3.0
"""Else whoever types to a bot whose link is dead would wait for most of the storm."""
ALLOWANCE_S = 10.0
"""By so much a busy machine may be late."""


@contextmanager
def bad_networks(place: Town) -> Iterator[dict[str, BadNetwork]]:
    """Have bots that are started from now on meet everything through bad networks."""
    urls = {name: place.urls[name] for name in ("slack", "cdn", "edge")}
    if not place.database_url.startswith("sqlite"):
        urls["database"] = place.database_url
    direct = dict(place.settings)
    with ExitStack() as stack:
        networks = {}
        for number, (name, url) in enumerate(urls.items()):
            parts = urlsplit(url)
            assert parts.hostname is not None
            assert parts.port is not None
            # A client of the CDN's keeps its connections: without an end, good ones would soon be all.
            good_for = 10_000 if name in {"cdn", "edge"} else None
            dice = random.Random(number)
            networks[name] = BadNetwork(parts.hostname, parts.port, dice, good_for)
            stack.callback(networks[name].close)
        through = {name: f"http://127.0.0.1:{each.port}" for name, each in networks.items()}
        place.slack.base_url = through["slack"]  # of sockets and response URLs, too
        place.settings |= {
            "SLACK_API_URL": f"{through['slack']}/api/",
            "PURGEBOT_CDN_ENDPOINT": through["cdn"],
            "PURGEBOT_EDGE_ADDRESS": through["edge"].removeprefix("http://"),
        }
        if "database" in networks:
            address = make_url(place.database_url)
            address = address.set(host="127.0.0.1", port=networks["database"].port)
            place.settings["PURGEBOT_DATABASE_URL"] = address.render_as_string(hide_password=False)
        yield networks
        place.settings = direct
        place.slack.base_url = place.urls["slack"]


def storm(place: Town, people: People, bots: int, networks: dict[str, BadNetwork]) -> list[float]:
    """Let people ask and decide over networks that are bad, and then mended; give when bots ended."""
    with bots_in(place, bots) as running, ThreadPoolExecutor() as pool:
        for each in networks.values():
            each.spoil()
        at_work = [
            *(pool.submit(people.ask_until, 10**6) for _ in range(TYPISTS)),
            pool.submit(people.press_until_stopped),
        ]
        try:
            threading.Event().wait(STORM_S)
        finally:
            people.stop.set()
            for each in networks.values():
                each.mend()
        for work in at_work:
            work.result()
    return running.killed_at


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("database_url", "bots"), [("sqlite", 1), ("postgresql", 2)], indirect=["database_url"]
)
def test_whatever_the_network_does_nothing_is_lost_doubled_unapproved_or_untrue(
    database_url: str,
    bots: int,
    tmp_path: Path,
    record_property: Counted,
    tolerated_failures: Expect,
) -> None:
    tolerated_failures("uvicorn.error")  # a simulator whose connection breaks while it answers
    policy = write_policy(tmp_path, APPROVALS)
    policy.write_text(policy.read_text().rstrip() + LOOKS)
    with town(database_url=database_url, policy=policy, with_bot=False) as place:
        lift_limits(place)
        place.slack.workspace.faults.ack_timeout_s = SLACKS_PATIENCE_S
        people = People(place, random.Random(7), pause_s=PAUSE_S)
        with bad_networks(place) as networks:
            killed_at = storm(place, people, bots, networks)
        place.start_bot()
        for _ in range(8):
            people.press(most=50)
            place.waits(minutes=2)
        for hours in (0.5, 0.5, 1, 1, 12, 24, 24, 24, 6):
            place.waits(hours=hours)
        truth = replace(
            Truth.of(place, killed_at), cut_off=lambda purge: was_cut_off(purge, networks)
        )
        wrong = [said for check in CHECKS for said in check(truth)]
        wrong += [*lost(place, truth, people), *too_long(networks)]
        assert not wrong, "\n".join(wrong)
        assert people.asked
        check_trail(place)
        spoilt = sum((each.counts for each in networks.values()), Counter())
        waits = {name: round(each.longest_wait_s(), 1) for name, each in networks.items()}
        record_property(
            "counts",
            f"bad network, {bots} bots: {truth.counts()}; {dict(spoilt)}; longest waits in s {waits}",
        )


def lost(place: Town, truth: Truth, people: People) -> Iterator[str]:
    """What Slack was told is received is there, or its person was told that it was not taken."""
    answers = {
        row["payload"].get("trigger_id"): str(row["answer"])
        for row in place.get("slack/deliveries")["deliveries"]
    }
    for trigger_id in people.commands - {purge.trigger_id for purge in truth.purges.values()}:
        if not any(code in answers[trigger_id] for code in NOT_TAKEN):
            yield f"{trigger_id} is lost, and was answered {answers[trigger_id]}"


def was_cut_off(purge: Purge, networks: dict[str, BadNetwork]) -> bool:
    """Whether the network spoilt the line over which the whole of its request had gone.

    Or, where it was interrupted, that to the database, in which what the CDN said would have been saved.
    """
    assert purge.sent_at is not None
    assert purge.failure is not None
    since, until = purge.sent_at.timestamp(), (purge.settled_at or purge.sent_at).timestamp()
    spoilt = networks["cdn"].spoilt(since - CLOCKS_DIFFER_S, until + CLOCKS_DIFFER_S)
    if any(last_request(line) == key_of(purge) for line in spoilt):
        return True
    interrupted = purge.failure.code == "send-interrupted" and "database" in networks
    return interrupted and bool(networks["database"].spoilt(since, until))


def last_request(line: Line) -> Key | None:
    """Give what a line to the CDN was last asked to purge; None if that did not go out whole."""
    head = bytes(line.heard).rpartition(b"POST ")[2]
    if not head.endswith(b"\r\n\r\n"):
        return None
    asked = dict(parse_qsl(urlsplit(head.split()[0].decode()).query))
    if "CacheTag" not in asked:
        return None
    return asked["DomainName"], asked["CacheTag"], asked["Force"] == "true"


def too_long(networks: dict[str, BadNetwork]) -> Iterator[str]:
    """Nobody waited for what was spoilt for longer than their deadline."""
    for name, network in networks.items():
        for line in network.lines:
            if line.waited_s > DEADLINES_S[name] + ALLOWANCE_S:
                asked = bytes(line.heard[-200:])
                yield f"an answer of {name} ({line.way}) was waited for {line.waited_s} s: {asked!r}"
