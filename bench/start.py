"""Cold start: from the start of the process to the first acknowledgement, and what is imported."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from math import inf
from statistics import median

from bench.load import fire
from bench.place import Contestant, load, place
from bench.race import BARE, CDN_TAKES_S
from bench.report import Table, against
from bench.sides import databases
from bot.config.settings import Mode

ROOM_MIB = 75


def measure(*, quick: bool = False) -> list[Table]:
    rounds = 1 if quick else 7
    table = Table(["", "first acknowledgement, ms", "memory then, MiB", "target"])
    for mode in Mode:
        found: dict[str, list[tuple[float, float]]] = defaultdict(list)
        with place(CDN_TAKES_S) as there, ExitStack() as opened:
            starts: dict[str, Callable[[], AbstractContextManager[Contestant]]] = {
                BARE: partial(there.peer, BARE, "bench.bare", mode, full=False)
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
                        _first(bot)
                        took_ms = 1000 * (time.perf_counter() - began)
                        found[name].append((took_ms, bot.memory_mib()))
        bare_ms = median(took for took, _ in found[BARE])
        for name, runs in found.items():
            took_ms, memory = (median(column) for column in zip(*runs, strict=True))
            told = (
                f"{against(took_ms / bare_ms, 2, ' ×')}; {against(memory, ROOM_MIB, ' MiB')}"
                if name != BARE
                else ""
            )
            table.add(f"{mode.value}: {name}", f"{took_ms:.0f}", f"{memory:.1f}", told)
    version, python = _runs_ms(rounds, "-m", "bot", "--version"), _runs_ms(rounds, "-c", "")
    table.notes.append(
        f"`purgebot --version`: {against(version, 60, ' ms')}; Python alone takes {python:.0f} ms."
    )
    imports = (
        f"`{what}` {_runs_ms(rounds, '-c', f'import {what}'):.0f} ms"
        for what in ("slack_bolt", "bot.app", "bot.web.server")
    )
    table.notes.append(f"To import: {', '.join(imports)}.")
    return [table]


def _first(bot: Contestant) -> None:
    """Have the first command acknowledged, and lose no time with the start of another process."""
    if bot.mode is Mode.SOCKET:
        load(bot, clients=1, seconds=1, count=1)
        return
    secret = bot.place.slack.signing_secret
    wish = {"address": bot.address, "secret": secret, "clients": 1, "seconds": 1, "count": 1}
    assert not fire(wish)["refused"], f"{bot.name} refused its first command"


def _runs_ms(rounds: int, *words: str) -> float:
    """Give how long Python runs with these words; no time is good enough where that fails."""
    spans = []
    for _ in range(rounds):
        began = time.perf_counter()
        ran = subprocess.run([sys.executable, *words], check=False, capture_output=True)
        spans.append(inf if ran.returncode else 1000 * (time.perf_counter() - began))
    return median(spans)
