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
from bot.config.policy_file import load_policy
from bot.core.decisions.requests import RequestFacts, authorize_request
from bot.core.decisions.rulings import Rules
from bot.core.decisions.transition import Transition, card_of, requested
from bot.core.message import Route
from bot.core.policy.decision import Actor, Membership
from bot.core.purge.purge import Purge, State
from bot.demo.town import SAMPLE_POLICY
from bot.simulators.slack import default_world
from bot.workflow.requests import new_purge_id


def waiting(count: int, now: datetime) -> Iterator[Transition]:
    """Give requests as the workflow writes them down; they run out between ten and twenty days."""
    policy = load_policy(SAMPLE_POLICY.read_text(), SAMPLE_POLICY.name)
    team_id = default_world()["team"]["id"]
    actor = Actor(team_id, "U0ANA", Membership.MEMBER, frozenset({"S0EDITORS"}), CHANNEL)
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
        rules = Rules(policy, "0" * 64)
        decided = authorize_request(asked, rules, RequestFacts(actor), now)
        ruled = decided.purge
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
        begun = requested(asked, "", replace(decided, purge=purge, due_at=purge.remind_at))
        yield replace(begun, messages=(card,), messages_due_at=None)


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
