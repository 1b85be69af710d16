"""From a press on Approve to the CDN: one at a time, nothing else at work.

click          from the moment Slack sends the press to the moment the CDN has the request: three
               commits lie between (the press and its decision, the claim, the intent to send)
acknowledged   from the press to Slack's "received", with the way through the page
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from bench.report import Table, against, percentile
from bench.sides import (
    ACKNOWLEDGED,
    CLICK,
    Figures,
    NewDatabase,
    click,
    on_each_database,
    side,
)


def measure(*, quick: bool = False) -> list[Table]:
    def alone(database: str, new_database: NewDatabase, folder: Path) -> Table:
        figures: Figures = defaultdict(list)
        with new_database() as url, side(url, figures, folder) as bot:
            click([bot], 5 if quick else 200)
        table = Table([database, "p50, ms", "p99, ms"])
        there = [percentile(figures[CLICK], percent) for percent in (50, 99)]
        table.add("click → CDN", against(there[0], 10), against(there[1], 50))
        seen = [percentile(figures[ACKNOWLEDGED], percent) for percent in (50, 99)]
        table.add("click → acknowledged", *(f"{each:.1f}" for each in seen))
        return table

    return on_each_database(alone)
