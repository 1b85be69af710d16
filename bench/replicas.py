"""Purges a second with 1, 2 and 4 replicas on PostgreSQL, and a CDN that takes 200 ms.

All purges are in the database, and due at the same moment.  Slack's limits hold: the cards come
later, at the rate that Slack takes them.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter, defaultdict
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from statistics import median

from bench.place import CHANNEL, Place, place
from bench.report import Table, against
from bench.sides import fill, postgresql_database, wait_until
from bot.config.settings import Mode
from bot.core.decisions.transition import Transition, card_of, entry_of
from bot.core.purge.purge import Event, Purge, State
from bot.workflow.requests import new_purge_id

REPLICAS = (1, 2, 4)
CDN_TAKES_S = 0.2


def measure(*, quick: bool = False) -> list[Table]:
    rounds, purges = (1, 40) if quick else (2, 400)
    found: dict[int, list[float]] = defaultdict(list)
    doubles = 0
    with place(cdn_takes_s=CDN_TAKES_S) as there:
        for _ in range(rounds):
            for count in REPLICAS:
                with postgresql_database() as url:
                    rate, twice = _run(there, url, count, purges)
                found[count].append(rate)
                doubles += twice
    table = Table(["replicas", "purges a second", "against one"])
    one = median(found[1])
    for count in REPLICAS:
        rate = median(found[count])
        target = {4: against(rate / one, 3.5, " ×", at_least=True)}
        table.add(count, f"{rate:.1f}", target.get(count, f"{rate / one:.2f} ×"))
    table.notes.append(f"{doubles} purges were sent twice (none may be).")
    return [table]


def _run(there: Place, url: str, replicas: int, purges: int) -> tuple[float, int]:
    """Give purges a second, and how many came twice."""
    run = secrets.token_hex(4)
    requests = there.cdn.account.requests
    before = len(requests)
    more = {"PURGEBOT_SENDS_PER_SECOND": "10000"}
    with ExitStack() as opened:
        for number in range(replicas):
            opened.enter_context(there.purgebot(str(number), url, Mode.HTTP, **more))
        time.sleep(1.0)  # what a start leaves to be done is done
        due_at = datetime.now(UTC) + timedelta(seconds=3 + purges / 40)  # when all are written
        fill(url, [_ready(f"{run}-{number}", due_at) for number in range(purges)])
        assert datetime.now(UTC) < due_at, "the purges were due before they were all written"
        wait_until(lambda: len(requests) - before >= purges, 120, every_s=0.05)
        time.sleep(1.0)  # a double would come now
    seen = [each for each in tuple(requests)[before:] if each.action.startswith("RefreshObject")]
    times = sorted(each.at for each in seen)
    tags = Counter(each.params["CacheTag"] for each in seen)
    rate = (len(times) - 1) / (times[-1] - times[0])
    return rate, sum(count - 1 for count in tags.values())


def _ready(tag: str, due_at: datetime) -> Transition:
    now = datetime.now(UTC)
    purge = Purge(
        id=new_purge_id(now),
        trigger_id=tag,
        team_id="T0TOWN",
        channel_id=CHANNEL,
        user_id="U0ANA",
        domain="www.example.com",
        tags=(tag,),
        force=False,
        requested_at=now,
        state=State.READY,
    )
    return Transition(
        purge,
        Event.ALLOW,
        due_at,
        audit=(entry_of(purge, Event.ALLOW, now),),
        messages=(card_of(purge, "", now),),
        messages_due_at=due_at,
        is_new=True,
    )
