"""Contestants in one run: bare Bolt that keeps nothing, the floor, and Purgebot over each database.

All are measured in turn, in rounds, so that what else the machine does meets all of them, and none
has anything left to do while another is measured.  What is told is the median of the rounds, and how
many times bare Bolt's it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from statistics import median

from bench.place import Contestant, Place, place
from bench.report import Table, against
from bench.sides import Figures, databases, fill
from bot.config.settings import Mode

BARE = "bare Bolt"
CDN_TAKES_S = 0.005
Limits = dict[str, float]
"""The most, or the least, that a figure may be, by the name of the contestant."""


def limits(sqlite: float, postgresql: float | None = None) -> Limits:
    return {
        "Purgebot, SQLite": sqlite,
        "Purgebot, PostgreSQL": sqlite if postgresql is None else postgresql,
    }


class Race:
    """Those who are measured, and what was found of each."""

    def __init__(
        self, opened: ExitStack, mode: Mode, *, full: bool, quick: bool, **settings: str
    ) -> None:
        """Start all, each in a place of its own: Slack gives an envelope to any that is connected.

        `full`: the peers carry out commands, and do not only acknowledge.  `quick`: nobody is waited
        for.  Slack's limits are lifted, and the tasks at the CDN end before they are asked about.
        """

        def open_place() -> Place:
            return opened.enter_context(place(CDN_TAKES_S, slack_limits=False, task_s=0.0))

        self._quick = quick
        self.found: dict[str, Figures] = defaultdict(lambda: defaultdict(list))
        self.racers = [
            opened.enter_context(open_place().peer(name, module, mode, full=full))
            for name, module in ((BARE, "bench.bare"), ("floor", "bench.floor"))
        ]
        for database, new in databases(self.racers[0].place.folder):
            url, name = opened.enter_context(new()), f"Purgebot, {database}"
            fill(url, ())  # the tables are made once, by another process
            bot = open_place().purgebot(name, url, mode, **settings)
            self.racers.append(opened.enter_context(bot))

    def run(self, rounds: int, *measured: Callable[[Contestant, Figures], None]) -> None:
        """Measure this and that of each in turn, and let it come to rest before the next."""
        for number in range(rounds):
            for measure in measured:
                for racer in self.racers if number % 2 else reversed(self.racers):
                    measure(racer, self.found[racer.name])
                    if racer.name.startswith("Purgebot") and not self._quick:
                        racer.place.settle()

    def table(self, title: str) -> Table:
        return Table([title, *(racer.name for racer in self.racers)])

    def times(
        self, what: str, key: str, may: Limits | None = None, *, at_least: bool = False
    ) -> list[str]:
        """Give a row: each figure, how many times bare Bolt's it is, and whether it may be."""
        bare = median(self.found[BARE][key])
        row = [what, _shown(bare)]
        for racer in self.racers[1:]:
            figure = median(self.found[racer.name][key])
            times = f"{figure / bare:.2f} ×"
            if may and racer.name in may:
                times = against(figure / bare, may[racer.name], " ×", at_least=at_least)
            row.append(f"{_shown(figure)}: {times}")
        return row

    def figures(self, what: str, key: str, may: Limits | None = None) -> list[str]:
        """Give a row: each figure, and whether it may be."""
        row = [what]
        for racer in self.racers:
            figure = median(self.found[racer.name][key])
            judged = may and racer.name in may
            row.append(against(figure, may[racer.name]) if may and judged else _shown(figure))
        return row


def _shown(figure: float) -> str:
    return f"{figure:.{0 if figure >= 100 else 1 if figure >= 10 else 2}f}"
