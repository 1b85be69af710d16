"""From a press on Approve to the CDN: one at a time, nothing else at work.

click          from the moment Slack sends the press to the moment the CDN has the request: three
               commits lie between (the press and its decision, the claim, the intent to send)
questions      those to Slack about people that lie between as well, for rights are asked anew before a
               press counts and before a purge is sent: how long they take is Slack's matter
acknowledged   from the press to Slack's "received", with the way through the page

A click may take as long as bare Bolt takes to answer a command at a steady thirty a second, which
is measured between the rounds of clicks.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from statistics import mean, median

from bench.answer import STEADY_PER_S
from bench.place import load, place
from bench.race import BARE, CDN_TAKES_S
from bench.report import Table, against, percentile
from bench.sides import ACKNOWLEDGED, CLICK, Figures, Side, click, databases, side
from bot.config.settings import Mode

ABOUT_PEOPLE = {"users.info", "usergroups.users.list"}


def measure(*, quick: bool = False) -> list[Table]:
    rounds, clicks, seconds = (1, 5, 1) if quick else (4, 50, 5)
    bare_ms: list[float] = []
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="purgebot-")))
        there = opened.enter_context(place(CDN_TAKES_S, slack_limits=False))
        bare = opened.enter_context(there.peer(BARE, "bench.bare", Mode.HTTP, full=True))
        kinds = databases(folder)
        sides = []
        for _, new in kinds:
            figures: Figures = defaultdict(list)
            sides.append(opened.enter_context(side(opened.enter_context(new()), figures, folder)))
        load(bare, clients=2, seconds=1, count=5, answers=True)
        for _ in range(rounds):
            click(sides, clicks)
            waits = load(bare, clients=30, seconds=seconds, per_s=STEADY_PER_S, answers=True)
            bare_ms.append(median(waits["answered_ms"]))
        asked = [_questions(each) for each in sides]
    target = median(bare_ms)
    table = Table(["", *(name for name, _ in kinds)])
    found = [each.figures for each in sides]
    p50 = [percentile(each[CLICK], 50) for each in found]
    own = [took - apart for took, (_, apart) in zip(p50, asked, strict=True)]
    table.add("click → CDN, p50 ms", *(f"{took:.1f}" for took in p50))
    table.add("of that, questions to Slack", *(f"{n:.1f}: {ms:.1f} ms" for n, ms in asked))
    times = (f"{took:.1f}: {against(took / target, 1, ' ×')}" for took in own)
    table.add("without them, p50 ms", *times)
    table.add("click → CDN, p99 ms", *(f"{percentile(each[CLICK], 99):.1f}" for each in found))
    for percent in (50, 99):
        seen = (f"{percentile(each[ACKNOWLEDGED], percent):.1f}" for each in found)
        table.add(f"click → acknowledged, p{percent} ms", *seen)
    table.notes.append(
        f"×: of what {BARE} takes to answer a command, {target:.1f} ms (p50, {STEADY_PER_S} a second)."
    )
    return [table]


def _questions(side: Side) -> tuple[float, float]:
    """Give how many there are in a click, and how many milliseconds they take.

    Slack's log has the moment of each; from one to the next is what one takes.
    """
    calls = side.place.slack.workspace.calls
    asked = [call["at"] for call in calls if call["method"] in ABOUT_PEOPLE]
    clicks = [[at for at in asked if begin <= at <= end] for begin, end in side.clicks()]
    spans = [after - before for each in clicks for before, after in pairwise(each)]
    count = mean(map(len, clicks))
    return count, 1000 * count * median(spans or [0.0])
