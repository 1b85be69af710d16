"""`purgebot manifest`: what Slack has to know of the app, for Socket Mode or for signed HTTP."""

from __future__ import annotations

import json
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

import typer

from bot.cli.shipped import shipped

CREATE_APP = "https://api.slack.com/apps?new_app=1&manifest_json="
"""Slack's page “Create an app”, filled in.
https://docs.slack.dev/app-manifests/configuring-apps-with-app-manifests#sharing
"""


def manifest(
    http: Annotated[
        str | None,
        typer.Option(metavar="URL", help="For signed HTTP: the address at which Slack finds it."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON rather than YAML.")] = False,
    link: Annotated[
        bool, typer.Option("--link", help="The address that creates the app with it.")
    ] = False,
) -> None:
    """Print the manifest from which Slack creates the app."""
    import yaml

    text = shipped("manifest.yml").read_text(encoding="utf-8")
    content = yaml.safe_load(text)
    if http is not None:
        _serve_at(content, _events_address(http))
        text = yaml.dump(content, Dumper=_quoting(), sort_keys=False, allow_unicode=True, width=120)
    if link:
        text = create_app_link(content)
    elif as_json:
        text = json.dumps(content, indent=2, ensure_ascii=False)
    typer.echo(text.rstrip("\n"))


def create_app_link(content: dict[str, Any]) -> str:
    """Return the address of Slack's page that creates an app from this manifest."""
    return CREATE_APP + quote(json.dumps(content, separators=(",", ":")), safe="")


def _events_address(url: str) -> str:
    """Return where Slack posts to.  Without a path it is the one that the bot serves."""
    try:
        parts = urlsplit(url)
        host = parts.hostname if parts.scheme == "https" else None
    except ValueError:
        host = None
    if not host or parts.query or parts.fragment or "@" in parts.netloc:
        raise typer.BadParameter(f"{url} is no address such as https://purgebot.example.com")
    return parts._replace(path=parts.path.rstrip("/") or "/slack/events").geturl()


def _serve_at(content: dict[str, Any], address: str) -> None:
    content["settings"]["socket_mode_enabled"] = False
    content["settings"]["interactivity"]["request_url"] = address
    for command in content["features"]["slash_commands"]:
        command["url"] = address


def _quoting() -> type[Any]:
    """Return a dumper that quotes what holds a colon: Slack may refuse unquoted scopes.
    https://github.com/open-cli-collective/slack-chat-api/pull/103
    """
    import yaml

    class Quoting(yaml.SafeDumper):
        pass

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
        style = '"' if ":" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Quoting.add_representer(str, text)
    return Quoting
