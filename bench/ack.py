"""From command to acknowledgement: Purgebot's whole durable path beside bare handlers that only ack.

Purgebot parses, decides by the policy, and has the purge, its audit and its card on disk before it
acknowledges; and meanwhile its worker sends what was asked for, at the usual rate.  The others
keep nothing.  One at a time, ten at once, and at a steady sixty a second; all in turn, in rounds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from statistics import median

from bench.place import Contestant, Place, load, place
from bench.report import Table, against, percentile
from bench.sides import databases
from bot.config.settings import Mode

DEFAULT, BEFORE = "bare Bolt, default", "bare Bolt, `process_before_response`"
STEADY_PER_S = 60
CDN_TAKES_S = 0.005
Figures = dict[str, list[float]]


def contestants(opened: ExitStack, mode: Mode, **bare: bool) -> list[Contestant]:
    """Start the two ways of bare Bolt, and a Purgebot over each database, each in a place of its own:
    Slack gives an envelope to one of those that are connected.
    """

    def new_place() -> Place:
        return opened.enter_context(place(CDN_TAKES_S))

    found = [
        opened.enter_context(new_place().bare(name, mode, before_response=before, **bare))
        for name, before in ((DEFAULT, False), (BEFORE, True))
    ]
    for name, new in databases(new_place().folder):
        url = opened.enter_context(new())
        found.append(opened.enter_context(new_place().purgebot(f"Purgebot, {name}", url, mode)))
    return found


def measure(*, quick: bool = False) -> list[Table]:
    return [_of(mode, rounds=1 if quick else 3, seconds=0.5 if quick else 1.5) for mode in Mode]


def _of(mode: Mode, rounds: int, seconds: float) -> Table:
    found: dict[str, Figures] = defaultdict(lambda: defaultdict(list))
    with ExitStack() as opened:
        racers = contestants(opened, mode, full=False)
        for racer in racers:  # connections are opened, and people asked about
            load(racer, clients=2, seconds=0.3)
        # The flood comes last: what it leaves to be sent takes the worker a minute.
        for measured in (_calm, _flood):
            for number in range(rounds):
                for racer in racers if number % 2 else reversed(racers):
                    measured(racer, seconds, found[racer.name])
    return _table(mode, [racer.name for racer in racers], found)


def _calm(racer: Contestant, seconds: float, found: Figures) -> None:
    found["c1"].append(median(load(racer, clients=1, seconds=seconds)["took_ms"]))
    steady = load(racer, clients=30, seconds=2 * seconds, per_s=STEADY_PER_S)["took_ms"]
    found["steady p50"].append(median(steady))
    found["steady p99"].append(percentile(steady, 99))


def _flood(racer: Contestant, seconds: float, found: Figures) -> None:
    cpu_s = racer.cpu_s()
    took = load(racer, clients=10, seconds=seconds)["took_ms"]
    found["rate"].append(len(took) / seconds)
    found["cpu"].append(1000 * (racer.cpu_s() - cpu_s) / len(took))
    found["c10 p99"].append(percentile(took, 99))


def _table(mode: Mode, names: Sequence[str], found: dict[str, Figures]) -> Table:
    way = "signed HTTP" if mode is Mode.HTTP else "Socket Mode"
    one, ten = ("one at a time, p50 ms",), ("ten at once, a second", "p99 ms", "CPU ms each")
    steady = (f"{STEADY_PER_S} a second, p50 ms", "p99 ms")
    table = Table([way, *one, *ten, *steady, "against default", "against p.b.r."])
    bare, before = found[DEFAULT], found[BEFORE]
    for name in names:
        it = {key: median(values) for key, values in found[name].items()}
        rate = against(it["rate"] / median(bare["rate"]), 2.5, " × rate", at_least=True)
        ratios = (
            against(it["rate"] / median(before["rate"]), 0.6, " × rate", at_least=True),
            against(it["c1"] / median(before["c1"]), 3, " × p50"),
            against(it["steady p99"] / median(before["steady p99"]), 2, " × p99"),
        )
        told = (rate, "; ".join(ratios)) if name.startswith("Purgebot") else ("", "")
        table.add(
            name,
            f"{it['c1']:.2f}",
            f"{it['rate']:.0f}",
            f"{it['c10 p99']:.1f}",
            f"{it['cpu']:.2f}",
            f"{it['steady p50']:.2f}",
            f"{it['steady p99']:.1f}",
            *told,
        )
    if mode is Mode.SOCKET:
        table.notes.append(
            "The pretend Slack carries the envelopes in one thread of Python: what `process_before_"
            "response` reaches here is nearly all that it can do."
        )
    return table
