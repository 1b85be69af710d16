"""Cold start: from the start of the process to the first acknowledgement, and what is imported."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from statistics import median

from bench.ack import BEFORE
from bench.place import Contestant, load, place
from bench.report import Table, against
from bench.sides import databases
from bot.config.settings import Mode

ROOM_MIB = 70


def measure(*, quick: bool = False) -> list[Table]:
    rounds = 1 if quick else 5
    table = Table(["", "first acknowledgement, ms", "memory then, MiB", "target"])
    for mode in Mode:
        found: dict[str, list[tuple[float, float]]] = defaultdict(list)
        with place(cdn_takes_s=0.005) as there, ExitStack() as opened:
            starts: dict[str, Callable[[], AbstractContextManager[Contestant]]] = {
                BEFORE: partial(there.bare, BEFORE, mode, before_response=True, full=False)
            }
            for name, new in databases(there.folder):
                url = opened.enter_context(new())
                with there.purgebot(name, url, mode):
                    pass  # the tables are there: they are made once
                starts[f"Purgebot, {name}"] = partial(there.purgebot, "", url, mode)
            for _ in range(rounds):
                for name, start in starts.items():
                    began = time.perf_counter()
                    with start() as bot:
                        load(
                            bot, clients=1, seconds=0, **({"count": 1} if mode is Mode.HTTP else {})
                        )
                        took_ms = 1000 * (time.perf_counter() - began)
                        found[name].append((took_ms, bot.memory_mib()))
        bare_ms = median(took for took, _ in found[BEFORE])
        for name, runs in found.items():
            took_ms, memory = (median(column) for column in zip(*runs, strict=True))
            told = (
                f"{against(took_ms / bare_ms, 1.5, ' ×')}; {against(memory, ROOM_MIB, ' MiB')}"
                if name != BEFORE
                else ""
            )
            table.add(f"{mode.value}: {name}", f"{took_ms:.0f}", f"{memory:.1f}", told)
    table.notes.append(f"To import: {_imports(rounds)}.  Over HTTP the load is started as well.")
    return [table]


def _imports(rounds: int) -> str:
    told = []
    for what in ("slack_bolt", "bot.app", "bot.web.server"):
        spans = []
        for _ in range(rounds):
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", f"import {what}"], check=True)
            spans.append(1000 * (time.perf_counter() - began))
        told.append(f"`{what}` {median(spans):.0f} ms")
    return ", ".join(told)
