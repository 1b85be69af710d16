"""From command to posted answer: with one call to a CDN that takes 5 ms, over signed HTTP.

Bare Bolt acknowledges, calls, and posts to the response URL; it keeps nothing.  Purgebot writes down
the request, the intent, the outcome and the card, and posts that with the CDN's task ID.  What lies
between them: bench/floor.py.

ten at a time    each of ten clients sends its next command when its last answer was posted
30 a second      how long somebody waits for the answer
at rest          when all tasks have come to their ends

Slack's limits and Purgebot's own rate are lifted, or they are all one sees.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from statistics import median

from bench.place import Contestant, load
from bench.race import Race, limits
from bench.report import Table, percentile
from bench.sides import Figures
from bot.config.settings import Mode

STEADY_PER_S = 30


def measure(*, quick: bool = False) -> list[Table]:
    rounds, seconds, rest_s = (1, 0.5, 1.0) if quick else (3, 3.0, 20.0)

    def steady(racer: Contestant, found: Figures) -> None:
        waits = load(racer, clients=30, seconds=2 * seconds, per_s=STEADY_PER_S, answers=True)
        found["steady p50"].append(median(waits["answered_ms"]))
        found["steady p99"].append(percentile(waits["answered_ms"], 99))

    def ten_at_a_time(racer: Contestant, found: Figures) -> None:
        cpu_s, switches = racer.cpu_s(), racer.switches()
        done = load(racer, clients=10, seconds=seconds, answers=True)
        count = len(done["answered_ms"])
        found["rate"].append(count / done["lasted_s"])
        found["cpu"].append(1000 * (racer.cpu_s() - cpu_s) / count)
        found["switches"].append((racer.switches() - switches) / count)

    def rest(race: Race) -> None:
        before = [(racer.cpu_s(), racer.switches(), time.monotonic()) for racer in race.racers]
        time.sleep(rest_s)  # what is measured is how little happens
        for racer, (cpu_s, switches, began) in zip(race.racers, before, strict=True):
            took_s, found = time.monotonic() - began, race.found[racer.name]
            found["idle"].append(100 * (racer.cpu_s() - cpu_s) / took_s)
            found["wake-ups"].append((racer.switches() - switches) / took_s)
            found["memory"].append(racer.memory_mib())

    with ExitStack() as opened:
        fast = {"PURGEBOT_SENDS_PER_SECOND": "10000"}
        race = Race(opened, Mode.HTTP, full=True, quick=quick, **fast)
        for racer in race.racers:  # connections are opened, and people asked about
            load(racer, clients=2, seconds=1, count=5, answers=True)
        race.run(rounds, steady, ten_at_a_time)
        rest(race)
    table = race.table("")
    table.rows += [
        race.times("answers a second, ten at a time", "rate", limits(0.8, 0.5), at_least=True),
        race.times("CPU ms each", "cpu", limits(1.7, 2.7)),
        race.figures("context switches each", "switches", limits(40)),
        race.times(f"{STEADY_PER_S} a second, p50 ms", "steady p50", limits(2, 3)),
        race.times("p99 ms", "steady p99"),
        race.figures("memory, MiB", "memory", limits(75)),
        race.figures("at rest, CPU, % of a core", "idle", limits(0.5)),
        race.figures("at rest, wake-ups a second", "wake-ups", limits(5)),
    ]
    return [table]
