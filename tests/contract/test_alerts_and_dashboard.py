"""The alert rules and the dashboard ask only for what a bot really tells Prometheus.

A town is given a day of good and bad weather; its real /metrics is held against every expression.
Prometheus's own promtool checks the rules, plays them (alerts.test.yml) and judges the names.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from bot.demo.town import Town, town
from tests.conftest import missing
from tests.support.messages import APPROVE, cards
from tests.support.prometheus_scrape import Scrape, bot_of, read

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy" / "prometheus" / "alerts.yml"
PLAYED = ROOT / "deploy" / "prometheus" / "alerts.test.yml"
DASHBOARD: dict[str, Any] = json.loads((ROOT / "deploy" / "grafana" / "purgebot.json").read_text())
ALERTS: list[dict[str, Any]] = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]

WORDS = {
    *("absent", "count", "histogram_quantile", "increase", "max", "min", "rate", "sum"),
    *("or", "unless"),
}
"""PromQL's own words, as far as they are used; anything else must be a metric."""
BY_PROMETHEUS = frozenset({"job", "instance"})
"""Labels that Prometheus itself adds; `up` is its own metric."""
FAULTS_OF_OURS = frozenset({("purgebot_step_seconds_count", "failed")})
"""What no weather brings about."""


def panels() -> list[dict[str, Any]]:
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def expressions() -> list[str]:
    asked = [target["expr"] for panel in panels() for target in panel["targets"]]
    return [*asked, *(rule["expr"] for rule in ALERTS)]


@pytest.fixture(scope="module")
def told() -> Iterator[Scrape]:
    """Give what a bot tells after some good and bad weather, over its own listener."""
    with town() as place:
        weather(place)
        status = bot_of(place).status
        status._address = ("127.0.0.1", 0)
        status.listen()
        assert status._server is not None
        port = status._server.server_address[1]
        yield read(requests.get(f"http://127.0.0.1:{port}/metrics", timeout=60).text)


def weather(place: Town) -> None:
    place.looks()
    for words in ("hero", "banner --force", "banner --froce"):
        place.says("U0ANA", f"/purge www.example.com {words}")
        place.settle()
    place.presses("U0SAM", APPROVE, cards(place)[-1])
    place.settle()
    place.says("U0GUS", "/purge www.example.com hero")
    for fault in ({"kind": "lose_answer"}, {"kind": "error", "code": "NoPermission"}):
        place.breaks(action="RefreshObjectCacheByCacheTag", **fault)
        place.says("U0ANA", f"/purge www.example.com page-{fault['kind']}")
        place.settle()
    for error in ("http_503", "drop"):
        place.post("slack/faults", {"web_api": [{"method": "chat.postMessage", "error": error}]})
        place.says("U0ANA", f"/purge www.example.com post-{error}")
        place.settle()


def unknown_in(expression: str, told: Scrape) -> list[str]:
    """Give what an expression names and the bot does not tell: metrics, labels, values."""
    text = re.sub(r"\[[^\]]*\]", "", expression)
    grouping = re.compile(r"\b(?:by|without)\s*\(([^)]*)\)")
    wrong: list[str] = []
    seen: set[str] = set(BY_PROMETHEUS)
    for name, matchers in re.findall(
        r"\b([a-zA-Z_:][\w:]*)\b\s*(\{[^}]*\})?", grouping.sub("", text)
    ):
        if name == "up" or name in WORDS:
            continue
        samples = told.samples.get(name)
        if samples is None:
            wrong.append(name)
            continue
        labels = {label for sample in samples for label, _ in sample}
        seen |= labels
        for label, operator, value in re.findall(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"', matchers):
            if label in BY_PROMETHEUS:
                continue
            if label not in labels:
                wrong.append(f"{name}{{{label}}}")
            values = {dict(sample).get(label) for sample in samples}
            wanted = set(value.split("|")) if "~" in operator else {value}
            wrong += [
                f"{name}{{{label}={each}}}"
                for each in wanted - values
                if (name, each) not in FAULTS_OF_OURS
            ]
    grouped = {label.strip() for group in grouping.findall(text) for label in group.split(",")}
    return wrong + sorted(grouped - seen)


@pytest.mark.parametrize("expression", expressions())
def test_every_expression_asks_for_what_there_is(told: Scrape, expression: str) -> None:
    assert unknown_in(expression, told) == []


@pytest.mark.parametrize(
    ("expression", "wrong"),
    [
        ("rate(purgebot_submissions[5m])", "purgebot_submissions"),
        ('purgebot_ready{replica="a"}', "purgebot_ready{replica}"),
        ('purgebot_submissions_total{outcome="okay"}', "purgebot_submissions_total{outcome=okay}"),
        ("sum by (knid) (purgebot_queue_waiting)", "knid"),
        ("avrage(purgebot_ready)", "avrage"),
    ],
    ids=["metric", "label", "value", "grouping", "function"],
)
def test_a_slip_in_an_expression_is_seen(told: Scrape, expression: str, wrong: str) -> None:
    assert wrong in unknown_in(expression, told)


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: str(panel["title"]))
def test_legends_name_labels_that_are_there(told: Scrape, panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
            assert label in target["expr"] or label in BY_PROMETHEUS | labels_in(target, told)


def labels_in(target: dict[str, Any], told: Scrape) -> set[str]:
    named = [name for name in told.samples if name in target["expr"]]
    return {label for name in named for sample in told.samples[name] for label, _ in sample}


def test_the_dashboard_can_be_imported_over_any_data_source() -> None:
    source = {"type": "prometheus", "uid": "${datasource}"}
    assert "datasource" in [each["name"] for each in DASHBOARD["templating"]["list"]]
    for panel in panels():
        assert panel["datasource"] == source
        assert all(target["datasource"] == source for target in panel["targets"])
    numbers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: str(rule["alert"]))
def test_every_alert_says_how_bad_it_is_and_where_to_read_on(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["description"]
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^#+ (.+)$", (ROOT / page).read_text(), re.MULTILINE)
    assert anchor in {heading.lower().replace(" ", "-") for heading in headings}


# Prometheus's own judgement


def promtool(*words: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    if shutil.which("promtool") is None:
        missing("promtool", "it is in Debian's package prometheus")
    return subprocess.run(
        ["promtool", *words],
        cwd=RULES.parent,
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_prometheus_takes_the_rules() -> None:
    checked = promtool("check", "rules", RULES.name)
    assert checked.returncode == 0, checked.stderr
    assert f"{len(ALERTS)} rules found" in checked.stdout


def test_each_alert_fires_when_it_should_and_only_then() -> None:
    played = promtool("test", "rules", PLAYED.name)
    assert played.returncode == 0, played.stdout + played.stderr


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: str(rule["alert"]))
def test_each_alert_is_played_both_ways(rule: dict[str, Any]) -> None:
    played = yaml.safe_load(PLAYED.read_text())["tests"]
    samples = [
        bool(each["exp_samples"])
        for story in played
        for each in story["promql_expr_test"]
        if f'alertname="{rule["alert"]}"' in each["expr"]
    ]
    assert set(samples) == {True, False}


def test_the_names_of_the_metrics_are_as_prometheus_wants_them(told: Scrape) -> None:
    ours = [line for line in told.text.splitlines(keepends=True) if "purgebot_" in line]
    linted = promtool("check", "metrics", given="".join(ours))
    assert (linted.returncode, linted.stdout + linted.stderr) == (0, "")


# What operators read


def test_every_metric_is_explained_and_every_explained_one_exists(told: Scrape) -> None:
    families = set(re.findall(r"^# TYPE (purgebot_\w+) ", told.text, re.MULTILINE))
    page = (ROOT / "docs" / "observe.md").read_text()
    explained = set(re.findall(r"^\| `(purgebot_\w+)", page, re.MULTILINE))
    assert explained == families
