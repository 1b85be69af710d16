"""Whoever asks for traces gets one for each purge, from the command to the card, over all processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from bot.demo.town import Town
from tests.support.messages import APPROVE, cards, only_card, words
from tests.support.purgebot import ROOT, environment, purgebot, running
from tests.support.trace_collector import Collector, collecting, purge_of
from tests.support.waiting import until

PURGE = "cdn RefreshObjectCacheByCacheTag"
POST, EDIT = "slack chat.postMessage", "slack chat.update"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


def names(spans: list[Span]) -> list[str]:
    return [span.name for span in spans]


def events(spans: list[Span]) -> set[str]:
    return {event.name for span in spans for event in span.events}


def trace_of(collector: Collector, purge_id: str) -> list[Span]:
    """Give the spans of the one trace in which a purge is named."""
    (trace_id,) = {span.trace_id for span in collector.all if purge_of(span) == purge_id}
    return [span for span in collector.all if span.trace_id == trace_id]


def id_of(place: Town) -> str:
    return str(only_card(place)["metadata"]["event_payload"]["purge_id"])


def submitted(place: Town) -> bool:
    return any("sent: the CDN has taken it" in words(card) for card in cards(place))


def forced_purge_over_a_restart(site: Town, folder: Path, collector: Collector) -> str:
    """Let one process take a request and another the click; give the purge's ID."""
    variables = site.variables() | collector.variables
    with running(folder, variables) as bot:
        bot.until("started")
        site.says("U0ANA", '/purge www.example.com hero --force --reason "a launch"')
        until(site, lambda: bool(cards(site)))
        assert bot.end() == 0
    with running(folder, variables) as bot:
        bot.until("started")
        site.presses("U0SAM", APPROVE, only_card(site))
        until(site, lambda: submitted(site))
        assert bot.end() == 0
    return id_of(site)


def test_one_trace_leads_from_the_request_over_a_restart_to_the_card(
    site: Town, tmp_path: Path, collector: Collector
) -> None:
    purge_id = forced_purge_over_a_restart(site, tmp_path, collector)
    spans = trace_of(collector, purge_id)
    assert {"purge", "press approve", "step ready", PURGE, POST, EDIT} <= set(names(spans))
    assert names(spans).count("purge") == names(spans).count(PURGE) == 1
    assert {"request", "wait", "approve", "send", "accept"} <= events(spans)


def test_every_parent_is_there_and_the_request_is_the_first_of_all(
    site: Town, tmp_path: Path, collector: Collector
) -> None:
    spans = trace_of(collector, forced_purge_over_a_restart(site, tmp_path, collector))
    by_id = {span.span_id: span for span in spans}
    assert len(by_id) == len(spans)
    (first,) = (span for span in spans if not span.parent_span_id)
    assert first.name == "purge"
    assert all(span.parent_span_id in by_id for span in spans if span is not first)

    def parent(name: str) -> set[str]:
        return {by_id[span.parent_span_id].name for span in spans if span.name == name}

    assert parent("press approve") == parent("step ready") == parent("post card") == {"purge"}
    assert parent(PURGE) == {"step ready"}
    assert parent(EDIT) == {"post card"}
    assert first.start_time_unix_nano <= min(span.start_time_unix_nano for span in spans)


def test_nobodys_words_and_no_secret_leave_with_a_trace(
    site: Town, tmp_path: Path, collector: Collector
) -> None:
    forced_purge_over_a_restart(site, tmp_path, collector)
    said = "\n".join(map(str, collector.sent))
    assert 'string_value: "purgebot"' in said  # the service's name
    for word in ("hero", "example.com", "launch", "U0ANA", "U0SAM", "C0WEB", "hooks"):
        assert word not in said
    for name, secret in site.variables().items():
        if name.endswith(("TOKEN", "SECRET", "KEY_ID", "URL")):
            assert secret not in said


def test_two_purges_are_two_traces(site: Town, tmp_path: Path, collector: Collector) -> None:
    with running(tmp_path, site.variables() | collector.variables) as bot:
        bot.until("started")
        for tag in ("hero", "banner"):
            site.says("U0ANA", f"/purge www.example.com {tag}")
        until(
            site,
            lambda: sum("sent: the CDN has taken it" in words(card) for card in cards(site)) == 2,
        )
        assert bot.end() == 0
    first, second = (card["metadata"]["event_payload"]["purge_id"] for card in cards(site))
    of_first, of_second = trace_of(collector, first), trace_of(collector, second)
    assert PURGE in names(of_first)
    assert PURGE in names(of_second)
    assert {purge_of(span) for span in of_first} == {first, None}
    assert of_first[0].trace_id != of_second[0].trace_id
    assert {span.trace_id for span in collector.all} == {
        of_first[0].trace_id,
        of_second[0].trace_id,
    }  # what is about no purge makes no trace


def test_an_error_is_told_by_its_code(site: Town, tmp_path: Path, collector: Collector) -> None:
    site.breaks(kind="error", action="RefreshObjectCacheByCacheTag", code="NoPermission")
    with running(tmp_path, site.variables() | collector.variables) as bot:
        bot.until("started")
        site.says("U0ANA", "/purge www.example.com hero")
        until(site, lambda: any("failed" in words(card) for card in cards(site)))
        assert bot.end() == 0
    spans = trace_of(collector, id_of(site))
    (call,) = (span for span in spans if span.name == PURGE)
    assert call.status.code == Status.STATUS_CODE_ERROR
    (rejected,) = (event for span in spans for event in span.events if event.name == "reject")
    told = {each.key: each.value.string_value for each in rejected.attributes}
    assert told["purgebot.reason"] == "cdn-no-permission"
    assert told["purgebot.request_id"]
    step = next(span for span in spans if span.name == "step ready")
    assert step.status.code == Status.STATUS_CODE_UNSET  # the step itself did what it had to


def test_purges_that_are_watched_together_have_it_in_each_trace(
    site: Town, tmp_path: Path, collector: Collector
) -> None:
    with running(tmp_path, site.variables() | collector.variables) as bot:
        bot.until("started")
        for tag in ("hero", "banner"):
            site.says("U0ANA", f"/purge www.example.com {tag}")
        until(
            site,
            lambda: sum("sent: the CDN has taken it" in words(card) for card in cards(site)) == 2,
        )
        ids = {card["metadata"]["event_payload"]["purge_id"] for card in cards(site)}
        collector.until(
            lambda: {purge_of(span) for span in collector.all if span.name == "watch"} == ids
        )


# Off


LOADED = """
import sys
from bot.demo.town import town
from tests.support.messages import only_card
with town(with_bot=False) as place:
    from bot.app import build
    from bot.web import server as web
    place.bot = build(place.bot_settings())
    place.bot.start()
    place.says("U0ANA", "/purge www.example.com hero")
    place.stop_bot()
print([name for name in sys.modules if name.startswith(("opentelemetry", "google.protobuf"))])
"""


@pytest.mark.parametrize(
    ("variables", "loaded"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"}, False),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_TRACES_EXPORTER": "none"},
            False,
        ),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}, True),
    ],
    ids=["nothing said", "disabled", "no exporter", "asked for"],
)
def test_nothing_of_it_is_loaded_unless_it_is_asked_for(
    tmp_path: Path, variables: dict[str, str], loaded: bool
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED],
        cwd=tmp_path,
        env=environment(tmp_path, variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert (done.stdout.splitlines()[-1] != "[]") is loaded


def test_where_the_extra_is_missing_it_is_said_at_the_start(site: Town, tmp_path: Path) -> None:
    hidden = tmp_path / "hidden" / "opentelemetry"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text("raise ImportError")
    ended = purgebot(
        "run",
        folder=tmp_path,
        **site.variables(),
        PYTHONPATH=f"{hidden.parent}:{ROOT}",
        OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9",
    )
    assert ended.code == 2
    assert "purgebot[tracing]" in ended.err


def test_a_collector_that_is_away_costs_nobody_anything(site: Town, tmp_path: Path) -> None:
    away = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_BSP_SCHEDULE_DELAY": "50"}
    with running(tmp_path, site.variables() | away) as bot:
        bot.until("started")
        site.says("U0ANA", "/purge www.example.com hero")
        until(site, lambda: submitted(site))
        assert bot.end() == 0
        assert "Traceback" not in "".join(bot.said)
