"""What 10,000 waiting approvals cost beside 10, on SQLite and on PostgreSQL.

    make bench-approvals

memory         resident memory of the bot's process, at the end of a round
idle CPU       of one core, while nobody does anything
click          from the moment Slack sends a press on Approve to the purge's arrival at the CDN
acknowledged   from the press to Slack's "received", with the way through the page

Each round starts both bots (bench/sides.py) anew over what they left.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.report import Table
from bench.sides import (
    CHANNEL,
    CPU,
    FEW,
    QUICK,
    WHOLE,
    Figures,
    NewDatabase,
    beside,
    click,
    fill,
    on_each_database,
    rest,
    side,
)
from bot.core import rulings
from bot.core.briefing import Traffic
from bot.core.policy import Actor, Standing
from bot.core.post import Route
from bot.core.purge import Event, Purge, State
from bot.core.records import card_of, entry_of
from bot.playground.slack import default_world
from bot.playground.town import SAMPLE_POLICY
from bot.policy_file import load_policy
from bot.store.store import Change
from bot.workflow import new_purge_id


def waiting(count: int, now: datetime) -> Iterator[Change]:
    """Give requests as the workflow writes them down; they run out between ten and twenty days."""
    policy = load_policy(SAMPLE_POLICY.read_text(), SAMPLE_POLICY.name)
    team_id = default_world()["team"]["id"]
    actor = Actor(team_id, "U0ANA", Standing.MEMBER, frozenset({"S0EDITORS"}), CHANNEL)
    for number in range(count):
        asked = Purge(
            id=new_purge_id(now + timedelta(milliseconds=number)),
            trigger_id=f"waiting-{number}",
            team_id=team_id,
            channel_id=CHANNEL,
            user_id=actor.user_id,
            domain="www.example.com",
            tags=(f"waiting-{number}",),
            force=True,
            requested_at=now,
        )
        ruled = rulings.rule_on_request(asked, policy, "0" * 64, actor, {}, Traffic(), None, now)
        assert ruled.state is State.WAITING, "the policy asks for an approval"
        purge = replace(ruled, expires_at=now + timedelta(days=10 + 10 * number / count))
        card = replace(
            card_of(purge, "", now),
            route=Route.CHANNEL,
            place=CHANNEL,
            ts=f"{int(now.timestamp())}.{number:06d}",
            trying_since=now,
            wanted_version=purge.version,
            shown_version=purge.version,
        )
        yield Change(
            purge=purge,
            new=True,
            due_at=purge.remind_at,
            audit=(
                entry_of(asked, "request", now, user_id=asked.user_id),
                entry_of(purge, Event.WAIT.value, now),
            ),
            posts=(card,),
        )


def measure(*, quick: bool = False) -> list[Table]:
    extent = QUICK if quick else WHOLE

    def compare(database: str, new_database: NewDatabase, folder: Path) -> Table:
        found: tuple[Figures, Figures] = defaultdict(list), defaultdict(list)
        with ExitStack() as made:
            urls = [made.enter_context(new_database()) for _ in found]
            for url, count in zip(urls, (FEW, extent.many), strict=True):
                now = datetime.now(UTC)
                fill(url, waiting(count, now))
            for _ in range(extent.rounds):
                with ExitStack() as opened:
                    sides = [
                        opened.enter_context(side(url, figures, folder))
                        for url, figures in zip(urls, found, strict=True)
                    ]
                    time.sleep(2)  # what a start leaves to be done is done
                    rest(sides, extent.idle_s)
                    click(sides, extent.clicks)
        return beside(database, *found, extent, {CPU: 0.5})

    return on_each_database(compare)
