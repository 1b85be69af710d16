"""The metrics that are computed at a scrape: queue, open purges, quota, the parts of the process.

Values from the database are equal on all replicas and cached for some seconds.  They are absent
while the database does not answer (`purgebot_database_up`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from bot.core.cdn.health import Health
from bot.core.cdn.quota import day_began_at
from bot.health.checks import CachedProbe, HealthChecks
from bot.store.store import Store
from bot.telemetry.metrics import OK
from bot.worker.cdn_monitor import HEALTH, QUOTA

KEPT_S = 5.0
DAY_KEPT_S = 60.0
"""The count of a day reads all of its purges."""


def registry_of(
    store: Store, health_checks: HealthChecks, now: Callable[[], datetime]
) -> CollectorRegistry:
    """Return the registry with all metrics of one bot."""
    registry = CollectorRegistry()
    registry.register(REGISTRY)
    registry.register(MetricsCollector(store, health_checks, now))
    return registry


class MetricsCollector(Collector):
    """Computes the metrics of one bot."""

    def __init__(
        self, store: Store, health_checks: HealthChecks, now: Callable[[], datetime]
    ) -> None:
        self._checks = health_checks
        self._now = now
        self._queues = CachedProbe(lambda: store.queue_stats.queues(now()), KEPT_S)
        self._open = CachedProbe(store.queue_stats.open_purges, KEPT_S)
        self._facts = CachedProbe(
            lambda: (store.shared_state.get(HEALTH), store.shared_state.get(QUOTA)), KEPT_S
        )
        self._today = CachedProbe(lambda: store.history.sent_since(day_began_at(now())), DAY_KEPT_S)

    def collect(self) -> Iterator[Metric]:
        yield from self._process()
        up = self._checks.database_up
        yield _one("purgebot_database_up", "Whether the database answers and takes writes", up)
        if up:
            yield from self._work()
            yield from self._day()
            yield from self._cdn()

    def _process(self) -> Iterator[Metric]:
        health_checks = self._checks
        ready, checks = health_checks.ready()
        yield _one("purgebot_ready", "Whether /readyz says yes (1) or no (0)", ready)
        good = {check.name: check.good for check in checks}
        yield _many("purgebot_check_good", "What /readyz finds about each part", "check", good)
        connected = health_checks.is_connected
        yield _one("purgebot_socket_connected", "Slack's socket; in HTTP mode always 1", connected)
        troubles = self._checks.troubles.current
        family = GaugeMetricFamily(
            "purgebot_trouble_since_timestamp_seconds",
            "Since when a trouble lasts, as /readyz tells it",
            labels=["trouble", "cause"],
        )
        for each in troubles:
            family.add_metric([each.name, each.cause], each.since.timestamp())
        yield family
        help_text = "Time since each loop turned, and since the leases were renewed (heartbeat)"
        yield _many("purgebot_loop_age_seconds", help_text, "loop", health_checks.ages_s)

    def _work(self) -> Iterator[Metric]:
        if queues := self._queues.get():
            waiting = {kind.value: queue.waiting for kind, queue in queues.items()}
            help_text = "Steps that are due and that nobody works on"
            yield _many("purgebot_queue_waiting", help_text, "kind", waiting)
            oldest = {kind.value: queue.oldest_s for kind, queue in queues.items()}
            help_text = "How long the oldest of them has been due"
            yield _many("purgebot_queue_oldest_seconds", help_text, "kind", oldest)
        if (purges := self._open.get()) is not None:
            help_text = "Purges of each state with something left to do"
            yield _many("purgebot_purges_open", help_text, "state", purges)

    def _day(self) -> Iterator[Metric]:
        if sent := self._today.get():
            help_text = "Purges that reached the CDN, or may have, since its day began (16:00 UTC)"
            counts = {"false": sent.plain, "true": sent.forced}
            yield _many("purgebot_purges_sent_today", help_text, "force", counts)

    def _cdn(self) -> Iterator[Metric]:
        facts = self._facts.get()
        if facts is None:
            return
        canary, quota = facts
        if canary.at is not None:
            health = Health.of_json(canary.value)
            yield _one("purgebot_canary_good", "The canary's last word on the CDN", health.good)
            help_text = "The canary's last word: ok, or the code of the trouble"
            yield _many("purgebot_canary_state", help_text, "code", {health.code or OK: True})
            help_text = "When the canary last looked"
            yield _one("purgebot_canary_look_timestamp_seconds", help_text, canary.at.timestamp())
        if quota.at is not None and quota.at >= day_began_at(self._now()):
            left = {sort: pair[0] for sort, pair in quota.value.items()}
            help_text = "What the CDN reported as left of the day's quota"
            yield _many("purgebot_quota_remaining", help_text, "sort", left)
            in_all = {sort: pair[1] for sort, pair in quota.value.items()}
            yield _many("purgebot_quota_limit", "The day's quota in all", "sort", in_all)


def _one(name: str, help_text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help_text, value=float(value))


def _many(name: str, help_text: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, help_text, labels=[label])
    for each, value in values.items():
        family.add_metric([each], float(value))
    return family
