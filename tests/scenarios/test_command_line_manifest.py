"""`purgebot manifest`: what Slack is told of the app, in each form in which it takes it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from slack_sdk import WebClient

from bot.demo.town import Town
from bot.slack.client import OPTIONAL_SCOPES
from tests.support.purgebot import ROOT, purgebot

SOURCE = (ROOT / "manifest.yml").read_text()
MANIFEST: dict[str, Any] = yaml.safe_load(SOURCE)


def printed(tmp_path: Path, *options: str) -> str:
    ended = purgebot("manifest", *options, folder=tmp_path)
    assert (ended.code, ended.err) == (0, "")
    return ended.out


def slack_takes(place: Town, manifest: Any) -> bool:
    """Whether the pretend Slack takes it, which looks at its shape and its limits."""
    client = WebClient(place.slack.workspace.config_token, base_url=place.urls["slack"] + "/api/")
    return bool(client.apps_manifest_validate(manifest=manifest)["ok"])


def test_it_prints_the_file_as_it_stands(tmp_path: Path) -> None:
    assert printed(tmp_path) == SOURCE


def test_manifest_json_is_the_same_as_it_prints(tmp_path: Path) -> None:
    """After a change: purgebot manifest --json > manifest.json"""
    assert (ROOT / "manifest.json").read_text() == printed(tmp_path, "--json")
    assert json.loads((ROOT / "manifest.json").read_text()) == MANIFEST


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("https://purge.example.com", "https://purge.example.com/slack/events"),
        ("https://purge.example.com/", "https://purge.example.com/slack/events"),
        ("https://example.com:8443/bots/purge/", "https://example.com:8443/bots/purge"),
    ],
)
@pytest.mark.parametrize("options", [(), ("--json",)], ids=["YAML", "JSON"])
def test_for_signed_http_it_names_the_address_instead_of_socket_mode(
    tmp_path: Path, given: str, address: str, options: tuple[str, ...]
) -> None:
    manifest = yaml.safe_load(printed(tmp_path, "--http", given, *options))
    assert manifest["settings"]["socket_mode_enabled"] is False
    assert manifest["settings"]["interactivity"].pop("request_url") == address
    assert manifest["features"]["slash_commands"][0].pop("url") == address
    manifest["settings"]["socket_mode_enabled"] = True
    assert manifest == MANIFEST


@pytest.mark.parametrize(
    "address", ["http://x.example.com", "x.example.com", "https://", "https://u@x.org", "https://["]
)
def test_an_address_at_which_slack_would_find_nothing_is_refused(
    tmp_path: Path, address: str
) -> None:
    ended = purgebot("manifest", "--http", address, folder=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert "is no address such as https://purgebot.example.com" in ended.err


def test_the_link_opens_slacks_page_with_this_manifest(tmp_path: Path, site: Town) -> None:
    link = printed(tmp_path, "--link").strip()
    parts = urlsplit(link)
    assert (parts.scheme, parts.hostname, parts.path) == ("https", "api.slack.com", "/apps")
    query = parse_qs(parts.query, strict_parsing=True)
    assert query.pop("new_app") == ["1"]
    [manifest] = query.pop("manifest_json")
    assert query == {}
    assert json.loads(manifest) == MANIFEST
    assert slack_takes(site, json.loads(manifest))
    # Whatever follows in a line of Markdown: nothing in it ends a link early.
    assert not set(link) & set("() <>\"'[]")
    assert len(link) < 2000  # what any browser takes


def test_each_page_that_has_the_link_has_this_one(tmp_path: Path) -> None:
    """After a change, put there what `purgebot manifest --link` prints."""
    link = printed(tmp_path, "--link").strip()
    found = {
        page.name: re.findall(
            r"https://api\.slack\.com/apps\?new_app=1&[^\s)>\"]+", page.read_text()
        )
        for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))
    }
    assert found["start.md"] != []
    assert {each for links in found.values() for each in links} == {link}


@pytest.mark.parametrize("options", [(), ("--http", "https://purge.example.com")])
def test_each_value_with_a_colon_is_quoted_and_slack_takes_the_whole(
    tmp_path: Path, site: Town, options: tuple[str, ...]
) -> None:
    text = printed(tmp_path, *options)
    unquoted = [
        event.value
        for event in yaml.parse(text)
        if isinstance(event, yaml.ScalarEvent) and ":" in event.value and not event.style
    ]
    assert unquoted == []
    assert slack_takes(site, yaml.safe_load(text))


def test_what_may_be_left_out_is_optional_to_slack_too_and_nothing_else() -> None:
    scopes = MANIFEST["oauth_config"]["scopes"]
    assert set(scopes["bot_optional"]) == OPTIONAL_SCOPES
    assert set(scopes["bot"]) > OPTIONAL_SCOPES
