"""From command to acknowledgement: Purgebot's whole durable path beside handlers that only acknowledge.

Purgebot parses, decides by the policy, and has the purge, its audit and its card on disk before it
acknowledges; and meanwhile its worker sends what was asked for, at the usual rate.  The floor has one
row on disk.  One at a time, at a steady fifty a second, and ten at once; all in turn, in rounds.
"""

from __future__ import annotations

from contextlib import ExitStack
from statistics import median

from bench.place import Contestant, load
from bench.race import Race, limits
from bench.report import Table, percentile
from bench.sides import Figures
from bot.config.settings import Mode

STEADY_PER_S = 50


def measure(*, quick: bool = False) -> list[Table]:
    return [_of(mode, quick=quick) for mode in Mode]


def _of(mode: Mode, *, quick: bool) -> Table:
    rounds, seconds = (1, 0.3) if quick else (3, 1.0)

    def calm(racer: Contestant, found: Figures) -> None:
        one = load(racer, clients=1, seconds=seconds)["took_ms"]
        steady = load(racer, clients=30, seconds=3 * seconds, per_s=STEADY_PER_S)["took_ms"]
        found["one"].append(median(one))
        found["steady p50"].append(median(steady))
        found["steady p99"].append(percentile(steady, 99))

    def flood(racer: Contestant, found: Figures) -> None:
        cpu_s = racer.cpu_s()
        done = load(racer, clients=10, seconds=seconds)
        count = len(done["took_ms"])
        found["rate"].append(count / done["lasted_s"])
        found["cpu"].append(1000 * (racer.cpu_s() - cpu_s) / count)

    with ExitStack() as opened:
        race = Race(opened, mode, full=False, quick=quick)
        for racer in race.racers:  # connections are opened, and people asked about
            load(racer, clients=2, seconds=0.3)
        race.run(rounds, calm, flood)
    table = race.table("signed HTTP" if mode is Mode.HTTP else "Socket Mode")
    table.rows += [
        race.times("acknowledgements a second", "rate", limits(0.8, 0.5), at_least=True),
        race.times("CPU ms each", "cpu"),
        race.times("one at a time, p50 ms", "one"),
        race.times(f"{STEADY_PER_S} a second, p50 ms", "steady p50"),
        race.times("p99 ms", "steady p99", limits(2)),
    ]
    return table
