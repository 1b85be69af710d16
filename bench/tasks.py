"""What 10,000 tasks at work at the CDN cost beside 10, on SQLite and on PostgreSQL.

    make bench-tasks

memory         resident memory of the bot's process, at the end of a round
idle CPU       of one core, while nobody does anything and the bot follows its tasks
calls          questions to the CDN about tasks: in a second, and for ten tasks that were asked about;
               too many are those that the CDN refused
click          from the moment Slack sends a press on Approve to the purge's arrival at the CDN
acknowledged   from the press to Slack's "received", with the way through the page

It is measured of two crowds, each over new databases (bench/sides.py).  One was sent in the last
six minutes, which is as long as a purge usually takes: 28 a second, more than any quota of this
CDN that is documented allows.  The other was sent over three days, as it would be where the CDN
reports no end: then it forgets them.  After that, 10,000 tasks end at the same moment, while nobody clicks and Slack's limits hold: their cards take hours, so
what is measured is how soon the bot knows of every end, and how often it calls meanwhile.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select

from bench.report import Table
from bench.sides import (
    CHANNEL,
    CPU,
    FEW,
    QUICK,
    WHOLE,
    Extent,
    Figures,
    NewDatabase,
    Side,
    beside,
    click,
    fill,
    on_each_database,
    rest,
    side,
    wait_until,
)
from bot.core.decisions.transition import Transition, card_of, entry_of
from bot.core.message import Route
from bot.core.purge.purge import Event, Purge, State
from bot.core.purge.tracking import next_look_at
from bot.demo.town import Town
from bot.simulators.cdn.tasks import Task
from bot.simulators.slack import default_world
from bot.simulators.slack.workspace.model import Message
from bot.store.schema.tables import purges as purges_table
from bot.store.store import Store
from bot.workflow.requests import new_purge_id

LIFE = timedelta(days=40)
"""So long that the oldest has no progress to show, for which its card would be edited."""
THREE_DAYS = timedelta(hours=71)
ENDS_AFTER = timedelta(seconds=15)
PATIENCE_S = 180.0
QUESTION = "DescribeRefreshTaskById"
CALLS = "calls a second"
CALLS_FOR_TEN = "calls for ten tasks"
REFUSED = "calls too many"


# What is there


def at_work(count: int, now: datetime, oldest: timedelta) -> list[Purge]:
    """Give purges that the CDN is at work on, of ages spread evenly; they usually take 6 minutes."""
    return [
        Purge(
            id=new_purge_id(now + timedelta(milliseconds=number)),
            trigger_id=f"at-work-{number}",
            team_id=default_world()["team"]["id"],
            channel_id=CHANNEL,
            user_id="U0ANA",
            domain="www.example.com",
            tags=(f"at-work-{number}",),
            force=False,
            requested_at=now - oldest * number / count,
            state=State.RUNNING,
            version=5,
            sent_at=now - oldest * number / count,
            attempt=1,
            task_id=str(10**9 + number),
            request_id=f"{number:032X}",
            percent=0,
            seen_at=now,
        )
        for number in range(count)
    ]


def changes(purges: Sequence[Purge], now: datetime) -> Iterator[Transition]:
    """Give what the bot would have written down of them, each somewhere between two looks."""
    for number, purge in enumerate(purges):
        until_its_next = next_look_at(purge, now) - now
        last_look_at = now - (number * 0.618) % 1.0 * until_its_next
        card = replace(
            card_of(purge, "", now),
            route=Route.CHANNEL,
            place=CHANNEL,
            ts=card_ts(purge, number),
            trying_since=now,
            wanted_version=purge.version,
            shown_version=purge.version,
        )
        yield Transition(
            purge,
            Event.PROGRESS,
            next_look_at(purge, last_look_at),
            audit=(entry_of(purge, Event.PROGRESS, now),),
            messages=(card,),
            is_new=True,
        )


def card_ts(purge: Purge, number: int) -> str:
    return f"{int(purge.requested_at.timestamp())}.{number:06d}"


def tasks_of(purges: Sequence[Purge], end_at: datetime) -> Iterator[Task]:
    """Give the tasks as the CDN knows them, all of which end at the same moment."""
    for purge in purges:
        assert purge.task_id is not None, "the CDN has them all"
        yield Task(
            id=purge.task_id,
            domain=purge.domain,
            object_type="cachetag",
            paths=(purge.domain,),
            created=purge.requested_at.timestamp(),
            life_s=(end_at - purge.requested_at).total_seconds(),
            tags=purge.tags,
        )


# What is measured


def count_calls(sides: Sequence[Side], idle_s: float) -> None:
    """Let nobody do anything for a while, and write down what the CDN was asked meanwhile."""
    before = [len(each.asked(QUESTION)) for each in sides]
    rest(sides, idle_s)
    for each, already in zip(sides, before, strict=True):
        questions = each.asked(QUESTION)[already:]
        refused = [question for question in questions if question.outcome not in {"ok", ""}]
        each.figures[REFUSED].append(len(refused))  # "" is what is being answered right now
        tasks = sum(question.params["TaskId"].count(",") + 1 for question in questions)
        each.figures[CALLS].append(len(questions) / idle_s)
        if tasks:
            each.figures[CALLS_FOR_TEN].append(10 * len(questions) / tasks)


def follow(
    found: Sequence[Figures], extent: Extent, new_database: NewDatabase, folder: Path
) -> None:
    """Do one round over tasks that do not end, with clicks if there are to be any."""
    with ExitStack() as opened:
        sides = []
        for figures, count in zip(found, (FEW, extent.many), strict=True):
            now = datetime.now(UTC)
            purges = at_work(count, now, extent.oldest)
            url = opened.enter_context(new_database())
            fill(url, changes(purges, now))

            def prepare(place: Town, purges: Sequence[Purge] = purges) -> None:
                place.cdn.account.tasks += tasks_of(purges, purges[0].requested_at + LIFE)

            sides.append(opened.enter_context(side(url, figures, folder, prepare)))
        time.sleep(8)  # what has become due since they were written down is asked about first
        count_calls(sides, extent.idle_s)
        if extent.clicks:
            click(sides, extent.clicks)


def end_all(url: str, extent: Extent, folder: Path) -> str:
    """Let all of the many end at the same moment, and say what the bot makes of it."""
    now = datetime.now(UTC)
    purges = at_work(extent.many, now, extent.oldest)
    fill(url, changes(purges, now))

    def prepare(place: Town) -> None:
        place.cdn.account.tasks += tasks_of(purges, datetime.now(UTC) + ENDS_AFTER)
        place.slack.workspace.messages[CHANNEL] += [
            Message(card_ts(purge, number), CHANNEL, "U0BOT", by_app=True)
            for number, purge in enumerate(purges)
        ]
        place.post("slack/settings", {"limits": {"on": True}})

    ended = select(func.count()).where(purges_table.c.state == State.COMPLETE.value)
    with side(url, defaultdict(list), folder, prepare) as bot:
        store = Store(url)
        time.sleep(ENDS_AFTER.total_seconds())  # from then on the CDN reports ends
        asked, said = len(bot.asked(QUESTION)), len(bot.place.slack.workspace.calls)
        began, cpu_s = time.perf_counter(), bot.cpu_s()
        wait_until(lambda: store.read(ended).scalar_one() == extent.many, PATIENCE_S, every_s=0.5)
        took_s, cpu_s = time.perf_counter() - began, bot.cpu_s() - cpu_s
        store.close()
        questions = len(bot.asked(QUESTION)) - asked
        statuses = [call["status"] for call in bot.place.slack.workspace.calls[said:]]
    return (
        f"{extent.many:,} ends: known within {took_s:.0f} s after {questions:,} questions to the CDN; "
        f"meanwhile {100 * cpu_s / took_s:.0f} % of a core, {statuses.count(200):,} calls that "
        f"Slack took and {statuses.count(429):,} that it put off"
    )


def measure(*, quick: bool = False) -> list[Table]:
    extent = QUICK if quick else WHOLE
    # Of the old ones few are due in a second, so it takes longer to see how many.
    old = replace(extent, oldest=THREE_DAYS, idle_s=3 * extent.idle_s, clicks=0)

    def young_crowd(database: str, new_database: NewDatabase, folder: Path) -> Table:
        table = crowd(f"{database}, sent in six minutes", extent, new_database, folder)
        with new_database() as url:
            table.notes.append(end_all(url, extent, folder))
        return table

    def old_crowd(database: str, new_database: NewDatabase, folder: Path) -> Table:
        return crowd(f"{database}, sent in three days", old, new_database, folder)

    return [*on_each_database(young_crowd), *on_each_database(old_crowd)]


def crowd(title: str, extent: Extent, new_database: NewDatabase, folder: Path) -> Table:
    """Compare a bot that follows many tasks with one that follows few."""
    found: tuple[Figures, Figures] = defaultdict(list), defaultdict(list)
    for _ in range(extent.rounds):
        follow(found, extent, new_database, folder)
    for figures in found:  # a moment may be too short for one
        figures[CALLS_FOR_TEN] = figures[CALLS_FOR_TEN] or [0.0]
    most = {CPU: 0.5, CALLS: None, CALLS_FOR_TEN: 1.0, REFUSED: 0}
    return beside(title, *found, extent, most)
