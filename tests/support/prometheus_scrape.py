"""What a bot tells Prometheus, read with Prometheus's own parser.

before = scrape(bot)
…
after = scrape(bot)
after.grown(before, "purgebot_submissions_total", outcome="ok")

All bots of one process count together, so that a test compares two scrapes.
"""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from bot.app import Bot
from bot.demo.town import Town

Labels = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Scrape:
    """Samples by name, and for each name by labels."""

    text: str
    samples: dict[str, dict[Labels, float]]

    def value(self, name: str, **labels: str) -> float | None:
        """Give the one sample with exactly these labels; None if there is none."""
        return self.samples.get(name, {}).get(frozenset(labels.items()))

    def grown(self, before: Scrape, name: str, **labels: str) -> float:
        """Give how much more it is than `before`, of all samples that have these labels."""
        return self._sum(name, labels) - before._sum(name, labels)

    def _sum(self, name: str, labels: dict[str, str]) -> float:
        found = self.samples.get(name, {}).items()
        return sum(value for has, value in found if labels.items() <= set(has))


def read(text: str) -> Scrape:
    samples: dict[str, dict[Labels, float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples.setdefault(sample.name, {})[frozenset(sample.labels.items())] = sample.value
    return Scrape(text, samples)


def scrape(bot: Bot) -> Scrape:
    page = bot.status.page("/metrics")
    assert page is not None
    return read(page.body.decode())


def bot_of(place: Town) -> Bot:
    assert place.bot is not None, "only a bot has a status"
    return place.bot
