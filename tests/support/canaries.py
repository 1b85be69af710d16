"""Secrets that tests run with, and a search for them in everything that is written anywhere.

Each is a word that stands nowhere else.  `tests/conftest.py` looks for them at the end of each test
in a town, in each line of the log, and in what processes say.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy import make_url

from bot.demo.town import Town
from bot.simulators.cdn.account import KEY
from bot.simulators.slack import SlackSim
from tests.support.kept_spans import KeptSpans

_SLACK = SlackSim(now=time.time)
APPROVAL_KEY = "canary-approval-key-0123456789abcdef"
DATABASE_PASSWORD = "canary-database-password"
"""PostgreSQL asks those on this machine for none, and takes any."""
CANARIES = {
    "bot token": _SLACK.bot_token,
    "app token": _SLACK.app_token,
    "signing secret": _SLACK.signing_secret,
    "CDN key": KEY.secret,
    "approval key": APPROVAL_KEY,
    "database password": DATABASE_PASSWORD,
}


def found_in(text: str, secrets: dict[str, str] = CANARIES) -> list[str]:
    """Give the names of the secrets that stand in a text."""
    return [name for name, secret in secrets.items() if secret in text]


def leaks(place: Town, spans: KeptSpans | None = None) -> list[str]:
    """Give each secret of a town that was written somewhere, and where; also in these spans."""
    slack = place.slack
    secrets = CANARIES | {
        "bot token": slack.bot_token,
        "app token": slack.app_token,
        "signing secret": slack.signing_secret,
    }
    written = [*_written(place), ("traces", spans.text if spans else "")]
    return [f"{name} in {where}" for where, text in written for name in found_in(text, secrets)]


def _written(place: Town) -> Iterator[tuple[str, str]]:
    """Give what was written, by where: cards and forms, pages, the database, files beside it."""
    workspace = place.slack.workspace
    yield "messages", repr(workspace.messages)
    yield "forms", repr((workspace.modals, workspace.homes))
    yield "calls of Slack's", repr(workspace.calls)
    if place.bot is not None:
        for path in ("/metrics", "/readyz", "/healthz"):
            page = place.bot.status.page(path)
            yield path, page.body.decode() if page else ""
    yield "the page", json.dumps(place.get("slack/state", {"as": "U0ANA"}))
    if place.database_url.startswith("sqlite"):
        file = make_url(place.database_url).database
        assert file is not None, "a town has a file"
        for each in Path(file).parent.glob("purgebot.sqlite3*"):
            yield each.name, each.read_bytes().decode(errors="replace")
    else:
        yield from _tables(place.database_url)


def _tables(url: str) -> Iterator[tuple[str, str]]:
    try:
        with psycopg.connect(url, connect_timeout=3) as session:
            session.execute("SET lock_timeout = 1000")
            tables = session.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            ).fetchall()
            for (table,) in tables:
                rows = SQL("SELECT row::text FROM {} AS row").format(Identifier(table))
                yield table, repr(session.execute(rows).fetchall())
    except psycopg.Error:
        return  # a test has shut it, or taken it away
