"""From command to posted answer: with one call to a CDN that takes 5 ms, over signed HTTP.

Bare Bolt acknowledges, calls, and posts to the response URL; it keeps nothing.  Purgebot writes down
the request, the intent, the outcome and the card, and posts that with the CDN's task ID.  A burst
tells how many answers a second there are and what CPU each takes; a steady ten a second, how
long somebody waits.  Slack's limits and Purgebot's own rate are lifted, or they are all one sees.
"""

from __future__ import annotations

import re
import secrets
from collections import defaultdict
from contextlib import ExitStack
from statistics import median

from bench.ack import BEFORE, DEFAULT
from bench.place import CHANNEL, Contestant, load, place
from bench.report import Table, against, percentile
from bench.sides import databases, wait_until
from bot.config.settings import Mode

STEADY_PER_S = 10
PATIENCE_S = 60.0
_TASK = re.compile(r"\b\d{8,}\b")


def measure(*, quick: bool = False) -> list[Table]:
    rounds, burst = (1, 30) if quick else (3, 150)
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    with place(cdn_takes_s=0.005, slack_limits=False) as there, ExitStack() as opened:
        racers = [
            opened.enter_context(there.bare(name, Mode.HTTP, before_response=before, full=True))
            for name, before in ((DEFAULT, False), (BEFORE, True))
        ]
        for name, new in databases(there.folder):
            url = opened.enter_context(new())
            fast = {"PURGEBOT_SENDS_PER_SECOND": "10000"}
            bot = there.purgebot(f"Purgebot, {name}", url, Mode.HTTP, **fast)
            racers.append(opened.enter_context(bot))
        for racer in racers:
            _answers(racer, clients=2, seconds=10, count=5)
        for number in range(rounds):
            for racer in racers if number % 2 else reversed(racers):
                figures = found[racer.name]
                cpu_s = racer.cpu_s()
                _, took_s = _answers(racer, clients=10, seconds=60, count=burst)
                figures["rate"].append(burst / took_s)
                figures["cpu"].append(1000 * (racer.cpu_s() - cpu_s) / burst)
                waits, _ = _answers(racer, clients=20, seconds=burst / 75, per_s=STEADY_PER_S)
                figures["waits"] += waits
                figures["memory"].append(racer.memory_mib())
    table = Table(
        ["", "answers a second", "CPU ms each", "steady p50 ms", "p99 ms", "memory MiB", "target"]
    )
    for racer in racers:
        it = found[racer.name]
        rate, cpu = median(it["rate"]), median(it["cpu"])
        told = ""
        if racer.name.startswith("Purgebot"):
            times = rate / median(found[DEFAULT]["rate"])
            told = f"{against(times, 2, ' × default', at_least=True)}; {against(cpu, 1.5, ' ms')}"
        table.add(
            racer.name,
            f"{rate:.0f}",
            f"{cpu:.2f}",
            f"{percentile(it['waits'], 50):.1f}",
            f"{percentile(it['waits'], 99):.0f}",
            f"{median(it['memory']):.0f}",
            told,
        )
    return [table]


def _answers(racer: Contestant, **wish: float) -> tuple[list[float], float]:
    """Send commands; give how long each waited for its answer in ms, and all of them in seconds."""
    run = secrets.token_hex(4)
    there = racer.place
    messages = there.slack.workspace.messages[CHANNEL]
    urls = there.response_urls(int(wish.get("count") or wish["seconds"] * STEADY_PER_S) + 1)
    first = len(messages)
    sent_at = load(racer, run=run, response_urls=urls, **wish)["sent_at"]
    answered: dict[int, float] = {}

    def all_answered() -> bool:
        for message in messages[first:]:
            said = f"{message.text} {message.blocks}"
            number = re.search(rf"{run}-(\d+)\b", said)
            if number and int(number[1]) not in answered and _TASK.search(said):
                answered[int(number[1])] = float(message.edited_ts or message.ts)
        return len(answered) == len(sent_at)

    wait_until(all_answered, PATIENCE_S, every_s=0.05)
    waits = [1000 * (answered[number] - at) for number, at in enumerate(sent_at)]
    return waits, max(answered.values()) - sent_at[0]
