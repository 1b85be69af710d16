"""Between the bot and all that it speaks with there is a network that spoils connections.

Slack, the CDN, the edge and PostgreSQL, each behind tests/support/bad_network.py, while people ask and
decide.  Then the network is mended, and days pass.  Nothing is lost, doubled, unapproved or untrue; and
no exchange with the CDN took longer than it may.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import make_url

from bot.cdn.client import LONGEST_EXCHANGE_S
from bot.demo.town import Town, town
from tests.stress.chaos import NOT_TAKEN
from tests.stress.consistency import CHECKS, LOST, Truth, check_unknown
from tests.stress.scale import Counted, scaled
from tests.support.bad_network import BadNetwork
from tests.support.faults import APPROVALS, People
from tests.support.logged_failures import Expect
from tests.support.messages import whispers
from tests.support.policies import write_policy
from tests.support.processes import bots_in, check_trail, lift_limits

STORM_S = scaled(sample=20, full=300)
TYPISTS = 3
MACHINE = timedelta(seconds=30)
"""By so much a busy machine may be late."""


CUT_OFF = {"cdn-no-answer", "cdn-unreadable-answer", "send-interrupted"}
"""What is said of an answer that the network spoilt."""


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
            networks[name] = BadNetwork(parts.hostname, parts.port, random.Random(number))
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
        threading.Event().wait(STORM_S)
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
    with town(database_url=database_url, policy=policy, with_bot=False) as place:
        lift_limits(place)
        people = People(place, random.Random(7))
        with bad_networks(place) as networks:
            killed_at = storm(place, people, bots, networks)
        place.start_bot()
        for _ in range(8):
            people.press(most=50)
            place.waits(minutes=2)
        for hours in (0.5, 0.5, 1, 1, 12, 24, 24, 24, 6):
            place.waits(hours=hours)
        truth = Truth.of(place, killed_at)
        wrong = [said for check in CHECKS if check is not check_unknown for said in check(truth)]
        wrong += [*lost(place, truth, people), *known_all_the_same(truth), *too_long(truth)]
        assert not wrong, "\n".join(wrong)
        assert people.asked
        check_trail(place)
        spoilt = sum((each.counts for each in networks.values()), Counter())
        record_property("counts", f"bad network, {bots} bots: {truth.counts()}; {dict(spoilt)}")


def lost(place: Town, truth: Truth, people: People) -> Iterator[str]:
    """What Slack was told is received is there, or its person was told that it was not taken."""
    missing = people.commands - {purge.trigger_id for purge in truth.purges.values()}
    told = [said for person in ("U0ANA", "U0SAM") for said in whispers(place, person)]
    not_taken = sum(any(code in said for code in NOT_TAKEN) for said in told)
    if len(missing) > not_taken:
        yield f"{missing} are lost, and {not_taken} were told so"


def known_all_the_same(truth: Truth) -> Iterator[str]:
    """Nobody says "unknown" whose request certainly never left, or was refused and heard."""
    for purge in truth.purges.values():
        code = purge.failure.code if purge.failure else None
        request = truth.request_of(purge)
        if purge.state.value != "unknown" or purge.joined_to is not None or request is None:
            continue
        if code not in CUT_OFF and request["outcome"] not in LOST:
            yield f"{purge.id} is unknown ({code}), and the CDN answered {request['outcome']}"


def too_long(truth: Truth) -> Iterator[str]:
    """No answer of the CDN was waited for longer than an exchange may take."""
    most = timedelta(seconds=LONGEST_EXCHANGE_S) + MACHINE
    for purge in truth.purges.values():
        cut_off = purge.failure is not None and purge.failure.code == "cdn-no-answer"
        if cut_off and purge.sent_at and purge.settled_at and purge.joined_to is None:
            took = purge.settled_at - purge.sent_at
            if took > most and purge.found_at is None:
                yield f"{purge.id} waited for {took}"
