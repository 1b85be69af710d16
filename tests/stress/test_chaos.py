"""Three replicas in chaos (chaos.py), with faults at Slack and at the CDN, under load.

When all troubles cease and one replica is dead for good, the others finish its work within a minute.
Then: nothing accepted is lost, no forced purge was sent twice or without approval, every card is right,
and the audit trail holds.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.demo.town import town
from tests.stress.chaos import Chaos, check_accepted, check_quorum
from tests.stress.consistency import CHECKS, Truth
from tests.stress.scale import Counted, scaled
from tests.stress.test_truth import fair_days
from tests.support.faults import APPROVALS, Faults, People
from tests.support.policies import write_policy
from tests.support.postgres_servers import server_of_its_own
from tests.support.processes import check_trail, lift_limits
from tests.support.tcp_relay import relay_to

SECONDS = scaled(sample=20, full=300)
TYPISTS = 2


@pytest.mark.timeout(SECONDS + 240)
def test_chaos_loses_nothing_sends_nothing_twice_and_leaves_every_card_right(
    tmp_path: Path, record_property: Counted
) -> None:
    policy = write_policy(tmp_path, APPROVALS)
    with (
        server_of_its_own() as server,
        relay_to(server.url) as relay,
        town(database_url=server.url, policy=policy, with_bot=False) as place,
    ):
        lift_limits(place)
        place.post("slack/faults", {"redeliver_unacked": True})
        dice = random.Random(11)
        people, faults = People(place, random.Random(12)), Faults(place, random.Random(13))
        chaos = Chaos(place, server, relay, dice)
        try:
            chaos.begin()
            with busy(people), changing(faults):
                chaos.reign(SECONDS)
            faults.clear()
            chaos.cease()
        finally:
            chaos.stop()
        place.start_bot()
        fair_days(place, faults)
        truth = Truth.of(place, chaos.moments)
        wrong = [said for check in CHECKS for said in check(truth)]
        wrong += [*check_accepted(place, people, chaos), *check_quorum(truth.purges)]
        assert not wrong, "\n".join(wrong)
        check_trail(place)
        happened = ", ".join(f"{times} {what}" for what, times in sorted(chaos.counts.items()))
        record_property(
            "counts",
            f"chaos of {SECONDS} s: {happened}; {len(people.commands)} commands and "
            f"{len(people.presses)} presses acknowledged, 0 lost; {truth.counts()}",
        )


@contextmanager
def busy(people: People) -> Iterator[None]:
    """Let people type and press until the block ends."""
    with ThreadPoolExecutor() as pool:
        at_work = [
            *(pool.submit(people.ask_until, 10**6) for _ in range(TYPISTS)),
            pool.submit(people.press_until_stopped),
        ]
        try:
            yield
        finally:
            people.stop.set()
        for each in at_work:
            each.result()


@contextmanager
def changing(faults: Faults) -> Iterator[None]:
    """Let the faults change until the block ends."""
    over = threading.Event()

    def change() -> None:
        while not over.wait(0.5):
            faults.change()

    with ThreadPoolExecutor(1) as pool:
        changes = pool.submit(change)
        try:
            yield
        finally:
            over.set()
        changes.result()
